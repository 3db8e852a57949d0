"""Forecasters held against what the record said later.

What became known after an origin, of months from that origin on, is scored: a figure by CRPS and WIS and by
whether the bands hold it, a sign by Brier's score of the probability that was given to it. Every forecaster
is read in the same way, through runs: ours, the one at point values, the naive ones that continue the median
of our runs (the record has no monthly series that they could continue, so a level that our runs get wrong is
wrong in theirs too).

The scores are of one or two levels and a few signs of one episode. They can embarrass a forecaster; they
cannot show that its bands hold the truth as often as they say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from sim.calibration.distance import deviation, inside, simulated
from sim.calibration.targets import Quantity, Span, Target, Targets
from sim.forecast.ensemble import QUANTILES, Ensemble, naive_ensembles
from sim.forecast.scores import LEVELS, brier, crps, weighted_quantiles, wis
from sim.study.compare import HEADLINE, NATION

OURS = "cardbreak"
POINT = "point values"
BEYOND = 10.0
"""A deviation beyond so many standard deviations counts as so many, so that a misfit stays finite."""
ROUNDING = 1e-9
"""A score below it is 0 but for what sums of weights lose."""

COLUMNS = (
    "origin", "target", "title", "grade", "known", "observed", "forecaster", *QUANTILES, "in50", "in90",
    "crps", "wis", "probability", "brier", "misfit", "skill", "runs",
)  # fmt: skip


@dataclass(frozen=True)
class Forecaster:
    """Runs that are read as a forecast: rows of a results table, and the weight of each scenario in it."""

    name: str
    monthly: pd.DataFrame
    weights: Mapping[str, float]

    def values(self, targets: Sequence[Target]) -> tuple[pd.DataFrame, np.ndarray]:
        """Every target's quantity in every run, float64 (runs, targets), and weights, float64 (runs)."""
        tables, weights = [], []
        for scenario, weight in self.weights.items():
            rows = self.monthly[self.monthly["scenario"] == scenario]
            if rows.empty or weight <= 0.0:
                continue
            values = simulated(targets, rows)
            tables.append(values)
            weights.append(np.full(len(values), weight / len(values)))
        return pd.concat(tables, ignore_index=True), np.concatenate(weights)


def naive_forecasters(ensemble: Ensemble) -> Iterator[Forecaster]:
    """The naive forecasters that continue the median of an ensemble up to its origin."""
    for name, made in naive_ensembles(ensemble):
        runs, months = made.paths.shape
        rows = pd.DataFrame(
            {
                "scenario": name,
                "draw": np.repeat(np.arange(runs), months),
                "replicate": 0,
                "month": np.tile(made.months, runs),
                "region": NATION,
                HEADLINE: made.paths.ravel(),
            }
        )
        yield Forecaster(name, rows, {name: 1.0})


def later(record: Targets, origin: date) -> tuple[Target, ...]:
    """What a forecast of a day is held against: quantities of months from the day's on, known after it."""
    first = f"{origin:%Y-%m}"
    return tuple(
        target
        for target in with_derived(record.chosen())
        if target.known > origin and target.quantity is not None and target.quantity.months[0] >= first
    )


def of_headline(targets: Sequence[Target]) -> tuple[Target, ...]:
    """The targets that are read off the nation's registered cases alone."""
    return tuple(t for t in targets if t.quantity is not None and t.quantity.of_headline)


def with_derived(targets: Sequence[Target]) -> tuple[Target, ...]:
    """The quantities among the targets, and the levels that follow from a level and a change to it."""
    found = [t for t in targets if t.role != "imposed" and t.quantity is not None]
    return (*found, *_derived(found))


def _derived(targets: Sequence[Target]) -> Iterator[Target]:
    """From the level of a month and its change on another one: the level of that other one."""
    for change in targets:
        quantity = change.quantity
        if quantity is None or quantity.against is None or quantity.by != "change" or change.value is None:
            continue
        for level in targets:
            if level.value is None or level.quantity is None or level.quantity.against is not None:
                continue
            if _span(level.quantity) == _span(quantity):
                yield _before(level, change, quantity.against)


def _before(level: Target, change: Target, span: Span) -> Target:
    factor = 1.0 / (1.0 + (change.value or 0.0))
    ends = tuple(None if end is None else end * factor for end in level.band or (None, None))
    return level.model_copy(
        update={
            "id": f"{level.id}-{change.id}",
            "title": f"{level.title.split(',')[0]}, {'–'.join(dict.fromkeys(span.months))}, "
            f"which follows from {level.id} and {change.id}",
            "quantity": Quantity(**_span(span)),
            "value": (level.value or 0.0) * factor,
            "band": ends,
            "error": math.hypot(level.error, change.error * factor),
            "known": max(level.known, change.known),
            "evidence": [*level.evidence, *change.evidence],
        }
    )


def _span(span: Span) -> dict[str, Any]:
    return {name: getattr(span, name) for name in Span.model_fields}


def scores(
    origin: date, targets: Sequence[Target], ours: Forecaster, others: Sequence[Forecaster]
) -> pd.DataFrame:
    """A row for each target and forecaster that says something about it, ours first.

    Columns `COLUMNS`. `observed` is NaN for a sign, of which `probability` is what was given to it and
    `brier` the score; `misfit` is a score without a unit: CRPS in standard deviations of record and model, or
    Brier's. `skill` stands with the others: 1 - our score / theirs, above 0 where ours is better, NaN where
    theirs is 0: who was sure and right leaves nothing to better. Runs without a finite value are left out;
    `runs` counts the rest.
    """
    rows: list[dict[str, Any]] = []
    for forecaster in (ours, *others):
        values, weights = forecaster.values(targets)
        for target in targets:
            there = np.isfinite(values[target.id].to_numpy())
            if there.any():
                found = scored(target, values[target.id].to_numpy()[there], weights[there])
                rows.append({"origin": origin.isoformat(), "forecaster": forecaster.name} | found)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    mine = table[table["forecaster"] == ours.name].set_index("target")
    for place in table.index[table["forecaster"] != ours.name]:
        row = table.loc[place]
        if row["target"] in mine.index:
            name = "brier" if math.isnan(row["observed"]) else "crps"
            theirs = float(row[name])
            better = 1.0 - mine.loc[row["target"], name] / theirs if theirs > ROUNDING else math.nan
            table.loc[place, "skill"] = better
    order = {target.id: place for place, target in enumerate(targets)}
    return table.sort_values("target", key=lambda ids: ids.map(order), kind="stable", ignore_index=True)


def scored(target: Target, values: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    """One forecast of one target, scored; ``values`` float64 (runs), finite, with their weights."""
    quantiles = weighted_quantiles(values, LEVELS, weights)
    about: dict[str, Any] = {
        "target": target.id,
        "title": target.title,
        "grade": target.grade,
        "known": target.known.isoformat(),
        "observed": math.nan if target.value is None else target.value,
        **dict(zip(QUANTILES, quantiles, strict=True)),
        "runs": len(values),
        "skill": math.nan,
    }
    nothing = dict.fromkeys(("in50", "in90", "crps", "wis", "probability", "brier"), math.nan)
    if target.value is None:
        given = float(weights @ inside(target, values) / weights.sum())
        score = brier(given, happened=True)
        return about | nothing | {"probability": given, "brier": score, "misfit": score}
    low, lower, _, upper, high = quantiles
    return (
        about
        | nothing
        | {
            "in50": float(lower <= target.value <= upper),
            "in90": float(low <= target.value <= high),
            "crps": crps(values, target.value, weights),
            "wis": wis(quantiles, target.value, np.array(LEVELS)),
            "misfit": crps(deviation(target, values, BEYOND), 0.0, weights),
        }
    )
