"""Whole runs: five years of the operation, day by day, at several scales, and the seconds of each phase.

The time of a run counts building the world, all days and the tables at the end; imports do not count (see
`startup`). The coarse scales run on one thread, scale 1 on two.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from typing import Any

from sim.bench.plan import SCENARIO, Plan, Task, own
from sim.bench.rounds import Found
from sim.bench.worker import Report, peak_bytes

FIVE_YEARS = 1826
LONG = 5
"""Runs at scales finer than this are long: they are made once, on two threads."""


def name_of(scale: int) -> str:
    """The task's name."""
    return f"run at scale {scale}"


def tasks(plan: Plan) -> list[Task]:
    """A run at each scale, the coarsest first."""
    days = 365.25 * (int(plan.run_end[:4]) - 2017)
    return [
        own(
            "runs",
            name_of(scale),
            2.0 + days * (0.001 + 0.055 / scale),
            rounds=1 if scale < LONG else None,
            scale=scale,
            end=plan.run_end,
            threads=2 if scale < LONG else 1,
        )
        for scale in plan.scales
    ]


def measure(scale: int, end: str, threads: int, report: Report) -> dict[str, Any]:
    """Run the operation from 2018 to a day; seconds, memory, and the seconds of each phase."""
    from sim.model import FraudSupplyChain
    from sim.scenario import load

    began, computed = time.perf_counter(), time.process_time()
    model = FraudSupplyChain(load(SCENARIO, sets=[f"scale={scale}"], end=end), threads=threads)
    built = time.perf_counter()
    phases = dict.fromkeys((name for _, name, _ in model.phases), 0.0)
    model.phases = [(number, name, _timed(phase, name, phases)) for number, name, phase in model.phases]
    model.run_model(progress=lambda day, days: report(day / days))
    stepped = time.perf_counter()
    for table in (model.recorder.monthly, model.recorder.weekly, model.recorder.deeds):
        table()
    ended = time.perf_counter()
    return {
        "scale": scale,
        "threads": threads,
        "days": model.days,
        "seconds": ended - began,
        "cpu_seconds": time.process_time() - computed,
        "building_seconds": built - began,
        "ms_a_day": 1000.0 * (stepped - built) / model.days,
        "peak_bytes": peak_bytes(),
        "tracked_cards": model.accounts.n + model.sims.n,
        "gangs": int((model.gangs.alive == 1).sum()),
        "dealers": int((model.dealers.alive == 1).sum()),
        "openers": model.openers.n,
        "phases": phases,
    }


def _timed(phase: Callable[[], None], name: str, seconds: dict[str, float]) -> Callable[[], None]:
    """A phase that adds the time it takes."""

    def run() -> None:
        began = time.perf_counter()
        phase()
        seconds[name] += time.perf_counter() - began

    return run


def five_years(found: Found, scale: int, key: str) -> float:
    """A quantity of a run of all five years at a scale; not a number where no such run was made."""
    whole = [days >= FIVE_YEARS for days in found.all_of(name_of(scale), "days")]
    return found.median(name_of(scale), key) if whole and all(whole) else math.nan


def growth(found: Found, scales: tuple[int, ...]) -> float:
    """How much faster than linearly the cost grows at worst from one scale to the next finer one.

    From scale s to scale s' the simulated world is s / s' times as large; 1 means that its cost is too, less
    than 1 that a part of the cost does not grow. Not a number with fewer than two scales.
    """
    cost = {
        scale: seconds
        for scale in scales
        if not math.isnan(seconds := found.median(name_of(scale), "ms_a_day"))
    }
    return max(
        (
            (cost[fine] / cost[coarse]) / (coarse / fine)
            for coarse, fine in itertools.pairwise(sorted(cost, reverse=True))
        ),
        default=math.nan,
    )


def profile(found: Found, scale: int) -> dict[str, float]:
    """Milliseconds a day by phase at a scale, of the round with the middle total; empty without a round."""
    entries = [entry for entry in found.rounds.get(name_of(scale), []) if "phases" in entry]
    if not entries:
        return {}
    entries.sort(key=lambda entry: float(entry["ms_a_day"]))
    entry = entries[(len(entries) - 1) // 2]
    return {name: 1000.0 * seconds / entry["days"] for name, seconds in entry["phases"].items()}
