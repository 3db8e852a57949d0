"""Many runs: every scenario times every replicate, side by side in processes.

A run is decided by (scenario, seed, replicate, draw) alone, so runs may finish in any order, in any process,
on any number of cores, and the results are the same. Replicate i of every scenario uses the same draw and the
same keyed random numbers, which is what pairs the scenarios.

A run that raises is recorded with its error in one line and the others go on. A run that kills its process
breaks the whole pool: the pool is started again, the runs that were under way are repeated each in a process
of its own, and the one that dies again is recorded as failed.
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
from dataclasses import dataclass, field
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from sim.study.compiling import warm_up
from sim.study.run_set import RunSet

if TYPE_CHECKING:
    import pandas as pd

    from sim.interventions.base import Measure
    from sim.scenario import Scenario

Progress = Callable[[float, int], None]
"""Called with (runs done, counting the finished part of a run under way; runs in all)."""

POLL_SECONDS = 0.2
"""How often the parent looks at the progress of runs under way."""


@dataclass(frozen=True)
class Task:
    """One run to make: which scenario (its place in the list), which replicate, which draw of parameters."""

    position: int
    scenario: int
    replicate: int
    draw: int


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


def draw_of(replicate: int, draws: int | None) -> int:
    """The draw of parameters of a replicate: 0, the point defaults, without draws; else 1 + i mod D."""
    return 0 if draws is None else 1 + replicate % draws


def run_many(
    scenarios: Sequence[Scenario],
    *,
    replicates: int = 20,
    draws: int | None = None,
    seed: int = 1,
    jobs: int | None = None,
    threads: int = 1,
    audit: str = "month",
    progress: Progress | None = None,
    model: Callable[..., Any] | None = None,
    watch: Sequence[Measure] = (),
    compiling: Callable[[], None] | None = None,
) -> RunSet:
    """Simulate every scenario `replicates` times and return all runs, also those that failed.

    Parameters
    ----------
    scenarios
        What to simulate; their names must differ.
    replicates
        Runs of each scenario, at least 1.
    draws
        How many draws of the uncertain parameters the replicates share out; None for the point defaults.
    seed
        Root of all random numbers, from 0 on.
    jobs
        Processes side by side; None for one on each core. One job runs in this process.
    threads
        Threads of the card kernel inside one run. The results depend neither on it nor on `jobs`.
    audit
        How often the conservation identities are checked, "month" or "day".
    progress
        Called with (runs done, runs in all) while the runs go on.
    model
        The model's class; by default `sim.model.FraudSupplyChain`.
    watch
        Measures whose footprint all runs tally, also those of scenarios without them.
    compiling
        Called once if the kernels are not in the cache and have to be compiled first.

    A KeyboardInterrupt ends the set early: the runs that are finished are returned, marked as interrupted.
    """
    _check_numbers(scenarios, replicates=replicates, draws=draws, seed=seed, jobs=jobs, threads=threads)
    started = time.perf_counter()
    tasks = tasks_of(len(scenarios), replicates, draws)
    settings = Settings(seed, threads, audit, model, tuple(watch))
    done: dict[Task, Run] = {}
    interrupted = stream(
        scenarios, tasks, settings, done.__setitem__, jobs=jobs, progress=progress, compiling=compiling
    )
    runs = sorted(done.items(), key=lambda item: (item[0].scenario, item[0].replicate))
    return RunSet(
        scenarios=tuple(scenarios),
        runs=tuple(run for _, run in runs),
        seed=seed,
        replicates=replicates,
        draws=draws,
        seconds=time.perf_counter() - started,
        interrupted=interrupted,
    )


def stream(
    scenarios: Sequence[Scenario],
    tasks: Sequence[Task],
    settings: Settings,
    keep: Callable[[Task, Run], None],
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
    compiling: Callable[[], None] | None = None,
) -> bool:
    """Make runs and hand each to ``keep`` when it is done, in any order, keeping none.

    ``tasks`` are numbered by their place. Returns whether the user interrupted.
    """
    workers = min(jobs or os.cpu_count() or 1, max(len(tasks), 1))
    work = _InProcess if workers == 1 else _InPool
    crew = work(
        tuple(scenarios), list(tasks), settings, workers, progress or _silent, compiling or _silent, keep
    )
    return crew.work()


def tasks_of(scenarios: int, replicates: int, draws: int | None) -> list[Task]:
    """All runs to make, replicate by replicate, so that the runs of a pair finish together."""
    pairs = [(s, i) for i in range(replicates) for s in range(scenarios)]
    return [Task(k, s, i, draw_of(i, draws)) for k, (s, i) in enumerate(pairs)]


def simulate(
    scenario: Scenario, task: Task, settings: Settings, report: Callable[[float], None] | None = None
) -> Run:
    """Make one run in this process; an error ends up in `Run.error`, in one line."""
    started = time.perf_counter()
    try:
        chain = _model_class(settings)(
            scenario,
            seed=settings.seed,
            replicate=task.replicate,
            draw=task.draw,
            threads=settings.threads,
            audit=settings.audit,
            watch=settings.watch,
        )
        chain.run_model(progress=_share(report))
        record = chain.recorder
        monthly, weekly, deeds = record.monthly(), record.weekly(), record.deeds()
        counts, error = dict(record.counts()), ""
        del chain, record
    except Exception as problem:  # one run must not lose the others
        if os.environ.get("CARDBREAK_DEBUG"):
            raise
        monthly, weekly, deeds, counts, error = None, None, None, {}, one_line(problem)
    gc.collect()  # a model is a web of references: without this several worlds wait in memory to be dropped
    seconds = time.perf_counter() - started
    return Run(scenario.name, task.replicate, task.draw, monthly, weekly, counts, seconds, error, deeds)


def one_line(problem: BaseException) -> str:
    """An exception as a single line: its kind and the first line of what it says."""
    lines = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {lines[0].strip()}" if lines else type(problem).__name__


class _Crew(ABC):
    """What both ways of working share: the tasks, the runs that are done, the count for the progress bar."""

    def __init__(
        self,
        scenarios: tuple[Scenario, ...],
        tasks: list[Task],
        settings: Settings,
        workers: int,
        progress: Progress,
        compiling: Callable[[], None],
        keep: Callable[[Task, Run], None],
    ) -> None:
        self.scenarios = scenarios
        self.tasks = tasks
        self.settings = settings
        self.workers = workers
        self.progress = progress
        self.compiling = compiling
        self.keep = keep
        self.done = 0

    def take(self, task: Task, run: Run) -> None:
        """Hand over a run that is done."""
        self.keep(task, run)
        self.done += 1

    def work(self) -> bool:
        """Make the runs; True when the user interrupted them."""
        try:
            self._work()
        except KeyboardInterrupt:
            return True
        return False

    @abstractmethod
    def _work(self) -> None:
        """Make the runs of this crew; an interrupt may end it at any point."""


class _InProcess(_Crew):
    """One run after the other in this process."""

    def _work(self) -> None:
        if self.settings.model is None:
            warm_up(self.compiling)
        total = len(self.tasks)
        for task in self.tasks:
            self.progress(self.done, total)
            run = simulate(
                self.scenarios[task.scenario],
                task,
                self.settings,
                lambda share: self.progress(self.done + share, total),
            )
            self.take(task, run)
        self.progress(total, total)


class _InPool(_Crew):
    """Runs side by side in spawned processes, restarted when one dies."""

    def _work(self) -> None:
        waiting = deque(self.tasks)
        while waiting:
            suspects = self._one_pool(waiting, self.workers)
            for task in suspects:
                self._alone(task)
        self.progress(len(self.tasks), len(self.tasks))

    def _alone(self, task: Task) -> None:
        """Repeat a run that was under way when the pool broke; if it is the culprit, nothing else dies with
        it.
        """
        if self._one_pool(deque([task]), 1):
            name = self.scenarios[task.scenario].name
            error = "the process died twice (killed, or out of memory)"
            self.take(task, Run(name, task.replicate, task.draw, error=error))

    def _one_pool(self, waiting: deque[Task], workers: int) -> list[Task]:
        """Work off `waiting` until it is empty or the pool breaks; return the runs then under way."""
        context = multiprocessing.get_context("spawn")
        board = _Board.of(context, len(self.tasks))
        others = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker, initargs=(board,))
        under_way: dict[Future[Run], Task] = {}
        try:
            while waiting or under_way:
                while waiting and len(under_way) < workers:
                    task = waiting[0]
                    future = pool.submit(_in_worker, self.scenarios[task.scenario], task, self.settings)
                    under_way[future] = waiting.popleft()
                self._collect(under_way)
                self._look_at(board, under_way.values())
            pool.shutdown()
        except BrokenProcessPool:
            pool.shutdown(wait=True, cancel_futures=True)
            return sorted(under_way.values(), key=lambda task: task.position)
        except BaseException:
            _stop(pool, others)
            raise
        return []

    def _look_at(self, board: _Board, under_way: Iterable[Task]) -> None:
        """Pass on what the workers have noted."""
        if board.missing.value:
            self.compiling()
            self.compiling, board.missing.value = _silent, False
        self.progress(self.done + sum(board.shares[t.position] for t in under_way), len(self.tasks))

    def _collect(self, under_way: dict[Future[Run], Task]) -> None:
        """Take in what has finished; a broken pool is raised only after the good runs are safe."""
        finished, _ = wait(under_way, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        broken: BrokenProcessPool | None = None
        for future in finished:
            problem = future.exception()
            if isinstance(problem, BrokenProcessPool):
                broken = problem
                continue
            task = under_way.pop(future)
            self.take(task, self._run_of(future, task, problem))
        if broken is not None:
            raise broken

    def _run_of(self, future: Future[Run], task: Task, problem: BaseException | None) -> Run:
        if problem is None:
            return future.result()
        return Run(self.scenarios[task.scenario].name, task.replicate, task.draw, error=one_line(problem))


@dataclass(frozen=True)
class _Board:
    """What workers share with their parent: the part done of each run (`shares`), whether kernels are
    `missing` in the cache, and a lock that the worker holds which is `compiling` them.
    """

    shares: Any
    missing: Any
    compiling: Any

    @classmethod
    def of(cls, context: SpawnContext, runs: int) -> _Board:
        return cls(context.RawArray("d", runs), context.RawValue("b", 0), context.Lock())


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


def _in_worker(scenario: Scenario, task: Task, settings: Settings) -> Run:
    def report(share: float) -> None:
        _board.shares[task.position] = share

    if settings.model is None:
        _load()
    return simulate(scenario, task, settings, report)


def _load() -> None:
    """Load the model. Where the kernels are missing, one worker compiles; the others wait, and find them."""
    with ExitStack() as until_loaded:

        def compiling() -> None:
            _board.missing.value = True
            until_loaded.enter_context(_board.compiling)

        warm_up(compiling)
    gc.freeze()  # modules stay: looking for garbage after each run need not go through them


def _stop(pool: ProcessPoolExecutor, others: set[BaseProcess]) -> None:
    """End a pool at once, with the runs under way in it, but not `others`, the processes that are not its
    own.
    """
    pool.shutdown(wait=False, cancel_futures=True)
    for process in set(multiprocessing.active_children()) - others:
        process.terminate()


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


def _silent(*_: float) -> None:
    """Nothing is to be told."""


def _check_numbers(scenarios: Sequence[Scenario], **numbers: int | None) -> None:
    """Refuse numbers that make no sense, in words; the command line checks its own before it comes here."""
    if not scenarios:
        raise ValueError("no scenario to run")
    names = [scenario.name for scenario in scenarios]
    if len(set(names)) < len(names):
        raise ValueError(f"scenarios must have different names, got {', '.join(names)}")
    for name, number in numbers.items():
        least = 0 if name == "seed" else 1
        if number is not None and number < least:
            raise ValueError(f"{name} must be at least {least}, got {number}")
