"""Tables of sensitivity: what an outcome hangs on, and how its variance splits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sim.observe.outcomes import OUTCOMES
from sim.views.tables import Table, number

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 30
"""Parameters that a table for people shows; all are in the file."""

MORRIS_NOTE = """\
mu*: by how much it moves, on average over the other unknowns, while the parameter goes from the 5% to the
95% quantile of its prior; mu: the same with its sign; sigma: how much that differs from place to place; by
chance: what mu* would be if the parameter did nothing."""
SOBOL_NOTE = """\
alone: the share of the variance that the parameter has by itself; total: with all it does together with
others; by chance: what total would be if it did nothing."""


def response(row: Mapping[str, Any] | pd.Series) -> str:
    """What is explained, in words: the level or effect, the outcome, the window."""
    of = "the effect on" if row["of"] == "effect" else "the level of"
    return f"{of} {row['outcome']}, {row['window_start']} to {row['window_end']},"


def indices_table(rows: pd.DataFrame, method: str) -> Table:
    """The indices of one scenario, the strongest parameters first."""
    first = rows.iloc[0]
    shown = rows.head(MOST_ROWS)
    morris = method == "morris"
    headers = (
        ("parameter", "mu*", "90% interval", "mu", "sigma", "by chance", "verdict")
        if morris
        else ("parameter", "total", "90% interval", "alone", "90% interval ", "by chance", "verdict")
    )
    cells = [_morris_cells(row) if morris else _sobol_cells(row) for _, row in shown.iterrows()]
    blocks = "trajectories" if morris else "base points"
    runs = f"{first['blocks']} {blocks}, {first['replicates']} replicates; interval {first['interval']}"
    mean = number(first["mean"], sign=first["of"] == "effect")
    title = (
        f"{first['scenario']}: what {response(first)} hangs on\n"
        f"mean {mean} {OUTCOMES[first['outcome']].unit}; {runs}"
    )
    return Table(
        headers, cells, title=title, right=frozenset(headers[1:-1]), spare=("sigma", "90% interval ")
    )


def _morris_cells(row: pd.Series) -> tuple[str, ...]:
    return (
        str(row["parameter"]),
        number(row["mu_star"]),
        f"{number(row['low'])} to {number(row['high'])}",
        number(row["mu"], sign=True),
        number(row["sigma"]),
        number(row["chance"]),
        str(row["verdict"]),
    )


def _sobol_cells(row: pd.Series) -> tuple[str, ...]:
    return (
        str(row["parameter"]),
        _share(row["total"]),
        _shares(row["total_low"], row["total_high"]),
        _share(row["first"]),
        _shares(row["first_low"], row["first_high"]),
        _share(row["chance"]),
        str(row["verdict"]),
    )


def _share(value: float) -> str:
    return "" if math.isnan(value) else f"{100 * value:.0f}%"


def _shares(low: float, high: float) -> str:
    return "" if math.isnan(low) else f"{100 * low:.0f} to {100 * high:.0f}%"


def indices_notes(rows: pd.DataFrame, method: str) -> list[str]:
    """What stands under the table: what the columns mean, what it does not show, how often it errs."""
    notes = [MORRIS_NOTE if method == "morris" else SOBOL_NOTE]
    if len(rows) > MOST_ROWS:
        notes.append(f"{len(rows) - MOST_ROWS} weaker parameters are in the file.")
    if rows.iloc[0]["replicates"] > 1:
        notes.append(f"Were all {len(rows)} to do nothing, {len(rows) / 20:.2g} would be said to matter.")
    return notes


def split_table(rows: pd.DataFrame) -> Table:
    """The split of the level and of the effect."""
    cells: list[tuple[str, ...]] = []
    for _, part in rows.groupby("of", sort=False):
        first = part.iloc[0]
        about = [_count(int(first[name]), name) for name in ("policies", "worlds", "replicates")]
        unit = OUTCOMES[first["outcome"]].unit
        cells.append((f"variance of {response(first)} in {unit}, over {', '.join(about)}",))
        cells += [_part_cells(row) for _, row in part.iterrows()]
    headers = ("", "share", "90% interval", "standard deviation", "note")
    return Table(headers, cells, right=frozenset(headers[1:4]))


_ABSENT = {
    "policies": "one policy (so none of it is policy's)",
    "worlds": "one world (so none of it is knowledge's)",
    "replicates": "one replicate (so chance hides in the rest)",
}


def _count(size: int, name: str) -> str:
    return _ABSENT[name] if size == 1 else f"{size} {name}"


def _part_cells(row: pd.Series) -> tuple[str, ...]:
    spread = number(math.sqrt(max(row["variance"], 0.0)))
    interval = _shares(row["low"], row["high"])
    return (str(row["part"]), _share(row["share"]), interval, spread, str(row["note"]))
