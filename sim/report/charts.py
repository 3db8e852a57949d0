"""The pictures of a report, as SVG that stands in the page: courses over months, and strips in tables.

Courses are drawn by matplotlib with the looks of all pictures of this program. Their text is numbers alone
and stays text, so that the page's own font shows it; what they mean stands beside them in the page. Names
inside a picture get the picture's key in front, so that pictures of one page never share one.

A strip is a small picture in a row of a table, on a scale that all rows share; what it shows stands in the
same row as numbers, so it is hidden from a screen reader.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
from markupsafe import Markup, escape
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from sim.study.compare import HEADLINE
from sim.views.canvas import COLOURS, GREY, blank, rendered
from sim.views.plots import STYLES, Look, bands, time_axis, x_of

WIDE, HIGH = 9.4, 3.3
"""A course in inches; the page scales it to its own width."""

_SVG = "http://www.w3.org/2000/svg"
_LINK = "http://www.w3.org/1999/xlink"
_FONT = re.compile(r"font: (?:(\d+) )?([\d.]+px) [^;]*;?")
_FAMILY = re.compile(r"font-family: [^;]*;? ?")
_NAMED = re.compile(r"url\(#([^)]+)\)")


def looks_of(names: Sequence[str]) -> list[Look]:
    """A colour and a line style for each scenario, those of the other pictures."""
    return [
        Look(name, COLOURS[place % len(COLOURS)], STYLES[place % len(STYLES)])
        for place, name in enumerate(names)
    ]


def course(
    key: str, title: str, about: str, monthly: pd.DataFrame, outcome: str, looks: Sequence[Look]
) -> Markup:
    """Median and bands of an outcome over the months, a line for each scenario; prices on a log scale.

    Counts are in thousands. `key` is the picture's own in the page, `title` and `about` are what it shows
    and how, for those who do not see it.
    """
    price = outcome.startswith("price_")

    def draw() -> Figure:
        figure = blank(WIDE, HIGH)
        axes = figure.add_subplot()
        bands(axes, monthly, outcome, looks, 1.0 if price else 1e-3)
        if price:
            _log(axes)
        else:
            axes.set_ylim(bottom=0)
            _plain(axes)
        _months(axes, monthly)
        return figure

    return inline(rendered(draw, "svg", letters=True), key, title, about)


def ahead(
    key: str, title: str, about: str, bands_table: pd.DataFrame, monthly: pd.DataFrame, origin: date
) -> Markup:
    """A forecast of registered cases in thousands: the simulated months before it, then median and bands."""
    level = bands_table[bands_table["statistic"] == "level"]
    first = pd.Timestamp(level["month"].min())
    past = monthly[(monthly["month"] < first) & (monthly["month"] >= first - pd.DateOffset(months=24))]

    def draw() -> Figure:
        figure = blank(WIDE, HIGH)
        axes = figure.add_subplot()
        bands(
            axes, past, HEADLINE, [Look(str(name), GREY, "-") for name in past["scenario"].unique()[:1]], 1e-3
        )
        months = [x_of(month) for month in level["month"]]
        for low, high, alpha in (("q05", "q95", 0.15), ("q25", "q75", 0.3)):
            ends = level[low] * 1e-3, level[high] * 1e-3
            axes.fill_between(months, *ends, color=COLOURS[1], alpha=alpha, linewidth=0)
        axes.plot(months, level["q50"] * 1e-3, color=COLOURS[1], linewidth=2.4, linestyle="--")
        axes.axvline(x_of(pd.Timestamp(origin)), color=COLOURS[1], linewidth=1.2, linestyle=(0, (1, 2)))
        axes.set_ylim(bottom=0)
        _plain(axes)
        _months(axes, pd.concat([past[["month"]], level[["month"]]]))
        return figure

    return inline(rendered(draw, "svg", letters=True), key, title, about)


def _plain(axes: Axes) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def _log(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _months(axes: Axes, table: pd.DataFrame) -> None:
    """The time axis of all pictures, its days as numbers, which every language reads."""
    time_axis(axes, table)
    first, last = axes.get_xlim()
    step = 6 if last - first > 400 else 3 if last - first > 200 else 1
    axes.xaxis.set_major_locator(dates.MonthLocator(bymonth=range(1, 13, step)))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(dates.DateFormatter("%Y-%m"))  # type: ignore[no-untyped-call]
    axes.tick_params(length=0, colors="#333333", labelsize=9.5)
    axes.tick_params(axis="x", pad=7)


def inline(svg: bytes, key: str, title: str, about: str) -> Markup:
    """An SVG file as an element of a page: named for screen readers, its inner names made its own."""
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _LINK)
    root = ET.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style") or (
                child.tag == f"{{{_SVG}}}defs" and all(inner.tag == f"{{{_SVG}}}style" for inner in child)
            ):
                parent.remove(child)
    _own_names(root, key)
    for element in root.iter():
        if style := element.get("style"):
            element.set("style", _FAMILY.sub("", _FONT.sub(_size_alone, style)).strip())
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{key}-title {key}-about")
    for place, (tag, text) in enumerate((("title", title), ("desc", about))):
        label = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{key}-{'title' if tag == 'title' else 'about'}"})
        label.text = text
        root.insert(place, label)
    return Markup(ET.tostring(root, encoding="unicode"))


def _own_names(root: ET.Element, key: str) -> None:
    """Every name that something refers to gets the key in front; the others go."""
    used = {
        name
        for element in root.iter()
        for value in element.attrib.values()
        for name in (*_NAMED.findall(value), *([value[1:]] if value.startswith("#") else []))
    }
    for element in root.iter():
        if (name := element.get("id")) is not None:
            if name in used:
                element.set("id", f"{key}-{name}")
            else:
                del element.attrib["id"]
        for attribute, value in list(element.attrib.items()):
            if attribute in (f"{{{_LINK}}}href", "href") and value.startswith("#"):
                element.set(attribute, f"#{key}-{value[1:]}")
            elif "url(#" in value:
                element.set(attribute, _NAMED.sub(lambda found: f"url(#{key}-{found[1]})", value))


def _size_alone(found: re.Match[str]) -> str:
    """A font without its family: that is the page's."""
    return f"font-size: {found[2]}; font-weight: {found[1] or 400};"


@dataclass(frozen=True)
class Axis:
    """A scale that the strips of a table share: from where to where, and round values to name."""

    low: float
    high: float
    ticks: tuple[float, ...]

    WIDTH = 300.0
    EDGE = 14.0

    def x(self, value: float) -> float:
        """The place of a value; one beyond the scale lies at its end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.EDGE + share * (self.WIDTH - 2 * self.EDGE), 2)


def axis_of(values: Sequence[float], most: float = math.inf) -> Axis:
    """A scale that holds the values and 0, none beyond ±`most`."""
    known = [min(max(value, -most), most) for value in values if math.isfinite(value)]
    low, high = min([0.0, *known]), max([0.0, *known])
    if low == high:
        low, high = -1.0, 1.0
    ticks = [float(tick) for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]
    return Axis(low, high, tuple(ticks))


def axis_strip(axis: Axis, name: Callable[[float], str]) -> Markup:
    """The scale itself, for the head of a column."""
    texts = "".join(
        f'<text x="{axis.x(tick)}" y="13" text-anchor="middle">{escape(name(tick))}</text>'
        for tick in axis.ticks
    )
    return _strip(texts, "axis", 18)


def effect_strip(axis: Axis, row: Mapping[str, float]) -> Markup:
    """Dot: the mean; thick: its interval; thin: 5 to 95% of pairs; the line at 0 is no effect."""
    parts = [_zero(axis, 22)]
    for low, high, width in (("range_low", "range_high", 1.4), ("low", "high", 6)):
        if math.isfinite(row[low]) and math.isfinite(row[high]):
            parts.append(_line(axis.x(row[low]), axis.x(row[high]), 11, width, COLOURS[1]))
    parts.append(f'<circle cx="{axis.x(row["effect"])}" cy="11" r="4.6" class="dot"/>')
    return _strip("".join(parts), "effect", 22)


def here_and_elsewhere(axis: Axis, here: tuple[float, ...], elsewhere: tuple[float, ...]) -> Markup:
    """Two bars with their intervals, each (value, low, high): here in blue, elsewhere in dashed orange."""
    parts = [_zero(axis, 30)]
    for top, colour, (value, low, high) in ((3, COLOURS[1], here), (16, COLOURS[5], elsewhere)):
        left, right = sorted((axis.x(0), axis.x(value)))
        hatched = ' stroke="#7a5200" stroke-dasharray="2 2"' if top > 3 else ""
        width = round(right - left, 2)
        parts.append(f'<rect x="{left}" y="{top}" width="{width}" height="11" fill="{colour}"{hatched}/>')
        if math.isfinite(low) and math.isfinite(high):
            parts.append(_line(axis.x(low), axis.x(high), top + 5.5, 1.2, "#000"))
    return _strip("".join(parts), "bars", 30)


def span_strip(first: date, last: date, start: date, end: date, *, before: bool) -> Markup:
    """When something was in force within the days of a run; paler where every scenario has it."""
    axis = Axis(float(first.toordinal()), float(last.toordinal() + 1), ())
    left, right = axis.x(start.toordinal()), axis.x(end.toordinal() + 1)
    years = "".join(
        f'<line x1="{x}" x2="{x}" y1="0" y2="18" class="year"/>'
        for year in range(first.year + 1, last.year + 1)
        for x in [axis.x(date(year, 1, 1).toordinal())]
    )
    colour = "#999999" if before else COLOURS[1]
    bar = f'<rect x="{left}" y="4" width="{max(round(right - left, 2), 2)}" height="10" fill="{colour}"/>'
    return _strip(years + bar, "span", 18)


def years_strip(first: date, last: date) -> Markup:
    """The years of a run, for the head of a column of spans."""
    axis = Axis(float(first.toordinal()), float(last.toordinal() + 1), ())
    texts = "".join(
        f'<text x="{axis.x(date(year, 1, 1).toordinal())}" y="13">{year}</text>'
        for year in range(first.year, last.year + 1)
        if first <= date(year, 1, 1)
    )
    return _strip(texts, "axis", 18)


def swatch(look: Look) -> Markup:
    """The line of a scenario, for a legend."""
    dashes = "" if look.style == "-" else f' stroke-dasharray="{_DASHES[STYLES.index(look.style)]}"'
    line = f'<line x1="1" x2="43" y1="6" y2="6" stroke="{look.colour}" stroke-width="2.6"{dashes}/>'
    return Markup(f'<svg class="swatch" viewBox="0 0 44 12" aria-hidden="true">{line}</svg>')


_DASHES = ("", "9 4", "9 3 2 3", "2 3", "10 3 2 3 2 3", "16 5", "6 6")


def _zero(axis: Axis, height: int) -> str:
    return f'<line x1="{axis.x(0)}" x2="{axis.x(0)}" y1="0" y2="{height}" class="zero"/>'


def _line(left: float, right: float, y: float, width: float, colour: str) -> str:
    return f'<line x1="{left}" x2="{right}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="{width}"/>'


def _strip(inside: str, kind: str, height: int) -> Markup:
    """Built here of numbers and escaped text alone."""
    head = f'<svg class="strip {kind}" viewBox="0 0 {Axis.WIDTH:.0f} {height}" aria-hidden="true">'
    return Markup(f"{head}{inside}</svg>")
