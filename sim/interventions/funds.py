"""Measures on the money: rapid police-bank links (row 10), transfer limits and stablecoin limits (row C)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from sim.interventions.base import Axis, Measure, Share, Window
from sim.policy import Policy


class PoliceBankLink(Measure):
    """Police and banks of a city are linked directly, so that money is stopped within hours (row 10)."""

    card: ClassVar[str] = (
        "A victim's report goes straight from police to the banks, which stop the money within hours. Here "
        "a share of the region's cases gets a shorter mean delay. More accounts are frozen in error, and "
        "gangs learn that money gets stuck and turn to channels that are harder to stop. Assumed: the delay, "
        "the share of the region that is covered, the date."
    )
    reads: ClassVar[tuple[str, ...]] = ("cases reported",)
    writes: ClassVar[tuple[str, ...]] = ("policy.link_share", "policy.link_delay")
    identity: ClassVar[str] = "escape (mu / (mu + delta))^L with delta = 1 / delay"
    attributable: ClassVar[str] = "yuan frozen that would have got away"
    harms: ClassVar[tuple[str, ...]] = ("accounts_frozen_in_error",)
    shifts: ClassVar[tuple[Axis, ...]] = ("channel",)
    channels: ClassVar[tuple[str, ...]] = ("cases_bought", "cases_own", "cases_corporate")
    facts: ClassVar[tuple[str, ...]] = (
        "F192",
        "F193",
    )

    measure: Literal["police_bank_link"]
    delay_days: Annotated[float, Field(gt=0.0, le=30.0)] = Field(
        0.5, description="Mean days from the report to the freeze in covered cases."
    )
    members: Share = Field(
        1.0, description="Share of the regions' cases that it covers: the city in its province."
    )

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Cover today's share of the masked regions; of two links the faster one counts."""
        share = self.strength(day, window) * self.members
        area = window.area(self.regions)
        if share <= 0.0 or area.empty:
            return
        known = np.where(policy.link_share > 0.0, policy.link_delay, np.inf)
        policy.link_delay[area.at] = np.minimum(known, self.delay_days)[area.at]
        policy.link_share[area.at] = np.maximum(policy.link_share, share)[area.at]
        policy.part("freeze", self.id, area.inside * share)
        self.deliver(policy, 1.0)

    @property
    def units(self) -> str:
        """Cost is per day in force."""
        return "day in force"


class TransferLimits(Measure):
    """Banks delay and limit transfers between accounts (co-intervention, row C)."""

    card: ClassVar[str] = (
        "Banks hold back transfers to strangers for hours and cap what an account may send in a day. Here "
        "money takes longer to pass from account to account, so that more of it is caught; coins and cash "
        "are not touched. Honest transfers are held too. Assumed: every size and the dates."
    )
    reads: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[tuple[str, ...]] = ("policy.layering_factor", "policy.transfers_held")
    identity: ClassVar[str] = "escape (mu / (mu + delta))^L with mu divided by the factor"
    attributable: ClassVar[str] = "yuan frozen that would have got away"
    harms: ClassVar[tuple[str, ...]] = ("transfers_held_legitimate", "accounts_frozen_in_error")
    shifts: ClassVar[tuple[Axis, ...]] = ("channel",)
    channels: ClassVar[tuple[str, ...]] = ("cases_bought", "cases_own", "cases_corporate")
    co_measure: ClassVar[bool] = True
    facts: ClassVar[tuple[str, ...]] = ("F339",)

    measure: Literal["transfer_limits"]
    layering_factor: Annotated[float, Field(ge=1.0, le=20.0)] = Field(
        description="How many times longer money takes through accounts, at full strength."
    )
    held_share: Share = Field(0.0, description="Share of honest transfers held back.")

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Slow layering down in the masked regions."""
        strength = self.strength(day, window)
        area = window.area(self.regions)
        if strength <= 0.0 or area.empty:
            return
        policy.layering_factor[area.at] *= 1.0 + strength * (self.layering_factor - 1.0)
        policy.transfers_held[area.at] += strength * self.held_share
        policy.part("layering", self.id, area.inside * (strength * (self.layering_factor - 1.0)))
        self.deliver(policy, strength * area.adults)

    @property
    def units(self) -> str:
        """Cost is per day of national limits."""
        return "day in force, national"


class StablecoinLimits(Measure):
    """Trade in stablecoins is restricted, its brokers closed (co-intervention, row C)."""

    card: ClassVar[str] = (
        "Brokers who change yuan into coins are closed and the trade is forbidden. Here the capacity of the "
        "stablecoin channel shrinks at a yearly rate and grows more slowly. Assumed: both, and the dates."
    )
    reads: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[tuple[str, ...]] = ("policy.channel_closure", "policy.channel_growth")
    identity: ClassVar[str] = (
        "unused, the capacity is exp(-closure t) of what it was; no other channel is touched"
    )
    attributable: ClassVar[str] = "capacity of the stablecoin channel closed, cases a day"
    shifts: ClassVar[tuple[Axis, ...]] = ("channel",)
    channels: ClassVar[tuple[str, ...]] = ("cases_stablecoin",)
    co_measure: ClassVar[bool] = True
    facts: ClassVar[tuple[str, ...]] = ("F399",)

    measure: Literal["stablecoin_limits"]
    closure_per_year: Annotated[float, Field(ge=0.0, le=50.0)] = Field(
        description="Rate at which capacity is closed, a year."
    )
    growth_cut: Share = Field(0.0, description="Share of its growth that the limits take away.")

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Close capacity; regions weigh by their adults, for the trade is national."""
        strength = self.strength(day, window) * window.area(self.regions).adults
        if strength * (self.closure_per_year + self.growth_cut) <= 0.0:
            return
        name = "stablecoin"
        policy.channel_closure[name] = (
            policy.channel_closure.get(name, 0.0) + strength * self.closure_per_year
        )
        policy.channel_growth[name] = policy.channel_growth.get(name, 1.0) * (
            1.0 - strength * self.growth_cut
        )
        policy.part("stablecoin", self.id, np.full(policy.regions, strength * self.closure_per_year))
        self.deliver(policy, strength)

    @property
    def units(self) -> str:
        """Cost is per day of national limits."""
        return "day in force, national"
