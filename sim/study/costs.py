"""Costs: what the measures that a scenario adds delivered, what that cost, and what a case averted cost.

Money appears only where a scenario gives a measure's `cost_per_unit`; where it does not, the cost is unknown
and never nought. Two figures need no unit cost: the police hours, and the break-even cost per unit, which is
the highest unit cost at which the net losses averted (losses less what was frozen) pay for the measure.

Ratios are of mean paired values, with Fieller's interval (`sim.study.estimates`), and are left empty where
what they divide by cannot be told from 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sim.study.displacement import Footprints
from sim.study.estimates import NO_RATIO, draws_of, draws_used, mean_interval, ratio
from sim.study.variants import Compared
from sim.study.windows import Window

if TYPE_CHECKING:
    from sim.interventions.base import Measure

TOTAL = "(all)"
"""Stands for the measure in the row of a scenario as a whole."""

NO_UNIT_COST = "unit cost not given"


@dataclass(frozen=True)
class Cost:
    """A measure that a scenario adds, or the scenario as a whole; the fields are the columns of `costs.csv`.

    A measure's row holds what it delivered: `units` of its dose, `attributed` of what it counts as its own
    doing (`attributable`), `cost` in yuan. What a scenario takes away from its baseline counts below 0. The
    row of the whole, `TOTAL`, holds the rest: effects on police hours, cases averted, cost of a registered
    case averted, net losses averted and net benefit (less the cost) in yuan.
    """

    scenario: str
    window_start: str
    window_end: str
    measure: str
    unit: str = ""
    units: float = math.nan
    attributable: str = ""
    attributed: float = math.nan
    cost_per_unit: float = math.nan
    cost: float = math.nan
    police_hours: float = math.nan
    police_hours_low: float = math.nan
    police_hours_high: float = math.nan
    averted_registered: float = math.nan
    averted_true: float = math.nan
    cost_per_case: float = math.nan
    cost_per_case_low: float = math.nan
    cost_per_case_high: float = math.nan
    net_losses_averted: float = math.nan
    break_even_cost_per_unit: float = math.nan
    break_even_cost_per_unit_low: float = math.nan
    break_even_cost_per_unit_high: float = math.nan
    net_benefit: float = math.nan
    net_benefit_low: float = math.nan
    net_benefit_high: float = math.nan
    break_even_dose: float = math.nan
    draws: int = 0
    replicates: int = 0
    note: str = ""


COLUMNS = tuple(Cost.__dataclass_fields__)


@dataclass(frozen=True)
class _Bill:
    """One measure over one window: units delivered in each pair, counted below 0 where it is taken away."""

    measure: Measure
    units: np.ndarray
    attributed: float

    @property
    def cost(self) -> np.ndarray:
        """Yuan in each pair, NaN where no unit cost is given."""
        price = self.measure.cost_per_unit
        return self.units * (math.nan if price is None else price)


def costs(
    monthly: pd.DataFrame, deeds: pd.DataFrame, compared: Sequence[Compared], windows: Sequence[Window]
) -> pd.DataFrame:
    """Costs of every compared scenario over every window, a row a measure and one for the whole.

    `monthly` is the results table, `deeds` has the columns scenario, draw, replicate, month, measure, what,
    value. Returns a frame with the columns `COLUMNS`.
    """
    prints = [Footprints(monthly, deeds, window) for window in windows]
    rows = [row for one in compared for table in prints for row in _rows(one, table)]
    frame = pd.DataFrame([vars(row) for row in rows], columns=list(COLUMNS))
    return _with_break_even_doses(frame, compared)


def _rows(one: Compared, table: Footprints) -> Iterator[Cost]:
    ours, theirs = table.runs_of(one.scenario), table.runs_of(one.baseline)
    pairs = ours.index.intersection(theirs.index).sort_values()
    if pairs.empty:
        return
    bills = [
        *(_bill(measure, one.scenario.name, table, pairs) for measure in one.added),
        *(_bill(measure, one.baseline.name, table, pairs, sign=-1.0) for measure in one.removed),
    ]
    start, end = table.window.start.isoformat(), table.window.end.isoformat()
    for bill in bills:
        yield _measure_row(bill, one.scenario.name, start, end)
    yield _total_row(bills, ours.loc[pairs] - theirs.loc[pairs], one.scenario.name, start, end)


def _bill(measure: Measure, run_of: str, table: Footprints, pairs: pd.Index, sign: float = 1.0) -> _Bill:
    units, attributed = (
        sign * table.tally(measure.id, what).loc[run_of].loc[pairs].to_numpy(dtype=float)
        for what in ("units", "attributed")
    )
    return _Bill(measure, units, float(attributed.mean()))


def _measure_row(bill: _Bill, scenario: str, start: str, end: str) -> Cost:
    price = bill.measure.cost_per_unit
    return Cost(
        scenario,
        start,
        end,
        measure=bill.measure.id,
        unit=bill.measure.units,
        units=float(bill.units.mean()),
        attributable=type(bill.measure).attributable,
        attributed=bill.attributed,
        cost_per_unit=math.nan if price is None else price,
        cost=float(bill.cost.mean()),
        replicates=len(bill.units),
        note=NO_UNIT_COST if price is None else "",
    )


def _total_row(bills: Sequence[_Bill], changes: pd.DataFrame, scenario: str, start: str, end: str) -> Cost:
    """The scenario as a whole; `changes` are the paired differences of all outcomes, a row a pair."""
    draws = draws_of(changes)
    averted = 0.0 - _column(changes, "cases_registered")
    saved = _column(changes, "frozen_yuan") - _column(changes, "losses_yuan")
    hours = _column(changes, "police_hours")
    spent = sum((bill.cost for bill in bills), np.full(len(changes), 0.0 if bills else math.nan))
    units = sum((bill.units for bill in bills), np.zeros(len(changes)))
    kinds = {bill.measure.units for bill in bills}
    unit = kinds.pop() if len(kinds) == 1 else ""
    fewer = mean_interval(averted, draws)
    per_case = ratio(spent, averted, draws) if averted.mean() > 0 else NO_RATIO
    per_unit = ratio(saved, units, draws) if unit else NO_RATIO
    benefit = mean_interval(saved - spent, draws)
    hours_span = mean_interval(hours, draws)
    return Cost(
        scenario,
        start,
        end,
        measure=TOTAL,
        unit=unit,
        units=float(units.mean()) if unit else math.nan,
        cost=float(spent.mean()),
        police_hours=float(hours.mean()),
        police_hours_low=hours_span[0],
        police_hours_high=hours_span[1],
        averted_registered=float(averted.mean()),
        averted_true=0.0 - float(_column(changes, "cases_true").mean()),
        cost_per_case=per_case.value,
        cost_per_case_low=per_case.low,
        cost_per_case_high=per_case.high,
        net_losses_averted=float(saved.mean()),
        break_even_cost_per_unit=per_unit.value,
        break_even_cost_per_unit_low=per_unit.low,
        break_even_cost_per_unit_high=per_unit.high,
        net_benefit=float((saved - spent).mean()),
        net_benefit_low=benefit[0],
        net_benefit_high=benefit[1],
        draws=draws_used(draws),
        replicates=len(changes),
        note="; ".join(_notes(bills, averted, fewer, unit)),
    )


def _column(changes: pd.DataFrame, outcome: str) -> np.ndarray:
    """Differences of one outcome; NaN where the runs do not have it."""
    if outcome not in changes:
        return np.full(len(changes), math.nan)
    return changes[outcome].to_numpy(dtype=float)


def _notes(
    bills: Sequence[_Bill], averted: np.ndarray, span: tuple[float, float], unit: str
) -> Iterator[str]:
    """Why something is empty."""
    without = [bill.measure.id for bill in bills if bill.measure.cost_per_unit is None]
    if without:
        which = f": {', '.join(without)}" if len(without) < len(bills) else ""
        yield f"{NO_UNIT_COST}{which}"
    if not bills:
        yield "no measure differs from the baseline's"
    if not averted.any() or span[0] <= 0 <= span[1]:
        yield "cases averted cannot be told from 0"
    elif averted.mean() < 0:
        yield "more cases, not fewer"
    if bills and not unit:
        yield "measures of different units"


def _with_break_even_doses(frame: pd.DataFrame, compared: Sequence[Compared]) -> pd.DataFrame:
    """The frame with the break-even dose in the row of each scenario of which there are doses."""
    family = {one.scenario.name: one.whole for one in compared}
    dose = {one.scenario.name: one.dose for one in compared}
    totals = frame[frame["measure"] == TOTAL]
    for (whole, _, _), rows in totals.groupby([totals["scenario"].map(family), "window_start", "window_end"]):
        if len(rows) > 1:
            found, words = break_even(
                rows["scenario"].map(dose).to_numpy(dtype=float), rows["net_benefit"].to_numpy(dtype=float)
            )
            at = rows.index[rows["scenario"] == whole]
            frame.loc[at, "break_even_dose"] = found
            frame.loc[at, "note"] = [f"{note}; {words}" if note else words for note in frame.loc[at, "note"]]
    return frame


def break_even(doses: np.ndarray, benefits: np.ndarray) -> tuple[float, str]:
    """The lowest dose at which the mean net benefit changes its sign, and in words where it pays.

    Between two doses the benefit is taken as linear; nothing is said beyond the doses tried. NaN where it
    changes nowhere, or where no cost is known.
    """
    order = np.argsort(doses)
    points = list(zip(doses[order].tolist(), benefits[order].tolist(), strict=True))
    if np.isnan(benefits).any():
        return math.nan, "no break-even dose without a unit cost"
    if (benefits > 0).all():
        return math.nan, "pays at every dose tried"
    if (benefits <= 0).all():
        return math.nan, "pays at no dose tried"
    crossings = [
        (d0 + (d1 - d0) * b0 / (b0 - b1), b0 > 0)
        for (d0, b0), (d1, b1) in pairwise(points)
        if (b0 > 0) != (b1 > 0)
    ]
    words = [f"up to dose {at:.2g}" if falls else f"from dose {at:.2g} on" for at, falls in crossings]
    return crossings[0][0], "pays " + ", ".join(words)
