"""Displacement: what a measure changed where it acts, and what changed elsewhere (equation 4.4).

For every measure that a scenario adds, and every axis along which what it stops can move (region, issuer,
outlet, channel, kind of card):

    D = - (change elsewhere) / (change here)

D = 0: nothing moved; 1: all that was stopped here appears elsewhere; below 0: elsewhere falls with it. Both
changes are those of the whole scenario, so only a scenario with a single measure shows that measure's own
displacement. D is a ratio of mean paired changes, with Fieller's interval (`sim.study.estimates`): it is left
empty where the change here cannot be told from 0, for then there is nothing that could have moved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from sim.observe.outcomes import OUTCOMES
from sim.observe.parquet import LABELS
from sim.observe.recorder import CHANNEL_COUNTS
from sim.study.compare import COLUMNS as EFFECT_COLUMNS
from sim.study.compare import FEW_PAIRS, NATION, rounded
from sim.study.estimates import Ratio, draws_of, draws_used, interval_name, matched, mean_interval, ratio
from sim.study.variants import Compared, Comparison
from sim.study.windows import Window, over_window

if TYPE_CHECKING:
    from sim.interventions.base import Measure
    from sim.scenario import Scenario

CHANNELS = tuple(CHANNEL_COUNTS.values())
"""True cases by the channel through which the money went."""

KINDS = ("contacts_sim", "contacts_iot", "contacts_voip", "contacts_messaging")
"""People contacted by kind of contact."""

ABROAD = "ABROAD"
FROM_ABROAD = frozenset({"border_repatriation"})
"""Measures that act on gangs abroad, so that elsewhere is at home."""

NOTHING = "nothing changed here that could move"
NOT_TALLIED = "not tallied in the baseline: another measure has the same id"

RUN = ("scenario", "draw", "replicate")

Sides = tuple[pd.Series, pd.Series]
"""Here and elsewhere of every run, indexed by (scenario, draw, replicate)."""


@dataclass(frozen=True)
class Displacement:
    """One measure along one axis over one window; the fields are the columns of `displacement.csv`."""

    scenario: str
    measure: str
    axis: str
    unit: str
    window_start: str
    window_end: str
    baseline_here: float
    baseline_elsewhere: float
    change_here: float
    change_here_low: float
    change_here_high: float
    change_elsewhere: float
    change_elsewhere_low: float
    change_elsewhere_high: float
    displacement: float
    low: float
    high: float
    interval: str
    draws: int
    replicates: int
    verdict: str


COLUMNS = tuple(Displacement.__dataclass_fields__)


class Footprints:
    """The tables of one window from which here and elsewhere are read."""

    def __init__(self, monthly: pd.DataFrame, deeds: pd.DataFrame, window: Window) -> None:
        self.window = window
        inside, national = window.rows(monthly["month"]), monthly["region"] == NATION
        outcomes = [name for name in OUTCOMES if name in monthly.columns]
        self.nation = over_window(monthly[inside & national], window, outcomes)
        placed = [name for name in ("openings_illicit", "gangs") if name in outcomes]
        self.places = monthly.loc[inside & ~national, [*LABELS, *placed]]
        own = deeds[window.rows(deeds["month"])]
        self.tallies = own.groupby(["measure", "what", *RUN])["value"].sum()

    def runs_of(self, scenario: Scenario) -> pd.DataFrame:
        """The nation's outcomes of a scenario's runs, indexed by (draw, replicate)."""
        ours = self.nation.index.get_level_values("scenario") == scenario.name
        return self.nation[ours].droplevel("scenario")

    def sides(self, measure: Measure, axis: str) -> Sides:
        """Here and elsewhere of a measure along one axis."""
        if axis == "channel":
            return self._split(measure.channels, CHANNELS)
        if axis == "kind":
            return self._split(measure.kinds, KINDS)
        return self._regions(measure) if axis == "region" else self._tallied(measure, axis)

    def _split(self, ours: Sequence[str], all_names: Sequence[str]) -> Sides:
        there = [name for name in all_names if name in self.nation.columns]
        here = [name for name in there if name in ours]
        others = [name for name in there if name not in ours]
        return self.nation[here].sum(axis=1), self.nation[others].sum(axis=1)

    def _regions(self, measure: Measure) -> Sides:
        """Accounts opened in the regions that it names and in others; else gangs at home and abroad."""
        if measure.regions != "all":
            here = self._places(list(measure.regions), "openings_illicit")
            return here, self.nation["openings_illicit"] - here
        abroad = self._places([ABROAD], "gangs")
        home = (self.nation["gangs"] - abroad).round(6)  # means of whole numbers: what is below is rounding
        return (abroad, home) if measure.measure in FROM_ABROAD else (home, abroad)

    def _places(self, places: Sequence[str], outcome: str) -> pd.Series:
        rows = self.places[self.places["region"].isin(places)]
        found = over_window(rows, self.window, [outcome])[outcome]
        return found.reindex(self.nation.index, fill_value=0.0)

    def _tallied(self, measure: Measure, axis: str) -> Sides:
        return self.tally(measure.id, f"{axis}_here"), self.tally(measure.id, f"{axis}_elsewhere")

    def tally(self, measure: str, what: str) -> pd.Series:
        """One quantity of a measure's deeds, added up over the window; 0 in runs that tallied none."""
        if (measure, what) not in self.tallies.index:
            return pd.Series(0.0, self.nation.index)
        found: pd.Series = self.tallies.loc[measure, what]
        return found.reindex(self.nation.index, fill_value=0.0)


def displacements(
    monthly: pd.DataFrame, deeds: pd.DataFrame, asked: Comparison, windows: Sequence[Window]
) -> pd.DataFrame:
    """Here, elsewhere and D for every added measure and axis of every scenario.

    `monthly` is the results table, `deeds` has the columns scenario, draw, replicate, month, measure, what,
    value. Returns a frame with the columns `COLUMNS`, ordered by scenario, window, measure and axis. Pairs of
    which one run is missing are left out.
    """
    prints = [Footprints(monthly, deeds, window) for window in windows]
    rows = [
        row
        for one in asked.compared
        for table in prints
        for measure in one.added
        for axis in measure.shifts
        if (row := _displacement(asked, one, measure, axis, table))
    ]
    return pd.DataFrame([vars(row) for row in rows], columns=list(COLUMNS))


def _displacement(
    asked: Comparison, one: Compared, measure: Measure, axis: str, table: Footprints
) -> Displacement | None:
    """One row, or None when no pair is complete."""
    here, elsewhere = table.sides(measure, axis)
    names = (one.scenario.name, one.baseline.name)
    if not set(names) <= set(here.index.get_level_values("scenario")):
        return None
    both = {"here": here, "elsewhere": elsewhere}
    pairs = matched({(side, name): data.loc[name] for side, data in both.items() for name in names})
    if pairs.empty:
        return None
    tallied = axis not in ("outlet", "issuer") or asked.tallied(measure, one.baseline)
    return _row(one, measure, axis, table.window, pairs, tallied)


def _row(
    one: Compared, measure: Measure, axis: str, window: Window, pairs: pd.DataFrame, tallied: bool
) -> Displacement:
    before = [pairs[side, one.baseline.name].to_numpy(float) for side in ("here", "elsewhere")]
    after = [pairs[side, one.scenario.name].to_numpy(float) for side in ("here", "elsewhere")]
    here, elsewhere = (new - old for new, old in zip(after, before, strict=True))
    if not tallied:
        before, here, elsewhere = [b * math.nan for b in before], here * math.nan, elsewhere * math.nan
    draws = draws_of(pairs)
    found = ratio(0.0 - elsewhere, here, draws)
    (here_low, here_high), (else_low, else_high) = (mean_interval(x, draws) for x in (here, elsewhere))
    return Displacement(
        scenario=one.scenario.name,
        measure=measure.id,
        axis=axis,
        unit=_unit(measure, axis),
        window_start=window.start.isoformat(),
        window_end=window.end.isoformat(),
        baseline_here=float(before[0].mean()),
        baseline_elsewhere=float(before[1].mean()),
        change_here=float(here.mean()),
        change_here_low=here_low,
        change_here_high=here_high,
        change_elsewhere=float(elsewhere.mean()),
        change_elsewhere_low=else_low,
        change_elsewhere_high=else_high,
        displacement=found.value,
        low=found.low,
        high=found.high,
        interval=interval_name(draws, found.low, "ratio of means (Fieller)"),
        draws=draws_used(draws),
        replicates=len(pairs),
        verdict=verdict(found, float(here.mean()), len(pairs)) if tallied else NOT_TALLIED,
    )


def _unit(measure: Measure, axis: str) -> str:
    if axis == "region" and measure.regions == "all":
        return "gangs"
    return {"channel": "cases", "kind": "contacts"}.get(axis, OUTCOMES["openings_illicit"].unit)


def verdict(found: Ratio, change_here: float, pairs: int) -> str:
    """The displacement in plain words; `change_here` says which way it went here."""
    if math.isnan(found.value):
        return f"{NOTHING}, as far as {pairs} replicates tell" if change_here else NOTHING
    moved = "fall" if change_here < 0 else "rise"
    share = f"{rounded(abs(found.value) * 100)}% of the {moved} here"
    if found.low == found.high == 0:
        return "nothing moved: elsewhere is identical in every pair"
    if pairs == 1:
        return f"{_direction(found.value, change_here)}, {share}, in the only pair: no interval"
    if found.low <= 0 <= found.high:
        return f"no shift can be told at {pairs} replicates"
    ends = " to ".join(rounded(end * 100) for end in sorted((abs(found.low), abs(found.high))))
    few = f", {pairs} pairs only" if pairs < FEW_PAIRS else ""
    return f"{_direction(found.value, change_here)}, {share} ({ends}%{few})"


def _direction(value: float, change_here: float) -> str:
    """Which way the other places went, and whether that makes up for the change here."""
    if value == 0:
        return "elsewhere nothing changes"
    rises = (value > 0) == (change_here < 0)
    return f"elsewhere {'rises' if rises else 'falls'}{' instead' if value > 0 else ' too'}"


def as_effects(rows: pd.DataFrame) -> pd.DataFrame:
    """Displacements as rows of `effects.csv`: outcome `displacement_<axis>:<measure>`, unit "ratio"."""
    frame = rows.rename(columns={"displacement": "effect"}).assign(
        outcome="displacement_" + rows["axis"].astype(str) + ":" + rows["measure"].astype(str),
        unit="ratio",
        **dict.fromkeys(("baseline", "relative", "range_low", "range_high", "p_better"), math.nan),
    )
    return frame[list(EFFECT_COLUMNS)]
