"""Gangs: crews that defraud and buy cards.  Each week they learn, order, choose channels, weigh the risk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.agents.row import Column, RowAgent
from sim.agents.rules import MAX_CONTACTS, softmax, update_belief
from sim.random import Process
from sim.world.codes import POOLS, Channel, Goods

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

METHODS = 3
CONTACTS = ("voip", "messaging")
"""Means of contact without a card, columns of the table: internet telephony, messaging apps."""

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
    "messaging": np.float64,
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
        self.fees = np.zeros(len(Channel))
        self.fees[Channel.OWN] = p.number("channels.own_cost")
        self.freeze_factor = np.ones(len(Channel))
        self.freeze_factor[Channel.OWN] = p.number("channels.own_freeze_factor")
        for kind in POOLS:
            self.fees[kind] = p.number(f"channels.{kind.label}_fee")
            self.freeze_factor[kind] = p.number(f"channels.{kind.label}_freeze_factor")
        self.calls = p.number("gangs.contacts_per_staff")
        self.calls_per_sim = p.number("gangs.contacts_per_sim")
        self.contact_start = {name: p.number(f"channels.{name}_share") for name in CONTACTS}
        self.contact_weeks = {name: p.number(f"channels.{name}_weeks") for name in CONTACTS}
        self.contact_decline = p.number("channels.contact_decline")
        self.relocate_weight = p.number("gangs.relocate_weight")
        self.relocate_days = int(p.number("gangs.relocate_days"))
        self.transit_abroad = int(p.number("gangs.transit_days_abroad"))
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
        if self.model.adapts("channel_learning"):
            g.mix[rows] = softmax(lam * attraction)
        g.tried[rows] = 0.0
        g.earned[rows] = 0.0

    def _posted(self, rows: np.ndarray) -> np.ndarray:
        """Payoff per yuan of take that each channel promises by its posted price, float64 (n, channels)."""
        g, m = self.model.gangs, self.model
        take = m.take_yuan * g.skill[rows]
        sets = self.uses_per_case / self.expected_uses(g.use_cap[rows])
        frozen = np.minimum(m.signals.frozen_share * self.freeze_factor, 1.0)
        promised = np.broadcast_to(1.0 - frozen - self.fees, (len(rows), len(Channel))).copy()
        promised[:, Channel.BOUGHT] -= g.price_seen[rows] * sets / take
        promised[:, Channel.UNKNOWN] *= m.operation.pools.unknown_is_there
        return promised

    def choose_cap(self, rows: np.ndarray) -> None:
        """Raise the use cap while one more use saves more than it risks, else lower it (equation 4.6)."""
        if not self.model.adapts("use_cap"):
            return
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
        level = self.safety + need * g.cover[rows] * (1.0 + m.hoarding)
        target = m.keyed.rounded(Process.STOCK_LEVEL, 0, g.key[rows], level)
        self._place(rows, Goods.ACCOUNTS, sets, target - m.stocks.held[rows, Goods.ACCOUNTS])

    def _order_sims(self, rows: np.ndarray) -> None:
        """Phone cards: replace what the week cost; internet telephony closes part of what is missing."""
        g, m = self.model.gangs, self.model
        capacity = g.staff[rows] * self.calls
        in_use = m.stocks.active[rows, Goods.SIMS]
        others = g.voip[rows] + g.messaging[rows]
        missing = np.maximum(capacity - others - in_use * self.calls_per_sim, 0.0)
        for name in CONTACTS:
            if m.adapts(name):
                self._grow_contact(name, rows, capacity, missing)
        want = np.ceil(np.maximum(capacity - g.voip[rows] - g.messaging[rows], 0.0) / self.calls_per_sim)
        lost = want * m.signals.sim_loss_per_week
        target = want + np.ceil(lost * g.cover[rows] * (1.0 + m.hoarding))
        self._place(rows, Goods.SIMS, lost, target - m.stocks.held[rows, Goods.SIMS] - in_use)

    def _grow_contact(self, name: str, rows: np.ndarray, capacity: np.ndarray, missing: np.ndarray) -> None:
        """A means of contact without cards closes part of what is missing, and declines when not needed."""
        column = getattr(self.model.gangs, name)
        floor = self.contact_start[name] * capacity
        decline = self.contact_decline * np.maximum(column[rows] - floor, 0.0)
        grown = column[rows] + missing / self.contact_weeks[name] - decline
        column[rows] = np.clip(grown, floor, capacity)

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
        hides = m.keyed.uniform(Process.LIE_LOW, m.day, g.key[rows]) < chance * m.adapts("lying_low")
        g.low_until[rows[hides]] = m.day + self.low_days
        self._relocate(rows, belief)

    def _relocate(self, rows: np.ndarray, belief: np.ndarray) -> None:
        """Gangs at home that fear arrest move abroad, as far as the border lets them (equation 4.4)."""
        g, m = self.model.gangs, self.model
        chance = -np.expm1(-self.relocate_weight * belief) * (1.0 - m.policy.border_closed)
        home = (g.region[rows] != m.regions.abroad) & (g.staff[rows] > 0) & m.adapts("relocation")
        moves = rows[home & (m.keyed.uniform(Process.RELOCATION, m.day, g.key[rows]) < chance)]
        m.recorder.count("gangs_relocated", g.region[moves])
        g.region[moves] = m.regions.abroad
        g.transit_days[moves] = self.transit_abroad
        g.low_until[moves] = np.maximum(g.low_until[moves], m.day + self.relocate_days)
