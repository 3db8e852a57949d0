"""Footprints: how many illicit accounts are opened at the places that a measure aims at, and elsewhere.

The outlets and banks that a measure aims at, at any time of its life, are decided by keys and by what
outlets are, never by the history of a run.  So a run without the measure can tally the very same places, and
the difference between the two says what changed here and what changed elsewhere (displacement, equation
4.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sim.policy import Blacklist, InsiderCase, Inspection, Suspension

if TYPE_CHECKING:
    from sim.interventions import Measure
    from sim.interventions.base import Targets
    from sim.model import FraudSupplyChain


class Footprints:
    """Tallies of the scenario's measures that pick outlets or banks, and of those watched.

    ``aimed_at``: the outlets that each measure aims at, bool (outlets, measures + 1); the last column is
    everywhere.  ``here``: this month's new illicit accounts there, int64 (measures + 1).
    """

    def __init__(self, model: FraudSupplyChain, watch: Sequence[Measure] = ()) -> None:
        self.model = model
        watched = {
            m.id: m for m in (*(w.at_draw(model.draw, model.root) for w in watch), *model.office.measures)
        }
        self._names: list[tuple[str, str]] = []
        masks = []
        for measure in watched.values():
            order = measure.whole(model.office.window)
            if order is not None:
                axis = "issuer" if isinstance(order, Inspection) else "outlet"
                self._names.append((measure.id, axis))
                masks.append(self._targets(order))
        masks.append(np.ones(model.outlets.n, dtype=np.bool_))
        self.aimed_at = np.ascontiguousarray(np.column_stack(masks))
        self.here = np.zeros(len(masks), dtype=np.int64)

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

    def end_month(self) -> None:
        """Write the month's tallies down as deeds of the measures."""
        m, opened = self.model, int(self.here[-1])
        for (measure, axis), here in zip(self._names, self.here[:-1].tolist(), strict=True):
            m.recorder.deed(measure, f"{axis}_here", here * m.scale)
            m.recorder.deed(measure, f"{axis}_elsewhere", (opened - here) * m.scale)
        self.here[:] = 0
