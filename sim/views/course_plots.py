"""The picture of courses, month by month: every run a thin line, the median thick, bands of 50% and 90%.

Each scenario (or value of a lever) has a panel of its own on a common scale; the median of the first one is
drawn into the others, dashed, to compare with.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sim.observe.outcomes import OUTCOMES
from sim.views.canvas import COLOURS, blank, titled
from sim.views.plots import LAUNCH, Look, bands, time_axis, x_of
from sim.views.study_plots import tick
from sim.views.tables import outcome_words

MOST_LINES = 200
MOST_PANELS = 6
ACROSS = 3
TIMES = {"flow": " a month", "stock": " at the month's end", "price": ", mean of the month", "share": ""}


def spaghetti(table: pd.DataFrame, names: Sequence[str], outcome: str, title: str, source: str) -> Figure:
    """The courses of an outcome.

    `table` has columns scenario (the group), run, month and value; `names` are the groups in order; `title`
    may be empty. Of more than `MOST_PANELS` groups the first are drawn, and the foot says so.
    """
    drawn = list(names[:MOST_PANELS])
    across = 2 if len(drawn) == 4 else min(len(drawn), ACROSS)
    down = -(-len(drawn) // across)
    figure = blank(max(9.0, 1.0 + 4.4 * across), 1.9 + 3.4 * down)
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    shown = table[table["scenario"].isin(drawn)]
    lines = -(-shown["run"].nunique() // MOST_LINES)
    for place, axes in enumerate(panels.flat):
        if place >= len(drawn):
            axes.set_axis_off()
            continue
        look = Look(drawn[place], COLOURS[1 + place % (len(COLOURS) - 1)], "-")
        _panel(axes, shown, look, lines)
        if place:
            _reference(axes, shown, drawn[0])
        time_axis(axes, shown)
        axes.xaxis.set_tick_params(labelbottom=place + across >= len(drawn))
    first = panels[0, 0]
    if (shown["value"] >= 0).all():
        first.set_ylim(bottom=0)
    first.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    about = OUTCOMES[outcome]
    for axes in panels[:, 0]:
        axes.set_ylabel(f"{about.unit}{TIMES[about.kind]}")
    what = f"{outcome_words(outcome)}, China, month by month"
    titled(figure, title, what, _how(shown, lines, drawn, len(names)), source)
    return figure


def _panel(axes: Axes, table: pd.DataFrame, look: Look, every: int) -> None:
    """One group: its runs (every so manieth), bands over all of them, its median."""
    own = table[table["scenario"] == look.name]
    kept = own["run"].drop_duplicates().iloc[::every]
    for _, run in own[own["run"].isin(kept)].groupby("run", sort=False):
        axes.plot([x_of(month) for month in run["month"]], run["value"], color=look.colour, linewidth=0.5,
                  alpha=0.45, gid="run")  # fmt: skip
    bands(axes, own, "value", [look])
    runs = own["run"].nunique()
    axes.set_title(f"{look.name} ({runs} run{'s' if runs > 1 else ''})", fontsize=11, color=look.colour)


def _reference(axes: Axes, table: pd.DataFrame, name: str) -> None:
    median = table[table["scenario"] == name].groupby("month")["value"].median()
    axes.plot([x_of(month) for month in median.index], median, color="black", linewidth=1.6,
              linestyle=(0, (4, 2)))  # fmt: skip


def _how(table: pd.DataFrame, every: int, drawn: Sequence[str], groups: int) -> str:
    words = "Thick: median of all runs; dark band: the middle 50%, light band: 90%; thin: single runs"
    if every > 1:
        kept = sum(-(-own.nunique() // every) for _, own in table.groupby("scenario")["run"])
        words += f" ({kept} of {table['run'].nunique()} drawn)"
    if len(drawn) > 1:
        words += f"; dashed: median of {drawn[0]}"
    if table["month"].min() <= LAUNCH <= table["month"].max():
        words += "; vertical: launch, 10 October 2020"
    left = groups - len(drawn)
    return words + "." + (f" {left} more groups are not drawn." if left else "")
