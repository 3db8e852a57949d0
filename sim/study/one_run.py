"""One run: a scenario simulated once, and what is left of it.

A run is decided by (scenario, seed, replicate, draw) alone. One that raises ends with its error in one line.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from sim.interventions.base import Measure
    from sim.scenario import Scenario


@dataclass(frozen=True)
class Task:
    """One run to make: of which scenario, which replicate, which draw of parameters."""

    scenario: Scenario = field(repr=False)
    replicate: int
    draw: int


Job = tuple[Task, ...]
"""Tasks that one process makes together."""


@dataclass(frozen=True)
class Settings:
    """What all runs of a set share. `model` is the model's class, so that a study can run a user's own
    subclass; `watch` holds measures whose footprint is tallied also where a scenario does not have them.
    """

    seed: int = 1
    threads: int = 1
    audit: str = "month"
    model: Callable[..., Any] | None = None
    watch: tuple[Measure, ...] = ()


@dataclass(frozen=True)
class Run:
    """The outcome of one run: its monthly table, or why there is none.

    `monthly` has one row for each month and region, `weekly` one for each week, `deeds` one for each month,
    measure and quantity that it answers for; `counts` holds raw simulated counts (not times the scale),
    `seconds` is wall-clock time and never enters a results table.
    """

    scenario: str
    replicate: int
    draw: int
    monthly: pd.DataFrame | None = field(default=None, repr=False)
    weekly: pd.DataFrame | None = field(default=None, repr=False)
    counts: dict[str, Any] = field(default_factory=dict, repr=False)
    seconds: float = 0.0
    error: str = ""
    deeds: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def finished(self) -> bool:
        """Whether the run reached its last day."""
        return self.monthly is not None


def simulate(task: Task, settings: Settings, report: Callable[[float], None] | None = None) -> Run:
    """Make one run in this process; an error ends up in `Run.error`, in one line."""
    started = time.perf_counter()
    try:
        chain = build(task, settings)
        chain.run_model(progress=_share(report))
        run = run_of(task, chain.recorder)
        del chain
    except Exception as problem:  # one run must not lose the others
        run = failed(task, lesson(problem))
    gc.collect()  # a model is a web of references: without this several worlds wait in memory to be dropped
    return replace(run, seconds=time.perf_counter() - started)


def build(task: Task, settings: Settings) -> Any:
    """The model of a run, on its first day."""
    return _model_class(settings)(
        task.scenario,
        seed=settings.seed,
        replicate=task.replicate,
        draw=task.draw,
        threads=settings.threads,
        audit=settings.audit,
        watch=settings.watch,
    )


def run_of(task: Task, record: Any) -> Run:
    """The outcome of a run by the recorder of its model."""
    return Run(
        task.scenario.name,
        task.replicate,
        task.draw,
        monthly=record.monthly(),
        weekly=record.weekly(),
        counts=dict(record.counts()),
        deeds=record.deeds(),
    )


def lesson(problem: Exception) -> str:
    """What to record of a run that raised; where the environment asks for it, it is raised again."""
    if os.environ.get("CARDBREAK_DEBUG"):
        raise problem
    return one_line(problem)


def simulate_together(
    job: Job, settings: Settings, report: Callable[[float], None] | None = None
) -> Iterator[Run]:
    """Make the runs of a job in this process, each when it is asked for, in any order; days that several
    share are simulated once.

    ``report`` is told the runs done, counting the finished part of those under way.
    """
    if len(job) > 1 and settings.model is None:
        from sim.study.forks import simulate_trees

        yield from simulate_trees(job, settings, report)
        return
    for done, task in enumerate(job):
        yield simulate(task, settings, report and partial(_beyond, report, done))


def _beyond(report: Callable[[float], None], done: int, share: float) -> None:
    report(done + share)


def failed(task: Task, error: str) -> Run:
    """A run of which there is nothing but the reason."""
    return Run(task.scenario.name, task.replicate, task.draw, error=error)


def one_line(problem: BaseException) -> str:
    """An exception as a single line: its kind and the first line of what it says."""
    lines = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {lines[0].strip()}" if lines else type(problem).__name__


def _model_class(settings: Settings) -> Callable[..., Any]:
    if settings.model is not None:
        return settings.model
    from sim.model import FraudSupplyChain

    return FraudSupplyChain


def _share(report: Callable[[float], None] | None) -> Callable[[int, int], None] | None:
    """A model's progress (day, days) as a share of the run."""
    if report is None:
        return None
    return lambda day, days: report(day / max(days, 1))
