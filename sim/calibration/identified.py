"""What the calibration tells apart: which parameters the record narrows, alone or only together with others,
how many draws from the prior meet it, and what each target adds.

Everything here is read off the posterior on the emulator and off runs that are there; nothing is run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import cast

import numpy as np
import pandas as pd
from scipy import stats

from sim.calibration import search
from sim.calibration.bank import prior_points
from sim.calibration.distance import FAR, centre, written
from sim.calibration.emulator import Emulator
from sim.calibration.futures import chances, futures
from sim.calibration.library import Library
from sim.calibration.targets import Target
from sim.scenario import Parameters

CLEAR = 0.05
"""Probability of a false alarm in a whole table, after Holm's correction."""
NARROW = 0.8
"""Width of the middle 90% in shares of the prior, up to which a parameter is narrowed; 0.9 is the prior's."""
OFF_MIDDLE = 0.1
"""How far, in shares of the prior, the median of a shifted parameter lies from the prior's."""
TOGETHER = 0.3
"""Rank correlation from which two parameters hang together."""
COMPARED = 1024
POINTS = 400


def holm(p: np.ndarray) -> np.ndarray:
    """p-values corrected for their number (Holm 1979), float64 like `p`; NaN stays and does not count."""
    found = np.full(len(p), np.nan)
    there = np.flatnonzero(~np.isnan(p))
    order = there[np.argsort(p[there], kind="stable")]
    steps = p[order] * (len(order) - np.arange(len(order)))
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return found


def effective(searches: Sequence[np.ndarray]) -> np.ndarray:
    """As how many independent points the points of several searches count, float64 (parameters).

    Points of one search hang together, and all of one search on the rows that stood for its chance. So the
    searches are the unit: the variance of a mean over them says how much it moves. Few searches say that
    badly for one parameter, so it counts at most as half of the parameters do.
    """
    means = np.array([shares.mean(axis=0) for shares in searches])
    between = np.maximum(means.var(axis=0, ddof=1) / len(searches), 1e-12)
    own = np.concatenate(searches).var(axis=0) / between
    return np.asarray(np.clip(np.minimum(own, np.median(own)), 1.0, sum(map(len, searches))))


def narrowed(names: Sequence[str], searches: Sequence[np.ndarray], parameters: Parameters) -> pd.DataFrame:
    """Prior against posterior, a row a parameter.

    The test is Kolmogorov's and Smirnov's of the shares against the uniform distribution, of as many points
    as all searches count (`effective`). A parameter is *narrowed* if the test is clear and the middle 90%
    hold at most `NARROW` of the prior; *shifted* if it is clear and the median is off the middle by
    `OFF_MIDDLE` or more; else *not identified*.

    ``searches``: of the posterior, with seeds of their own, at least 2, better 8; each float64 (points,
    parameters).
    """
    shares = np.concatenate(searches)
    counted = effective(searches)
    ends = np.quantile(shares, [0.05, 0.5, 0.95], axis=0)
    p = np.array([_uniform(column, count) for column, count in zip(shares.T, counted, strict=True)])
    rows = []
    for k, (name, corrected) in enumerate(zip(names, holm(p), strict=True)):
        passport = parameters.passport(name)
        before = [passport.at(share) for share in (0.05, 0.5, 0.95)]
        after = [passport.at(float(share)) for share in ends[:, k]]
        width = float(ends[2, k] - ends[0, k])
        rows.append(
            {
                "parameter": name,
                "unit": passport.unit,
                **dict(zip(("prior_low", "prior_median", "prior_high"), before, strict=True)),
                **dict(zip(("low", "median", "high"), after, strict=True)),
                "median_share": float(ends[1, k]),
                "width": width,
                "points": float(counted[k]),
                "p": float(corrected),
                "verdict": verdict(float(corrected), width, float(ends[1, k])),
            }
        )
    return pd.DataFrame(rows)


def _uniform(shares: np.ndarray, count: float) -> float:
    """p-value of shares against the uniform distribution, as of so many independent ones."""
    gap = float(stats.kstest(shares, "uniform").statistic)
    return float(stats.kstwo.sf(gap, max(round(count), 1)))


def verdict(p: float, width: float, median: float) -> str:
    """In words; the rule stands under `narrowed`."""
    if p >= CLEAR:
        return "not identified"
    if width <= NARROW:
        return "narrowed"
    return "shifted" if abs(median - 0.5) >= OFF_MIDDLE else "not identified"


def pairs(
    names: Sequence[str],
    searches: Sequence[np.ndarray],
    parameters: Parameters,
    which: Sequence[int],
    seed: int,
) -> pd.DataFrame:
    """Pairs of parameters of which the record knows the product or the quotient better than either alone.

    Of ``which`` (numbers of parameters) every pair is tried: Spearman's rank correlation, corrected for the
    number of pairs, must be clear and at least `TOGETHER`; points count as in `narrowed`. Then the
    combination, a product where they go against each other and else a quotient (a sum or difference where a
    value is not above 0), has to be narrower than both: widths of the middle 90% against those that
    independent draws from the prior have.
    """
    which = list(which)
    columns = ("first", "second", "combination", "correlation", "p", "width", "first_width", "second_width")
    if len(which) < 2:
        return pd.DataFrame(columns=list(columns))
    shares, counted = np.concatenate(searches), effective(searches)
    ranks = stats.rankdata(shares[:, which], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.nan_to_num(np.corrcoef(ranks.T))
    both = list(combinations(range(len(which)), 2))
    rho = np.array([correlation[a, b] for a, b in both])
    size = np.array([min(counted[which[a]], counted[which[b]]) for a, b in both])
    p = holm(_no_correlation(rho, size))
    prior = prior_points(names, COMPARED, seed)
    rows = []
    for (a, b), r, corrected in zip(both, rho, p, strict=True):
        if corrected < CLEAR and abs(r) >= TOGETHER:
            row = _pair(names, shares, prior, parameters, which[a], which[b], float(r))
            together, *alone = (cast(float, row[k]) for k in ("width", "first_width", "second_width"))
            if together < min(alone):
                rows.append(row | {"correlation": float(r), "p": float(corrected)})
    found = pd.DataFrame(rows, columns=list(columns))
    return found.sort_values("width", kind="stable", ignore_index=True)


def _no_correlation(rho: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Two-sided p-values of rank correlations in samples of these sizes (Student's approximation)."""
    free = np.maximum(size - 2.0, 1e-9)
    t = np.abs(rho) * np.sqrt(free / np.maximum(1.0 - rho**2, 1e-300))
    return np.where(size > 3.0, 2.0 * stats.t.sf(t, free), 1.0)


def _pair(
    names: Sequence[str],
    shares: np.ndarray,
    prior: np.ndarray,
    parameters: Parameters,
    first: int,
    second: int,
    rho: float,
) -> dict[str, object]:
    """Widths of two parameters and of their combination, as parts of those of the prior."""
    passports = [parameters.passport(names[k]) for k in (first, second)]
    after, before = (
        [
            np.array([p.at(float(s)) for s in points[:, k]])
            for p, k in zip(passports, (first, second), strict=True)
        ]
        for points in (shares, prior)
    )
    positive = all((values > 0.0).all() for values in (*after, *before))
    if positive:
        after, before = [np.log(v) for v in after], [np.log(v) for v in before]
    sign = 1.0 if rho < 0.0 else -1.0
    scale = [1.0, 1.0] if positive else [1.0 / max(float(v.std()), 1e-300) for v in before]
    joint = [sum_of[0] * scale[0] + sign * sum_of[1] * scale[1] for sum_of in (after, before)]
    word = ("product" if rho < 0.0 else "quotient") if positive else ("sum" if rho < 0.0 else "difference")
    return {
        "first": names[first],
        "second": names[second],
        "combination": word,
        "width": _wide(joint[0]) / _wide(joint[1]),
        "first_width": _wide(after[0]) / _wide(before[0]),
        "second_width": _wide(after[1]) / _wide(before[1]),
    }


def _wide(values: np.ndarray) -> float:
    low, high = np.quantile(values, [0.05, 0.95])
    return max(float(high - low), 1e-300)


def pass_rates(library: Library, targets: Sequence[Target]) -> pd.DataFrame:
    """How many draws from the prior, the first wave, lie within three standard deviations of each target and
    of all, with an exact 90% interval (Clopper & Pearson 1934). A run without a value has not passed.
    """
    first = library.only(library.wave == 0)
    near = np.nan_to_num(first.beyond(targets), nan=np.inf) <= FAR
    passed = {target.id: near[:, k] for k, target in enumerate(targets)}
    rows = []
    for name, good in (*passed.items(), ("all", near.all(axis=1))):
        count, runs = int(good.sum()), len(good)
        between = stats.binomtest(count, runs).proportion_ci(0.90, "exact")
        rows.append(
            {
                "target": name,
                "passed": count,
                "runs": runs,
                "share": count / runs,
                "low": float(between.low),
                "high": float(between.high),
            }
        )
    return pd.DataFrame(rows)


def without_each(
    emulator: Emulator,
    seed: int,
    count: int = POINTS,
    told: Callable[[int], None] = lambda done: None,
) -> pd.DataFrame:
    """What each target adds: the posterior and the forecast without it, and whether it is then predicted.

    The emulator stays (`Emulator.without`). For the registered cases of the second half of 2021 and of the
    last year a row gives the median and the width of the middle 90%, relative to the median. `holds` says
    whether the emulated 90% interval of the target that was left out, with its error, holds the record.
    Chance of the search moves the numbers: the row `again` is the full posterior with another seed. ``told``
    is told after each row how many are done.
    """
    rows = []
    for target, other in ((None, 0), (None, 1), *((target, 0) for target in emulator.targets)):
        row = _left_out(emulator, target, seed + other, count)
        rows.append(row | {"left_out": "again"} if other else row)
        told(len(rows))
    return pd.DataFrame(rows)


def _left_out(emulator: Emulator, target: Target | None, seed: int, count: int) -> dict[str, object]:
    less = emulator if target is None else emulator.without(target.id)
    shares = search.posterior(less, count, seed).shares
    rows = chances(less, shares, seed)
    months = emulator.library.months
    cases = np.exp(futures(less, shares, rows))
    inside = (months >= pd.Timestamp(2021, 7, 1)) & (months <= pd.Timestamp(2021, 12, 1))
    half = cases[:, inside].sum(axis=1)
    year = cases[:, months.year == months.year[-1]].sum(axis=1)
    row: dict[str, object] = {"left_out": "nothing" if target is None else target.id}
    for name, values in (("half", half), ("year", year)):
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        row |= {f"{name}_median": float(middle), f"{name}_width": float((high - low) / middle)}
    if target is None:
        return row | {"predicted_low": "", "predicted_high": "", "holds": ""}
    place = emulator.targets.index(target)
    away = np.array(
        [
            emulator.emulated(point[None, :], np.array([row]))[0, 0, place]
            for point, row in zip(shares, rows, strict=True)
        ]
    )
    rng = np.random.Generator(np.random.PCG64([seed, 5]))
    low, high = np.quantile(away + rng.standard_normal(len(away)), [0.05, 0.95])
    _, first, last = centre(target)
    return row | {
        "predicted_low": written(target, _value(target, float(low))),
        "predicted_high": written(target, _value(target, float(high))),
        "holds": bool(low <= last and high >= first),
    }


def _value(target: Target, away: float) -> float:
    """The value that lies so many standard deviations from where a target counts from."""
    there = centre(target)[0] + away * target.spread
    return math.exp(there) if target.scale == "log" else there
