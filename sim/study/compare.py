"""Effects: what a policy changes, paired run by run with the baseline.

The effect of a scenario is scenario minus baseline, so a negative effect on cases means fewer cases. Each
pair shares its draw of parameters and all keyed random numbers, and differs only in the policy; the
differences of the pairs are the data here.

Two spreads are reported and must not be mixed up. `low` to `high` is a 90% interval of the MEAN effect: it
narrows with more replicates. `range_low` to `range_high` spans 5% to 95% of the differences of single pairs:
it does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.observe.outcomes import OUTCOMES
from sim.study.estimates import draws_of, draws_used, interval_name, matched, mean_interval
from sim.study.windows import Window, over_window

COLUMNS = (
    "scenario",
    "outcome",
    "unit",
    "window_start",
    "window_end",
    "baseline",
    "effect",
    "relative",
    "low",
    "high",
    "interval",
    "range_low",
    "range_high",
    "p_better",
    "draws",
    "replicates",
    "verdict",
)

HARM = (
    "openings_refused_legitimate",
    "openings_lost_to_suspension",
    "closed_false",
    "holders_barred_in_error",
    "transfers_held_legitimate",
    "accounts_frozen_in_error",
)
"""Harm to honest customers, reported beside every benefit: a rise is called harm."""

HEADLINE = "cases_registered"
"""The outcome to show first."""

NATION = "CN"


@dataclass(frozen=True)
class Effect:
    """One scenario's effect on one outcome over one window; the fields are the columns of `effects.csv`.

    `baseline` is the baseline's mean over the same pairs, `relative` the effect as a share of it (NaN where
    the baseline is zero), `p_better` the share of pairs in which the policy moves the outcome in its good
    direction, ties counted half (NaN where it has none), `draws` the draws of parameters used (0: the point
    defaults).
    """

    scenario: str
    outcome: str
    unit: str
    window_start: str
    window_end: str
    baseline: float
    effect: float
    relative: float
    low: float
    high: float
    interval: str
    range_low: float
    range_high: float
    p_better: float
    draws: int
    replicates: int
    verdict: str


def effects(
    monthly: pd.DataFrame, baseline: str | Mapping[str, str], windows: Sequence[Window]
) -> pd.DataFrame:
    """The paired effects of scenarios in `monthly`, each against its baseline.

    Parameters
    ----------
    monthly
        The results table, with columns scenario, draw, replicate, month, region and the outcomes; only the
        nation's rows are used.
    baseline
        Name of the scenario to compare all others with; or the baseline of each scenario by name, and then
        only the scenarios named are compared.
    windows
        Spans of months over which to compare.

    Returns a frame with the columns `COLUMNS`, ordered by scenario, window and outcome. Pairs of which one
    run is missing are left out. Raises ValueError when a baseline is not in the table.
    """
    national = monthly[monthly["region"] == NATION]
    names = list(dict.fromkeys(national["scenario"]))
    against = dict.fromkeys(names, baseline) if isinstance(baseline, str) else baseline
    for base in against.values():
        if base not in names:
            raise ValueError(f"no finished run of the baseline {base!r}")
    outcomes = [name for name in OUTCOMES if name in national.columns]
    tables = [over_window(national, window, outcomes) for window in windows]
    rows = [
        _effect(name, outcome, window, table[outcome].loc[name], table[outcome].loc[against[name]])
        for name in names
        if against.get(name, name) != name
        for window, table in zip(windows, tables, strict=True)
        for outcome in outcomes
    ]
    return pd.DataFrame([vars(row) for row in rows if row is not None], columns=list(COLUMNS))


def _effect(name: str, outcome: str, window: Window, ours: pd.Series, theirs: pd.Series) -> Effect | None:
    """One row, or None when no pair is complete; both series are indexed by (draw, replicate)."""
    pairs = matched({"policy": ours, "baseline": theirs})
    if pairs.empty:
        return None
    differences = (pairs["policy"] - pairs["baseline"]).to_numpy()
    draws = draws_of(pairs)
    base, mean = float(pairs["baseline"].mean()), float(differences.mean())
    low, high = mean_interval(differences, draws)
    range_low, range_high = np.quantile(differences, [0.05, 0.95])
    outcome_of = OUTCOMES[outcome]
    return Effect(
        scenario=name,
        outcome=outcome,
        unit=outcome_of.unit,
        window_start=window.start.isoformat(),
        window_end=window.end.isoformat(),
        baseline=base,
        effect=mean,
        relative=mean / base if base else math.nan,
        low=low,
        high=high,
        interval=interval_name(draws, low),
        range_low=float(range_low),
        range_high=float(range_high),
        p_better=_share_better(differences, outcome_of.better),
        draws=draws_used(draws),
        replicates=len(differences),
        verdict=verdict(outcome, differences, base, mean, low, high),
    )


FEW_PAIRS = 5
"""Below this many pairs an interval by Student's t is a poor guide, and the verdict says so."""


def verdict(outcome: str, differences: np.ndarray, base: float, mean: float, low: float, high: float) -> str:
    """The effect in plain words."""
    pairs = len(differences)
    if not differences.any():
        return "no difference: identical in every pair"
    if pairs == 1:
        return f"{_direction(mean)} by {_size(outcome, mean, base)} in the only pair: no interval"
    if low <= 0 <= high:
        return f"cannot be told apart at {pairs} replicates"
    size = _size(outcome, mean, base)
    # Of a count from nothing, ends that round to the same say nothing more.
    told = not base and {size} == {_size(outcome, end, base) for end in (low, high)}
    aside = [] if told else [" to ".join(_ends(outcome, low, high, base))]
    aside += [f"{pairs} pairs only"] if pairs < FEW_PAIRS else []
    between = f" ({', '.join(aside)})" if aside else ""
    return f"{_direction(mean)} by {size}{between}{_judgement(outcome, mean)}"


def _direction(mean: float) -> str:
    return "higher" if mean > 0 else "lower"


def _judgement(outcome: str, mean: float) -> str:
    """Better, worse or harm; nothing where the outcome has no good direction."""
    better = OUTCOMES[outcome].better
    if not better:
        return ""
    good = (mean < 0) == (better == "lower")
    if outcome in HARM:
        return ": less harm" if good else ": harm"
    return ": better" if good else ": worse"


def _size(outcome: str, value: float, base: float) -> str:
    """A difference without its sign: points of a share, per cent of the baseline, or its own unit."""
    if OUTCOMES[outcome].unit == "share":
        return f"{rounded(abs(value) * 100)} points"
    if base:
        return f"{rounded(abs(value / base) * 100)}%"
    return f"{rounded(abs(value))} {OUTCOMES[outcome].unit}"


def _ends(outcome: str, low: float, high: float, base: float) -> tuple[str, str]:
    """Both ends of an interval, the smaller first, the unit on the second only."""
    near, far = sorted((abs(low), abs(high)))
    first = _size(outcome, near, base)
    for unit in ("%", " points", f" {OUTCOMES[outcome].unit}"):
        first = first.removesuffix(unit)
    return first, _size(outcome, far, base)


def rounded(value: float) -> str:
    """A number for a sentence: two or three figures, thousands set off, millions and billions in words."""
    if value == 0:
        return "0"
    for size, word in ((1e9, " bn"), (1e6, " m")):
        if abs(value) >= size:
            return f"{rounded(value / size)}{word}"
    if abs(value) >= 1000:
        digits = 3 - len(str(int(abs(value))))
        return f"{round(value, digits):,.0f}"
    if abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def _share_better(differences: np.ndarray, better: str) -> float:
    if not better:
        return math.nan
    good = differences < 0 if better == "lower" else differences > 0
    return float((good.sum() + 0.5 * (differences == 0).sum()) / len(differences))


def summary(monthly: pd.DataFrame, windows: Sequence[Window]) -> pd.DataFrame:
    """Mean and quantiles over the runs of each scenario, outcome and window, for the nation.

    Returns a frame with columns scenario, outcome, unit, window, mean, p05, p25, p50, p75, p95.
    """
    national = monthly[monthly["region"] == NATION]
    outcomes = [name for name in OUTCOMES if name in national.columns]
    tables = {window.name: over_window(national, window, outcomes) for window in windows}
    rows = [
        {"scenario": name, "outcome": outcome, "unit": OUTCOMES[outcome].unit, "window": window}
        | spread(table.loc[name, outcome].to_numpy())
        for name in dict.fromkeys(national["scenario"])
        for window, table in tables.items()
        for outcome in outcomes
    ]
    return pd.DataFrame(rows)


def spread(values: np.ndarray) -> dict[str, float]:
    """Mean and quantiles of a sample."""
    quantiles = np.quantile(values, [0.05, 0.25, 0.50, 0.75, 0.95])
    names = ("p05", "p25", "p50", "p75", "p95")
    return {"mean": float(values.mean())} | {n: float(q) for n, q in zip(names, quantiles, strict=True)}
