"""Phase 3: openers are approached, weigh the wage and the risk, choose an outlet, and are screened."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from sim import arrays
from sim.agents.dealer import RECRUITER
from sim.kernels.chain import approached
from sim.random import Process, child_keys
from sim.world.codes import Flag, Kind, Source, Status
from sim.world.ledger import Account

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


CARD_FLAGS = (Flag.IDLE, Flag.MULTI, Flag.REPLACED)


@dataclass(frozen=True)
class Openings:
    """Openings tried as arrays (n): key of the card, row of the person, row of the recruiter, region.

    ``existing``: whether the person sells an account that is already there; ``outlet``: where it is opened.
    """

    key: np.ndarray
    person: np.ndarray
    recruiter: np.ndarray
    region: np.ndarray
    existing: np.ndarray
    outlet: np.ndarray

    def keep(self, mask: np.ndarray) -> Openings:
        """The openings where ``mask`` is true."""
        return Openings(*(getattr(self, column.name)[mask] for column in fields(self)))


class Opening:
    """Illicit openings, one person at a time, at outlets of true number."""

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
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
        rows, recruiter = self._meet(rows)
        if not len(rows):
            return
        willing = self._accept(rows, recruiter)
        rows, recruiter = self._room(rows[willing], recruiter[willing])
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
            Process.APPROACH,
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

    def _meet(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The recruiter that each person meets: any at work in the region, weighted by efficiency."""
        m, d = self.model, self.model.dealers
        recruiters = np.flatnonzero((d.alive == 1) & (d.tier == RECRUITER) & (d.low_until <= m.day))
        recruiters = recruiters[np.argsort(d.region[recruiters], kind="stable")]
        edges = np.concatenate([[0.0], np.cumsum(d.efficiency[recruiters])])
        ends = np.searchsorted(d.region[recruiters], np.arange(m.regions.n + 1))
        region = m.openers.region[rows]
        low, high = edges[ends[region]], edges[ends[region + 1]]
        rows, low, high = rows[high > low], low[high > low], high[high > low]
        u = m.keyed.uniform(Process.RECRUITER_CHOICE, m.day, m.openers.key[rows])
        at = np.searchsorted(edges, low + u * (high - low), side="right") - 1
        return rows, recruiters[np.minimum(at, len(recruiters) - 1)] if len(rows) else rows

    def _accept(self, rows: np.ndarray, recruiter: np.ndarray) -> np.ndarray:
        """Who takes the offer: logistic((log w - log w_r - risk) / s_w) (equation 4.9)."""
        m, o = self.model, self.model.openers
        risk = (
            self.impulse_weight * m.signals.public_risk
            + self.arrest_weight * m.signals.opener_belief[o.region[rows]]
        )
        utility = np.log(m.dealers.wage[recruiter] / o.reservation_wage[rows]) - o.risk_weight[rows] * risk
        chance = 1.0 / (1.0 + np.exp(-utility / self.logit_scale))
        return np.asarray(m.keyed.uniform(Process.ACCEPTANCE, m.day, o.key[rows]) < chance)

    def _room(self, rows: np.ndarray, recruiter: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Recruiters take no more people than their need: the first ones by a keyed queue."""
        m, d = self.model, self.model.dealers
        queue = m.keyed.uniform(Process.QUEUE, m.day, m.openers.key[rows], 2)
        order = np.lexsort((queue, recruiter))
        rows, recruiter = rows[order], recruiter[order]
        need = d.sets_needed[recruiter] - d.sets_got[recruiter]
        taken = arrays.rank_within(recruiter) * self.mean_cards < need
        return rows[taken], recruiter[taken]

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
        outlet, lost = self._outlet(key, region, ~existing)
        self._screen(Openings(key, person, recruiter[who], region, existing, outlet), lost)

    def _screen(self, openings: Openings, lost: np.ndarray) -> None:
        """Banks refuse some of the new accounts; what is left, and not lost, is sold."""
        m, region, tried = self.model, openings.region, ~openings.existing
        refused = tried & ~lost & self._refused(openings.key, region, m.outlets.bank[openings.outlet])
        done = ~lost & ~refused
        m.recorder.count("openings_attempted_illicit", region[tried])
        m.recorder.count("openings_refused_illicit", region[refused])
        m.recorder.count("openings_lost_illicit", region[lost])
        m.recorder.count("openings_illicit", region[done & tried])
        self._enter(openings.keep(done))

    def _outlet(
        self, key: np.ndarray, region: np.ndarray, tried: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Outlet of each opening, and which openings are lost because it is suspended (row 8).

        A share ``displacement`` of those who find it shut goes to another outlet that is open.
        """
        m = self.model
        outlet = m.outlets.choose(region, m.keyed.uniform(Process.OUTLET_CHOICE, m.day, key))
        shut = m.outlets.shut(m.day)
        stopped = tried & shut[outlet]
        if not stopped.any():
            return outlet, np.zeros(len(key), dtype=bool)
        moves = m.keyed.uniform(Process.OUTLET_CHOICE, m.day, key, 1) < m.outlets.displacement[outlet]
        again = np.flatnonzero(stopped & moves)
        u = m.keyed.uniform(Process.OUTLET_CHOICE, m.day, key[again], 2)
        found = m.outlets.choose_open(region[again], u, m.day)
        outlet[again] = np.where(found >= 0, found, outlet[again])
        return outlet, tried & shut[outlet]

    def _refused(self, key: np.ndarray, region: np.ndarray, bank: np.ndarray) -> np.ndarray:
        """Screening: the bank's sensitivity times the policy's factor."""
        m = self.model
        chance = np.minimum(m.banks.sensitivity[bank] * m.policy.opening_factor[region], m.banks.ceiling)
        return np.asarray(m.keyed.uniform(Process.SCREENING, m.day, key) < chance)

    def _enter(self, sold: Openings) -> None:
        """New tracked cards on the recruiters' shelves; the wage is paid and recorded."""
        m = self.model
        flags = self._flags(sold)
        stolen = m.keyed.uniform(Process.CARD_FLAGS, m.day, sold.key, 6) < self.stolen
        m.accounts.enter(
            len(sold.key),
            kind=Kind.ACCOUNT,
            status=Status.RECRUITER_STOCK,
            key=sold.key,
            holder=sold.person,
            dealer=sold.recruiter,
            source=np.where(stolen, Source.STOLEN_IDENTITY, Source.SOLD),
            issuer=m.outlets.bank[sold.outlet],
            outlet=np.where(sold.existing, -1, sold.outlet),
            region_open=sold.region,
            region_use=sold.region,
            opened=m.day - np.where(sold.existing, self.existing_age, 0),
            moved=m.day,
            flags=flags,
        )
        if sold.existing.any():
            old = sold.existing
            classes = m.banks.class_of[m.outlets.bank[sold.outlet[old]]]
            m.ordinary.take(sold.region[old], classes, flags[old], m.scale)
        self._pay(sold)

    def _flags(self, sold: Openings) -> np.ndarray:
        """Bits that cleanups look at, uint8 (n).  A new account cannot have lain idle."""
        m = self.model
        flags = np.zeros(len(sold.key), dtype=np.uint8)
        for draw, (flag, share) in enumerate(zip(CARD_FLAGS, self.flag_shares, strict=True)):
            has = m.keyed.uniform(Process.CARD_FLAGS, m.day, sold.key, draw) < share
            flags |= np.where(has & (sold.existing | (flag != Flag.IDLE)), flag, 0).astype(np.uint8)
        return flags

    def _pay(self, sold: Openings) -> None:
        """The recruiter pays its wage for each card."""
        m = self.model
        np.add.at(m.dealers.sets_got, sold.recruiter, 1)
        wage = arrays.fen(m.dealers.wage[sold.recruiter])
        np.subtract.at(m.dealers.cash, sold.recruiter, wage)
        m.ledger.pay(Account.DEALERS, Account.OPENERS, int(wage.sum()))
        m.recorder.price("price_opener_yuan", sold.region, wage, np.ones(len(wage), dtype=np.int64))
