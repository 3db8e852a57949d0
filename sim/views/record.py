"""The record beside runs: targets, since when each is known, how far runs are from it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.views.tables import Table, records

if TYPE_CHECKING:
    import pandas as pd


def targets_table(rows: pd.DataFrame, title: str, scenario: str = "") -> Table:
    """Targets as text cells; with a scenario also what its runs say."""
    if not scenario:
        names = ("id", "title", "observed", "band", "role", "known", "grade", "evidence")
        return Table(
            ("id", "what", "observed", "band", "role", "known since", "grade", "evidence"),
            [tuple(str(row[name]) for name in names) for row in records(rows)],
            title,
        )
    headers = (
        "id",
        "what",
        "role",
        "observed",
        "simulated",
        "5-95%",
        "band",
        "in band",
        "sds away",
        "verdict",
    )
    cells = [
        (
            row["id"],
            row["title"],
            row["role"],
            row["observed"],
            row["simulated"],
            f"{row['low']} .. {row['high']}" if row["low"] else "",
            row["band"],
            _inside(row),
            _away(row["distance"]),
            row["verdict"],
        )
        for row in records(rows)
    ]
    right = frozenset({"in band", "sds away"})
    return Table(headers, cells, title=f"{title}; runs of {scenario}", right=right)


def _inside(row: dict[str, object]) -> str:
    share, runs = row["inside"], row["runs"]
    if not isinstance(share, float) or not isinstance(runs, int) or not runs:
        return ""
    return f"{round(share * runs)} of {runs}"


def _away(distance: object) -> str:
    if not isinstance(distance, float) or math.isnan(distance):
        return ""
    return "never there" if math.isinf(distance) else f"{distance:.1f}"
