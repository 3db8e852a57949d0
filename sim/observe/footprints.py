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
    """Tallies of the scenario's measures that pick outlets or banks, and of those watched."""

    def __init__(self, model: FraudSupplyChain, watch: Sequence[Measure] = ()) -> None:
        self.model = model
        watched = {
            m.id: m for m in (*(w.at_draw(model.draw, model.root) for w in watch), *model.office.measures)
        }
        self._names: list[tuple[str, str]] = []
        masks = [np.zeros((model.outlets.n, 0), dtype=np.bool_)]
        for measure in watched.values():
            order = measure.whole(model.office.window)
            if order is not None:
                axis = "issuer" if isinstance(order, Inspection) else "outlet"
                self._names.append((measure.id, axis))
                masks.append(self._targets(order)[:, None])
        self._aimed_at = np.concatenate(masks, axis=1)
        self._here = np.zeros(len(self._names), dtype=np.int64)
        self._opened = 0

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

    def opened(self, outlet: np.ndarray) -> None:
        """Tally the outlets (n) of today's new illicit accounts."""
        self._here += self._aimed_at[outlet].sum(axis=0)
        self._opened += len(outlet)

    def end_month(self) -> None:
        """Write the month's tallies down as deeds of the measures."""
        m = self.model
        for (measure, axis), here in zip(self._names, self._here.tolist(), strict=True):
            m.recorder.deed(measure, f"{axis}_here", here * m.scale)
            m.recorder.deed(measure, f"{axis}_elsewhere", (self._opened - here) * m.scale)
        self._here[:] = 0
        self._opened = 0
