"""Forecasters that know nothing of cards: what a model has to beat.

Each continues a monthly series from its last twelve months and more, with a spread that is that of its own
past errors at the same horizon (at least of a month's random walk), on the logarithmic scale.

- *persistence*: as the last month;
- *seasonal*: as the same month a year before;
- *damped trend*: the growth of the last year goes on, each month by a tenth less;
- *growth*: a quarter more each year, the 20 to 30% that are usually stated;
- *base effect*: every month as the mean of the last twelve, so that changes on the year come from the base
  alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

DAMPING = 0.9
"""What remains of a month's growth in the next (assumed)."""

YEARLY_GROWTH = 1.25
"""Middle of the 20 to 30% a year that are stated for the years before [F005]."""

LEAST_HISTORY = 13


def _persistence(logs: np.ndarray, months: int) -> np.ndarray:
    return np.full(months, logs[-1])


def _seasonal(logs: np.ndarray, months: int) -> np.ndarray:
    return np.resize(logs[-12:], months)


def _damped_trend(logs: np.ndarray, months: int) -> np.ndarray:
    growth = (logs[-1] - logs[-13]) / 12.0
    return np.asarray(logs[-1] + growth * np.cumsum(DAMPING ** np.arange(1, months + 1)))


def _growth(logs: np.ndarray, months: int) -> np.ndarray:
    return np.asarray(_seasonal(logs, months) + np.log(YEARLY_GROWTH) * (1 + np.arange(months) // 12))


def _base_effect(logs: np.ndarray, months: int) -> np.ndarray:
    return np.full(months, np.log(np.exp(logs[-12:]).mean()))


FORECASTERS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "persistence": _persistence,
    "seasonal": _seasonal,
    "damped trend": _damped_trend,
    "growth 25% a year": _growth,
    "base effect": _base_effect,
}


def naive(history: np.ndarray, months: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the logarithm, float64 (months) each, for the months to come.

    ``history`` holds a monthly series up to the origin, above 0, at least `LEAST_HISTORY` months long.
    """
    if len(history) < LEAST_HISTORY:
        raise ValueError(f"a naive forecast needs {LEAST_HISTORY} months, got {len(history)}")
    forecaster = FORECASTERS[name]
    logs = np.log(history)
    errors: list[list[float]] = [[] for _ in range(months)]
    for origin in range(LEAST_HISTORY, len(logs)):
        ahead = min(months, len(logs) - origin)
        missed = logs[origin : origin + ahead] - forecaster(logs[:origin], ahead)
        for step, error in enumerate(missed):
            errors[step].append(float(error))
    walk = float(np.std(np.diff(logs)))
    spread = np.array([_root_mean_square(found) for found in errors])
    # Errors far ahead are few or none: there a spread is never below a nearer one, nor below a random walk.
    least = walk * np.sqrt(np.arange(1, months + 1)) if name == "persistence" else np.full(months, walk)
    return forecaster(logs, months), np.maximum.accumulate(np.maximum(spread, least))


def _root_mean_square(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if values else 0.0


def samples_of(mean: np.ndarray, spread: np.ndarray, count: int) -> np.ndarray:
    """Levels at ``count`` equally likely places of each month's distribution, float64 (count, months).

    A path keeps its place in all months: a forecaster that is too high stays so.
    """
    from scipy.stats import norm

    places = norm.ppf((np.arange(count) + 0.5) / count)
    return np.asarray(np.exp(mean[None, :] + places[:, None] * spread[None, :]))
