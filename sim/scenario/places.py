"""The names that scenario files may cite: 31 provincial-level regions, and rows of the evidence table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sim.errors import Fault, nearest, shown
from sim.scenario.evidence import facts
from sim.scenario.source import Node

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

    Raises `InputError` for a table that cannot be read.
    """
    return frozenset(facts(folder))
