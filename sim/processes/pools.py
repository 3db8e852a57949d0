"""Substitutes for bought accounts: channels with a national capacity that grows when it is used (4.14)."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sim.kernels import channels as kernels
from sim.random import Process, named_key
from sim.world.codes import POOLS, Channel

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

SWITCH_OF = {
    Channel.OWN: "own_accounts",
    Channel.CORPORATE: "corporate_accounts",
    Channel.POINTS: "running_points",
    Channel.GUARDED: "guarded_openers",
    Channel.STABLECOIN: "stablecoin",
    Channel.CASH: "cash",
    Channel.UNKNOWN: "unknown_channel",
}
"""The switch that lets a channel take cases over and grow."""

EVERY = np.ones(len(Channel), dtype=bool)
"""Every channel answers."""

NO_CUT = np.ones(len(Channel))
"""No measure cuts the growth of a channel."""


class Pools:
    """National capacity of each channel that has one, cases a day in the real world (4.14).

    Capacity grows logistically when used and declines otherwise, dK/dt = K (g u (1 - K/Kmax) - d) with u the
    share in use; control of use closes corporate accounts faster, a measure may close any.  The unknown
    channel arrives on a day that nobody knows (exponential, from the first day of the run).

    By channel: ``capacity``: cases a day; ``growth`` and ``decline``: rates a year; ``most``: largest
    capacity; ``used``: remembered share in use; ``stored``: room built up, cases; ``asked``: room offered
    today, cases; ``daily``: simulated cases of a day's capacity. ``left_on``: whether its switch is on;
    ``share``: of all adults by region.
    """

    given: ClassVar[tuple[str, ...]] = ("since", "left_on")

    def __init__(self, model: FraudSupplyChain) -> None:
        p = model.parameters
        self.model = model
        self.capacity = np.zeros(len(Channel))
        ceiling = np.zeros(len(Channel))
        self.growth = np.zeros(len(Channel))
        self.decline = np.zeros(len(Channel))
        for kind in POOLS:
            name = kind.label
            self.capacity[kind] = p.number(f"channels.{name}_capacity_start")
            ceiling[kind] = p.number(f"channels.{name}_capacity_max")
            self.growth[kind] = p.number(f"channels.{name}_growth_per_year")
            self.decline[kind] = p.number(f"channels.{name}_decline_per_year")
        self.most = np.maximum(ceiling, 1e-9)
        self.arrives = self._arrival(365.25 * p.number("channels.unknown_arrival_years"))
        self.first_unknown = self.capacity[Channel.UNKNOWN]
        self.capacity[Channel.UNKNOWN] = 0.0
        self.closure = p.number("channels.corporate_closure_per_year")
        self.used = np.zeros(len(Channel))
        self.stored = np.zeros(len(Channel))
        self.asked = np.zeros(len(Channel), dtype=np.int64)
        self.store_days = p.number("channels.pool_store_days")
        self.share = model.regions.share
        self.daily = self.capacity / model.scale
        adaptation = model.scenario.adaptation
        self.since = adaptation.since
        self.left_on = EVERY.copy()
        for kind, switch in SWITCH_OF.items():
            self.left_on[kind] = adaptation.acts(switch, date.max, model.rival)

    def _arrival(self, mean_days: float) -> int:
        key = np.array([named_key("unknown channel")], dtype=np.uint64)
        return int(mean_days * self.model.keyed.exponential(Process.ARRIVAL, 0, key)[0])

    @property
    def unknown_is_there(self) -> bool:
        """Whether the unknown channel has arrived."""
        return bool(self.capacity[Channel.UNKNOWN] > 0.0)

    @property
    def answering(self) -> np.ndarray:
        """Channels that take cases over and grow today, as far as switches go, bool (channels)."""
        return EVERY if self.model.today < self.since else self.left_on

    def room(self) -> np.ndarray:
        """Simulated cases that each pool can carry today, int64 (channels); unused room builds up."""
        self.daily = self.capacity / self.model.scale
        self.asked = kernels.pool_room(self.daily, self.stored, self.store_days)
        return self.asked.copy()

    def use(self, left: np.ndarray) -> None:
        """Take today's cases out of the store; the share in use is that of a day's capacity, remembered."""
        kernels.pool_use(self.daily, self.asked - left, self.stored, self.used, self.store_days)

    def grow(self) -> None:
        """One day of growth in use, of closures by control of use and by measures; arrivals."""
        m = self.model
        rates = (self.growth, self._cut(), self.used, self.decline)
        kernels.pool_growth(self.capacity, self.most, *rates, self.answering)
        pressure = float(self.share @ m.policy.use_factor) - 1.0
        self.capacity[Channel.CORPORATE] *= math.exp(-self.closure / 365.25 * pressure)
        self._close()
        if m.day == self.arrives and m.adapts("unknown_channel"):
            self.capacity[Channel.UNKNOWN] = self.first_unknown

    def _cut(self) -> np.ndarray:
        """Factor of measures on the growth of each channel today, float64 (channels)."""
        if not self.model.policy.channel_growth:
            return NO_CUT
        cut = NO_CUT.copy()
        for label, factor in self.model.policy.channel_growth.items():
            cut[Channel[label.upper()]] = factor
        return cut

    def _close(self) -> None:
        """Capacity that measures close today."""
        m = self.model
        if not m.policy.channel_closure:
            return
        for kind in POOLS:
            if rate := m.policy.channel_closure.get(kind.label, 0.0):
                closed = self.capacity[kind] * -math.expm1(-rate / 365.25)
                self.capacity[kind] -= closed
                m.recorder.credit_weights(kind.label, np.full(m.regions.n, closed / m.scale / m.regions.n))
