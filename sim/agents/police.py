"""Police units, one a region: leads queue up, capacity limits how many are worked off, old ones lapse."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sim.agents.member import Member
from sim.random import named_key

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class Leads:
    """The leads of all units in one queue, oldest first; the first ``n`` entries of each column count.

    ``day``: of receipt, int32; ``unit``: region of the unit, uint8; ``gang``: its row, int64; ``key``: of the
    case, uint64.
    """

    grows: ClassVar[tuple[str, ...]] = ("day", "unit", "gang", "key")

    def __init__(self) -> None:
        self.n = 0
        self.day = np.zeros(256, dtype=np.int32)
        self.unit = np.zeros(256, dtype=np.uint8)
        self.gang = np.zeros(256, dtype=np.int64)
        self.key = np.zeros(256, dtype=np.uint64)

    def reserve(self, count: int) -> None:
        """Make room for ``count`` more leads."""
        if self.n + count > len(self.day):
            for name in ("day", "unit", "gang", "key"):
                setattr(self, name, np.resize(getattr(self, name), 2 * (self.n + count)))

    @property
    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Day, unit, gang and key, as kernels take them."""
        return self.day, self.unit, self.gang, self.key


class Police(Member):
    """The unit of a region: its part of the leads."""

    model: FraudSupplyChain

    def __init__(self, model: FraudSupplyChain, region: int, capacity: float) -> None:
        super().__init__(model)
        self.region = region
        self.capacity = capacity
        self.key = named_key(f"police {model.regions.codes[region]}")

    @property
    def queue(self) -> list[tuple[int, int, int]]:
        """The unit's leads, oldest first: day, gang row and case key of each."""
        day, unit, gang, key = (column[: self.model.leads.n] for column in self.model.leads.columns)
        mine = unit == self.region
        return list(zip(day[mine].tolist(), gang[mine].tolist(), key[mine].tolist(), strict=True))
