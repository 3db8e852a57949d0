"""The table of a sweep: each policy, its runs, what they show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.observe.outcomes import OUTCOMES
from sim.views.tables import Table, number, span

if TYPE_CHECKING:
    import pandas as pd

    from sim.study.windows import Window

ONE_STRUCTURE = (
    "One structure of the model. How far the shares hang on it: the same with --rival all --expand."
)
KNOWN = ("done", "failed", "waiting", "value", "effect", "low", "high", "pairs")


def sweep_table(rows: pd.DataFrame, window: Window, outcome: str) -> Table:
    """The policies of a sweep as text cells."""
    levers = [name for name in rows.columns if name not in KNOWN and name != "scenario"]
    headers = ("scenario", *levers, "runs", outcome, "effect", "90% interval")
    cells = [
        (
            str(row["scenario"]),
            *(_lever(row[name]) for name in levers),
            _runs(row),
            number(row["value"]),
            number(row["effect"], sign=True),
            span(row["low"], row["high"]),
        )
        for _, row in rows.iterrows()
    ]
    unit = OUTCOMES[outcome].unit
    title = f"{outcome} ({unit}), {window.start} to {window.end}; effect = scenario - baseline, paired"
    return Table(headers, cells, title=title, right=frozenset(headers[1:]))


def _lever(value: object) -> str:
    missing = isinstance(value, float) and math.isnan(value)
    return "" if missing else f"{value:g}" if isinstance(value, float) else str(value)


def _runs(row: pd.Series) -> str:
    asked = row["done"] + row["failed"] + row["waiting"]
    text = f"{row['done']}" if row["done"] == asked else f"{row['done']} of {asked}"
    return f"{text}, {row['failed']} failed" if row["failed"] else text


def attribution_tables(rows: pd.DataFrame) -> Iterator[Table]:
    """Who did what in the first structure, and where there are more, how far that hangs on the structure."""
    structures = list(dict.fromkeys(rows["structure"]))
    yield _shares_table(rows[rows["structure"] == structures[0]])
    if len(structures) > 1:
        yield _structures_table(rows, structures)


def _structures_table(rows: pd.DataFrame, structures: list[str]) -> Table:
    """The Shapley share of each group in each structure, and in how many of them it is told from nothing."""
    headers = ("group", *structures, "told to lower", "told to raise")
    cells = []
    for group, those in rows.groupby("group", sort=False):
        of = {row["structure"]: _with_span(row, "shapley") for _, row in those.iterrows()}
        lower, higher = int((those["shapley_high"] < 0.0).sum()), int((those["shapley_low"] > 0.0).sum())
        told = (f"in {lower} of {len(of)}", f"in {higher} of {len(of)}")
        cells.append((str(group), *(of.get(name, "") for name in structures), *told))
    title = f"{rows['outcome'].iloc[0]}: the Shapley shares in other ideas of how the world works"
    return Table(headers, cells, title=title, right=frozenset(headers[1:]), spare=(headers[-1],))


def _shares_table(rows: pd.DataFrame) -> Table:
    """Shapley shares of groups of measures as text cells, with the two simple answers beside them."""
    first = rows.iloc[0]
    headers = ("group", "Shapley share", "90% interval", "of the whole", "alone", "whole less the group")
    cells = [
        (
            str(row["group"]),
            number(row["shapley"], sign=True),
            span(row["shapley_low"], row["shapley_high"]),
            "" if math.isnan(row["share"]) else f"{100 * row['share']:.0f}%",
            _with_span(row, "alone"),
            _with_span(row, "without"),
        )
        for _, row in rows.iterrows()
    ]
    pairs = f"{first['pairs']} pairs; interval of the {first['interval']}"
    when = f"{first['window_start']} to {first['window_end']}"
    title = f"{first['outcome']}, {when}, structure {first['structure']}: who did what ({pairs})"
    return Table(headers, cells, title=title, right=frozenset(headers[1:]))


def _with_span(row: pd.Series, what: str) -> str:
    text = number(row[what], sign=True)
    ends = span(row[f"{what}_low"], row[f"{what}_high"])
    return f"{text} ({ends})" if ends else text
