"""Insiders: clerks and agents who open cards for the trade from within (row 2).

An insider at a bank outlet opens accounts without screening for the recruiters of the region; insiders at
operators register phone cards.  Outlets and insiders have their true numbers at every scale, the accounts
they open are simulated ones.  Insiders leave on their own and are recruited, the faster the more a set sells
for, so that an investigation that goes unrepeated wears off.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sim.kernels.counter import OPENED, tally
from sim.kernels.enforcement import earliest
from sim.kernels.openings import below, insider_openings
from sim.processes.counter import Openings
from sim.random import Process, named_keys
from sim.world.codes import Source

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain
    from sim.policy import InsiderCase
    from sim.processes.opening import Opening

# Numbers of the processes as kernels take them.
INSIDERS, QUEUE = int(Process.INSIDERS), int(Process.QUEUE)


class Insiders:
    """Openings by insiders, their recruitment, and the investigations against them.

    ``keys``: what the random numbers of agents and of outlets are drawn by.
    """

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
        removed = min(int(agents), m.operators.insiders)
        m.operators.insiders -= removed
        if outlets:
            o = m.outlets
            there = case.regions[o.insider_region]
            rank = m.keyed.uniform(Process.INSIDERS, 0, o.insider_keys[there], 2)
            found = o.insiders[there][earliest(rank, int(outlets))]
            o.flip_insiders(found)
            removed += len(found)
        m.recorder.credit(case.measure, removed, real=True)

    def _turn_over(self) -> None:
        """Insiders leave and newcomers are recruited; at the first price their number is steady."""
        m = self.model
        pull = (m.recorder.quote("price_gang_yuan") / self.price) ** self.elasticity
        leave = -math.expm1(-self.turnover)
        join = leave * self.share / (1.0 - self.share) * pull * m.adapts("replacement")
        # Newcomers are few among all outlets, those who leave many among few: each is looked for by itself.
        o, nobody_leaves = m.outlets, np.array([join, 0.0])
        came = below(m.keyed.key, INSIDERS, m.day, 3, o.keys, nobody_leaves, o.compromised.view(np.uint8))
        left = o.insiders[m.keyed.uniform(Process.INSIDERS, m.day, o.insider_keys, 3) < leave]
        o.flip_insiders(np.concatenate([came, left]))
        start = m.operators.insiders_start
        own, there = self.keys[:1], [m.operators.insiders]
        agents_came = int(m.keyed.poisson(Process.INSIDERS, m.day, own, [leave * start * pull], 4)[0])
        agents_left = int(m.keyed.binomial(Process.INSIDERS, m.day, own, there, [leave], 5)[0])
        m.operators.insiders += agents_came * m.adapts("replacement") - agents_left

    def _open(self) -> None:
        """Accounts opened by insiders for recruiters who still need sets."""
        m, o, d = self.model, self.model.outlets, self.model.dealers
        key, outlet, region, recruiter = insider_openings(
            m.keyed.key,
            INSIDERS,
            QUEUE,
            m.day,
            self.rate / m.scale,
            o.insiders,
            o.insider_keys,
            o.suspended_until,
            o.region,
            *self.opening.at_work,
            d.sets_needed,
            d.sets_got,
        )
        if not len(key):
            return
        m.recorder.count("openings_insider", region)
        fate = np.full(len(key), OPENED, dtype=np.uint8)
        tally(region, outlet, fate, self.opening.counter.by_fate, m.footprints.opened)
        nobody = np.full(len(key), -1)
        new = np.zeros(len(key), dtype=np.bool_)
        self.opening.enter(Openings(key, nobody, nobody, recruiter, region, new, outlet), Source.INSIDER)
