"""An agent that is a view of one row of a table; a day's decisions reach rules and subclasses alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.agents.member import Member
from sim.kernels.decisions import due
from sim.world.table import Table

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class Column:
    """Attribute of a row agent that reads and writes a column of its table."""

    def __init__(self, name: str, doc: str) -> None:
        self.name = name
        self.__doc__ = doc

    def __get__(self, agent: RowAgent | None, owner: type) -> Any:
        return self if agent is None else getattr(agent.table, self.name)[agent.row].item()

    def __set__(self, agent: RowAgent, value: Any) -> None:
        getattr(agent.table, self.name)[agent.row] = value


class RowAgent(Member, ABC):
    """A Mesa agent whose state is row ``row`` of ``table``."""

    model: FraudSupplyChain

    def __init__(self, model: FraudSupplyChain, table: Table, row: int) -> None:
        super().__init__(model)
        self.table = table
        self.row = int(row)

    @classmethod
    @abstractmethod
    def decide_rows(cls, model: FraudSupplyChain, rows: np.ndarray) -> None:
        """The rule of the class for many rows (int64, n) at once."""

    def decide(self) -> None:
        """The weekly decision of this agent.  A subclass may replace or extend it."""
        self.decide_rows(self.model, np.array([self.row]))


def decide_today(
    model: FraudSupplyChain, rule: type[RowAgent], table: Table, agents: dict[int, RowAgent]
) -> None:
    """Let every agent whose weekday it is decide: by ``rule``, its class's for many rows, or by its own
    ``decide``.

    ``table`` needs the columns ``alive``, ``weekday`` and ``own_rule`` (1 where a subclass replaced
    ``decide``).
    """
    common, own = due(table.alive, table.weekday, table.own_rule, model.day % 7)
    if len(common):
        rule.decide_rows(model, common)
    for row in own:
        agents[int(row)].decide()
