"""The picture of displacement: what changed where a measure acts, what changed elsewhere, and D.

Both bars of a row are in percent of the baseline here, so that the eye reads D as minus the second over the
first. Thin lines are 90% intervals of the mean changes. Here is blue and elsewhere hatched orange, which
colour-blind readers and grey printers can tell apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from sim.views.canvas import COLOURS, GREY, blank, foot, rendered
from sim.views.tables import number, records, span

MOST_ROWS = 24
WIDEST = 2.0
"""No bar is drawn beyond 200% of the baseline here; what is longer is cut off, with its value beside it."""

HEIGHT = 0.34
HERE, ELSEWHERE = COLOURS[1], COLOURS[5]


def displacement_picture(displacement: pd.DataFrame, *, source: str = "") -> bytes | None:
    """The picture as the bytes of a PNG file, None where there is no row to draw.

    `displacement` holds the rows of one window; `source` is the line at the foot. Of more than `MOST_ROWS`
    rows those without any change go first, then those of the scenarios with the most rows.
    """
    rows = records(displacement[displacement["baseline_here"] > 0])
    if not rows:
        return None
    chosen = _chosen(rows)
    if len(chosen) < len(displacement):
        source = f"{len(displacement) - len(chosen)} rows are not drawn: see displacement.csv. {source}"
    return rendered(lambda: _draw(chosen, source))


def _chosen(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    count = {row["scenario"]: 0 for row in rows}
    for row in rows:
        count[row["scenario"]] += 1
    still = [row["change_here"] == row["change_elsewhere"] == 0 for row in rows]
    places = sorted(range(len(rows)), key=lambda place: (still[place], count[rows[place]["scenario"]], place))
    return [rows[place] for place in sorted(places[:MOST_ROWS])]


def _draw(rows: Sequence[Mapping[str, Any]], source: str) -> Figure:
    figure = blank(14, 1.7 + 0.5 * len(rows))
    axes = figure.add_subplot()
    widest = min(WIDEST, 1.3 * max(0.1, *(abs(row["change_here"] / row["baseline_here"]) for row in rows)))
    for place, row in enumerate(rows):
        _bar(axes, place - HEIGHT / 2, row, "change_here", HERE, "", widest)
        _bar(axes, place + HEIGHT / 2, row, "change_elsewhere", ELSEWHERE, "///", widest)
        _figure_at_end(axes, place, row)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(range(len(rows)), [f"{row['measure']}: {row['axis']}\n{row['scenario']}" for row in rows])
    axes.tick_params(axis="y", labelsize=9, length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    between = f"{rows[0]['window_start']} to {rows[0]['window_end']}"
    axes.set_xlabel(f"change against the baseline, in percent of the baseline here, {between}")
    axes.set_title("Where it moved: here and elsewhere", pad=22)
    _key(axes)
    foot(figure, source)
    return figure


def _bar(
    axes: Axes, at: float, row: Mapping[str, Any], what: str, colour: str, hatch: str, widest: float
) -> None:
    """A change as a share of the baseline here, its interval, and its value where the bar is cut off."""
    shares = [row[name] / row["baseline_here"] for name in (what, f"{what}_low", f"{what}_high")]
    shown, low, high = (max(-widest, min(widest, share)) for share in shares)
    axes.barh(at, shown, height=HEIGHT, color=colour, hatch=hatch, edgecolor="white", linewidth=0)
    if not math.isnan(shares[1]):
        axes.plot([low, high], [at, at], color="black", linewidth=1.1)
    if shown != shares[0]:
        side, gap = ("left", 4) if shown > 0 else ("right", -4)
        axes.annotate(
            f"{shares[0]:+,.0%}", (shown, at), (gap, 0), textcoords="offset points", ha=side, va="center",
            fontsize=8.5,
        )  # fmt: skip


def _figure_at_end(axes: Axes, place: int, row: Mapping[str, Any]) -> None:
    """D with its interval at the right end of the row, or why there is none."""
    none = math.isnan(row["displacement"])
    why = "change here not told from 0" if row["change_here"] else "no change here"
    words = why if none else f"D = {number(row['displacement'])}"
    between = span(row["low"], row["high"])
    axes.annotate(
        f"{words}\n({between})" if between else words,
        (1.01, place),
        xycoords=axes.get_yaxis_transform(),
        va="center",
        fontsize=9,
        color=GREY if none else "black",
        annotation_clip=False,
    )


def _key(axes: Axes) -> None:
    """What the two bars are, once, above the picture."""
    for colour, hatch, label in ((HERE, "", "here"), (ELSEWHERE, "///", "elsewhere")):
        axes.barh([0], [0], color=colour, hatch=hatch, edgecolor="white", linewidth=0, label=label)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False, borderaxespad=0.2)
