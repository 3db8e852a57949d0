"""What all agents of the model have in common: Mesa's agent, numbered by its own model."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import mesa

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class _Count:
    """Numbers from 1 on, and the last one given."""

    def __init__(self) -> None:
        self.last = 0

    def __next__(self) -> int:
        self.last += 1
        return self.last


class _Numbers:
    """The next number of an agent, counted from 1 in each model.

    Mesa 3.3 counts in a dictionary that holds every model for ever, and with it its world: a process that
    makes a thousand runs would end with a thousand worlds in memory.
    """

    def __init__(self) -> None:
        self._counts: WeakKeyDictionary[FraudSupplyChain, _Count] = WeakKeyDictionary()

    def __getitem__(self, model: FraudSupplyChain) -> _Count:
        return self._counts.setdefault(model, _Count())


class Member(mesa.Agent):
    """An agent of the model; it does not outlive its model."""

    model: FraudSupplyChain
    _ids = _Numbers()

    @classmethod
    def last_number(cls, model: FraudSupplyChain) -> int:
        """The number of the agent that entered the model last."""
        return cls._ids[model].last

    @classmethod
    def number_on(cls, model: FraudSupplyChain, last: int) -> None:
        """Let the next agent of the model have the number after ``last``."""
        cls._ids[model].last = last
