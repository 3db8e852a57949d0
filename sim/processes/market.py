"""Phases 4 and 6: sellers restock from recruiters, gangs buy from sellers, cards travel.

Buyers reach their contacts only.  Each day a buyer with an open order goes to one contact that has cards,
more likely a cheap one; sellers serve those who came, in a keyed queue, until the shelf is empty; the rest go
home with nothing, and so does a buyer none of whose contacts has any: that need still counts with the one it
asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim import arrays
from sim.kernels.chain import hand_over, match
from sim.random import Process
from sim.world.cards import CardTable
from sim.world.codes import Goods, Status
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
    return np.where(known, arrays.pick(weight, u), -1)


@dataclass(frozen=True)
class Level:
    """One level of trade: who buys what from whom.  Wholesale is between sellers and recruiters."""

    buyers: Table
    sellers: Table
    cards: CardTable
    goods: Goods
    wholesale: bool = False

    @property
    def draw(self) -> int:
        """What tells the random numbers of this level from those of the others."""
        return 2 * self.goods + self.wholesale

    @property
    def shelf(self) -> Status:
        """Where the cards for sale are."""
        return Status.RECRUITER_STOCK if self.wholesale else Status.DEALER_STOCK


@dataclass(frozen=True)
class Trades:
    """Trades as arrays (n): rows of buyer and seller, price of a card in yuan, number of cards."""

    buyer: np.ndarray
    seller: np.ndarray
    price: np.ndarray
    cards: np.ndarray

    @property
    def fen(self) -> np.ndarray:
        """Money that changes hands, fen, int64 (n)."""
        return np.asarray(arrays.fen(self.price) * self.cards)

    def paid(self, buyer: np.ndarray) -> np.ndarray:
        """What each of some cards cost the buyer who has it now, fen, int64 (cards)."""
        price = np.zeros(1 + int(self.buyer.max(initial=0)))
        price[self.buyer] = self.price
        return arrays.fen(price[buyer])


class Market:
    """Trade between two levels of the chain, once a day."""

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.sharpness = p.number("market.sharpness")
        self.transit_loss = p.number("market.transit_loss")
        self.price_memory = p.number("gangs.price_memory")

    def wholesale(self) -> None:
        """Phase 4: sellers buy sets from recruiters."""
        m = self.model
        self._trade(Level(m.dealers, m.dealers, m.accounts, Goods.ACCOUNTS, wholesale=True))

    def retail(self) -> None:
        """Phase 6: gangs buy sets and phone cards from sellers; what was bought earlier arrives."""
        m = self.model
        self._arrive()
        self._trade(Level(m.gangs, m.dealers, m.accounts, Goods.ACCOUNTS))
        self._trade(Level(m.gangs, m.dealers, m.sims, Goods.SIMS))

    def _trade(self, level: Level) -> None:
        buyers, m = level.buyers, self.model
        waiting = (buyers.alive == 1) & (buyers.order[:, level.goods] > 0) & (buyers.low_until <= m.day)
        rows = np.flatnonzero(waiting)
        if len(rows):
            trades = self._serve(level, self._visit(level, rows))
            if len(trades.buyer):
                self._settle(level, trades)

    def _visit(self, level: Level, rows: np.ndarray) -> Trades:
        """Each buyer asks one contact, who hears of the need; ``cards`` are those wanted and affordable."""
        m, goods, buyers, sellers = self.model, level.goods, level.buyers, level.sellers
        contacts = buyers.contacts[rows]
        known = np.maximum(contacts, 0)
        ask = sellers.ask[known, goods]
        at_work = (sellers.alive == 1) & (sellers.low_until <= m.day)
        reachable = (contacts >= 0) & at_work[known] & (ask <= buyers.bid[rows, goods][:, None])
        stocked = reachable & (m.stocks.dealer_stock[known, goods] > 0)
        reachable = np.where(stocked.any(axis=1)[:, None], stocked, reachable)
        u = m.keyed.uniform(Process.SELLER_CHOICE, m.day, buyers.key[rows], level.draw)
        column = choose_seller(ask, reachable, self.sharpness, u)
        found = column >= 0
        rows, column = rows[found], column[found]
        seller = contacts[found, column].astype(np.int64)
        price = ask[found, column]
        np.add.at(sellers.wanted[:, goods], seller, buyers.fresh_need[rows, goods])
        buyers.fresh_need[rows, goods] = 0.0
        return Trades(rows, seller, price, self._affordable(level, rows, price))

    def _affordable(self, level: Level, rows: np.ndarray, price: np.ndarray) -> np.ndarray:
        """Cards wanted and paid for from cash; sellers buy from recruiters on account."""
        wanted: np.ndarray = level.buyers.order[rows, level.goods]
        if level.wholesale:
            return wanted
        affordable = np.maximum(level.buyers.cash[rows], 0) // np.maximum(arrays.fen(price), 1)
        return np.asarray(np.minimum(wanted, affordable))

    def _serve(self, level: Level, visits: Trades) -> Trades:
        """Sellers serve who came, in a keyed queue, until the shelf is empty; only those who got cards."""
        m = self.model
        place = m.keyed.uniform(Process.QUEUE, m.day, level.buyers.key[visits.buyer], 10 + level.draw)
        queue = np.lexsort((place, visits.seller))
        stock = m.stocks.dealer_stock[:, level.goods].copy()
        filled = np.zeros(len(visits.buyer), dtype=np.int64)
        match(queue, visits.seller, visits.cards, stock, filled)
        m.stocks.dealer_stock[:, level.goods] = stock
        done = queue[filled[queue] > 0]
        return Trades(visits.buyer[done], visits.seller[done], visits.price[done], filled[done])

    def _settle(self, level: Level, trades: Trades) -> None:
        """Hand over the cards and the money, remember costs and prices; trades are sorted by seller."""
        sellers, cards, fen = level.sellers, level.cards, trades.fen
        np.subtract.at(level.buyers.cash, trades.buyer, fen)
        np.add.at(sellers.cash, trades.seller, fen)
        np.add.at(sellers.supplied[:, level.goods], trades.seller, trades.cards.astype(np.float64))
        np.add.at(sellers.sold, trades.seller, trades.cards)
        if level.goods == Goods.ACCOUNTS:
            sellers.paid[trades.seller] = trades.price
        level.buyers.order[trades.buyer, level.goods] -= trades.cards
        start = np.searchsorted(trades.seller, np.arange(sellers.n + 1))
        target = np.empty(cards.n, dtype=np.int64)
        hand_over(
            cards.status, cards.dealer, int(level.shelf), start, trades.buyer, trades.cards.copy(), target
        )
        moved = np.flatnonzero(target >= 0)
        if level.wholesale:
            self._restock(trades, moved, target[moved])
        else:
            self._ship(level, trades, moved, target[moved])

    def _restock(self, trades: Trades, moved: np.ndarray, buyer: np.ndarray) -> None:
        """Wholesale: cards go to the seller's shelf; the seller's cost is what it last paid."""
        m = self.model
        m.dealers.cost[trades.buyer, Goods.ACCOUNTS] = trades.price
        np.add.at(m.stocks.dealer_stock[:, Goods.ACCOUNTS], trades.buyer, trades.cards)
        m.accounts.move(moved, Status.DEALER_STOCK, m.day)
        m.accounts.dealer[moved] = buyer
        ones = np.ones(len(moved), dtype=np.int64)
        m.recorder.price("price_dealer_yuan", m.accounts.region_open[moved], trades.paid(buyer), ones)

    def _ship(self, level: Level, trades: Trades, moved: np.ndarray, buyer: np.ndarray) -> None:
        """Retail: cards travel to the gang; its money goes to the dealers' account."""
        m, g, cards = self.model, self.model.gangs, level.cards
        m.ledger.pay(Account.GANGS, Account.DEALERS, int(trades.fen.sum()))
        np.add.at(g.week_cost, trades.buyer, trades.fen)
        cards.move(moved, Status.IN_TRANSIT, m.day)
        cards.gang[moved] = buyer
        if level.goods == Goods.SIMS:
            m.recorder.count("sims_bought", g.region[buyer])
            return
        seen = g.price_seen[trades.buyer]
        g.price_seen[trades.buyer] = seen + self.price_memory * (trades.price - seen)
        ones = np.ones(len(moved), dtype=np.int64)
        m.recorder.price("price_gang_yuan", cards.region_open[moved], trades.paid(buyer), ones)
        m.recorder.count("orders_filled", g.region[buyer])

    def _arrive(self) -> None:
        """Cards reach the gang after its days of transit; a few are seized on the way."""
        m = self.model
        for cards in (m.accounts, m.sims):
            rows = np.flatnonzero(cards.status == Status.IN_TRANSIT)
            rows = rows[m.day - cards.moved[rows] >= m.gangs.transit_days[cards.gang[rows]]]
            if len(rows):
                abroad = m.gangs.region[cards.gang[rows]] == m.regions.abroad
                left = (1.0 - self.transit_loss) * (1.0 - m.policy.transit_loss_abroad * abroad)
                seized = m.keyed.uniform(Process.TRANSIT, m.day, cards.key[rows]) < 1.0 - left
                cards.move(rows[seized], Status.SEIZED, m.day)
                cards.move(rows[~seized], Status.GANG_STOCK, m.day)
