"""Police units, one a region: leads queue up, capacity limits how many are worked off, old ones lapse."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from sim.agents.member import Member
from sim.random import named_key

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class Police(Member):
    """The unit of a region.  ``queue`` holds (day, gang row, case key), oldest first."""

    model: FraudSupplyChain

    def __init__(self, model: FraudSupplyChain, region: int, capacity: float) -> None:
        super().__init__(model)
        p = model.parameters
        self.region = region
        self.capacity = capacity
        self.life = int(p.number("police.lead_days"))
        self.key = named_key(f"police {model.regions.codes[region]}")
        self.queue: deque[tuple[int, int, np.uint64]] = deque()

    def receive(self, gangs: np.ndarray, keys: np.ndarray) -> None:
        """New leads: gang rows and keys of their cases (n)."""
        self.queue.extend((self.model.day, int(g), k) for g, k in zip(gangs, keys, strict=True))

    def investigate(self, room: int) -> list[tuple[int, np.uint64]]:
        """Work off today's ``room`` of leads, oldest first; returns gang row and case key of each."""
        while self.queue and self.queue[0][0] < self.model.day - self.life:
            self.queue.popleft()
        return [self.queue.popleft()[1:] for _ in range(min(room, len(self.queue)))]
