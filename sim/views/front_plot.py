"""The picture of a Pareto front: what each policy averts against what it costs in harm and in police hours.

A policy is on the front when no other averts at least as much at no more of that cost. Chance moves the
front, so beside each policy stands in which share of resamples of the pairs it is there.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.observe.outcomes import OUTCOMES
from sim.views.canvas import COLOURS, GREY, blank, titled
from sim.views.study_plots import months_of, tick
from sim.views.tables import outcome_words, records

if TYPE_CHECKING:
    from sim.study.windows import Window

COSTS = {
    "harm": "honest customers hit: refused, closed, barred, frozen, held (counts added up)",
    "hours": "additional police hours",
}
FRONT, OTHERS = COLOURS[1], GREY
MOST_LABELS = 18


def front_plot(table: pd.DataFrame, outcome: str, window: Window, title: str, source: str) -> Figure:
    """The policies in a panel for each cost; `table` as `front_table` makes it."""
    costs = [name for name in COSTS if name in table]
    rows = records(table)
    figure = blank(11.5, 1.9 + 4.6 * len(costs))
    better = "averted" if OUTCOMES[outcome].better == "lower" else "gained"
    for axes, cost in zip(figure.subplots(len(costs), 1, squeeze=False)[:, 0], costs, strict=True):
        _points(axes, rows, cost)
        _labels(axes, rows, cost)
        axes.set_xlabel(COSTS[cost])
        axes.set_ylabel(f"{OUTCOMES[outcome].unit} {better}")
    words = outcome_words(outcome)
    what = f"{words} {better} against {rows[0]['policy']}, and at what cost, {months_of(window)}"
    how = "Blue: no other policy does as well at less of this cost, in the means. Lines: their 90% intervals."
    if not math.isnan(rows[0][f"{costs[0]}_share"]):
        how += " In brackets: in which share of resamples of the pairs a policy is blue."
    if len(rows) - 1 > MOST_LABELS:
        how += f" Of {len(rows) - 1} policies {MOST_LABELS} are named."
    titled(figure, title, what, how, source)
    return figure


def _points(axes: Axes, rows: Sequence[Mapping[str, Any]], cost: str) -> None:
    for row in rows:
        on = row[f"{cost}_front"]
        colour = FRONT if on else OTHERS
        for xs, ys in _whiskers(row, cost):
            axes.plot(xs, ys, color=colour, linewidth=0.8, alpha=0.5)
        axes.plot(row[cost], row["gain"], "o" if on else "s", color=colour, markersize=9 if on else 6,
                  markerfacecolor=colour if on else "white", zorder=3)  # fmt: skip
    front = sorted((row[cost], row["gain"]) for row in rows if row[f"{cost}_front"])
    axes.step(
        *zip(*front, strict=True), where="post", color=FRONT, linewidth=1.4, linestyle="--", gid="front"
    )
    for line in (axes.axhline, axes.axvline):
        line(0, color=GREY, linewidth=1)
    axes.margins(x=0.06, y=0.1)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def _whiskers(row: Mapping[str, Any], cost: str) -> list[tuple[list[float], list[float]]]:
    """The intervals of a point along both axes, where there are any."""
    across = ([row[f"{cost}_low"], row[f"{cost}_high"]], [row["gain"]] * 2)
    up = ([row[cost]] * 2, [row["gain_low"], row["gain_high"]])
    return [line for line in (across, up) if not any(math.isnan(value) for ends in line for value in ends)]


def _labels(axes: Axes, rows: Sequence[Mapping[str, Any]], cost: str) -> None:
    """Name the policies in a column at the right, each with a line to its point: those of the front first."""
    base = rows[0]
    axes.annotate(base["policy"], (base[cost], base["gain"]), (0, 9), textcoords="offset points",
                  ha="center", fontsize=9,
                  bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.8})  # fmt: skip
    chosen = sorted(rows[1:], key=lambda row: not row[f"{cost}_front"])[:MOST_LABELS]
    chosen.sort(key=lambda row: (row["gain"], -row[cost]))
    step = 1.0 / max(len(chosen), 6)
    low, high = axes.get_ylim()
    wanted = [(row["gain"] - low) / (high - low) for row in chosen]
    for row, height in zip(chosen, spaced(wanted, step), strict=True):
        on, share = row[f"{cost}_front"], row[f"{cost}_share"]
        words = textwrap.shorten(row["policy"], 44, placeholder="…")
        axes.annotate(
            words if math.isnan(share) else f"{words} ({share:.0%})",
            (row[cost], row["gain"]), (1.025, height), xycoords="data", textcoords="axes fraction",
            ha="left", va="center", fontsize=9, color="black" if on else GREY, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": FRONT if on else "#AAAAAA", "linewidth": 0.6,
                        "shrinkA": 2, "shrinkB": 5, "relpos": (0.0, 0.5)},
        )  # fmt: skip


def spaced(wanted: Sequence[float], step: float) -> list[float]:
    """Heights near those wanted (rising, 0 to 1), at least a step apart and within 0 to 1 where they fit."""
    heights: list[float] = []
    for place, height in enumerate(wanted):
        room = 1.0 - (len(wanted) - 1 - place) * step
        heights.append(min(max(height, heights[-1] + step if heights else 0.0), room))
    return heights
