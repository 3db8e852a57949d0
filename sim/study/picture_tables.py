"""The tables behind the pictures of studies: effects over levers, what they hang on, their cost, courses.

Runs that share knowledge and draw are not independent, so intervals are of means over these
(:func:`sim.study.estimates.mean_interval`), after averaging over policies within a replicate.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim.errors import Fault, InputError
from sim.observe.outcomes import OUTCOMES
from sim.observe.tidy import Folder
from sim.study.afterwards import Pairs, bare, joined, varied
from sim.study.compare import FEW_PAIRS, HARM, NATION
from sim.study.estimates import CONFIDENCE, mean_interval
from sim.study.fronts import dominated
from sim.study.windows import Window

COSTS = {"harm": HARM, "hours": ("police_hours",)}
RESAMPLES = 400
RUN = ["nature", "draw", "replicate"]
MOST_VALUES = 8
"""A lever with more values than this is cut into bins of equally many points."""

BINS, THIRDS = 4, 3


@dataclass(frozen=True)
class Estimate:
    """A mean over runs, its 90% interval (NaN from a single pair), and from how many runs."""

    mean: float
    low: float
    high: float
    runs: int

    @property
    def told(self) -> bool:
        """Whether it can be told from 0."""
        return self.low > 0.0 or self.high < 0.0


def estimate(rows: pd.DataFrame, column: str = "shown") -> Estimate:
    """The mean of a column over runs, the policies of a replicate counted once."""
    means = rows.groupby(RUN, sort=False)[column].mean()
    nature = means.index.get_level_values("nature").to_numpy()
    return Estimate(float(means.mean()), *mean_interval(means.to_numpy(), nature), len(rows))


def grouped(column: pd.Series, most: int = MOST_VALUES, bins: int = BINS) -> tuple[pd.Series, list[str]]:
    """The group of each row by a column, as numbers from 0 in order, and the groups' names.

    A value is a group; more than `most` numbers are cut into `bins` of equally many.
    """
    numbers = pd.api.types.is_numeric_dtype(column)
    values = sorted(column.dropna().unique()) if numbers else list(column.dropna().unique())
    if len(values) <= most or not numbers:
        codes = column.map({value: place for place, value in enumerate(values)})
        return codes, [in_words(value) for value in values]
    cut = pd.qcut(column.rank(method="dense"), bins, labels=False)
    ends = column.groupby(cut).agg(["min", "max"])
    return cut, [f"{low:.2g} to {high:.2g}" for low, high in zip(ends["min"], ends["max"], strict=True)]


def in_words(value: object) -> str:
    """A value of a lever as it stands in a picture."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.3g}"


def heat_table(pairs: Pairs, x: str, y: str) -> pd.DataFrame:
    """The effect at each pair of values of two levers: x, y (places), mean, low, high, runs, told.

    ``attrs`` holds the names of the groups, `x` and `y`.
    """
    codes = {side: grouped(pairs.rows[name]) for side, name in (("x", x), ("y", y))}
    rows = pairs.rows.assign(x=codes["x"][0], y=codes["y"][0])
    table = _estimates(rows, ["x", "y"])
    table.attrs = {side: names for side, (_, names) in codes.items()}
    return table


def dose_table(pairs: Pairs, x: str) -> pd.DataFrame:
    """The effect at each value of one lever: x (place), mean, low, high, runs, told; ``attrs["x"]`` names."""
    codes, names = grouped(pairs.rows[x])
    table = _estimates(pairs.rows.assign(x=codes), ["x"])
    table.attrs = {"x": names}
    return table


def _estimates(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """A row for each group: its places in `by`, and what `Estimate` holds."""
    found: list[dict[str, Any]] = []
    for _, group in rows.groupby(by):
        at = estimate(group)
        found.append({name: group[name].iloc[0] for name in by} | vars(at) | {"told": at.told})
    return pd.DataFrame(found).astype(dict.fromkeys(by, "int64"))


def tornado_table(pairs: Pairs) -> pd.DataFrame:
    """What each lever and parameter moves, from its lowest value or third to its highest, the most first.

    Columns: factor, kind (lever or knowledge), low_at and high_at (the values, in words), low_mean and
    high_mean (what is shown there), swing (high less low) with its 90% interval swing_low, swing_high, told.
    """
    rows = [_swing(pairs.rows, name) for name in (*pairs.levers, *pairs.unknowns)]
    order = sorted(rows, key=lambda row: (-abs(row["swing"]), row["factor"]))
    return pd.DataFrame([row for row in order if not math.isnan(row["swing"])])


def _swing(rows: pd.DataFrame, factor: str) -> dict[str, Any]:
    """A row of the tornado table.

    Two values of a lever that meet the same chance, unknowns and other levers are compared pair by pair.
    Parts of a space-filling design hold different points: their means are compared as two samples of points.
    """
    codes, names = grouped(rows[factor], bins=THIRDS)
    low, high = rows[codes == 0], rows[codes == len(names) - 1]
    kind = factor.split(".", 1)[0]
    levers = [name for name in rows.columns if name.startswith("lever.")]
    if kind == "lever" and _balanced(low, high, [name for name in levers if name != factor]):
        ends = [end.groupby(RUN, sort=False)["shown"].mean() for end in (low, high)]
        pairs = pd.concat(ends, axis=1, join="inner", keys=["low", "high"])
        pairs = pairs.assign(shown=pairs["high"] - pairs["low"]).reset_index()
        swing, at = estimate(pairs), [float(pairs[end].mean()) for end in ("low", "high")]
    else:
        own = ["nature"] if kind == "knowledge" else levers
        points = [
            end.groupby(own, sort=False, dropna=False)["shown"].mean().to_numpy() for end in (low, high)
        ]
        swing, at = difference(*points), [float(values.mean()) for values in points]
    found: dict[str, Any] = {"factor": bare(factor), "kind": kind, "low_at": names[0], "high_at": names[-1]}
    found |= {"low_mean": at[0], "high_mean": at[1], "swing": swing.mean}
    return found | {"swing_low": swing.low, "swing_high": swing.high, "told": swing.told}


def _balanced(low: pd.DataFrame, high: pd.DataFrame, others: list[str]) -> bool:
    """Whether two parts hold the same values of the other levers, or one policy each."""
    met = [set(end[others].fillna("").itertuples(index=False, name=None)) for end in (low, high)]
    return met[0] == met[1] or len(met[0]) == len(met[1]) == 1


def difference(low: np.ndarray, high: np.ndarray) -> Estimate:
    """Mean of one sample of points less that of another, with Welch's 90% interval."""
    from scipy.stats import t  # imported late: it costs half a second

    mean, size = float(high.mean() - low.mean()), len(low) + len(high)
    if min(len(low), len(high)) < 2:
        return Estimate(mean, math.nan, math.nan, size)
    parts = np.array([values.var(ddof=1) / len(values) for values in (low, high)])
    if not parts.any():
        return Estimate(mean, mean, mean, size)
    freedom = parts.sum() ** 2 / (parts**2 / np.array([len(low) - 1, len(high) - 1])).sum()
    reach = float(t.ppf(0.5 + CONFIDENCE / 2, freedom) * math.sqrt(parts.sum()))
    return Estimate(mean, mean - reach, mean + reach, size)


def front_table(folder: Folder, window: Window, outcome: str) -> pd.DataFrame:
    """What each policy averts of an outcome and what it costs, a row a policy, the baseline first.

    Columns: policy (in words); gain (by how much the outcome is better), harm (to honest customers, all
    counts together) and hours (of police), each with ``_low`` and ``_high``; and for both costs
    ``harm_front``, whether no other policy has at least the gain at no more of that cost, and ``harm_share``,
    in which share of resamples of the pairs that holds (NaN of fewer than `FEW_PAIRS`). A cost whose outcomes
    are not kept is left out. Raises `InputError` where nothing is compared.
    """
    kept = folder.outcomes()
    costs = {name: [part for part in parts if part in kept] for name, parts in COSTS.items()}
    costs = {name: parts for name, parts in costs.items() if parts}
    better = OUTCOMES[outcome].better
    rows, baseline = joined(folder, window, [outcome, *(part for parts in costs.values() for part in parts)])
    faults = {
        "has no baseline to compare with": baseline is None,
        "keeps neither harm nor police hours": not costs,
        f"cannot say which way {outcome} is better": not better,
        "holds no pair of runs yet": rows.empty or bool(rows["is_base"].all()),
    }
    for what, holds in faults.items():
        if holds:
            raise InputError([Fault(str(folder.path), None, "", what, "Draw another --kind.")])
    sign = -1 if better == "lower" else 1
    rows["gain"] = sign * (rows[f"value.{outcome}"] - rows[f"base.{outcome}"])
    for name, parts in costs.items():
        rows[name] = sum(rows[f"value.{part}"] - rows[f"base.{part}"] for part in parts)
    own = rows[~rows["is_base"]]
    rows = pd.concat([rows[rows["is_base"]].assign(policy=baseline), own.assign(policy=_policies(own))])
    return _fronts(rows, list(costs))


def _policies(rows: pd.DataFrame) -> pd.Series:
    """Each run's policy in words: the values of its levers, and its scenario where there are several."""
    names = varied(rows, "lever.")
    levers = [rows[name].map(in_words, na_action="ignore").radd(f"{_spoken(name)} ") for name in names]
    several = rows["origin"].nunique() > 1
    columns = [*([rows["origin"]] if several or not levers else []), *levers]
    return pd.concat(columns, axis=1).apply(lambda words: ", ".join(words.dropna()), axis=1)


def _spoken(lever: str) -> str:
    return bare(lever).replace("_", " ")


def _fronts(rows: pd.DataFrame, costs: list[str]) -> pd.DataFrame:
    """Means and intervals of each policy, and which are on the fronts, in the means and in resamples."""
    found = []
    for policy, own in rows.groupby("policy", sort=False):
        found.append({"policy": policy})
        for column in ("gain", *costs):
            at = estimate(own, column)
            found[-1] |= {column: at.mean, f"{column}_low": at.low, f"{column}_high": at.high}
    table = pd.DataFrame(found)
    unit = "nature" if rows["nature"].nunique() > 1 else "replicate"
    means = {
        c: rows.pivot_table(c, "policy", unit, sort=False).reindex(table["policy"]) for c in ("gain", *costs)
    }
    for cost in costs:
        table[f"{cost}_front"] = not_beaten(table["gain"].to_numpy(), table[cost].to_numpy())
        table[f"{cost}_share"] = _share_on_front(means["gain"].to_numpy(), means[cost].to_numpy())
    return table


def _share_on_front(gain: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """In which share of resamples of the columns each row is on the front; float64 (policies)."""
    policies, units = gain.shape
    if units < FEW_PAIRS:
        return np.full(policies, np.nan)
    random = np.random.Generator(np.random.PCG64(RESAMPLES))
    hits = np.zeros(policies)
    for chosen in random.integers(units, size=(RESAMPLES, units)):
        with warnings.catch_warnings():  # a policy without any of the chosen pairs has no mean
            warnings.simplefilter("ignore", RuntimeWarning)
            hits += not_beaten(np.nanmean(gain[:, chosen], axis=1), np.nanmean(cost[:, chosen], axis=1))
    return hits / RESAMPLES


def not_beaten(gain: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Which points none beats: with at least the gain at no more cost, and better in one; bool (points)."""
    values = np.column_stack([-gain, cost])
    return np.asarray(~dominated(values) & ~np.isnan(values).any(axis=1))


def courses(folder: Folder, outcome: str, by: str | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Month by month, every run's outcome for the nation, and the groups in their order.

    Columns: scenario (the group: the scenario, or the value of lever `by`), run (a number), month, value.
    """
    monthly = folder.monthly([outcome], NATION)
    if folder.design is None or "origin" not in folder.design:
        group, order = monthly["scenario"], _named_order(folder.about)
    else:
        monthly = monthly.merge(folder.design, on="scenario", how="left", sort=False)
        group, order = monthly["origin"].fillna(monthly["scenario"]), list(folder.design["origin"])
    order = list(dict.fromkeys([*order, *group]))
    if by is not None:
        codes, names = grouped(monthly[by])
        without = group.where(codes.isna())
        group = codes.map(dict(enumerate(f"{_spoken(by)} {name}" for name in names))).fillna(without)
        order = [*without.dropna().unique(), *group[codes.notna()].groupby(codes).first()]
    run = monthly.groupby(["scenario", "draw", "replicate"], sort=False).ngroup()
    table = pd.DataFrame(
        {"scenario": group, "run": run, "month": monthly["month"], "value": monthly[outcome]}
    )
    return table, [name for name in order if name in set(group)]


def _named_order(manifest: Mapping[str, Any]) -> list[str]:
    """The scenarios of a results folder: the baseline first, the others as they were named."""
    entries = [entry for entry in manifest.get("scenarios") or () if isinstance(entry, dict)]
    return [str(manifest.get("baseline")), *(str(entry.get("name")) for entry in entries)]
