"""How a gang, a dealer or an opener is taken out: cards and cash seized, a replacement perhaps on its way.

Police and campaigns call these; nobody else ends an agent but its own exit.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from sim.kernels.enforcement import close_down, held_by
from sim.kernels.tally import tally_amounts_into, tally_into
from sim.random import Process
from sim.world.cards import CardTable
from sim.world.codes import Status
from sim.world.ledger import Account
from sim.world.table import Table

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


REPLACEMENT = int(Process.REPLACEMENT)
WITH_GANG = (int(Status.IN_TRANSIT), int(Status.ACTIVE))
"""First and last status of cards that a gang holds or waits for."""
SHELVES = (int(Status.RECRUITER_STOCK), int(Status.DEALER_STOCK))
"""The same of cards on dealers' shelves."""


class Removal:
    """Removes agents and schedules their replacement (4.3): with probability r, after Gamma(2) weeks.

    ``gangs_week``, ``dealers_week`` and ``openers_week``: removed this week by place, of gangs the staff is
    counted; ``arrested_today``: persons arrested today by place; ``gangs_due`` and ``dealers_due``: rows of
    those whom somebody replaces, by day.
    """

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.cash_seized = p.number("police.cash_seized_share")
        self.persons = p.number("dealers.persons_per_cell")
        self.replace = {
            "gang": p.number("gangs.replacement_share"),
            "dealer": p.number("dealers.replacement_share"),
        }
        self.lag = {
            "gang": p.number("gangs.replacement_weeks"),
            "dealer": p.number("dealers.replacement_weeks"),
        }
        self.ban_days = round(365.25 * p.number("openers.away_after_arrest_years"))
        self.gangs_due: dict[int, list[int]] = defaultdict(list)
        self.dealers_due: dict[int, list[int]] = defaultdict(list)
        # Of gangs the staff is counted: peers are people.
        self.gangs_week = np.zeros(model.regions.n + 1, dtype=np.int64)
        self.dealers_week = np.zeros(model.regions.n + 1, dtype=np.int64)
        self.openers_week = np.zeros(model.regions.n, dtype=np.int64)
        self.arrested_today = np.zeros(model.regions.n + 1, dtype=np.int64)

    def gangs(self, rows: np.ndarray, seize_share: float) -> None:
        """Break up gangs: staff arrested, cards and cash seized."""
        m, g = self.model, self.model.gangs
        rows = _living(rows, g.alive)
        if not len(rows):
            return
        region, staff = g.region[rows], g.staff[rows].astype(np.int64)
        self._arrest("arrests_gang", region, staff)
        m.recorder.count("gangs_removed", region)
        tally_amounts_into(self.gangs_week, region, staff)
        for cards in (m.accounts, m.sims):
            self._seize(cards, gang_cards(cards, rows, g.n), seize_share)
        self._close("gang", rows, g, Account.GANGS, self.gangs_due)
        m.end_gangs(rows)

    def dealers(self, rows: np.ndarray, seize_share: float) -> None:
        """Break up dealer cells: persons arrested, shelves seized."""
        m, d = self.model, self.model.dealers
        rows = _living(rows, d.alive)
        if not len(rows):
            return
        persons = m.keyed.rounded(Process.ROUNDING, m.day, d.key[rows], np.full(len(rows), self.persons))
        self._arrest("arrests_dealer", d.region[rows], persons)
        tally_into(self.dealers_week, d.region[rows])
        for cards in (m.accounts, m.sims):
            self._seize(cards, held_by(cards.status, cards.dealer, rows, d.n, *SHELVES), seize_share)
        self._close("dealer", rows, d, Account.DEALERS, self.dealers_due)
        m.end_dealers(rows)

    def openers(self, rows: np.ndarray) -> None:
        """Arrest openers: they are out of the pool for years."""
        m, o = self.model, self.model.openers
        o.banned_until[rows] = m.day + self.ban_days
        self._arrest("arrests_opener", o.region[rows], np.ones(len(rows), dtype=np.int64))
        tally_into(self.openers_week, o.region[rows])

    def _arrest(self, name: str, region: np.ndarray, persons: np.ndarray) -> None:
        self.model.recorder.count(name, region, persons)
        tally_amounts_into(self.arrested_today, region, persons)

    def _seize(self, cards: CardTable, held: np.ndarray, share: float) -> None:
        """Cards of removed owners (rows): seized with probability ``share``, else lost to everyone."""
        if not len(held):
            return
        m = self.model
        taken = m.keyed.uniform(Process.SEIZURE, m.day, cards.key[held]) < share
        name = "cards_seized" if cards is m.accounts else "sims_seized"
        m.recorder.count(name, cards.region_open[held[taken]])
        cards.move(held[taken], Status.SEIZED, m.day)
        cards.move(held[~taken], Status.EXHAUSTED, m.day)

    def _close(
        self, who: str, rows: np.ndarray, table: Table, account: Account, due: dict[int, list[int]]
    ) -> None:
        """Part of the cash is seized, the rest is gone, debts are written off; replacements are scheduled."""
        m = self.model
        heir = np.empty(len(rows), dtype=np.int64)
        seized, gone, debts = close_down(
            m.keyed.key,
            REPLACEMENT,
            m.day,
            rows,
            table.key,
            table.cash,
            self.cash_seized,
            self.replace[who] * m.adapts("replacement"),
            self.lag[who],
            heir,
        )
        m.ledger.pay(account, Account.SEIZED, seized)
        m.ledger.pay(account, Account.OUTSIDE, gone)
        m.ledger.pay(Account.OUTSIDE, account, debts)
        for row, day in zip(rows.tolist(), heir.tolist(), strict=True):
            if day >= 0:
                due[day].append(row)


def _living(rows: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """The rows of those alive, each once, rising, int64."""
    return np.array(sorted(set(rows[alive[rows] == 1].tolist())), dtype=np.int64)


def gang_cards(cards: CardTable, gangs: np.ndarray, count: int) -> np.ndarray:
    """Rows of the cards that some gangs (rows of ``count``) hold or wait for."""
    return held_by(cards.status, cards.gang, gangs, count, *WITH_GANG)
