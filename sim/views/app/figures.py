"""The figures on top of the page: a few numbers of both worlds side by side, with what B has more or less."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypedDict

from sim.views.app.course import YEAR, Course
from sim.views.app.text import NOTHING, change, month_name, short


class Figure(TypedDict):
    """One figure in words: what it is, over which time, both worlds' numbers, the difference."""

    title: str
    when: str
    a: str
    b: str
    apart: str


def figures(
    course: Course, month: int, parting: int | None, words: Mapping[str, str], lang: str
) -> list[Figure]:
    """The figures in the month with this number; sums begin where the worlds part."""
    since, until = min(parting or 0, month), month + 1
    now = words["this_month"].format(month=month_name(course.months[month], lang))
    found = [_year(course, month, words, now)]
    for word, column in (("figure_cases", "cases_registered"), ("figure_harm", "harm")):
        ours, theirs = (course.total(side, column, since, until) for side in ("right", "left"))
        found.append(_figure(words[word], words["since_parting"], ours, theirs, words, lang))
    ours, theirs = (course.value(side, "price_gang_yuan", month) for side in ("right", "left"))
    found.append(_figure(words["figure_price"], now, ours, theirs, words, lang))
    return [found[1], found[0], found[3], found[2]]


def _figure(title: str, when: str, ours: float, theirs: float, words: Mapping[str, str], lang: str) -> Figure:
    apart = change(ours, theirs) or words["same"]
    return Figure(title=title, when=when, a=short(theirs, lang), b=short(ours, lang), apart=apart)


def _year(course: Course, month: int, words: Mapping[str, str], when: str) -> Figure:
    """Cases against the same month of the year before, which the record tells too."""
    said = {side: _on_the_year(course, side, month) for side in ("left", "right")}
    return Figure(title=words["figure_year"], when=when, a=said["left"], b=said["right"], apart="")


def _on_the_year(course: Course, side: str, month: int) -> str:
    if month < YEAR:
        return NOTHING
    before = course.value(side, "cases_registered", month - YEAR)
    rise = course.value(side, "cases_registered", month) / before - 1.0 if before else math.nan
    return NOTHING if math.isnan(rise) else f"{'+' if rise >= 0 else '−'}{abs(rise) * 100:.0f}%"
