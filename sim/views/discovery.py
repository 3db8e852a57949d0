"""Where policies fail, in sentences, and what one would regret, as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.views.tables import Table, number, records

if TYPE_CHECKING:
    import pandas as pd

LUCKY = "could be luck"
DOUBTFUL = 0.05
"""A limit whose quasi-p lies above this may be luck by itself."""


def sentences(boxes: pd.DataFrame, better: str) -> list[str]:
    """What `boxes.csv` says, a paragraph for each policy."""
    return [
        _paragraph(records(rows), better) for _, rows in boxes.groupby("policy", sort=False, dropna=False)
    ]


def _paragraph(rows: Sequence[Mapping[str, Any]], better: str) -> str:
    first = rows[0]
    fails = short_of(first["target"], better)
    if math.isnan(first["box_points"]):
        where = f"at {first['failures']} of {first['points']} points"
        told = f"{first['policy']} {fails} {where}: {first['verdict']}."
    else:
        told = _box_told(rows, fails)
    return " ".join([told, *_chance(first)])


def _box_told(rows: Sequence[Mapping[str, Any]], fails: str) -> str:
    first = rows[0]
    inside = f"{first['box_failures']:.0f} of {first['box_points']:.0f}"
    every = f"of all {first['points']} points {first['failures'] / first['points']:.0%}"
    as_good = f"{first['shuffles_as_good']:.0f} of {first['shuffles']:.0f} shuffles of what failed"
    shares = (
        f"{first['density']:.0%} of such points fail (density: {inside}; {every}), and "
        f"{first['coverage']:.0%} of all failures lie there (coverage)"
    )
    if first["verdict"] == LUCKY:
        limits = " and ".join(limit_words(row) for row in rows)
        return (
            f"{first['policy']}: where it {fails} could be luck. {as_good} gave as good a box as the best "
            f"one found, {limits}, where {shares}."
        )
    limits = " and ".join(limit_words(row) + doubt(row) for row in rows)
    return (
        f"{first['policy']} fails ({fails}) where {limits}: {shares}. "
        f"More than luck: {as_good} gave as good a box."
    )


def doubt(row: Mapping[str, Any]) -> str:
    """A mark for a limit that the box hardly needs."""
    return " (this limit may be luck)" if row["quasi_p"] > DOUBTFUL else ""


def short_of(target: float, better: str) -> str:
    """Failing, in words: falling short of a change."""
    direction = "decline" if better == "lower" else "rise"
    return f"{direction}s by less than {abs(100 * target):.3g}%" if target else f"does not {direction}"


def limit_words(row: Mapping[str, Any]) -> str:
    """A limit in words, in the parameter's own unit."""
    value = row["limit"] if isinstance(row["limit"], str) else number(row["limit"])
    unit = f" {row['unit']}" if row["unit"] and not isinstance(row["limit"], str) else ""
    return f"{row['parameter']} {'<' if row['side'] == 'below' else '>'} {value}{unit}"


def _chance(row: Mapping[str, Any]) -> Iterator[str]:
    if not row["points"]:
        return
    if row["unsure"] is None or math.isnan(row["unsure"]):
        yield "With one replicate a point, chance cannot be told from what is not known."
    elif row["unsure"]:
        unsure = f"{row['unsure']:.0f} of {row['points']}"
        yield f"At {unsure} points the replicates leave open on which side of the target it lies."


def regret_view(regret: pd.DataFrame, about: str, unit: str) -> Table:
    """Regret as text cells, the least mean first."""
    headers = (
        "policy",
        "mean regret",
        "90% interval",
        "90% below",
        "at worst",
        "best",
        "near best",
        "verdict",
    )
    cells = [
        (
            str(row["policy"]),
            number(row["mean"]),
            _between(row["low"], row["high"]),
            number(row["p90"]),
            number(row["max"]),
            f"{row['best']:.0%}",
            f"{row['near_best']:.0%}",
            str(row["verdict"]),
        )
        for row in records(regret.sort_values("mean", kind="stable"))
    ]
    states = regret["states"].iloc[0]
    title = f"Regret in {about}, {unit}, against the best policy at each of {states} points of knowledge"
    return Table(headers, cells, title, frozenset(headers[1:7]), spare=("90% interval", "90% below"))


def _between(low: float, high: float) -> str:
    return "" if math.isnan(low) else f"{number(low)} to {number(high)}"
