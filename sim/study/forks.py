"""Forks: runs that share a history are simulated once up to the day on which they part.

One run is the stem. On the day on which others part from it, each of these is built as ever, takes over the
state of the stem, and goes on by itself, and others may branch off it in turn. A forked run equals the
straight run bit for bit; it takes the time of the days that are its own.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from sim.study.one_run import Job, Run, Settings, Task, build, failed, lesson, run_of, simulate
from sim.study.plan import Branch, branches_of, trees


def simulate_trees(
    job: Job, settings: Settings, report: Callable[[float], None] | None = None
) -> Iterator[Run]:
    """Make the runs of a job, each as soon as it is done; ``report`` is told the runs done, by their days.

    Runs that would branch off one that fails before they part are made straight.
    """
    roots = trees(job, settings.seed)
    days = sum(branch.days - branch.since for root in roots for branch in branches_of(root))
    progress = _Days(len(job) / max(days, 1), report)
    for root in roots:
        yield from _Tree(settings, progress).runs(root, None)


class _Days:
    """Simulated days, told as runs."""

    def __init__(self, runs_a_day: float, report: Callable[[float], None] | None) -> None:
        self.runs_a_day = runs_a_day
        self.report = report
        self.before = 0

    def go(self, model: Any, until: int) -> None:
        """Step a model to the morning of a day."""
        first = model.day
        model.run_model(progress=lambda day, _: self.tell(day - first), until=until)
        self.before += until - first

    def tell(self, days: int) -> None:
        """Tell that so many days are done beside those before."""
        if self.report is not None:
            self.report(self.runs_a_day * (self.before + days))


class _Tree:
    """Makes the runs of a tree; the models from which others still branch off wait meanwhile."""

    def __init__(self, settings: Settings, progress: _Days) -> None:
        self.settings = settings
        self.progress = progress

    def runs(self, branch: Branch, stem: Any) -> Iterator[Run]:
        """The run of a branch, after those that branch off it; ``stem``: the model from which it parts."""
        seconds, waiting = 0.0, list(branch.branches)
        started = time.perf_counter()
        try:
            model = self._model(branch.task, stem)
            while waiting:
                self.progress.go(model, waiting[0].since)
                seconds += time.perf_counter() - started
                yield from self.runs(waiting.pop(0), model)
                started = time.perf_counter()
            self.progress.go(model, branch.days)
            run = run_of(branch.task, model.recorder)
        except Exception as problem:  # one run must not lose the others
            run = failed(branch.task, lesson(problem))
        model = None
        gc.collect()  # see `simulate`
        yield replace(run, seconds=seconds + time.perf_counter() - started)
        for lost in [one for other in waiting for one in branches_of(other)]:
            yield simulate(lost.task, self.settings)

    def _model(self, task: Task, stem: Any) -> Any:
        """The model of a run, on the day on which it parts from a stem."""
        model = build(task, self.settings)
        if stem is not None:
            from sim.state.capture import state_of, take_over

            take_over(model, state_of(stem))
        return model
