"""Pictures of sensitivity: bars with intervals of what an outcome hangs on, and the split of its variance."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from sim.observe.outcomes import OUTCOMES
from sim.views.canvas import COLOURS, GREY, blank, foot, rendered
from sim.views.sensitivity import response
from sim.views.tables import number

MOST_BARS = 25
MOST_SCENARIOS = 4
TOLD, UNTOLD = COLOURS[1], "#BBBBBB"
PARTS = {
    "policy": COLOURS[1],
    "knowledge": COLOURS[2],
    "policy x knowledge": COLOURS[5],
    "all with chance": "#BBBBBB",
}
"""What the stacked bar shows, in its order: the parts of chance as one."""
LEAST_LABELLED, LEAST_NAMED = 0.06, 0.2
"""Shares upon which there is room for a figure, and for a name."""


def indices_picture(rows: pd.DataFrame, method: str, source: str) -> bytes:
    """Bars of mu* or of the total index with their intervals, a panel for each scenario, as a PNG.

    ``rows`` is the table of `sensitivity.csv`.
    """
    return rendered(lambda: _indices(rows, method, source))


def _indices(rows: pd.DataFrame, method: str, source: str) -> Figure:
    every = list(dict.fromkeys(rows["scenario"]))
    names = every[:MOST_SCENARIOS]
    panels = {name: rows[rows["scenario"] == name].head(MOST_BARS) for name in names}
    longest = max(len(panel) for panel in panels.values())
    figure = blank(12, len(names) * (1.6 + 0.3 * longest) + 0.4)
    for axes, (name, panel) in zip(
        figure.subplots(len(names), squeeze=False)[:, 0], panels.items(), strict=True
    ):
        _bars(axes, panel, method)
        left_out = int((rows["scenario"] == name).sum()) - len(panel)
        more = f" (the {left_out} weakest are not drawn)" if left_out else ""
        axes.set_title(f"{name}: what the {panel.iloc[0]['of']} hangs on{more}")
    key = "Whisker: 90% interval. Grey bar: cannot be told from nothing. Tick: what chance alone would show."
    if len(every) > len(names):
        key += f" {len(every) - len(names)} more scenarios are in the table."
    foot(figure, f"{key}\n{source}")
    return figure


def _bars(axes: Axes, panel: pd.DataFrame, method: str) -> None:
    index, low, high = (
        ("mu_star", "low", "high") if method == "morris" else ("total", "total_low", "total_high")
    )
    for place, row in enumerate(panel.to_dict("records")):
        if math.isnan(row[index]):
            continue
        told = str(row["verdict"]).startswith("matters")
        axes.barh(place, row[index], height=0.62, color=TOLD if told else UNTOLD, linewidth=0, alpha=0.75)
        axes.plot([row[low], row[high]], [place, place], color=COLOURS[0], linewidth=1.6)
        if not math.isnan(row["chance"]):
            axes.plot([row["chance"]] * 2, [place - 0.38, place + 0.38], color=COLOURS[2], linewidth=2)
        if method == "sobol":
            axes.plot(row["first"], place, "D", color=COLOURS[0], markerfacecolor="white", markersize=6)
    axes.set_yticks(range(len(panel)), [str(name) for name in panel["parameter"]])
    axes.set_ylim(len(panel) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    first = panel.iloc[0]
    if method == "sobol":
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("share of the variance: bar: total; diamond: alone")
        return
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.set_xlabel(
        f"mu*: {first['outcome']} ({OUTCOMES[first['outcome']].unit}), {first['window_start']} to "
        f"{first['window_end']}, from the 5% to the 95% quantile of the prior"
    )


def split_picture(rows: pd.DataFrame, source: str) -> bytes:
    """A stacked bar for the level and for the effect, the parts with their intervals below, as a PNG.

    ``rows`` is the table of `split.csv`.
    """
    return rendered(lambda: _split(rows, source))


def _split(rows: pd.DataFrame, source: str) -> Figure:
    responses = [part for _, part in rows.groupby("of", sort=False)]
    figure = blank(11, 0.6 + 4.2 * len(responses))
    grid = figure.add_gridspec(2 * len(responses), 1, height_ratios=[1, 2.6] * len(responses))
    for place, part in enumerate(responses):
        _stack(figure.add_subplot(grid[2 * place, 0]), part)
        _whiskers(figure.add_subplot(grid[2 * place + 1, 0]), part)
    foot(figure, f"Dots: shares; whiskers: 90% intervals.\n{source}")
    return figure


def _stack(axes: Axes, part: pd.DataFrame) -> None:
    """The parts side by side, each named upon it where there is room."""
    left = 0.0
    for row in part.to_dict("records"):
        colour = _colour(row)
        if colour is None or not row["share"] > 0.0:
            continue
        axes.barh(0, row["share"], left=left, height=0.8, color=colour, edgecolor="white")
        if row["share"] >= LEAST_LABELLED:
            named = row["share"] >= LEAST_NAMED
            words = f"{row['part']}\n{row['share']:.0%}" if named else f"{row['share']:.0%}"
            axes.text(left + row["share"] / 2, 0, words, ha="center", va="center")
        left += row["share"]
    axes.set_title(f"Variance of {response(part.iloc[0])[:-1]}")
    axes.set_xlim(0, 1)
    axes.set_axis_off()


def _whiskers(axes: Axes, part: pd.DataFrame) -> None:
    rows = part.to_dict("records")
    for place, row in enumerate(rows):
        colour = _colour(row) or GREY
        axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot(
            row["share"], place, "o", color=colour, markeredgecolor=COLOURS[0], markersize=8, clip_on=False
        )
    axes.set_yticks(range(len(rows)), [str(row["part"]) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _colour(row: dict[Any, Any]) -> str | None:
    """The colour of a part of the stacked bar; None for one of the parts of chance."""
    return PARTS.get(str(row["part"]).partition(" (")[0])
