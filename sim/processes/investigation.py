"""Phase 10: police work through their leads, and campaigns strike."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from sim.policy import Bar, Campaign, Return
from sim.random import Process, named_key, named_keys
from sim.world.codes import Channel

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class Investigation:
    """Leads to police units, arrests out of solved cases, and the arrests that campaigns order."""

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        factor = np.ones(len(Channel))
        for name, value in p.table("police.lead_factor").items():
            factor[Channel[name.upper()]] = value
        self.lead = np.minimum(p.number("police.lead_share") * factor, 1.0)
        self.abroad = p.number("police.abroad_factor")
        self.hours = {name: p.number(f"police.hours_per_{name}") for name in ("lead", "arrest", "order")}
        self.place_keys = named_keys([f"police hours {code}" for code in (*model.regions.codes, "abroad")])
        self.breaks = p.number("police.gang_broken_per_solved")
        self.traced = p.number("police.opener_arrested_per_solved")
        self.seize = p.number("police.seize_share")
        self.solve = p.number("police.solve_share")
        self.unit_keys = np.array([unit.key for unit in model.police], dtype=np.uint64)
        self.capacity = np.array([unit.capacity for unit in model.police])
        self.everywhere = np.ones(model.regions.n, dtype=bool)
        self.away: np.ndarray | None = None

    def run(self) -> None:
        """Leads, investigations, campaigns, bars and returns; the hours they take."""
        m = self.model
        m.removal.arrested_today[:] = 0
        self.away = None
        self._leads()
        worked = self._solve()
        for campaign in m.policy.campaigns:
            self._strike(campaign)
        for bar in m.policy.bars:
            self._bar(bar)
        for order in m.policy.returns:
            self._bring_back(order)
        self._record_hours(worked)

    def _leads(self) -> None:
        """A registered case may yield a lead; own accounts, guarded openers, couriers betray more often."""
        m = self.model
        if not m.registered_today:
            return
        columns = zip(*m.registered_today, strict=True)
        gang, region, channel, key = (np.concatenate(parts) for parts in columns)
        good = m.keyed.uniform(Process.LEAD, m.day, key) < self.lead[channel]
        m.leads.receive(m.day, region[good], gang[good], key[good])

    def _solve(self) -> np.ndarray:
        """Work through leads; returns how many by unit, int64 (regions)."""
        m = self.model
        room = m.keyed.rounded(Process.ROUNDING, m.day, self.unit_keys, self.capacity)
        gang, key, worked = m.leads.work_off(m.day, room)
        solved = m.keyed.uniform(Process.SOLVE, m.day, key) < self.solve
        gang, key = gang[solved], key[solved]
        if len(gang):
            home = m.gangs.region[gang]
            m.recorder.count("cases_solved", home)
            reach = np.where(home == m.regions.abroad, self.abroad, 1.0)
            broken = m.keyed.uniform(Process.SOLVE, m.day, key, 1) < self.breaks * reach
            m.removal.gangs(gang[broken], self.seize)
            traced = int((m.keyed.uniform(Process.SOLVE, m.day, key, 2) < self.traced).sum())
            self._arrest_openers(traced, self.everywhere, np.uint64(0))
        return worked

    def _strike(self, order: Campaign) -> None:
        """Today's arrests of one campaign; fractions are settled by a keyed draw."""
        m, d, g = self.model, self.model.dealers, self.model.gangs
        before = int(m.removal.arrested_today.sum())
        own = campaign_keys(order.measure)
        doses = np.array([order.card_gangs, order.opener_arrests, order.fraud_gangs]) / m.scale
        dealers, openers, gangs = m.keyed.rounded(Process.CAMPAIGN, m.day, own, doses).tolist()
        if dealers:
            cells = np.flatnonzero((d.alive == 1) & np.append(order.regions, False)[d.region])
            weight = _power(1.0 + d.sold[cells], order.evidence_exponent)
            weight = weight * _power(m.dealer_degree()[cells], order.degree_exponent)
            m.removal.dealers(self._race(cells, d.key[cells] ^ own[0], weight, dealers), order.seize_share)
        self._arrest_openers(openers, order.regions, own[1])
        if gangs:
            # A gang without a case has left no evidence; gangs abroad are in reach of a national campaign
            # alone.
            reach = np.append(order.regions, order.regions.all())
            crews = np.flatnonzero((g.alive == 1) & (g.cases > 0) & reach[g.region])
            weight = _power(g.cases[crews], order.evidence_exponent)
            m.removal.gangs(self._race(crews, g.key[crews] ^ own[2], weight, gangs), order.seize_share)
        m.recorder.credit(order.measure, int(m.removal.arrested_today.sum()) - before)

    def _bar(self, order: Bar) -> None:
        """Bar past openers from opening anything for years; some persons are barred in error."""
        m, own = self.model, campaign_keys(order.measure)
        doses = np.array([order.persons, 0.0, order.in_error * m.scale]) / m.scale
        count, _, mistaken = m.keyed.rounded(Process.BAN, m.day, own, doses)
        barred = self._past_openers(int(count), order.regions, own[1], Process.BAN, 1)
        m.openers.banned_until[barred] = m.day + order.days
        m.recorder.credit(order.measure, len(barred))
        m.recorder.count("holders_barred", m.openers.region[barred])
        share = order.regions * m.regions.share
        wrong = m.keyed.rounded(Process.BAN, m.day, self.place_keys[:-1], mistaken * share / share.sum(), 2)
        m.recorder.add("holders_barred_in_error", wrong)

    def _bring_back(self, order: Return) -> None:
        """Gangs abroad close as their members return: the first in a keyed race, by staff."""
        m, g = self.model, self.model.gangs
        abroad = np.flatnonzero((g.alive == 1) & (g.region == m.regions.abroad) & (g.staff > 0))
        if not len(abroad):
            return
        own = campaign_keys(order.measure)[:1]
        crews = order.persons / m.scale / float(g.staff[abroad].mean())
        count = int(m.keyed.rounded(Process.RETURN, m.day, own, [crews])[0])
        rows = self._race(abroad, g.key[abroad] ^ own[0], np.ones(len(abroad)), count)
        m.recorder.credit(order.measure, int(g.staff[rows].sum()))
        m.learning.leave(rows)

    def _record_hours(self, worked: np.ndarray) -> None:
        """Hours of police on leads, arrests and dissuasion orders: real-world, whole by a keyed draw."""
        m = self.model
        simulated = (
            np.append(worked, 0) * self.hours["lead"] + m.removal.arrested_today * self.hours["arrest"]
        )
        hours = simulated * m.scale + np.append(m.policy.orders, 0.0) * self.hours["order"]
        m.recorder.add("police_hours", m.keyed.rounded(Process.ROUNDING, m.day, self.place_keys, hours, 3))

    def _race(self, rows: np.ndarray, keys: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
        """``count`` rows without replacement by weight: the first in a race of exponential clocks."""
        if count <= 0 or not len(rows):
            return rows[:0]
        clock = self.model.keyed.exponential(Process.CAMPAIGN, self.model.day, keys, 1) / weight
        first: np.ndarray = rows[earliest(clock, count)]
        return first

    def _arrest_openers(self, count: int, regions: np.ndarray, own: np.uint64) -> None:
        """Arrests fall on everyone with past openings, all alike (4.9)."""
        if count > 0:
            self.model.removal.openers(self._past_openers(count, regions, own, Process.OPENER_ARREST))

    def _past_openers(
        self, count: int, regions: np.ndarray, own: np.uint64, process: Process, draw: int = 0
    ) -> np.ndarray:
        """``count`` persons with past openings in some ``regions`` (mask), drawn all alike, rows."""
        m, o = self.model, self.model.openers
        if count == 0:
            return np.empty(0, dtype=np.int64)
        if self.away is None:
            self.away = o.past_openers(m.day)
        # Who was arrested or barred earlier today is no longer in reach.
        past = self.away[(o.banned_until[self.away] <= m.day) & regions[o.region[self.away]]]
        u = m.keyed.uniform(process, m.day, o.key[past] ^ own, draw)
        drawn: np.ndarray = past[earliest(u, count)]
        return drawn


def earliest(clock: np.ndarray, count: int) -> np.ndarray:
    """Places of the ``count`` least numbers, least first, equal ones in their order, int64 (count)."""
    if 0 < count < len(clock):
        near = np.flatnonzero(clock <= np.partition(clock, count - 1)[count - 1])
    else:
        near = np.arange(len(clock))
    first: np.ndarray = near[np.argsort(clock[near], kind="stable")[:count]]
    return first


def _power(values: np.ndarray, exponent: float) -> np.ndarray:
    """``values`` to a power, without the work where it is 1."""
    return values if exponent == 1.0 else np.asarray(values**exponent)


@cache
def campaign_keys(measure: str) -> np.ndarray:
    """Keys by which a campaign draws dealers, openers and gangs: its own, whatever others there are."""
    return np.array(
        [named_key(f"campaign {measure} {who}") for who in ("dealers", "openers", "gangs")], dtype=np.uint64
    )
