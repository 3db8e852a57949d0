"""An ensemble as a forecast: bands, where their width comes from, and the odds of falls.

The members are runs: draws of parameters (what is not known) times replicates (chance), in one or more
structures (rival ideas of how the world works), each structure with a weight. Three statistics are read off a
path, and they differ in sign for months at a time, so that each is always named: the *level* of registered
cases, the change on the *month* before, and the change on the *year* before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.forecast.naive import FORECASTERS, LEAST_HISTORY, naive, samples_of
from sim.forecast.scores import LEVELS, weighted_quantiles
from sim.study.compare import NATION

STATISTICS = ("level", "month on month", "year on year")
NAIVE_SAMPLES = 200
QUANTILES = tuple(f"q{round(100 * level):02d}" for level in LEVELS)


@dataclass(frozen=True)
class Ensemble:
    """Paths of one outcome over months.

    ``paths`` float64 (runs, months) at ``months``, the first days; ``structure`` (text), ``draw`` (int64) and
    ``weight`` (float64, sums to 1) have an entry for each run; ``origin`` is the first month that is
    forecast.
    """

    months: pd.DatetimeIndex
    paths: np.ndarray
    structure: np.ndarray
    draw: np.ndarray
    weight: np.ndarray
    origin: pd.Timestamp

    @property
    def ahead(self) -> np.ndarray:
        """Which months are forecast, bool (months)."""
        return np.asarray(self.months >= self.origin)

    def history(self) -> np.ndarray:
        """The median path up to the origin, float64 (months before it): what a naive forecaster sees."""
        before = self.paths[:, ~self.ahead]
        return np.array([weighted_quantiles(month, (0.5,), self.weight)[0] for month in before.T])


def ensemble_of(
    monthly: pd.DataFrame, outcome: str, origin: pd.Timestamp, weights: Mapping[str, float]
) -> Ensemble:
    """The national paths of an outcome in a results table.

    ``weights`` holds the weight of each scenario, which is a structure here; scenarios without one are left
    out, and so are those with weight 0.
    """
    used = [name for name, weight in weights.items() if weight > 0.0]
    rows = monthly[(monthly["region"] == NATION) & monthly["scenario"].isin(used)]
    table = rows.pivot(index=["scenario", "draw", "replicate"], columns="month", values=outcome)
    table = table.dropna().sort_index()
    structure = table.index.get_level_values("scenario").to_numpy()
    runs = {name: int((structure == name).sum()) for name in used}
    total = sum(weights[name] for name in used if runs[name])
    return Ensemble(
        months=pd.DatetimeIndex(table.columns),
        paths=table.to_numpy(dtype="float64"),
        structure=structure,
        draw=table.index.get_level_values("draw").to_numpy(),
        weight=np.array([weights[name] / total / runs[name] for name in structure]),
        origin=origin,
    )


def statistic(paths: np.ndarray, name: str) -> np.ndarray:
    """A statistic of paths, float64 (runs, months); NaN where the month before is missing or without a case,
    from which there is no change to speak of.
    """
    if name == "level":
        return paths
    lag = 1 if name == "month on month" else 12
    found = np.full(paths.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        found[:, lag:] = paths[:, lag:] / paths[:, :-lag] - 1.0
    found[np.isinf(found)] = np.nan
    return found


def bands(ensemble: Ensemble) -> pd.DataFrame:
    """A row for each month ahead and statistic: quantiles, the odds of a fall, the parts of the variance.

    Columns: month, statistic, `QUANTILES`, p_fall (NaN for the level), knowledge, chance, structure: shares
    of the variance, NaN where chance cannot be told from knowledge for want of two runs of a draw.
    """
    rows = []
    for name in STATISTICS:
        values = statistic(ensemble.paths, name)
        for place in np.flatnonzero(ensemble.ahead).tolist():
            there = ~np.isnan(values[:, place])
            if not there.any():
                continue
            month, weight = values[there, place], ensemble.weight[there]
            quantiles = weighted_quantiles(month, LEVELS, weight)
            fall = np.nan if name == "level" else float(weight @ (month < 0.0) / weight.sum())
            rows.append(
                {"month": ensemble.months[place], "statistic": name}
                | dict(zip(QUANTILES, quantiles, strict=True))
                | {"p_fall": fall}
                | split(month, ensemble.structure[there], ensemble.draw[there], weight)
            )
    return pd.DataFrame(rows)


def split(
    values: np.ndarray, structure: np.ndarray, draw: np.ndarray, weight: np.ndarray
) -> dict[str, float]:
    """Shares of the variance of ``values`` due to knowledge, chance and structure; all arrays (runs).

    Chance is the variance among runs of the same draw and structure; knowledge the variance among the means
    of draws, less what chance leaves in a mean; structure the variance among the means of structures. The
    parts of structures are weighted as their runs are. A part estimated below 0 is 0.
    """
    parts = pd.DataFrame({"value": values, "structure": structure, "draw": draw})
    weights = pd.Series(weight / weight.sum()).groupby(structure).sum()
    chance = knowledge = 0.0
    means: dict[str, float] = {}
    for name, rows in parts.groupby("structure"):
        draws = rows.groupby("draw")["value"]
        counts = draws.count()
        freedom = int((counts - 1).sum())
        if not freedom:
            return {"knowledge": np.nan, "chance": np.nan, "structure": np.nan}
        within = float((draws.var(ddof=1).fillna(0.0) * (counts - 1)).sum() / freedom)
        between = float(draws.mean().var(ddof=1)) if len(counts) > 1 else 0.0
        left = within * float((1.0 / counts).mean())
        chance += weights[name] * within
        knowledge += weights[name] * max(between - left, 0.0)
        means[str(name)] = float(draws.mean().mean())
    middle = sum(weights[name] * mean for name, mean in means.items())
    between_structures = sum(weights[name] * (mean - middle) ** 2 for name, mean in means.items())
    whole = chance + knowledge + between_structures
    found = {"knowledge": knowledge, "chance": chance, "structure": float(between_structures)}
    return {name: part / whole if whole > 0.0 else np.nan for name, part in found.items()}


def streaks(ensemble: Ensemble) -> pd.DataFrame:
    """Odds that the longest run of months below the year before is at least so long: months, probability.

    Only months ahead count; a row for each length from 1 on.
    """
    falls = statistic(ensemble.paths, "year on year")[:, ensemble.ahead] < 0.0
    longest = longest_run(falls)
    lengths = np.arange(1, falls.shape[1] + 1)
    odds = [float(ensemble.weight @ (longest >= length)) for length in lengths]
    return pd.DataFrame({"months": lengths, "probability": odds})


def longest_run(flags: np.ndarray) -> np.ndarray:
    """Length of the longest run of true values in each row, int64 (rows)."""
    longest = current = np.zeros(len(flags), dtype="int64")
    for column in flags.T:
        current = np.where(column, current + 1, 0)
        longest = np.maximum(longest, current)
    return longest


def naive_ensembles(ensemble: Ensemble) -> Iterator[tuple[str, Ensemble]]:
    """What naive forecasters make of the median path before the origin, each by its name; none where the
    history is too short.
    """
    history = ensemble.history()
    ahead = ensemble.months[ensemble.ahead]
    if len(history) < LEAST_HISTORY or (history <= 0.0).any():
        return
    for name in FORECASTERS:
        future = samples_of(*naive(history, len(ahead), name), NAIVE_SAMPLES)
        yield (
            name,
            Ensemble(
                months=ensemble.months,
                paths=np.hstack([np.tile(history, (NAIVE_SAMPLES, 1)), future]),
                structure=np.full(NAIVE_SAMPLES, name),
                draw=np.arange(NAIVE_SAMPLES),
                weight=np.full(NAIVE_SAMPLES, 1.0 / NAIVE_SAMPLES),
                origin=ensemble.origin,
            ),
        )


def naive_bands(ensemble: Ensemble) -> pd.DataFrame:
    """The bands of naive forecasters: forecaster, month, statistic, `QUANTILES`, p_fall; no row where the
    history is too short.
    """
    tables = [pd.DataFrame(columns=["forecaster", "month", "statistic", *QUANTILES, "p_fall"])]
    for name, made in naive_ensembles(ensemble):
        table = bands(made).drop(columns=["knowledge", "chance", "structure"])
        table.insert(0, "forecaster", name)
        tables.append(table)
    return tables[0] if len(tables) == 1 else pd.concat(tables[1:], ignore_index=True)
