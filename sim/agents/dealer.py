"""Dealers (card sellers): cells that gather cards from openers and sell them up the chain.

Recruiters pay openers and sell wholesale; sellers buy wholesale and sell sets and phone cards to gangs.  Each
week a dealer moves its prices by what was wanted and what was there, never below what replacement and risk
cost it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.agents.row import Column, RowAgent
from sim.agents.rules import MAX_CONTACTS, update_belief
from sim.random import Process
from sim.world.codes import Goods

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

RECRUITER, SELLER = 0, 1

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
        rules.move_wage(rows[model.dealers.tier[rows] == RECRUITER])
        rules.order(rows)


class DealerRules:
    """The weekly rules of dealers, as arrays over the dealers that decide today."""

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
        """Belief from what befell peers of the region (4.9); lie low by it and by the public impulse."""
        d, m = self.model.dealers, self.model
        update_belief(
            d.risk_seen, rows, m.signals.dealer_removal[d.region[rows]], self.peers, self.belief_decay
        )
        chance = -np.expm1(-self.low_weight * self.belief(rows) - self.low_impulse * m.signals.public_risk)
        hides = m.keyed.uniform(Process.LIE_LOW, m.day, d.key[rows], 1) < chance * m.adapts("lying_low")
        d.low_until[rows[hides]] = m.day + self.low_days
        d.efficiency[rows] += self.learning * (1.0 - d.efficiency[rows])

    def belief(self, rows: np.ndarray) -> np.ndarray:
        """Believed probability of removal within a week."""
        seen = self.model.dealers.risk_seen[rows]
        return np.asarray(seen[:, 0] / seen.sum(axis=1))

    def floor(self, rows: np.ndarray) -> np.ndarray:
        """Lowest ask for a set, yuan: replacement cost and risk, P = c + theta (c + F) (equation 4.1).

        The penalty of a removal is spread over the sets sold in the weeks between removals: the loss
        probability per set is the weekly risk over weekly sales.
        """
        d = self.model.dealers
        sales = np.maximum(d.need[rows, Goods.ACCOUNTS], self.turnover_floor)
        q = np.minimum(self.belief(rows) / sales, 0.5)
        cost = np.where(d.tier[rows] == RECRUITER, d.wage[rows], d.cost[rows, Goods.ACCOUNTS])
        cost = cost + self.handling[d.tier[rows]]
        return np.asarray(cost + q / (1.0 - q) * (cost + d.penalty[rows]))

    def move_prices(self, rows: np.ndarray) -> None:
        """Log P' = log P + speed (D - S)/(D + S), at most ``limit`` a week (equation 4.8).

        D is the new need that reached this dealer, never reissued orders, as it remembers it; S what it had
        to sell. A dealer who hears of less need than ``idle`` sets a week comes down.
        """
        d, m = self.model.dealers, self.model
        wanted = d.need[rows] + self.memory * (d.wanted[rows] - d.need[rows])
        supply = d.supplied[rows] + m.stocks.dealer_stock[rows] + self.idle
        total = wanted + supply
        pull = np.divide(wanted - supply, total, out=np.zeros_like(total), where=total > 0.0)
        step = np.clip(self.speed * pull, -self.limit, self.limit)
        floors = np.column_stack([self.floor(rows), d.cost[rows, Goods.SIMS] + self.sim_handling])
        d.ask[rows] = np.maximum(d.ask[rows] * np.exp(step), floors)

    def move_wage(self, rows: np.ndarray) -> None:
        """A recruiter raises the wage while fewer sets come in than it sells and lacks on the shelf.

        It never pays more than its last sale left after handling: a wage that no buyer covers would lift the
        ask by equation 4.1, and the ask the wage, without end.
        """
        d, m = self.model.dealers, self.model
        d.got[rows] += self.memory * (d.sets_got[rows] - d.got[rows])
        d.sets_got[rows] = 0
        need = d.need[rows, Goods.ACCOUNTS]
        shelf = m.stocks.dealer_stock[rows, Goods.ACCOUNTS]
        lacking = (need * d.cover[rows] + self.safety - shelf) * self.memory
        desired, got = np.maximum(need + lacking, 0.0), d.got[rows]
        total = desired + got
        pull = np.divide(desired - got, total, out=np.zeros_like(total), where=total > 0.0)
        wage = d.wage[rows] * np.exp(np.clip(self.wage_speed * pull, -self.limit, self.limit))
        most = np.maximum(d.paid[rows] - self.handling[RECRUITER], self.wage_floor)
        d.wage[rows] = np.clip(wage, self.wage_floor, most)

    def order(self, rows: np.ndarray) -> None:
        """Base-stock orders from the remembered need (equation 4.7)."""
        d, m = self.model.dealers, self.model
        wanted = d.wanted[rows]
        d.need[rows] += self.memory * (wanted - d.need[rows])
        efficiency = np.where(d.tier[rows] == SELLER, d.efficiency[rows], 1.0)[:, None]
        level = efficiency * (d.need[rows] * d.cover[rows][:, None] + self.safety)
        target = [m.keyed.rounded(Process.STOCK_LEVEL, 0, d.key[rows], level[:, k], 1 + k) for k in Goods]
        gap = np.maximum(np.column_stack(target) - m.stocks.dealer_stock[rows], 0)
        gap[d.low_until[rows] > m.day] = 0
        recruiter = d.tier[rows] == RECRUITER
        d.sets_needed[rows] = np.where(recruiter, gap[:, Goods.ACCOUNTS], 0)
        d.order[rows] = np.where(recruiter[:, None], 0, gap)
        d.fresh_need[rows] = np.where(recruiter[:, None], 0.0, self.unplaced * d.fresh_need[rows] + wanted)
        d.bid[rows, Goods.ACCOUNTS] = np.maximum(d.ask[rows, Goods.ACCOUNTS] - self.handling[SELLER], 0.0)
        d.wanted[rows] = 0.0
        d.supplied[rows] = 0.0
