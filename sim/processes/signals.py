"""What agents can know: public news, shared experience of the trade, and what their own shelves hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.kernels.trade import count_stocks
from sim.world.codes import Status

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

WITH_GANGS = (Status.GANG_STOCK, Status.IN_TRANSIT, Status.ACTIVE)
ON_SHELVES = (Status.RECRUITER_STOCK, Status.DEALER_STOCK)
WHERE = np.full(len(Status), -1)
"""In which stock a card is counted, by its status: those `WITH_GANGS` in their order, then shelves."""
WHERE[list(WITH_GANGS)] = np.arange(len(WITH_GANGS))
WHERE[list(ON_SHELVES)] = len(WITH_GANGS)


@dataclass
class Signals:
    """Shared knowledge.  Shares of peers removed are of the last week, float64 by region (abroad last).

    ``gang_removal`` and ``dealer_removal``: of gangs' staff and of dealer cells; ``opener_belief``: believed
    yearly hazard of arrest for openers by region (4.9); ``detection``: detection per use as gangs observe it;
    ``frozen_share``: of takes; ``sim_loss_per_week``: share of phone cards in use lost, ``loss_by_kind`` the
    same of SIM and IoT cards apart; ``hoarding``: rise of stock cover after announcements; ``public_risk``:
    the public risk impulse R_t of equation 4.9 (1 for a national launch).
    """

    detection: float
    frozen_share: float
    sim_loss_per_week: float
    gang_removal: np.ndarray
    dealer_removal: np.ndarray
    opener_belief: np.ndarray
    loss_by_kind: dict[int, float]
    hoarding: float = 0.0
    risk_fast: float = 0.0
    risk_slow: float = 0.0

    @property
    def public_risk(self) -> float:
        """R_t: a fast and a slow part (equation 4.9)."""
        return self.risk_fast + self.risk_slow


class Stocks:
    """Cards by owner, int64 (owners, 2): accounts and phone cards.

    Counted at the start of the day; trade and new phone cards keep ``dealer_stock`` up to date.
    """

    gang_stock: np.ndarray
    pipeline: np.ndarray
    active: np.ndarray
    dealer_stock: np.ndarray

    @property
    def held(self) -> np.ndarray:
        """Gang stock and cards on their way to gangs."""
        return np.asarray(self.gang_stock + self.pipeline)

    def count(self, model: FraudSupplyChain) -> None:
        """Count again from the cards."""
        with_gangs = np.zeros((len(WITH_GANGS), model.gangs.n, 2), dtype=np.int64)
        self.gang_stock, self.pipeline, self.active = with_gangs
        self.dealer_stock = np.zeros((model.dealers.n, 2), dtype=np.int64)
        sets, sims = model.accounts, model.sims
        count_stocks(
            sets.status,
            sets.gang,
            sets.dealer,
            sims.status,
            sims.gang,
            sims.dealer,
            WHERE,
            with_gangs,
            self.dealer_stock,
        )
