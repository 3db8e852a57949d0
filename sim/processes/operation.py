"""Phase 7: gangs reach people, some of them pay, and each case needs cards to carry the money.

Cases are bounded by staff, by the phone side and by cards (Leontief, equation 4.2).  A case whose channel has
no room falls back on the gang's own accounts, then on substitutes, then it is lost: that is rationing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.kernels import cases as kernels
from sim.kernels.channels import carry, use_cards
from sim.observe.recorder import CHANNEL_COUNTS
from sim.processes.pools import Pools
from sim.random import Process
from sim.world.codes import LOST, POOLS, Channel, Kind, Status

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

FALLBACKS = np.array((Channel.BOUGHT, Channel.OWN, *POOLS), dtype=np.int64)
"""Where a case goes whose chosen channel has no room: to what is at hand first."""

BOUGHT, OWN, UNKNOWN = int(Channel.BOUGHT), int(Channel.OWN), int(Channel.UNKNOWN)
ACTIVE, GANG_STOCK, IOT = int(Status.ACTIVE), int(Status.GANG_STOCK), int(Kind.IOT)

CONTACT_COUNTS = ("contacts_voip", "contacts_messaging", "contacts_iot", "contacts_sim")
"""Outcomes that count people reached, in the order of the kernel's rows."""

CASE_COUNTS = (*CHANNEL_COUNTS.values(), "cases_lost_for_cards")
"""Outcomes that count cases by channel, then those that found none."""

DRAWS = (
    Process.CASES,
    Process.CASE_METHOD,
    Process.CASE_AMOUNT,
    Process.CASE_REGION,
    Process.CASE_CHANNEL,
)
"""What a potential case is drawn from, in the order of the kernel."""


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
        if mask.all():
            return self
        return Cases(*(column[mask] for column in vars(self).values()))


class Operation:
    """From contacts to cases with their channels; uses of cards are assigned.

    ``draws``: what the random numbers of a case are for (`Process`); ``share``: of all adults by region;
    ``success``: chance of a case for each contact by method; ``beta``: effect of awareness on it by method;
    ``loss``: mean loss by method, yuan; ``nothing``: zeros by method, cases in the making where nothing asks
    for them.
    """

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.draws = np.array(DRAWS, dtype=np.int64)
        self.share = model.regions.share
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
        self.half_variance = self.loss_sd**2 / 2
        self.cards_matter = model.rival != "no-card-effect"
        self.scale = float(model.scale)
        self.nothing = np.zeros(len(self.success))
        self.pools = Pools(model)

    def run(self) -> None:
        """Cases of the day into ``model.cases``."""
        m = self.model
        cases, place = self._potential()
        cases.channel = self._channels(cases, place)
        m.cases = cases.keep(cases.channel != LOST)
        self._use_accounts(m.cases)
        self.pools.grow()

    def _potential(self) -> tuple[Cases, np.ndarray]:
        """Cases that would come about with cards for all (equations 4.2 phone side, 4.10).

        Poisson draws around contacts x success x exposure, success of method j falling by exp(-beta_j
        awareness). Their channel is the one that their gang wishes for; the numbers are their places in the
        queue.
        """
        m, g = self.model, self.model.gangs
        busy = self._contacts()
        weight, success = self._exposure(busy)
        *columns, place = kernels.potential_cases(
            m.keyed.key,
            self.draws,
            m.day,
            g.key,
            busy,
            g.method_mix @ success,
            g.cases,
            g.method_mix,
            g.mix,
            g.skill,
            success,
            self.loss,
            self.loss_sd,
            self.half_variance,
            weight,
        )
        return Cases(*columns), place

    def _contacts(self) -> np.ndarray:
        """People whom each gang reaches today, float64 (gangs), as far as staff and phone side go (4.2).

        min(staff x calls, phone cards in use x calls a card + internet telephony + messaging apps) x season.
        Spare phone cards are taken into use where the phone side needs them.
        """
        m, g, sims = self.model, self.model.gangs, self.model.sims
        busy, taken = kernels.contacts(
            g.alive,
            g.low_until,
            g.region,
            g.staff,
            g.voip,
            g.messaging,
            m.stocks.active,
            sims.status,
            sims.gang,
            sims.kind,
            sims.uses_today,
            sims.last_used,
            ACTIVE,
            GANG_STOCK,
            IOT,
            m.day,
            m.season,
            self.calls,
            self.calls_per_sim,
            self.cards_matter,
            m.recorder.table(CONTACT_COUNTS),
        )
        sims.move(taken, Status.ACTIVE, m.day)
        return busy

    def _exposure(self, busy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Exposure of adults, float64 (regions, methods), and success by method in the nation.

        What app, orders and awareness avert of the contacts of the day (``busy``, by gang) is credited to the
        measures behind them.
        """
        m, policy = self.model, self.model.policy
        making = self.nothing
        if policy.parts or m.awareness_by or policy.orders.any():
            making = kernels.exact_sums(busy, m.gangs.method_mix) * self.success
        weight, success, averted, by_awareness = kernels.exposure(
            self.share,
            policy.app_protection,
            m.awareness,
            self.beta,
            self.success,
            policy.orders * self.precision,
            self.dissuasion,
            self.scale,
            making,
        )
        for what, cases in zip(("app_protection", "orders"), averted, strict=True):
            if what in policy.parts:
                m.recorder.credit_weights(what, cases)
        if m.awareness_by:
            m.recorder.credit_shares(m.awareness_by, float(by_awareness.sum()))
        return weight, success

    def _channels(self, cases: Cases, place: np.ndarray) -> np.ndarray:
        """Channel of each case: the one wished for if it has room, else the first of the others that has."""
        m, g, cards = self.model, self.model.gangs, self.model.accounts
        pool = self.pools.room()
        channel = carry(
            np.argsort(place, kind="stable"),
            cases.gang,
            cases.region,
            cases.channel,
            self._fallbacks(),
            BOUGHT,
            OWN,
            LOST,
            LOST if self.cards_matter else UNKNOWN,
            cards.status,
            cards.gang,
            cards.uses,
            ACTIVE,
            GANG_STOCK,
            self.per_day,
            self.uses_per_case,
            g.use_cap,
            g.staff,
            g.own_left,
            g.tried,
            g.wanted_uses,
            self.own_rate,
            self.own_store,
            pool,
            m.recorder.table(CASE_COUNTS),
        )
        self.pools.use(pool)
        return channel

    def _fallbacks(self) -> np.ndarray:
        """Channels that take cases over which found no room elsewhere, in their order, int64."""
        if not self.model.adapts("fallback"):
            return FALLBACKS[:0]
        return np.asarray(FALLBACKS[self.pools.answering[FALLBACKS]])

    def _use_accounts(self, cases: Cases) -> None:
        """Assign the uses of today's cases to the gangs' cards, those in use first."""
        m, cards = self.model, self.model.accounts
        rows, missing = use_cards(
            cases.gang,
            cases.channel,
            cases.amount,
            BOUGHT,
            self.uses_per_case,
            cards.status,
            cards.gang,
            cards.uses,
            cards.uses_today,
            cards.last_used,
            cards.flow_fen,
            cards.balance_fen,
            ACTIVE,
            GANG_STOCK,
            self.per_day,
            m.day,
            m.gangs.use_cap,
        )
        cards.move(rows, Status.ACTIVE, m.day)
        m.ledger.check("uses assigned", m.day, missing, 0)
