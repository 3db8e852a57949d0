"""Space: 31 provincial-level regions with their census adults, and "abroad"."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NATION = "CN"


@dataclass(frozen=True)
class Regions:
    """Codes (n), names and adults (int64, n) of the regions; ``abroad`` is the number after the last."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    adults: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Number of regions, without abroad."""
        return len(self.codes)

    @property
    def abroad(self) -> int:
        """Region number of places outside the country."""
        return self.n

    @property
    def share(self) -> NDArray[np.float64]:
        """Share of all adults by region, float64 (n)."""
        share: NDArray[np.float64] = self.adults / self.adults.sum()
        return share

    def number(self, code: str) -> int:
        """Number of a region code."""
        return self.codes.index(code)


def read_regions(folder: Path) -> Regions:
    """Read ``regions.csv`` of an evidence folder: adults are persons of 15 and more (census of 2020)."""
    with (folder / "regions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    adults = [round(int(r["population_2020"]) * float(r["adult_share_estimate"]) / 100) for r in rows]
    return Regions(
        codes=tuple(r["code"] for r in rows),
        names=tuple(r["name_en"] for r in rows),
        adults=np.array(adults, dtype=np.int64),
    )
