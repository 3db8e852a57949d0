"""The table of precision: how well differences are known, how many pairs more takes, what cannot be told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.views.tables import Table, number

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_SHOWN = 10
"""Up to so many pairs of policies are shown one by one; of more it is only counted what can be told."""


def precision_table(rows: pd.DataFrame, entry: Mapping[str, Any], baselines: Mapping[str, str]) -> Table:
    """Effects, then policies against each other, as text cells.

    `rows` is `precision.csv`, `entry` what the manifest says of it, `baselines` the baseline of each
    scenario.
    """
    effects = rows["against"] == rows["scenario"].map(baselines)
    asked = entry["half_width"]
    headers = (
        "",
        "effect",
        "half-width",
        "pairs",
        f"pairs for ±{asked}",
        "pairs to be told from 0",
        "verdict",
    )
    cells = [_cells(row) for _, row in rows[effects].iterrows()]
    if not effects.all():
        cells += [("Policies against each other",), *_between(rows[~effects])]
    reached = "reached" if entry["reached"] else f"not reached (cap: {entry['most_replicates']} pairs)"
    first = rows.iloc[0]
    title = (
        f"Precision of registered cases, {first['window_start']} to {first['window_end']}: "
        f"±{asked} asked of each effect, {reached}"
    )
    return Table(headers, cells, title, frozenset(headers[1:6]), spare=("effect",))


def _between(rows: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    if len(rows) <= MOST_SHOWN:
        yield from (_cells(row) for _, row in rows.iterrows())
        return
    kinds = rows["verdict"].str.split(":").str[0].str.split(" at ").str[0].value_counts(sort=False)
    yield (
        f"{len(rows)} differences, each in precision.csv: {', '.join(f'{n} {k}' for k, n in kinds.items())}",
    )


def _cells(row: pd.Series) -> tuple[str, ...]:
    return (
        f"{row['scenario']} - {row['against']}",
        number(row["effect"], sign=True),
        reach(row["half_width"], row["level"]),
        str(row["pairs"]),
        _count(row["pairs_for_width"]),
        _count(row["pairs_to_tell"]),
        str(row["verdict"]),
    )


def _count(pairs: Any) -> str:
    return "" if pd.isna(pairs) else f"{pairs:,}"


def reach(half_width: float, level: float) -> str:
    """A half-width in cases, and as a share of the baseline's mean, `level`, where that is not 0."""
    if math.isnan(half_width):
        return "no interval"
    share = f" ({100 * half_width / abs(level):.2g}%)" if level else ""
    return f"±{number(half_width)}{share}"
