"""The ledger: every card and every fen that moves is written down once, in integers.

The audit compares these books with the world itself (identities A17 and A18): the sum of what agents hold
with the balance of their account, the cards counted by status with the transitions logged.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sim.world.codes import Kind, Status


class Account(IntEnum):
    """Where money can be.  ``VICTIMS`` and ``BROUGHT`` are sources: their balances are never positive."""

    VICTIMS = 0
    BROUGHT = 1
    IN_FLIGHT = 2
    FROZEN = 3
    RETURNED = 4
    SEIZED = 5
    FEES = 6
    GANGS = 7
    DEALERS = 8
    OPENERS = 9
    OUTSIDE = 10


class AuditError(AssertionError):
    """A broken identity: its name, the day, both sides and the difference."""

    def __init__(self, identity: str, day: int, left: int, right: int) -> None:
        super().__init__(f"{identity} broken on day {day}: {left} against {right}, difference {left - right}")
        self.identity, self.day, self.left, self.right = identity, day, left, right


class Ledger:
    """Books of money (fen) and of tracked cards (by kind and status).

    ``money``: balance of each `Account`, fen; ``entered``: cards that came into the chain by kind; ``first``:
    the same by kind and first status; ``moves``: each transition of a card, once: int64 (kinds, statuses
    before, statuses after).
    """

    def __init__(self) -> None:
        self.money = np.zeros(len(Account), dtype=np.int64)
        self.entered = np.zeros(len(Kind), dtype=np.int64)
        self.moves = np.zeros((len(Kind), len(Status), len(Status)), dtype=np.int64)
        self.first = np.zeros((len(Kind), len(Status)), dtype=np.int64)

    def pay(self, source: Account, target: Account, fen: int) -> None:
        """Move ``fen`` (0 or more) from one account to another."""
        if fen < 0:
            raise ValueError(f"a payment cannot be negative: {fen} fen from {source.name} to {target.name}")
        if fen:
            self.money[source] -= fen
            self.money[target] += fen

    def enter(self, kind: int, status: int, cards: int) -> None:
        """Cards that become tracked, in their first status."""
        self.entered[kind] += cards
        self.first[kind, status] += cards

    def by_status(self) -> NDArray[np.int64]:
        """Cards by kind and status as the log has them, int64 (kinds, statuses)."""
        came, went = self.moves.sum(axis=1), self.moves.sum(axis=2)
        return np.asarray(self.first + came - went)

    def check(self, identity: str, day: int, left: int, right: int) -> None:
        """Raise :class:`AuditError` unless both sides are equal."""
        if int(left) != int(right):
            raise AuditError(identity, day, int(left), int(right))
