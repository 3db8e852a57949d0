"""The tables of a search for the cheapest mix: the front, and what fresh pairs said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sim.views.tables import GROUPS, Table, number, records, span

if TYPE_CHECKING:
    import pandas as pd


def front_table(front: pd.DataFrame, priced: bool, until: str) -> Table:
    """The mixes on the front, numbered as in the picture; ``until`` says over which time."""
    headers = ("no.", "mix", *_means(priced), "reaches the target", "verdict", "on the front")
    cells = [
        (str(place), *_cells(row, priced), row["verdict"], _sure(row))
        for place, row in enumerate(records(front), start=1)
    ]
    title = f"The front of cases averted, cost and harm, {until}; differences to the baseline, 90% intervals"
    right = frozenset(("no.", *_means(priced), "reaches the target"))
    return Table(headers, cells, title=title, right=right, spare=("on the front", "change"))


def confirmed_table(rows: pd.DataFrame, priced: bool) -> Table:
    """The mixes that were tried on fresh pairs, with the parts of harm below each."""
    headers = ("tried on fresh pairs", *_means(priced), "reaches the target", "verdict")
    cells: list[tuple[str, ...]] = []
    for row in records(rows):
        cells.append((*_cells(row, priced), row["verdict"]))
        parts = [f"{label} {number(row[name], sign=True)}" for name, label in dict(GROUPS)[HARM]]
        cells.append(("  harm: " + ", ".join(parts),))
    return Table(headers, cells, right=frozenset(headers[1:-1]))


HARM = "Harm to honest customers"


def _means(priced: bool) -> tuple[str, ...]:
    return ("cases averted", "change", *(("cost, yuan",) if priced else ()), "police hours", "harm, events")


def _cells(row: Mapping[str, Any], priced: bool) -> tuple[str, ...]:
    """The mix, its means, and how often it reached the target."""
    means = ["averted", *(("yuan",) if priced else ()), "police_hours", "harm"]
    averted, *rest = (_with_span(row, what) for what in means)
    change = 0.0 - 100.0 * row["averted"] / row["baseline"]
    return (row["mix"], averted, f"{change:+.1f}%", *rest, _reached(row))


def _with_span(row: Mapping[str, Any], what: str) -> str:
    between = span(row[f"{what}_low"], row[f"{what}_high"])
    return number(row[what], sign=True) + (f" ({between})" if between else "")


def _reached(row: Mapping[str, Any]) -> str:
    ends = f"{100 * row['low']:.0f} to {100 * row['high']:.0f}%"
    return f"{row['reached']} of {row['pairs']} ({ends})"


def _sure(row: Mapping[str, Any]) -> str:
    return "told" if row["standing"] == "on the front" else row["standing"]
