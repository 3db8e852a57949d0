"""The picture of a front: what mixes avert against what they cost, with their harm as colour.

Numbered points are on the front, as in its table; the key beside the picture says what they are. Grey points
are dominated. A ring is drawn around a mix that was tried on fresh pairs. The dashed line is the target.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sim.views.canvas import COLOURS, GREY, blank, foot, rendered
from sim.views.tables import number

MOST_NAMED = 36
SHADES = "cividis_r"
"""Of colours that colour-blind readers and grey printers see in the same order."""


def mix_picture(
    mixes: pd.DataFrame,
    front: pd.DataFrame,
    *,
    priced: bool,
    target: float,
    tried: Sequence[str],
    source: str,
) -> bytes:
    """The picture as the bytes of a PNG file.

    ``mixes`` holds all rows, ``front`` those on the front in the order of their numbers; ``priced`` says
    whether cost is known in yuan, else police hours are drawn; ``target`` is the cases to be averted,
    ``tried`` the mixes tried on fresh pairs, ``source`` the line at the foot.
    """
    return rendered(lambda: _draw(mixes, front, "yuan" if priced else "police_hours", target, tried, source))


def _draw(
    mixes: pd.DataFrame, front: pd.DataFrame, cost: str, target: float, tried: Sequence[str], source: str
) -> Figure:
    named = front.head(MOST_NAMED)
    figure = blank(14, max(6.0, 1.5 + 0.22 * len(named)))
    axes, key = figure.subplots(1, 2, width_ratios=(2, 1))
    others = mixes[~mixes["mix"].isin(front["mix"])]
    axes.scatter(others[cost], others["averted"], s=22, color="#BBBBBB", linewidths=0, label="dominated")
    axes.errorbar(
        front[cost], front["averted"], _reach(front, "averted"), _reach(front, cost),
        fmt="none", ecolor=GREY, elinewidth=0.8,
    )  # fmt: skip
    points = axes.scatter(
        front[cost], front["averted"], c=front["harm"], cmap=SHADES, s=60, edgecolors="black", linewidths=0.6,
        zorder=3,
    )  # fmt: skip
    rung = mixes[mixes["mix"].isin(tried)]
    axes.scatter(
        rung[cost], rung["averted"], s=190, facecolors="none", edgecolors=COLOURS[2], linewidths=2, zorder=4
    )
    for place, (x, y) in enumerate(zip(named[cost], named["averted"], strict=True), start=1):
        axes.annotate(str(place), (x, y), (5, 5), textcoords="offset points", fontsize=9, zorder=5)
    _label(axes, cost, target)
    bar = figure.colorbar(points, ax=axes, pad=0.01, format=FuncFormatter(lambda value, _: number(value)))
    bar.set_label("harm: events that hit an honest customer", fontsize=9)
    _key(key, named, len(front) - len(named), tried)
    foot(figure, source)
    return figure


def _reach(front: pd.DataFrame, what: str) -> list[pd.Series]:
    """How far the interval goes to both sides; nowhere where there is none."""
    return [
        (front[what] - front[f"{what}_low"]).fillna(0.0),
        (front[f"{what}_high"] - front[what]).fillna(0.0),
    ]


def _label(axes: Axes, cost: str, target: float) -> None:
    axes.axhline(target, color=COLOURS[1], linestyle="--", linewidth=1.2)
    axes.annotate(
        "target", (1.0, target), xycoords=axes.get_yaxis_transform(), ha="right", va="bottom", fontsize=9,
        color=COLOURS[1],
    )  # fmt: skip
    axes.set_xlabel("public cost, yuan" if cost == "yuan" else "police hours")
    axes.set_ylabel("registered cases averted")
    axes.set_title("What mixes avert, cost and do harm")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def _key(axes: Axes, named: pd.DataFrame, more: int, tried: Sequence[str]) -> None:
    """What the numbers stand for."""
    axes.axis("off")
    lines = [f"{place}  {mix}" for place, mix in enumerate(named["mix"], start=1)]
    lines += [f"and {more} more: see front.csv"] if more else []
    lines += ["", "ring: tried on fresh pairs", *(f"   {mix}" for mix in tried), "grey: dominated"]
    axes.text(0.0, 1.0, "\n".join(lines), transform=axes.transAxes, va="top", fontsize=8.5, linespacing=1.5)
