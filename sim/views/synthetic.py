"""Synthetic truths in tables: how often intervals held what was there, and where truths ranked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.views.tables import Table, records

if TYPE_CHECKING:
    import pandas as pd

CAVEATS = (
    "Truths of the first wave are drawn from the prior, as a calibration assumes: a right one has nominal",
    "coverage of them. Later waves lie where the record is, closer together than the prior has them.",
)


def synthetic_tables(coverage: pd.DataFrame, ranks: pd.DataFrame) -> Iterator[Table]:
    """Coverage with its standard error over truths; the histogram of ranks."""
    headers = ("of what", "truths", "number", "should", "did", "standard error", "verdict")
    rows = [
        (
            row["what"],
            row["truths"],
            str(row["count"]),
            f"{row['nominal']:.0%}",
            _share(row["covered"]),
            _share(row["error"]),
            row["verdict"],
        )
        for row in records(coverage)
    ]
    title = "How often intervals held the truth; falls on the year: how often they came"
    yield Table(headers, rows, title, right=frozenset(headers[2:6]))
    bins = [name for name in ranks.columns if name.startswith("rank_")]
    heads = ("of what", "truths", *(f"from {name.removeprefix('rank_')}" for name in bins), "p", "verdict")
    rows = [
        (
            row["what"],
            row["truths"],
            *(_share(row[name]) for name in bins),
            "" if math.isnan(row["p"]) else f"{row['p']:.2g}",
            row["verdict"],
        )
        for row in records(ranks)
    ]
    title = "Where truths rank in what was said of them: each tenth should hold as many"
    yield Table(heads, rows, title, right=frozenset(heads[2:-1]))


def _share(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.0%}"
