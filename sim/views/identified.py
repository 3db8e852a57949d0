"""What a calibration tells apart, in tables: parameters, pairs, targets, and data that are missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sim.study.compare import rounded
from sim.views.tables import Table, records

if TYPE_CHECKING:
    import pandas as pd

SEARCH = {"nothing": "nothing", "again": "nothing, another seed"}


def identified_tables(
    parameters: pd.DataFrame, pairs: pd.DataFrame, rates: pd.DataFrame, left: pd.DataFrame, data: pd.DataFrame
) -> Iterator[Table]:
    """The tables that are printed, in order. Of parameters only those that the record tells anything of."""
    known = parameters[parameters["verdict"] != "not identified"].sort_values("width", kind="stable")
    yield Table(
        ("parameter", "unit", "prior", "5-95%", "posterior", "5-95% ", "verdict"),
        [
            (
                row["parameter"],
                row["unit"],
                rounded(row["prior_median"]),
                f"{rounded(row['prior_low'])} .. {rounded(row['prior_high'])}",
                rounded(row["median"]),
                f"{rounded(row['low'])} .. {rounded(row['high'])}",
                row["verdict"],
            )
            for row in records(known)
        ],
        title=f"{len(known)} of {len(parameters)} parameters are told apart from the prior; "
        f"{len(parameters) - len(known)} are not identified",
        right=frozenset({"prior", "posterior"}),
    )
    yield Table(
        ("first", "second", "known together as", "width", "first alone", "second alone", "correlation"),
        [
            (
                row["first"],
                row["second"],
                row["combination"],
                *(f"{row[name]:.2f}" for name in ("width", "first_width", "second_width")),
                f"{row['correlation']:+.2f}",
            )
            for row in records(pairs)
        ],
        title=f"{len(pairs) or 'No'} pairs are known better together than alone (widths over the prior's)",
        right=frozenset({"width", "first alone", "second alone", "correlation"}),
    )
    yield Table(
        ("target", "runs over the prior within 3 standard deviations", "share", "90%"),
        [
            (
                row["target"],
                f"{row['passed']} of {row['runs']}",
                f"{row['share']:.1%}",
                f"{row['low']:.1%} to {row['high']:.1%}",
            )
            for row in records(rates)
        ],
        title="How often the prior meets the record",
        right=frozenset({"share"}),
    )
    yield Table(
        ("left out", "H2 2021", "width", "last year", "width ", "then predicted", "holds the record"),
        [_left_out(row) for row in records(left)],
        title="The posterior without each target: median of cases, width of the middle 90% over it",
        right=frozenset({"H2 2021", "width", "last year", "width "}),
    )
    yield Table(
        ("datum", "error", "off the forecast's variance", "90%", "verdict"),
        [
            (
                row["title"],
                f"{row['error']:.2g}",
                f"{row['reduction']:.0%}",
                f"{row['low']:.0%} to {row['high']:.0%}",
                row["verdict"],
            )
            for row in records(data)
        ],
        title="What a missing datum would take off the variance of the last year's cases (a lower bound)",
        right=frozenset({"error", "off the forecast's variance"}),
    )


def _left_out(row: Any) -> tuple[str, ...]:
    name = row["left_out"]
    predicted = "" if name in SEARCH else f"{row['predicted_low']} .. {row['predicted_high']}"
    holds = "" if name in SEARCH else "yes" if row["holds"] else "NO"
    numbers = []
    for span in ("half", "year"):
        numbers += [rounded(row[f"{span}_median"]), f"{row[f'{span}_width']:.0%}"]
    return SEARCH.get(name, name), *numbers, predicted, holds
