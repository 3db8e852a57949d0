"""Search: points of the prior where the record is plausible, found on the emulator by a sequence of steps.

Points start spread over the prior and follow a sequence of densities from flat to the one wanted (sequential
Monte Carlo, Del Moral et al. 2006). Each step is as long as leaves half of the points effective; points are
then drawn again by their weights and moved by differences of other points (ter Braak 2006), which knows how
parameters hang together, at the edges of the prior reflected. Parameters on which no prediction hangs keep
their prior.

Two densities are asked for: *history matching*, flat where no target is implausible, and the *posterior*, as
likely as the record is at a point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.calibration.distance import FAR
from sim.calibration.emulator import Emulator

IMPLAUSIBLE = FAR
"""Beyond so many standard deviations a point is ruled out."""
WALL = 20.0
"""How steeply the density falls where a point is ruled out, per squared standard deviation."""
EFFECTIVE = 0.5
MOVES = 12
"""Moves of every point after each step, of which each changes about `TOGETHER` parameters."""
TOGETHER = 5
ROWS = 100
"""Emulated runs a point."""
MOST_STEPS = 60
Density = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Found:
    """``shares``: points in no order, float64 (points, parameters).

    ``log_share``: logarithm of the share of the prior that is left (history matching), or of the mean
    likelihood over the prior (posterior). ``accepted``: share of the last moves that were taken.
    """

    shares: np.ndarray
    log_share: float
    accepted: float
    steps: int


def left_over(emulator: Emulator, count: int, seed: int) -> Found:
    """Points that history matching does not rule out."""
    rows = rows_of(emulator, seed)

    def density(shares: np.ndarray) -> np.ndarray:
        over = np.maximum(emulator.implausibility(shares, rows) - IMPLAUSIBLE, 0.0)
        return np.asarray(-WALL * (over**2).sum(axis=1))

    return search(density, emulator.active, len(emulator.library.names), count, seed)


def posterior(emulator: Emulator, count: int, seed: int) -> Found:
    """Points as likely as the record is at them."""
    rows = rows_of(emulator, seed)
    return search(
        lambda shares: emulator.log_likelihood(shares, rows),
        emulator.active,
        len(emulator.library.names),
        count,
        seed,
    )


def rows_of(emulator: Emulator, seed: int) -> np.ndarray:
    """Which rows of what is left over stand for chance, the same at every point, int64."""
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    return rng.permutation(len(emulator.rest))[:ROWS]


def search(density: Density, active: np.ndarray, parameters: int, count: int, seed: int) -> Found:
    """Points by a density: ``density`` gives logarithms, float64 (points), of points (points, parameters)."""
    rng = np.random.Generator(np.random.PCG64([seed, 2]))
    shares = rng.uniform(1e-9, 1.0 - 1e-9, (count, parameters))
    height, power, total, taken, steps = density(shares), 0.0, 0.0, 1.0, 0
    while power < 1.0 and steps < MOST_STEPS:
        step = _step(height, 1.0 - power)
        weight = np.exp(step * (height - height.max()))
        total += float(np.log(weight.mean()) + step * height.max())
        power, steps = power + step, steps + 1
        chosen = _systematic(weight / weight.sum(), float(rng.random()))
        shares, height = shares[chosen], height[chosen]
        shares, height, taken = _moved(shares, height, power, density, active, rng)
    # What does not move was only copied, few of it many times: its prior is drawn anew.
    still = np.setdiff1d(np.arange(parameters), active)
    shares[:, still] = rng.uniform(1e-9, 1.0 - 1e-9, (count, len(still)))
    return Found(rng.permutation(shares), total, taken, steps)


def _step(height: np.ndarray, most: float) -> float:
    """The longest step that leaves half of the points effective."""
    if _effective(most * height) >= EFFECTIVE * len(height):
        return most
    low, high = 0.0, most
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (
            (middle, high) if _effective(middle * height) >= EFFECTIVE * len(height) else (low, middle)
        )
    return max(low, 1e-6)


def _effective(logarithms: np.ndarray) -> float:
    weight = np.exp(logarithms - logarithms.max())
    return float(weight.sum() ** 2 / (weight**2).sum())


def _systematic(weights: np.ndarray, start: float) -> np.ndarray:
    """Numbers of points drawn by their weights, evenly spaced (systematic resampling)."""
    edges = np.cumsum(weights)
    edges[-1] = 1.0
    return np.asarray(np.searchsorted(edges, (start + np.arange(len(weights))) / len(weights)))


def _moved(
    shares: np.ndarray,
    height: np.ndarray,
    power: float,
    density: Density,
    active: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Every point moved some times, without changing what the points are spread as."""
    count, taken = len(shares), 0.0
    if not len(active):
        return shares, height, 0.0
    for _ in range(MOVES):
        a, b = (shares[rng.integers(0, count, count)][:, active] for _ in range(2))
        which = rng.random((count, len(active))) < min(TOGETHER / len(active), 1.0)
        length = rng.choice([1.0, 0.5, 0.25], (count, 1)) * 2.38 / np.sqrt(2.0 * TOGETHER)
        jump = length * (a - b) + 0.02 * rng.standard_normal((count, len(active)))
        there = shares.copy()
        there[:, active] = _reflected(shares[:, active] + np.where(which, jump, 0.0))
        new = density(there)
        go = np.log(rng.random(count)) < power * (new - height)
        shares, height = np.where(go[:, None], there, shares), np.where(go, new, height)
        taken += float(go.mean()) / MOVES
    return shares, height, taken


def _reflected(values: np.ndarray) -> np.ndarray:
    """Values folded back into (0, 1) at its ends."""
    folded = np.mod(values, 2.0)
    return np.asarray(np.clip(np.where(folded > 1.0, 2.0 - folded, folded), 1e-9, 1.0 - 1e-9))
