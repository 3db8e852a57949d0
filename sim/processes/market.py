"""Phases 4 and 6: sellers restock from recruiters, gangs buy from sellers, cards travel.

Buyers reach their contacts only.  Each day a buyer with an open order goes to one contact that has cards,
more likely a cheap one; sellers serve those who came, in a keyed queue, until the shelf is empty; the rest go
home with nothing, and so does a buyer none of whose contacts has any: that need still counts with the one it
asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from sim.kernels.trade import arrive, trade
from sim.random import Process
from sim.world.cards import CardTable
from sim.world.codes import Goods, Status
from sim.world.ledger import Account
from sim.world.table import Table

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

# Plain numbers for the inner loops: an enumeration is slow to index by and slower to hand to a kernel.
ACCOUNTS, SIMS = int(Goods.ACCOUNTS), int(Goods.SIMS)
IN_TRANSIT = int(Status.IN_TRANSIT)
CHOICE, QUEUE, TRANSIT = int(Process.SELLER_CHOICE), int(Process.QUEUE), int(Process.TRANSIT)


@dataclass(frozen=True)
class Level:
    """One level of trade: who buys what from whom.

    ``shelf``: status of the cards for sale; ``on_account``: whether buyers pay when they have sold;
    ``draw``: what tells the random numbers of this level from those of the others.
    """

    buyers: Table
    sellers: Table
    cards: CardTable
    goods: int
    shelf: int
    draw: int
    on_account: bool = False


class Trades(NamedTuple):
    """Trades as arrays (n), and the cards (c) that change hands in them.

    Rows of ``buyer`` and ``seller``, ``price`` of a card in yuan, number of ``cards``, ``fen`` a card;
    ``rows`` of the cards, ``of`` the trade of each.
    """

    buyer: np.ndarray
    seller: np.ndarray
    price: np.ndarray
    cards: np.ndarray
    fen: np.ndarray
    rows: np.ndarray
    of: np.ndarray


class Market:
    """Trade between two levels of the chain, once a day."""

    given: ClassVar[tuple[str, ...]] = ("_wholesale", "_sets", "_phone_cards")

    def __init__(self, model: FraudSupplyChain) -> None:
        p, m = model.parameters, model
        self.model = model
        self.sharpness = p.number("market.sharpness")
        self.transit_loss = p.number("market.transit_loss")
        self.price_memory = p.number("gangs.price_memory")
        recruiters, sellers = int(Status.RECRUITER_STOCK), int(Status.DEALER_STOCK)
        self._wholesale = Level(m.dealers, m.dealers, m.accounts, ACCOUNTS, recruiters, 1, on_account=True)
        self._sets = Level(m.gangs, m.dealers, m.accounts, ACCOUNTS, sellers, 0)
        self._phone_cards = Level(m.gangs, m.dealers, m.sims, SIMS, sellers, 2)

    def wholesale(self) -> None:
        """Phase 4: sellers buy sets from recruiters."""
        if trades := self._trade(self._wholesale):
            self._restock(trades)

    def retail(self) -> None:
        """Phase 6: gangs buy sets and phone cards from sellers; what was bought earlier arrives."""
        self._arrive()
        for level in (self._sets, self._phone_cards):
            if trades := self._trade(level):
                self._ship(level, trades)

    def _trade(self, level: Level) -> Trades | None:
        """Buyers visit, sellers serve, cards are handed over; None where nobody bought anything (4.7).

        A buyer goes to one of the contacts whose ask it can meet, with probability proportional to
        ask^-sharpness.
        """
        m, b, s, cards = self.model, level.buyers, level.sellers, level.cards
        made = trade(
            m.keyed.key,
            CHOICE,
            QUEUE,
            m.day,
            level.draw,
            level.goods,
            self.sharpness,
            level.on_account,
            b.alive,
            b.low_until,
            b.key,
            b.cash,
            b.order,
            b.bid,
            b.contacts,
            b.fresh_need,
            s.alive,
            s.low_until,
            s.cash,
            s.ask,
            s.wanted,
            s.supplied,
            s.sold,
            m.stocks.dealer_stock,
            cards.status,
            cards.dealer,
            level.shelf,
        )
        if not len(made[0]):
            return None
        trades = Trades(*made)
        if level.goods == ACCOUNTS:
            s.paid[trades.seller] = trades.price
        return trades

    def _restock(self, trades: Trades) -> None:
        """Wholesale: cards go to the seller's shelf; the seller's cost is what it last paid."""
        m, buyer = self.model, trades.buyer
        m.dealers.cost[buyer, ACCOUNTS] = trades.price
        m.stocks.dealer_stock[buyer, ACCOUNTS] += trades.cards
        m.accounts.move(trades.rows, Status.DEALER_STOCK, m.day)
        m.accounts.dealer[trades.rows] = buyer[trades.of]
        self._quote("price_dealer_yuan", trades)

    def _ship(self, level: Level, trades: Trades) -> None:
        """Retail: cards travel to the gang; its money goes to the dealers' account."""
        m, g, buyer = self.model, self.model.gangs, trades.buyer
        spent = trades.fen * trades.cards
        m.ledger.pay(Account.GANGS, Account.DEALERS, int(spent.sum()))
        g.week_cost[buyer] += spent
        level.cards.move(trades.rows, Status.IN_TRANSIT, m.day)
        level.cards.gang[trades.rows] = buyer[trades.of]
        if level.goods == SIMS:
            m.recorder.count("sims_bought", g.region[buyer], trades.cards)
            return
        seen = g.price_seen[buyer]
        g.price_seen[buyer] = seen + self.price_memory * (trades.price - seen)
        self._quote("price_gang_yuan", trades)
        m.recorder.count("orders_filled", g.region[buyer], trades.cards)

    def _quote(self, name: str, trades: Trades) -> None:
        """Note what sets sold for, where they were opened."""
        m = self.model
        each = np.ones(len(trades.rows), dtype=np.int64)
        m.recorder.price(name, m.accounts.region_open[trades.rows], trades.fen[trades.of], each)

    def _arrive(self) -> None:
        """Cards reach the gang after its days of transit; a few are seized on the way."""
        m, g = self.model, self.model.gangs
        passes = 1.0 - self.transit_loss
        passes_abroad = passes * (1.0 - m.policy.transit_loss_abroad)
        for cards in (m.accounts, m.sims):
            here, seized = arrive(
                m.keyed.key,
                TRANSIT,
                m.day,
                cards.status,
                cards.gang,
                cards.moved,
                cards.key,
                IN_TRANSIT,
                g.transit_days,
                g.region,
                m.regions.abroad,
                passes,
                passes_abroad,
            )
            cards.move(seized, Status.SEIZED, m.day)
            cards.move(here, Status.GANG_STOCK, m.day)
