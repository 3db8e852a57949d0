"""The names that scenario files may cite: 31 provincial-level regions, and rows of the evidence table."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from sim.errors import Fault, InputError, nearest, shown
from sim.scenario import folders
from sim.scenario.source import Node

MAX_TABLE_BYTES = 4 * 1024 * 1024

REGIONS: tuple[str, ...] = (
    "BJ", "TJ", "HE", "SX", "NM", "LN", "JL", "HL", "SH", "JS", "ZJ", "AH", "FJ", "JX", "SD", "HA",
    "HB", "HN", "GD", "GX", "HI", "CQ", "SC", "GZ", "YN", "XZ", "SN", "GS", "QH", "NX", "XJ",
)  # fmt: skip
"""Codes of the regions, in the order of the census table (`scenarios/evidence/regions.csv`)."""


def region_faults(regions: Node) -> Iterator[Fault]:
    """Faults of a `regions:` value, which is `all` or a list of codes without repeats."""
    if regions.value == "all":
        return
    if not isinstance(regions.value, list) or not regions.value:
        got = "an empty list" if regions.value == [] else shown(regions.value)
        yield regions.fault(
            f"must be 'all' or a list of region codes, got {got}", "Write for instance [GD, SD, HB]."
        )
        return
    seen: set[object] = set()
    for item in regions.value:
        code = item.value if isinstance(item.value, str) else None
        if code not in REGIONS:
            yield item.fault(
                f"{shown(item.plain())} is no region",
                "Give one of " + ", ".join(REGIONS) + ".",
                nearest(str(code), REGIONS) if code else None,
            )
        elif code in seen:
            yield item.fault(f"region {code} is named twice", "Name it once.")
        seen.add(code)


def evidence_faults(evidence: Node, known: frozenset[str]) -> Iterator[Fault]:
    """Faults of a list of evidence ids: each must be a row of the evidence table."""
    for item in evidence.elements():
        if isinstance(item.value, str) and item.value not in known:
            yield item.fault(
                f"{shown(item.value)} is not in the evidence table",
                "Cite a row of evidence/facts.csv.",
                nearest(item.value, known),
            )


def evidence_ids(folder: Path) -> frozenset[str]:
    """Ids of the evidence table in a scenario folder, or of the shipped one where the folder has none.

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
        return _ids(path, found.st_mtime_ns, found.st_size)
    except (OSError, ValueError, csv.Error) as error:
        mend = "Copy it again from the shipped scenarios."
        what = f"is not a readable evidence table ({type(error).__name__})"
        raise InputError([Fault(folders.display(path), 1, "", what, mend)]) from None


@lru_cache(maxsize=8)
def _ids(path: Path, changed: int, size: int) -> frozenset[str]:
    """Ids of one table; `changed` and `size` are the cache's way to notice a new version."""
    if size > MAX_TABLE_BYTES:
        raise ValueError("too large")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        ids: Iterable[str | None] = [row.get("id") for row in csv.DictReader(stream)]
    known = frozenset(name for name in ids if name)
    if not known:
        raise ValueError("no ids")
    return known
