"""Proper scores: how good a forecast was, once what happened is known. Lower is better in all of them.

A score is proper if a forecaster can do no better than to say what he believes (Gneiting & Raftery 2007).
CRPS is for forecasts given as samples, WIS for those given as quantiles (Bracher et al. 2021), Brier's for
probabilities of events.
"""

from __future__ import annotations

import numpy as np

LEVELS = (0.05, 0.25, 0.50, 0.75, 0.95)
"""Quantiles of a forecast: the median and the ends of its 50% and 90% bands."""


def crps(samples: np.ndarray, truth: float, weights: np.ndarray | None = None) -> float:
    """Continuous ranked probability score of a weighted sample, float64 (samples), in the unit of `truth`.

    The mean distance from the truth less half the mean distance of two members:
    E|X - y| - E|X - X'| / 2.
    """
    order = np.argsort(samples)
    values = samples[order]
    share = _shares(len(values), None if weights is None else weights[order])
    # Half the mean distance of two members, from what lies between neighbours.
    below = np.cumsum(share)[:-1]
    apart = float(np.sum(below * (1.0 - below) * np.diff(values)))
    return float(share @ np.abs(values - truth)) - apart


def wis(quantiles: np.ndarray, truth: float, levels: np.ndarray) -> float:
    """Weighted interval score of a median with central intervals, in the unit of `truth`.

    ``quantiles`` float64 (levels) at ``levels``, which lie symmetrically about 0.5 and hold it: the mean of
    twice the quantile scores, which is the score of Bracher et al. with weights of half the excluded share.
    """
    return float(2.0 * np.mean(pinball(quantiles, truth, levels)))


def pinball(quantiles: np.ndarray, truth: float, levels: np.ndarray) -> np.ndarray:
    """Quantile scores, float64 (levels)."""
    away = truth - quantiles
    return np.maximum(levels * away, (levels - 1.0) * away)


def brier(probability: float, happened: bool) -> float:
    """Squared error of the probability of an event."""
    return (probability - float(happened)) ** 2


def weighted_quantiles(
    samples: np.ndarray, levels: tuple[float, ...], weights: np.ndarray | None = None
) -> np.ndarray:
    """Quantiles of a weighted sample, float64 (levels); with equal weights those of `numpy.quantile`.

    Members stand at the middle of their weight, between the first and the last one linearly.
    """
    order = np.argsort(samples)
    values = samples[order]
    share = _shares(len(values), None if weights is None else weights[order])
    if len(values) == 1:
        return np.full(len(levels), values[0])
    # Positions from 0 to 1: k / (n - 1) for equal weights.
    place = np.cumsum(share) - share / 2.0
    place = (place - place[0]) / (place[-1] - place[0])
    return np.asarray(np.interp(levels, place, values))


def _shares(count: int, weights: np.ndarray | None) -> np.ndarray:
    if weights is None:
        return np.full(count, 1.0 / count)
    return np.asarray(weights / weights.sum())
