"""The table of a sweep: each policy, its runs, what they show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.observe.outcomes import OUTCOMES
from sim.views.tables import Table, number, span

if TYPE_CHECKING:
    import pandas as pd

    from sim.study.windows import Window

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
