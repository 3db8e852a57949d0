"""Measures against cards already issued: cleanup of bank accounts and of phone cards (rows 3 and 6)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from sim.interventions.base import (
    Count,
    Measure,
    Share,
    Total,
    Window,
    cumulative_today,
    rising,
)
from sim.policy import Cleanup, Policy
from sim.world.codes import Cause, Flag, Kind

_FLAG = {"dormant": Flag.IDLE, "multi_card": Flag.MULTI, "frequent_replacement": Flag.REPLACED}
_CAUSE = {
    "dormant": Cause.CLEANUP_DORMANT,
    "multi_card": Cause.CLEANUP_MULTI,
    "frequent_replacement": Cause.CLEANUP_REPLACED,
}
Lift = Annotated[float, Field(ge=0.0, le=100.0)]


class AccountCleanup(Measure):
    """Banks review accounts that meet one criterion and restrict, merge or close them (rows 6a, 6b, 6c)."""

    card: ClassVar[str] = (
        "Banks look for accounts that lie idle, that belong to a person with many, or that were often "
        "reported lost and replaced, and restrict, merge or close them. Here it is a hazard on every "
        "account with the flag, honest or not. Assumed: how the total splits over the criteria, how much "
        "likelier an illicit card is to be met, and what share of honest accounts was still wanted."
    )
    reads: ClassVar[tuple[str, ...]] = ("card flags", "ordinary cells")
    writes: ClassVar[tuple[str, ...]] = ("policy.cleanups",)
    identity: ClassVar[str] = "closed ~ Binomial(N, x sens); k rounds leave N (1 - x sens)^k"

    measure: Literal["account_cleanup"]
    criterion: Literal["dormant", "multi_card", "frequent_replacement"]
    accounts: Count | None = Field(
        None, description="Real accounts to clean over the window, which needs an end."
    )
    rate: Annotated[float, Field(ge=0.0, le=10.0)] | None = Field(
        None, description="Instead of a count: hazard per day on each flagged account."
    )
    sensitivity: Share = Field(1.0, description="Share of reviewed accounts with the flag that are cleaned.")
    illicit_lift: Lift = Field(
        1.0, description="How much likelier an illicit card is cleaned than an honest one."
    )

    @model_validator(mode="after")
    def _one_dose(self) -> AccountCleanup:
        if (self.accounts is None) == (self.rate is None):
            raise ValueError("give the dose once: accounts (a count over the window) or rate (per day)")
        if self.accounts is not None and self.end is None:
            raise ValueError("accounts is a count over a window, which needs an end. Add end: or give a rate")
        return self

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Order today's share of the cleanup."""
        cards = self.coverage * (self.accounts or 0) * self.share_of_window(day, window)
        rate = (self.rate or 0.0) * self.sensitivity * self.strength(day, window)
        if cards > 0.0 or rate > 0.0:
            order = Cleanup(
                cause=_CAUSE[self.criterion],
                kind=Kind.ACCOUNT,
                flag=_FLAG[self.criterion],
                cards=cards,
                rate=rate,
                lift=self.illicit_lift,
                regions=window.mask(self.regions),
            )
            policy.cleanups.append(order)

    @property
    def units(self) -> str:
        """Cost is per account reviewed."""
        return "account"


class PhoneCardCleanup(Measure):
    """Operators check risky phone cards again and close those that fail (row 3)."""

    card: ClassVar[str] = (
        "Operators ask the holders of risky phone cards to prove themselves again; cards that fail are "
        "closed. Here it is a hazard on every phone card, higher for illicit ones by a lift. Assumed: the "
        "lift and the counts before May 2021."
    )
    reads: ClassVar[tuple[str, ...]] = ("card flags", "ordinary cells")
    writes: ClassVar[tuple[str, ...]] = ("policy.cleanups",)
    identity: ClassVar[str] = "closed ~ Binomial(N, x sens)"

    measure: Literal["phone_card_cleanup"]
    cards: Annotated[list[Total], AfterValidator(rising)] = Field(
        description="Real phone cards cleaned since the start, as a cumulative path."
    )
    illicit_lift: Lift = Field(
        1.0, description="How much likelier an illicit phone card is closed than an honest one."
    )

    @model_validator(mode="after")
    def _path_inside(self) -> PhoneCardCleanup:
        for point in self.cards:
            self._within("the total", point.by)
        return self

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Order today's part of the path."""
        cards = self.strength(day, window) * cumulative_today(self.cards, self.start, day, window)
        if cards > 0.0:
            order = Cleanup(
                cause=Cause.CLEANUP_SIM,
                kind=Kind.SIM,
                flag=Flag.ANY,
                cards=cards,
                rate=0.0,
                lift=self.illicit_lift,
                regions=window.mask(self.regions),
            )
            policy.cleanups.append(order)

    @property
    def units(self) -> str:
        """Cost is per card checked."""
        return "phone card"
