"""What patterns are measured on and made of: tables by run, one measured quantity, how values are written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

NATION = "CN"
PILOT = "GD"
"""Guangdong, where the operation's card measures began on 1 September 2020."""

LAUNCH_MONTH = pd.Timestamp(2020, 10, 1)
RUN = ["draw", "replicate"]


@dataclass(frozen=True)
class Part:
    """One measured quantity of a pattern: a value and a yes or no for each run.

    `values` is float64 with one entry a run, infinite where the thing never happens; `show` prints one value.
    """

    id: str
    what: str
    observed: str
    band: str
    values: np.ndarray
    good: np.ndarray
    show: Callable[[float], str]


class Months:
    """One scenario's monthly table, laid out as months times runs; its weekly series too where it has one."""

    def __init__(self, monthly: pd.DataFrame, weekly: pd.DataFrame | None = None) -> None:
        self._monthly = monthly
        self._weekly = weekly
        self.months = pd.DatetimeIndex(sorted(monthly["month"].unique()))
        self._regions = frozenset(monthly["region"].unique())
        self._columns = frozenset(monthly.columns)

    def of(self, column: str, region: str = NATION) -> pd.DataFrame:
        """An outcome in a region: rows are months, columns are runs (draw, replicate), values float64."""
        rows = self._monthly[self._monthly["region"] == region]
        return rows.pivot(index="month", columns=RUN, values=column).astype("float64")

    def by_week(self, column: str) -> pd.DataFrame:
        """The nation's weekly series: rows are first days of weeks, columns are runs, values float64."""
        assert self._weekly is not None
        return self._weekly.pivot(index="week", columns=RUN, values=column).astype("float64")

    def cover(self, first: str, last: str, region: str = NATION, columns: tuple[str, ...] = ()) -> bool:
        """Whether the runs cover the months from `first` to `last`, also in `region`, and hold `columns`."""
        wanted = pd.date_range(first, last, freq="MS")
        there = bool(wanted.isin(self.months).all()) and region in self._regions
        return there and self._columns.issuperset(columns)


class Worlds:
    """Experiments beside the world that they disturb: scenarios by name, with the runs that all of them have.

    `monthly` and `weekly` hold the rows of every scenario, labelled by scenario, draw and replicate.
    """

    def __init__(self, monthly: pd.DataFrame, weekly: pd.DataFrame) -> None:
        names = list(dict.fromkeys(monthly["scenario"]))
        having = monthly.groupby(RUN)["scenario"].nunique()
        whole = having.index[having == len(names)]
        monthly, weekly = (
            frame[pd.MultiIndex.from_frame(frame[RUN]).isin(whole)] for frame in (monthly, weekly)
        )
        self._worlds = {
            name: Months(monthly[monthly["scenario"] == name], weekly[weekly["scenario"] == name])
            for name in names
        }

    def __getitem__(self, name: str) -> Months:
        return self._worlds[name]

    def cover(self, names: tuple[str, ...], first: str, last: str) -> bool:
        """Whether all the named scenarios cover the months from `first` to `last`."""
        return all(name in self._worlds and self._worlds[name].cover(first, last) for name in names)


def year_on_year(series: pd.DataFrame) -> pd.DataFrame:
    """Change on the same month a year before, as a share; NaN in the first twelve months."""
    return series / series.shift(12) - 1


def against(disturbed: pd.DataFrame, undisturbed: pd.DataFrame, span: int) -> pd.DataFrame:
    """A series over that of the undisturbed world, both added up over `span` rows from each row on."""
    ours, theirs = (frame.rolling(span).sum().shift(1 - span) for frame in (disturbed, undisturbed))
    return ours / theirs


def first_true(table: pd.DataFrame) -> np.ndarray:
    """For each run, the number of the first row that is true, from 0 on; infinite where none is."""
    values = table.to_numpy()
    return np.where(values.any(axis=0), values.argmax(axis=0), math.inf).astype("float64")


def within(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Which values lie from `low` to `high`, both included."""
    return (values >= low) & (values <= high)


def whole(unit: str) -> Callable[[float], str]:
    """How a number of months or weeks is written, an infinite one as never."""

    def show(value: float) -> str:
        if not math.isfinite(value):
            return "never"
        return f"{value:.0f} {unit}" + ("" if round(abs(value)) == 1 else "s")

    return show


def per_cent(value: float) -> str:
    """A change as a signed percentage."""
    return f"{value:+.1%}" if math.isfinite(value) else "none"


def share(value: float) -> str:
    """A share as a percentage."""
    return f"{value:.1%}" if math.isfinite(value) else "none"


def points(value: float) -> str:
    """A difference of shares in percentage points."""
    return f"{100 * value:+.1f} points" if math.isfinite(value) else "none"


def times(value: float) -> str:
    """A ratio."""
    return f"x{value:.2g}" if abs(value) < 0.95 else f"x{value:.1f}" if math.isfinite(value) else "none"


def signed(value: float) -> str:
    """A correlation."""
    return f"{value:+.2f}" if math.isfinite(value) else "none"


def yes(value: float) -> str:
    """Yes or no, from 1 or 0."""
    return "yes" if value >= 0.5 else "no"
