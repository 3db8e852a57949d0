"""Phase 10: police work through their leads, and campaigns strike."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from sim.policy import Campaign
from sim.random import Process, named_key
from sim.world.codes import Channel

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
        self.solve = p.number("police.solve_share")
        self.unit_keys = np.array([unit.key for unit in model.police], dtype=np.uint64)
        self.capacity = np.array([unit.capacity for unit in model.police])

    def run(self) -> None:
        """Leads, investigations, campaigns."""
        self._leads()
        self._solve()
        for campaign in self.model.policy.campaigns:
            self._strike(campaign)

    def _leads(self) -> None:
        """A registered case may yield a lead; a gang's own accounts betray it more often."""
        m = self.model
        if not m.registered_today:
            return
        columns = zip(*m.registered_today, strict=True)
        gang, region, channel, key = (np.concatenate(parts) for parts in columns)
        chance = np.minimum(self.lead * np.where(channel == Channel.OWN, self.own_lead, 1.0), 1.0)
        good = m.keyed.uniform(Process.LEAD, m.day, key) < chance
        for unit in np.unique(region[good]):
            m.police[int(unit)].receive(gang[good & (region == unit)], key[good & (region == unit)])

    def _solve(self) -> None:
        m = self.model
        rooms = m.keyed.rounded(Process.ROUNDING, m.day, self.unit_keys, self.capacity)
        taken = [
            lead for unit, room in zip(m.police, rooms, strict=True) for lead in unit.investigate(int(room))
        ]
        gang = np.array([gang for gang, _ in taken], dtype=np.int64)
        key = np.array([key for _, key in taken], dtype=np.uint64)
        solved = m.keyed.uniform(Process.SOLVE, m.day, key) < self.solve
        gang, key = gang[solved], key[solved]
        m.recorder.count("cases_solved", m.gangs.region[gang])
        broken = m.keyed.uniform(Process.SOLVE, m.day, key, 1) < self.breaks
        m.removal.gangs(gang[broken], self.seize)
        traced = int((m.keyed.uniform(Process.SOLVE, m.day, key, 2) < self.traced).sum())
        self._arrest_openers(traced, np.ones(m.regions.n, dtype=bool), np.uint64(0))

    def _strike(self, order: Campaign) -> None:
        """Today's arrests of one campaign; fractions are settled by a keyed draw."""
        m, d, g = self.model, self.model.dealers, self.model.gangs
        own = campaign_keys(order.measure)
        doses = np.array([order.card_gangs, order.opener_arrests, order.fraud_gangs]) / m.scale
        dealers, openers, gangs = m.keyed.rounded(Process.CAMPAIGN, m.day, own, doses)
        inside = np.concatenate([order.regions, [False]])
        alive = np.flatnonzero((d.alive == 1) & inside[d.region])
        weight = (1.0 + d.sold[alive]) ** order.evidence_exponent * m.dealer_degree()[
            alive
        ] ** order.degree_exponent
        m.removal.dealers(self._race(alive, d.key[alive] ^ own[0], weight, int(dealers)), order.seize_share)
        self._arrest_openers(int(openers), order.regions, own[1])
        # A gang without a case has left no evidence; gangs abroad are in reach of a national campaign alone.
        reach = np.append(order.regions, order.regions.all())
        crews = np.flatnonzero((g.alive == 1) & (g.cases > 0) & reach[g.region])
        weight = g.cases[crews] ** order.evidence_exponent
        m.removal.gangs(self._race(crews, g.key[crews] ^ own[2], weight, int(gangs)), order.seize_share)

    def _race(self, rows: np.ndarray, keys: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
        """``count`` rows without replacement by weight: the first in a race of exponential clocks."""
        if count <= 0 or not len(rows):
            return rows[:0]
        clock = self.model.keyed.exponential(Process.CAMPAIGN, self.model.day, keys, 1) / weight
        return rows[np.argsort(clock, kind="stable")[:count]]

    def _arrest_openers(self, count: int, regions: np.ndarray, own: np.uint64) -> None:
        """Arrests fall on everyone with past openings, all alike (4.9)."""
        m, o = self.model, self.model.openers
        if count > 0:
            past = o.past_openers(m.day)
            past = past[regions[o.region[past]]]
            u = m.keyed.uniform(Process.OPENER_ARREST, m.day, o.key[past] ^ own)
            m.removal.openers(past[np.argsort(u, kind="stable")[:count]])


@cache
def campaign_keys(measure: str) -> np.ndarray:
    """Keys by which a campaign draws dealers, openers and gangs: its own, whatever others there are."""
    return np.array(
        [named_key(f"campaign {measure} {who}") for who in ("dealers", "openers", "gangs")], dtype=np.uint64
    )
