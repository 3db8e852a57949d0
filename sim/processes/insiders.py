"""Insiders: clerks and agents who open cards for the trade from within (row 2).

An insider at a bank outlet opens accounts without screening for the recruiters of the region; insiders at
operators register phone cards.  Outlets and insiders have their true numbers at every scale, the accounts
they open are simulated ones.  Insiders leave on their own and are recruited, the faster the more a set sells
for, so that an investigation that goes unrepeated wears off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim import arrays
from sim.random import Process, child_keys, named_keys
from sim.world.codes import Source

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain
    from sim.policy import InsiderCase
    from sim.processes.opening import Opening


class Insiders:
    """Openings by insiders, their recruitment, and the investigations against them."""

    def __init__(self, model: FraudSupplyChain, opening: Opening) -> None:
        p = model.parameters
        self.model = model
        self.opening = opening
        self.rate = p.number("insiders.cards_per_week") / 7.0
        self.share = p.number("insiders.outlet_share")
        self.turnover = p.number("insiders.turnover_per_year") / 52.0
        self.elasticity = p.number("insiders.recruit_elasticity")
        self.price = p.number("market.price_gang_start")
        self.keys = named_keys(["insider agents", "insider outlets"])

    def run(self) -> None:
        """Investigate, recruit once a week, open."""
        m = self.model
        for case in m.policy.insiders:
            self.investigate(case)
        if m.day % 7 == 0:
            self._turn_over()
        self._open()

    def investigate(self, case: InsiderCase) -> None:
        """Remove insiders: compromised outlets in a fixed keyed order, agents by their number."""
        m = self.model
        agents, outlets = m.keyed.rounded(Process.INSIDERS, m.day, self.keys, [case.agents, case.outlets], 1)
        there = np.flatnonzero(m.outlets.compromised)
        there = there[case.regions[m.outlets.region[there]]]
        rank = m.keyed.uniform(Process.INSIDERS, 0, m.outlets.keys[there], 2)
        found = there[np.argsort(rank, kind="stable")[: int(outlets)]]
        m.outlets.compromised[found] = False
        removed = min(int(agents), m.operators.insiders)
        m.operators.insiders -= removed
        m.recorder.credit(case.measure, len(found) + removed, real=True)

    def _turn_over(self) -> None:
        """Insiders leave and newcomers are recruited; at the first price their number is steady."""
        m = self.model
        pull = (m.recorder.quote("price_gang_yuan") / self.price) ** self.elasticity
        u = m.keyed.uniform(Process.INSIDERS, m.day, m.outlets.keys, 3)
        leave = -np.expm1(-self.turnover)
        join = leave * self.share / (1.0 - self.share) * pull * m.adapts("replacement")
        m.outlets.compromised[:] = np.where(m.outlets.compromised, u >= leave, u < join)
        start = m.operators.insiders_start
        own, there = self.keys[:1], [m.operators.insiders]
        came = int(m.keyed.poisson(Process.INSIDERS, m.day, own, [leave * start * pull], 4)[0])
        left = int(m.keyed.binomial(Process.INSIDERS, m.day, own, there, [leave], 5)[0])
        m.operators.insiders += came * m.adapts("replacement") - left

    def _open(self) -> None:
        """Accounts opened by insiders for recruiters who still need sets."""
        m, outlets = self.model, self.model.outlets
        at_work = np.flatnonzero(outlets.compromised)
        at_work = at_work[outlets.suspended_until[at_work] <= m.day]
        mean = np.full(len(at_work), self.rate / m.scale)
        count = m.keyed.poisson(Process.INSIDERS, m.day, outlets.keys[at_work], mean, 6)
        outlet = np.repeat(at_work, count)
        if not len(outlet):
            return
        day = np.uint64(m.day) << np.uint64(32)
        key = child_keys(outlets.keys[outlet], day + arrays.number_within(count).astype(np.uint64))
        region = outlets.region[outlet].astype(np.int64)
        met, recruiter = self.opening.meet(region, m.keyed.uniform(Process.INSIDERS, m.day, key, 7))
        key, outlet, region = key[met], outlet[met], region[met]
        taken = self.opening.room(recruiter, m.keyed.uniform(Process.QUEUE, m.day, key, 3), 1.0)
        self._sell(key[taken], outlet[taken], region[taken], recruiter[taken])

    def _sell(self, key: np.ndarray, outlet: np.ndarray, region: np.ndarray, recruiter: np.ndarray) -> None:
        m, n = self.model, len(key)
        if not n:
            return
        m.recorder.count("openings_attempted_illicit", region)
        m.recorder.count("openings_illicit", region)
        m.recorder.count("openings_insider", region)
        m.footprints.opened(outlet)
        nobody = np.full(n, -1)
        self.opening.enter(
            key, nobody, recruiter, region, outlet, np.zeros(n, dtype=bool), np.full(n, Source.INSIDER)
        )
