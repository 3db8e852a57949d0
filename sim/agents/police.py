"""Police units, one a region: leads queue up, capacity limits how many are worked off, old ones lapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.agents.member import Member
from sim.kernels.enforcement import work_off
from sim.random import named_key

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class Leads:
    """The leads of all units, oldest first: ``day`` int32, ``unit`` (region) uint8, ``gang`` (row) int64 and
    ``key`` (of the case) uint64, all (n); leads older than ``life`` days lapse.
    """

    def __init__(self, units: int, life: int) -> None:
        self.units, self.life = units, life
        self.day = np.empty(0, dtype=np.int32)
        self.unit = np.empty(0, dtype=np.uint8)
        self.gang = np.empty(0, dtype=np.int64)
        self.key = np.empty(0, dtype=np.uint64)

    def receive(self, day: int, unit: np.ndarray, gang: np.ndarray, key: np.ndarray) -> None:
        """New leads (n)."""
        self.day = np.append(self.day, np.full(len(key), day, dtype=np.int32))
        self.unit = np.append(self.unit, unit.astype(np.uint8))
        self.gang = np.append(self.gang, gang.astype(np.int64))
        self.key = np.append(self.key, key)

    def work_off(self, day: int, room: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Let units work off today's ``room`` (units, int64) of leads, oldest first.

        Returns the gang rows (n) and case keys (n) of the leads, and how many each unit took, int64 (units).
        """
        worked = np.empty(self.units, dtype=np.int64)
        left, gang, key = work_off(day - self.life, room, self.day, self.unit, self.gang, self.key, worked)
        for name in ("day", "unit", "gang", "key"):
            setattr(self, name, getattr(self, name)[:left])
        return gang, key, worked


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
        leads = self.model.leads
        mine = leads.unit == self.region
        columns = (column[mine].tolist() for column in (leads.day, leads.gang, leads.key))
        return list(zip(*columns, strict=True))
