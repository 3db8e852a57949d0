"""How far runs are from targets.

The distance of a run from a target is its deviation in standard deviations of record and model together, 0
for a target of which only the sign or the range is known and which the run meets. It is what history matching
calls implausibility, before the model's own chance is allowed for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from sim.calibration.targets import Quantity, Span, Target
from sim.study.compare import rounded
from sim.study.pattern_parts import Months, within
from sim.study.patterns import PATTERNS, Historical

COLUMNS = (
    "id", "title", "role", "known", "grade", "observed", "band", "simulated", "low", "high", "distance",
    "inside", "runs", "evidence", "verdict",
)  # fmt: skip
FAR = 3.0
"""A target is missed beyond this many standard deviations (the rule of three sigma, Pukelsheim 1994)."""
SURE = 1e-12
"""What stands for the standard deviation of a band without one, so that deviations from it are numbers."""


def simulated(targets: Iterable[Target], monthly: pd.DataFrame) -> pd.DataFrame:
    """Every target's quantity in every run of one scenario.

    Parameters
    ----------
    targets
        Imposed ones are left out.
    monthly
        Rows of one scenario of a results table.

    Returns float64 (runs, targets), indexed by (draw, replicate), columns are ids; NaN where the runs do not
    hold the months, the region or the outcomes.
    """
    months = Months(monthly)
    runs = months.of("cases_registered").columns
    return pd.DataFrame(read_off(targets, months), index=runs, dtype="float64")


def read_off(targets: Iterable[Target], months: Months) -> dict[str, np.ndarray]:
    """What `simulated` gives, by target, of runs that are laid out as months times runs."""
    runs = months.of("cases_registered").shape[1]
    parts: dict[str, np.ndarray] = {}
    columns = {}
    for target in targets:
        if target.role == "imposed":
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            if target.quantity is not None:
                values = _quantity(months, target.quantity, runs)
            else:
                values = _pattern(months, str(target.pattern), parts, runs)
        columns[target.id] = values
    return columns


def _quantity(months: Months, quantity: Quantity, runs: int) -> np.ndarray:
    ours = _span(months, quantity, runs)
    if quantity.against is None:
        return ours
    theirs = _span(months, quantity.against, runs)
    of: dict[str, np.ndarray] = {
        "ratio": ours / theirs,
        "change": ours / theirs - 1.0,
        "difference": ours - theirs,
    }
    return of[quantity.by]


def _span(months: Months, span: Span, runs: int) -> np.ndarray:
    """A span in each run, float64 (runs)."""
    first, last = (f"{month}-01" for month in span.months)
    if not months.cover(first, last, span.region, tuple(span.of)):
        return np.full(runs, math.nan)
    table = sum((months.of(name, span.region) for name in span.of[1:]), months.of(span.of[0], span.region))
    table = table.loc[first:last]
    return np.asarray(table.sum() if span.total else table.mean(), dtype="float64")


def _pattern(months: Months, name: str, parts: dict[str, np.ndarray], runs: int) -> np.ndarray:
    """Part of a pattern in each run; all parts of the same pattern are measured at once."""
    if name not in parts:
        found = [p for p in PATTERNS if isinstance(p, Historical) and name.startswith(p.id)]
        if not found:
            raise ValueError(f"no pattern {name}")
        measured = found[-1].parts(months, None)
        if not isinstance(measured, str):
            parts.update({part.id: part.values for part in measured})
    return parts.get(name, np.full(runs, math.nan))


def distances(targets: Sequence[Target], values: pd.DataFrame) -> pd.DataFrame:
    """Distance of every run from every target, in standard deviations, float64 (runs, targets).

    ``values`` is what `simulated` returns. A target without a value is 0 inside its band, else as far as the
    nearer end of it; infinite where a run has no finite value, NaN where it was not covered.
    """
    return pd.DataFrame(
        {
            target.id: _distance(target, values[target.id].to_numpy())
            for target in targets
            if target.id in values
        },
        index=values.index,
    )


def _distance(target: Target, values: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        away = beyond(target, deviation(target, values))
    if target.value is None:  # at the ends of a band, and however far on its open side
        away = np.where(inside(target, values), 0.0, away)
    if target.spread == 0.0:
        away = np.where(away > 0.0, math.inf, away)
    return np.where(np.isnan(values), math.nan, np.where(np.isnan(away), math.inf, away))


def deviation(target: Target, values: np.ndarray, most: float = math.inf) -> np.ndarray:
    """Signed deviations in standard deviations of record and model, float64 like ``values``.

    From the value of the target; of a target without one from the middle of its band, or from the end that
    is closed. Beyond ``most`` they are cut off; NaN where a run has no value.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ours = np.log(values) if target.scale == "log" else values
        away = (ours - centre(target)[0]) / (target.spread or SURE)
    return np.clip(away, -most, most)


def centre(target: Target) -> tuple[float, float, float]:
    """From where deviations count, and between which ones a run is as good as any: (from, low, high)."""
    if target.value is not None:
        return (math.log(target.value) if target.scale == "log" else target.value), 0.0, 0.0
    low, high = _ends(target)
    closed = math.isfinite(low), math.isfinite(high)
    if all(closed):
        half = (high - low) / 2.0 / (target.spread or SURE)
        return (low + high) / 2.0, -half, half
    if not any(closed):
        return 0.0, low, high
    return (high, low, 0.0) if closed[1] else (low, 0.0, high)


def beyond(target: Target, deviations: np.ndarray) -> np.ndarray:
    """How far deviations lie outside of what is as good as any, at least 0."""
    _, low, high = centre(target)
    return np.maximum(np.maximum(low - deviations, deviations - high), 0.0)


def _ends(target: Target) -> tuple[float, float]:
    """Both ends of the band, on the scale of the errors."""
    ends = _bounds(target)
    if target.scale == "log":
        return tuple(math.log(end) if end > 0.0 else -math.inf for end in ends)  # type: ignore[return-value]
    return ends


def _bounds(target: Target) -> tuple[float, float]:
    """Both ends of the band, infinite where it is open."""
    low, high = target.band or (None, None)
    return -math.inf if low is None else low, math.inf if high is None else high


def inside(target: Target, values: np.ndarray) -> np.ndarray:
    """Which runs lie in the band of a target, bool (runs)."""
    return within(values, *_bounds(target))


def table(targets: Sequence[Target], monthly: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every target and, where runs of one scenario are given, how far they are from it.

    Imposed targets are listed only where there are no runs, of which they say nothing. Returns a frame with
    the columns `COLUMNS`: `simulated`, `low` and `high` are the median and the 5% and
    95% quantiles over runs, `distance` the median distance, `inside` the share of runs in the band.
    """
    values = simulated(targets, monthly) if monthly is not None else pd.DataFrame()
    away = distances(targets, values)
    if monthly is not None:
        targets = [target for target in targets if target.role != "imposed"]
    rows = [_row(target, values.get(target.id), away.get(target.id)) for target in targets]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(target: Target, values: pd.Series | None, away: pd.Series | None) -> dict[str, object]:
    about: dict[str, object] = {
        "id": target.id,
        "title": target.title,
        "role": target.role,
        "known": target.known.isoformat(),
        "grade": target.grade,
        "observed": "" if target.value is None else written(target, target.value),
        "band": _band(target),
        "evidence": ", ".join(target.evidence),
    }
    nothing = {"simulated": "", "low": "", "high": "", "distance": math.nan, "inside": math.nan, "runs": 0}
    if values is None or away is None:
        return about | nothing | {"verdict": ""}
    if values.isna().all():
        return about | nothing | {"verdict": "not covered by the runs"}
    known = values.dropna().to_numpy()
    method = "linear" if np.isfinite(known).all() else "nearest"
    low, middle, high = np.quantile(known, [0.05, 0.50, 0.95], method=method)  # type: ignore[call-overload]
    share, far = float(inside(target, known).mean()), float(np.median(away.dropna()))
    return about | {
        "simulated": written(target, middle),
        "low": written(target, low),
        "high": written(target, high),
        "distance": far,
        "inside": share,
        "runs": len(known),
        "verdict": verdict(share, far),
    }


def verdict(share: float, far: float) -> str:
    """In words: met by most runs, missed, or so far off that record and runs contradict each other."""
    if share >= 0.5:
        return "met"
    return "missed" if far <= FAR else "far off"


def _band(target: Target) -> str:
    if target.band is None:
        return ""
    low, high = target.band
    if low is None:
        return f"up to {written(target, high or 0.0)}"
    return (
        f"from {written(target, low)}"
        if high is None
        else f"{written(target, low)} to {written(target, high)}"
    )


def written(target: Target, value: float) -> str:
    """A value of a target as its reader expects it."""
    if not math.isfinite(value):
        return "never" if target.show == "months" else "none"
    if target.show == "month":
        return f"{pd.Timestamp(2020, 10, 1) + pd.DateOffset(months=round(value)):%b %Y}"
    formats = {
        "change": "{:+.1%}",
        "ratio": "x{:.2g}" if abs(value) < 0.95 else "x{:.1f}",
        "months": "{:.0f} months",
    }
    if target.show == "number":
        return rounded(value)
    return f"{100 * value:+.1f} points" if target.show == "points" else formats[target.show].format(value)
