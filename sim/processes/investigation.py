"""Phase 10: police work through their leads, and campaigns strike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.agents.gang import OWN
from sim.interventions.base import Campaign
from sim.random import Process, named_key

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class Investigation:
    """Leads to police units, arrests out of solved cases, and the arrests that campaigns order."""

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.lead = p.number("police.lead_share")
        self.own_lead = p.number("police.own_account_lead_factor")
        self.breaks = p.number("police.gang_broken_per_solved")
        self.traced = p.number("police.opener_arrested_per_solved")
        self.seize = p.number("police.seize_share")
        self.keys = np.array([named_key(f"campaign {name}") for name in ("dealers", "openers", "gangs")], dtype=np.uint64)

    def run(self) -> None:
        """Leads, investigations, campaigns."""
        self._leads()
        self._solve()
        for number, campaign in enumerate(self.model.policy.campaigns):
            self._strike(campaign, number)

    def _leads(self) -> None:
        """A registered case yields a lead with some probability; a gang's own accounts betray it more often."""
        m = self.model
        for gang, region, channel, key in m.registered_today:
            chance = np.minimum(self.lead * np.where(channel == OWN, self.own_lead, 1.0), 1.0)
            good = m.random.uniform(Process.LEAD, m.day, key) < chance
            for unit in np.unique(region[good]):
                m.police[int(unit)].receive(gang[good & (region == unit)], key[good & (region == unit)])

    def _solve(self) -> None:
        m = self.model
        solved = [unit.investigate() for unit in m.police]
        gang = np.concatenate([gangs for gangs, _ in solved])
        key = np.concatenate([keys for _, keys in solved])
        if not len(gang):
            return
        m.recorder.count("cases_solved", m.gangs.region[gang])
        broken = m.random.uniform(Process.SOLVE, m.day, key, 1) < self.breaks
        m.removal.gangs(gang[broken], self.seize)
        traced = int((m.random.uniform(Process.SOLVE, m.day, key, 2) < self.traced).sum())
        self._arrest_openers(traced, np.ones(m.regions.n, dtype=bool), 9)

    def _strike(self, order: Campaign, number: int) -> None:
        """Today's arrests of one campaign; fractions are settled by a keyed draw."""
        m, d = self.model, self.model.dealers
        doses = np.array([order.card_gangs, order.opener_arrests, order.fraud_gangs]) / m.scale
        dealers, openers, gangs = m.random.rounded(Process.CAMPAIGN, m.day, self.keys, doses, 100 + number)
        inside = np.concatenate([order.regions, [False]])
        alive = np.flatnonzero((d.alive == 1) & inside[d.region])
        weight = (1.0 + d.sold[alive]) ** order.evidence_exponent * m.dealer_degree()[alive] ** order.degree_exponent
        m.removal.dealers(self._race(alive, d.key[alive], weight, int(dealers), number), order.seize_share)
        self._arrest_openers(int(openers), order.regions, 10 + number)
        g = m.gangs
        crews = np.flatnonzero(g.alive == 1)
        weight = (1.0 + g.cases[crews]) ** order.evidence_exponent
        m.removal.gangs(self._race(crews, g.key[crews], weight, int(gangs), 50 + number), order.seize_share)

    def _race(self, rows: np.ndarray, keys: np.ndarray, weight: np.ndarray, count: int, draw: int) -> np.ndarray:
        """``count`` rows without replacement by weight: the first in a race of exponential clocks."""
        if count <= 0 or not len(rows):
            return rows[:0]
        clock = self.model.random.exponential(Process.CAMPAIGN, self.model.day, keys, draw) / weight
        return rows[np.argsort(clock, kind="stable")[:count]]

    def _arrest_openers(self, count: int, regions: np.ndarray, draw: int) -> None:
        """Arrests fall on everyone with past openings, all alike (4.9)."""
        m, o = self.model, self.model.openers
        if count > 0:
            past = o.past_openers(m.day)
            past = past[regions[o.region[past]]]
            u = m.random.uniform(Process.OPENER_ARREST, m.day, o.key[past], draw)
            m.removal.openers(past[np.argsort(u, kind="stable")[:count]])
