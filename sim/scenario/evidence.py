"""The evidence table: what is known of the trade and the operation, a sourced statement a row.

A statement became known on the day that is printed on it, or a week after what it speaks of, whichever is
earlier: some rows are read from copies that are younger than the report (`scenarios/evidence/README.md`).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

from sim.errors import Fault, InputError
from sim.scenario import folders

MAX_TABLE_BYTES = 4 * 1024 * 1024
WEEK = timedelta(days=7)
VALUES = ("value_low", "value_best", "value_high")


@dataclass(frozen=True)
class Fact:
    """A row: the figures that are printed in it, and the day since when it is known, None without a date."""

    id: str
    values: tuple[float, ...]
    known: date | None


def facts(folder: Path) -> Mapping[str, Fact]:
    """The evidence table of a scenario folder by id, or the shipped one where the folder has none.

    Raises
    ------
    InputError
        The folder's own table lies outside it, cannot be read, or has no column `id`.
    """
    own = folder / "evidence" / "facts.csv"
    if own.exists() and not folders.contained(own, folder):
        raise InputError(
            [Fault(folders.display(own), 1, "", "leads out of the scenario's folder", "Copy the table.")]
        )
    path = own if own.is_file() else folders.shipped_folder() / "evidence" / "facts.csv"
    try:
        found = path.stat()
        return _facts(path, found.st_mtime_ns, found.st_size)
    except (OSError, ValueError, csv.Error) as error:
        mend = "Copy it again from the shipped scenarios."
        what = f"is not a readable evidence table ({type(error).__name__})"
        raise InputError([Fault(folders.display(path), 1, "", what, mend)]) from None


@cache
def shipped_rows() -> Mapping[str, Mapping[str, str]]:
    """The shipped table by id, as it stands: every column as text."""
    path = folders.shipped_folder() / "evidence" / "facts.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return MappingProxyType({row["id"]: row for row in csv.DictReader(stream)})


@lru_cache(maxsize=8)
def _facts(path: Path, changed: int, size: int) -> Mapping[str, Fact]:
    """One table; `changed` and `size` are the cache's way to notice a new version."""
    if size > MAX_TABLE_BYTES:
        raise ValueError("too large")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        found = {row["id"]: _fact(row) for row in csv.DictReader(stream) if row.get("id")}
    if not found:
        raise ValueError("no ids")
    return MappingProxyType(found)


def _fact(row: Mapping[str, str | None]) -> Fact:
    published, end = _day(row.get("published")), _day(row.get("period_end"))
    days = [day for day in (published, None if end is None else end + WEEK) if day is not None]
    values = [_number(row.get(name)) for name in VALUES]
    return Fact(str(row["id"]), tuple(v for v in values if v is not None), min(days, default=None))


def _day(text: str | None) -> date | None:
    """A whole date; a year alone dates nothing."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
