"""Phase 3: openers are approached, weigh the wage and the risk, and go to open accounts, which are sold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim import arrays
from sim.agents.dealer import RECRUITER
from sim.kernels.chain import approached
from sim.processes.counter import Counter, Openings
from sim.random import Process, child_keys
from sim.world.codes import Flag, Kind, Source, Status
from sim.world.ledger import Account

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


CARD_FLAGS = (Flag.IDLE, Flag.MULTI, Flag.REPLACED)


class Opening:
    """Illicit openings, person by person, at outlets of true number; what is opened goes to a recruiter."""

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.counter = Counter(model)
        self.legal_weight = p.number("openers.legal_weight") * (model.rival != "no-awareness-effect")
        self.rate = p.number("openers.approach_per_year") / 365.25
        self.logit_scale = p.number("openers.logit_scale")
        self.impulse_weight = p.number("openers.impulse_weight")
        self.arrest_weight = p.number("openers.arrest_weight")
        self.away_days = 365.25 * p.number("openers.years_away")
        self.existing = p.number("openers.existing_share")
        self.existing_age = int(p.number("cards.existing_age_days"))
        self.stolen = p.number("openers.stolen_identity_share")
        self.cards = np.cumsum(p.vector("openers.cards_share"))
        self.flag_shares = [p.number(f"cards.{n}_share") for n in ("idle", "multi_card", "replaced")]
        self.base_recruiters = np.maximum(model.recruiters_by_region(), 1)

    def run(self) -> None:
        """Approach, accept, open, pay."""
        m = self.model
        rows = self._approach()
        if not len(rows):
            return
        u = m.keyed.uniform(Process.RECRUITER_CHOICE, m.day, m.openers.key[rows])
        met, recruiter = self.meet(m.openers.region[rows].astype(np.int64), u)
        rows, recruiter = rows[met], recruiter[met]
        if not len(rows):
            return
        willing = self._accept(rows, recruiter)
        rows, recruiter = rows[willing], recruiter[willing]
        queue = m.keyed.uniform(Process.QUEUE, m.day, m.openers.key[rows], 2)
        taken = self.room(recruiter, queue, self.mean_cards)
        rows, recruiter = rows[taken], recruiter[taken]
        self._open(rows, recruiter)
        m.openers.free_from[rows] = m.day + np.round(
            self.away_days * m.keyed.exponential(Process.ACCEPTANCE, m.day, m.openers.key[rows], 1)
        ).astype(np.int64).clip(1, 10**6)

    def _approach(self) -> np.ndarray:
        """Rows of the persons approached today, the more the more recruiters are at work in a region."""
        m = self.model
        at_work = m.recruiters_by_region(working=True)
        chance = -np.expm1(-self.rate * m.season * at_work / self.base_recruiters)
        pool = m.openers
        hit = np.zeros(pool.n, dtype=np.uint8)
        approached(
            m.keyed.key,
            int(Process.APPROACH),
            m.day,
            0,
            pool.key,
            pool.free_from,
            pool.banned_until,
            chance,
            pool.region,
            hit,
        )
        return np.flatnonzero(hit)

    def meet(self, region: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whom each of some people (n) in a region meets: a recruiter at work there, weighted by efficiency.

        Returns the mask (n) of those who meet one, and the recruiters' rows (met).
        """
        m, d = self.model, self.model.dealers
        recruiters = np.flatnonzero((d.alive == 1) & (d.tier == RECRUITER) & (d.low_until <= m.day))
        recruiters = recruiters[np.argsort(d.region[recruiters], kind="stable")]
        edges = np.concatenate([[0.0], np.cumsum(d.efficiency[recruiters])])
        ends = np.searchsorted(d.region[recruiters], np.arange(m.regions.n + 1))
        low, high = edges[ends[region]], edges[ends[region + 1]]
        met = high > low
        at = np.searchsorted(edges, (low + u * (high - low))[met], side="right") - 1
        return met, recruiters[np.minimum(at, len(recruiters) - 1)] if met.any() else at

    def _accept(self, rows: np.ndarray, recruiter: np.ndarray) -> np.ndarray:
        """Who takes the offer: logistic((log w - log w_r - risk) / s_w) (equation 4.9)."""
        m, o = self.model, self.model.openers
        risk = (
            self.impulse_weight * m.signals.public_risk
            + self.arrest_weight * m.signals.opener_belief[o.region[rows]]
        )
        risk = o.risk_weight[rows] * risk + self.legal_weight * m.legal_awareness[o.region[rows]]
        utility = np.log(m.dealers.wage[recruiter] / o.reservation_wage[rows]) - risk
        chance = 1.0 / (1.0 + np.exp(-utility / self.logit_scale))
        return np.asarray(m.keyed.uniform(Process.ACCEPTANCE, m.day, o.key[rows]) < chance)

    def room(self, recruiter: np.ndarray, queue: np.ndarray, cards: float) -> np.ndarray:
        """Whom recruiters take (n), with ``cards`` each: no more than their need, the first by a keyed queue
        (n).
        """
        order = np.lexsort((queue, recruiter))
        place = np.empty(len(recruiter), dtype=np.int64)
        place[order] = arrays.rank_within(recruiter[order])
        need = self.model.dealers.sets_needed[recruiter] - self.model.dealers.sets_got[recruiter]
        return np.asarray(place * cards < need)

    @property
    def mean_cards(self) -> float:
        """Cards that a person opens on average."""
        shares = np.diff(np.concatenate([[0.0], self.cards / self.cards[-1]]))
        return float(shares @ np.arange(1, len(shares) + 1))

    def _open(self, rows: np.ndarray, recruiter: np.ndarray) -> None:
        """Each person tries to open a few accounts; what is not refused goes to the recruiter at the wage."""
        m, o = self.model, self.model.openers
        u = m.keyed.uniform(Process.CARDS_OPENED, m.day, o.key[rows])
        wanted = 1 + np.searchsorted(self.cards / self.cards[-1], u, side="right")
        who = np.repeat(np.arange(len(rows)), wanted)
        person = rows[who]
        key = child_keys(o.key[person], o.cards[person] + arrays.number_within(wanted))
        o.cards[rows] += wanted
        o.last_opened[rows] = m.day
        region = o.region[person].astype(np.int64)
        existing = m.keyed.uniform(Process.CARD_FLAGS, m.day, key, 7) < self.existing
        tries = Openings(
            key, who, person, recruiter[who], region, existing, np.zeros(len(key), dtype=np.int64)
        )
        sold = self.counter.serve(tries)
        stolen = m.keyed.uniform(Process.CARD_FLAGS, m.day, sold.key, 6) < self.stolen
        source = np.where(stolen, Source.STOLEN_IDENTITY, Source.SOLD)
        self.enter(sold.key, sold.person, sold.recruiter, sold.region, sold.outlet, sold.existing, source)

    def enter(
        self,
        key: np.ndarray,
        person: np.ndarray,
        recruiter: np.ndarray,
        region: np.ndarray,
        outlet: np.ndarray,
        existing: np.ndarray,
        source: np.ndarray,
    ) -> None:
        """New tracked cards (n) on the recruiters' shelves; the wage is paid and recorded."""
        m = self.model
        flags = self._flags(key, existing)
        m.accounts.enter(
            len(key),
            kind=Kind.ACCOUNT,
            status=Status.RECRUITER_STOCK,
            key=key,
            holder=person,
            dealer=recruiter,
            source=source,
            issuer=m.outlets.bank[outlet],
            outlet=np.where(existing, -1, outlet),
            region_open=region,
            region_use=region,
            opened=m.day - np.where(existing, self.existing_age, 0),
            moved=m.day,
            flags=flags,
        )
        if existing.any():
            classes = m.banks.class_of[m.outlets.bank[outlet[existing]]]
            m.ordinary.take(region[existing], classes, flags[existing], m.scale)
        self._pay(recruiter, region)

    def _flags(self, key: np.ndarray, existing: np.ndarray) -> np.ndarray:
        """Bits that cleanups look at, uint8 (n).  A new account cannot have lain idle."""
        m = self.model
        flags = np.zeros(len(key), dtype=np.uint8)
        for draw, (flag, share) in enumerate(zip(CARD_FLAGS, self.flag_shares, strict=True)):
            has = m.keyed.uniform(Process.CARD_FLAGS, m.day, key, draw) < share
            flags |= np.where(has & (existing | (flag != Flag.IDLE)), flag, 0).astype(np.uint8)
        return flags

    def _pay(self, recruiter: np.ndarray, region: np.ndarray) -> None:
        """Each recruiter (n) pays its wage for a card."""
        m = self.model
        np.add.at(m.dealers.sets_got, recruiter, 1)
        wage = arrays.fen(m.dealers.wage[recruiter])
        np.subtract.at(m.dealers.cash, recruiter, wage)
        m.ledger.pay(Account.DEALERS, Account.OPENERS, int(wage.sum()))
        m.recorder.price("price_opener_yuan", region, wage, np.ones(len(wage), dtype=np.int64))
