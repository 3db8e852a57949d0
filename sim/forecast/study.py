"""A forecast as a study: which runs it takes, how structures are weighted, which tables come of them.

The runs are a sweep (:mod:`sim.study.sweep`), a point for each structure: the scenario in the main world and
in rival ones. So a forecast can be stopped, gone on with and widened. Every structure meets the same draws
and replicates.

A structure weighs as the mean share of targets that its runs meet, of those that were known at the origin:
lenient, since the record is one episode and one target less does not refute an idea of how the world works.
Where no target was known, or the runs cover none, structures weigh the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from sim.calibration.distance import inside, simulated
from sim.calibration.targets import Targets
from sim.draws.wish import DrawsWish
from sim.errors import Fault, InputError
from sim.experiment import Experiment, Point
from sim.forecast.ensemble import bands, ensemble_of, naive_bands, streaks
from sim.study.compare import HEADLINE
from sim.study.sweep import Sweep
from sim.study.variants import rival_names, under

if TYPE_CHECKING:
    from sim.scenario import Scenario


@dataclass(frozen=True)
class Forecast:
    """What a forecast says, a table for each question.

    ``bands``: see `sim.forecast.ensemble.bands`; ``streaks``: odds of runs of months below the year before;
    ``naive``: the same bands by forecasters that know nothing; ``structures``: name, weight, runs, targets
    that were known.
    """

    bands: pd.DataFrame
    streaks: pd.DataFrame
    naive: pd.DataFrame
    structures: pd.DataFrame


def first_month(origin: date) -> pd.Timestamp:
    """The first month that is forecast: that of the origin, whose count is not known yet."""
    return pd.Timestamp(origin).replace(day=1)


def structures_of(
    scenario: Scenario, origin: date, months: int, rivals: Sequence[str], draws: DrawsWish | None = None
) -> tuple[Scenario, ...]:
    """The scenario to the last month asked for, in the main world and in rival ones, which take the draws
    that a wish means there, or those of the main world. Raises `InputError`.
    """
    last = first_month(origin) + pd.DateOffset(months=months) - pd.DateOffset(days=1)
    end = last.date()
    if end > scenario.end:
        mend = f"Ask for less with --months, or set its end with --set end={end}."
        raise InputError([Fault(scenario.name, None, "end", f"ends on {scenario.end}, before {end}", mend)])
    if first_month(origin).date() <= scenario.start:
        mend = f"Give an --origin after {scenario.start}."
        raise InputError([Fault("--origin", None, "", "leaves no simulated month before it", mend)])
    whole = scenario.with_(end=end)
    return (whole, *(under(whole, rival, draws) for rival in rival_names(rivals)))


def as_sweep(
    worlds: Sequence[Scenario], record: Targets, replicates: int, draws: int | None, seed: int
) -> Sweep:
    """The runs of a forecast, with the outcomes that it and the targets need, in every region."""
    outcomes = {HEADLINE} | {
        name
        for target in record.targets
        if target.quantity is not None
        for span in target.quantity.spans
        for name in span.of
    }
    main = worlds[0]
    experiment = Experiment(
        name=f"forecast-{main.name[:60]}",
        title=f"Forecast of {main.title or main.name}"[:200],
        scenarios=[main.name],
        outcomes=sorted(outcomes),
        regions="all",
    )
    points = tuple(Point(world, main.name, {"structure": world.rival}) for world in worlds)
    return Sweep(experiment, points, replicates, draws, seed)


def forecast(monthly: pd.DataFrame, worlds: Sequence[Scenario], record: Targets, origin: date) -> Forecast:
    """The forecast that the runs so far give; ``monthly`` is their results table."""
    structures = weighted(monthly, worlds, record, origin)
    ensemble = ensemble_of(monthly, HEADLINE, first_month(origin), weights_of(structures))
    return Forecast(bands(ensemble), streaks(ensemble), naive_bands(ensemble), structures)


def weighted(
    monthly: pd.DataFrame, worlds: Sequence[Scenario], record: Targets, origin: date
) -> pd.DataFrame:
    """The structures that have runs: structure, met, targets, runs, weight."""
    known = [t for t in record.chosen(origin) if t.role == "fit"]
    rows = []
    for world in worlds:
        runs = monthly[monthly["scenario"] == world.name]
        if runs.empty:
            continue
        values = simulated(known, runs)
        met = pd.DataFrame({t.id: inside(t, values[t.id].to_numpy()) for t in known}, index=values.index)
        met = met.where(values.notna())
        share = float(met.mean(axis=1).mean()) if len(known) else float("nan")
        rows.append({"structure": world.name, "met": share, "targets": len(known), "runs": len(values)})
    structures = pd.DataFrame(rows, columns=["structure", "met", "targets", "runs"])
    weight = structures["met"].fillna(1.0 if structures["met"].isna().all() else 0.0)
    weight = weight if weight.sum() > 0.0 else weight + 1.0
    structures["weight"] = weight / weight.sum()
    return structures


def weights_of(structures: pd.DataFrame) -> dict[str, float]:
    """The weight of each structure by name."""
    return dict(zip(structures["structure"], structures["weight"], strict=True))
