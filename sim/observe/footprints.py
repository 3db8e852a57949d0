"""Footprints: how many illicit accounts are opened at the places that a measure aims at, and elsewhere.

The outlets and banks that a measure aims at, at any time of its life, are decided by keys and by what
outlets are, never by the history of a run.  So a run without the measure can tally the very same places, and
the difference between the two says what changed here and what changed elsewhere (displacement, equation
4.4).  A run notes where accounts were opened and nothing of who asks, so that whoever goes on from any of its
days can ask about measures of his own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sim.policy import Blacklist, InsiderCase, Inspection, Suspension

if TYPE_CHECKING:
    from sim.interventions import Measure
    from sim.interventions.base import Targets
    from sim.model import FraudSupplyChain


class Footprints:
    """New illicit accounts by outlet, and which outlets the scenario's measures and those watched aim at.

    ``opened``: this month's new illicit accounts, int64 (outlets); ``months``: of each month past its first
    day, the outlets (n) with new ones, and how many each.
    """

    given: ClassVar[tuple[str, ...]] = ("_aims",)

    def __init__(self, model: FraudSupplyChain, watch: Sequence[Measure] = ()) -> None:
        self.model = model
        watched = {
            m.id: m for m in (*(w.at_draw(model.draw, model.root) for w in watch), *model.office.measures)
        }
        self._aims: list[tuple[str, str, np.ndarray]] = []
        for measure in watched.values():
            order = measure.whole(model.office.window)
            if order is not None:
                axis = "issuer" if isinstance(order, Inspection) else "outlet"
                self._aims.append((measure.id, axis, self._targets(order)))
        self.opened = np.zeros(model.outlets.n, dtype=np.int64)
        self.months: list[tuple[date, np.ndarray, np.ndarray]] = []

    def _targets(self, order: Targets) -> np.ndarray:
        """Boolean mask (outlets) of the places that a whole measure aims at."""
        m, outlets = self.model, self.model.outlets
        mask = np.zeros(outlets.n, dtype=bool)
        if isinstance(order, Suspension):
            mask[outlets.ranking(order)[: order.outlets]] = True
        elif isinstance(order, Inspection):
            mask = np.isin(outlets.bank, m.banks.ranking(order)[: order.institutions])
        elif isinstance(order, Blacklist):
            mask = outlets.members(order)
        elif isinstance(order, InsiderCase):
            mask = outlets.tainted & order.regions[outlets.region]
        return mask

    def end_month(self, first_day: date) -> None:
        """Close the month that began on ``first_day``."""
        outlets = np.flatnonzero(self.opened)
        self.months.append((first_day, outlets, self.opened[outlets]))
        self.opened[outlets] = 0

    def deeds(self) -> Iterator[tuple[date, str, str, float]]:
        """The tallies as deeds of the measures: month, measure, what, value in real-world units (no 0)."""
        for month, outlets, opened in self.months:
            for measure, axis, aimed_at in self._aims:
                here = int(opened[aimed_at[outlets]].sum())
                for where, count in (("here", here), ("elsewhere", int(opened.sum()) - here)):
                    if count:
                        yield month, measure, f"{axis}_{where}", float(count * self.model.scale)
