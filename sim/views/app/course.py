"""The course of two worlds as the page needs it: the nation month by month, and cases by region.

Everything is read off the table of a session (:meth:`sim.study.session.Session.table`); what is derived here
is written out below: weeks of cover, cards taken away, cases without bought cards, harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from sim.study.compare import HARM, NATION

SIDES = ("left", "right")
WEEK = 7.0
YEAR = 12


@dataclass(frozen=True)
class Course:
    """What both worlds have done so far.

    ``months``: all months that are shown, by first day. ``done``: how many of them are simulated. ``nation``:
    for each side a frame with ``done`` rows, the outcomes and what is derived of them. ``cases``: for each
    side registered cases, a row a month, a column a region.
    """

    months: tuple[date, ...]
    done: int
    nation: Mapping[str, pd.DataFrame]
    cases: Mapping[str, pd.DataFrame]

    def value(self, side: str, name: str, month: int) -> float:
        """An outcome of a world in a month, by its number."""
        return float(self.nation[side][name].iloc[month])

    def values(self, side: str, name: str, until: int) -> list[float]:
        """An outcome of a world in the months before a number."""
        return [float(value) for value in self.nation[side][name].iloc[:until]]

    def total(self, side: str, name: str, since: int, until: int) -> float:
        """The sum of an outcome over months, the last one not counted."""
        return float(self.nation[side][name].iloc[since:until].sum())


def course_of(table: pd.DataFrame, months: tuple[date, ...]) -> Course:
    """The course that a session's table tells; without rows it is empty."""
    if not len(table):
        return Course(months, 0, {}, {})
    nation, cases = {}, {}
    for side in SIDES:
        own = table[table["world"] == side]
        whole = own[own["region"] == NATION].reset_index(drop=True)
        nation[side] = _derived(whole)
        parts = own[own["region"] != NATION]
        cases[side] = parts.pivot_table("cases_registered", "month", "region", sort=True)
    return Course(months, len(nation["left"]), nation, cases)


def _derived(whole: pd.DataFrame) -> pd.DataFrame:
    """The nation's months with what the pictures show beside outcomes."""
    weeks = whole["month"].dt.days_in_month / WEEK
    need = whole["sets_needed"] / weeks
    other = whole["own_account_share"] + whole["substitute_share"]
    return whole.assign(
        cover_weeks=(whole["cards_gang_stock"] / need).where(need > 0.0),
        cases_other=whole["cases_true"] * other,
        cards_taken=whole["closed_true"] + whole["cards_detected"] + whole["cards_seized"],
        harm=whole[list(HARM)].sum(axis=1),
    )


def rates(course: Course, side: str, until: int, adults: Mapping[str, int]) -> dict[str, float]:
    """Registered cases per million adults by region, a year's worth up to a month.

    Where fewer than twelve months are shown their mean stands for the year.
    """
    months = course.cases[side].iloc[max(until - YEAR, 0) : until]
    return {
        code: float(months[code].mean()) * YEAR / number * 1e6
        for code, number in adults.items()
        if code in months
    }
