"""Phases 8 and 11: money in flight is frozen or arrives; victims report; police register after a delay."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sim.kernels import money as kernels
from sim.kernels.chain import take_first
from sim.processes.operation import Cases
from sim.random import Process, named_keys
from sim.world.codes import Channel, Status
from sim.world.ledger import Account

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

ON_ACCOUNTS = (Channel.BOUGHT, Channel.OWN, Channel.CORPORATE, Channel.GUARDED)
"""Channels whose money goes from bank account to bank account."""

MONEY_COUNTS = ("frozen_yuan", "gang_income_yuan")
"""Outcomes of what is settled, in the order of the kernel."""

PAYMENTS = (
    (Account.IN_FLIGHT, Account.FROZEN),
    (Account.FROZEN, Account.RETURNED),
    (Account.IN_FLIGHT, Account.FEES),
    (Account.IN_FLIGHT, Account.GANGS),
    (Account.IN_FLIGHT, Account.OUTSIDE),
)
"""From where to where money goes that is settled, in the order of the kernel."""

REPORT_COUNTS = ("cases_reported", "cases_registered")
"""Outcomes of reporting, in the order of the kernel."""


class Funds:
    """Phase 8: the race decides each case's money; what is due today is frozen or paid out.

    ``flight``: money on its way, int64 (cases, 7): day due, day sent, gang, region, channel, fen, whether it
    is stopped; ``settled``: of this week, money settled and frozen, as agents can see it; ``felt`` and
    ``fees``: share of a take that a channel costs as gangs feel it, and as they pay it; ``speed``: factor on
    the rate of a freeze by channel; ``on_accounts``: whether a channel's money goes from bank account to bank
    account; ``transfers``: honest transfers a day by region; ``place_keys``: what the regions' random numbers
    are drawn by.
    """

    grows: ClassVar[tuple[str, ...]] = ("flight",)

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.hops = int(p.number("funds.hops"))
        self.layering = p.number("funds.layering_days")
        self.victim_delay = p.number("funds.victim_delay_days")
        self.police_delay = p.number("funds.police_delay_days")
        self.returned = p.number("funds.returned_share")
        self.felt = model.gang_rules.fees
        self.fees = self.felt.copy()
        self.fees[Channel.OWN] = 0.0  # a felt risk, paid to nobody
        self.speed = model.gang_rules.freeze_factor
        self.on_accounts = np.isin(np.arange(len(Channel)), ON_ACCOUNTS)
        self.frozen_in_error = p.number("funds.frozen_in_error")
        self.transfers = model.regions.adults * (p.number("ordinary.transfers_per_adult_year") / 365.25)
        self.place_keys = named_keys([f"funds {code}" for code in model.regions.codes])
        self.uses_per_case = p.number("gangs.uses_per_case")
        self.flight = np.empty((0, 7), dtype=np.int64)
        self.memory = p.number("beliefs.trade_memory")
        self.settled = np.zeros(2)

    def run(self) -> None:
        """Victims' money leaves; races of today are decided; money due today is settled."""
        m, cases = self.model, self.model.cases
        m.ledger.pay(Account.VICTIMS, Account.IN_FLIGHT, int(cases.amount.sum()))
        m.recorder.count("losses_yuan", cases.region, cases.amount)
        m.recorder.count("cases_true", cases.region)
        m.reported = m.reporting.who_reports(cases)
        columns = (cases.gang, cases.region, cases.channel, cases.amount)
        self.flight = kernels.take_off(m.day, self.flight, *columns, *self._race(cases))
        self._harm(self._settle())
        if m.day % 7 == 0 and self.settled[1] > 0:
            m.signals.frozen_share += self.memory * (
                self.settled[0] / self.settled[1] - m.signals.frozen_share
            )
            self.settled[:] = 0.0

    def _race(self, cases: Cases) -> tuple[np.ndarray, np.ndarray]:
        """Days until each case's money has passed all hops, and until it is stopped (4.13).

        Layering: the sum of L exponential waits; freeze: the victim's delay and then the police's, both
        exponential, if the victim reports. The sooner one has the money.

        What is stopped only because of a measure is credited to it.
        """
        m = self.model
        passed, stopped, saved = kernels.race(
            m.keyed.key,
            int(Process.CASE_RACE),
            int(Process.LINK),
            m.day,
            cases.key,
            cases.region,
            cases.channel,
            cases.amount,
            m.reported,
            self.speed,
            self.on_accounts,
            self.hops,
            self.layering,
            self.victim_delay,
            self.police_delay,
            m.policy.layering_factor,
            m.policy.freeze_factor,
            m.policy.link_share,
            m.policy.link_delay,
        )
        for what, yuan in zip(("freeze", "layering"), saved, strict=True):
            if what in m.policy.parts:
                m.recorder.credit_weights(what, yuan)
        return passed, stopped

    def _settle(self) -> np.ndarray:
        """Freeze or pay out what is due today; returns frozen cases by region, int64 (regions).

        Of frozen money a part goes back to victims, and the card that held it is frozen too.  Of money that
        passed all hops the channel's fee is kept, the rest is the gang's.
        """
        m, g = self.model, self.model.gangs
        self.flight, need, stopped, money, settled = kernels.settle(
            m.day,
            self.flight,
            g.alive,
            g.region,
            g.cash,
            g.week_income,
            g.price_seen,
            g.use_cap,
            g.earned,
            m.signals.detection,
            self.uses_per_case,
            self.returned,
            self.fees,
            self.felt,
            int(Channel.BOUGHT),
            int(Channel.OWN),
            m.regions.n,
            m.recorder.table(MONEY_COUNTS),
        )
        for (source, target), fen in zip(PAYMENTS, money.tolist(), strict=True):
            m.ledger.pay(source, target, fen)
        self.settled += settled
        taken = take_first(m.accounts.status, m.accounts.gang, int(Status.ACTIVE), need)
        m.accounts.move(taken, Status.FROZEN, m.day)
        return stopped

    def _harm(self, frozen: np.ndarray) -> None:
        """Honest accounts frozen in error beside ``frozen`` cases (regions), honest transfers held back."""
        m = self.model
        means = {"accounts_frozen_in_error": frozen * self.frozen_in_error * m.scale}
        means["transfers_held_legitimate"] = self.transfers * np.minimum(m.policy.transfers_held, 1.0)
        for draw, (name, mean) in enumerate(means.items()):
            if mean.any():
                harmed = m.keyed.rounded(Process.ROUNDING, m.day, self.place_keys, mean, draw)
                m.recorder.add(name, harmed)

    def in_flight(self) -> int:
        """Money on its way, fen, counted from the cases themselves."""
        return int(self.flight[:, kernels.FEN].sum())


class Reporting:
    """Phase 11: cases are thinned into reports and registered after a delay (equation 4.11).

    A case is reported with probability min(share x (1 + rise x awareness + lift) x shock, most).

    ``files``: reported cases that wait to be recorded, int64 (cases, 5): day of the report, day of
    registration, gang, region, channel; ``file_keys``: keys of these cases.
    """

    grows: ClassVar[tuple[str, ...]] = ("files", "file_keys")

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.share = p.number("reporting.share")
        self.rise = p.number("reporting.publicity_rise") * (model.rival != "no-awareness-effect")
        self.most = p.number("reporting.share_max")
        self.accepted = p.number("reporting.accepted_share")
        self.report_delay = p.number("reporting.report_delay_days")
        self.register_delay = p.number("reporting.register_delay_days")
        self.files = np.empty((0, 5), dtype=np.int64)
        self.file_keys = np.empty(0, dtype=np.uint64)

    def who_reports(self, cases: Cases) -> np.ndarray:
        """Mask of the cases whose victims report: awareness and the warning line raise the share."""
        m = self.model
        by_region = (m.awareness, m.policy.report_lift)
        factors = (self.share, self.rise, m.shock, self.most)
        return kernels.who_reports(
            m.keyed.key, int(Process.CASE_REPORT), m.day, cases.key, cases.region, *by_region, *factors
        )

    def run(self) -> None:
        """File today's reported cases; record the reports and registrations that are due."""
        m, cases = self.model, self.model.cases
        self.files, self.file_keys = kernels.take_down(
            m.keyed.key,
            int(Process.CASE_DELAY),
            m.day,
            self.files,
            self.file_keys,
            cases.key,
            cases.gang,
            cases.region,
            cases.channel,
            m.reported,
            self.report_delay,
            self.register_delay,
            self.accepted,
        )
        counts = m.recorder.table(REPORT_COUNTS)
        self.files, self.file_keys, filed, keys = kernels.due_today(m.day, self.files, self.file_keys, counts)
        m.registered_today = (*np.ascontiguousarray(filed.T), keys)
