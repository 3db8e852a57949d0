"""Crews: who makes runs, one after the other here, or side by side in processes.

A crew works off jobs. A job is one or more tasks that belong together, made in one process; a run of it that
raises is recorded and the others go on. A job that kills its process breaks the whole pool: the pool is
started again, the jobs that were under way are repeated each in a pool of its own, and of the one that dies
again every task is repeated alone, until the culprit is known and recorded as failed.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from typing import Any

from sim.study.compiling import warm_up
from sim.study.one_run import Job, Run, Settings, failed, one_line, simulate_together

Progress = Callable[[float, int], None]
"""Called with (runs done, counting the finished part of a run under way; runs in all)."""

POLL_SECONDS = 0.2
"""How often the parent looks at the progress of runs under way."""
HAND_OVER_SECONDS = 1.0
"""What a worker gets, when a pool is ended, to hand over the runs that it had begun to hand over."""


class Crew(ABC):
    """What all ways of working share: the jobs, who takes the runs, the count for the progress bar."""

    def __init__(
        self,
        jobs: Sequence[Job],
        settings: Settings,
        workers: int,
        progress: Progress,
        compiling: Callable[[], None],
        keep: Callable[[Run], None],
    ) -> None:
        self.jobs = jobs
        self.settings = settings
        self.workers = workers
        self.progress = progress
        self.compiling = compiling
        self.keep = keep
        self.done = 0
        self.total = sum(len(job) for job in jobs)

    def take(self, run: Run) -> None:
        """Hand over a run that is done."""
        self.keep(run)
        self.done += 1

    def work(self) -> bool:
        """Make the runs; True when the user interrupted them."""
        try:
            self._work()
            self.progress(self.total, self.total)
        except KeyboardInterrupt:
            return True
        return False

    @abstractmethod
    def _work(self) -> None:
        """Make the runs of this crew; an interrupt may end it at any point."""


class InProcess(Crew):
    """One run after the other in this process."""

    def _work(self) -> None:
        if self.settings.model is None:
            warm_up(self.compiling)
        for job in self.jobs:
            self.progress(self.done, self.total)
            before = self.done

            def report(share: float, before: int = before) -> None:
                self.progress(before + share, self.total)

            for run in simulate_together(job, self.settings, report):
                self.take(run)


class InPool(Crew):
    """Jobs side by side in spawned processes, restarted when one dies."""

    def _work(self) -> None:
        waiting = deque(self.jobs)
        while waiting:
            for job in self._one_pool(waiting, self.workers):
                self._alone(job)

    def _alone(self, job: Job) -> None:
        """Repeat a job that was under way when the pool broke; if it is the culprit, nothing else dies with
        it, and of its tasks the one alone that dies again.
        """
        if not self._one_pool(deque([job]), 1):
            return
        if len(job) == 1:
            self.take(failed(job[0], "the process died twice (killed, or out of memory)"))
            return
        for task in job:
            if self._one_pool(deque([(task,)]), 1):
                self.take(failed(task, "the process died every time (killed, or out of memory)"))

    def _one_pool(self, waiting: deque[Job], workers: int) -> list[Job]:
        """Work off `waiting` until it is empty or the pool breaks; return the jobs then under way."""
        context = multiprocessing.get_context("spawn")
        board = _Board.of(context, len(waiting))
        others = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker, initargs=(board,))
        under_way: dict[Future[list[Run]], tuple[int, Job]] = {}
        begun = 0
        try:
            while waiting or under_way:
                while waiting and len(under_way) < workers:
                    future = pool.submit(_in_worker, begun, waiting[0], self.settings)
                    under_way[future] = begun, waiting.popleft()
                    begun += 1
                self._collect(under_way)
                self._look_at(board, [place for place, _ in under_way.values()])
            pool.shutdown()
        except BrokenProcessPool:
            pool.shutdown(wait=True, cancel_futures=True)
            return [job for _, job in sorted(under_way.values(), key=lambda item: item[0])]
        except BaseException:
            _stop(pool, board, others)
            raise
        return []

    def _look_at(self, board: _Board, under_way: Iterable[int]) -> None:
        """Pass on what the workers have noted."""
        if board.missing.value:
            self.compiling()
            self.compiling, board.missing.value = silent, False
        self.progress(self.done + sum(board.shares[place] for place in under_way), self.total)

    def _collect(self, under_way: dict[Future[list[Run]], tuple[int, Job]]) -> None:
        """Take in what has finished; a broken pool is raised only after the good runs are safe."""
        finished, _ = wait(under_way, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        broken: BrokenProcessPool | None = None
        for future in finished:
            problem = future.exception()
            if isinstance(problem, BrokenProcessPool):
                broken = problem
                continue
            _, job = under_way.pop(future)
            runs = future.result() if problem is None else [failed(task, one_line(problem)) for task in job]
            for run in runs:
                self.take(run)
        if broken is not None:
            raise broken


@dataclass(frozen=True)
class _Board:
    """What workers share with their parent: the runs done of each job (`shares`), whether kernels are
    `missing` in the cache, whether the work has `ended`, and a lock that the worker holds which is
    `compiling` kernels.
    """

    shares: Any
    missing: Any
    ended: Any
    compiling: Any

    @classmethod
    def of(cls, context: SpawnContext, jobs: int) -> _Board:
        missing, ended = context.RawValue("b", 0), context.RawValue("b", 0)
        return cls(context.RawArray("d", jobs), missing, ended, context.Lock())


_board: _Board
"""In a worker: what it shares with its parent."""


def _begin_worker(board: _Board) -> None:
    """Prepare a worker: Ctrl-C is the parent's business, and a worker ends when its parent does."""
    global _board
    _board = board
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _in_worker(place: int, job: Job, settings: Settings) -> list[Run]:
    def report(share: float) -> None:
        _board.shares[place] = share

    if settings.model is None:
        _load()
    runs = list(simulate_together(job, settings, report))
    if _board.ended.value:
        os._exit(1)
    return runs


def _load() -> None:
    """Load the model. Where the kernels are missing, one worker compiles; the others wait, and find them."""
    with ExitStack() as until_loaded:

        def compiling() -> None:
            _board.missing.value = True
            until_loaded.enter_context(_board.compiling)

        warm_up(compiling)
    gc.freeze()  # modules stay: looking for garbage after each run need not go through them


def _stop(pool: ProcessPoolExecutor, board: _Board, others: set[BaseProcess]) -> None:
    """End a pool, with the runs under way in it, but not `others`, the processes that are not its own.

    A worker that dies while it hands over runs leaves the pool waiting for the rest of them for ever. So the
    workers are told first, after which none begins to.
    """
    board.ended.value = True
    pool.shutdown(wait=False, cancel_futures=True)
    time.sleep(HAND_OVER_SECONDS)
    for process in set(multiprocessing.active_children()) - others:
        process.terminate()


def silent(*_: float) -> None:
    """Nothing is to be told."""
