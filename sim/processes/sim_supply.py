"""Phase 4, phone cards: sellers register SIM and IoT cards through operators."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sim.agents.dealer import SELLER
from sim.kernels.phone_cards import new_cards, register
from sim.random import Process
from sim.world.codes import Flag, Kind, Source, Status
from sim.world.ledger import Account

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

SIM_SUPPLY = int(Process.SIM_SUPPLY)
SIM, IOT = int(Kind.SIM), int(Kind.IOT)
SOURCES = np.array([Source.SOLD, Source.STOLEN_IDENTITY, Source.INSIDER], dtype=np.uint8)
"""Where phone cards come from, in the order of the parameter; `INSIDER` is the place of insiders there."""
INSIDER = 2
FLAGS = np.where(SOURCES == Source.STOLEN_IDENTITY, Flag.STOLEN, 0).astype(np.uint8)


class SimSupply:
    """Phase 4, phone cards: sellers register them through lax operators, stolen identities or insiders.

    What can be had in a week grows with the price; operators refuse a share (their screening sensitivity),
    and insiders that an investigation has removed are missing.  A share is IoT cards, which work as well:
    the more, the sooner phone cards are lost in comparison (4.14).

    ``sources``: shares of the ways in which phone cards are got: sold identities, stolen ones, insiders.
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
        m, d, operators = self.model, self.model.dealers, self.model.operators
        if m.adapts("iot_sims"):
            self.iot_share = self._iot_share()
        insiders = 1.0 - self.sources[INSIDER] * max(1.0 - operators.insider_level, 0.0)
        rows, got, paid = register(
            m.keyed.key,
            SIM_SUPPLY,
            m.day,
            SELLER,
            d.alive,
            d.weekday,
            d.tier,
            d.key,
            d.region,
            d.ask,
            d.order,
            d.cost,
            d.cash,
            m.stocks.dealer_stock,
            m.policy.opening_factor,
            self.per_week,
            self.price,
            self.elasticity,
            self.cost,
            operators.mean_sensitivity,
            m.banks.ceiling,
            insiders,
        )
        m.ledger.pay(Account.DEALERS, Account.OPENERS, paid)
        if got.any():
            self._enter(rows, got)

    def _iot_share(self) -> float:
        """Share of IoT cards among those registered: a logit of how much sooner phone cards are lost."""
        loss = self.model.signals.loss_by_kind
        gap = loss[Kind.IOT] - loss[Kind.SIM] - self.first_gap
        odds = self.iot_start / (1.0 - self.iot_start) * math.exp(-self.iot_sensitivity * gap)
        return odds / (1.0 + odds)

    def _enter(self, rows: np.ndarray, got: np.ndarray) -> None:
        """Put the cards that sellers (``rows``) got today on their shelves."""
        m, d = self.model, self.model.dealers
        weight = self.sources.copy()
        weight[INSIDER] *= m.operators.insider_level
        kind, dealer, key, source, issuer = new_cards(
            m.keyed.key,
            SIM_SUPPLY,
            m.day,
            SIM,
            IOT,
            rows,
            got,
            d.key,
            weight,
            m.operators.edges,
            self.iot_share,
        )
        region = d.region[dealer]
        m.sims.enter(
            len(key),
            kind=kind,
            status=Status.DEALER_STOCK,
            key=key,
            dealer=dealer,
            source=SOURCES[source],
            issuer=issuer,
            region_open=region,
            region_use=region,
            opened=m.day,
            moved=m.day,
            flags=FLAGS[source],
        )
