"""Synthetic truth: does the calibration find what is known to be there, as often as it says?

Runs of the bank become the world, one after the other: the calibration is shown only what a record of that
run would hold, its values of the targets with their errors, and has to find its parameters and its future.
Of many truths a 90% interval should hold 90%, and the share of the posterior below the truth should be
anything between 0 and 1 alike (Cook et al. 2006; Talts et al. 2018).

How the record of a truth is made. Where a target has a value it becomes the run's, with a normal error of the
target's spread, and the band moves along. Where the record knows only a sign or a range, it says on which
side of it the run's value lies, after such an error: inside, below or above. Days and roles stay.

Which truths. Half come from the first wave, which is spread over the prior, half from the later ones; of each
those whose records are nearest to the real one. They are chosen by their records alone, so a right
calibration still has nominal coverage of the first; the later ones lie where the real record is, closer
together than the prior has them, and a right calibration covers more of those than it says.

What is reused. Of the bank all but the truth's own run. Emulator and posterior are made anew for each truth,
from the runs nearest to *its* record. The waves were planned for the real record, so truths far from it meet
a thinner bank than the record does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

from sim.calibration import emulator as emulation
from sim.calibration import search
from sim.calibration.distance import beyond
from sim.calibration.emulator import Emulator, log_paths
from sim.calibration.futures import chances, futures
from sim.calibration.library import Library
from sim.calibration.targets import Target

TRUTH_SALT = 17
NEAR = 0.25
"""Truths come from the share of runs whose records are nearest to the real one."""
NARROWED = 0.8
"""A parameter counts as identified where the middle 90% of the posterior are so narrow, in shares of the
prior, or narrower; nothing learned is 0.9."""
POINTS = 400
BINS = 10
LEVELS = (0.5, 0.9)
CLEAR = 0.05
Learn = Callable[[Library, Sequence[Target], int], Emulator]


@dataclass(frozen=True)
class Coverage:
    """``truths``: a row for each truth and quantity: `truth` (number of its run), `wave`, `kind`, `quantity`,
    `rank` (share of the posterior below the truth), `width` (of the middle 90%), `identified`.
    ``signs``: a row for each truth and month: probability of a fall on the year, and whether it fell.
    ``coverage``: a row for each group of quantities, group of truths and level.
    ``ranks``: how the ranks of each group are spread, and whether they are uniform.
    """

    truths: pd.DataFrame
    signs: pd.DataFrame
    coverage: pd.DataFrame
    ranks: pd.DataFrame


def coverage(
    library: Library,
    targets: Sequence[Target],
    origin: date,
    truths: int,
    seed: int,
    learn: Learn = emulation.fit,
    told: Callable[[int], None] = lambda done: None,
) -> Coverage:
    """Calibrate to so many synthetic truths with what was known on a day, and count what is found.

    Parameters
    ----------
    targets
        Those that are fitted and were known by ``origin`` are used, the others left alone.
    learn
        How an emulator is made of a library; another one shows whether its faults would be found.
    told
        Is told after each truth how many are done.

    Raises `ValueError` where the library has fewer complete runs than truths are asked for.
    """
    known = [target for target in targets if target.role == "fit" and target.known <= origin]
    noise = np.random.Generator(np.random.PCG64([seed, TRUTH_SALT])).standard_normal(
        (len(library), len(known))
    )
    rows, signs = [], []
    for done, truth in enumerate(chosen(library, known, noise, truths, seed), start=1):
        record = recorded(library, known, noise, int(truth))
        others = library.only(np.arange(len(library)) != truth)
        learned = learn(others, record, seed)
        found = search.posterior(learned, POINTS, seed)
        paths = futures(learned, found.shares, chances(learned, found.shares, seed))
        rows += _parameters(library, int(truth), found.shares)
        rows += _forecasts(library, int(truth), paths, origin)
        signs += _signs(library, int(truth), paths, origin)
        told(done)
    table, falls = pd.DataFrame(rows), pd.DataFrame(signs)
    return Coverage(table, falls, _coverage(table, falls), _ranks(table))


def chosen(
    library: Library, targets: Sequence[Target], noise: np.ndarray, count: int, seed: int
) -> np.ndarray:
    """Numbers of the runs that are truths: half from the first wave, half from the later ones, if any."""
    away = np.zeros(len(library))
    for target, seen in zip(targets, (library.deviations(targets) + noise).T, strict=True):
        away += np.where(np.isfinite(seen), beyond(target, seen) ** 2, math.inf)
    first = library.wave == library.wave.min()
    later = ~first & np.isfinite(away)
    rng = np.random.Generator(np.random.PCG64([seed, TRUTH_SALT, 1]))
    shares = (count, 0) if not later.any() else (count - count // 2, count // 2)
    found = []
    for which, wanted in zip((first, later), shares, strict=True):
        near = np.flatnonzero(which)[np.argsort(away[which], kind="stable")]
        near = near[np.isfinite(away[near])]
        near = near[: max(wanted, int(NEAR * len(near)))]
        if len(near) < wanted:
            raise ValueError(f"{count} truths are asked for, and too few runs are complete")
        found.append(rng.permutation(near)[:wanted])
    return np.concatenate(found)


def recorded(
    library: Library, targets: Sequence[Target], noise: np.ndarray, truth: int
) -> tuple[Target, ...]:
    """The targets as a record of a run would hold them; see the module."""
    values = library.values.iloc[truth]
    return tuple(
        shown(target, float(values[target.id]), float(error))
        for target, error in zip(targets, noise[truth], strict=True)
    )


def shown(target: Target, value: float, error: float) -> Target:
    """A target as a record shows it of a run with this value, with an error in standard deviations."""
    log = target.scale == "log"
    seen = (math.log(max(value, 1e-300)) if log else value) + error * target.spread
    ends = tuple(
        None if end is None else math.log(end) if log and end > 0.0 else end for end in target.band or ()
    )
    low, high = ends if ends else (None, None)
    back = math.exp if log else float
    band: tuple[float | None, float | None]
    if target.value is None:
        if low is not None and seen < low:
            band = (None, target.band[0] if target.band else None)
        elif high is not None and seen > high:
            band = (target.band[1] if target.band else None, None)
        else:
            return target
        return target.model_copy(update={"band": band})
    moved = seen - (math.log(target.value) if log else target.value)
    band = (None if low is None else back(low + moved), None if high is None else back(high + moved))
    return target.model_copy(update={"value": back(seen), "band": band})


def _row(
    library: Library, truth: int, kind: str, name: str, sample: np.ndarray, value: float
) -> dict[str, object]:
    low, high = np.quantile(sample, [0.05, 0.95])
    below = (sample < value).sum() + 0.5 * (sample == value).sum()
    return {
        "truth": truth,
        "wave": int(library.wave[truth]),
        "kind": kind,
        "quantity": name,
        "rank": float((below + 0.5) / (len(sample) + 1.0)),
        "width": float(high - low),
        "identified": kind != "parameter" or bool(high - low <= NARROWED),
    }


def _parameters(library: Library, truth: int, shares: np.ndarray) -> list[dict[str, object]]:
    return [
        _row(library, truth, "parameter", name, shares[:, k], float(library.shares[truth, k]))
        for k, name in enumerate(library.names)
    ]


def _forecasts(library: Library, truth: int, paths: np.ndarray, origin: date) -> list[dict[str, object]]:
    """Months from that of the origin on, and the sum of 2022, on a logarithmic scale."""
    path = log_paths(library.only(np.array([truth])))[0]
    rows = [
        _row(library, truth, "month", f"{month:%Y-%m}", paths[:, k], float(path[k]))
        for k, month in enumerate(library.months)
        if month >= pd.Timestamp(origin).replace(day=1)
    ]
    year = library.months.year == library.months.year[-1]
    total = np.log(np.exp(paths[:, year]).sum(axis=1))
    name = f"{library.months.year[-1]}"
    return [*rows, _row(library, truth, "year", name, total, float(np.log(np.exp(path[year]).sum())))]


def _signs(library: Library, truth: int, paths: np.ndarray, origin: date) -> list[dict[str, object]]:
    """Whether a month from the origin on lies below the same month of the year before."""
    path = log_paths(library.only(np.array([truth])))[0]
    return [
        {
            "truth": truth,
            "wave": int(library.wave[truth]),
            "month": f"{month:%Y-%m}",
            "p_fall": float((paths[:, k] < paths[:, k - 12]).mean()),
            "fell": bool(path[k] < path[k - 12]),
        }
        for k, month in enumerate(library.months)
        if k >= 12 and month >= pd.Timestamp(origin).replace(day=1)
    ]


def _groups(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """All truths, and where there are both those of the first wave and the later ones."""
    first = table["wave"] == 0
    parts = [("all", table), ("first wave", table[first]), ("later waves", table[~first])]
    return parts if first.any() and not first.all() else parts[:1]


def _kinds(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    parameters = table[table["kind"] == "parameter"]
    return [
        ("all parameters", parameters),
        ("identified parameters", parameters[parameters["identified"]]),
        ("months ahead", table[table["kind"] == "month"]),
        ("last year", table[table["kind"] == "year"]),
    ]


def _coverage(table: pd.DataFrame, signs: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for group, ours in _groups(table):
        for kind, part in _kinds(ours):
            for level in LEVELS:
                held = (part["rank"] - 0.5).abs() <= level / 2.0
                rows.append(_covered(kind, group, level, held.groupby(part["truth"]).mean().to_numpy()))
    for group, falls in _groups(signs):
        if len(falls):
            by = falls.groupby("truth")[["p_fall", "fell"]].mean()
            expected = float(by["p_fall"].mean())
            gap = (by["fell"] - by["p_fall"]).to_numpy(dtype="float64") + expected
            rows.append(_covered("falls on the year", group, expected, gap))
    return pd.DataFrame(rows)


def _covered(kind: str, group: str, nominal: float, by_truth: np.ndarray) -> dict[str, object]:
    """Mean coverage over truths, which are the unit, with its standard error.

    Where a truth has one quantity the error is that of a binomial share of the nominal size. Else it is taken
    over truths, and never less than if all that a truth holds were independent of nothing else.
    """
    count = len(by_truth)
    if count == 0:
        return _line(kind, group, nominal, math.nan, math.nan, 0)
    single = bool(np.isin(by_truth, (0.0, 1.0)).all())
    if single or count < 2:
        error = math.sqrt(nominal * (1.0 - nominal) / count)
    else:
        error = float(by_truth.std(ddof=1)) / math.sqrt(count)
    return _line(kind, group, nominal, float(by_truth.mean()), error, count)


def _line(
    kind: str, group: str, nominal: float, covered: float, error: float, count: int
) -> dict[str, object]:
    return {
        "what": kind,
        "truths": group,
        "nominal": nominal,
        "covered": covered,
        "error": error,
        "count": count,
        "verdict": verdict(kind, nominal, covered, error, count),
    }


def verdict(kind: str, nominal: float, covered: float, error: float, count: int) -> str:
    """In words. Beyond two standard errors coverage is not nominal; within them it is "near nominal" only
    where a gap of 15 points would have been seen, else there are too few truths to tell.
    """
    if count == 0 or math.isnan(covered):
        return "none"
    away = covered - nominal
    if abs(away) > 2.0 * error and abs(away) > 0.02:
        if kind == "falls on the year":
            return "more falls than it says" if away > 0 else "fewer falls than it says"
        return "too wide" if away > 0 else "too narrow"
    return "near nominal" if 2.0 * error <= 0.15 else "too few truths to tell"


def _ranks(table: pd.DataFrame) -> pd.DataFrame:
    """Histogram of ranks, and the smallest p-value over quantities of a Kolmogorov-Smirnov test against the
    uniform distribution, corrected for their number (Bonferroni): truths are independent, quantities are not.
    """
    rows = []
    for group, ours in _groups(table):
        for kind, part in _kinds(ours):
            tests = [
                float(stats.kstest(ranks.to_numpy(), "uniform").pvalue)
                for _, ranks in part.groupby("quantity")["rank"]
                if len(ranks) >= 5
            ]
            least = min(1.0, min(tests) * len(tests)) if tests else math.nan
            share = np.histogram(part["rank"], bins=BINS, range=(0.0, 1.0))[0] / max(len(part), 1)
            words = (
                "none" if not tests else "uniform as far as this tells" if least >= CLEAR else "not uniform"
            )
            rows.append(
                {
                    "what": kind,
                    "truths": group,
                    **{f"rank_{k / BINS:.1f}": float(value) for k, value in enumerate(share)},
                    "p": least,
                    "verdict": words,
                }
            )
    return pd.DataFrame(rows)
