"""Phases 8 and 11: money in flight is frozen or arrives; victims report; police register after a delay."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from sim.kernels.chain import take_first
from sim.processes.operation import Cases
from sim.processes.race import freeze_time, layering_time
from sim.random import Process, named_keys
from sim.world.codes import Channel, Status
from sim.world.ledger import Account

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

ON_ACCOUNTS = (Channel.BOUGHT, Channel.OWN, Channel.CORPORATE, Channel.GUARDED)
"""Channels whose money goes from bank account to bank account."""


class Funds:
    """Phase 8: the race decides each case's money; what is due today is frozen or paid out."""

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.hops = int(p.number("funds.hops"))
        self.layering = p.number("funds.layering_days")
        self.victim_delay = p.number("funds.victim_delay_days")
        self.police_delay = p.number("funds.police_delay_days")
        self.returned = p.number("funds.returned_share")
        self.fees = model.gang_rules.fees.copy()
        self.fees[Channel.OWN] = 0.0  # a felt risk, paid to nobody
        self.speed = model.gang_rules.freeze_factor
        self.frozen_in_error = p.number("funds.frozen_in_error")
        self.transfers = p.number("ordinary.transfers_per_adult_year") / 365.25
        self.place_keys = named_keys([f"funds {code}" for code in model.regions.codes])
        self.uses_per_case = p.number("gangs.uses_per_case")
        self.due: dict[int, list[tuple[Cases, np.ndarray]]] = defaultdict(list)
        self.memory = p.number("beliefs.trade_memory")
        self.settled = np.zeros(2)

    def run(self) -> None:
        """Victims' money leaves; races of today are decided; money due today is settled."""
        m, cases = self.model, self.model.cases
        m.ledger.pay(Account.VICTIMS, Account.IN_FLIGHT, int(cases.amount.sum()))
        m.recorder.count("losses_yuan", cases.region, cases.amount)
        m.recorder.count("cases_true", cases.region)
        m.reported = m.reporting.who_reports(cases)
        passed, stopped = self._race(cases)
        frozen = m.reported & (stopped < passed)
        days = np.floor(np.minimum(np.where(frozen, stopped, passed), 3650.0)).astype(np.int64)
        for wait in np.unique(days):
            now = days == wait
            self.due[m.day + int(wait)].append((cases.keep(now), frozen[now]))
        stopped_today = np.zeros(m.regions.n, dtype=np.int64)
        for batch, lost in self.due.pop(m.day, []):
            self._freeze(batch.keep(lost))
            self._pay_out(batch.keep(~lost))
            stopped_today += np.bincount(batch.region[lost], minlength=m.regions.n)
        self._harm(stopped_today)
        if m.day % 7 == 0 and self.settled[1] > 0:
            m.signals.frozen_share += self.memory * (
                self.settled[0] / self.settled[1] - m.signals.frozen_share
            )
            self.settled[:] = 0.0

    def _race(self, cases: Cases) -> tuple[np.ndarray, np.ndarray]:
        """Days until each case's money has passed all hops, and until it is stopped (4.13).

        What is stopped only because of a measure is credited to it.
        """
        m, region = self.model, cases.region
        hops = layering_time(m.keyed, m.day, cases.key, self.hops, self.layering)
        accounts = np.isin(cases.channel, ON_ACCOUNTS)
        passed = hops * np.where(accounts, m.policy.layering_factor[region], 1.0)
        delay = self.police_delay / m.policy.freeze_factor[region]
        linked = m.keyed.uniform(Process.LINK, m.day, cases.key) < m.policy.link_share[region]
        delay = np.where(linked, np.minimum(delay, m.policy.link_delay[region]), delay)
        waits = (m.keyed, m.day, cases.key, self.victim_delay)
        stopped = freeze_time(*waits, delay) / self.speed[cases.channel]
        if m.policy.parts:
            plain = freeze_time(*waits, self.police_delay) / self.speed[cases.channel]
            sooner = m.reported & (stopped < passed) & (plain >= passed)
            slower = m.reported & (stopped < passed) & (stopped >= hops)
            for what, mask in (("freeze", sooner), ("layering", slower)):
                yuan = np.bincount(region[mask], cases.amount[mask] / 100.0, m.regions.n)
                m.recorder.credit_weights(what, yuan)
        return passed, stopped

    def _harm(self, frozen: np.ndarray) -> None:
        """Honest accounts frozen in error beside ``frozen`` cases (regions), honest transfers held back."""
        m = self.model
        means = np.array([frozen * self.frozen_in_error * m.scale, self._held()])
        for draw, name in enumerate(("accounts_frozen_in_error", "transfers_held_legitimate")):
            m.recorder.add(name, m.keyed.rounded(Process.ROUNDING, m.day, self.place_keys, means[draw], draw))

    def _held(self) -> np.ndarray:
        m = self.model
        return np.asarray(m.regions.adults * self.transfers * np.minimum(m.policy.transfers_held, 1.0))

    def in_flight(self) -> int:
        """Money on its way, fen, counted from the cases themselves."""
        return sum(int(batch.amount.sum()) for day in self.due.values() for batch, _ in day)

    def _freeze(self, cases: Cases) -> None:
        """Frozen money, part of which goes back to victims; the card that held it is frozen too."""
        m, g = self.model, self.model.gangs
        if not len(cases.gang):
            return
        total = int(cases.amount.sum())
        m.ledger.pay(Account.IN_FLIGHT, Account.FROZEN, total)
        m.ledger.pay(Account.FROZEN, Account.RETURNED, int(total * self.returned))
        m.recorder.count("frozen_yuan", cases.region, cases.amount)
        need = np.bincount(cases.gang[cases.channel == Channel.BOUGHT], minlength=g.n)
        taken = np.zeros(m.accounts.n, dtype=np.uint8)
        take_first(m.accounts.status, m.accounts.gang, int(Status.ACTIVE), need, taken)
        m.accounts.move(np.flatnonzero(taken), Status.FROZEN, m.day)
        self._learn(cases, np.zeros(len(cases.gang)))

    def _pay_out(self, cases: Cases) -> None:
        """Money that passed all hops: the channel's fee is kept, the rest is the gang's."""
        m, g = self.model, self.model.gangs
        if not len(cases.gang):
            return
        fee = np.round(cases.amount * self.fees[cases.channel]).astype(np.int64)
        net = cases.amount - fee
        m.ledger.pay(Account.IN_FLIGHT, Account.FEES, int(fee.sum()))
        alive = g.alive[cases.gang] == 1
        m.ledger.pay(Account.IN_FLIGHT, Account.GANGS, int(net[alive].sum()))
        m.ledger.pay(Account.IN_FLIGHT, Account.OUTSIDE, int(net[~alive].sum()))
        np.add.at(g.cash, cases.gang[alive], net[alive])
        np.add.at(g.week_income, cases.gang[alive], net[alive])
        m.recorder.count("gang_income_yuan", g.region[cases.gang[alive]], net[alive])
        self._learn(cases, net / cases.amount)

    def _learn(self, cases: Cases, kept: np.ndarray) -> None:
        """What gangs remember of a case: the share kept, less the cost of the cards."""
        m, g = self.model, self.model.gangs
        cards = (
            g.price_seen[cases.gang] * self.uses_per_case / m.gang_rules.expected_uses(g.use_cap[cases.gang])
        )
        cost = np.where(
            cases.channel == Channel.BOUGHT, cards * 100.0 / cases.amount, m.gang_rules.fees[cases.channel]
        )
        cost = np.where((cases.channel == Channel.BOUGHT) | (cases.channel == Channel.OWN), cost, 0.0)
        np.add.at(g.earned, (cases.gang, cases.channel), kept - np.minimum(cost, 1.0))
        self.settled += [int((kept == 0.0).sum()), len(kept)]


class Reporting:
    """Phase 11: cases are thinned into reports and registered after a delay (equation 4.11)."""

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.share = p.number("reporting.share")
        self.rise = p.number("reporting.publicity_rise") * (model.rival != "no-awareness-effect")
        self.most = p.number("reporting.share_max")
        self.accepted = p.number("reporting.accepted_share")
        self.report_delay = p.number("reporting.report_delay_days")
        self.register_delay = p.number("reporting.register_delay_days")
        self.reports: dict[int, list[np.ndarray]] = defaultdict(list)
        self.registrations: dict[int, list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]] = (
            defaultdict(list)
        )

    def who_reports(self, cases: Cases) -> np.ndarray:
        """Mask of the cases whose victims report: awareness and the warning line raise the share."""
        m = self.model
        share = self.share * (1.0 + self.rise * m.awareness + m.policy.report_lift) * m.shock
        chance = np.minimum(share, self.most)[cases.region]
        return np.asarray(m.keyed.uniform(Process.CASE_REPORT, m.day, cases.key) < chance)

    def run(self) -> None:
        """Schedule today's reports and registrations; record those that are due."""
        m = self.model
        cases = m.cases.keep(m.reported)
        said = self.report_delay * m.keyed.exponential(Process.CASE_DELAY, m.day, cases.key)
        written = said + self.register_delay * m.keyed.exponential(Process.CASE_DELAY, m.day, cases.key, 1)
        taken = m.keyed.uniform(Process.CASE_DELAY, m.day, cases.key, 2) < self.accepted
        for wait, now in _by_day(said):
            self.reports[m.day + wait].append(cases.region[now])
        for wait, now in _by_day(written):
            now &= taken
            filed = (cases.gang[now], cases.region[now], cases.channel[now], cases.key[now])
            self.registrations[m.day + wait].append(filed)
        for region in self.reports.pop(m.day, []):
            m.recorder.count("cases_reported", region)
        m.registered_today = self.registrations.pop(m.day, [])
        for _, region, _, _ in m.registered_today:
            m.recorder.count("cases_registered", region)


def _by_day(delay: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Whole days of delay and the mask of the cases with each."""
    days = np.floor(delay).astype(np.int64)
    return [(int(day), days == day) for day in np.unique(days)]
