"""Phase 4, phone cards: sellers register SIM and IoT cards through operators."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sim import arrays
from sim.agents.dealer import SELLER
from sim.random import Process, child_keys
from sim.world.codes import Flag, Goods, Kind, Source, Status
from sim.world.ledger import Account

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


class SimSupply:
    """Phase 4, phone cards: sellers register them through lax operators, stolen identities or insiders.

    What can be had in a week grows with the price; operators refuse a share (their screening sensitivity),
    and insiders that an investigation has removed are missing.  A share is IoT cards, which work as well:
    the more, the sooner phone cards are lost in comparison (4.14).
    """

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.per_week = p.number("sims.supply_per_seller_week")
        self.elasticity = p.number("sims.supply_elasticity")
        self.price = p.number("sims.price_start")
        self.cost = p.number("sims.registration_cost")
        self.sources = p.vector("sims.source_share") / p.vector("sims.source_share").sum()
        self.iot_start = p.number("sims.iot_share")
        self.iot_sensitivity = p.number("sims.iot_sensitivity")
        self.first_gap = p.number("beliefs.iot_loss_start") - p.number("beliefs.sim_loss_start")
        self.iot_share = self.iot_start

    def run(self) -> None:
        """Register phone cards for the sellers that decided today."""
        m, d = self.model, self.model.dealers
        today = (d.alive == 1) & (d.tier == SELLER) & (d.weekday == m.day % 7) & (d.order[:, Goods.SIMS] > 0)
        rows = np.flatnonzero(today)
        if m.adapts("iot_sims"):
            self.iot_share = self._iot_share()
        if not len(rows):
            return
        limit = self.per_week * (d.ask[rows, Goods.SIMS] / self.price) ** self.elasticity
        tries = np.minimum(
            d.order[rows, Goods.SIMS], m.keyed.rounded(Process.SIM_SUPPLY, m.day, d.key[rows], limit)
        )
        region = d.region[rows].astype(np.int64)
        refusal = np.minimum(m.operators.mean_sensitivity * m.policy.opening_factor[region], m.banks.ceiling)
        insiders = 1.0 - self.sources[2] * max(1.0 - m.operators.insider_level, 0.0)
        passed = (1.0 - refusal) * insiders
        got = m.keyed.binomial(Process.SIM_SUPPLY, m.day, d.key[rows], tries, passed, 1)
        d.order[rows, Goods.SIMS] -= got
        cost = self.cost / (1.0 - refusal)
        d.cost[rows, Goods.SIMS] = cost
        fen = arrays.fen(cost) * got
        d.cash[rows] -= fen
        m.ledger.pay(Account.DEALERS, Account.OPENERS, int(fen.sum()))
        self._enter(rows, region, got)

    def _iot_share(self) -> float:
        """Share of IoT cards among those registered: a logit of how much sooner phone cards are lost."""
        loss = self.model.signals.loss_by_kind
        gap = loss[Kind.IOT] - loss[Kind.SIM] - self.first_gap
        odds = self.iot_start / (1.0 - self.iot_start) * math.exp(-self.iot_sensitivity * gap)
        return odds / (1.0 + odds)

    def _enter(self, rows: np.ndarray, region: np.ndarray, got: np.ndarray) -> None:
        m, d = self.model, self.model.dealers
        owner = np.repeat(np.arange(len(rows)), got)
        number = arrays.number_within(got)
        week = np.uint64(m.day) << np.uint64(32)
        key = child_keys(d.key[rows][owner], week + number.astype(np.uint64))
        u = m.keyed.uniform(Process.SIM_SUPPLY, m.day, key, 2)
        origin = np.array([Source.SOLD, Source.STOLEN_IDENTITY, Source.INSIDER])
        weight = self.sources * [1.0, 1.0, m.operators.insider_level]
        source = origin[arrays.interval(np.cumsum(weight) / weight.sum(), u)]
        iot = m.keyed.uniform(Process.SIM_SUPPLY, m.day, key, 4) < self.iot_share
        stolen = np.where(source == Source.STOLEN_IDENTITY, Flag.STOLEN, 0)
        issuer = m.operators.choose(m.keyed.uniform(Process.SIM_SUPPLY, m.day, key, 3))
        for kind, mask in ((Kind.SIM, ~iot), (Kind.IOT, iot)):
            m.sims.enter(
                int(mask.sum()),
                kind=kind,
                status=Status.DEALER_STOCK,
                key=key[mask],
                dealer=rows[owner[mask]],
                source=source[mask],
                issuer=issuer[mask],
                region_open=region[owner[mask]],
                region_use=region[owner[mask]],
                opened=m.day,
                moved=m.day,
                flags=stolen[mask],
            )
