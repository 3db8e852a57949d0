"""A forecast in tables and sentences: months ahead, naive forecasters beside it, odds of falls, caveats."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from sim.views.tables import Table, number, records

if TYPE_CHECKING:
    import pandas as pd

LIKELY = 0.5
HORIZONS = (1, 3, 6, 12)


def forecast_tables(
    bands: pd.DataFrame, naive: pd.DataFrame, streaks: pd.DataFrame, structures: pd.DataFrame
) -> Iterator[Table]:
    """The months ahead; forecasters that know nothing of cards, at some horizons; structures, if several."""
    yield months_table(bands)
    if len(naive):
        yield naive_table(bands, naive)
    yield streak_table(streaks)
    if len(structures) > 1:
        yield structure_table(structures)


def months_table(bands: pd.DataFrame) -> Table:
    """A row a month: level, change on the month and on the year before, where the width comes from."""
    headers = (
        "month", "registered cases", "50% band", "90% band", "on the month before", "on the year before",
        "90% band ", "odds of a fall on the year", "width: knowledge", "chance", "structure",
    )  # fmt: skip
    rows = []
    for month, of_month in bands.groupby("month", sort=True):
        by = {str(row["statistic"]): row for row in records(of_month)}
        level, before, year = by["level"], by.get("month on month"), by.get("year on year")
        rows.append(
            (
                f"{month:%Y-%m}",
                number(level["q50"]),
                f"{number(level['q25'])} to {number(level['q75'])}",
                f"{number(level['q05'])} to {number(level['q95'])}",
                _change(before, "q50"),
                _change(year, "q50"),
                "" if year is None else f"{_change(year, 'q05')} to {_change(year, 'q95')}",
                "" if year is None else _share(year["p_fall"]),
                *(_share(level[part]) for part in ("knowledge", "chance", "structure")),
            )
        )
    title = "Registered cases a month, China: median and bands of the runs; each change is named"
    return Table(headers, rows, title, right=frozenset(headers[1:]))


def naive_table(bands: pd.DataFrame, naive: pd.DataFrame) -> Table:
    """The same at some horizons by forecasters that see nothing but the months before."""
    months = sorted(bands["month"].unique())
    shown = [(ahead, months[ahead - 1]) for ahead in HORIZONS if ahead <= len(months)]
    headers = (
        "forecaster",
        *(text for ahead, _ in shown for text in (f"month {ahead}", f"90% band {ahead}")),
    )
    rows = []
    both = [
        ("cardbreak", bands),
        *((str(name), rows) for name, rows in naive.groupby("forecaster", sort=False)),
    ]
    for name, table in both:
        level = table[table["statistic"] == "level"].set_index("month")
        cells: list[str] = []
        for _, month in shown:
            row = level.loc[month]
            cells += [number(row["q50"]), f"{number(row['q05'])} to {number(row['q95'])}"]
        rows.append((name, *cells))
    title = "Beside forecasters that see only the simulated months before the origin (level)"
    return Table(headers, rows, title, right=frozenset(headers[1:]))


def streak_table(streaks: pd.DataFrame) -> Table:
    """How likely it is that so many months in a row lie below the year before."""
    rows = [(str(row["months"]), _share(row["probability"])) for row in records(streaks)]
    title = "Longest run of months below the same month of the year before"
    return Table(("at least, months", "probability"), rows, title, right=frozenset({"probability"}))


def structure_table(structures: pd.DataFrame) -> Table:
    """The structures that the forecast mixes, and why each weighs what it does."""
    rows = [
        (
            str(row["structure"]),
            _share(row["met"]),
            str(row["targets"]),
            str(row["runs"]),
            _share(row["weight"]),
        )
        for row in records(structures)
    ]
    headers = ("structure", "targets met", "of", "runs", "weight")
    return Table(headers, rows, "Ideas of how the world works", right=frozenset(headers[1:]))


def caveats(bands: pd.DataFrame, drawn_from: Sequence[Mapping[str, Any]], origin: date) -> Iterator[str]:
    """What the reader has to know before believing it; `drawn_from` says where draws are from, as manifests
    have it.
    """
    if not drawn_from:
        yield "The parameters stand at their point values: the bands hold chance alone and are too narrow."
    for table in drawn_from:
        yield _of_draws(table, origin)
    if bands["knowledge"].isna().all():
        yield (
            "Every draw has one run: knowledge and chance cannot be told apart. Ask for more "
            "--replicates, or for fewer --draws."
        )
    yield "Everything is conditional on the schedule of measures in the scenario."


def _of_draws(table: Mapping[str, Any], origin: date) -> str:
    """What the draws of a forecast know."""
    if "digest" not in table:
        return "The draws are from the priors and were not held against the record: the bands are wide."
    named = f"The draws are of a table of {table['draws']} ({table['source'] or 'it does not say whence'})"
    known = table["known_by"]
    if known is None:
        return f"{named} that was not held against the record."
    if known > origin.isoformat():
        return (
            f"{named} that knows the record up to {known}, later than the origin: what the record says of "
            "the months between is in the bands already."
        )
    return f"{named} that knows the record up to {known}."


def _change(row: dict[str, object] | None, name: str) -> str:
    return "" if row is None else f"{row[name]:+.0%}"


def _share(value: object) -> str:
    return f"{value:.0%}" if isinstance(value, float) and not math.isnan(value) else ""
