"""Phase 13: the books are compared with the world, and the month is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from sim.world.ledger import Account

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class Audit:
    """Identities A17 (money) and A18 (cards), daily or monthly; month ends also settle ordinary cards.

    ``refused`` and ``shut``: of this month, summed over its days by region: share of honest applicants
    refused, share of outlets suspended.
    """

    given: ClassVar[tuple[str, ...]] = ("every",)

    def __init__(self, model: FraudSupplyChain, every: Literal["month", "day"]) -> None:
        self.model = model
        self.every = every
        self.refused = np.zeros(model.regions.n)
        self.shut = np.zeros(model.regions.n)
        self.days = 0
        self.checks = 0

    def run(self) -> None:
        """Gather the day for ordinary cards; at the month's end settle them, audit and record."""
        m = self.model
        month_ends = m.month_ends
        m.banks.add_honest_refusals(self.refused)
        self.shut += m.outlets.shut_share(m.day, m.regions.n)
        self.days += 1
        if month_ends:
            self._ordinary()
        if month_ends or self.every == "day":
            self.money()
            self.cards()
            self.checks += 1
        if m.day % 7 == 6:
            m.recorder.end_week()
        if month_ends:
            m.opening.end_month()
            m.footprints.end_month(m.first_of_month)
            m.recorder.end_month(m.first_of_month)

    def _ordinary(self) -> None:
        m = self.model
        month = m.ordinary.end_month(
            m.day, self.days, self.refused / self.days, self.shut / self.days, m.keyed
        )
        for name, values in (
            ("openings_legitimate", month.openings),
            ("openings_refused_legitimate", month.refused),
            ("openings_lost_to_suspension", month.turned_away),
            ("accounts_cleaned", month.accounts_cleaned),
            ("sims_cleaned", month.sims_cleaned),
            ("iot_cleaned", month.iot_cleaned),
            ("closed_false", month.wanted_cleaned),
        ):
            m.recorder.add(name, values)
        self.refused[:] = 0.0
        self.shut[:] = 0.0
        self.days = 0

    def money(self) -> None:
        """A17: what the world holds equals the books, account by account, and everything adds up to 0."""
        m, books = self.model, self.model.ledger.money
        m.ledger.check("money: gangs' cash", m.day, int(m.gangs.cash.sum()), int(books[Account.GANGS]))
        m.ledger.check("money: dealers' cash", m.day, int(m.dealers.cash.sum()), int(books[Account.DEALERS]))
        m.ledger.check("money: in flight", m.day, m.funds.in_flight(), int(books[Account.IN_FLIGHT]))
        sources = -int(books[Account.VICTIMS]) - int(books[Account.BROUGHT])
        held = int(books.sum()) + sources
        m.ledger.check("money: losses and cash brought = all that is held", m.day, sources, held)

    def cards(self) -> None:
        """A18: cards that entered equal cards by status, and every change of status was logged once."""
        m = self.model
        here = m.accounts.count() + m.sims.count()
        logged = m.ledger.by_status()
        for kind in range(here.shape[0]):
            m.ledger.check(
                f"cards of kind {kind}: entered = all statuses",
                m.day,
                int(m.ledger.entered[kind]),
                int(here[kind].sum()),
            )
            for status in range(here.shape[1]):
                m.ledger.check(
                    f"cards of kind {kind} in status {status}",
                    m.day,
                    int(here[kind, status]),
                    int(logged[kind, status]),
                )
