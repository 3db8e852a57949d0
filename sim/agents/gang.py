"""Gangs: crews that defraud and buy cards.  Each week they learn, order, choose channels, weigh the risk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.agents.row import Column, RowAgent
from sim.agents.rules import MAX_CONTACTS, softmax, update_belief
from sim.random import Process
from sim.world.codes import Channel, Goods

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

METHODS = 3

COLUMNS: dict[str, Any] = {
    "key": np.uint64,
    "alive": np.uint8,
    "own_rule": np.uint8,
    "weekday": np.uint8,
    "region": np.uint8,
    "staff": np.int32,
    "skill": np.float64,
    "method_mix": (np.float64, METHODS),
    "cash": np.int64,
    "cover": np.float64,
    "need": (np.float64, 2),
    "wanted_uses": np.float64,
    "order": (np.int64, 2),
    "fresh_need": (np.float64, 2),
    "bid": (np.float64, 2),
    "price_seen": np.float64,
    "use_cap": np.int64,
    "voip": np.float64,
    "own_left": np.float64,
    "attraction": (np.float64, len(Channel)),
    "experience": np.float64,
    "mix": (np.float64, len(Channel)),
    "tried": (np.float64, len(Channel)),
    "earned": (np.float64, len(Channel)),
    "risk_seen": (np.float64, 2),
    "low_until": np.int32,
    "cases": np.int64,
    "entered": np.int32,
    "offshoots": np.int64,
    "week_income": np.int64,
    "week_cost": np.int64,
    "profit": np.float64,
    "contacts": (np.int32, MAX_CONTACTS),
    "transit_days": np.int32,
}


class Gang(RowAgent):
    """A fraud gang.  Override :meth:`decide` to replace its rule; call ``super().decide()`` to extend it."""

    staff = Column("staff", "Persons at work.")
    skill = Column("skill", "Take of a case relative to the mean.")
    cash = Column("cash", "Cash, fen.")
    use_cap = Column("use_cap", "Uses after which a card is thrown away.")
    low_until = Column("low_until", "Day until which the gang lies low.")
    cases_done = Column("cases", "Cases so far.")
    region = Column("region", "Number of the home region; the last number is abroad.")

    @property
    def belief(self) -> float:
        """Believed probability of being broken up within a week (equation 4.9)."""
        seen, unseen = self.table.risk_seen[self.row]
        return float(seen / (seen + unseen))

    def lie_low(self, days: int) -> None:
        """Neither defraud nor buy for ``days`` days from today."""
        self.low_until = self.model.day + days

    @classmethod
    def decide_rows(cls, model: FraudSupplyChain, rows: np.ndarray) -> None:
        """Learn from the week, choose channels, set the use cap, orders and bids, and lie low or not."""
        rules = model.gang_rules
        rules.learn(rows)
        rules.choose_cap(rows)
        rules.order(rows)
        rules.weigh_risk(rows)


class GangRules:
    """The weekly rules of gangs, as arrays over the gangs that decide today."""

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.uses_per_case = p.number("gangs.uses_per_case")
        self.cap_min = int(p.number("gangs.use_cap_min"))
        self.cap_max = int(p.number("gangs.use_cap_max"))
        self.value_share = p.number("market.value_share")
        self.sim_value = p.number("market.sim_value_factor")
        self.memory = p.number("gangs.need_memory")
        self.safety = p.number("gangs.safety_stock")
        self.unplaced = p.number("market.unplaced_memory")
        self.ewa = tuple(p.number(f"gangs.ewa_{n}") for n in ("phi", "rho", "delta", "lambda"))
        self.fees = np.array(
            [
                0.0,
                p.number("channels.own_cost"),
                p.number("channels.corporate_fee"),
                p.number("channels.points_fee"),
            ]
        )
        self.calls = p.number("gangs.contacts_per_staff")
        self.calls_per_sim = p.number("gangs.contacts_per_sim")
        self.voip_weeks = p.number("channels.voip_weeks")
        self.voip_start = p.number("channels.voip_share")
        self.voip_decline = p.number("channels.voip_decline")
        self.low_weight = p.number("gangs.lie_low_weight")
        self.low_days = int(p.number("gangs.lie_low_days"))
        self.belief_decay = p.number("beliefs.decay")
        self.peers = p.number("beliefs.peers")

    def expected_uses(self, cap: np.ndarray) -> np.ndarray:
        """Expected uses of a card under a cap m (equation 4.6), by the detection that gangs observe."""
        q = self.model.signals.detection
        return (1.0 - (1.0 - q) ** cap) / q

    def learn(self, rows: np.ndarray) -> None:
        """Update the attraction of each channel by experience-weighted learning (equation 4.5)."""
        g, (phi, rho, delta, lam) = self.model.gangs, self.ewa
        tried, earned = g.tried[rows], g.earned[rows]
        used = tried > 0.0
        realised = np.divide(earned, tried, out=np.zeros_like(earned), where=used)
        posted = self._posted(rows)
        payoff = np.where(used, realised, delta * posted)
        before = g.experience[rows]
        after = rho * before + 1.0
        attraction = (phi * before[:, None] * g.attraction[rows] + payoff) / after[:, None]
        g.attraction[rows], g.experience[rows] = attraction, after
        g.mix[rows] = softmax(lam * attraction)
        g.tried[rows] = 0.0
        g.earned[rows] = 0.0

    def _posted(self, rows: np.ndarray) -> np.ndarray:
        """Payoff per yuan of take that each channel promises by its posted price, float64 (n, channels)."""
        g, m = self.model.gangs, self.model
        take = m.take_yuan * g.skill[rows]
        sets = self.uses_per_case / self.expected_uses(g.use_cap[rows])
        promised = np.broadcast_to(1.0 - m.signals.frozen_share - self.fees, (len(rows), len(Channel))).copy()
        promised[:, Channel.BOUGHT] -= g.price_seen[rows] * sets / take
        return promised

    def choose_cap(self, rows: np.ndarray) -> None:
        """Raise the use cap while one more use saves more than it risks, else lower it (equation 4.6)."""
        g, q = self.model.gangs, self.model.signals.detection
        saved = g.price_seen[rows] / self.expected_uses(g.use_cap[rows])
        at_risk = self.model.take_yuan * g.skill[rows] / self.uses_per_case
        step = np.where((1.0 - q) * saved - q * at_risk >= 0.0, 1, -1)
        g.use_cap[rows] = np.clip(g.use_cap[rows] + step, self.cap_min, self.cap_max)

    def order(self, rows: np.ndarray) -> None:
        """Order up to the cover of expected need, and bid up to a share of a card's value (4.7, 4.8)."""
        g, m = self.model.gangs, self.model
        self._order_accounts(rows)
        self._order_sims(rows)
        uses = self.expected_uses(g.use_cap[rows])
        take = m.take_yuan * g.skill[rows] * (1.0 - m.signals.frozen_share)
        g.bid[rows, Goods.ACCOUNTS] = self.value_share * uses * take / self.uses_per_case
        g.bid[rows, Goods.SIMS] = self.sim_value * take

    def _order_accounts(self, rows: np.ndarray) -> None:
        g, m = self.model.gangs, self.model
        sets = g.wanted_uses[rows] / self.expected_uses(g.use_cap[rows])
        g.wanted_uses[rows] = 0.0
        need = g.need[rows, Goods.ACCOUNTS]
        need = need + self.memory * (sets - need)
        g.need[rows, Goods.ACCOUNTS] = need
        level = self.safety + need * g.cover[rows] * (1.0 + m.signals.hoarding)
        target = m.keyed.rounded(Process.STOCK_LEVEL, 0, g.key[rows], level)
        self._place(rows, Goods.ACCOUNTS, sets, target - m.stocks.held[rows, Goods.ACCOUNTS])

    def _order_sims(self, rows: np.ndarray) -> None:
        """Phone cards: replace what the week cost; internet telephony closes part of what is missing."""
        g, m = self.model.gangs, self.model
        capacity = g.staff[rows] * self.calls
        in_use = m.stocks.active[rows, Goods.SIMS]
        missing = np.maximum(capacity - g.voip[rows] - in_use * self.calls_per_sim, 0.0)
        floor = self.voip_start * capacity
        grown = (
            g.voip[rows]
            + missing / self.voip_weeks
            - self.voip_decline * np.maximum(g.voip[rows] - floor, 0.0)
        )
        g.voip[rows] = np.clip(grown, floor, capacity)
        want = np.ceil(np.maximum(capacity - g.voip[rows], 0.0) / self.calls_per_sim)
        lost = want * m.signals.sim_loss_per_week
        target = want + np.ceil(lost * g.cover[rows] * (1.0 + m.signals.hoarding))
        self._place(rows, Goods.SIMS, lost, target - m.stocks.held[rows, Goods.SIMS] - in_use)

    def _place(self, rows: np.ndarray, kind: int, need: np.ndarray, gap: np.ndarray) -> None:
        """Put the gap to the target on order; remember the need that is new (half of last week's fades)."""
        g, m = self.model.gangs, self.model
        order = np.maximum(gap, 0).astype(np.int64)
        if kind == Goods.ACCOUNTS:
            m.recorder.count("orders", g.region[rows], np.maximum(order - g.order[rows, kind], 0))
            needed = m.keyed.rounded(Process.ROUNDING, m.day, g.key[rows], need)
            m.recorder.count("sets_needed", g.region[rows], needed)
        g.order[rows, kind] = order
        g.fresh_need[rows, kind] = self.unplaced * g.fresh_need[rows, kind] + need

    def weigh_risk(self, rows: np.ndarray) -> None:
        """Update the belief about being broken up from what befell peers; lie low by it (equation 4.9)."""
        g, m = self.model.gangs, self.model
        share = m.signals.gang_removal[g.region[rows]]
        update_belief(g.risk_seen, rows, share, self.peers, self.belief_decay)
        belief = g.risk_seen[rows, 0] / g.risk_seen[rows].sum(axis=1)
        chance = -np.expm1(-self.low_weight * belief)
        hides = m.keyed.uniform(Process.LIE_LOW, m.day, g.key[rows]) < chance
        g.low_until[rows[hides]] = m.day + self.low_days
