"""Estimates from paired runs: means, and ratios of means, with 90% intervals.

A pair is what two or more scenarios made of one draw of parameters and one replicate. Where several pairs
share a draw they are not independent, so variances are taken over draws (cluster-robust, draws - 1 degrees of
freedom); with a draw to each pair, or none at all, this is plain Student's t.

A ratio of two means has Fieller's interval: all values r for which the mean of (numerator - r x denominator)
cannot be told from 0. It is bounded exactly where the mean of the denominator can be told from 0; where it
cannot there is no ratio to speak of, and none is given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

CONFIDENCE = 0.90


@dataclass(frozen=True)
class Ratio:
    """A ratio of two means and the ends of its interval; NaN where there is none."""

    value: float
    low: float
    high: float


NO_RATIO = Ratio(math.nan, math.nan, math.nan)


def matched(columns: Mapping[Any, pd.Series]) -> pd.DataFrame:
    """Series indexed by (draw, replicate) side by side: the pairs that all of them have, in order."""
    pairs: pd.DataFrame = pd.concat(columns, axis=1, join="inner").dropna().sort_index()
    return pairs


def draws_of(pairs: pd.DataFrame) -> np.ndarray:
    """The draw of each pair, int64 (pairs)."""
    return pairs.index.get_level_values("draw").to_numpy()


def mean_interval(differences: np.ndarray, draws: np.ndarray) -> tuple[float, float]:
    """90% interval of the mean difference; (NaN, NaN) from a single pair.

    With at least two draws the variance is taken over draws: D/(D-1) times the sum over draws of the squared
    sum of deviations, divided by n squared.
    """
    if len(differences) < 2:
        return math.nan, math.nan
    mean = float(differences.mean())
    groups = _by_draw(differences, draws)
    reach = quantile(len(groups)) * math.sqrt(_covariance(groups, groups, len(differences)))
    return mean - reach, mean + reach


MOST_PAIRS = 1_000_000
"""Needs of more pairs than this are not counted."""


def half_width(deviation: float, pairs: int) -> float:
    """Half the width of the 90% interval of a mean over at least two independent pairs, of whose differences
    `deviation` is the standard deviation.
    """
    return quantile(pairs) * deviation / math.sqrt(pairs)


def pairs_needed(deviation: float, reach: float) -> int | None:
    """The fewest independent pairs, at least 2, with a half-width of at most `reach`; None beyond
    `MOST_PAIRS`.

    Student's t is wider than the normal distribution, from which the search starts.
    """
    if deviation == 0.0:
        return 2
    if reach <= 0.0 or (fewest := (quantile(MOST_PAIRS) * deviation / reach) ** 2) > MOST_PAIRS:
        return None
    pairs = max(math.ceil(fewest), 2)
    while half_width(deviation, pairs) > reach:
        pairs += 1
    return pairs if pairs <= MOST_PAIRS else None


def ratio(numerator: np.ndarray, denominator: np.ndarray, draws: np.ndarray) -> Ratio:
    """Mean of `numerator` over mean of `denominator`, paired, with Fieller's 90% interval.

    All three arrays have one entry a pair. No ratio where the mean of the denominator cannot be told from 0;
    no interval from a single pair. With t the quantile of Student's t and v the covariances of the means, the
    ends solve (n - r d)^2 = t^2 (v_nn - 2 r v_nd + r^2 v_dd).
    """
    n, d = (float(values.mean()) if len(values) else 0.0 for values in (numerator, denominator))
    low, high = mean_interval(denominator, draws)
    if d == 0.0 or low <= 0.0 <= high:
        return NO_RATIO
    if math.isnan(low):
        return Ratio(n / d + 0.0, math.nan, math.nan)
    top, bottom = _by_draw(numerator, draws), _by_draw(denominator, draws)
    t2 = quantile(len(top)) ** 2
    a, b, c = (
        product - t2 * _covariance(one, other, len(numerator))
        for product, one, other in ((d * d, bottom, bottom), (n * d, top, bottom), (n * n, top, top))
    )
    if a <= 0.0:  # told from 0 by a hair only, lost in rounding
        return NO_RATIO
    root = math.sqrt(max(b * b - a * c, 0.0))
    ends = (b - root) / a + 0.0, (b + root) / a + 0.0  # adding zero makes a -0.0 plain
    return Ratio(n / d + 0.0, *ends)


def _by_draw(values: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Deviations from the mean, added up within each draw; one by one where there is only one draw."""
    deviations = values - values.mean()
    different = np.unique(draws)
    if len(different) == 1:
        return np.asarray(deviations)
    return np.array([deviations[draws == draw].sum() for draw in different])


def _covariance(one: np.ndarray, other: np.ndarray, count: int) -> float:
    """Covariance of two means over `count` pairs, from the deviations of their groups."""
    return len(one) / (len(one) - 1) * float(one @ other) / count**2


def quantile(groups: int) -> float:
    """Student's t for a 90% interval of a mean over so many independent groups."""
    from scipy.stats import t  # imported late: it costs half a second

    return float(t.ppf(0.5 + CONFIDENCE / 2, groups - 1))


def draws_used(draws: np.ndarray) -> int:
    """Draws of parameters behind the pairs; 0 when all used the point defaults."""
    return 0 if not draws.any() else len(np.unique(draws))


def interval_name(draws: np.ndarray, low: float, what: str = "mean") -> str:
    """What an interval is an interval of, in words; `low` is NaN where there is none."""
    if len(draws) < 2:
        return "none: one pair"
    if math.isnan(low):
        return "none"
    used = draws_used(draws)
    if used == 1:
        return f"{what}, chance only, at one draw"
    return f"{what} over draws and chance" if used else f"{what}, chance only"
