"""Targets: what was asked of speed and memory on two cores, and whether it was reached."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sim.bench import cards, memory, peers, runs, startup, sweep
from sim.bench.plan import FULL, Plan
from sim.bench.rounds import Found

MILLION, MB, GB = 1e6, 1e6, 1e9


@dataclass(frozen=True)
class Target:
    """Something to reach: what it is, its bound in ``unit``, on which side of it to stay."""

    what: str
    bound: float
    unit: str
    at_most: bool
    measured: Callable[[Found, Plan], float]


@dataclass(frozen=True)
class Verdict:
    """A target held against what was measured; ``measured`` is not a number where it was not."""

    target: Target
    measured: float

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where nothing was measured."""
        if math.isnan(self.measured):
            return None
        t = self.target
        return self.measured <= t.bound if t.at_most else self.measured >= t.bound

    @property
    def words(self) -> str:
        """Met, missed by how much, or not measured."""
        if self.met is None:
            return "not measured"
        if self.target.unit == "yes":
            return "met" if self.met else "missed"
        return _gap(self.measured, self.target, self.met)


def _gap(measured: float, target: Target, met: bool) -> str:
    """How far a measured value is from the bound, as a share of the bound or a multiple of it."""
    if met:
        spare = abs(measured - target.bound) / target.bound
        return "met" if spare < 0.005 else f"met with {spare:.0%} to spare" if spare < 1.0 else "met by far"
    times = measured / target.bound if target.at_most else target.bound / max(measured, 1e-300)
    if times >= 2.0:
        return f"missed by a factor of {times:.3g}"
    return f"missed by {abs(measured - target.bound) / target.bound:.1%}"


def card_rate(found: Found, plan: Plan) -> float:
    """Tracked-card-days a second at the largest number of cards, on the most threads."""
    return found.median(cards.name_of(plan.decks[-1]), f"rate_{plan.threads[-1]}")


def _over(*names: str) -> Callable[[Found, Plan], float]:
    """The card step's rate over that of the fastest of some peers."""
    return lambda found, plan: card_rate(found, plan) / peers.fastest(found, names)


def _run(scale: int, key: str, unit: float = 1.0) -> Callable[[Found, Plan], float]:
    return lambda found, plan: runs.five_years(found, scale, key) / unit


def _start(task: str, key: str) -> Callable[[Found, Plan], float]:
    return lambda found, plan: found.median(task, key)


def _growth(found: Found, plan: Plan) -> float:
    """Growth over all scales of the full plan; not a number where one was not run for all five years."""
    costs = [runs.five_years(found, scale, "ms_a_day") for scale in FULL.scales]
    return math.nan if any(map(math.isnan, costs)) else runs.growth(found, FULL.scales)


def _busy(found: Found, plan: Plan) -> float:
    return 100.0 * found.median(sweep.NAME, "busy")


TARGETS = (
    Target(
        "card step on two threads",
        800.0,
        "million card-days/s",
        False,
        lambda found, plan: card_rate(found, plan) / MILLION,
    ),
    Target("card step over laser-generic's SIR agent-ticks", 2.5, "x", False, _over("laser-generic SIR")),
    Target("card step over Mesa's agent-steps", 60.0, "x", False, _over("Mesa do", "Mesa shuffle_do")),
    Target("card step over Starsim's SIR agent-steps", 60.0, "x", False, _over("Starsim SIR")),
    Target(
        "a tracked card",
        64.0,
        "bytes",
        True,
        lambda found, plan: found.median(memory.RUNS, "card_bytes"),
    ),
    Target("five years daily at scale 100, one core", 2.0, "s", True, _run(100, "seconds")),
    Target("memory of that run", 500.0, "MB", True, _run(100, "peak_bytes", MB)),
    Target("five years daily at scale 1, two cores", 100.0, "s", True, _run(1, "seconds")),
    Target("memory of that run", 6.0, "GB", True, _run(1, "peak_bytes", GB)),
    Target(
        "growth of cost between scales, 1 being linear",
        1.0,
        "",
        True,
        _growth,
    ),
    Target("memory of the longest run over the shortest", 1.1, "x", True, memory.over_days),
    Target("memory after most runs over after one", 1.1, "x", True, memory.over_runs),
    Target("a sweep keeps both cores busy", 85.0, "%", False, _busy),
    Target("`--help`", 0.3, "s", True, _start(startup.WARM, "help")),
    Target("start-up with compiled kernels", 2.5, "s", True, _start(startup.WARM, "warm")),
    Target("compiling all kernels", 30.0, "s", True, _start(startup.COLD, "compiling")),
    Target("compiling is announced", 1.0, "yes", False, _start(startup.COLD, "announced")),
    Target("compiling happens once", 1.0, "yes", False, _start(startup.COLD, "once")),
)


def judge(found: Found, plan: Plan) -> list[Verdict]:
    """All targets against what was measured."""
    return [Verdict(target, target.measured(found, plan)) for target in TARGETS]
