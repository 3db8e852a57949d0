"""Negative controls: does the method find something where there is nothing to find?

Three questions, each with a rule that was stated before the runs were made:

- *dates*: the measures of the operation begin on other days (each moves by a number of days of its own, up to
  a year and a half to either side, with its whole path). The record must then be met worse. Rule: the real
  dates count if at most one in twenty, the real ones among them, does as well.
- *nothing*: a second operation that covers nobody stands beside the first. Rule: no number changes, not by a
  bit.
- *no operation*: runs of worlds without an operation stand for the record, and are asked what the record was
  asked: do the months lie below the forecast of a world without one (below the 5% quantile of the runs that
  are not the record's), and does each of them lie below its month a year before? Rule: a question is good if
  it finds an operation that was not there in at most one world in ten, as far as the 90% interval can tell.
  In the world that the forecaster believes in the first question finds one in twenty by construction; what
  can fail it are worlds of another structure, or with other measures.

Starts are moved and not exchanged, since most measures began on the same day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.calibration.distance import inside, simulated
from sim.errors import Fault, InputError
from sim.forecast.scoring import Forecaster, of_headline, scored, with_derived
from sim.forecast.study import as_sweep
from sim.study.additions import added
from sim.study.compare import HEADLINE, NATION
from sim.study.race import share_interval
from sim.study.variants import rival_names, shifted, under

if TYPE_CHECKING:
    from sim.calibration.targets import Target, Targets
    from sim.interventions.base import Measure
    from sim.scenario import Scenario
    from sim.study.sweep import Sweep

SALT = 21
MOST_DAYS = 548
"""A measure's dates move by at most so many days, a year and a half."""

FALSE_FINDS = 0.10
"""A question may find an operation that was not there in so many worlds."""

BELOW = 0.05
FALLS = "each month below the year before"
TOLD = 0.05
GOOD, BAD, OPEN = "holds", "FAILS", "cannot be told"
COLUMNS = ("control", "question", "world", "found", "of", "share", "error", "low", "high", "rule", "verdict")


@dataclass(frozen=True)
class Controls:
    """The worlds of the controls: the operation, the one with nothing added, the moved ones, and those
    without an operation, the baseline first.
    """

    real: Scenario
    placebo: Scenario
    moved: tuple[Scenario, ...]
    without: tuple[Scenario, ...]

    @property
    def worlds(self) -> tuple[Scenario, ...]:
        """All of them."""
        return (self.real, self.placebo, *self.moved, *self.without)


def controls_of(
    scenario: Scenario,
    baseline: Scenario,
    others: Sequence[Scenario],
    rivals: Iterable[str],
    shuffles: int,
    seed: int,
    record: Targets,
) -> Controls:
    """The worlds, each to the last month of the record's cases.

    ``others``: further worlds without an operation, beside the baseline and the baseline under ``rivals``.
    Raises `InputError` where the scenario adds no measure, or ends before the record does.
    """
    end = _last_day(asked_of(record))
    if end > scenario.end:
        mend = f"Let it end on {end} or later."
        raise InputError(
            [Fault(scenario.name, None, "end", f"ends on {scenario.end}, before the record", mend)]
        )
    operation = added(scenario, baseline)
    if not operation:
        mend = "Name a scenario with measures of its own."
        raise InputError([Fault(scenario.name, None, "", "adds no measure to the baseline", mend)])
    real = scenario.with_(end=end)
    without = [world.with_(end=end) for world in (baseline, *others)]
    return Controls(
        real,
        with_nothing(real, operation),
        tuple(moved(real, operation, k, seed) for k in range(1, shuffles + 1)),
        (*without, *(under(without[0], rival) for rival in rival_names(rivals))),
    )


def asked_of(record: Targets) -> tuple[Target, ...]:
    """What the record says of the nation's registered cases: figures, and signs."""
    return of_headline([t for t in with_derived(record.chosen()) if t.role == "fit"])


def _last_day(targets: Sequence[Target]) -> date:
    last = max(t.quantity.months[1] for t in targets if t.quantity is not None)
    return (pd.Timestamp(f"{last}-01") + pd.offsets.MonthEnd()).date()


def with_nothing(scenario: Scenario, operation: Sequence[Measure]) -> Scenario:
    """The scenario with a second operation beside the first, that covers nobody."""
    twins = [
        m.model_copy(update={"id": f"{m.id}-nothing", "coverage": 0.0, "uncertain": []}) for m in operation
    ]
    return scenario.with_(name=f"{scenario.name}-nothing", interventions=(*scenario.interventions, *twins))


def moved(scenario: Scenario, operation: Sequence[Measure], k: int, seed: int) -> Scenario:
    """Shuffle ``k`` of the scenario: every measure of the operation moves by days of its own.

    The days are even between `MOST_DAYS` before and after, but no measure begins before the scenario.
    """
    random = np.random.Generator(np.random.PCG64([seed, SALT, k]))
    own = {id(measure) for measure in operation}
    measures = []
    for measure in scenario.interventions:
        if id(measure) in own:
            first = measure.announced or measure.start
            earliest = max(-MOST_DAYS, (scenario.start - first).days)
            by = timedelta(days=int(random.integers(earliest, MOST_DAYS + 1)))
            measures.append(shifted(measure, by))
        else:
            measures.append(measure)
    return scenario.with_(name=f"{scenario.name}-moved-{k}", interventions=tuple(measures))


def sweep_of(worlds: Controls, record: Targets, replicates: int, draws: int | None, seed: int) -> Sweep:
    """All runs of the controls; only the nation's registered cases are kept."""
    asked = as_sweep(worlds.worlds, record, replicates, draws, seed)
    about = {
        "name": f"controls-{worlds.real.name[:60]}",
        "title": "Negative controls",
        "outcomes": [HEADLINE],
        "regions": "nation",
    }
    return replace(asked, experiment=asked.experiment.model_copy(update=about))


def misfits(monthly: pd.DataFrame, names: Iterable[str], targets: Sequence[Target]) -> pd.DataFrame:
    """How badly the runs of each scenario meet the record: scenario, misfit (the mean over targets of
    `scoring.scored`), runs, then a column for each target. Scenarios without runs are left out.
    """
    rows = []
    for name in names:
        if not (monthly["scenario"] == name).any():
            continue
        values, weights = Forecaster(name, monthly, {name: 1.0}).values(targets)
        each = {}
        for target in targets:
            there = np.isfinite(values[target.id].to_numpy())
            found = values[target.id].to_numpy()[there]
            each[target.id] = scored(target, found, weights[there])["misfit"] if len(found) else math.nan
        mean = float(np.mean(list(each.values())))
        rows.append({"scenario": name, "misfit": mean, "runs": len(values)} | each)
    return pd.DataFrame(rows, columns=["scenario", "misfit", "runs", *(t.id for t in targets)])


def dates(table: pd.DataFrame, real: str) -> list[dict[str, Any]]:
    """The control of the dates, from what `misfits` returns: for all targets together, then for each.

    A shuffle that does as well as the real dates is a find of nothing; the quasi-p counts the real dates too.
    """
    rows = []
    mine, others = table[table["scenario"] == real], table[table["scenario"] != real]
    if mine.empty or others.empty:
        return []
    for column in ["misfit", *table.columns[3:]]:
        as_good = int((others[column] <= mine[column].iloc[0]).sum())
        p = (1 + as_good) / (1 + len(others))
        rule = f"quasi-p {p:.3f}, at most {TOLD}" if column == "misfit" else ""
        least = 1.0 / (1 + len(others))
        verdict = "" if column != "misfit" else GOOD if p <= TOLD else OPEN if least > TOLD else BAD
        question = "all of the record" if column == "misfit" else column
        rows.append(
            _row("dates", f"as near to the record: {question}", "moved dates", as_good, len(others))
            | {"rule": rule, "verdict": verdict}
        )
    return rows


def nothing(monthly: pd.DataFrame, real: str, placebo: str) -> dict[str, Any]:
    """The control of nothing: pairs of runs that differ in any number, and whether there is none."""
    columns = ["draw", "replicate", "month", "region"]
    ours, theirs = (
        monthly[monthly["scenario"] == name].drop(columns="scenario").set_index(columns).sort_index()
        for name in (real, placebo)
    )
    both = ours.index.intersection(theirs.index)
    differs = (ours.loc[both] != theirs.loc[both]).any(axis=1).groupby(["draw", "replicate"]).any()
    found = int(differs.sum())
    verdict = OPEN if not len(differs) else BAD if found else GOOD
    row = _row("nothing", "any number differs", placebo, found, len(differs))
    return row | {"rule": "in no pair", "verdict": verdict}


def no_operation(monthly: pd.DataFrame, worlds: Controls, targets: Sequence[Target]) -> list[dict[str, Any]]:
    """The control of worlds without an operation: how often each question finds one all the same.

    The forecaster believes in the baseline. The last rows are of the operation itself: a question that never
    finds anything would pass every rule.
    """
    signs = [target for target in targets if target.value is None]
    names = [world.name for world in worlds.without]
    believed = _means(monthly, names[0], signs)
    rows = []
    for name in (*names, worlds.real.name):
        record = _means(monthly, name, signs)
        if record.empty or believed.empty:
            continue
        below = lies_below(record, believed)
        falls = _falls(monthly, name, signs).reindex(record.index).to_numpy()
        there = "the operation" if name == worlds.real.name else name
        asked: Mapping[str, np.ndarray] = {
            "below the forecast": below,
            FALLS: falls,
            "both": below & falls,
        }
        for question, found in asked.items():
            row = _row("no operation", question, there, int(found.sum()), len(found))
            if name == worlds.real.name:
                rule = verdict = ""
            elif name == names[0] and question != FALLS:
                rule, verdict = f"{BELOW:.0%} or less by construction", ""
            else:
                rule, verdict = f"at most {FALSE_FINDS:.0%}", _judged(row)
            rows.append(row | {"rule": rule, "verdict": verdict})
    return rows


def lies_below(record: pd.Series, believed: pd.Series) -> np.ndarray:
    """Which values of ``record`` lie below the 5% quantile of the ``believed`` ones, bool (records).

    Both by (draw, replicate). A record never stands in its own forecast, nor does a run that shares its draw
    and replicate, with which it would share its luck.
    """
    found = []
    for run, value in record.items():
        others = believed[believed.index != run].to_numpy()
        # Of n others and the record each is equally likely the lowest, so that k of n + 1 places are below.
        places = math.floor(BELOW * (len(others) + 1))
        found.append(bool(places and value < np.sort(others)[places - 1]))
    return np.array(found, dtype=bool)


def _means(monthly: pd.DataFrame, name: str, signs: Sequence[Target]) -> pd.Series:
    """Mean registered cases over the months of the signs in each run, float64, by (draw, replicate)."""
    months = [pd.Timestamp(f"{t.quantity.months[0]}-01") for t in signs if t.quantity is not None]
    there = (monthly["scenario"] == name) & (monthly["region"] == NATION) & monthly["month"].isin(months)
    return monthly[there].groupby(["draw", "replicate"])[HEADLINE].mean()


def _falls(monthly: pd.DataFrame, name: str, signs: Sequence[Target]) -> pd.Series:
    """Whether every sign is met, by (draw, replicate)."""
    values = simulated(signs, monthly[monthly["scenario"] == name])
    met = [inside(target, values[target.id].to_numpy()) for target in signs]
    return pd.Series(np.all(met, axis=0), index=values.index)


def _row(control: str, question: str, world: str, found: int, of: int) -> dict[str, Any]:
    share = found / of if of else math.nan
    low, high = share_interval(found, of)
    return {
        "control": control,
        "question": question,
        "world": world,
        "found": found,
        "of": of,
        "share": share,
        "error": math.sqrt(share * (1.0 - share) / of) if of else math.nan,
        "low": low,
        "high": high,
    }


def _judged(row: Mapping[str, Any]) -> str:
    if row["high"] <= FALSE_FINDS:
        return GOOD
    return BAD if row["low"] > FALSE_FINDS else OPEN


def found(monthly: pd.DataFrame, worlds: Controls, record: Targets) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All controls, a row each (`COLUMNS`), and the misfit of the real dates and of every shuffle."""
    targets = asked_of(record)
    fits = misfits(monthly, [worlds.real.name, *(world.name for world in worlds.moved)], targets)
    rows = [
        *dates(fits, worlds.real.name),
        nothing(monthly, worlds.real.name, worlds.placebo.name),
        *no_operation(monthly, worlds, targets),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)), fits
