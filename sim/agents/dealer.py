"""Dealers (card sellers): cells that gather cards from openers and sell them up the chain.

Recruiters pay openers and sell wholesale; sellers buy wholesale and sell sets and phone cards to gangs.  Each
week a dealer moves its prices by what was wanted and what was there, never below what replacement and risk
cost it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.agents.row import Column, RowAgent
from sim.agents.rules import MAX_CONTACTS
from sim.kernels.dealers import move_asks, move_wages, order_stock, weigh_dealers_risk
from sim.random import Process

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

RECRUITER, SELLER = 0, 1
LIE_LOW, STOCK_LEVEL = int(Process.LIE_LOW), int(Process.STOCK_LEVEL)

COLUMNS: dict[str, Any] = {
    "key": np.uint64,
    "alive": np.uint8,
    "own_rule": np.uint8,
    "weekday": np.uint8,
    "tier": np.uint8,
    "region": np.uint8,
    "fitness": np.float64,
    "efficiency": np.float64,
    "penalty": np.float64,
    "cash": np.int64,
    "ask": (np.float64, 2),
    "cost": (np.float64, 2),
    "wage": np.float64,
    "paid": np.float64,
    "cover": np.float64,
    "need": (np.float64, 2),
    "wanted": (np.float64, 2),
    "supplied": (np.float64, 2),
    "order": (np.int64, 2),
    "fresh_need": (np.float64, 2),
    "bid": (np.float64, 2),
    "sets_needed": np.int64,
    "sets_got": np.int64,
    "got": np.float64,
    "risk_seen": (np.float64, 2),
    "low_until": np.int32,
    "entered": np.int32,
    "sold": np.int64,
    "contacts": (np.int32, MAX_CONTACTS),
}
"""What is known of a dealer; columns of two are by goods (`Goods`).

``key``: what its random numbers are drawn by; ``alive``: 1 while it is in the trade; ``own_rule``: 1 where a
subclass decides for it; ``weekday``: the day of its week on which it decides; ``tier``: 0 recruiter, 1
seller; ``region``: where it works; ``fitness``: how well connected it becomes (4.15); ``efficiency``: 1 for a
cell that knows its trade, less for a new one (4.3); ``penalty``: its own cost of a removal, yuan; ``cash``:
fen; ``ask``: price asked, yuan; ``cost``: what the goods last cost it, yuan; ``wage``: what a recruiter pays
an opener for a set, yuan; ``paid``: last price of a set sold, yuan; ``cover``: weeks of need that its stock
is to last; ``need``: remembered need that reached it a week; ``wanted`` and ``supplied``: cards asked for and
sold this week; ``order``: cards it wants to buy and has not bought; ``fresh_need``: need that nobody up the
chain has heard of yet; ``bid``: most it pays, yuan; ``sets_needed`` and ``sets_got``: sets that a recruiter
wants from openers this week and has got; ``got``: remembered sets a week from openers; ``risk_seen``:
removals and survivals of peers that it has heard of (4.9); ``low_until``: day until which it lies low;
``entered``: day on which it came; ``sold``: cards sold so far; ``contacts``: rows of the recruiters that a
seller knows, -1 where there is none.
"""


class Dealer(RowAgent):
    """A card-selling cell: a recruiter or a seller."""

    tier = Column("tier", "0 recruiter, 1 seller.")
    cash = Column("cash", "Cash, fen.")
    wage = Column("wage", "Wage a recruiter pays for each set, yuan.")
    region = Column("region", "Number of the region.")
    low_until = Column("low_until", "Day until which the dealer lies low.")

    @classmethod
    def decide_rows(cls, model: FraudSupplyChain, rows: np.ndarray) -> None:
        """Weigh the risk, move prices and wage, order stock."""
        rules = model.dealer_rules
        rules.weigh_risk(rows)
        rules.move_prices(rows)
        rules.move_wage(rows)
        rules.order(rows)


class DealerRules:
    """The weekly rules of dealers, as arrays over the dealers that decide today.

    ``handling``: yuan a set that a recruiter and a seller add to what it costs them.
    """

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.speed = p.number("market.price_speed")
        self.limit = p.number("market.price_limit")
        self.wage_speed = p.number("market.wage_speed")
        self.wage_floor = p.number("market.wage_floor")
        self.handling = np.array([p.number("market.recruiter_handling"), p.number("market.seller_handling")])
        self.sim_handling = p.number("market.sim_handling")
        self.memory = p.number("dealers.need_memory")
        self.safety = p.number("dealers.safety_stock")
        self.unplaced = p.number("market.unplaced_memory")
        self.idle = p.number("market.idle_sales")
        self.low_weight = p.number("dealers.lie_low_weight")
        self.low_impulse = p.number("dealers.lie_low_impulse")
        self.low_days = int(p.number("dealers.lie_low_days"))
        self.belief_decay = p.number("beliefs.decay")
        self.peers = p.number("beliefs.peers")
        self.learning = p.number("dealers.efficiency_gain")
        self.turnover_floor = p.number("dealers.turnover_floor")

    def weigh_risk(self, rows: np.ndarray) -> None:
        """Belief from what befell peers of the region (4.9); lie low by it and by the public impulse.

        A dealer lies low with probability 1 - exp(-weight x belief - weight' x impulse). A new cell learns
        its trade: e' = e + k (1 - e) a week (4.3).
        """
        d, m = self.model.dealers, self.model
        weigh_dealers_risk(
            rows,
            m.keyed.key,
            LIE_LOW,
            m.day,
            d.key,
            d.region,
            d.risk_seen,
            d.low_until,
            d.efficiency,
            m.signals.dealer_removal,
            self.peers,
            self.belief_decay,
            m.adapts("lying_low"),
            self.low_weight,
            self.low_impulse * m.signals.public_risk,
            self.low_days,
            self.learning,
        )

    def move_prices(self, rows: np.ndarray) -> None:
        """Log P' = log P + speed (D - S)/(D + S), at most ``limit`` a week (equation 4.8).

        D is the new need that reached this dealer, never reissued orders, as it remembers it; S what it had
        to sell. A dealer who hears of less need than ``idle`` sets a week comes down, to no less than
        replacement and risk cost it (equation 4.1): the penalty of a removal is spread over the sets sold in
        the weeks between removals, so the loss probability per set is the weekly risk over weekly sales.
        """
        d, m = self.model.dealers, self.model
        move_asks(
            rows,
            RECRUITER,
            d.tier,
            d.ask,
            d.need,
            d.wanted,
            d.supplied,
            m.stocks.dealer_stock,
            d.cost,
            d.wage,
            d.penalty,
            d.risk_seen,
            self.memory,
            self.idle,
            self.speed,
            self.limit,
            self.turnover_floor,
            self.handling,
            self.sim_handling,
        )

    def move_wage(self, rows: np.ndarray) -> None:
        """A recruiter raises the wage while fewer sets come in than it sells and lacks on the shelf.

        It never pays more than its last sale left after handling: a wage that no buyer covers would lift the
        ask by equation 4.1, and the ask the wage, without end.
        """
        d, m = self.model.dealers, self.model
        move_wages(
            rows,
            RECRUITER,
            d.tier,
            d.wage,
            d.got,
            d.sets_got,
            d.need,
            d.cover,
            d.paid,
            m.stocks.dealer_stock,
            self.memory,
            self.safety,
            self.wage_speed,
            self.limit,
            float(self.handling[RECRUITER]),
            self.wage_floor,
        )

    def order(self, rows: np.ndarray) -> None:
        """Base-stock orders from the remembered need (equation 4.7).

        Order = efficiency (of sellers) x (cover x need + safety stock) - shelf; a recruiter's is what openers
        are asked for.
        """
        d, m = self.model.dealers, self.model
        order_stock(
            rows,
            m.keyed.key,
            STOCK_LEVEL,
            m.day,
            RECRUITER,
            d.key,
            d.tier,
            d.efficiency,
            d.cover,
            d.low_until,
            d.need,
            d.wanted,
            d.supplied,
            d.fresh_need,
            d.order,
            d.sets_needed,
            d.ask,
            d.bid,
            m.stocks.dealer_stock,
            self.memory,
            self.safety,
            self.unplaced,
            float(self.handling[SELLER]),
        )
