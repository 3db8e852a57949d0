"""What is measured, at which sizes, and how often: the full benchmark and the quick one."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any

PARTS = ("cards", "runs", "startup", "memory", "sweep", "peers")
SCENARIO = "card-broken-2020"


@dataclass(frozen=True)
class Task:
    """One measurement, made by a process of its own.

    ``command`` prints a line of JSON; ``seconds`` is how long it should take, for the time left; ``rounds``
    is how often it is made at most, where it is too long to be made in every round.
    """

    part: str
    name: str
    command: tuple[str, ...]
    seconds: float
    rounds: int | None = None


def own(part: str, name: str, seconds: float, *, rounds: int | None = None, **arguments: Any) -> Task:
    """A task that a function of this package does; its worker gets the arguments as JSON."""
    text = json.dumps({"part": part, **arguments})
    return Task(part, name, (sys.executable, "-m", "sim.bench.worker", text), seconds, rounds)


@dataclass(frozen=True)
class Plan:
    """Sizes of a benchmark.

    ``decks`` are numbers of tracked cards for the card step, which is repeated for ``least_seconds``;
    ``scales`` those of the runs, which end on ``run_end``; memory is measured at ``memory_scale`` after
    ``memory_years`` and after ``memory_runs`` runs; ``peer_agents`` by program.
    """

    name: str
    rounds: int
    least_seconds: float
    decks: tuple[int, ...]
    threads: tuple[int, ...]
    megabytes: int
    scales: tuple[int, ...]
    run_end: str
    compiling: bool
    memory_scale: int
    memory_years: tuple[int, ...]
    memory_runs: tuple[int, ...]
    sweep_scale: int
    sweep_end: str
    sweep_runs: int
    peer_agents: dict[str, int] = field(hash=False)
    peer_steps: int


FULL = Plan(
    name="full",
    rounds=3,
    least_seconds=0.5,
    decks=(10**5, 10**6, 10**7),
    threads=(1, 2),
    megabytes=400,
    scales=(500, 100, 20, 1),
    run_end="2022-12-31",
    compiling=True,
    memory_scale=100,
    memory_years=(1, 2, 5),
    memory_runs=(1, 4, 8),
    sweep_scale=100,
    sweep_end="2022-12-31",
    sweep_runs=12,
    peer_agents={"Mesa do": 10**5, "Mesa shuffle_do": 10**5, "Starsim": 10**6, "Starsim SIR": 10**6}
    | dict.fromkeys(("cardbreak", "NumPy", "laser-core", "laser-generic SIR"), 10**7),
    peer_steps=20,
)
QUICK = Plan(
    name="quick",
    rounds=1,
    least_seconds=0.2,
    decks=(10**5, 10**6),
    threads=(1, 2),
    megabytes=100,
    scales=(1000, 500),
    run_end="2018-12-31",
    compiling=False,
    memory_scale=1000,
    memory_years=(1, 2),
    memory_runs=(1, 2),
    sweep_scale=1000,
    sweep_end="2019-06-30",
    sweep_runs=4,
    peer_agents={"Mesa do": 20_000, "Mesa shuffle_do": 20_000}
    | dict.fromkeys(("cardbreak", "NumPy", "Starsim", "Starsim SIR", "laser-core"), 10**5)
    | {"laser-generic SIR": 10**6},
    peer_steps=10,
)


def tasks_of(plan: Plan, parts: tuple[str, ...]) -> list[Task]:
    """All measurements of a plan's parts, in the order of one round."""
    from importlib import import_module

    return [
        task for part in PARTS if part in parts for task in import_module(f"sim.bench.{part}").tasks(plan)
    ]
