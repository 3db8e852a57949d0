"""A second, independent model of the trade: difference equations of means, a step a day (check A24).

It shares no code with the simulator and knows nothing of single persons, cards or gangs; for many of them the
means of the simulator have to follow it.  The chain is cut in two.  Downstream seven groups of equal gangs (a
weekday each) buy from sellers whom everybody knows, to whom cards come at a rate that rises with their ask.
Upstream openers of many classes meet recruiters who pay one wage.  What it leaves out the test switches off:
police, entry and exit, lying low, channels beside bought accounts, phones.
"""

from collections import deque
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

WEEK = 7


@dataclass(frozen=True)
class Rates:
    """The numbers of the little world.  Rates are per day, prices in yuan, memories per week."""

    gangs: int = 420
    sellers: int = 7
    leads: float = 15.0  # of a gang a day, each one a case if there is a card for it
    uses_per_case: int = 4  # also the most that a card gives in a day
    use_cap: int = 8  # twice as many: a card lives for two days of use at most
    detection: float = 0.229  # rate per use
    believed: float = 0.205  # detection per use as gangs see it
    idle: float = 0.004  # rate at which any card is lost
    transit_days: int = 9
    gang_cover: float = 3.0  # weeks
    gang_safety: float = 5.0
    gang_memory: float = 0.15
    gang_need: float = 95.0  # sets a gang and week, at the start
    dealer_cover: float = 0.3
    dealer_memory: float = 0.15
    price: float = 1000.0  # at the start
    price_speed: float = 0.15
    idle_sales: float = 0.02
    sharpness: float = 4.0
    unplaced: float = 0.5  # share of last week's unplaced need that still counts
    supply: float = 5400.0  # cards a day at the first price, all sellers
    elasticity: float = 2.0

    @property
    def sets_per_use(self) -> float:
        """Sets that gangs reckon with for each use."""
        return self.believed / (1.0 - (1.0 - self.believed) ** self.use_cap)


def offered(r: Rates, ask: np.ndarray) -> np.ndarray:
    """Cards that reach each seller's shelf in a day at its ask."""
    return r.supply / r.sellers * (ask / r.price) ** r.elasticity


class MeanField:
    """State of the means.  Groups of gangs and sellers are numbered by the weekday on which they decide."""

    def __init__(self, r: Rates) -> None:
        self.r = r
        size = r.gangs / WEEK
        self.leads = r.leads * size
        self.need = np.full(WEEK, r.gang_need * size)
        self.stock = self.need * r.gang_cover + r.gang_safety * size
        self.order, self.fresh, self.uses_wanted, self.half_used = (np.zeros(WEEK) for _ in range(4))
        self.way = deque(np.zeros(WEEK) for _ in range(r.transit_days))
        self.ask = np.full(r.sellers, r.price)
        self.seller_need = np.full(r.sellers, r.gang_need * r.gangs / r.sellers)
        self.shelf = self.seller_need * r.dealer_cover
        self.wanted, self.sold = np.zeros(r.sellers), np.zeros(r.sellers)
        self.seen: dict[str, float] = {}

    def day(self, day: int) -> dict[str, float]:
        """One day; returns the flows of the day and the stocks at its end."""
        self.shelf += offered(self.r, self.ask)
        self._sellers(np.arange(self.r.sellers) % WEEK == day % WEEK)
        self._gangs(day % WEEK)
        self._trade()
        self._business()
        keep = np.exp(-self.r.idle)
        for cards in (self.stock, self.shelf, *self.way):
            cards *= keep
        return self.seen | {
            "stock": float(self.stock.sum()),
            "in_use": float(self.half_used.sum()),
            "way": float(sum(batch.sum() for batch in self.way)),
            "shelf": float(self.shelf.sum()),
            "need": float(self.need.sum()),
            "seller_need": float(self.seller_need.sum()),
            "price": float(self.ask.mean()),
        }

    def _sellers(self, now: np.ndarray) -> None:
        """Prices move by remembered need against what was sold and what is there; need is remembered."""
        r = self.r
        need = self.seller_need + r.dealer_memory * (self.wanted - self.seller_need)
        there = self.sold + self.shelf + r.idle_sales
        step = np.clip(r.price_speed * (need - there) / (need + there), -0.25, 0.25)
        self.ask = np.where(now, self.ask * np.exp(step), self.ask)
        self.seller_need = np.where(now, need, self.seller_need)
        self.wanted, self.sold = np.where(now, 0.0, self.wanted), np.where(now, 0.0, self.sold)

    def _gangs(self, group: int) -> None:
        """Orders up to the cover of remembered need."""
        r = self.r
        sets = self.uses_wanted[group] * r.sets_per_use
        self.uses_wanted[group] = 0.0
        self.need[group] += r.gang_memory * (sets - self.need[group])
        held = self.stock[group] + sum(batch[group] for batch in self.way)
        target = r.gang_safety * r.gangs / WEEK + r.gang_cover * self.need[group]
        self.order[group] = max(target - held, 0.0)
        self.fresh[group] = r.unplaced * self.fresh[group] + sets

    def _trade(self) -> None:
        """Cards arrive; open orders spread over the stocked sellers by ask, each served as far as it goes."""
        self.stock += self.way.popleft()
        weight = np.where(self.shelf > 0.0, self.ask**-self.r.sharpness, 0.0)
        share = weight / weight.sum()
        open_orders = self.order > 0.0
        self.wanted += share * self.fresh[open_orders].sum()
        self.fresh[open_orders] = 0.0
        asked = share * self.order.sum()
        served = np.minimum(asked, self.shelf)
        got = self.order * (served.sum() / max(asked.sum(), 1e-9))
        self.order -= got
        self.shelf -= served
        self.sold += served
        self.way.append(got)
        self.seen = {"bought": float(served.sum())}

    def _business(self) -> None:
        """Leads become cases where cards are left; a card serves one case a day, two in its life."""
        r = self.r
        again = np.minimum(self.half_used, self.leads)
        first = np.minimum(self.leads - again, self.stock)
        cases = again + first
        self.uses_wanted += r.uses_per_case * self.leads
        self.stock = self.stock - first
        stays = np.exp(-r.uses_per_case * r.detection - r.idle)
        caught = r.uses_per_case * r.detection / (r.uses_per_case * r.detection + r.idle) * (1.0 - stays)
        self.half_used = (self.half_used - again) * np.exp(-r.idle) + first * stays
        self.seen |= {
            "cases": float(cases.sum()),
            "uses": float(r.uses_per_case * cases.sum()),
            "detected": float(cases.sum() * caught),
        }


@dataclass(frozen=True)
class Persons:
    """The numbers of a pool of openers whom recruiters meet at one wage; rates are per day, money in yuan."""

    pool: int = 400_000
    approach: float = 0.05
    days_away: float = 30.0
    wage: float = 300.0
    reservation: float = 350.0  # median of a lognormal distribution
    reservation_sd: float = 0.9
    scale: float = 0.3  # of the logit
    risk: float = 0.4
    risk_sd: float = 0.5  # of the weight of risk, lognormal with median 1
    cards: tuple[float, ...] = (0.2, 0.35, 0.25, 0.15, 0.05)  # who opens 1, 2, ..
    existing: float = 0.15
    refused: float = 0.25


def normal_quantiles(n: int) -> np.ndarray:
    """``n`` equally likely standard normal numbers."""
    return np.array([NormalDist().inv_cdf((k + 0.5) / n) for k in range(n)])


class Pool:
    """Means of the pool, by classes of reservation wage and of weight of risk: who is free, who is away."""

    def __init__(self, p: Persons, classes: int = 60) -> None:
        self.p = p
        z = normal_quantiles(classes)
        asks = np.log(p.reservation) + p.reservation_sd * z[:, None]
        utility = np.log(p.wage) - asks - p.risk * np.exp(p.risk_sd * z[None, :])
        self.willing = 1.0 / (1.0 + np.exp(-utility / p.scale))
        self.people = p.pool / classes**2
        self.free = np.full((classes, classes), self.people)
        self.went = np.zeros_like(self.free)

    def day(self) -> dict[str, float]:
        """Who comes back, who is approached and takes the offer, what is opened."""
        p = self.p
        # Exponential times away are rounded to whole days, so the first morning stands for a day and a half.
        for away, days in ((self.people - self.free - self.went, 1.0), (self.went, 1.5)):
            self.free += away * -np.expm1(-days / p.days_away)
        going = self.free * -np.expm1(-p.approach) * self.willing
        self.free, self.went = self.free - going, going
        cards = float(going.sum() * np.arange(1, 1 + len(p.cards)) @ p.cards)
        tried = cards * (1.0 - p.existing)
        return {
            "persons": float(going.sum()),
            "attempted": tried,
            "refused": tried * p.refused,
            "entered": cards - tried * p.refused,
            "free": float(self.free.sum()),
        }
