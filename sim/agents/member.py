"""What all agents of the model have in common: Mesa's agent, numbered by its own model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import mesa

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class _Numbers:
    """The next number of an agent, counted from 1 in each model.

    Mesa 3.3 counts in a dictionary that holds every model for ever, and with it its world: a process that
    makes a thousand runs would end with a thousand worlds in memory.
    """

    def __init__(self) -> None:
        self._counts: WeakKeyDictionary[FraudSupplyChain, Iterator[int]] = WeakKeyDictionary()

    def __getitem__(self, model: FraudSupplyChain) -> Iterator[int]:
        return self._counts.setdefault(model, count(1))


class Member(mesa.Agent):
    """An agent of the model; it does not outlive its model."""

    model: FraudSupplyChain
    _ids = _Numbers()
