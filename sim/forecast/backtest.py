"""Back-tests: forecasts as they could have been made on days of the past, scored with what came later.

An origin is a day. Its forecast knows the schedule of measures as known on the day (`as_known`), draws that
were held against the record up to that day where there is a table of them, and targets known by then for the
weights of structures. Beside it runs the same schedule at point values, which knows nothing of what the
record taught. All origins are one sweep, so that they can be stopped, gone on with and widened together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from sim.errors import Fault, InputError
from sim.forecast.as_known import as_known
from sim.forecast.ensemble import ensemble_of
from sim.forecast.scoring import OURS, POINT, Forecaster, later, naive_forecasters, scores
from sim.forecast.study import (
    Forecast,
    as_sweep,
    first_month,
    forecast,
    structures_of,
    weights_of,
)
from sim.study.compare import HEADLINE

if TYPE_CHECKING:
    from sim.calibration.targets import Targets
    from sim.scenario import Scenario
    from sim.scenario.draws import Draws
    from sim.study.sweep import Sweep

ORIGINS = (date(2021, 1, 15), date(2021, 6, 17), date(2021, 10, 11))
"""The first findings of the pilot; the first monthly figure; the end of the record."""


@dataclass(frozen=True)
class Origin:
    """One day of the past: the worlds of its forecast (the main one first), the one at point values, what was
    changed in the schedule (as in `as_known.AsKnown`).
    """

    day: date
    worlds: tuple[Scenario, ...]
    point: Scenario
    changes: pd.DataFrame

    @property
    def draws(self) -> Draws | None:
        """The table of draws of this origin."""
        return self.worlds[0].parameters.draws


@dataclass(frozen=True)
class Backtest:
    """What was made of an origin: its forecast, and how it fared (`scoring.scores`)."""

    origin: Origin
    forecast: Forecast
    scores: pd.DataFrame


def origins_of(
    scenario: Scenario,
    days: Sequence[date],
    rivals: Sequence[str],
    tables: Mapping[date, Draws | None],
    *,
    hindsight: bool = True,
) -> tuple[Origin, ...]:
    """The origins, in the order of their days, each forecast to the scenario's last whole month.

    ``tables``: draws as known on a day, for the origins that have them; the others keep the scenario's own.
    Raises `InputError` for a day outside of the scenario, and for unknown rivals.
    """
    if twice := sorted({day for day in days if days.count(day) > 1}):
        raise InputError([Fault("--origin", None, "", f"{twice[0]} is given twice", "Give each day once.")])
    return tuple(_origin(scenario, day, rivals, tables.get(day), hindsight=hindsight) for day in sorted(days))


def _origin(
    scenario: Scenario, day: date, rivals: Sequence[str], table: Draws | None, *, hindsight: bool
) -> Origin:
    known = as_known(scenario, day, hindsight=hindsight)
    if day > scenario.end:
        mend = f"Give a day up to {scenario.end}."
        raise InputError([Fault("--origin", None, "", f"{day} lies after the scenario's end", mend)])
    parameters = scenario.parameters
    ours = known.scenario.with_(parameters=parameters if table is None else parameters.with_draws(table))
    after = pd.Timestamp(scenario.end) + pd.DateOffset(days=1)
    first = first_month(day)
    months = max((after.year - first.year) * 12 + after.month - first.month, 1)
    worlds = structures_of(ours, day, months, rivals)
    return Origin(day, worlds, fixed(worlds[0]), known.changes)


def fixed(scenario: Scenario) -> Scenario:
    """The scenario with everything uncertain at its point value, in every draw."""
    parameters = scenario.parameters.with_draws(None)
    point = {name: parameters.passport(name).value for name in parameters.uncertain}
    measures = tuple(m.model_copy(update={"uncertain": []}) for m in scenario.interventions)
    name, title = f"{scenario.name}-point", f"{scenario.title}, at point values"
    return scenario.with_(
        name=name, title=title[:200], parameters=parameters.with_(point), interventions=measures
    )


def sweep_of(
    name: str, origins: Sequence[Origin], record: Targets, replicates: int, draws: int | None, seed: int
) -> Sweep:
    """All runs of all origins; ``name`` is that of the whole schedule."""
    worlds = [world for origin in origins for world in (*origin.worlds, origin.point)]
    asked = as_sweep(worlds, record, replicates, draws, seed)
    about = {"name": f"backtest-{name[:60]}", "title": "Forecasts as known on days of the past"}
    return replace(asked, experiment=asked.experiment.model_copy(update=about))


def backtest(monthly: pd.DataFrame, origin: Origin, record: Targets) -> Backtest:
    """The forecast of an origin that the runs so far give, and its scores."""
    made = forecast(monthly, origin.worlds, record, origin.day)
    weights = weights_of(made.structures)
    ours = Forecaster(OURS, monthly, weights)
    ensemble = ensemble_of(monthly, HEADLINE, first_month(origin.day), weights)
    point = Forecaster(POINT, monthly, {origin.point.name: 1.0})
    there = [point] if (monthly["scenario"] == origin.point.name).any() else []
    targets = later(record, origin.day)
    return Backtest(origin, made, scores(origin.day, targets, ours, [*there, *naive_forecasters(ensemble)]))
