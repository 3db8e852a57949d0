"""The life of a card that all programs of this folder simulate, as numbers, and the frame that measures them.

`README.md` says the same in words. Everything here needs NumPy alone, because each program runs in the
environment of the library that it shows.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

STATES = ("stock", "in_transit", "gang_stock", "active", "ended")
STOCK, IN_TRANSIT, GANG_STOCK, ACTIVE, ENDED = range(len(STATES))
REGIONS = 31
FLAG_SETS = 8
"""Combinations of three flags: lain idle (1), holder of many (2), often replaced (4)."""

MOVE = (0.05, 0.25, 0.04, 0.0, 0.2)
"""Rate a day into the next state; the place of an ended card is taken by a new one in stock."""
DETECTION = 0.02
"""Rate a day at which a card in use is detected."""
LAPSE = 0.0014
"""Rate a day at which any card that has not ended lapses."""
CLEANUP = {1: 0.0053, 2: 0.0039, 4: 0.0045}
"""Rate a day at which a card with a flag is cleaned up, in the regions of the cleanup; flags add up."""
CLEANUP_REGIONS = 20

SHARES = (0.20, 0.05, 0.40, 0.25, 0.10)
"""Shares of the states on the first day."""
FLAGGED = (0.08, 0.40, 0.05)
"""Shares of cards with each of the three flags, independently."""


def ending_rates() -> np.ndarray:
    """Summed rates of all causes that end a card, float64 (states, flag sets, regions)."""
    rates = np.full((len(STATES), FLAG_SETS, REGIONS), LAPSE)
    rates[ACTIVE] += DETECTION
    for flag, rate in CLEANUP.items():
        flagged = (np.arange(FLAG_SETS) & flag) != 0
        rates[:ENDED, flagged, :CLEANUP_REGIONS] += rate
    rates[ENDED] = 0.0
    return rates


def chances() -> tuple[np.ndarray, np.ndarray]:
    """Chance a day that a card ends, and that it ends or moves on, float64 (states, flag sets, regions) each.

    One uniform number u decides: u below the first ends the card, below the second moves it on.
    """
    ending = ending_rates()
    total = ending + np.array(MOVE)[:, None, None]
    change = -np.expm1(-total)
    return np.divide(change * ending, total, out=np.zeros_like(total), where=total > 0.0), change


def following(state: int) -> int:
    """The state after a state; a card in use moves on to nothing but its end."""
    return {ACTIVE: ENDED, ENDED: STOCK}.get(state, state + 1)


def start(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """State, flags and region of n cards on the first day, uint8 (n) each: the same for all programs."""
    rng = np.random.default_rng(20_200_901)
    states = np.searchsorted(np.cumsum(SHARES[:-1]), rng.random(n, dtype=np.float32), side="right")
    flags = np.zeros(n, dtype=np.uint8)
    for bit, share in enumerate(FLAGGED):
        flags |= (rng.random(n, dtype=np.float32) < share).astype(np.uint8) << np.uint8(bit)
    return states.astype(np.uint8), flags, rng.integers(0, REGIONS, n, dtype=np.uint8)


def expected(n: int, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Exact mean and standard deviation of the counts by state after some days, float64 (states) each.

    Cards do not meet, so each class of cards (state, flags and region on the first day) is multinomial.
    """
    states, flags, region = start(n)
    at_first = np.zeros((len(STATES), FLAG_SETS, REGIONS))
    np.add.at(at_first, (states, flags, region), 1)
    ends, changes = chances()
    where = np.eye(len(STATES))[:, :, None, None] * np.ones((1, 1, FLAG_SETS, REGIONS))
    for _ in range(days):
        after = where * (1.0 - changes)
        for state in range(len(STATES)):
            after[:, ENDED] += where[:, state] * ends[state]
            after[:, following(state)] += where[:, state] * (changes - ends)[state]
        where = after
    mean = np.einsum("afr,asfr->s", at_first, where)
    variance = np.einsum("afr,asfr->s", at_first, where * (1.0 - where))
    return mean, np.sqrt(variance)


def forget_highest() -> int:
    """Memory of this process now, in bytes; from here on its highest counts from now on."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


class World(Protocol):
    """What a program brings: a step of one day, which returns the counts by state."""

    def step(self) -> Any:
        """Simulate a day; returns the number of cards in each state."""


def resident(field: str) -> int:
    """Memory of this process in bytes: ``VmRSS`` now, ``VmHWM`` at most; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(field)), 0)


def measure(
    name: str, make: Callable[[int, int], World], agents: int, steps: int, seed: int
) -> dict[str, Any]:
    """Make a world of so many cards, step it, and say how long a step took and where the cards are.

    A small world goes before, for what is compiled or loaded once. The first step is left out of the time;
    the median of the others counts.
    """
    make(1000, seed).step()
    before = forget_highest()
    world = make(agents, seed)
    counts = world.step()
    seconds, computed = [], time.process_time()
    for _ in range(steps - 1):
        began = time.perf_counter()
        counts = world.step()
        seconds.append(time.perf_counter() - began)
    computed = time.process_time() - computed
    mean, deviation = expected(agents, steps)
    found = np.asarray(counts, dtype=np.int64)
    return {
        "model": name,
        "agents": agents,
        "steps": steps,
        "seconds_per_step": float(np.median(seconds)),
        "cpu_seconds_per_step": computed / (steps - 1),
        "bytes_per_agent": max(resident("VmHWM") - before, 0) / agents,
        "counts": dict(zip(STATES, found.tolist(), strict=True)),
        "deviations": float(np.max(np.abs(found - mean) / deviation)),
    }


def arguments() -> argparse.Namespace:
    """The options that every program of this folder takes."""
    parser = argparse.ArgumentParser(description="Simulate the card life cycle and print one line of JSON.")
    parser.add_argument("--agents", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--variant", default="", help="where a program has several")
    return parser.parse_args()


def report(found: dict[str, Any]) -> None:
    """Print what was found, on a line of its own."""
    sys.stdout.write(json.dumps(found) + "\n")
