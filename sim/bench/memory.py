"""Memory: whether it grows with the days of a run and with the number of runs, and what a card takes."""

from __future__ import annotations

import math
from typing import Any

from sim.bench.plan import SCENARIO, Plan, Task, own
from sim.bench.rounds import Found
from sim.bench.worker import Report, peak_bytes

RUNS = "memory after runs"


def name_of(years: int) -> str:
    """The task's name."""
    return f"memory after {years} year{'s' if years > 1 else ''}"


def tasks(plan: Plan) -> list[Task]:
    """A run of each length; several short runs one after the other; both once."""
    day = 0.001 + 0.055 / plan.memory_scale
    of_days = [
        own("memory", name_of(years), 2.0 + 365 * years * day, rounds=1, scale=plan.memory_scale, years=years)
        for years in plan.memory_years
    ]
    seconds = 2.0 + 365 * plan.memory_runs[-1] * day
    scale, counts = plan.memory_scale, plan.memory_runs
    return [*of_days, own("memory", RUNS, seconds, rounds=1, what="after_runs", scale=scale, counts=counts)]


def measure(scale: int, years: int, report: Report) -> dict[str, Any]:
    """Most memory of a process that makes one run of some years from 2018 on."""
    _run(scale, 2017 + years, 0)
    return {"scale": scale, "years": years, "peak_bytes": peak_bytes()}


def after_runs(scale: int, counts: list[int], report: Report) -> dict[str, Any]:
    """Most memory of a process that makes one-year runs one after the other, after each of some counts."""
    from sim.world.cards import CardTable
    from sim.world.ledger import Ledger

    found: dict[str, Any] = {"scale": scale, "counts": counts}
    for number in range(1, counts[-1] + 1):
        _run(scale, 2018, number - 1)
        if number in counts:
            found[f"peak_{number}"] = peak_bytes()
        report(number / counts[-1])
    cards = CardTable(Ledger(), capacity=1)
    cards.append(1)
    return found | {"card_bytes": sum(getattr(cards, name).nbytes for name in cards.names)}


def _run(scale: int, year: int, replicate: int) -> None:
    """One run to the end of a year, made as studies make theirs."""
    from sim.scenario import load
    from sim.study.one_run import Settings, Task, simulate

    scenario = load(SCENARIO, sets=[f"scale={scale}"], end=f"{year}-12-31")
    made = simulate(Task(scenario, replicate, 0), Settings())
    if not made.finished:
        raise RuntimeError(made.error)


def over_days(found: Found, plan: Plan) -> float:
    """Memory after the longest run over memory after the shortest; not a number where one is missing."""
    peaks = [found.median(name_of(years), "peak_bytes") for years in plan.memory_years]
    return peaks[-1] / peaks[0] if peaks else math.nan


def over_runs(found: Found, plan: Plan) -> float:
    """Memory after the most runs over memory after one."""
    first, *_, last = plan.memory_runs
    return found.median(RUNS, f"peak_{last}") / found.median(RUNS, f"peak_{first}")
