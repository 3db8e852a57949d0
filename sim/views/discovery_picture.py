"""The picture of scenario discovery: the choice among boxes, and the box that is told among the points.

A row for each policy. Left: every box that was found, from all points (right end) to the smallest; boxes that
limit too many parameters to be told are hollow. Right: the points, failing ones filled, over the two
parameters whose limits the box needs most; over the policy's own change where it limits one only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from sim.views.canvas import COLOURS, GREY, blank, foot, rendered

MOST_ROWS = 4
BOX, FAILS, HOLDS = COLOURS[2], COLOURS[0], COLOURS[6]


@dataclass(frozen=True)
class Side:
    """A direction of the scatter: its label, the points' places, and the box's ends (infinite where none)."""

    label: str
    values: np.ndarray
    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True)
class Panel:
    """What is drawn of one policy. `coverage`, `density` and `tellable` (bool) hold an entry for each box;
    `told` is the place of the box that is told; `fails` is bool (points).
    """

    policy: str
    verdict: str
    coverage: np.ndarray
    density: np.ndarray
    tellable: np.ndarray
    told: int
    across: Side
    up: Side
    fails: np.ndarray


def discovery_picture(panels: Sequence[Panel], *, source: str = "") -> bytes | None:
    """The picture as the bytes of a PNG file, None where there is no box; at most `MOST_ROWS` are drawn."""
    if not panels:
        return None
    if len(panels) > MOST_ROWS:
        source = f"{len(panels) - MOST_ROWS} more boxes are in boxes.csv. {source}"
    return rendered(lambda: _draw(panels[:MOST_ROWS], source))


def _draw(panels: Sequence[Panel], source: str) -> Figure:
    figure = blank(13, 0.6 + 4.6 * len(panels))
    grid = figure.add_gridspec(len(panels), 2)
    for row, panel in enumerate(panels):
        _choice(figure.add_subplot(grid[row, 0]), panel)
        _points(figure.add_subplot(grid[row, 1]), panel)
    foot(figure, source)
    return figure


def _choice(axes: Axes, panel: Panel) -> None:
    axes.plot(panel.coverage, panel.density, color=GREY, linewidth=1, zorder=1)
    for tellable, face in ((True, GREY), (False, "white")):
        chosen = panel.tellable == tellable
        axes.scatter(
            panel.coverage[chosen], panel.density[chosen], s=36, color=face, edgecolors=GREY, zorder=2
        )
    told = (panel.coverage[panel.told], panel.density[panel.told])
    axes.scatter(*told, s=130, color=BOX, zorder=3)
    axes.annotate(
        "this box", told, (-10, 12), textcoords="offset points", color=BOX, ha="right", fontweight="bold"
    )
    axes.axhline(panel.density[0], color=GREY, linewidth=1, linestyle=(0, (4, 2)))
    axes.annotate("all points", (0.0, panel.density[0]), (4, 4), textcoords="offset points", color=GREY)
    axes.set_xlim(-0.03, 1.08)
    axes.set_ylim(0.0, 1.14)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("coverage: share of all failures that lie in the box")
    axes.set_ylabel("density: share of the box that fails")
    axes.set_title(f"{panel.policy}\n{panel.verdict}")


def _points(axes: Axes, panel: Panel) -> None:
    x, y = panel.across, panel.up
    looks = ((~panel.fails, "none", HOLDS, "holds"), (panel.fails, FAILS, FAILS, "fails"))
    for chosen, face, edge, label in looks:
        axes.scatter(x.values[chosen], y.values[chosen], s=40, facecolors=face, edgecolors=edge, label=label)
    axes.margins(0.06)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    low, high = max(x.low, left), min(x.high, right)
    below, above = max(y.low, bottom), min(y.high, top)
    axes.add_patch(
        Rectangle(
            (low, below), high - low, above - below, facecolor=BOX, alpha=0.13, edgecolor=BOX, linewidth=2
        )
    )
    axes.set_xlabel(x.label)
    axes.set_ylabel(y.label)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, frameon=False)
