"""The plan of many runs: which of them one process makes together, because they share a history.

Runs of one replicate and draw that differ in their measures alone are the same until the first of these acts.
Such runs go into one job as far as that lets all workers be done sooner, and there the days that they share
are simulated once (:mod:`sim.study.forks`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from sim.study.one_run import Job, Settings, Task

if TYPE_CHECKING:
    from sim.state.history import History

MOST_TOGETHER = 8
"""Runs of a job at most: more would save little, and as many are lost with a process."""

LEAST_SHARED = 30
"""Days below which a fork costs about what it saves."""

Known = tuple[Task, "History"]


@dataclass(frozen=True)
class Plan:
    """Jobs, the days that their runs have, and the days that are simulated for them."""

    jobs: tuple[Job, ...]
    days: int
    simulated: int

    @property
    def saved(self) -> float:
        """Share of the days that need not be simulated."""
        return 1.0 - self.simulated / self.days if self.days else 0.0

    @property
    def sentence(self) -> str:
        """What forks save, for a user to read; empty where it is not worth a word."""
        if self.saved < 0.005:
            return ""
        shared, months = ((days / 30.44) for days in (self.days - self.simulated, self.days))
        return (
            f"forks: {shared:,.0f} of {months:,.0f} run-months are shared with another run "
            f"({self.saved:.0%} of the simulated days)"
        )


@dataclass(frozen=True)
class Branch:
    """A run, the day from which it is simulated by itself, and those that branch off it, by rising days."""

    task: Task
    since: int
    days: int
    branches: tuple[Branch, ...] = ()


def plan(tasks: Sequence[Task], settings: Settings, workers: int) -> Plan:
    """Jobs of all tasks, of the size with which the workers are likely to be done first."""
    if settings.model is not None:
        return Plan(tuple((task,) for task in tasks), 0, 0)
    groups = [_in_order(group) for group in _by_root(_known(tasks, settings.seed))]
    place = {id(task): number for number, task in enumerate(tasks)}
    best: tuple[float, list[list[Known]]] | None = None
    size = 1
    while size <= MOST_TOGETHER:
        jobs = [job for group in groups for job in _cut(group, size)]
        rounds = math.ceil(len(jobs) / workers) / max(len(jobs), 1)
        takes = rounds * sum(map(_simulated, jobs))
        if best is None or takes < best[0]:
            best = takes, jobs
        size *= 2
    assert best is not None
    chosen = [sorted(job, key=lambda one: place[id(one[0])]) for job in best[1]]
    chosen.sort(key=lambda job: place[id(job[0][0])])
    return Plan(
        jobs=tuple(tuple(task for task, _ in job) for job in chosen),
        days=sum(history.days for group in groups for _, history in group),
        simulated=sum(map(_simulated, best[1])),
    )


def trees(job: Job, seed: int) -> list[Branch]:
    """How the runs of a job branch off each other; one tree for each history that they do not share."""
    roots: list[Branch] = []
    for group in _by_root(_known(job, seed)):
        roots += [_grown(members, 0) for members in _apart(_in_order(group), LEAST_SHARED - 1)]
    return roots


def branches_of(tree: Branch) -> Iterable[Branch]:
    """All runs of a tree."""
    yield tree
    for branch in tree.branches:
        yield from branches_of(branch)


def _known(tasks: Sequence[Task], seed: int) -> list[Known]:
    from sim.state.history import Histories  # the model's rooms, which who only names tasks need not load

    histories = Histories(seed)
    return [(task, histories.of(task.scenario, task.replicate, task.draw)) for task in tasks]


def _by_root(known: Iterable[Known]) -> list[list[Known]]:
    groups: dict[object, list[Known]] = {}
    for one in known:
        groups.setdefault(one[1].root, []).append(one)
    return list(groups.values())


def _in_order(group: list[Known]) -> list[Known]:
    """Runs in such an order that each shares with its neighbours the most that it shares with anyone."""
    return sorted(group, key=lambda one: one[1].events)


def _cut(group: list[Known], size: int) -> Iterable[list[Known]]:
    """A group in even pieces of at most ``size``."""
    pieces = -(-len(group) // size)
    for k in range(pieces):
        yield group[len(group) * k // pieces : len(group) * (k + 1) // pieces]


def _simulated(job: Sequence[Known]) -> int:
    """Days that are simulated for runs in order: what each does not share with the one before it."""
    days = sum(history.days for _, history in job)
    shared = [before.shared(after) for (_, before), (_, after) in pairwise(job)]
    return days - sum(days for days in shared if days >= LEAST_SHARED)


def _apart(group: Sequence[Known], day: int) -> list[list[Known]]:
    """Runs in order, cut where neighbours share no more days than ``day``."""
    parts: list[list[Known]] = []
    for one in group:
        if parts and parts[-1][-1][1].shared(one[1]) > day:
            parts[-1].append(one)
        else:
            parts.append([one])
    return parts


def _grown(members: Sequence[Known], since: int) -> Branch:
    """A tree of runs in order that are the same until ``since``.

    Wherever they part the stem goes on with the largest part, so that no run waits behind more than log2 of
    them: each that waits is a world in memory.
    """
    branches: list[Branch] = []
    while len(members) > 1:
        day = members[0][1].shared(members[-1][1])
        parts = _apart(members, day)
        largest = max(parts, key=len)
        branches += [_grown(part, day) for part in parts if part is not largest]
        members = largest
    task, history = members[0]
    return Branch(task, since, history.days, tuple(branches))
