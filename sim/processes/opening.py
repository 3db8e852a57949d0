"""Phase 3: openers are approached, weigh the wage and the risk, and go to open accounts, which are sold."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sim.agents.dealer import RECRUITER
from sim.kernels.counter import sold
from sim.kernels.openings import approached, attempts, recruited, recruiters_at_work
from sim.processes.counter import Counter, Openings
from sim.random import Process
from sim.world.codes import Flag, Kind, Source, Status
from sim.world.ledger import Account

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


# Numbers of the processes as kernels take them.
APPROACH, RECRUITER_CHOICE, QUEUE = int(Process.APPROACH), int(Process.RECRUITER_CHOICE), int(Process.QUEUE)
ACCEPTANCE, CARDS_OPENED, CARD_FLAG = (
    int(process) for process in (Process.ACCEPTANCE, Process.CARDS_OPENED, Process.CARD_FLAGS)
)

CARD_FLAGS = np.array([Flag.IDLE, Flag.MULTI, Flag.REPLACED], dtype=np.uint8)
"""Bits that cleanups look at, in the order of their draws; a new account cannot have lain idle."""


class Opening:
    """Illicit openings, person by person, at outlets of true number; what is opened goes to a recruiter.

    ``paid`` (fen) and ``units``: what recruiters paid this month for how many cards, int64 (regions).
    ``at_work``: today's recruiters sorted by region: their rows, the running sums of their efficiency, and
    where each region begins (see :func:`sim.kernels.openings.recruiters_at_work`). ``cards``: running sums of
    the shares of persons who open one, two, ... cards; ``flag_shares``: shares of new cards that are idle,
    one of many, often replaced; ``base_recruiters``: recruiters of day 0 by region; ``places``: numbers of
    the regions.
    """

    remade: ClassVar[tuple[str, ...]] = ("at_work",)

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
        cards = np.cumsum(p.vector("openers.cards_share"))
        self.cards = cards / cards[-1]
        self.mean_cards = float(np.diff(self.cards, prepend=0.0) @ np.arange(1, len(cards) + 1))
        self.flag_shares = np.array(
            [p.number(f"cards.{n}_share") for n in ("idle", "multi_card", "replaced")]
        )
        self.base_recruiters = np.maximum(model.recruiters_by_region(), 1)
        self.places = np.arange(model.regions.n)
        self.paid = np.zeros(model.regions.n, dtype=np.int64)
        self.units = np.zeros(model.regions.n, dtype=np.int64)
        nowhere = np.zeros(model.regions.n + 1, dtype=np.int64)
        self.at_work = (np.empty(0, dtype=np.int64), np.zeros(1), nowhere)

    def run(self) -> None:
        """Approach, accept, open, pay."""
        rows, recruiter = self._accept(self._approach())
        if len(rows):
            opened = self.counter.serve(self._attempts(rows, recruiter))
            self.enter(opened, Source.SOLD, self.stolen)

    def _approach(self) -> np.ndarray:
        """Rows of the persons approached today, the more the more recruiters are at work in a region."""
        m, o, d = self.model, self.model.openers, self.model.dealers
        self.at_work = recruiters_at_work(
            d.alive, d.tier, d.low_until, d.region, d.efficiency, RECRUITER, m.day, m.regions.n
        )
        rows: np.ndarray = approached(
            m.keyed.key,
            APPROACH,
            m.day,
            o.key,
            o.region,
            o.free_from,
            o.banned_until,
            self.at_work[2],
            self.base_recruiters,
            self.rate * m.season,
        )
        return rows

    def _accept(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Who takes the offer of whom: logistic((log w - log w_r - risk) / s_w) (equation 4.9).

        risk = weight of risk x (i x public impulse + a x believed arrest hazard) + l x legal awareness.
        Returns rows of the persons, out of ``rows``, and of the recruiters, who have room for them.
        """
        m, o, d = self.model, self.model.openers, self.model.dealers
        return recruited(
            m.keyed.key,
            RECRUITER_CHOICE,
            ACCEPTANCE,
            QUEUE,
            m.day,
            rows,
            o.key,
            o.region,
            o.reservation_wage,
            o.risk_weight,
            self.impulse_weight * m.signals.public_risk,
            self.arrest_weight,
            m.signals.opener_belief,
            self.legal_weight,
            m.legal_awareness,
            self.logit_scale,
            *self.at_work,
            d.wage,
            d.sets_needed,
            d.sets_got,
            self.mean_cards,
        )

    def _attempts(self, rows: np.ndarray, recruiter: np.ndarray) -> Openings:
        """Each person (rows, n) tries to open a few accounts for a recruiter (n) and then stays away."""
        m, o = self.model, self.model.openers
        tries = attempts(
            m.keyed.key,
            CARDS_OPENED,
            CARD_FLAG,
            ACCEPTANCE,
            m.day,
            rows,
            recruiter,
            self.cards,
            self.existing,
            self.away_days,
            o.key,
            o.region,
            o.cards,
            o.last_opened,
            o.free_from,
        )
        o.stay_away(rows)
        return Openings(*tries, np.empty(len(tries[0]), dtype=np.int64))

    def enter(self, cards: Openings, source: Source, stolen: float = 0.0) -> None:
        """New tracked cards on the recruiters' shelves; the wage is paid.

        A share ``stolen`` of them was opened on a stolen identity, the others come from ``source``.
        """
        if not len(cards.key):
            return
        m = self.model
        flags, sources, issuer, new_at, paid = sold(
            m.keyed.key,
            CARD_FLAG,
            m.day,
            cards.key,
            cards.recruiter,
            cards.region,
            cards.outlet,
            cards.existing,
            self.flag_shares,
            CARD_FLAGS,
            stolen,
            int(Source.STOLEN_IDENTITY),
            int(source),
            m.outlets.bank,
            m.dealers.wage,
            m.dealers.sets_got,
            m.dealers.cash,
            self.paid,
            self.units,
        )
        m.accounts.enter(
            len(cards.key),
            kind=Kind.ACCOUNT,
            status=Status.RECRUITER_STOCK,
            key=cards.key,
            holder=cards.person,
            dealer=cards.recruiter,
            source=sources,
            issuer=issuer,
            outlet=new_at,
            region_open=cards.region,
            region_use=cards.region,
            opened=m.day - self.existing_age * cards.existing,
            moved=m.day,
            flags=flags,
        )
        m.ordinary.take(cards.existing, cards.region, issuer, m.banks.class_of, flags, m.scale)
        m.ledger.pay(Account.DEALERS, Account.OPENERS, paid)

    def end_month(self) -> None:
        """Write down what became of the month's openings, and what was paid."""
        self.counter.end_month()
        self.model.recorder.price("price_opener_yuan", self.places, self.paid, self.units)
        self.paid[:] = 0
        self.units[:] = 0
