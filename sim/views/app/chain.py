"""The picture of the supply chain in one world and one month: openers, dealers, gangs, victims.

Arrows are as thick as the flow is large beside the largest of both worlds and all months, so that the two
pictures can be held against each other. What is taken out (refused, closed, frozen) hangs below, what goes
past the chain (cases without bought cards) bends above it. World B's numbers say how far they are from A's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from sim.views.app.course import SIDES, Course
from sim.views.app.text import COLOURS, LETTERS, LINE, SOFT, change, label, month_name, picture, short

WIDTH, HEIGHT = 392.0, 222.0
BOXES = (0.0, 108.0, 216.0, 324.0)
BOX, HIGH, MIDDLE = 68.0, 42.0, 106.0
NAMES = ("openers", "dealers", "gangs", "victims")
FLOWS = ("openings_illicit", "orders_filled", "cases_true")
UNITS = ("sets_opened", "sets_bought", "cases_word")
LOST = "#8f1d1d"


def chain(course: Course, side: str, month: int, words: Mapping[str, str], lang: str) -> str:
    """An SVG of one world in the month with this number."""
    columns = [str(name) for name in course.nation[side] if name not in _ABOUT]
    now = {name: course.value(side, name, month) for name in columns}
    other = {name: course.value("left", name, month) for name in now}
    apart = {name: change(now[name], other[name]) if side == "right" else "" for name in now}
    parts = [_box(x, words[name]) for x, name in zip(BOXES, NAMES, strict=True)]
    bought = {**now, "cases_true": now["cases_true"] - now["cases_other"]}
    for place, flow in enumerate(FLOWS):
        thick = bought[flow] / _most(course, flow)
        parts += _arrow(place, thick, COLOURS[side])
        parts += _flow_words(place, short(now[flow], lang), words[UNITS[place]], apart[flow])
    parts += _bend(now["cases_other"] / _most(course, "cases_true"), COLOURS[side])
    bent = words["other_ways"].format(n=short(now["cases_other"], lang))
    parts.append(label(WIDTH, 13, _with(bent, apart["cases_other"]), size=12, anchor="end"))
    parts += _below(now, apart, words, lang)
    return picture(WIDTH, HEIGHT, _alt(now, side, course, month, words, lang), parts, f"chain {side}")


_ABOUT = ("world", "scenario", "draw", "replicate", "month", "region")


def _with(text: str, apart: str) -> str:
    return f"{text}  {apart}" if apart else text


def _most(course: Course, flow: str) -> float:
    return max(float(course.nation[side][flow].max()) for side in SIDES) or 1.0


def _box(x: float, name: str) -> str:
    shape = (
        f'<rect x="{x + 1}" y="{MIDDLE - HIGH / 2}" width="{BOX - 2}" height="{HIGH}" rx="9" fill="#eef2f6" '
        f'stroke="{SOFT}" stroke-width="1.2"/>'
    )
    return shape + label(x + BOX / 2, MIDDLE + 5, name, size=12.5, anchor="middle", bold=True)


def _arrow(place: int, thick: float, colour: str) -> list[str]:
    """From a box to the next: a shaft as thick as the flow, and a head."""
    x0, x1 = BOXES[place] + BOX + 2, BOXES[place + 1] - 2
    width = 1.0 + 15.0 * min(max(thick, 0.0), 1.0)
    head = max(width * 0.9, 5.0)
    shaft = (
        f'<line x1="{x0}" x2="{x1 - 8}" y1="{MIDDLE}" y2="{MIDDLE}" stroke="{colour}" '
        f'stroke-width="{width:.1f}"/>'
    )
    tip = f"{x1},{MIDDLE} {x1 - 9},{MIDDLE - head:.1f} {x1 - 9},{MIDDLE + head:.1f}"
    return [shaft, f'<polygon points="{tip}" fill="{colour}"/>']


def _flow_words(place: int, number: str, unit: str, apart: str) -> list[str]:
    x = (BOXES[place] + BOX + BOXES[place + 1]) / 2
    parts = [
        label(x, MIDDLE - 50, number, size=14.5, anchor="middle", bold=True),
        label(x, MIDDLE - 37, unit, size=11.5, anchor="middle", colour=SOFT),
    ]
    if apart:
        parts.append(label(x, MIDDLE - 24, apart, size=11.5, anchor="middle", colour=LOST, bold=True))
    return parts


def _bend(thick: float, colour: str) -> list[str]:
    """Past the cards: from the gangs over the arrow to the victims."""
    x0, x1, y = BOXES[2] + BOX / 2, BOXES[3] + BOX / 2, MIDDLE - HIGH / 2
    width = 1.0 + 15.0 * min(max(thick, 0.0), 1.0)
    path = f"M {x0} {y} C {x0} {y - 70}, {x1} {y - 70}, {x1} {y - 6}"
    line = (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-opacity="0.45" stroke-width="{width:.1f}" '
        f'stroke-dasharray="7 3"/>'
    )
    head = max(width * 0.8, 5.0)
    tip = f"{x1},{y} {x1 - head:.1f},{y - 9} {x1 + head:.1f},{y - 9}"
    return [line, f'<polygon points="{tip}" fill="{colour}" fill-opacity="0.6"/>']


def _below(
    now: Mapping[str, float], apart: Mapping[str, str], words: Mapping[str, str], lang: str
) -> list[str]:
    """What is taken out, in stock and lost, under the box that it concerns."""
    y = MIDDLE + HIGH / 2 + 16

    def said(word: str, column: str) -> str:
        return words[word].format(n=short(now[column], lang))

    def told(word: str, column: str) -> str:
        return _with(said(word, column), apart[column])

    rows = (
        (0.0, "start", "refused", "openings_refused_illicit"),
        (BOXES[1] + BOX / 2, "middle", "in_stock", "cards_dealer_stock"),
        (BOXES[2] + BOX / 2, "middle", "in_stock", "cards_gang_stock"),
        (WIDTH, "end", "loss", "losses_yuan"),
    )
    parts: list[str] = []
    for x, anchor, word, column in rows:
        parts.append(label(x, y, said(word, column), size=11.5, anchor=anchor))
        if apart[column]:
            parts.append(label(x, y + 13, apart[column], size=11.5, anchor=anchor, colour=LOST, bold=True))
    foot = y + 33
    parts.append(f'<line x1="0" x2="{WIDTH}" y1="{foot - 12}" y2="{foot - 12}" stroke="{LINE}"/>')
    parts += _pair(foot + 5, told("closed", "cards_taken"), told("frozen", "frozen_yuan"))
    lasting = "" if math.isnan(now["cover_weeks"]) else told("weeks_cover", "cover_weeks")
    parts += _pair(foot + 22, lasting, "")
    lost = now["cases_lost_for_cards"] > 0.0
    text = told("lost", "cases_lost_for_cards") if lost else words["no_lost"]
    if lost:
        parts.append(f'<path d="M 0 {foot + 39} l 6 -11 l 6 11 z" fill="{LOST}"/>')
    colour = LOST if lost else SOFT
    parts.append(label(17 if lost else 0, foot + 39, text, size=11.5, colour=colour, bold=lost))
    return parts


def _pair(y: float, left: str, right: str) -> list[str]:
    """A line of the foot: a text on the left, one on the right."""
    return [label(0, y, left, size=11.5), label(WIDTH, y, right, size=11.5, anchor="end")]


def _alt(
    now: Mapping[str, float], side: str, course: Course, month: int, words: Mapping[str, str], lang: str
) -> str:
    return words["chain_alt"].format(
        world=words["world_a" if LETTERS[side] == "A" else "world_b"],
        month=month_name(course.months[month], lang),
        opened=short(now["openings_illicit"], lang),
        refused=short(now["openings_refused_illicit"], lang),
        bought=short(now["orders_filled"], lang),
        price=short(now["price_gang_yuan"], lang),
        stock=short(now["cards_gang_stock"], lang),
        cases=short(now["cases_true"], lang),
        other=short(now["cases_other"], lang),
        lost=short(now["cases_lost_for_cards"], lang),
        loss=short(now["losses_yuan"], lang),
        frozen=short(now["frozen_yuan"], lang),
    )
