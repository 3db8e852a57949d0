"""Measures against cards already issued: cleanups, the review of IoT cards, the one-pass check (rows 3 to
6).
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from sim.interventions.base import (
    Area,
    Axis,
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
CERTAIN = 50.0
"""Summed hazard of a review that misses nobody: 1 - exp(-50) is 1 in double precision."""


def hazard(share: float) -> float:
    """Summed hazard that removes a share in [0, 1]."""
    return min(-math.log1p(-share), CERTAIN) if share < 1.0 else CERTAIN


class AccountCleanup(Measure):
    """Banks review accounts that meet one criterion and restrict, merge or close them (rows 6a, 6b, 6c)."""

    card: ClassVar[str] = (
        "Banks look for accounts that lie idle, that belong to a person with many, or that were often "
        "reported lost and replaced, and restrict, merge or close them. Here it is a hazard on every "
        "account with the flag, honest or not; a cap limits what a person may open at one bank; a cool-off "
        "on replacements keeps openers from reclaiming what they sold, which helps the trade. Dealers warm "
        "sleeping cards up, at a cost. Assumed: how the total splits over the criteria, how much likelier an "
        "illicit card is to be met, the cool-off, and what share of honest accounts was still wanted."
    )
    reads: ClassVar[tuple[str, ...]] = ("card flags", "ordinary cells")
    writes: ClassVar[tuple[str, ...]] = ("policy.cleanups", "policy.cap", "policy.reclaim_factor")
    identity: ClassVar[str] = (
        "closed ~ Binomial(N, x sens); k rounds leave N (1 - x sens)^k; a person never has more than the cap "
        "at a bank; a cool-off of 1 stops reclaims and nothing else"
    )
    attributable: ClassVar[str] = "illicit accounts closed"
    harms: ClassVar[tuple[str, ...]] = ("closed_false",)
    shifts: ClassVar[tuple[Axis, ...]] = ("channel",)
    channels: ClassVar[tuple[str, ...]] = ("cases_bought",)
    facts: ClassVar[tuple[str, ...]] = (
        "F333",
        "F332",
    )
    over_window: ClassVar[tuple[str, ...]] = ("accounts",)

    measure: Literal["account_cleanup"]
    criterion: Literal["dormant", "multi_card", "frequent_replacement"] = Field(
        description="Which accounts are reviewed: idle, one of many of a person, often replaced."
    )
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
    cap: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="Criterion multi_card: most accounts a person may have at one bank."
    )
    cool_off: Share = Field(
        0.0, description="Criterion frequent_replacement: share of reclaims by openers that it prevents."
    )

    @model_validator(mode="after")
    def _right_criterion(self) -> AccountCleanup:
        if self.cap is not None and self.criterion != "multi_card":
            raise ValueError("cap belongs to the criterion multi_card. Remove it")
        if self.cool_off > 0.0 and self.criterion != "frequent_replacement":
            raise ValueError("cool_off belongs to the criterion frequent_replacement. Remove it")
        return self

    @model_validator(mode="after")
    def _one_dose(self) -> AccountCleanup:
        if (self.accounts is None) == (self.rate is None):
            raise ValueError("give the dose once: accounts (a count over the window) or rate (per day)")
        if self.accounts is not None and self.end is None:
            raise ValueError("accounts is a count over a window, which needs an end. Add end: or give a rate")
        return self

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Order today's share of the cleanup."""
        strength = self.strength(day, window)
        cards = self.coverage * self.accounts * self.share_of_window(day, window) if self.accounts else 0.0
        rate = (self.rate or 0.0) * self.sensitivity * strength
        area = window.area(self.regions)
        if cards > 0.0 or rate > 0.0:
            order = Cleanup(
                measure=self.id,
                cause=_CAUSE[self.criterion],
                kind=Kind.ACCOUNT,
                flag=_FLAG[self.criterion],
                cards=cards,
                rate=rate,
                lift=self.illicit_lift,
                regions=area.mask,
            )
            policy.cleanups.append(order)
        self.deliver(policy, cards)
        self._limit(strength, area, policy)

    def _limit(self, strength: float, area: Area, policy: Policy) -> None:
        """Cap and cool-off, where the strength is above 0."""
        if strength > 0.0 and self.cap is not None:
            policy.cap[area.at] = np.minimum(policy.cap[area.at], self.cap)
        policy.reclaim_factor *= 1.0 - strength * self.cool_off * area.adults

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
    attributable: ClassVar[str] = "illicit phone cards closed"
    harms: ClassVar[tuple[str, ...]] = ("closed_false",)
    shifts: ClassVar[tuple[Axis, ...]] = ("kind",)
    kinds: ClassVar[tuple[str, ...]] = ("contacts_sim",)
    facts: ClassVar[tuple[str, ...]] = (
        "F342",
        "F369",
    )

    measure: Literal["phone_card_cleanup"]
    cards: Annotated[list[Total], AfterValidator(rising)] = Field(
        description="Real phone cards cleaned since the start, as a cumulative path."
    )
    illicit_lift: Lift = Field(
        1.0, description="How much likelier an illicit phone card is closed than an honest one."
    )

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Order today's part of the path."""
        cards = self.strength(day, window) * cumulative_today(self.cards, self.start, day, window)
        if cards > 0.0:
            order = Cleanup(
                measure=self.id,
                cause=Cause.CLEANUP_SIM,
                kind=Kind.SIM,
                flag=Flag.ANY,
                cards=cards,
                rate=0.0,
                lift=self.illicit_lift,
                regions=window.mask(self.regions),
            )
            policy.cleanups.append(order)
            self.deliver(policy, cards)

    @property
    def units(self) -> str:
        """Cost is per card checked."""
        return "phone card"


class IotCardReview(Measure):
    """Operators sweep through all IoT cards, once or again and again (row 4)."""

    card: ClassVar[str] = (
        "Operators review every IoT card: who has it, what it is used for. Here each sweep meets every card "
        "once in expectation; of illicit ones a share is found and closed, of others a share is closed too. "
        "Without repetition the trade comes back. Assumed: both shares, the length of a sweep, whether and "
        "how often it is repeated."
    )
    reads: ClassVar[tuple[str, ...]] = ("ordinary cells", "tracked IoT cards")
    writes: ClassVar[tuple[str, ...]] = ("policy.cleanups",)
    identity: ClassVar[str] = "a full sweep at sensitivity 1 empties the kind"
    attributable: ClassVar[str] = "illicit IoT cards closed"
    harms: ClassVar[tuple[str, ...]] = ("closed_false",)
    shifts: ClassVar[tuple[Axis, ...]] = ("kind",)
    kinds: ClassVar[tuple[str, ...]] = ("contacts_iot",)
    facts: ClassVar[tuple[str, ...]] = (
        "F331",
        "F467",
    )

    measure: Literal["iot_card_review"]
    cards: Count = Field(description="Real IoT cards screened in the first sweep (for the cost).")
    sensitivity: Share = Field(0.6, description="Share of illicit IoT cards that a sweep finds.")
    closed_share: Share = Field(0.005, description="Share of other IoT cards that a sweep closes.")
    sweep_days: Annotated[int, Field(ge=1, le=3650)] = Field(180, description="Days a sweep takes.")
    every_days: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        None, description="Days from the start of a sweep to that of the next; without it there is one."
    )

    @model_validator(mode="after")
    def _apart(self) -> IotCardReview:
        if self.every_days is not None and self.every_days < self.sweep_days:
            raise ValueError("every_days lies below sweep_days. A sweep must end before the next begins")
        return self

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Order a day of the sweep under way."""
        since = day - window.number(self.start)
        strength = self.strength(day, window) * (self.cards > 0)
        at = since % self.every_days if self.every_days is not None else since
        if strength <= 0.0 or at >= self.sweep_days:
            return
        order = Cleanup(
            measure=self.id,
            cause=Cause.CLEANUP_IOT,
            kind=Kind.IOT,
            flag=Flag.ANY,
            cards=0.0,
            rate=hazard(strength * self.closed_share) / self.sweep_days,
            lift=0.0,
            regions=window.mask(self.regions),
            illicit_rate=hazard(strength * self.sensitivity) / self.sweep_days,
        )
        policy.cleanups.append(order)
        self.deliver(policy, strength * self.cards / self.sweep_days)

    @property
    def units(self) -> str:
        """Cost is per card screened."""
        return "IoT card"


class OnePassCheck(Measure):
    """Holders ask how many phone cards run on their identity and cancel those they do not know (row 5)."""

    card: ClassVar[str] = (
        "A service tells everyone how many phone cards run on their identity. Here a share of people asks "
        "each year, and who finds an unknown card cancels it with some probability; only cards on stolen "
        "identities are met. It came too late to explain the summer of 2021. Assumed: both rates."
    )
    reads: ClassVar[tuple[str, ...]] = ("phone cards on stolen identities",)
    writes: ClassVar[tuple[str, ...]] = ("policy.cleanups",)
    identity: ClassVar[str] = "only phone cards on stolen identities change"
    attributable: ClassVar[str] = "phone cards on stolen identities cancelled"
    shifts: ClassVar[tuple[Axis, ...]] = ("kind",)
    kinds: ClassVar[tuple[str, ...]] = ("contacts_sim",)
    facts: ClassVar[tuple[str, ...]] = (
        "F354",
        "F355",
    )

    measure: Literal["one_pass_check"]
    queries_per_year: Annotated[float, Field(ge=0.0, le=12.0)] = Field(
        0.01, description="Queries a year for each adult."
    )
    act_share: Share = Field(0.5, description="Share of those who find an unknown card and cancel it.")

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """A day of queries, as a hazard on phone cards whose registered holder does not know of them."""
        rate = self.strength(day, window) * self.queries_per_year / 365.25
        area = window.area(self.regions)
        if rate * self.act_share > 0.0 and not area.empty:
            order = Cleanup(
                measure=self.id,
                cause=Cause.ONE_PASS,
                kind=Kind.SIM,
                flag=Flag.STOLEN,
                cards=0.0,
                rate=0.0,
                lift=0.0,
                regions=area.mask,
                illicit_rate=rate * self.act_share,
            )
            policy.cleanups.append(order)
            self.deliver(policy, rate * window.adults * area.adults)

    @property
    def units(self) -> str:
        """Cost is per query."""
        return "query"
