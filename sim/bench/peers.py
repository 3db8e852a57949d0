"""Peers: the same card life cycle in other libraries, and the models that those libraries show off with.

The programs stand in `experiments/bench`, whose README.md declares the life cycle; each is run with the
Python in which its library is installed: Mesa and NumPy in the project's, Starsim and laser in `.venv-bench`,
which `make bench` fills.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.bench.plan import Plan, Task
from sim.bench.rounds import Found

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "experiments" / "bench"
ELSEWHERE = ROOT / ".venv-bench" / "bin" / "python"
OURS = "cardbreak"
MOST_DEVIATIONS = 4.5
"""Counts agree when none is further from its exact mean than so many standard deviations: for five counts of
a right program this fails once in 30,000 times.
"""


@dataclass(frozen=True)
class Peer:
    """A program: its file, which variant of it, whether it needs the environment of `make bench`."""

    name: str
    file: str
    variant: str = ""
    elsewhere: bool = False
    start: float = 1.0
    """About how many seconds pass before it steps."""
    each: float = 2e-8
    """About how many seconds an agent's step takes."""
    cycle: bool = True
    """Whether it simulates the card life cycle, not a model of its library's own."""

    @property
    def python(self) -> str:
        """The Python to run it with."""
        return str(ELSEWHERE) if self.elsewhere else sys.executable

    @property
    def there(self) -> bool:
        """Whether it can be run here."""
        return (PROGRAMS / self.file).exists() and (not self.elsewhere or ELSEWHERE.exists())


PEERS = (
    Peer(OURS, "in_cardbreak.py", start=1.5),
    Peer("NumPy", "in_numpy.py"),
    Peer("Mesa do", "in_mesa.py", "do", each=4e-7),
    Peer("Mesa shuffle_do", "in_mesa.py", "shuffle_do", each=2e-6),
    Peer("Starsim", "in_starsim.py", elsewhere=True, start=2.5, each=4e-8),
    Peer("Starsim SIR", "in_starsim.py", "sir", elsewhere=True, start=2.5, each=2e-7, cycle=False),
    Peer("laser-core", "in_laser.py", elsewhere=True, start=3.5),
    Peer("laser-generic SIR", "in_laser.py", "sir", elsewhere=True, start=4.5, cycle=False),
)


def tasks(plan: Plan) -> list[Task]:
    """Every peer that can be run here."""
    return [_task(peer, plan.peer_agents[peer.name], plan.peer_steps) for peer in PEERS if peer.there]


def _task(peer: Peer, agents: int, steps: int) -> Task:
    """A peer with so many agents and steps, on two threads if it can use them."""
    command = [peer.python, str(PROGRAMS / peer.file)]
    for option, value in {"agents": agents, "steps": steps, "threads": 2, "variant": peer.variant}.items():
        command += [f"--{option}", str(value)] if value else []
    return Task("peers", name_of(peer), tuple(command), peer.start + peer.each * agents * steps)


def name_of(peer: Peer) -> str:
    """The task's name."""
    return f"peer: {peer.name}"


def absent() -> list[str]:
    """Names of the peers that cannot be run here."""
    return [peer.name for peer in PEERS if not peer.there]


def rate(found: Found, name: str) -> float:
    """Agent-steps a second of a peer; not a number where it was not measured."""
    peer = next(peer for peer in PEERS if peer.name == name)
    return found.median(name_of(peer), "agents") / found.median(name_of(peer), "seconds_per_step")


def fastest(found: Found, names: Sequence[str]) -> float:
    """The highest rate among some peers."""
    rates = [rate(found, name) for name in names]
    return max((value for value in rates if not math.isnan(value)), default=math.nan)


def disagreeing(found: Found) -> list[str]:
    """Peers whose counts by state are further from the exact ones than chance explains."""
    return [
        peer.name
        for peer in PEERS
        if any(value > MOST_DEVIATIONS for value in found.all_of(name_of(peer), "deviations"))
    ]
