"""Sweeps: a campaign of runs that survives whatever happens to the machine, and grows later.

The points of an experiment times replicates are planned once, run in any order and on any number of
processes, and kept batch by batch (:mod:`sim.observe.parts`). Started again, a sweep makes what is missing
and nothing else; widened, it plans what is new and keeps the rest. A run that fails is tried twice more, then
recorded, and the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.draws.plausible import drawn_from
from sim.draws.wish import POINT_VALUES, DrawsWish
from sim.errors import Fault
from sim.observe.outcomes import OUTCOMES
from sim.observe.parts import Batch, Entry, Failure, RunId, SweepFolder, missing
from sim.observe.store import refusal
from sim.study.compare import NATION
from sim.study.crews import Progress
from sim.study.one_run import Run, Settings, Task
from sim.study.plan import Plan, plan
from sim.study.results import versions
from sim.study.run_set import labelled
from sim.study.runs import draw_of, stream

if TYPE_CHECKING:
    from sim.experiment import Experiment, Point
    from sim.model import FraudSupplyChain
    from sim.scenario import Scenario
    from sim.study.cluster import Cluster

TRIES = 3
"""How often a run is tried before it counts as failed."""

UNITS = "units."
"""What the columns of units delivered begin with."""

PACE_SECONDS = 1.5
PART_OVERHEAD, BYTES_A_VALUE = 20_000, 5
"""Size of a part beside its values, and of a value, as measured."""


@dataclass(frozen=True)
class Sweep:
    """What is asked for: the points of an experiment, how often each, and with which seed.

    With ``units`` the nation's rows also keep what every measure delivered, in columns `units.ID`. ``wish``
    says how the draws were asked for, so that they can be found again.
    """

    experiment: Experiment
    points: tuple[Point, ...]
    replicates: int
    draws: int | None
    seed: int
    units: bool = False
    wish: DrawsWish = POINT_VALUES

    def wanted(self) -> list[RunId]:
        """Every run, replicate by replicate, so that all points have some runs early."""
        return [
            RunId(point.name, draw_of(replicate, self.draws), replicate)
            for replicate in range(self.replicates)
            for point in self.points
        ]

    def tasks(self, runs: Iterable[RunId]) -> list[Task]:
        """What to simulate for some of its runs."""
        scenarios = {point.name: point.scenario for point in self.points}
        return [Task(scenarios[run.scenario], run.replicate, run.draw) for run in runs]

    @property
    def drawn_from(self) -> list[dict[str, Any]]:
        """Where the draws of its runs come from; see `sim.draws.plausible.drawn_from`."""
        return drawn_from([point.scenario for point in self.points], self.draws)

    def about(self) -> dict[str, Any]:
        """What decides the numbers, as plain values, to be compared when the sweep goes on."""
        return {
            "experiment": self.experiment.model_dump(mode="json", exclude_defaults=True),
            "seed": self.seed,
            "replicates": self.replicates,
            "draws": self.draws,
            "draws_asked": str(self.wish),
            "draws_from": self.drawn_from,
            "scale": self.points[0].scenario.scale,
            "start": self.points[0].scenario.start.isoformat(),
            "end": self.points[0].scenario.end.isoformat(),
            "versions": versions(),
            "points": {point.name: point.scenario.hash() for point in self.points},
        }

    def design(self) -> pd.DataFrame:
        """A row for each point: its name, the scenario that it varies, levers, knowledge."""
        rows = [
            {"scenario": point.name, "origin": point.origin, **_named("lever", point.levers)}
            | _named("knowledge", point.knowledge)
            for point in self.points
        ]
        return pd.DataFrame(rows)


def _named(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{kind}.{name}": value for name, value in values.items()}


@dataclass(frozen=True)
class Cost:
    """What a sweep is expected to take: runs, seconds on this machine, bytes."""

    runs: int
    seconds: float
    bytes: float


def begin(folder: SweepFolder, sweep: Sweep, *, resume: bool, expand: bool, mixed: bool) -> None:
    """Make the folder hold the plan of a sweep, or refuse.

    ``resume`` goes on with the same sweep; ``expand`` adds what is new in it; ``mixed`` lets a sweep go on
    though scenarios or versions have changed, and says so in its description.
    """
    if not folder.exists:
        folder.begin(sweep.about(), sweep.design())
        folder.add_plan(sweep.wanted())
        return
    before = folder.about()
    if not (resume or expand):
        raise refusal(folder.path, "already holds a sweep", "Go on with --resume, or widen it with --expand.")
    changed = _changes(before, sweep.about())
    if changed and not mixed:
        mend = "Give another --out, or --mixed to go on and have results of both in one sweep."
        raise refusal(folder.path, "was begun with something else: " + "; ".join(changed), mend)
    planned = _planned(folder)
    new = [run for run in sweep.wanted() if run not in planned]
    if new and not expand and planned:
        raise refusal(folder.path, f"lacks {len(new)} runs that are asked for", "Widen it with --expand.")
    about = sweep.about()
    about["points"] = before["points"] | about["points"]
    if changed or before.get("mixed"):
        about["mixed"] = [*before.get("mixed", []), *changed]
    folder.begin(about, _joined(folder, sweep.design()))
    folder.add_plan(new)


def _joined(folder: SweepFolder, design: pd.DataFrame) -> pd.DataFrame:
    """The design with the points that were there before."""
    before = pd.read_csv(folder.path / "design.csv")
    return pd.concat([before, design[~design["scenario"].isin(before["scenario"])]], ignore_index=True)


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What decides numbers and is not as it was, in plain words."""
    changed = [f"seed {before['seed']}, now {now['seed']}"] if before["seed"] != now["seed"] else []
    old, new = before["points"], now["points"]
    other = [name for name in old.keys() & new.keys() if old[name] != new[name]]
    if other:
        changed.append(
            f"{len(other)} of its points changed (scenario or parameter files, or the table of draws), "
            f"such as {min(other)}"
        )
    for name in sorted(before["versions"].keys() | now["versions"].keys()):
        was, is_ = before["versions"].get(name, "none"), now["versions"].get(name, "none")
        if was != is_:
            changed.append(f"{name} {was}, now {is_}")
    return changed


def plan_more(folder: SweepFolder, runs: Sequence[RunId]) -> None:
    """Plan those of the runs that no plan has yet."""
    planned = _planned(folder)
    folder.add_plan([run for run in runs if run not in planned])


def _planned(folder: SweepFolder) -> set[RunId]:
    return {run for batch in folder.batches() for run in batch.runs}


def plan_failed_again(folder: SweepFolder) -> int:
    """Plan the runs that failed once more; returns how many."""
    failed = failures(folder)
    folder.add_plan([one.run for one in failed])
    return len(failed)


def failures(folder: SweepFolder) -> list[Failure]:
    """Runs that failed and have not been made since."""
    return _failed(folder.batches(), folder.done())


def _failed(batches: Iterable[Batch], done: Mapping[str, Entry]) -> list[Failure]:
    last: dict[RunId, Failure | None] = {}
    for batch in batches:
        if batch.name in done:
            last.update(dict.fromkeys(batch.runs))
            last.update({one.run: one for one in done[batch.name].failed})
    return [one for one in last.values() if one is not None]


@dataclass
class _Open:
    """A batch under way: what is done of it."""

    batch: Batch
    frames: dict[RunId, pd.DataFrame] = field(default_factory=dict)
    failed: dict[RunId, Failure] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return len(self.frames) + len(self.failed) == len(self.batch.runs)


def work(
    folder: SweepFolder,
    sweep: Sweep,
    *,
    jobs: int | None = None,
    cluster: Cluster | None = None,
    progress: Progress | None = None,
) -> bool:
    """Make every batch of this folder's shard that does not count yet, here or on a cluster; True if it was
    interrupted.
    """
    left = missing(folder.batches(), folder.done())
    if folder.shard is not None:
        left = [batch for batch in left if folder.shard.has(batch)]
    names = {point.name for point in sweep.points}
    if gone := sorted({run.scenario for batch in left for run in batch.runs} - names):
        mend = "Give the experiment as it was when they were planned."
        raise refusal(folder.path, f"plans runs of {gone[0]}, which is not asked for any more", mend)
    open_: dict[RunId, _Open] = {}
    for batch in left:
        open_.update(dict.fromkeys(batch.runs, _Open(batch)))
    again: list[RunId] = []
    tries: dict[RunId, int] = {}

    def keep(run: Run) -> None:
        name = RunId(run.scenario, run.draw, run.replicate)
        tries[name] = tries.get(name, 0) + 1
        if run.error and tries[name] < TRIES:
            again.append(name)
            return
        at = open_[name]
        if run.monthly is None:
            at.failed[name] = Failure(run.scenario, run.draw, run.replicate, run.error, tries[name])
        else:
            at.frames[name] = _kept(run, sweep)
        if at.full:
            _write(folder, at)
            for done in at.batch.runs:
                del open_[done]

    runs = [run for batch in left for run in batch.runs]
    while runs:
        tasks = sweep.tasks(runs)
        if stream(tasks, Settings(seed=sweep.seed), keep, jobs=jobs, cluster=cluster, progress=progress):
            return True
        runs, again[:] = list(again), []
    return False


def _kept(run: Run, sweep: Sweep) -> pd.DataFrame:
    """The rows and columns of a run that the sweep keeps, labelled."""
    frame, experiment = run.monthly, sweep.experiment
    assert frame is not None
    if experiment.regions == "nation":
        frame = frame[frame["region"] == NATION]
    if experiment.outcomes is not None:
        frame = frame[["month", "region", *experiment.outcomes]]
    if sweep.units:
        frame = _with_units(run, frame)
    return labelled(run, frame)


def _with_units(run: Run, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the nation with a column more for each measure that delivered something."""
    assert run.deeds is not None
    units = run.deeds[run.deeds["what"] == "units"]
    for measure, rows in units.groupby("measure"):
        by_month = rows.groupby("month")["value"].sum()
        there = frame["region"] == NATION
        frame = frame.assign(**{f"{UNITS}{measure}": frame["month"].map(by_month).where(there).fillna(0.0)})
    return frame


def _write(folder: SweepFolder, done: _Open) -> None:
    frames = [done.frames[run] for run in done.batch.runs if run in done.frames]
    frame = pd.concat(frames, ignore_index=True) if frames else None
    failed = [done.failed[run] for run in done.batch.runs if run in done.failed]
    folder.write(done.batch.name, frame, failed, len(done.batch.runs))


def status(folder: SweepFolder) -> pd.DataFrame:
    """Every point and how many of its runs are done, failed and waiting."""
    batches, done = folder.batches(), folder.done()
    broken = {one.run for one in _failed(batches, done)}
    # Of several plans for a run the last one tells.
    made = {run: batch.name in done for batch in batches for run in batch.runs}
    rows: dict[str, dict[str, int]] = {}
    for run, counts in made.items():
        row = rows.setdefault(run.scenario, {"done": 0, "failed": 0, "waiting": 0})
        row["waiting" if not counts else "failed" if run in broken else "done"] += 1
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("scenario").reset_index()


def planned(sweep: Sweep, runs: Iterable[RunId], jobs: int) -> Plan:
    """The plan of some of a sweep's runs; those of points that it has no more are left out."""
    names = {point.name for point in sweep.points}
    tasks = sweep.tasks(run for run in runs if run.scenario in names)
    return plan(tasks, Settings(seed=sweep.seed), jobs)


def expected(sweep: Sweep, runs: int, saved: float, jobs: int) -> Cost:
    """What ``runs`` runs are expected to take on this machine, from a moment of the last point's run; forks
    save a share ``saved`` of it.
    """
    scenario = sweep.points[-1].scenario
    model, seconds = pace(scenario, sweep.seed)
    months = scenario.days / 30.44
    places = 1 if sweep.experiment.regions == "nation" else model.regions.n + 2
    columns = len(sweep.experiment.outcomes or OUTCOMES)
    size = PART_OVERHEAD + BYTES_A_VALUE * months * places * columns
    return Cost(runs, runs * seconds * (1.0 - saved) / max(min(jobs, runs), 1), runs * size)


def pace(scenario: Scenario, seed: int) -> tuple[FraudSupplyChain, float]:
    """A model a moment into its run, and the seconds that the whole run is expected to take here."""
    from sim.model import FraudSupplyChain

    started = time.perf_counter()
    model = FraudSupplyChain(scenario, seed=seed)
    built = time.perf_counter() - started
    model.step()
    started = time.perf_counter()
    first = model.day
    while model.day < model.days and time.perf_counter() - started < PACE_SECONDS:
        model.step()
    a_day = (time.perf_counter() - started) / max(model.day - first, 1)
    return model, built + a_day * scenario.days


def over_budget(experiment: Experiment, cost: Cost, file: str) -> Sequence[Fault]:
    """What of the budget a plan would break."""
    budget = experiment.budget
    checks = (
        ("runs", budget.runs, cost.runs),
        ("hours", budget.hours, cost.seconds / 3600.0),
        ("gigabytes", budget.gigabytes, cost.bytes / 1e9),
    )
    mend = "Ask for less, or raise the budget."
    return [
        Fault(file, None, f"budget.{name}", f"is {most:g}, and the sweep would take {takes:.3g}", mend)
        for name, most, takes in checks
        if most is not None and takes > most
    ]
