"""Phase 9: the card step - detection by use, cleanups, reclaim and lapse compete in one draw a card."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sim.arrays import fen
from sim.kernels import card_passes as passes
from sim.kernels.card_step import card_step
from sim.policy import Cleanup
from sim.random import Process
from sim.world.cards import CardTable
from sim.world.codes import FLAG_SETS, LIVE, Cause, Flag, Kind, Status
from sim.world.ledger import Account
from sim.world.ordinary import CLEANUPS, matches

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

OWN_CAUSES = (Cause.RECLAIMED, Cause.LAPSED)
CAUSES = (Cause.DETECTED, *CLEANUPS, *OWN_CAUSES)
"""Why cards go, in the order in which the card step numbers the causes, from 1 on."""
_ENDS = {
    Cause.DETECTED: Status.RESTRICTED,
    Cause.RECLAIMED: Status.RECLAIMED,
    Cause.LAPSED: Status.EXHAUSTED,
} | dict.fromkeys(CLEANUPS, Status.CLEANED)
DETECTED = 1
IN_USE, USES, USED_AND_GONE, USED_AND_DETECTED = range(4)
"""Columns of what is seen of cards in a week (see the kernel)."""
# Codes and numbers of processes as kernels take them.
_ACTIVE, _LIVE, _IDLE, _INVOLVED = int(Status.ACTIVE), int(LIVE), int(Flag.IDLE), int(Flag.INVOLVED)
_CARD_STEP, _TRACE = int(Process.CARD_STEP), int(Process.TRACE)


class Detection:
    """Hazards of the day for tracked cards; ordinary cards get the same cleanups at their month's end.

    Rate of detection for each use (equation 4.12): a0 + a1 (uses today - v0)+ + a2 log(1 + amount / m0) + a3
    new + a4 awakened, times the policy's factor. All hazards compete (equation 4.16): a card is removed with
    probability 1 - exp(-sum of rates), by cause i with probability rate i / sum.

    ``by_use``: a0, a1, v0, a2, m0, a3 and a4 by kind; ``own``: daily rates of reclaim and lapse by status and
    kind; ``rates``: today's rates of cleanups by cause, kind, flag set and region; ``seen``: of this week, by
    kind: cards in use, uses, cards in use removed, and those detected.
    """

    remade: ClassVar[tuple[str, ...]] = ("_aims",)

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        names = ("base", "excess", "excess_over", "amount", "amount_unit_fen", "new", "awakened")
        self.by_use = np.zeros((len(Kind), len(names)))
        self.by_use[:, 4] = 1.0
        self.by_use[Kind.ACCOUNT] = [p.number(f"detection.account_{name}") for name in names]
        self.by_use[Kind.SIM, 0] = p.number("detection.sim_per_day")
        self.by_use[Kind.IOT, 0] = p.number("detection.iot_per_day")
        self.new_days = int(p.number("detection.new_days"))
        self.own = np.zeros((len(OWN_CAUSES), len(Status), len(Kind)))
        self.own[0, Status.RECRUITER_STOCK : LIVE, Kind.ACCOUNT] = p.number("cards.reclaim_per_year") / 365.25
        self.own[1, :LIVE, Kind.ACCOUNT] = p.number("cards.lapse_per_year") / 365.25
        self.own[1, :LIVE, [Kind.SIM, Kind.IOT]] = p.number("sims.lapse_per_year") / 365.25
        self.reclaiming = (1.0, self.own)
        self.rates = np.zeros((len(CLEANUPS), len(Kind), FLAG_SETS, model.regions.n))
        self.written: set[tuple[int, int]] = set()
        self._aims: dict[tuple[int, bytes], np.ndarray] = {}
        self.sleeps_after = int(p.number("cards.sleeps_after_days"))
        self.warming = -math.expm1(-p.number("dealers.warm_up_per_week") / 7.0)
        self.warming_cost = p.number("dealers.warm_up_cost")
        self.trace = p.number("detection.trace_per_use")
        self.trace_delay = p.number("detection.trace_delay_days")
        self.new_card_days = p.number("detection.new_card_days")
        self.memory = p.number("beliefs.trade_memory")
        self.involved: dict[int, list[np.ndarray]] = defaultdict(list)
        self.seen = np.zeros((len(Kind), 4), dtype=np.int64)

    def run(self) -> None:
        """Settle today's removals of all tracked cards."""
        m = self.model
        self._fall_asleep()
        self._warm_up()
        cleanup = self._cleanup()
        self._trace()
        self._step(m.accounts, cleanup)
        self._step(m.sims, cleanup)
        self._throw_away()
        self._learn()
        m.accounts.drop_ended(m.day)
        m.sims.drop_ended(m.day)

    def _cleanup(self) -> np.ndarray:
        """Rates of the cleanups, float64 (cleanup causes, kinds, 16 flag sets, regions)."""
        m = self.model
        for yesterday in self.written:
            self.rates[yesterday] = 0.0
        self.written.clear()
        for order in m.policy.cleanups:
            rate = m.ordinary.rate(order)
            m.ordinary.clean(order, rate)
            hazard = order.lift * rate + order.illicit_rate
            at = (CLEANUPS.index(Cause(order.cause)), int(order.kind))
            self.rates[at] += hazard * self._aim(order)
            self.written.add(at)
            m.policy.part(f"cleaned {int(order.cause)}", order.measure, hazard * order.regions)
        return self.rates

    def _aim(self, order: Cleanup) -> np.ndarray:
        """1 for the flag sets and regions that a cleanup looks at, else 0, float64 (flag sets, regions)."""
        name = (order.flag, order.regions.tobytes())
        aim = self._aims.get(name)
        if aim is None:
            flagged = matches(order.flag, FLAG_SETS)[:, None]
            aim = self._aims[name] = (flagged & order.regions).astype(np.float64)
        return aim

    def _fall_asleep(self) -> None:
        """Accounts that lie on a shelf for long count as dormant."""
        m, cards = self.model, self.model.accounts
        opened = m.day - self.sleeps_after
        passes.fall_asleep(cards.status, cards.flags, cards.opened, _ACTIVE, opened, _IDLE)

    def _warm_up(self) -> None:
        """While dormant accounts are reviewed dealers warm some of theirs up (row 6a): a few transfers, paid
        for by the dealer, and the card looks alive.
        """
        m, cards = self.model, self.model.accounts
        reviewed = any(order.cause == Cause.CLEANUP_DORMANT for order in m.policy.cleanups)
        if not reviewed or not m.adapts("warming_up"):
            return
        rows = passes.warm_up(
            m.keyed.key,
            int(Process.WARMING),
            m.day,
            cards.key,
            cards.status,
            cards.flags,
            int(Status.RECRUITER_STOCK),
            int(Status.DEALER_STOCK),
            int(Flag.IDLE),
            self.warming,
        )
        if not len(rows):
            return
        cost = np.full(len(rows), fen(self.warming_cost))
        np.subtract.at(m.dealers.cash, cards.dealer[rows], cost)
        m.ledger.pay(Account.DEALERS, Account.OUTSIDE, int(cost.sum()))
        m.recorder.count("cards_warmed_up", cards.region_open[rows])

    def _step(self, cards: CardTable, cleanup: np.ndarray) -> None:
        m = self.model
        removed = np.zeros(cards.n, dtype=np.uint8)
        card_step(
            m.keyed.key,
            _CARD_STEP,
            m.day,
            cards.key,
            cards.status,
            cards.kind,
            cards.region_open,
            cards.flags,
            cards.uses_today,
            cards.balance_fen,
            cards.opened,
            cards.uses,
            _LIVE,
            self.new_days,
            self.by_use,
            m.policy.use_factor,
            cleanup,
            self._own_rates(),
            removed,
        )
        gone = passes.marked(removed)
        causes = removed[gone]
        # What gangs can see: uses and detections of accounts, phone cards in use and lost.
        passes.observe(cards.kind, cards.uses_today, gone, causes, DETECTED, self.seen)
        for cause in np.flatnonzero(np.bincount(causes)).tolist():
            rows = gone[causes == cause]
            why = CAUSES[cause - 1]
            if why in CLEANUPS:
                region = cards.region_open[rows]
                m.recorder.count("closed_true", region)
                m.recorder.credit_parts(f"cleaned {int(why)}", region)
            elif why == Cause.DETECTED:
                m.recorder.count("cards_detected", cards.region_open[rows])
            cards.move(rows, _ENDS[why], m.day)

    def _own_rates(self) -> np.ndarray:
        """Rates of reclaim and lapse; a cool-off on replacements keeps some from reclaiming (row 6c)."""
        factor = self.model.policy.reclaim_factor
        if factor != self.reclaiming[0]:
            rates = self.own.copy()
            rates[0] *= factor
            self.reclaiming = (factor, rates)
        return self.reclaiming[1]

    def _trace(self) -> None:
        """Used cards are traced to their opener after a delay; newly opened ones are counted apart."""
        m, cards = self.model, self.model.accounts
        rows = passes.trace(
            m.keyed.key,
            _TRACE,
            m.day,
            cards.key,
            cards.uses_today,
            cards.region_open,
            cards.flags,
            _INVOLVED,
            self.trace,
            m.policy.trace_factor,
        )
        if len(rows):
            delay = self.trace_delay * m.keyed.exponential(Process.TRACE, m.day, cards.key[rows], 1)
            on = m.day + np.floor(delay).astype(np.int64)
            self._list_holders(rows, on)
            new = on - cards.opened[rows] <= self.new_card_days
            for day in sorted(set(on[new].tolist())):
                self.involved[day].append(cards.region_open[rows][new & (on == day)])
        for region in self.involved.pop(m.day, []):
            m.recorder.count("involved_new_cards", region)

    def _list_holders(self, rows: np.ndarray, on: np.ndarray) -> None:
        """Holders of traced cards (n) come on their region's shared list a lag after that day (row 11)."""
        m, cards = self.model, self.model.accounts
        for order in m.policy.blacklists:
            theirs = (cards.holder[rows] >= 0) & order.regions[cards.region_open[rows]]
            m.openers.list_persons(cards.holder[rows[theirs]], on[theirs] + order.lag)

    def _throw_away(self) -> None:
        """Cards at their use cap are thrown away."""
        m, cards = self.model, self.model.accounts
        done = passes.worn_out(cards.status, cards.uses, cards.gang, m.gangs.use_cap, _ACTIVE)
        cards.move(done, Status.EXHAUSTED, m.day)

    def _learn(self) -> None:
        """Each week the trade's experience moves towards what it saw."""
        m, s = self.model, self.model.signals
        if m.day % 7 == 6:
            uses, detected = self.seen[Kind.ACCOUNT, [USES, USED_AND_DETECTED]].tolist()
            if uses > 0:
                s.detection += self.memory * (detected / uses - s.detection)
                s.detection = max(s.detection, 1e-4)
            self._learn_losses()
            self.seen[:] = 0

    def _learn_losses(self) -> None:
        """Share of phone cards in use that a week costs: of all, and by kind for those who register them."""
        s = self.model.signals
        lost = {kind: self.seen[kind, [IN_USE, USED_AND_GONE]].tolist() for kind in (Kind.SIM, Kind.IOT)}
        for kind, (used, gone) in lost.items():
            if used > 0:
                weekly = min(7.0 * gone / used, 1.0)
                s.loss_by_kind[kind] += self.memory * (weekly - s.loss_by_kind[kind])
        used, gone = (sum(counts) for counts in zip(*lost.values(), strict=True))
        if used > 0:
            s.sim_loss_per_week += self.memory * (min(7.0 * gone / used, 1.0) - s.sim_loss_per_week)
