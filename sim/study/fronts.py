"""Pareto fronts: what cannot be bettered in one respect without losing in another, and how sure that is.

Every respect is counted so that lower is better. The front is that of means. Means come from few pairs of
runs, so each member also has a standing: it *is told* to be on the front where every other is told to be
worse in some respect, *told* to be dominated where some other is told to be no worse in any and better in
one, and between the two it *cannot be told*. Pairs share their chance, so what is told rests on differences
within pairs, with 90% intervals.
"""

from __future__ import annotations

import numpy as np

from sim.study.estimates import quantile

ON_FRONT, DOMINATED, CANNOT_BE_TOLD = "on the front", "dominated", "cannot be told"


def dominated(values: np.ndarray) -> np.ndarray:
    """Which rows another row dominates, bool (n): no worse in any column, better in one.

    ``values`` is float64 (n, respects), lower is better.
    """
    no_worse = (values[:, None] <= values[None]).all(axis=2)
    better = (values[:, None] < values[None]).any(axis=2)
    return np.asarray((no_worse & better).any(axis=0))


def standings(samples: np.ndarray) -> list[str]:
    """How sure it is where each stands: `ON_FRONT`, `DOMINATED` or `CANNOT_BE_TOLD`.

    ``samples`` is float64 (pairs, n, respects), lower is better; entries of one pair share their chance.
    """
    pairs, count, _ = samples.shape
    if pairs < 2:
        return [CANNOT_BE_TOLD] * count
    reach = quantile(pairs) / np.sqrt(pairs)
    return [_standing(samples - samples[:, [own]], reach) for own in range(count)]


def _standing(gaps: np.ndarray, reach: float) -> str:
    """The standing of one; ``gaps`` holds all others less itself, (pairs, n, respects)."""
    mean, spread = gaps.mean(axis=0), reach * gaps.std(axis=0, ddof=1)
    same = np.all(gaps == 0.0, axis=0)
    better, worse = mean + spread < 0.0, mean - spread > 0.0
    if ((better | same).all(axis=1) & better.any(axis=1)).any():
        return DOMINATED
    return ON_FRONT if (worse.any(axis=1) | same.all(axis=1)).all() else CANNOT_BE_TOLD


def minimal(doses: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Which of the chosen rows of doses have no other chosen one below them: no dose can be lowered.

    ``doses`` is float64 (n, groups) without equal rows, ``chosen`` bool (n); returns bool (n).
    """
    return np.asarray(chosen & ~dominated(np.where(chosen[:, None], doses, np.inf)))
