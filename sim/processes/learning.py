"""Phase 12: the weekly books of gangs and dealers - profit, exit, entry, replacement, news of removals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sim.agents.dealer import RECRUITER, SELLER
from sim.agents.population import successors
from sim.kernels import books
from sim.processes.removal import gang_cards
from sim.random import Process, child_keys, named_key
from sim.world.codes import Status
from sim.world.ledger import Account

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

REFERENCE_WEEKS = (13, 52)
"""Weeks of the run over which the reference profit is measured."""


class Learning:
    """Cash, exit and entry each week; replacements on their day; public experience of removals.

    ``entry_key``: what the number of new dealer cells is drawn by.
    """

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.fixed = p.number("gangs.fixed_cost_per_staff_week")
        self.reserve = p.number("gangs.cash_reserve_per_staff")
        self.exit_speed = p.number("gangs.exit_per_year") / 52.0
        self.profit_memory = p.number("gangs.profit_memory")
        self.dealer_reserve = round(p.number("dealers.cash_reserve") * 100)
        self.opener_memory = 1.0 - p.number("beliefs.decay")
        self.rewire = p.number("market.rewire_per_week")
        self.search = p.number("market.search_per_week")
        self.gang_entry = Entry(p.number("gangs.growth_per_year"), p.number("gangs.growth_ratio_max"))
        self.dealer_entry = Entry(p.number("dealers.growth_per_year"), p.number("dealers.growth_ratio_max"))
        self.exit = int(Process.EXIT)
        self.card_cost = int(model.rival != "no-card-effect")
        self.entry_key = np.array([named_key("entry dealers")], dtype=np.uint64)
        self.sales_before = 0

    def run(self) -> None:
        """Books of those whose week ends today; entry and news on the last day of each week."""
        self._books()
        self._replacements()
        self._openers_spend()
        if self.model.day % 7 == 6:
            self._enter()
            self._news()

    def _books(self) -> None:
        """Gangs close their week: those that stay renew their contacts, the others leave the trade."""
        m, g = self.model, self.model.gangs
        spent, stay, leaves = books.gang_books(
            m.keyed.key,
            self.exit,
            m.day,
            g.alive,
            g.weekday,
            g.key,
            g.staff,
            g.cash,
            g.week_income,
            g.week_cost,
            g.profit,
            self.fixed,
            self.reserve,
            self.profit_memory,
            self.exit_speed,
            self.card_cost,
        )
        m.ledger.pay(Account.GANGS, Account.OUTSIDE, spent)
        self.leave(leaves)
        m.population.rewire(stay, g, SELLER, self.rewire, 0)
        m.population.search(stay, g, SELLER, self.search, 200)
        self._dealer_books()

    def leave(self, rows: np.ndarray) -> None:
        """Gangs that give up: their cards lapse, their cash leaves the trade."""
        m, g = self.model, self.model.gangs
        if not len(rows):
            return
        for cards in (m.accounts, m.sims):
            cards.move(gang_cards(cards, rows, g.n), Status.EXHAUSTED, m.day)
        m.ledger.pay(Account.GANGS, Account.OUTSIDE, int(g.cash[rows].sum()))
        g.cash[rows] = 0
        m.recorder.count("gangs_left", g.region[rows])
        m.end_gangs(rows)

    def _dealer_books(self) -> None:
        """Dealers spend what exceeds their reserve; debts of recruiters wait for sales."""
        m, d = self.model, self.model.dealers
        drawn, sellers = books.dealer_books(
            m.day, d.alive, d.weekday, d.tier, d.cash, self.dealer_reserve, SELLER
        )
        m.ledger.pay(Account.DEALERS, Account.OUTSIDE, drawn)
        m.population.rewire(sellers, d, RECRUITER, self.rewire, 100)
        m.population.search(sellers, d, RECRUITER, self.search, 210)

    def _openers_spend(self) -> None:
        """Openers spend their wages at once."""
        m = self.model
        m.ledger.pay(Account.OPENERS, Account.OUTSIDE, int(m.ledger.money[Account.OPENERS]))

    def _replacements(self) -> None:
        """Newcomers take the places of removed gangs and dealers, with keys made from theirs (4.3)."""
        m, g, d = self.model, self.model.gangs, self.model.dealers
        if due := m.removal.gangs_due.pop(m.day, None):
            rows = np.array(due, dtype=np.int64)
            m.population.enter_gangs(successors(g.key[rows]), g.region[rows].astype(np.int64))
        if due := m.removal.dealers_due.pop(m.day, None):
            rows = np.array(due, dtype=np.int64)
            self._new_dealers(successors(d.key[rows]), d.tier[rows], d.region[rows])

    def _new_dealers(self, keys: np.ndarray, tier: np.ndarray, region: np.ndarray) -> None:
        m = self.model
        rows = m.population.enter_dealers(keys, tier.astype(np.int64), region.astype(np.int64), ready=False)
        sellers = rows[m.dealers.tier[rows] == SELLER]
        m.population.greet(sellers)

    def _enter(self) -> None:
        """New gangs and dealers: more of them while the trade pays better than in the first year."""
        self._enter_gangs()
        self._enter_dealers()

    def _enter_gangs(self) -> None:
        """Gangs split off from gangs at work, each with the same chance, by the profit of a member."""
        m, g = self.model, self.model.gangs
        alive = np.flatnonzero((g.alive == 1) & (g.staff > 0))
        profit = math.fsum(g.profit[alive].tolist()) / max(int(g.staff[alive].sum()), 1)
        chance = -math.expm1(-self.gang_entry.rate(m.day // 7, profit))
        parents = alive[m.keyed.uniform(Process.ENTRY, m.day, g.key[alive]) < chance]
        if len(parents):
            g.offshoots[parents] += 1
            keys = child_keys(g.key[parents], 1 + g.offshoots[parents])
            m.population.enter_gangs(keys, m.population.gang_regions(keys))

    def _enter_dealers(self) -> None:
        """Cells enter by the margin that a cell earns in a week."""
        m, d = self.model, self.model.dealers
        sellers = (d.alive == 1) & (d.tier == SELLER)
        cells = max(int((d.alive == 1).sum()), 1)
        sold = int(d.sold.sum()) - self.sales_before
        self.sales_before = int(d.sold.sum())
        margins = (d.ask[sellers, 0] - d.wage[sellers]).tolist()
        margin = math.fsum(margins) / max(len(margins), 1) * sold / cells
        mean = self.dealer_entry.rate(m.day // 7, margin) * cells
        keys = m.population.new_keys(int(m.keyed.poisson(Process.ENTRY, m.day, self.entry_key, [mean], 1)[0]))
        share = m.parameters.number("dealers.seller_share")
        tier = np.where(m.keyed.uniform(Process.DEALER_TRAITS, 0, keys, 5) < share, SELLER, RECRUITER)
        if len(keys):
            self._new_dealers(keys, tier, m.population.regions_of(keys, m.openers.weight))

    def _news(self) -> None:
        """Shares of gangs, dealers and openers removed in the week, as the trade hears of them."""
        m, s, r = self.model, self.model.signals, self.model.removal
        places = m.regions.n + 1
        alive = m.gangs.alive == 1
        gangs = np.bincount(m.gangs.region[alive], weights=m.gangs.staff[alive], minlength=places)
        dealers = np.bincount(m.dealers.region[m.dealers.alive == 1], minlength=places)
        s.gang_removal = r.gangs_week / np.maximum(gangs + r.gangs_week, 1)
        s.dealer_removal = r.dealers_week / np.maximum(dealers + r.dealers_week, 1)
        past = np.bincount(m.openers.region[m.openers.past_openers(m.day)], minlength=m.regions.n)
        yearly = 52.0 * r.openers_week / np.maximum(past + r.openers_week, 1)
        s.opener_belief = s.opener_belief + self.opener_memory * (yearly - s.opener_belief)
        for counts in (r.gangs_week, r.dealers_week, r.openers_week):
            counts[:] = 0


class Entry:
    """Entry rate a week: growth at the reference profit, in proportion to profit, between 0 and a cap."""

    def __init__(self, growth_per_year: float, ratio_max: float) -> None:
        self.growth = growth_per_year / 52.0
        self.ratio_max = ratio_max
        self.reference = 0.0
        self.weeks = 0

    def rate(self, week: int, profit: float) -> float:
        """Newcomers a week for each one there is; until the reference is known the ratio is 1."""
        first, last = REFERENCE_WEEKS
        if first <= week < last:
            self.weeks += 1
            self.reference += (profit - self.reference) / self.weeks
        ratio = profit / self.reference if week >= last and self.reference > 0.0 else 1.0
        return self.growth * min(max(ratio, 0.0), self.ratio_max)
