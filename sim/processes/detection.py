"""Phase 9: the card step - detection by use, cleanups, reclaim and lapse compete in one draw a card."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from sim.arrays import fen
from sim.kernels import card_passes as passes
from sim.kernels.card_step import card_step
from sim.random import Process
from sim.world.cards import CardTable
from sim.world.codes import FLAG_SETS, LIVE, Cause, Flag, Kind, Status
from sim.world.ledger import Account
from sim.world.ordinary import CLEANUPS, matches

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

OWN_CAUSES = (Cause.RECLAIMED, Cause.LAPSED)
_ENDS = {
    Cause.DETECTED: Status.RESTRICTED,
    Cause.RECLAIMED: Status.RECLAIMED,
    Cause.LAPSED: Status.EXHAUSTED,
} | dict.fromkeys(CLEANUPS, Status.CLEANED)


class Detection:
    """Hazards of the day for tracked cards; ordinary cards get the same cleanups at their month's end."""

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
        self.flagged = {flag: matches(flag, FLAG_SETS)[:, None] for flag in range(FLAG_SETS)}
        self.sleeps_after = int(p.number("cards.sleeps_after_days"))
        self.warming = -np.expm1(-p.number("dealers.warm_up_per_week") / 7.0)
        self.warming_cost = p.number("dealers.warm_up_cost")
        self.trace = p.number("detection.trace_per_use")
        self.trace_delay = p.number("detection.trace_delay_days")
        self.new_card_days = p.number("detection.new_card_days")
        self.memory = p.number("beliefs.trade_memory")
        self.involved: dict[int, list[np.ndarray]] = defaultdict(list)
        self.seen = np.zeros(2)
        self.lost = {kind: np.zeros(2) for kind in (Kind.SIM, Kind.IOT)}

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
            self.rates[at] += hazard * self.flagged[order.flag] * order.regions
            self.written.add(at)
            m.policy.part(f"cleaned {int(order.cause)}", order.measure, hazard * order.regions)
        return self.rates

    def _fall_asleep(self) -> None:
        """Accounts that lie on a shelf for long count as dormant."""
        m, cards = self.model, self.model.accounts
        opened = m.day - self.sleeps_after
        passes.fall_asleep(
            cards.status, cards.flags, cards.opened, int(Status.ACTIVE), opened, int(Flag.IDLE)
        )

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
            int(Process.CARD_STEP),
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
            int(LIVE),
            self.new_days,
            self.by_use,
            m.policy.use_factor,
            cleanup,
            self._own_rates(),
            removed,
        )
        gone = passes.marked(removed)
        causes = removed[gone]
        self._observe(cards, gone, causes)
        for cause in np.flatnonzero(np.bincount(causes)).tolist():
            rows = gone[causes == cause]
            why = self.cause(cause - 1)
            if why in CLEANUPS:
                m.recorder.count("closed_true", cards.region_open[rows])
                m.recorder.credit_parts(f"cleaned {int(why)}", cards.region_open[rows])
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

    @staticmethod
    def cause(number: int) -> Cause:
        """The cause that the card step numbers so: detection, the cleanups, the cards' own causes."""
        return (Cause.DETECTED, *CLEANUPS, *OWN_CAUSES)[number]

    def _trace(self) -> None:
        """Used cards are traced to their opener after a delay; newly opened ones are counted apart."""
        m, cards = self.model, self.model.accounts
        rows = passes.trace(
            m.keyed.key,
            int(Process.TRACE),
            m.day,
            cards.key,
            cards.uses_today,
            cards.region_open,
            cards.flags,
            int(Flag.INVOLVED),
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
        done = passes.worn_out(cards.status, cards.uses, cards.gang, m.gangs.use_cap, int(Status.ACTIVE))
        cards.move(done, Status.EXHAUSTED, m.day)

    def _observe(self, cards: CardTable, gone: np.ndarray, causes: np.ndarray) -> None:
        """Count what gangs can see: uses and detections of accounts, phone cards in use and lost.

        ``gone``: rows of the cards removed today (n), ``causes``: why, as the card step numbers it (n).
        """
        used = cards.uses_today[gone] > 0
        if cards is self.model.accounts:
            self.seen[0] += passes.usage(cards.kind, cards.uses_today, int(Kind.ACCOUNT))[1]
            self.seen[1] += np.count_nonzero(causes[used] == 1)
        else:
            kinds = cards.kind[gone[used]]
            for kind, seen in self.lost.items():
                seen[0] += passes.usage(cards.kind, cards.uses_today, int(kind))[0]
                seen[1] += np.count_nonzero(kinds == kind)

    def _learn(self) -> None:
        """Each week the trade's experience moves towards what it saw."""
        m, s = self.model, self.model.signals
        if m.day % 7 == 6:
            if self.seen[0] > 0:
                s.detection += self.memory * (self.seen[1] / self.seen[0] - s.detection)
                s.detection = max(s.detection, 1e-4)
            self._learn_losses()
            self.seen[:] = 0.0

    def _learn_losses(self) -> None:
        """Share of phone cards in use that a week costs: of all, and by kind for those who register them."""
        s = self.model.signals
        for kind, seen in self.lost.items():
            if seen[0] > 0:
                weekly = min(7.0 * seen[1] / seen[0], 1.0)
                s.loss_by_kind[kind] += self.memory * (weekly - s.loss_by_kind[kind])
        used, gone = sum(self.lost.values(), np.zeros(2))
        if used > 0:
            s.sim_loss_per_week += self.memory * (min(7.0 * gone / used, 1.0) - s.sim_loss_per_week)
        for seen in self.lost.values():
            seen[:] = 0.0
