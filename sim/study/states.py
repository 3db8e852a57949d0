"""What a sweep says at each state of what is not known: the table that boxes and regret are made from.

A *state* is what nature has chosen: a point of the sweep's knowledge together with a draw of parameters. A
policy is a scenario with one combination of levers. Every policy, and the baseline, meets the same states
with the same chance, so that policies are compared at each state and run by run. Only the sweep's folder is
read; a sweep that is not finished tells what it has so far. Values of draws are in no file: they are drawn
again from the scenarios and the table of draws, which must be those of the sweep.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from sim.draws.plausible import attached
from sim.draws.wish import asked
from sim.errors import Fault, InputError, nearest
from sim.experiment import Experiment
from sim.observe.outcomes import OUTCOMES
from sim.observe.parts import DESIGN, SWEEP, SweepFolder
from sim.observe.store import refusal
from sim.scenario import Scenario, folders
from sim.study.sweep import status
from sim.study.sweep_tables import RUNS, main_outcome, values_of, window_between
from sim.study.windows import Window

LEVER, KNOWLEDGE = "lever.", "knowledge."
STATE = ["known", "draw"]
DATE = "date"
"""Unit of a coordinate that is a date, kept as its number of the day."""


@dataclass(frozen=True)
class Policy:
    """A scenario with one combination of levers; `points` names its point at each point of knowledge."""

    label: str
    origin: str
    levers: Mapping[str, str]
    points: Mapping[int, str]


@dataclass(frozen=True)
class Reading:
    """A sweep, read.

    `runs` holds the outcome over the window, float64, a column for each policy's label and a row for each
    (known, draw, replicate), NaN where a run is not there; `knowledge` the values at each point of knowledge.
    `baseline` is None where the experiment has none; else it is the first of `policies`. `counts` says how
    many runs are done, failed and waiting.
    """

    experiment: Experiment
    outcome: str
    window: Window
    policies: tuple[Policy, ...]
    baseline: Policy | None
    runs: pd.DataFrame
    knowledge: pd.DataFrame
    counts: Mapping[str, int]
    seed: int

    @property
    def better(self) -> str:
        """The good direction of the outcome, "lower" or "higher"."""
        return OUTCOMES[self.outcome].better

    @property
    def states(self) -> pd.MultiIndex:
        """The states that have runs, as (known, draw), in order."""
        runs = self.runs.index
        return pd.MultiIndex.from_arrays([runs.get_level_values(n) for n in STATE]).unique().sort_values()

    @property
    def draws(self) -> list[int]:
        """The draws of parameters in the runs; draw 0, the point values, is none."""
        return sorted(set(self.runs.index.get_level_values("draw")) - {0})


@dataclass(frozen=True)
class Coordinates:
    """Where states lie: `values`, float64 (states, parameters), and the unit of each parameter."""

    values: pd.DataFrame
    units: Mapping[str, str] = field(default_factory=dict)

    def plain(self, name: str, value: float) -> float | str:
        """A value of a parameter as a table has it: dates as dates."""
        return date.fromordinal(round(value)).isoformat() if self.units.get(name) == DATE else value


def read(folder: SweepFolder, outcome: str = "", window: str = "", *, judged: bool = True) -> Reading:
    """The finished runs of a sweep, by policy and state.

    ``outcome`` and ``window`` are those of the sweep's table where they are empty; ``judged`` asks for an
    outcome with a good direction. Raises `InputError`.
    """
    about = folder.about()
    experiment = _experiment(folder, about)
    if window:
        experiment = experiment.model_copy(update={"windows": [window]})
    chosen = _outcome(outcome or main_outcome(experiment), judged)
    policies, knowledge = _design(folder)
    monthly = folder.monthly()
    if monthly.empty:
        raise refusal(folder.path, "has no finished run yet", "Go on with `cardbreak sweep --resume`.")
    if chosen not in monthly:
        kept = [name for name in OUTCOMES if name in monthly]
        what = f"{chosen} was not kept by the sweep"
        raise InputError([Fault("--outcome", None, "", what, f"It kept {', '.join(kept[:12])}.")])
    span = window_between(experiment, *_span(experiment, monthly["month"]))
    counts = status(folder)[list(RUNS)].sum()
    return Reading(
        experiment=experiment,
        outcome=chosen,
        window=span,
        policies=policies,
        baseline=policies[0] if experiment.baseline is not None else None,
        runs=_runs(values_of(monthly, chosen, span), policies),
        knowledge=knowledge,
        counts={name: int(counts[name]) for name in RUNS},
        seed=int(about["seed"]),
    )


def _experiment(folder: SweepFolder, about: Mapping[str, Any]) -> Experiment:
    try:
        return Experiment.model_validate_json(json.dumps(about["experiment"]))
    except (ValueError, KeyError) as problem:
        raise refusal(folder.path / SWEEP, "describes no experiment", "Make the sweep again.") from problem


def _outcome(name: str, judged: bool) -> str:
    if name not in OUTCOMES:
        what = f"no outcome {name[:60]!r}"
        mend = "`cardbreak list outcomes` shows them."
        raise InputError([Fault("--outcome", None, "", what, mend, nearest(name, OUTCOMES))])
    if judged and not OUTCOMES[name].better:
        what = f"{name} is neither good nor bad, so nothing can fail or be regretted in it"
        raise InputError([Fault("--outcome", None, "", what, "Name another, such as cases_registered.")])
    return name


def _span(experiment: Experiment, months: pd.Series) -> tuple[date, date]:
    """First and last day of the runs."""
    first, last = months.min().date(), (months.max() + pd.offsets.MonthEnd(0)).date()
    return max(first, experiment.start or first), min(last, experiment.end or last)


def _design(folder: SweepFolder) -> tuple[tuple[Policy, ...], pd.DataFrame]:
    """Policies in the order of the design, and the values of knowledge at each point of it."""
    try:
        table = pd.read_csv(folder.path / DESIGN, dtype=str, keep_default_na=False)
        names = [name for name in table.columns if name.startswith(KNOWLEDGE)]
        set_ = [*names, *(name for name in table.columns if name.startswith(LEVER))]
        table[set_] = table[set_].map(_tidy)
        known = list(dict.fromkeys(_rows(table, names)))
        values = pd.DataFrame(known, columns=[name.removeprefix(KNOWLEDGE) for name in names], dtype=str)
        values = values.replace("", "nan").astype("float64").rename_axis("known")
        number = {values: place for place, values in enumerate(known)}
        return tuple(_policies(table, names, number)), values
    except (OSError, ValueError, KeyError) as problem:
        raise refusal(folder.path / DESIGN, "is no table of points", "Make the sweep again.") from problem


def _policies(
    table: pd.DataFrame, knowledge: Sequence[str], number: Mapping[tuple[str, ...], int]
) -> Iterator[Policy]:
    levers = [name for name in table.columns if name.startswith(LEVER)]
    if table.empty:
        raise ValueError("no point")
    for (origin, *chosen), rows in table.groupby(["origin", *levers], sort=False):
        values = {name.removeprefix(LEVER): str(v) for name, v in zip(levers, chosen, strict=True)}
        own = {name: value for name, value in values.items() if value}
        setting = ", ".join(f"{name} {value}" for name, value in own.items())
        places = [number[values] for values in _rows(rows, knowledge)]
        yield Policy(
            f"{origin}: {setting}" if own else str(origin),
            str(origin),
            own,
            dict(zip(places, rows["scenario"], strict=True)),
        )


def _tidy(value: str) -> str:
    """A value as one would write it: 620, where the table has 620.0 because another point has none; and
    without the last digits, which a sweep that was widened may have lost.
    """
    try:
        return f"{float(value):.12g}"
    except ValueError:
        return value


def _rows(table: pd.DataFrame, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Rows of some columns; of no column there are as many empty ones."""
    return [tuple(row) for row in table[list(names)].to_numpy()]


def _runs(values: pd.Series, policies: Sequence[Policy]) -> pd.DataFrame:
    place = {name: (p.label, known) for p in policies for known, name in p.points.items()}
    table = values.reset_index()
    table = table[table["scenario"].isin(place)]
    table["policy"] = [place[name][0] for name in table["scenario"]]
    table["known"] = [place[name][1] for name in table["scenario"]]
    wide = table.pivot(index=[*STATE, "replicate"], columns="policy", values=values.name)
    return wide.reindex(columns=[policy.label for policy in policies])


def chosen(reading: Reading, text: str) -> list[Policy]:
    """The policies that `text` means: all but the baseline where it is empty.

    ``text`` is a label as tables show it, a scenario, the name of a point, or levers as in
    ``outlets=620,auc=0.7``. Raises `InputError` where it means none.
    """
    others = [policy for policy in reading.policies if policy is not reading.baseline]
    found = [policy for policy in others if not text or _means(text, policy)]
    if not found and text:
        mend = f"There are: {'; '.join(policy.label for policy in others[:8])}."
        raise InputError([Fault("--policy", None, "", f"no policy {text[:80]!r}", mend)])
    return found


def _means(text: str, policy: Policy) -> bool:
    if text in (policy.label, policy.origin, *policy.points.values()):
        return True
    asked = [part.partition("=") for part in text.split(",")]
    return all(name.strip() in policy.levers for name, _, _ in asked) and all(
        policy.levers[name.strip()] == _tidy(value.strip()) for name, _, value in asked
    )


def coordinates(reading: Reading, policy: Policy, worlds: Mapping[str, Scenario]) -> Coordinates:
    """Where the states lie: the sweep's knowledge, and what draws set in a policy or its baseline.

    ``worlds`` are the points' scenarios (`scenarios_of`), none where there are no draws. What has the same
    value in all states is left out.
    """
    states = reading.states
    known, draws = (states.get_level_values(name) for name in STATE)
    table = reading.knowledge.loc[known].set_axis(states)
    dates: set[str] = set()
    if worlds and reading.draws:
        both = [one for one in (reading.baseline, policy) if one is not None]
        ours = [worlds[next(iter(one.points.values()))] for one in both]
        drawn = {draw: _drawn(ours, draw, reading.seed) for draw in draws.unique()}
        dates = {name for name, value in next(iter(drawn.values())).items() if isinstance(value, date)}
        by_draw = pd.DataFrame.from_dict(
            {draw: {name: _number(value) for name, value in row.items()} for draw, row in drawn.items()},
            orient="index",
        )
        table = pd.concat([table, by_draw.loc[draws].set_axis(states)], axis=1)
    table = table.dropna().loc[:, lambda t: t.nunique() > 1].astype("float64")
    return Coordinates(table, {**_units(list(table.columns)), **dict.fromkeys(dates, DATE)})


def _drawn(scenarios: Sequence[Scenario], draw: int, seed: int) -> dict[str, float | date]:
    """What a draw sets in some scenarios: uncertain parameters, and uncertain fields of measures."""
    found: dict[str, float | date] = {}
    for scenario in scenarios:
        parameters = scenario.parameters.draw(draw, seed)
        found |= {name: float(parameters[name]) for name in scenario.parameters.uncertain}  # type: ignore[arg-type]
        for measure in scenario.interventions:
            there = measure.at_draw(draw, seed)
            found |= {
                f"interventions.{measure.id}.{item.field}": getattr(there, item.field)
                for item in measure.uncertain
            }
    return found


def _number(value: float | date) -> float:
    return float(value.toordinal()) if isinstance(value, date) else float(value)


def _units(names: Sequence[str]) -> dict[str, str]:
    """Units of parameters of the model; a pure number has none."""
    from sim.scenario.passports import parameters

    passports = parameters(folders.shipped_folder()).passports
    return {name: passports[name].unit for name in names if name in passports and passports[name].unit != "1"}


def scenarios_of(folder: SweepFolder, reading: Reading, home: Path) -> dict[str, Scenario]:
    """The scenarios of a sweep's points as it ran them, by name, for the values of its draws.

    ``home`` is the folder that the experiment's own scenario files lie in. Raises `InputError` where a
    scenario or parameter file is not as it was when the sweep was begun.
    """
    from sim.experiment.points import points_of

    about = folder.about()
    experiment = reading.experiment
    names = [*experiment.scenarios, *([experiment.baseline] if experiment.baseline else [])]
    if any(folders.leads_out(name) for name in names):
        raise refusal(folder.path / SWEEP, "names scenarios elsewhere", "Name the experiment's file.")
    scale = about.get("scale")
    points = points_of(experiment, home, scale if isinstance(scale, int) else None)
    scenarios = attached([point.scenario for point in points], asked(about.get("draws_asked")))
    found = {point.name: scenario for point, scenario in zip(points, scenarios, strict=True)}
    wanted = {name for policy in reading.policies for name in policy.points.values()}
    if any(name not in found or found[name].hash() != about["points"].get(name) for name in wanted):
        what = "was made with other scenario or parameter files or draws than those here: these are not known"
        raise refusal(folder.path, what, "Name the experiment's file, as it was; or make the sweep again.")
    return found


def by_state(values: pd.Series | pd.DataFrame) -> Any:
    """Means over the replicates of each state."""
    return values.groupby(level=STATE, sort=True).mean()
