"""Mixes of measures: every combination of doses of groups, and what each did, pair by pair.

A mix takes each group of the measures that a scenario adds to its baseline at a dose, a share of their
coverage. It is judged by three things. *Cases averted*: registered cases of the baseline less its own, over
the window of comparisons. *Public cost*: what its measures delivered from the first day of the run to the
last of that window, at their unit costs; where one of these is not known there is no sum in yuan, and police
hours stand in its place. *Harm*: events that hit an honest customer in that time, each counted once: an
opening refused or lost, a card closed, a person barred, a transfer held, an account frozen. All are
differences to the baseline's run of the same pair.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sim.errors import Fault, InputError, nearest
from sim.experiment import Experiment, Point
from sim.study.additions import added, removed
from sim.study.compare import HARM, HEADLINE
from sim.study.sweep import UNITS, Sweep
from sim.study.variants import weaker
from sim.study.windows import Window, over_window

if TYPE_CHECKING:
    from sim.interventions.base import Measure
    from sim.scenario import Scenario
    from sim.study.attribution import Group

MOST_MIXES = 1024
NOTHING = "nothing (the baseline)"
A_DRAW_EACH = 1_000_000
"""So many draws that every replicate has one of its own."""

FLOWS = ("police_hours", *HARM)
RUN, PAIR = ["scenario", "replicate"], ["mix", "replicate"]
Doses = tuple[float, ...]


@dataclass(frozen=True)
class Mixes:
    """All mixes of groups at doses. `worlds` holds the scenario of each, by its words, the baseline first."""

    scenario: Scenario
    baseline: Scenario
    groups: tuple[Group, ...]
    doses: Mapping[str, Doses] = field(repr=False)
    worlds: Mapping[str, Scenario] = field(repr=False)

    @property
    def names(self) -> list[str]:
        """The mixes, in words, without the one of nothing."""
        return [mix for mix in self.worlds if mix != NOTHING]

    def as_sweep(self, replicates: int, draws: int | None, seed: int) -> Sweep:
        """The mixes as the points of a sweep, the baseline first."""
        experiment = Experiment(
            name=f"mix-{self.scenario.name[:60]}",
            title=f"Mixes of the measures of {self.scenario.title or self.scenario.name}",
            scenarios=[self.scenario.name],
            outcomes=[HEADLINE, *FLOWS],
        )
        names = [group.name for group in self.groups]
        points = tuple(
            Point(world, self.scenario.name, dict(zip(names, self.doses[mix], strict=True)))
            for mix, world in self.worlds.items()
        )
        return Sweep(experiment, points, replicates, draws, seed, units=True)


def mixes_of(
    scenario: Scenario, baseline: Scenario, groups: Sequence[Group], levels: Sequence[float]
) -> Mixes:
    """Every mix of groups, each left out or at one of ``levels`` (above 0, at most 1).

    Raises `InputError` where there is no level, or where there are more than `MOST_MIXES` mixes.
    """
    if not levels:
        raise InputError([Fault("--doses", None, "", "names no dose", "Write --doses 0.5,1.")])
    count = (len(levels) + 1) ** len(groups)
    if count > MOST_MIXES:
        what = f"and --doses make {count:,} mixes, more than {MOST_MIXES:,}"
        raise InputError([Fault("--group", None, "", what, "Join groups, or give fewer doses.")])
    rows = list(itertools.product((0.0, *sorted(levels)), repeat=len(groups)))
    doses = {_words(groups, row): row for row in rows}
    worlds = {mix: _world(scenario, baseline, groups, row) for mix, row in doses.items()}
    return Mixes(scenario, baseline, tuple(groups), doses, worlds)


def _words(groups: Sequence[Group], row: Doses) -> str:
    parts = [
        group.name if dose == 1.0 else f"{100 * dose:g}% {group.name}"
        for group, dose in zip(groups, row, strict=True)
        if dose
    ]
    return " + ".join(parts) or NOTHING


def _world(scenario: Scenario, baseline: Scenario, groups: Sequence[Group], row: Doses) -> Scenario:
    """The scenario with the measures of each group at its dose, left out at 0; of nothing the baseline."""
    if not any(row):
        return baseline
    dose = {id(m): d for group, d in zip(groups, row, strict=True) for m in group.measures}
    kept = [(m, dose.get(id(m), 1.0)) for m in scenario.interventions if dose.get(id(m), 1.0)]
    measures = tuple(measure if at == 1.0 else weaker(measure, at) for measure, at in kept)
    digest = hashlib.sha256(";".join(f"{measure.id}={at:g}" for measure, at in kept).encode()).hexdigest()
    name = f"{scenario.name[:60]}-mix-{digest[:8]}"
    return scenario.with_(name=name, title=_words(groups, row), interventions=measures)


@dataclass(frozen=True)
class Bill:
    """The unit costs of what a scenario adds to its baseline and of what it takes away, in yuan, by id.

    None where a unit cost is not known.
    """

    added: Mapping[str, float | None]
    removed: Mapping[str, float | None]

    @property
    def unknown(self) -> list[str]:
        """Measures whose unit cost is not known."""
        return [name for of in (self.added, self.removed) for name, price in of.items() if price is None]

    @property
    def known(self) -> bool:
        """Whether cost can be told in yuan."""
        return not self.unknown


def bill_of(scenario: Scenario, baseline: Scenario, asked: Sequence[str] = ()) -> Bill:
    """The unit costs that the scenarios give, or ``asked`` in their place, texts `ID=YUAN`.

    Raises `InputError`.
    """
    ours, theirs = added(scenario, baseline), removed(scenario, baseline)
    other = _prices(asked, [measure.id for measure in (*ours, *theirs)])
    return Bill(_priced(ours, other), _priced(theirs, other))


def _priced(measures: Sequence[Measure], other: Mapping[str, float]) -> dict[str, float | None]:
    return {measure.id: other.get(measure.id, measure.cost_per_unit) for measure in measures}


def _prices(asked: Sequence[str], known: Sequence[str]) -> dict[str, float]:
    prices: dict[str, float] = {}
    faults: list[Fault] = []
    for text in asked:
        name, _, number = text.partition("=")
        try:
            prices[name] = float(number)
        except ValueError:
            prices[name] = math.nan
        if name not in known:
            what, mend = f"no measure {name[:60]!r} is added", f"The added measures are {', '.join(known)}."
            faults.append(Fault("--cost", None, "", what, mend, nearest(name, known)))
        elif not 0.0 <= prices[name] < math.inf:
            what = f"{name} must be a number of yuan from 0 on"
            faults.append(Fault("--cost", None, "", what, f"Write --cost {name}=0.5."))
    if faults:
        raise InputError(faults)
    return prices


def pairs_of(monthly: pd.DataFrame, mixes: Mixes, bill: Bill, window: Window, target: float) -> pd.DataFrame:
    """What every mix did in every pair, indexed by (mix, replicate).

    Parameters
    ----------
    monthly
        Rows of the nation as the sweep of the mixes keeps them.
    mixes, bill
        The mixes, and the unit costs of their measures.
    window
        Where registered cases are counted; all else is counted from the first day of the run to its end.
    target
        Share by which registered cases must fall.

    Columns: reached (bool), baseline (its cases), averted, yuan (NaN where a unit cost is not known),
    police_hours, harm, the parts of harm, and spend, by which mixes are ordered: yuan, or police hours where
    there is none. All but `baseline` are differences to the baseline's run.
    """
    words = {world.name: mix for mix, world in mixes.worlds.items()}
    runs = _runs(monthly[monthly["scenario"].isin(words)], mixes, window)
    names, replicates = (runs.index.get_level_values(label) for label in RUN)
    theirs = runs[names == mixes.baseline.name].droplevel("scenario")
    base = theirs.reindex(replicates).set_axis(runs.index)
    runs, base = runs[base[HEADLINE].notna()], base[base[HEADLINE].notna()]
    change = runs - base
    found = change[list(FLOWS)].copy()
    found.insert(0, "reached", runs[HEADLINE] <= (1.0 - target) * base[HEADLINE])
    found.insert(1, "baseline", base[HEADLINE])
    found.insert(2, "averted", 0.0 - change[HEADLINE])
    found.insert(3, "yuan", _yuan(runs, base, bill))
    found.insert(5, "harm", found[list(HARM)].sum(axis=1))
    own = found.index.get_level_values("scenario").map(words)
    found.loc[own == NOTHING, "yuan"] = 0.0  # also where the scenario takes measures of the baseline away
    found["spend"] = found["yuan" if bill.known else "police_hours"]
    labels = [own, found.index.get_level_values("replicate")]
    return found.set_axis(pd.MultiIndex.from_arrays(labels, names=PAIR))


def _runs(monthly: pd.DataFrame, mixes: Mixes, window: Window) -> pd.DataFrame:
    """Cases over the window, and all else up to its end, of each run, indexed by (scenario, replicate)."""
    so_far = Window("so far", mixes.scenario.start, window.end)
    units = [name for name in monthly.columns if name.startswith(UNITS)]
    counted = monthly[so_far.rows(monthly["month"])]
    parts = (
        over_window(monthly, window, [HEADLINE]).droplevel("draw"),
        over_window(monthly, so_far, list(FLOWS)).droplevel("draw"),
        counted.groupby(RUN)[units].sum(),  # a column that a run lacks adds up to 0
    )
    return pd.concat(parts, axis=1)


def _yuan(runs: pd.DataFrame, base: pd.DataFrame, bill: Bill) -> np.ndarray:
    """What each run's added measures cost, less what the baseline's run would have spent on those removed."""
    total = np.zeros(len(runs))
    for of, prices, sign in ((runs, bill.added, 1.0), (base, bill.removed, -1.0)):
        for name, price in prices.items():
            column = f"{UNITS}{name}"
            units = of[column].to_numpy() if column in of else np.zeros(len(of))
            total += sign * units * (math.nan if price is None else price)
    return total
