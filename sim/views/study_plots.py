"""Pictures of a sweep: the effect over two levers, over one, and what the effect hangs on.

Blue is better and orange is worse; every number also stands in words, and what cannot be told from 0 is
hatched grey, so that the pictures survive a grey printer.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from sim.observe.outcomes import OUTCOMES
from sim.views.canvas import COLOURS, GREY, blank, titled
from sim.views.tables import number, outcome_words, records

if TYPE_CHECKING:
    from sim.study.afterwards import Subject
    from sim.study.windows import Window

BLUE, ORANGE, YELLOW = COLOURS[1], COLOURS[2], COLOURS[5]
UNTOLD, HATCH = "#E6E6E6", "////"
MOST_BARS = 20
MOST_INTERVALS = 48
"""Up to so many cells have their interval under the number."""


def heat_map(table: pd.DataFrame, subject: Subject, names: tuple[str, str], source: str) -> Figure:
    """The effect in each cell of two levers.

    Parameters
    ----------
    table
        As `heat_table` makes it.
    subject
        What it is about.
    names
        The levers along x and y.
    source
        Where the numbers come from.
    """
    columns, rows = table.attrs["x"], table.attrs["y"]
    figure = blank(max(8.0, 2.6 + 1.45 * len(columns)), 2.7 + 0.72 * len(rows))
    axes = figure.add_subplot()
    cells = records(table)
    widest = max((abs(cell["mean"]) for cell in cells), default=0.0) or 1.0
    lowest = 0.0 if subject.baseline is None else -widest
    colours = _colours(subject)
    compared = subject.baseline is not None
    for cell in cells:
        told = cell["told"] or not compared
        colour = colours((cell["mean"] - lowest) / (widest - lowest))
        _cell(axes, cell, colour, told, subject, len(cells) <= MOST_INTERVALS)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(-0.5, len(rows) - 0.5)
    axes.set_xticks(range(len(columns)), [textwrap.fill(name, 18) for name in columns])
    axes.set_yticks(range(len(rows)), [textwrap.fill(name, 18) for name in rows])
    axes.set_xlabel(_plain(names[0]), fontweight="bold")
    axes.set_ylabel(_plain(names[1]), fontweight="bold")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    runs = _spread(table["runs"])
    how = f"In each cell the mean over {runs} {_pairs(subject)}, below it the 90% interval of that mean."
    if compared:
        how += " Blue is better, orange worse. Hatched grey: cannot be told from 0."
        how += " Intervals are of the effect, not of differences between cells."
    if len(cells) < len(columns) * len(rows):
        how += " White: no run."
    titled(figure, subject.title, what_is_shown(subject), f"{how} {subject.note}", source)
    return figure


def _cell(
    axes: Axes, cell: Mapping[str, Any], colour: Any, told: bool, subject: Subject, interval: bool
) -> None:
    x, y = cell["x"], cell["y"]
    axes.add_patch(_patch(x - 0.48, y - 0.47, 0.96, 0.94, colour, told))
    style: dict[str, Any] = {"ha": "center", "va": "center"}
    style["color"] = "white" if told and _luminance(colour) < 0.45 else "black"
    if not told:
        style["bbox"] = {"facecolor": UNTOLD, "linewidth": 0, "pad": 1.2}
    below = interval and not math.isnan(cell["low"])
    weight = "bold" if told else "normal"
    axes.text(x, y + 0.13 * below, in_unit(cell["mean"], subject), fontsize=12, fontweight=weight, **style)
    if below:
        axes.text(x, y - 0.2, between(cell["low"], cell["high"], subject), fontsize=8.5, **style)


def dose_plot(table: pd.DataFrame, subject: Subject, name: str, source: str) -> Figure:
    """The effect at each value of one lever, with its interval; `table` as `dose_table` makes it."""
    figure = blank(9, 5.6)
    axes = figure.add_subplot()
    for row in records(table):
        told = row["told"] or subject.baseline is None
        colour = BLUE if told else GREY
        if not math.isnan(row["low"]):
            axes.plot([row["x"]] * 2, [row["low"], row["high"]], color=colour, linewidth=2)
        face = colour if told else "white"
        axes.plot(row["x"], row["mean"], "o", color=colour, markerfacecolor=face, markersize=9)
        axes.annotate(in_unit(row["mean"], subject), (row["x"], row["mean"]), (9, 0),
                      textcoords="offset points", va="center", fontsize=10.5)  # fmt: skip
    axes.set_xticks(range(len(table.attrs["x"])), [textwrap.fill(text, 16) for text in table.attrs["x"]])
    axes.set_xlim(-0.5, len(table.attrs["x"]) - 0.3)
    axes.set_xlabel(f"{_plain(name)} (values in order, not to scale)")
    axes.grid(visible=False, axis="x")
    _unit_axis(axes, subject, "y")
    if subject.baseline is None:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    else:
        axes.axhline(0, color=GREY, linewidth=1)
    hollow = "" if subject.baseline is None else " Hollow: cannot be told from 0."
    how = f"Dot: mean over {_spread(table['runs'])} {_pairs(subject)}; line: its 90% interval.{hollow}"
    titled(figure, subject.title, what_is_shown(subject), f"{how} {subject.note}", source)
    return figure


def tornado(table: pd.DataFrame, subject: Subject, source: str) -> Figure:
    """What each lever and parameter moves, the most on top; `table` as `tornado_table` makes it."""
    rows = records(table)[:MOST_BARS]
    figure = blank(11.5, 2.5 + 0.5 * len(rows))
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        _swing(axes, place, row, subject)
    axes.set_yticks(range(len(rows)), [_plain(row["factor"]) for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.autoscale_view()
    axes.margins(x=0.24)
    axes.grid(visible=False, axis="y")
    first, last = axes.get_xlim()
    if first <= 0 <= last and subject.baseline is not None:
        axes.axvline(0, color=GREY, linewidth=1)
    _unit_axis(axes, subject, "x")
    axes.annotate("from ○ to ●", (1.01, 1.0), xycoords="axes fraction", va="bottom", fontsize=9.5,
                  fontweight="bold", annotation_clip=False)  # fmt: skip
    left = len(table) - len(rows)
    how = _tornado_words(rows) + (f" {left} that move less are not drawn." if left else "")
    shown = what_is_shown(subject)
    what = f"What it hangs on: {shown[:1].lower()}{shown[1:]}"
    titled(figure, subject.title, what, f"{how} {subject.note}", source)
    return figure


def _swing(axes: Axes, place: int, row: Mapping[str, Any], subject: Subject) -> None:
    """A bar from ○ to ●, the interval of its length at ●, the values beside both, the length at the right."""
    low, high, told = row["low_mean"], row["high_mean"], row["told"]
    colour = (BLUE if row["kind"] == "lever" else YELLOW) if told else UNTOLD
    axes.add_patch(_patch(min(low, high), place - 0.28, abs(high - low), 0.56, colour, told))
    reach = [low + row["swing_low"], low + row["swing_high"]]
    if not math.isnan(reach[0]):
        axes.plot(reach, [place, place], color="black", linewidth=1.2)
    for end, face in ((low, "white"), (high, "black")):
        axes.plot(end, place, "o", color="black", markerfacecolor=face, markersize=7)
    known = [value for value in (low, high, *reach) if not math.isnan(value)]
    for words, first in ((row["low_at"], low <= high), (row["high_at"], low > high)):
        at, gap, side = (min(known), -8, "right") if first else (max(known), 8, "left")
        axes.annotate(words, (at, place), (gap, 0), textcoords="offset points", ha=side, va="center",
                      fontsize=8.5, color=GREY)  # fmt: skip
    length = in_unit(row["swing"], subject, points=True)
    ends = between(row["swing_low"], row["swing_high"], subject)
    axes.annotate(f"{length} {ends}", (1.01, place), xycoords=axes.get_yaxis_transform(), va="center",
                  fontsize=9.5, color="black" if told else GREY, annotation_clip=False)  # fmt: skip


def _patch(x: float, y: float, width: float, height: float, colour: Any, told: bool) -> Rectangle:
    """A coloured field, or a hatched grey one where nothing can be told."""
    if told:
        return Rectangle((x, y), width, height, facecolor=colour, linewidth=0)
    return Rectangle((x, y), width, height, facecolor=UNTOLD, linewidth=0, hatch=HATCH, edgecolor="#BBBBBB")


def _tornado_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """How to read the bars that are there."""
    kinds = {row["kind"] for row in rows if row["told"]}
    words = [
        "○ mean at the lowest values, ● at the highest (of many values, the lowest and the highest third).",
        "The line and the brackets: 90% interval of the difference.",
    ]
    words += ["Blue: levers, which policy chooses."] if "lever" in kinds else []
    words += ["Yellow: parameters that nobody knows."] if "knowledge" in kinds else []
    untold = any(not row["told"] for row in rows)
    return " ".join(words + (["Hatched grey: the difference cannot be told from 0."] if untold else []))


def what_is_shown(subject: Subject) -> str:
    """The outcome, how it is shown, of what against what, when."""
    when = months_of(subject.window)
    if subject.baseline is None:
        return f"{outcome_words(subject.outcome)} under {subject.scenario}, {when}"
    how = {"%": "change in %", "points": "change in percentage points"}.get(
        subject.unit, f"change in {subject.unit}"
    )
    return f"{outcome_words(subject.outcome)}: {how}, {subject.scenario} against {subject.baseline}, {when}"


def months_of(window: Window) -> str:
    """First and last month of a window, with spaces that no line breaks at."""
    return f"{window.start:%Y-%m}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{window.end:%Y-%m}"


def tick(value: float) -> str:
    """A number at an axis: without the zeros that say nothing."""
    text = f"{value:g}" if abs(value) < 1000 else re.sub(r"\.?0+(?= m$| bn$)", "", number(value))
    return text.replace("-", "−")


def in_unit(value: float, subject: Subject, *, points: bool = False) -> str:
    """A value as it stands in a picture; a difference of percentages in points."""
    signed = subject.baseline is not None or points
    if subject.unit in ("%", "points"):
        sign = "+" if signed and value > 0 else ""
        words = " points" if points or subject.unit == "points" else "%"
        return f"{sign}{_figures(value)}{words}"
    return number(value, sign=signed).replace("-", "−")


def between(low: float, high: float, subject: Subject) -> str:
    """An interval in brackets, without its unit; empty where there is none."""
    if math.isnan(low):
        return ""
    if subject.unit in ("%", "points"):
        return f"({_figures(low)} to {_figures(high)})"
    return f"({number(low)} to {number(high)})".replace("-", "−")


def _figures(value: float) -> str:
    text = f"{value:.0f}" if abs(value) >= 19.95 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"
    return text.replace("-", "−") if float(text) else "0"


def _unit_axis(axes: Axes, subject: Subject, side: str) -> None:
    """Ticks in the unit of the subject, and its name."""
    axis = axes.xaxis if side == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value, subject)))
    change = "" if subject.baseline is None else "change, "
    unit = {"%": "% of the baseline" if change else "%", "points": "percentage points"}.get(
        subject.unit, subject.unit
    )
    axis.set_label_text(f"{change}{unit}")


def _tick(value: float, subject: Subject) -> str:
    return f"{'+' if subject.baseline and value > 0 else ''}{tick(value)}"


def _colours(subject: Subject) -> LinearSegmentedColormap:
    """From better to worse through white; from white to blue where nothing is compared."""
    if subject.baseline is None:
        return LinearSegmentedColormap.from_list("level", ["#FFFFFF", BLUE])
    higher = OUTCOMES[subject.outcome].better == "higher"
    ends = (ORANGE, BLUE) if higher else (BLUE, ORANGE)
    return LinearSegmentedColormap.from_list("effect", [ends[0], "#FFFFFF", ends[1]])


def _luminance(colour: Sequence[float]) -> float:
    return float(np.dot(colour[:3], (0.299, 0.587, 0.114)))


def _pairs(subject: Subject) -> str:
    return "runs" if subject.baseline is None else "pairs of runs"


def _spread(counts: pd.Series) -> str:
    low, high = counts.min(), counts.max()
    return f"{low}" if low == high else f"{low} to {high}"


def _plain(name: str) -> str:
    """A lever in words; the id of a parameter stays what `cardbreak list parameters` calls it."""
    return name if "." in name else name.replace("_", " ")
