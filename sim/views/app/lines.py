"""Line charts: one outcome of both worlds, drawn up to the month that is shown.

World A is a dashed line with open circles, world B an unbroken one with filled squares, each with its letter
and its number at the end; so the chart can be read without colour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sim.views.app.course import SIDES, Course
from sim.views.app.text import (
    COLOURS,
    LETTERS,
    LINE,
    PAPER,
    SOFT,
    change,
    escaped,
    label,
    month_name,
    picture,
    share,
    short,
)

WIDTH, HEIGHT = 320.0, 172.0
LEFT, RIGHT, TOP, BOTTOM = 34.0, 258.0, 30.0, 150.0
CLOSE = 13.0
"""Labels at the line ends stay so far apart."""


@dataclass(frozen=True)
class Chart:
    """One chart: the word of its title, the column it shows, and how its numbers are written."""

    word: str
    column: str
    kind: str = "number"


CHARTS = (
    Chart("cases", "cases_registered"),
    Chart("price", "price_gang_yuan"),
    Chart("cover", "cover_weeks"),
    Chart("stockouts", "cases_lost_for_cards"),
    Chart("substitutes", "substitute_share", "share"),
    Chart("own", "own_account_share", "share"),
)
"""The charts of the page, the headline first."""


def line_chart(
    chart: Chart, course: Course, until: int, parting: int | None, words: Mapping[str, str], lang: str
) -> str:
    """An SVG of the months before number ``until``, at least one; the worlds part in month ``parting``."""
    written = share if chart.kind == "share" else lambda value: short(value, lang)
    lines = {side: course.values(side, chart.column, until) for side in SIDES}
    whole = [course.values(side, chart.column, course.done) for side in SIDES]
    top, step = _scale(max((v for line in whole for v in line if not math.isnan(v)), default=1.0))
    parts = [label(0, 14, words[chart.word], size=12.5, bold=True)]
    parts += _frame(course, top, step, written)
    if parting is not None and parting < until:
        parts += _parting(_x(parting, course), words["parting"], parting > len(course.months) / 2)
    ends = _apart({side: _y(line[-1], top) for side, line in lines.items()})
    for side in SIDES:
        parts += _line(side, lines[side], top, course)
        text = f"{LETTERS[side]}  {written(lines[side][-1])}"
        parts.append(label(RIGHT + 8, ends[side] + 4, text, size=12.5, colour=COLOURS[side], bold=True))
    last = {side: lines[side][-1] for side in SIDES}
    if told := change(last["right"], last["left"]):
        parts.append(label(WIDTH, 14, told, size=12, anchor="end", colour=COLOURS["right"], bold=True))
    return picture(WIDTH, HEIGHT, _alt(chart, lines, course, words, lang, written), parts, "chart")


def _alt(
    chart: Chart,
    lines: Mapping[str, list[float]],
    course: Course,
    words: Mapping[str, str],
    lang: str,
    written: Callable[[float], str],
) -> str:
    now = len(lines["left"]) - 1
    return words["chart_alt"].format(
        title=words[chart.word],
        month=month_name(course.months[now], lang),
        a=written(lines["left"][-1]),
        b=written(lines["right"][-1]),
        first=month_name(course.months[0], lang),
        a0=written(lines["left"][0]),
        b0=written(lines["right"][0]),
    )


def _scale(most: float) -> tuple[float, float]:
    """The top of the axis and the step of its lines, both round numbers."""
    if not most > 0.0:
        return 1.0, 1.0
    size = 10.0 ** math.floor(math.log10(most / 2.0))
    step = next(size * k for k in (1.0, 2.0, 2.5, 5.0, 10.0) if size * k * 3.0 >= most)
    return max(math.ceil(most / step - 1e-9), 1) * step, step


def _x(month: int, course: Course) -> float:
    return LEFT + (RIGHT - LEFT) * month / max(len(course.months) - 1, 1)


def _y(value: float, top: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * (0.0 if math.isnan(value) else min(value / top, 1.0))


def _frame(course: Course, top: float, step: float, written: Callable[[float], str]) -> list[str]:
    """Lines of the axis with their numbers, and the years below."""
    parts = []
    for k in range(round(top / step) + 1):
        y = _y(k * step, top)
        parts.append(
            f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{LINE}" stroke-width="1"/>'
        )
        parts.append(label(LEFT - 4, y + 3.5, written(k * step), size=10, anchor="end", colour=SOFT))
    for number, month in enumerate(course.months):
        if month.month in (1, 7):
            x = _x(number, course)
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{BOTTOM}" y2="{BOTTOM + 4}" stroke="{SOFT}"/>')
            text = f"{month.year}-{month.month:02d}"
            parts.append(label(x, BOTTOM + 15, text, size=10, anchor="middle", colour=SOFT))
    return parts


def _parting(x: float, words: str, late: bool) -> list[str]:
    anchor, at = ("end", x - 4) if late else ("start", x + 4)
    line = (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{BOTTOM}" stroke="{SOFT}" '
        f'stroke-dasharray="2 3"/>'
    )
    return [line, label(at, TOP, words, size=10, anchor=anchor, colour=SOFT)]


def _line(side: str, values: list[float], top: float, course: Course) -> list[str]:
    """A world's line with its marks, broken where there is no number."""
    colour, points, pieces = COLOURS[side], [], [[]]  # type: ignore[var-annotated]
    for month, value in enumerate(values):
        if math.isnan(value):
            pieces.append([])
            continue
        x, y = _x(month, course), _y(value, top)
        pieces[-1].append(f"{x:.1f},{y:.1f}")
        if side == "left":
            points.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{PAPER}" stroke="{colour}" '
                f'stroke-width="1.3"/>'
            )
        else:
            points.append(f'<rect x="{x - 2:.1f}" y="{y - 2:.1f}" width="4" height="4" fill="{colour}"/>')
    dash = ' stroke-dasharray="5 3"' if side == "left" else ""
    drawn = [
        f'<polyline class="{escaped(side)}" points="{" ".join(piece)}" fill="none" stroke="{colour}" '
        f'stroke-width="2"{dash}/>'
        for piece in pieces
        if piece
    ]
    return drawn + points


def _apart(ends: dict[str, float]) -> dict[str, float]:
    """Heights of the two labels, pushed apart where they would touch, inside of the chart."""
    high, low = sorted(ends, key=lambda side: ends[side])
    gap = ends[low] - ends[high]
    if gap >= CLOSE:
        return ends
    middle = min(max((ends[low] + ends[high]) / 2.0, TOP + CLOSE / 2.0), BOTTOM - CLOSE / 2.0)
    return {high: middle - CLOSE / 2.0, low: middle + CLOSE / 2.0}
