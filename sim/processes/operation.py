"""Phase 7: gangs reach people, some of them pay, and each case needs cards to carry the money.

Cases are bounded by staff, by the phone side and by cards (Leontief, equation 4.2).  A case whose channel has
no room falls back on the gang's own accounts, then on substitutes, then it is lost: that is rationing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from sim import arrays
from sim.agents.gang import METHODS
from sim.kernels.chain import assign_uses, capacity, take_first
from sim.observe.recorder import CHANNEL_COUNTS
from sim.processes.pools import SWITCH_OF, Pools
from sim.random import Process, child_keys
from sim.world.codes import LOST, POOLS, Channel, Goods, Kind, Status

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

FALLBACKS = (Channel.BOUGHT, Channel.OWN, *POOLS)
"""Where a case goes whose chosen channel has no room: to what is at hand first."""


@dataclass
class Cases:
    """Cases of one day as arrays (n): gang row, key, method, region of the victim, amount (fen), channel."""

    gang: np.ndarray
    key: np.ndarray
    method: np.ndarray
    region: np.ndarray
    amount: np.ndarray
    channel: np.ndarray

    def keep(self, mask: np.ndarray) -> Cases:
        """The cases where ``mask`` is true."""
        return Cases(*(getattr(self, column.name)[mask] for column in fields(self)))


@dataclass
class Room:
    """Cases that still find room today, lowered in place: by gang on its cards and own accounts, by pool."""

    cards: np.ndarray
    own: np.ndarray
    pool: np.ndarray

    def fill(self, kind: Channel, channel: np.ndarray, waiting: np.ndarray, cases: Cases) -> None:
        """Give the ``waiting`` cases (rows, in the order of a keyed queue) a channel while there is room."""
        if kind in (Channel.BOUGHT, Channel.OWN):
            left = self.cards if kind == Channel.BOUGHT else self.own
            order = waiting[np.argsort(cases.gang[waiting], kind="stable")]
            gang = cases.gang[order]
            served = order[arrays.rank_within(gang) < left[gang]]
            np.subtract.at(left, cases.gang[served], 1)
        else:
            served = waiting[: self.pool[kind]]
            self.pool[kind] -= len(served)
        channel[served] = kind


class Operation:
    """From contacts to cases with their channels; uses of cards are assigned."""

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.calls = p.number("gangs.contacts_per_staff")
        self.calls_per_sim = p.number("gangs.contacts_per_sim")
        self.success = p.number("victims.success_per_contact") * p.vector("victims.method_success")
        self.beta = p.vector("victims.awareness_effect") * (model.rival != "no-awareness-effect")
        self.loss = p.number("victims.mean_loss_yuan") * p.vector("victims.method_loss")
        self.loss_sd = p.number("victims.loss_log_sd")
        self.precision = p.number("victims.order_precision")
        self.dissuasion = p.number("victims.order_efficacy")
        self.uses_per_case = int(p.number("gangs.uses_per_case"))
        self.per_day = int(p.number("gangs.uses_per_card_day"))
        self.own_rate = p.number("channels.own_cases_per_staff_week") / 7.0
        self.own_store = p.number("channels.own_store_weeks") * 7.0
        self.pools = Pools(model)

    def run(self) -> None:
        """Cases of the day into ``model.cases``."""
        m = self.model
        self._use_sims()
        cases = self._potential()
        uses_left = self._uses_left()
        cases.channel = self._channels(cases, uses_left // self.uses_per_case)
        self._remember(cases)
        m.cases = cases.keep(cases.channel != LOST)
        self._use_accounts(m.cases)
        self.pools.grow()

    def at_work(self) -> np.ndarray:
        """Mask of gangs that operate today."""
        g = self.model.gangs
        return np.asarray((g.alive == 1) & (g.low_until <= self.model.day))

    def _use_sims(self) -> None:
        """Take spare phone cards into use where the phone side needs them; each in use is used today."""
        m, g = self.model, self.model.gangs
        without = g.voip + g.messaging
        missing = g.staff * self.calls - without - m.stocks.active[:, Goods.SIMS] * self.calls_per_sim
        need = np.maximum(np.ceil(missing / self.calls_per_sim), 0.0).astype(np.int64)
        need[~self.at_work()] = 0
        taken = np.zeros(m.sims.n, dtype=np.uint8)
        take_first(m.sims.status, m.sims.gang, int(Status.GANG_STOCK), need, taken)
        rows = np.flatnonzero(taken)
        m.sims.move(rows, Status.ACTIVE, m.day)
        m.stocks.active[:, Goods.SIMS] += np.bincount(m.sims.gang[rows], minlength=g.n)
        calling = m.sims.status == Status.ACTIVE
        m.sims.uses_today[:] = calling
        m.sims.last_used[calling] = m.day

    def _potential(self) -> Cases:
        """Cases that would come about with cards for all (equations 4.2 phone side, 4.10)."""
        m, g = self.model, self.model.gangs
        busy = self._contacts()
        weight = self._exposure()
        stays = self._not_dissuaded(busy, weight)
        self._credit(busy, stays)
        weight *= stays[:, None]
        success = self.success * weight.sum(axis=0)
        mean = busy * (g.method_mix @ success)
        count = m.keyed.poisson(Process.CASES, m.day, g.key, mean)
        gang = np.repeat(np.arange(g.n), count)
        key = child_keys(g.key[gang], g.cases[gang] + arrays.number_within(count))
        g.cases[:] += count
        method = arrays.pick(g.method_mix[gang] * success, m.keyed.uniform(Process.CASE_METHOD, m.day, key))
        z = m.keyed.normal(Process.CASE_AMOUNT, m.day, key)
        yuan = self.loss[method] * g.skill[gang] * np.exp(self.loss_sd * z - self.loss_sd**2 / 2)
        amount = np.maximum(arrays.fen(yuan), 100)
        region = self._victims_region(key, method, weight)
        return Cases(gang, key, method, region, amount, np.full(len(gang), LOST))

    def _contacts(self) -> np.ndarray:
        """People whom each gang reaches today, float64 (gangs), as far as staff and phone side go (4.2)."""
        m, g = self.model, self.model.gangs
        by_sim = m.stocks.active[:, Goods.SIMS] * self.calls_per_sim
        by_phone = by_sim + g.voip + g.messaging
        most = g.staff * self.calls
        reached = most if m.rival == "no-card-effect" else np.minimum(most, by_phone)
        busy = np.asarray(reached * m.season * self.at_work())
        part = np.divide(busy, by_phone, out=np.zeros(g.n), where=by_phone > 0.0)
        iot = (m.sims.kind == Kind.IOT) & (m.sims.status == Status.ACTIVE)
        by_iot = np.bincount(m.sims.gang[iot], minlength=g.n) * self.calls_per_sim
        means = {"voip": g.voip, "messaging": g.messaging, "iot": by_iot, "sim": by_sim - by_iot}
        for kind, capacity_of in means.items():
            by_place = np.bincount(g.region, weights=part * capacity_of, minlength=m.regions.n + 1)
            m.recorder.add(f"contacts_{kind}", np.rint(by_place).astype(np.int64))
        return busy

    def _by_method(self, busy: np.ndarray) -> np.ndarray:
        """Cases in the making by method, if all adults were unprotected and unaware, float64 (methods)."""
        mix = self.model.gangs.method_mix
        return np.array([math.fsum(busy * mix[:, kind]) for kind in range(METHODS)]) * self.success

    def _credit(self, busy: np.ndarray, stays: np.ndarray) -> None:
        """Cases that app, awareness and orders avert today, in expectation, each with the others at work."""
        m = self.model
        if not (m.policy.parts or m.awareness_by):
            return
        making = m.regions.share[:, None] * self._by_method(busy)
        aware = np.exp(-self.beta * m.awareness[:, None])
        covered, stays = m.policy.app_protection[:, None], stays[:, None]
        by_app = making * aware * stays * covered
        by_orders = making * aware * (1.0 - covered) * (1.0 - stays)
        by_awareness = making * (1.0 - covered) * stays * (1.0 - aware)
        m.recorder.credit_weights("app_protection", by_app.sum(axis=1))
        m.recorder.credit_weights("orders", by_orders.sum(axis=1))
        m.recorder.credit_shares(m.awareness_by, float(by_awareness.sum()))

    def _exposure(self) -> np.ndarray:
        """Share of adults times what app and awareness leave of success, float64 (regions, methods)."""
        m = self.model
        protected = 1.0 - m.policy.app_protection
        aware = np.exp(-self.beta * m.awareness[:, None])
        return np.asarray(m.regions.share[:, None] * protected[:, None] * aware)

    def _victims_region(self, key: np.ndarray, method: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Where the victim of each case lives, by the exposure to its method, int64 (n)."""
        m = self.model
        if not len(key):  # nobody may be left to fall for anything
            return np.empty(0, dtype=np.int64)
        edges = np.cumsum(weight, axis=0)
        u = m.keyed.uniform(Process.CASE_REGION, m.day, key)
        region = np.empty(len(key), dtype=np.int64)
        for kind in range(METHODS):
            of_kind = method == kind
            region[of_kind] = np.searchsorted(edges[:-1, kind] / edges[-1, kind], u[of_kind], side="right")
        return region

    def _not_dissuaded(self, busy: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Share of cases in the making that no order stops, float64 (regions).

        An order meets a case in the making with some precision.  ``busy``: contacts a day by gang;
        ``weight``: exposure by region and method.
        """
        m = self.model
        if not m.policy.orders.any():
            return np.ones(m.regions.n)
        making = (weight * self._by_method(busy)).sum(axis=1) * m.scale
        met = np.divide(
            m.policy.orders * self.precision, making, out=np.zeros_like(making), where=making > 0.0
        )
        return np.asarray(1.0 + self.dissuasion * np.expm1(-met))

    def _uses_left(self) -> np.ndarray:
        m, cards = self.model, self.model.accounts
        left = np.zeros(m.gangs.n, dtype=np.int64)
        capacity(
            cards.status,
            cards.gang,
            cards.uses,
            int(Status.ACTIVE),
            int(Status.GANG_STOCK),
            m.gangs.use_cap,
            self.per_day,
            left,
        )
        return left

    def _channels(self, cases: Cases, by_cards: np.ndarray) -> np.ndarray:
        """Channel of each case: the one chosen if it has room, else the first of the others that has."""
        m, g = self.model, self.model.gangs
        chosen = arrays.pick(g.mix[cases.gang], m.keyed.uniform(Process.CASE_CHANNEL, m.day, cases.key))
        self.wanted = chosen
        own = self._room_on_own_accounts()
        room = Room(by_cards.copy(), own.copy(), self.pools.room())
        queue = m.keyed.uniform(Process.CASE_CHANNEL, m.day, cases.key, 1)
        channel = np.full(len(chosen), LOST)
        waiting = np.argsort(queue, kind="stable")
        for kind in Channel:
            room.fill(kind, channel, waiting[chosen[waiting] == kind], cases)
        for kind in filter(self._takes_over, FALLBACKS):
            waiting = waiting[channel[waiting] == LOST]
            if not len(waiting):
                break
            room.fill(kind, channel, waiting, cases)
        if m.rival == "no-card-effect":
            channel[channel == LOST] = Channel.UNKNOWN
        g.own_left[:] -= own - room.own
        self.pools.use(room.pool)
        return channel

    def _takes_over(self, kind: Channel) -> bool:
        """Whether a channel takes cases that found no room elsewhere."""
        m = self.model
        return m.adapts("fallback") and (kind not in SWITCH_OF or m.adapts(SWITCH_OF[kind]))

    def _room_on_own_accounts(self) -> np.ndarray:
        """Cases that each gang can carry on accounts of its members today, int64 (gangs)."""
        g = self.model.gangs
        most = np.maximum(g.staff * self.own_rate * self.own_store, 1.0)
        g.own_left[:] = np.minimum(g.own_left + g.staff * self.own_rate, most)
        return np.asarray(np.floor(g.own_left), dtype=np.int64)

    def _remember(self, cases: Cases) -> None:
        """What gangs learn from: cases tried by channel, and uses of cards wanted."""
        m, g = self.model, self.model.gangs
        lost = cases.channel == LOST
        tried = np.where(lost, self.wanted, cases.channel)
        missed = (self.wanted != cases.channel) & ~lost
        np.add.at(g.tried, (cases.gang, tried), 1.0)
        np.add.at(g.tried, (cases.gang[missed], self.wanted[missed]), 1.0)
        bought = self.wanted == Channel.BOUGHT
        np.add.at(g.wanted_uses, cases.gang[bought], float(self.uses_per_case))
        m.recorder.count("cases_lost_for_cards", cases.region[lost])

    def _use_accounts(self, cases: Cases) -> None:
        """Assign the uses of today's cases to the gangs' cards, those in use first."""
        m, cards, g = self.model, self.model.accounts, self.model.gangs
        bought = cases.channel == Channel.BOUGHT
        need = np.bincount(cases.gang[bought], minlength=g.n) * self.uses_per_case
        total = np.zeros(g.n, dtype=np.int64)
        np.add.at(total, cases.gang[bought], cases.amount[bought])
        cards.uses_today[:] = 0
        cards.balance_fen[:] = 0
        activated = self._assign(need, total // np.maximum(need, 1))
        cards.move(np.flatnonzero(activated), Status.ACTIVE, m.day)
        cards.last_used[cards.uses_today > 0] = m.day
        m.ledger.check("uses assigned", m.day, int(need.sum()), 0)
        for kind, name in CHANNEL_COUNTS.items():
            m.recorder.count(name, cases.region[cases.channel == kind])

    def _assign(self, need: np.ndarray, fen_per_use: np.ndarray) -> np.ndarray:
        """Place ``need`` uses by gang (lowered in place) on cards; marks the cards taken into use, uint8."""
        cards = self.model.accounts
        activated = np.zeros(cards.n, dtype=np.uint8)
        for phase in (0, 1):
            assign_uses(
                cards.status,
                cards.gang,
                cards.uses,
                cards.uses_today,
                cards.flow_fen,
                cards.balance_fen,
                int(Status.ACTIVE),
                int(Status.GANG_STOCK),
                self.per_day,
                self.model.gangs.use_cap,
                phase,
                need,
                fen_per_use,
                activated,
            )
        return activated
