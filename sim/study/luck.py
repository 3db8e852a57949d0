"""Could a box be luck? What the same search finds once the failures are dealt out blindly.

With many parameters and few points some box always looks good. So the labels of the points are shuffled, many
times, and each time the peeling of PRIM is done again; the share of shuffles whose best box is as good as the
real one's is what chance alone would give. Only boxes count that limit few parameters, in the shuffles as in
the real search: with sixty parameters a box of twelve limits fits any labels. Both sides of that are
computed here, by peeling alone and over arrays, which is some hundred times faster than the workbench and
takes the same steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

SLICE = 0.05
"""Share of a box's points that one step peels off, as in the workbench."""


@dataclass(frozen=True)
class Search:
    """Which boxes count: those with a share `least` of the points, and `most` limited parameters at most."""

    least: float
    most: int


def as_good(places: np.ndarray, fails: np.ndarray, search: Search, shuffles: int, seed: int) -> int:
    """In how many of `shuffles` shuffles of the labels a box as good as the real one is found.

    ``places``: float64 (points, parameters); ``fails``: bool (points).
    """
    random = np.random.Generator(np.random.PCG64(seed))
    real = best_product(places, fails, search) * (1.0 - 1e-12)
    return sum(best_product(places, random.permutation(fails), search) >= real for _ in range(shuffles))


def best_product(places: np.ndarray, fails: np.ndarray, search: Search) -> float:
    """The highest product of coverage and density among the boxes that peeling passes through."""
    path = peeled(places, fails, search.least)
    return float(
        max(hits * hits / count for count, hits, limited in path if limited <= search.most) / fails.sum()
    )


def peeled(places: np.ndarray, fails: np.ndarray, least: float) -> list[tuple[int, int, int]]:
    """Points, failures and limited parameters of each box from all points to the smallest allowed.

    Each step takes the slice that raises the share of failures most for each point it costs; of equal ones
    the one that limits the fewest parameters, then the first.
    """
    inside, labels = places, fails.astype(np.float64)
    limited = np.zeros(places.shape[1], dtype=bool)
    path = [(len(labels), int(labels.sum()), 0)]
    while True:
        gone = _slices(inside)
        count = gone.sum(axis=0)
        mean = labels.mean()
        with np.errstate(divide="ignore", invalid="ignore"):
            kept = (labels.sum() - labels @ gone) / (len(labels) - count)
            gain = np.where((count > 0) & (count < len(labels)), (kept - mean) / count, 0.0)
        take = int(np.lexsort((~np.repeat(limited, 2), -gain))[0])
        left = len(labels) - int(count[take])
        if gain[take] <= 0.0 or left < least * len(fails):
            return path
        limited[take // 2] = True
        inside, labels = inside[~gone[:, take]], labels[~gone[:, take]]
        path.append((left, int(labels.sum()), int(limited.sum())))


def _slices(inside: np.ndarray) -> np.ndarray:
    """What each step would peel off: bool (points, 2 x parameters), the upper slice, then the lower one.

    A slice ends halfway between two neighbouring values; equal values go together.
    """
    ranked = np.sort(inside, axis=0)
    limits = []
    for share in (1.0 - SLICE, SLICE):
        place = (len(inside) - 1) * share
        below, above = ranked[math.floor(place)], ranked[math.ceil(place)]
        tied = below == above
        columns = np.arange(inside.shape[1])
        if share > 0.5:
            other = np.maximum((ranked < above).sum(axis=0) - 1, 0)
            below = np.where(tied, ranked[other, columns], below)
        else:
            other = np.minimum((ranked <= below).sum(axis=0), len(inside) - 1)
            above = np.where(tied, ranked[other, columns], above)
        limits.append((below + above) / 2.0)
    gone = np.stack([inside > limits[0], inside < limits[1]], axis=2)
    return np.asarray(gone.reshape(len(inside), -1))
