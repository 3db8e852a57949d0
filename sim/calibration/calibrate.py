"""Calibration: which points of the prior the record leaves, in waves over a bank of runs.

A wave over the prior; one between the point values, which an earlier search by hand found, and the prior;
waves of history matching, spread evenly over what no target rules out on the emulator; then generations drawn
from the emulator's posterior. After each wave the emulator learns anew from all runs
of the bank.

The emulator proposes, the model decides: a draw is *plausible* if its own run passes two tests. It lies
within three standard deviations of every target that was fitted, those of the record, of the model and of
chance together; and its squared distances from all targets add up to no more than in three of four runs at
the point values, which differ by chance alone: closer than that cannot be told from luck (a tolerance, as in
approximate Bayesian computation). Plausible runs of the first wave are the prior cut down to what is
plausible; those of generations lean to where the record is likely, so the set is no exact posterior.

A run that was picked because it meets the record met it with some luck. So plausible draws are run again, by
a chance that had no part in picking them, and only those runs say which targets the draws meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sim.calibration import emulator as emulation
from sim.calibration import search
from sim.calibration.bank import as_draws, point_values, prior_points, start_points
from sim.calibration.bank_folder import Bank, Kind, Wave
from sim.calibration.distance import FAR, inside
from sim.calibration.emulator import Emulator, distance
from sim.calibration.library import Library, on_path
from sim.calibration.targets import Target
from sim.scenario.draws import Draws

FREE = ("prior", "start", "chance")
NARROW = ("start", "chance")
"""Waves whose runs are no draws: they lie close to the point values in every parameter, known or not."""
CHANCE = 24
"""Runs at the point values, which tell how large chance is."""
MOST_AGAIN = 100
"""Plausible draws that are run once more: what passed once may have been lucky."""
TOLERANCE = 0.75
ORDER_SALT = 16
CANDIDATES = 1000
"""Points that the search moves; a wave takes the first of them, which are in no order."""


@dataclass(frozen=True)
class Plan:
    """How many runs each wave has, and how many waves of each kind there are."""

    prior: int
    start: int
    matching: int
    matching_waves: int
    generation: int
    generations: int

    def kinds(self) -> list[tuple[Kind, int]]:
        """The waves in order, with their runs."""
        prior: list[tuple[Kind, int]] = [("prior", self.prior)]
        prior += [("start", self.start)] if self.start else []
        prior += [("chance", CHANCE)]
        matching: list[tuple[Kind, int]] = [("matching", self.matching)] * self.matching_waves
        posterior: list[tuple[Kind, int]] = [("posterior", self.generation)] * self.generations
        return prior + matching + posterior


@dataclass(frozen=True)
class Question:
    """What is calibrated to: targets that are fitted, and a label for them in the bank."""

    label: str
    targets: tuple[Target, ...]

    @property
    def fitted(self) -> tuple[Target, ...]:
        """The targets that narrow parameters."""
        return tuple(target for target in self.targets if target.role == "fit")


def there(bank: Bank, plan: Plan, question: Question) -> list[Wave | None]:
    """The waves of a plan that were planned already, in its order; None for each that was not.

    The first waves, which no target has touched, serve every question.
    """
    ours = [wave for wave in bank.waves() if wave.kind in FREE or wave.label == question.label]
    found: list[Wave | None] = []
    for kind, _ in plan.kinds():
        place = next((k for k, wave in enumerate(ours) if wave.kind == kind), None)
        found.append(None if place is None else ours.pop(place))
    return found


def planned(bank: Bank, kind: Kind, count: int, question: Question, scouts: Library | None = None) -> Wave:
    """Plan the next wave, from all runs that the bank holds, and from ``scouts`` (see `emulator.fit`)."""
    waves = bank.waves()
    if kind == "prior":
        return bank.add(kind, question.label, prior_points(bank.names, count, bank.seed), {})
    if kind == "start":
        points = start_points(bank.names, count, bank.seed, bank.scenario.parameters)
        return bank.add(kind, question.label, points, {})
    if kind == "chance":
        here = point_values(bank.names, bank.scenario.parameters)
        return bank.add(kind, question.label, np.tile(here, (count, 1)), {})
    ours = [wave for wave in waves if bank.scenario.rival == "none" or wave.kind != "chance"]
    learned = emulation.fit(bank.library(ours, question.fitted), question.fitted, bank.seed, scouts)
    find = search.left_over if kind == "matching" else search.posterior
    found = find(learned, max(CANDIDATES, count), bank.seed * 100 + len(waves))
    about = {
        "log_share": found.log_share,
        "steps": found.steps,
        "accepted": found.accepted,
        "learned_from": len(learned.library),
        "active": [bank.names[k] for k in learned.active],
        "explained": dict(explained(learned)),
    }
    return bank.add(kind, question.label, found.shares[:count], about)


def explained(learned: Emulator) -> Iterator[tuple[str, float]]:
    """How much of the variance among unseen runs each prediction explains, shapes of the path by number."""
    shapes = [f"path shape {number + 1}" for number in range(len(learned.shapes))]
    others = [target.id for target in learned.targets if not on_path(target)]
    yield from zip([*shapes, *others], learned.explained.tolist(), strict=True)


def chance(library: Library, targets: Sequence[Target]) -> np.ndarray:
    """Standard deviation that chance alone gives, in those of record and model, float64 (targets).

    ``library`` holds runs at one point.
    """
    by_target = np.ascontiguousarray(library.deviations(targets).T)
    return np.asarray(np.nanstd(by_target, axis=1, ddof=1))


def away(library: Library, targets: Sequence[Target], spread: np.ndarray) -> np.ndarray:
    """How implausible each run is by each target: how many standard deviations of record, model and chance
    (``spread``, see `chance`) it lies beyond it; infinite where it has no value, float64 (runs, targets).
    """
    table = library.beyond(targets) / np.hypot(1.0, spread)
    return np.where(np.isnan(table), np.inf, table)


@dataclass(frozen=True)
class Result:
    """``library``: all runs of the question's waves; ``plausible``: numbers of those that are plausible
    draws, in the order of the table; ``spread``: `chance` by target; ``waves``: a row for each wave.
    """

    library: Library
    plausible: np.ndarray
    spread: np.ndarray
    waves: pd.DataFrame

    def draws(self, bank: Bank, source: str) -> Draws:
        """The plausible draws as values."""
        return as_draws(self.library.shares[self.plausible], bank.names, bank.scenario.parameters, source)


def result(bank: Bank, waves: Sequence[Wave], question: Question) -> Result:
    """What a calibration has found, from the waves of its question."""
    library = bank.library(waves, question.targets)
    still = library.wave == [wave.kind for wave in waves].index("chance")
    spread = chance(library.only(still), question.targets)
    fitted = np.array([target.role == "fit" for target in question.targets])
    far = away(library, question.targets, spread)[:, fitted]
    total = distance(library, question.fitted)
    most = float(np.quantile(total[still], TOLERANCE))
    good = (far.max(axis=1, initial=0.0) <= FAR) & (total <= most)
    drawn = np.isin(library.wave, [k for k, wave in enumerate(waves) if wave.kind not in NARROW])
    rng = np.random.Generator(np.random.PCG64(bank.seed * 100 + ORDER_SALT))
    rows = [
        {
            "wave": wave.number,
            "kind": wave.kind,
            "runs": int((library.wave == k).sum()),
            "plausible": int(good[library.wave == k].sum()),
            "log_share_left": wave.about.get("log_share") if wave.kind == "matching" else None,
            "learned_from": wave.about.get("learned_from"),
            "active": len(wave.about.get("active", ())) or None,
        }
        for k, wave in enumerate(waves)
    ]
    return Result(library, rng.permutation(np.flatnonzero(good & drawn)), spread, pd.DataFrame(rows))


def parameters_table(found: Result, bank: Bank) -> pd.DataFrame:
    """What the prior and the plausible draws say of each parameter: medians and 5% and 95% quantiles.

    ``width`` is that of the middle 90% of the plausible draws in shares of the prior, 0.9 where nothing was
    learned; ``draws`` their number.
    """
    shares = found.library.shares[found.plausible]
    rows = []
    for place, name in enumerate(bank.names):
        passport = bank.scenario.parameters.passport(name)
        ends = np.quantile(shares[:, place], [0.05, 0.5, 0.95]) if len(shares) else np.full(3, np.nan)
        before = [passport.at(share) for share in (0.05, 0.5, 0.95)]
        after = [passport.at(float(share)) for share in ends] if len(shares) else [np.nan] * 3
        rows.append(
            {
                "parameter": name,
                "unit": passport.unit,
                **dict(zip(("prior_low", "prior_median", "prior_high"), before, strict=True)),
                **dict(zip(("low", "median", "high"), after, strict=True)),
                "median_share": float(ends[1]),
                "width": float(ends[2] - ends[0]),
                "draws": len(shares),
            }
        )
    return pd.DataFrame(rows)


def run_again(bank: Bank, found: Result, question: Question, folder: Path) -> Wave:
    """Plan to run plausible draws once more, the first `MOST_AGAIN`; it lies in ``folder``."""
    return bank.again(folder, question.label, found.library.shares[found.plausible[:MOST_AGAIN]])


def targets_table(found: Result, question: Question, again: Library | None) -> pd.DataFrame:
    """For each target the share of runs over the prior and of plausible draws that lie in its band, and the
    shares that are within three standard deviations.

    ``again`` holds plausible draws that were run once more, None where there is no such run; the columns
    `again` (the share in the band), `low`, `median` and `high` are of those.
    """
    prior = found.library.wave == 0
    rows = []
    far = away(found.library, question.targets, found.spread)
    for place, target in enumerate(question.targets):
        values = found.library.values[target.id].to_numpy()
        near = far[:, place] <= FAR
        band = inside(target, values)
        anew = np.array([]) if again is None else again.values[target.id].to_numpy()
        known = anew[np.isfinite(anew)]
        low, middle, high = np.quantile(known, [0.05, 0.5, 0.95]) if len(known) else [np.nan] * 3
        rows.append(
            {
                "id": target.id,
                "title": target.title,
                "role": target.role,
                "chance": float(found.spread[place]),
                "prior_near": float(near[prior].mean()),
                "prior_in_band": float(band[prior].mean()),
                "near": float(near[found.plausible].mean()) if len(found.plausible) else np.nan,
                "in_band": float(band[found.plausible].mean()) if len(found.plausible) else np.nan,
                "again": float(inside(target, anew).mean()) if len(anew) else np.nan,
                "low": low,
                "median": middle,
                "high": high,
            }
        )
    return pd.DataFrame(rows)
