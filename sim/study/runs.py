"""Many runs: every scenario times every replicate, side by side in processes.

A run is decided by (scenario, seed, replicate, draw) alone, so runs may finish in any order, in any process,
on any number of cores, and the results are the same. Replicate i of every scenario uses the same draw and the
same keyed random numbers, which is what pairs the scenarios.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sim.study.cluster import Cluster, OnCluster
from sim.study.crews import Crew, InPool, InProcess, Progress, silent
from sim.study.one_run import Run, Settings, Task
from sim.study.plan import plan
from sim.study.run_set import RunSet

if TYPE_CHECKING:
    from sim.interventions.base import Measure
    from sim.scenario import Scenario


REPLICATES = 20
"""How many runs of a scenario are made where no number is given."""


def draw_of(replicate: int, draws: int | None) -> int:
    """The draw of parameters of a replicate: 0, the point defaults, without draws; else 1 + i mod D."""
    return 0 if draws is None else 1 + replicate % draws


def run_many(
    scenarios: Sequence[Scenario],
    *,
    replicates: int = REPLICATES,
    draws: int | None = None,
    seed: int = 1,
    jobs: int | None = None,
    threads: int = 1,
    audit: str = "month",
    progress: Progress | None = None,
    model: Callable[..., Any] | None = None,
    watch: Sequence[Measure] = (),
    compiling: Callable[[], None] | None = None,
    there: RunSet | None = None,
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
    there
        A set of the same scenarios, seed and draws, of which no run is made again, also none that failed.

    A KeyboardInterrupt ends the set early: the runs that are finished are returned, marked as interrupted.
    """
    _check_numbers(scenarios, replicates=replicates, draws=draws, seed=seed, jobs=jobs, threads=threads)
    started = time.perf_counter()
    done: list[Run] = _runs_of(there, scenarios, seed, draws) if there is not None else []
    made = {(run.scenario, run.replicate) for run in done}
    tasks = [
        task
        for task in tasks_of(scenarios, replicates, draws)
        if (task.scenario.name, task.replicate) not in made
    ]
    settings = Settings(seed, threads, audit, model, tuple(watch))
    interrupted = stream(tasks, settings, done.append, jobs=jobs, progress=progress, compiling=compiling)
    order = {scenario.name: place for place, scenario in enumerate(scenarios)}
    return RunSet(
        scenarios=tuple(scenarios),
        runs=tuple(sorted(done, key=lambda run: (order[run.scenario], run.replicate))),
        seed=seed,
        replicates=replicates,
        draws=draws,
        seconds=time.perf_counter() - started + (there.seconds if there is not None else 0.0),
        interrupted=interrupted,
    )


def stream(
    tasks: Sequence[Task],
    settings: Settings,
    keep: Callable[[Run], None],
    *,
    jobs: int | None = None,
    cluster: Cluster | None = None,
    progress: Progress | None = None,
    compiling: Callable[[], None] | None = None,
) -> bool:
    """Make runs, here or on a cluster, and hand each to ``keep`` when it is done, in any order, keeping none.

    Returns whether the user interrupted.
    """
    hands = cluster.workers() if cluster is not None else jobs or os.cpu_count() or 1
    workers = min(max(hands, 1), max(len(tasks), 1))
    crew: Callable[..., Crew] = InProcess if workers == 1 else InPool
    if cluster is not None:
        crew = partial(OnCluster, cluster)
    work = plan(tasks, settings, workers).jobs
    return crew(work, settings, workers, progress or silent, compiling or silent, keep).work()


def tasks_of(scenarios: Sequence[Scenario], replicates: int, draws: int | None) -> list[Task]:
    """All runs to make, replicate by replicate, so that the runs of a pair finish together."""
    return [
        Task(scenario, replicate, draw_of(replicate, draws))
        for replicate in range(replicates)
        for scenario in scenarios
    ]


def _runs_of(there: RunSet, scenarios: Sequence[Scenario], seed: int, draws: int | None) -> list[Run]:
    """The runs of a set that is to be widened, if its numbers are those of the wider one."""
    if (there.scenarios, there.seed, there.draws) != (tuple(scenarios), seed, draws):
        raise ValueError("the runs that are there are of other scenarios, another seed or other draws")
    return list(there.runs)


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
