"""Spans of time over which monthly outcomes are added up or averaged.

The named windows follow the story of the operation: the quarter of the launch (10 October 2020), the two
halves of the year in which registered cases turned, and the year after. A window counts only where a run
covers all its days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from sim.observe.outcomes import OUTCOMES

LAUNCH = date(2020, 10, 10)
"""The day on which the operation was launched nationwide."""


@dataclass(frozen=True)
class Window:
    """A span of whole months, both days included."""

    name: str
    start: date
    end: date

    def rows(self, months: pd.Series) -> pd.Series:
        """Which of `months` (dates of first days) lie in the window."""
        return (months >= pd.Timestamp(self.start)) & (months <= pd.Timestamp(self.end))


NAMED = (
    Window("2020-Q4", date(2020, 10, 1), date(2020, 12, 31)),
    Window("2021-H1", date(2021, 1, 1), date(2021, 6, 30)),
    Window("2021-H2", date(2021, 7, 1), date(2021, 12, 31)),
    Window("2021", date(2021, 1, 1), date(2021, 12, 31)),
    Window("2022", date(2022, 1, 1), date(2022, 12, 31)),
)


def effect_windows(start: date, end: date) -> tuple[Window, ...]:
    """The named windows that a run from `start` to `end` covers, or the whole run where it covers none."""
    return _covered(NAMED, start, end) or (Window("whole run", start, end),)


def summary_windows(start: date, end: date) -> tuple[Window, ...]:
    """Every calendar year covered and the named windows, in order of their first day; else the whole run."""
    years = tuple(
        Window(str(year), date(year, 1, 1), date(year, 12, 31)) for year in range(start.year, end.year + 1)
    )
    known = {window.name: window for window in (*years, *NAMED)}
    windows = sorted(_covered(tuple(known.values()), start, end), key=lambda w: (w.start, w.end))
    return tuple(windows) or (Window("whole run", start, end),)


def headline(windows: tuple[Window, ...]) -> Window:
    """The window to show first: the second half of 2021 where it is covered, else the last one."""
    return next((window for window in windows if window.name == "2021-H2"), windows[-1])


def over_window(national: pd.DataFrame, window: Window, outcomes: list[str]) -> pd.DataFrame:
    """Each run's outcomes over a window: flows added up, stocks, prices and shares averaged over its months.

    Parameters
    ----------
    national
        Rows of one region with columns scenario, draw, replicate, month and the outcomes.
    window
        The span of months.
    outcomes
        The columns to take.

    Returns a frame indexed by (scenario, draw, replicate), float64, one column for each outcome.
    """
    runs = national[window.rows(national["month"])].groupby(["scenario", "draw", "replicate"], sort=True)
    how = {name: "sum" if OUTCOMES[name].kind == "flow" else "mean" for name in outcomes}
    return runs[outcomes].agg(how).astype("float64")


def _covered(windows: tuple[Window, ...], start: date, end: date) -> tuple[Window, ...]:
    return tuple(window for window in windows if start <= window.start and window.end <= end)
