"""Openers: people who open bank cards and sell them (card farmers), a finite pool of persons at risk.

A person is approached, weighs the wage against a reservation wage and the risk, opens a few cards, and stays
out of the pool for a while after.  Arrests fall on everyone with past openings, never on this month's alone.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from sim.arrays import interval
from sim.kernels import elementary
from sim.kernels.enforcement import still_away
from sim.random import KeyedRandom, Process, children, named_key
from sim.scenario.parameters import Parameters
from sim.world.regions import Regions
from sim.world.table import Table

TYPES = ("student", "migrant worker", "jobless", "other")
NEVER = np.iinfo(np.int32).max
NOBODY = np.empty(0, dtype=np.int64)

COLUMNS: dict[str, Any] = {
    "key": np.uint64,
    "region": np.uint8,
    "type": np.uint8,
    "reservation_wage": np.float64,
    "risk_weight": np.float64,
    "free_from": np.int32,
    "banned_until": np.int32,
    "listed_at": np.int32,
    "last_opened": np.int32,
    "cards": np.int32,
}
"""What is known of a person at risk of opening cards for sale.

``key``: what the person's random numbers are drawn by; ``region``: where the person lives; ``type``: number
of the kind of person (`TYPES`); ``reservation_wage``: least wage for a set without risk, yuan;
``risk_weight``: how much the fear of arrest weighs; ``free_from``: day from which the person may be
approached (again); ``banned_until``: day until which nothing may be opened; ``listed_at``: day from which the
person stands on a shared list; ``last_opened``: day of the last opening; ``cards``: how many cards the person
has opened.
"""


class OpenerPool(Table):
    """At-risk persons; days as day numbers.

    ``_away``: rows of those who have opened something and not come back to the pool; ``weight``: share of the
    regions in the pool.
    """

    given: ClassVar[tuple[str, ...]] = ("weight",)
    grows: ClassVar[tuple[str, ...]] = ("_away",)

    def __init__(self, p: Parameters, regions: Regions, scale: int, random: KeyedRandom) -> None:
        count = max(1, round(p.number("openers.pool") / scale))
        super().__init__(COLUMNS, count)
        keys = children(named_key("openers"), count)
        weight = regions.share.copy()
        for code, lift in p.table("openers.region_weight").items():
            weight[regions.number(code)] *= lift
        u = random.uniform(Process.OPENER_TRAITS, 0, keys)
        edges = np.cumsum(weight) / weight.sum()
        kinds = np.cumsum(p.vector("openers.type_share"))
        z = random.normal(Process.OPENER_TRAITS, 0, keys, 1)
        aversion = random.normal(Process.OPENER_TRAITS, 0, keys, 2)
        self.append(
            count,
            key=keys,
            region=interval(edges, u),
            type=np.searchsorted(kinds / kinds[-1], random.uniform(Process.OPENER_TRAITS, 0, keys, 3)),
            reservation_wage=p.number("openers.reservation_wage_median")
            * elementary.exp(p.number("openers.reservation_wage_log_sd") * z),
            risk_weight=elementary.exp(p.number("openers.risk_weight_log_sd") * aversion),
            listed_at=NEVER,
            last_opened=-NEVER,
        )
        self.weight = weight / weight.sum()
        self._away = NOBODY
        self._left: list[np.ndarray] = []

    def list_persons(self, persons: np.ndarray, day: np.ndarray) -> None:
        """Put persons (rows, n) on the shared list from a day (n) on, unless they stand there earlier."""
        np.minimum.at(self.listed_at, persons, day.astype(np.int32))

    def stay_away(self, persons: np.ndarray) -> None:
        """Note persons (rows, n) who have opened something and stay out of the pool until ``free_from``."""
        self._left.append(persons)

    def away(self, day: int) -> np.ndarray:
        """Rows of persons with past openings who have not come back to the pool, barred or not, rising."""
        new = np.sort(np.concatenate(self._left)) if self._left else NOBODY
        self._away, self._left = still_away(self._away, new, self.free_from, day), []
        return self._away

    def past_openers(self, day: int) -> np.ndarray:
        """Rows of persons with past openings who have not come back to the pool and are not barred."""
        away = self.away(day)
        past: np.ndarray = away[self.banned_until[away] <= day]
        return past
