"""Small operations on arrays that several rooms need: numbering, choosing by weights, money in whole fen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Whole = NDArray[np.int64]


def number_within(count: NDArray[Any]) -> Whole:
    """Number the members of groups of the given sizes: 0, 1, .. within each, int64 (sum of ``count``).

    >>> number_within(np.array([2, 0, 3]))
    array([0, 1, 0, 1, 2])
    """
    numbers: Whole = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    return numbers


def rank_within(group: NDArray[Any]) -> Whole:
    """Number the entries of a sorted array within each run of equal values, int64 (n).

    >>> rank_within(np.array([4, 4, 7]))
    array([0, 1, 0])
    """
    ranks: Whole = np.arange(len(group)) - np.searchsorted(group, group)
    return ranks


def interval(edges: NDArray[Any], at: NDArray[Any]) -> Whole:
    """Which of the intervals that end at ``edges`` (k, rising) each number falls in, int64 (n)."""
    return np.minimum(np.searchsorted(edges, at, side="right"), len(edges) - 1)


def pick(weight: NDArray[Any], u: NDArray[Any]) -> Whole:
    """Choose a column of each row (n, k) in proportion to its weights, by a uniform number (n)."""
    edges = np.cumsum(weight, axis=1)
    at = (edges <= (u * edges[:, -1])[:, None]).sum(axis=1)
    chosen: Whole = np.minimum(at, weight.shape[1] - 1)
    return chosen


def fen(yuan: ArrayLike) -> Whole:
    """Money in whole fen, int64."""
    return np.round(np.asarray(yuan) * 100).astype(np.int64)
