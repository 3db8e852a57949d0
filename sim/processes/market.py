"""Phases 4 and 6: sellers restock from recruiters and operators, gangs buy from sellers, cards travel.

Buyers reach their contacts only.  Each day a buyer with an open order goes to one contact that has cards,
more likely a cheap one; sellers serve those who came, in a keyed queue, until the shelf is empty; the rest go
home with nothing, and so does a buyer none of whose contacts has any: that need still counts with the one it
asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.agents.dealer import RECRUITER, SELLER
from sim.kernels.chain import hand_over, match
from sim.random import Process, child_keys
from sim.world.cards import CardTable
from sim.world.codes import Goods, Kind, Source, Status
from sim.world.ledger import Account
from sim.world.table import Table

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


def choose_seller(ask: np.ndarray, reachable: np.ndarray, sharpness: float, u: np.ndarray) -> np.ndarray:
    """Which contact each buyer asks: probability proportional to ask^-sharpness among the reachable ones.

    ``ask`` and ``reachable``: (n, contacts); ``u``: (n).  Returns the column (n), -1 where none is reachable.
    """
    cheapest = np.where(reachable, ask, np.inf).min(axis=1, initial=np.inf)
    known = np.isfinite(cheapest)
    base = np.where(known, cheapest, 1.0)[:, None]
    weight = np.where(reachable, (np.where(reachable, ask, 1.0) / base) ** -sharpness, 0.0)
    edges = np.cumsum(weight, axis=1)
    at = (edges <= (u * edges[:, -1])[:, None]).sum(axis=1)
    return np.where(known, np.minimum(at, ask.shape[1] - 1), -1)


class Market:
    """One trade of one kind of card between two levels of the chain."""

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.sharpness = p.number("market.sharpness")
        self.transit_loss = p.number("market.transit_loss")

    def wholesale(self) -> None:
        """Phase 4: sellers buy sets from recruiters."""
        m = self.model
        self._trade(m.dealers, m.dealers, m.accounts, Goods.ACCOUNTS, wholesale=True)

    def retail(self) -> None:
        """Phase 6: gangs buy sets and phone cards from sellers; what was bought earlier arrives."""
        m = self.model
        self._arrive()
        self._trade(m.gangs, m.dealers, m.accounts, Goods.ACCOUNTS, wholesale=False)
        self._trade(m.gangs, m.dealers, m.sims, Goods.SIMS, wholesale=False)

    def _trade(self, buyers: Table, sellers: Table, cards: CardTable, kind: int, *, wholesale: bool) -> None:
        m = self.model
        open_order = (buyers.alive == 1) & (buyers.order[:, kind] > 0) & (buyers.low_until <= m.day)
        rows = np.flatnonzero(open_order)
        if not len(rows):
            return
        contacts = buyers.contacts[rows]
        ask = sellers.ask[np.maximum(contacts, 0), kind]
        at_work = (sellers.alive == 1) & (sellers.low_until <= m.day)
        reachable = (
            (contacts >= 0) & at_work[np.maximum(contacts, 0)] & (ask <= buyers.bid[rows, kind][:, None])
        )
        stocked = reachable & (m.stocks.dealer_stock[np.maximum(contacts, 0), kind] > 0)
        reachable = np.where(stocked.any(axis=1)[:, None], stocked, reachable)
        draw = 2 * kind + wholesale
        u = m.keyed.uniform(Process.SELLER_CHOICE, m.day, buyers.key[rows], draw)
        column = choose_seller(ask, reachable, self.sharpness, u)
        found = column >= 0
        rows, column = rows[found], column[found]
        seller = contacts[found, column].astype(np.int64)
        price = ask[found, column]
        np.add.at(sellers.wanted[:, kind], seller, buyers.fresh_need[rows, kind])
        buyers.fresh_need[rows, kind] = 0.0
        wanted = self._affordable(buyers, rows, kind, price, wholesale)
        filled = self._match(rows, buyers, seller, wanted, kind, draw)
        self._settle(buyers, sellers, rows, seller, filled, price, cards, kind, wholesale)

    def _affordable(
        self, buyers: Table, rows: np.ndarray, kind: int, price: np.ndarray, wholesale: bool
    ) -> np.ndarray:
        """Cards wanted and paid for from cash; sellers buy from recruiters on account."""
        wanted = buyers.order[rows, kind]
        if wholesale:
            return wanted
        fen = np.maximum(np.round(price * 100).astype(np.int64), 1)
        return np.minimum(wanted, np.maximum(buyers.cash[rows], 0) // fen)

    def _match(
        self, rows: np.ndarray, buyers: Table, seller: np.ndarray, wanted: np.ndarray, kind: int, draw: int
    ) -> np.ndarray:
        m = self.model
        queue = m.keyed.uniform(Process.QUEUE, m.day, buyers.key[rows], 10 + draw)
        self.queue = np.lexsort((queue, seller))
        stock = m.stocks.dealer_stock[:, kind].copy()
        filled = np.zeros(len(rows), dtype=np.int64)
        match(self.queue, seller, wanted, stock, filled)
        m.stocks.dealer_stock[:, kind] = stock
        return filled

    def _settle(
        self,
        buyers: Table,
        sellers: Table,
        rows: np.ndarray,
        seller: np.ndarray,
        filled: np.ndarray,
        price: np.ndarray,
        cards: CardTable,
        kind: int,
        wholesale: bool,
    ) -> None:
        """Hand over the cards and the money, remember costs and prices."""
        done = self.queue[filled[self.queue] > 0]
        if not len(done):
            return
        rows, seller, filled, price = rows[done], seller[done], filled[done], price[done]
        fen = np.round(price * 100).astype(np.int64) * filled
        np.subtract.at(buyers.cash, rows, fen)
        np.add.at(sellers.cash, seller, fen)
        np.add.at(sellers.supplied[:, kind], seller, filled.astype(np.float64))
        np.add.at(sellers.sold, seller, filled)
        if kind == Goods.ACCOUNTS:
            sellers.paid[seller] = price
        buyers.order[rows, kind] -= filled
        start = np.searchsorted(seller, np.arange(sellers.n + 1))
        target = np.empty(cards.n, dtype=np.int64)
        shelf = Status.RECRUITER_STOCK if wholesale else Status.DEALER_STOCK
        hand_over(cards.status, cards.dealer, int(shelf), start, rows, filled.copy(), target)
        moved = np.flatnonzero(target >= 0)
        if wholesale:
            self._restock(moved, target[moved], rows, price, filled)
        else:
            self._ship(cards, moved, target[moved], rows, price, fen, kind)

    def _restock(
        self, moved: np.ndarray, buyer: np.ndarray, rows: np.ndarray, price: np.ndarray, filled: np.ndarray
    ) -> None:
        """Wholesale: cards go to the seller's shelf; the seller's cost is what it last paid."""
        m = self.model
        m.dealers.cost[rows, Goods.ACCOUNTS] = price
        np.add.at(m.stocks.dealer_stock[:, Goods.ACCOUNTS], rows, filled)
        paid = np.zeros(m.dealers.n)
        paid[rows] = price
        m.accounts.move(moved, Status.DEALER_STOCK, m.day)
        m.accounts.dealer[moved] = buyer
        fen = np.round(paid[buyer] * 100).astype(np.int64)
        ones = np.ones(len(moved), dtype=np.int64)
        m.recorder.price("price_dealer_yuan", m.accounts.region_open[moved], fen, ones)

    def _ship(
        self,
        cards: CardTable,
        moved: np.ndarray,
        buyer: np.ndarray,
        rows: np.ndarray,
        price: np.ndarray,
        fen: np.ndarray,
        kind: int,
    ) -> None:
        """Retail: cards travel to the gang; its money goes to the dealers' account."""
        m, g = self.model, self.model.gangs
        m.ledger.pay(Account.GANGS, Account.DEALERS, int(fen.sum()))
        np.add.at(g.week_cost, rows, fen)
        cards.move(moved, Status.IN_TRANSIT, m.day)
        cards.gang[moved] = buyer
        ones = np.ones(len(moved), dtype=np.int64)
        if kind == Goods.ACCOUNTS:
            seen = g.price_seen[rows]
            g.price_seen[rows] = seen + 0.5 * (price - seen)
            paid = np.zeros(g.n)
            paid[rows] = price
            each = np.round(paid[buyer] * 100).astype(np.int64)
            m.recorder.price("price_gang_yuan", cards.region_open[moved], each, ones)
            m.recorder.count("orders_filled", g.region[buyer])
        else:
            m.recorder.count("sims_bought", g.region[buyer])

    def _arrive(self) -> None:
        """Cards reach the gang after its days of transit; a few are seized on the way."""
        m = self.model
        for cards in (m.accounts, m.sims):
            rows = np.flatnonzero(cards.status == Status.IN_TRANSIT)
            rows = rows[m.day - cards.moved[rows] >= m.gangs.transit_days[cards.gang[rows]]]
            if len(rows):
                seized = m.keyed.uniform(Process.TRANSIT, m.day, cards.key[rows]) < self.transit_loss
                cards.move(rows[seized], Status.SEIZED, m.day)
                cards.move(rows[~seized], Status.GANG_STOCK, m.day)


class SimSupply:
    """Phase 4, phone cards: sellers register them through lax operators, on stolen identities, or with
    insiders.

    What can be had in a week grows with the price; operators refuse a share (their screening sensitivity).
    """

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.per_week = p.number("sims.supply_per_seller_week")
        self.elasticity = p.number("sims.supply_elasticity")
        self.price = p.number("sims.price_start")
        self.cost = p.number("sims.registration_cost")
        self.sources = np.cumsum(p.vector("sims.source_share"))

    def run(self) -> None:
        """Register phone cards for the sellers that decided today."""
        m, d = self.model, self.model.dealers
        today = (d.alive == 1) & (d.tier == SELLER) & (d.weekday == m.day % 7) & (d.order[:, Goods.SIMS] > 0)
        rows = np.flatnonzero(today)
        if not len(rows):
            return
        limit = self.per_week * (d.ask[rows, Goods.SIMS] / self.price) ** self.elasticity
        tries = np.minimum(
            d.order[rows, Goods.SIMS], m.keyed.rounded(Process.SIM_SUPPLY, m.day, d.key[rows], limit)
        )
        region = d.region[rows].astype(np.int64)
        refusal = np.minimum(m.operators.mean_sensitivity * m.policy.opening_factor[region], m.banks.ceiling)
        got = m.keyed.binomial(Process.SIM_SUPPLY, m.day, d.key[rows], tries, 1.0 - refusal, 1)
        d.order[rows, Goods.SIMS] -= got
        cost = self.cost / (1.0 - refusal)
        d.cost[rows, Goods.SIMS] = cost
        fen = np.round(cost * 100).astype(np.int64) * got
        d.cash[rows] -= fen
        m.ledger.pay(Account.DEALERS, Account.OPENERS, int(fen.sum()))
        self._enter(rows, region, got)

    def _enter(self, rows: np.ndarray, region: np.ndarray, got: np.ndarray) -> None:
        m, d = self.model, self.model.dealers
        owner = np.repeat(np.arange(len(rows)), got)
        number = np.arange(len(owner)) - np.repeat(np.cumsum(got) - got, got)
        week = np.uint64(m.day) << np.uint64(32)
        key = child_keys(d.key[rows][owner], week + number.astype(np.uint64))
        u = m.keyed.uniform(Process.SIM_SUPPLY, m.day, key, 2)
        origin = np.array([Source.SOLD, Source.STOLEN_IDENTITY, Source.INSIDER])
        source = origin[np.minimum(np.searchsorted(self.sources / self.sources[-1], u, side="right"), 2)]
        issuer = m.operators.choose(m.keyed.uniform(Process.SIM_SUPPLY, m.day, key, 3))
        m.sims.enter(
            len(owner),
            kind=Kind.SIM,
            status=Status.DEALER_STOCK,
            key=key,
            dealer=rows[owner],
            source=source,
            issuer=issuer,
            region_open=region[owner],
            region_use=region[owner],
            opened=m.day,
            moved=m.day,
        )


def recruiters(dealers: Table) -> np.ndarray:
    """Rows of recruiters alive."""
    return np.flatnonzero((dealers.alive == 1) & (dealers.tier == RECRUITER))
