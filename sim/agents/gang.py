"""Gangs: crews that defraud and buy cards.  Each week they learn, order, choose channels, weigh the risk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.agents.row import Column, RowAgent
from sim.agents.rules import MAX_CONTACTS
from sim.kernels.gangs import fear_arrest, learn_channels, move_caps, order_cards
from sim.random import Process
from sim.world.codes import POOLS, Channel

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

METHODS = 3
BOUGHT, UNKNOWN = int(Channel.BOUGHT), int(Channel.UNKNOWN)
STOCK_LEVEL, ROUNDING = int(Process.STOCK_LEVEL), int(Process.ROUNDING)
LIE_LOW, RELOCATION = int(Process.LIE_LOW), int(Process.RELOCATION)
ORDER_COUNTS = ("orders", "sets_needed")
"""Outcomes of ordering, in the order of the kernel."""

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
"""What is known of a gang; columns of two are by goods (`Goods`), of eight by channel (`Channel`).

``key``: what its random numbers are drawn by; ``alive``: 1 while it is in the trade; ``own_rule``: 1 where a
subclass decides for it; ``weekday``: the day of its week on which it decides; ``region``: its home, the last
number is abroad; ``staff``: persons at work; ``skill``: take of a case relative to the mean; ``method_mix``:
shares of the methods of fraud; ``cash``: fen; ``cover``: weeks of need that its stock is to last; ``need``:
remembered need of cards a week; ``wanted_uses``: uses of cards that this week's cases called for; ``order``:
cards it wants to buy and has not bought; ``fresh_need``: need that no dealer has heard of yet; ``bid``: most
it pays for a card, yuan; ``price_seen``: remembered price of a set, yuan; ``use_cap``: uses after which a
card is thrown away; ``voip`` and ``messaging``: people a day whom it reaches by internet telephony and by
messaging apps; ``own_left``: cases that its members' own accounts can still carry; ``attraction``,
``experience`` and ``mix``: what it has learnt of channels, how much it has seen, and the shares in which it
chooses them (4.5); ``tried`` and ``earned``: cases that wanted a channel or went through it this week, and
the sum of the shares of their takes that were left; ``risk_seen``: removals and survivals of peers that it
has heard of (4.9); ``low_until``: day until which it lies low; ``cases``: cases so far; ``entered``: day on
which it came; ``offshoots``: gangs that split off from it; ``week_income`` and ``week_cost``: fen of this
week; ``profit``: remembered weekly profit, fen; ``contacts``: rows of the sellers it knows, -1 where there is
none; ``transit_days``: days that a bought card travels to it.
"""


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
    """The weekly rules of gangs, as arrays over the gangs that decide today.

    ``fees``: share of a take that a channel costs, felt or paid, by channel; ``freeze_factor``: how much
    sooner (above 1) or later its money is frozen, by channel.
    """

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
        self.contact_start = (p.number("channels.voip_share"), p.number("channels.messaging_share"))
        self.contact_weeks = (p.number("channels.voip_weeks"), p.number("channels.messaging_weeks"))
        self.contact_decline = p.number("channels.contact_decline")
        self.relocate_weight = p.number("gangs.relocate_weight")
        self.relocate_days = int(p.number("gangs.relocate_days"))
        self.transit_abroad = int(p.number("gangs.transit_days_abroad"))
        self.low_weight = p.number("gangs.lie_low_weight")
        self.low_days = int(p.number("gangs.lie_low_days"))
        self.belief_decay = p.number("beliefs.decay")
        self.peers = p.number("beliefs.peers")

    def learn(self, rows: np.ndarray) -> None:
        """Update the attraction of each channel by experience-weighted learning (equation 4.5).

        N' = rho N + 1; A'(k) = (phi N A(k) + [delta + (1 - delta) 1(k used)] payoff(k)) / N'; channels are
        chosen by softmax(lambda A). A channel that is not tried counts by what it promises: the share of the
        take that its posted price and the freezing of its money leave.
        """
        g, m, (phi, rho, delta, lam) = self.model.gangs, self.model, self.ewa
        learn_channels(
            rows,
            g.tried,
            g.earned,
            g.experience,
            g.attraction,
            g.mix,
            g.skill,
            g.use_cap,
            g.price_seen,
            self.freeze_factor,
            self.fees,
            BOUGHT,
            UNKNOWN,
            phi,
            rho,
            delta,
            lam,
            self.uses_per_case,
            m.take_yuan,
            m.signals.frozen_share,
            m.signals.detection,
            m.operation.pools.unknown_is_there,
            m.adapts("channel_learning"),
        )

    def choose_cap(self, rows: np.ndarray) -> None:
        """Raise the use cap while one more use saves more than it risks, else lower it (equation 4.6).

        Expected uses under a cap m are (1 - (1 - q)^m) / q, q the detection per use. The cap rises by one
        while (1 - q) x price per use >= q x money at risk per use, else it falls by one.
        """
        g, m = self.model.gangs, self.model
        if m.adapts("use_cap"):
            move_caps(
                rows,
                g.use_cap,
                g.price_seen,
                g.skill,
                self.uses_per_case,
                m.take_yuan,
                m.signals.detection,
                self.cap_min,
                self.cap_max,
            )

    def order(self, rows: np.ndarray) -> None:
        """Order up to the cover of expected need, and bid up to a share of a card's value (4.7, 4.8).

        Sets for the uses that the week's cases called for; phone cards for what the week cost, while internet
        telephony and messaging apps close part of what is missing.  Need that found no card is news by half.
        Order = cover x (1 + hoarding) x need + safety stock - held - under way; bid = share x expected uses x
        take x (1 - frozen share) / uses per case.
        """
        g, m, s = self.model.gangs, self.model, self.model.signals
        order_cards(
            rows,
            m.keyed.key,
            STOCK_LEVEL,
            ROUNDING,
            m.day,
            g.key,
            g.region,
            g.staff,
            g.skill,
            g.cover,
            g.use_cap,
            g.wanted_uses,
            g.voip,
            g.messaging,
            g.need,
            g.order,
            g.fresh_need,
            g.bid,
            m.stocks.gang_stock,
            m.stocks.pipeline,
            m.stocks.active,
            m.take_yuan,
            1.0 - s.frozen_share,
            s.detection,
            self.uses_per_case,
            self.memory,
            self.safety,
            1.0 + m.hoarding,
            self.unplaced,
            self.value_share,
            self.calls,
            self.calls_per_sim,
            m.adapts("voip"),
            m.adapts("messaging"),
            *self.contact_start,
            *self.contact_weeks,
            self.contact_decline,
            s.sim_loss_per_week,
            self.sim_value,
            *m.recorder.table(ORDER_COUNTS),
        )

    def weigh_risk(self, rows: np.ndarray) -> None:
        """Update the belief about being broken up from what befell peers; lie low by it (equation 4.9).

        A gang lies low with probability 1 - exp(-weight x belief). Gangs at home that fear arrest move abroad
        (equation 4.4) with probability (1 - exp(-weight x belief)) x (1 - border closed).
        """
        g, m = self.model.gangs, self.model
        fear_arrest(
            rows,
            m.keyed.key,
            LIE_LOW,
            RELOCATION,
            m.day,
            g.key,
            g.region,
            g.staff,
            g.risk_seen,
            g.low_until,
            g.transit_days,
            m.signals.gang_removal,
            self.peers,
            self.belief_decay,
            m.adapts("lying_low"),
            self.low_weight,
            self.low_days,
            m.adapts("relocation"),
            self.relocate_weight,
            1.0 - m.policy.border_closed,
            self.relocate_days,
            m.regions.abroad,
            self.transit_abroad,
            *m.recorder.table(("gangs_relocated",)),
        )
