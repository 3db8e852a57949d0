"""Tracked cards: every card that has entered the supply chain, an individual in a struct of arrays.

A *set* is one bank card with its phone card, key and identity copy; a row with kind ``ACCOUNT`` is such a
set. Cards that are out of use are dropped now and then; how they ended stays in the ledger.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels.card_passes import count_ended
from sim.kernels.tally import move_rows
from sim.world.codes import LIVE, Kind, Status
from sim.world.ledger import Ledger
from sim.world.table import Table

COLUMNS: dict[str, Any] = {
    "kind": np.uint8,
    "status": np.uint8,
    "source": np.uint8,
    "holder": np.int32,
    "issuer": np.int16,
    "outlet": np.int32,
    "dealer": np.int32,
    "gang": np.int32,
    "region_open": np.uint8,
    "region_use": np.uint8,
    "opened": np.int32,
    "moved": np.int32,
    "last_used": np.int32,
    "uses": np.uint16,
    "uses_today": np.uint8,
    "flow_fen": np.int64,
    "balance_fen": np.int64,
    "flags": np.uint8,
    "key": np.uint64,
}
"""What is known of a tracked card.

``kind`` and ``status``: what it is and where it is in its life (`Kind`, `Status`); ``source``: how it came
into the chain (`Source`); ``holder``: row of the opener whose it is; ``issuer``: number of the bank or
operator; ``outlet``: where it was opened; ``dealer``: row of the dealer who has it or sold it; ``gang``: row
of the gang that has it or waits for it; ``region_open`` and ``region_use``: where it was opened and where it
is used; ``opened``, ``moved`` and ``last_used``: day of opening, of its last change of status, of its last
use; ``uses`` and ``uses_today``: how often it was used in all and today; ``flow_fen``: money that went
through it so far; ``balance_fen``: money on it; ``flags``: what cleanups and tracing look at, bits of `Flag`;
``key``: what its random numbers are drawn by.
"""
NOBODYS = dict.fromkeys(("holder", "issuer", "outlet", "dealer", "gang"), -1)
"""What a new card has not, unless it is told."""


class CardTable(Table):
    """Tracked cards of the kinds that share a trade.  Every change of status goes through :meth:`move`.

    ``dropped``: cards out of use that were forgotten, by kind and status.
    """

    def __init__(self, ledger: Ledger, capacity: int = 4096) -> None:
        super().__init__(COLUMNS, capacity, NOBODYS)
        self.ledger = ledger
        self.dropped = np.zeros((len(Kind), len(Status)), dtype=np.int64)

    def enter(self, count: int, *, kind: Kind | np.ndarray, status: Status, **values: Any) -> np.ndarray:
        """Add cards in a first status; returns their rows.  ``kind``: of all, or of each (uint8, count)."""
        if isinstance(kind, np.ndarray):
            for each, cards in enumerate(np.bincount(kind)):
                self.ledger.enter(each, status, int(cards))
        else:
            self.ledger.enter(kind, status, count)
        return self.append(count, kind=kind, status=status, **values)

    def move(self, rows: np.ndarray, status: Status, day: int) -> None:
        """Give ``rows`` a new status today and log each transition once."""
        if len(rows):
            move_rows(rows, self.kind, self.status, self.moved, self.ledger.moves, int(status), day)

    def count(self) -> np.ndarray:
        """Cards by kind and status, those dropped included, int64 (kinds, statuses)."""
        here = np.zeros_like(self.dropped)
        np.add.at(here, (self.kind, self.status), 1)
        return here + self.dropped

    def live(self) -> np.ndarray:
        """Boolean mask of cards still in the chain or in use."""
        return self.status < LIVE

    def drop_ended(self, day: int) -> None:
        """Forget cards that went out of use before ``day`` once they are a third of the table.

        Their counts stay.  Cards that ended today stay until tomorrow, for whoever looks at the day's end.
        """
        if 3 * count_ended(self.status, self.moved, int(LIVE), day) > self.n:
            ended = ~self.live() & (self.moved < day)
            np.add.at(self.dropped, (self.kind[ended], self.status[ended]), 1)
            self.keep(~ended)
