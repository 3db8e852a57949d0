"""Phase 10: police work through their leads, and campaigns strike."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from sim.kernels import enforcement as kernels
from sim.kernels.sampling import rounded_at
from sim.policy import Bar, Campaign, Return
from sim.random import Process, named_key, named_keys
from sim.world.codes import Channel

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

# Numbers of the processes as kernels take them.
LEAD, ROUNDING, SOLVE = int(Process.LEAD), int(Process.ROUNDING), int(Process.SOLVE)
CAMPAIGN, BAN, OPENER_ARREST = int(Process.CAMPAIGN), int(Process.BAN), int(Process.OPENER_ARREST)


class Investigation:
    """Leads to police units, arrests out of solved cases, and the arrests that campaigns order.

    ``lead``: chance that a registered case yields a lead, by channel; ``hours``: of a lead, an arrest and an
    order; ``broken``: chance that a solved case breaks its gang up, by the gang's home; ``capacity``: leads a
    day by unit; ``worked``: leads worked off today by unit; ``solved``: cases solved today by home of the
    gang; ``unit_keys`` and ``place_keys``: what the units' and places' random numbers are drawn by;
    ``everywhere``: a mask of all regions.
    """

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        factor = np.ones(len(Channel))
        for name, value in p.table("police.lead_factor").items():
            factor[Channel[name.upper()]] = value
        self.lead = np.minimum(p.number("police.lead_share") * factor, 1.0)
        self.life = int(p.number("police.lead_days"))
        self.hours = np.array([p.number(f"police.hours_per_{name}") for name in ("lead", "arrest", "order")])
        self.place_keys = named_keys([f"police hours {code}" for code in (*model.regions.codes, "abroad")])
        self.broken = np.full(model.regions.n + 1, p.number("police.gang_broken_per_solved"))
        self.broken[model.regions.abroad] *= p.number("police.abroad_factor")
        self.traced = p.number("police.opener_arrested_per_solved")
        self.seize = p.number("police.seize_share")
        self.solve = p.number("police.solve_share")
        self.unit_keys = np.array([unit.key for unit in model.police], dtype=np.uint64)
        self.capacity = np.array([unit.capacity for unit in model.police])
        self.everywhere = np.ones(model.regions.n, dtype=bool)
        self.worked = np.zeros(model.regions.n, dtype=np.int64)
        self.solved = np.zeros(model.regions.n + 1, dtype=np.int64)

    def run(self) -> None:
        """Leads, investigations, campaigns, bars and returns; the hours they take."""
        m = self.model
        m.removal.arrested_today[:] = 0
        self._leads()
        self._solve()
        for campaign in m.policy.campaigns:
            self._strike(campaign)
        for bar in m.policy.bars:
            self._bar(bar)
        for order in m.policy.returns:
            self._bring_back(order)
        self._record_hours()

    def _leads(self) -> None:
        """A registered case may yield a lead; own accounts, guarded openers, couriers betray more often."""
        m, leads = self.model, self.model.leads
        gang, region, channel, key = m.registered_today
        if not len(key):
            return
        leads.reserve(len(key))
        leads.n = kernels.take_leads(
            m.keyed.key,
            LEAD,
            m.day,
            self.lead,
            gang,
            region,
            channel,
            key,
            leads.n,
            *leads.columns,
        )

    def _solve(self) -> None:
        """Work through leads, as many as each unit has room for."""
        m, leads = self.model, self.model.leads
        leads.n, traced, broken = kernels.investigate(
            m.keyed.key,
            ROUNDING,
            SOLVE,
            m.day,
            m.day - self.life,
            self.unit_keys,
            self.capacity,
            self.solve,
            self.broken,
            self.traced,
            m.gangs.region,
            leads.n,
            *leads.columns,
            self.worked,
            self.solved,
        )
        m.recorder.add("cases_solved", self.solved)
        m.removal.gangs(broken, self.seize)
        self._arrest_openers(traced, self.everywhere, np.uint64(0))

    def _strike(self, order: Campaign) -> None:
        """Today's arrests of one campaign; fractions are settled by a keyed draw (4.15).

        Dealers are drawn without replacement by weight (1 + sets sold)^a x degree^b, gangs by cases^a, past
        openers all alike.
        """
        m, d, g = self.model, self.model.dealers, self.model.gangs
        before = int(m.removal.arrested_today.sum())
        own = campaign_keys(order.measure)
        doses = (order.card_gangs, order.opener_arrests, order.fraud_gangs)
        dealers, openers, gangs = self._whole(CAMPAIGN, own, [dose / m.scale for dose in doses])
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
        doses = [order.persons / m.scale, 0.0, order.in_error * m.scale / m.scale]
        count, _, mistaken = self._whole(BAN, own, doses)
        barred = self._past_openers(count, order.regions, own[1], BAN, 1)
        m.openers.banned_until[barred] = m.day + order.days
        m.recorder.credit(order.measure, len(barred))
        m.recorder.count("holders_barred", m.openers.region[barred])
        if mistaken:
            share = order.regions * m.regions.share
            mean = mistaken * share / share.sum()
            wrong = m.keyed.rounded(Process.BAN, m.day, self.place_keys[:-1], mean, 2)
            m.recorder.add("holders_barred_in_error", wrong)

    def _bring_back(self, order: Return) -> None:
        """Gangs abroad close as their members return: the first in a keyed race, by staff."""
        m, g = self.model, self.model.gangs
        abroad = np.flatnonzero((g.alive == 1) & (g.region == m.regions.abroad) & (g.staff > 0))
        if not len(abroad):
            return
        own = campaign_keys(order.measure)[:1]
        crews = order.persons / m.scale / float(g.staff[abroad].mean())
        (count,) = self._whole(int(Process.RETURN), own, [crews])
        rows = self._race(abroad, g.key[abroad] ^ own[0], np.ones(len(abroad)), count)
        m.recorder.credit(order.measure, int(g.staff[rows].sum()))
        m.learning.leave(rows)

    def _record_hours(self) -> None:
        """Hours of police on leads, arrests and dissuasion orders: real-world, whole by a keyed draw."""
        m = self.model
        hours = kernels.police_hours(
            m.keyed.key,
            ROUNDING,
            m.day,
            3,
            self.place_keys,
            self.worked,
            m.removal.arrested_today,
            m.policy.orders,
            self.hours,
            m.scale,
        )
        m.recorder.add("police_hours", hours)

    def _whole(self, process: int, keys: np.ndarray, values: list[float]) -> list[int]:
        """Whole numbers around a few values (n), right in expectation, each by its key (n)."""
        run, day = self.model.keyed.key, self.model.day
        return [rounded_at(run, process, day, key, 0, value) for key, value in zip(keys, values, strict=True)]

    def _race(self, rows: np.ndarray, keys: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
        """``count`` rows without replacement by weight: the first in a race of exponential clocks."""
        if count <= 0 or not len(rows):
            return rows[:0]
        clock = self.model.keyed.exponential(Process.CAMPAIGN, self.model.day, keys, 1) / weight
        first: np.ndarray = rows[kernels.earliest(clock, count)]
        return first

    def _arrest_openers(self, count: int, regions: np.ndarray, own: np.uint64) -> None:
        """Arrests fall on everyone with past openings, all alike (4.9)."""
        if count > 0:
            self.model.removal.openers(self._past_openers(count, regions, own, OPENER_ARREST))

    def _past_openers(
        self, count: int, regions: np.ndarray, own: np.uint64, process: int, draw: int = 0
    ) -> np.ndarray:
        """``count`` persons with past openings in some ``regions`` (mask), drawn all alike, rows."""
        m, o = self.model, self.model.openers
        if count == 0:
            return np.empty(0, dtype=np.int64)
        past, lots = kernels.draw_lots(
            m.keyed.key,
            process,
            m.day,
            draw,
            own,
            o.away(m.day),
            o.key,
            o.banned_until,
            o.region,
            regions,
        )
        drawn: np.ndarray = past[kernels.earliest(lots, count)]
        return drawn


def _power(values: np.ndarray, exponent: float) -> np.ndarray:
    """``values`` to a power, without the work where it is 1."""
    return values if exponent == 1.0 else np.asarray(values**exponent)


@cache
def campaign_keys(measure: str) -> np.ndarray:
    """Keys by which a campaign draws dealers, openers and gangs: its own, whatever others there are."""
    return np.array(
        [named_key(f"campaign {measure} {who}") for who in ("dealers", "openers", "gangs")], dtype=np.uint64
    )
