"""Measures against persons: campaigns against card gangs (row 1), bars on accounts and the border (row C)."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from sim.interventions.base import (
    Axis,
    Count,
    Measure,
    Share,
    Strict,
    Total,
    Window,
    cumulative_today,
    rising,
)
from sim.policy import Bar, Campaign, Mask, Policy, Return


class Pulse(Strict):
    """One concentrated round of arrests: how many of the path's suspects are arrested on one day."""

    on: date
    suspects: Count


class ClusterCampaign(Measure):
    """Campaigns against card gangs: pulses on given days and the continuing arrests around them (row 1)."""

    card: ClassVar[str] = (
        "Police arrest people who open, sell and gather cards, in national rounds and every day between "
        "them. Here openers are arrested out of everyone with past openings, card-gang cells are removed "
        "by how visible and how connected they are, their stock is seized, and everyone who hears of it "
        "grows more careful. Assumed: how suspects split over openers, dealers and others."
    )
    reads: ClassVar[tuple[str, ...]] = ("dealers' activity and contacts", "past openers")
    writes: ClassVar[tuple[str, ...]] = ("policy.campaigns", "policy.announcement")
    identity: ClassVar[str] = "degree exponent 0, no replacement: survivors N (1 - f)^k"
    attributable: ClassVar[str] = "openers, dealers and gang members arrested in the simulation"
    shifts: ClassVar[tuple[Axis, ...]] = ("region", "channel")
    channels: ClassVar[tuple[str, ...]] = ("cases_bought",)
    facts: ClassVar[tuple[str, ...]] = (
        "F350",
        "F378",
        "F387",
    )

    measure: Literal["cluster_campaign"]
    suspects: Annotated[list[Total], AfterValidator(rising)] = Field(
        default_factory=list,
        description="Persons arrested since the start, as a cumulative path, pulses included.",
    )
    card_gangs: Annotated[list[Total], AfterValidator(rising)] = Field(
        default_factory=list, description="Card gangs broken up since the start, as a cumulative path."
    )
    pulses: list[Pulse] = Field(
        default_factory=list, description="Concentrated rounds, part of the path above."
    )
    opener_share: Share = Field(0.5, description="Share of suspects who opened cards.")
    other_share: Share = Field(
        0.2, description="Share of suspects in fraud gangs rather than in the card trade."
    )
    suspects_per_fraud_gang: Annotated[float, Field(ge=1.0, le=1000.0)] = Field(
        11.0, description="Suspects caught for each fraud gang broken up."
    )
    relevant_share: Share = Field(
        0.5, description="Share of arrested openers whose openings are recent bank cards."
    )
    evidence_exponent: Annotated[float, Field(ge=0.0, le=3.0)] = Field(
        1.0, description="How strongly those with many sales or cases are chosen."
    )
    degree_exponent: Annotated[float, Field(ge=0.0, le=2.0)] = Field(
        1.0, description="How strongly well-connected dealers are chosen."
    )
    seize_share: Share = Field(
        0.6, description="Share of the stock of a removed dealer or gang that is seized."
    )
    announcement: Annotated[float, Field(ge=0.0, le=5.0)] = Field(
        1.0, description="Strength of the public announcement, 1 for a national launch."
    )

    @model_validator(mode="after")
    def _shares(self) -> ClusterCampaign:
        if self.opener_share + self.other_share > 1.0:
            raise ValueError("opener_share and other_share add up to more than 1. The rest are dealers")
        for pulse in self.pulses:
            self._within("the pulse", pulse.on)
        return self

    @cached_property
    def dosed(self) -> bool:
        """Whether the campaign arrests anyone at all."""
        totals = [*(p.total for p in self.suspects), *(p.total for p in self.card_gangs)]
        return self.coverage > 0 and (any(totals) or any(p.suspects for p in self.pulses))

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Order today's arrests; announce on the day of announcement, or on the first day."""
        if not self.dosed:
            return
        area = window.area(self.regions)
        if day == window.number(self.announced or self.start):
            policy.announcement += self.announcement * self.coverage * area.adults
        strength = self.strength(day, window)
        persons = strength * self._suspects(day, window)
        gangs = strength * cumulative_today(self.card_gangs, self.start, day, window)
        if persons > 0.0 or gangs > 0.0:
            policy.campaigns.append(self._order(persons, gangs, area.mask))
            self.deliver(policy, persons)

    def _suspects(self, day: int, window: Window) -> float:
        """Today's pulse, and today's part of what the pulses leave of the path: the total is the path's."""
        pulse = sum([p.suspects for p in self.pulses if window.number(p.on) == day])
        return self._steady * cumulative_today(self.suspects, self.start, day, window) + pulse

    @cached_property
    def _steady(self) -> float:
        """Share of the path that the pulses leave."""
        total = self.suspects[-1].total if self.suspects else 0
        return max(0.0, 1.0 - sum(p.suspects for p in self.pulses) / total) if total else 0.0

    def _order(self, persons: float, gangs: float, mask: Mask) -> Campaign:
        return Campaign(
            measure=self.id,
            opener_arrests=persons * self.opener_share * self.relevant_share,
            card_gangs=gangs,
            fraud_gangs=persons * self.other_share / self.suspects_per_fraud_gang,
            evidence_exponent=self.evidence_exponent,
            degree_exponent=self.degree_exponent,
            seize_share=self.seize_share,
            regions=mask,
        )

    @property
    def units(self) -> str:
        """Cost is per suspect."""
        return "suspect"


class FiveYearBan(Measure):
    """Persons who sold cards may open no account for years (co-intervention, row C)."""

    card: ClassVar[str] = (
        "Persons found to have sold or lent cards get no new account and no new phone card for five years. "
        "Here the persons of a dated path are barred out of everyone with past openings. Some are barred "
        "though their identity was stolen. Assumed: how many bars hit someone who would open again, the "
        "share in error."
    )
    reads: ClassVar[tuple[str, ...]] = ("past openers",)
    writes: ClassVar[tuple[str, ...]] = ("policy.bars",)
    identity: ClassVar[str] = "a barred person opens nothing until the bar ends; everyone else is as before"
    attributable: ClassVar[str] = "past openers barred"
    harms: ClassVar[tuple[str, ...]] = ("holders_barred_in_error",)
    shifts: ClassVar[tuple[Axis, ...]] = ("channel",)
    channels: ClassVar[tuple[str, ...]] = ("cases_bought",)
    co_measure: ClassVar[bool] = True
    facts: ClassVar[tuple[str, ...]] = (
        "F361",
        "F363",
        "F367",
    )

    measure: Literal["five_year_ban"]
    persons: Annotated[list[Total], AfterValidator(rising)] = Field(
        description="Persons barred since the start, as a cumulative path."
    )
    years: Annotated[float, Field(gt=0.0, le=50.0)] = Field(5.0, description="Years that a bar lasts.")
    relevant_share: Share = Field(
        0.5, description="Share of the barred who opened bank cards and could again."
    )
    error_share: Share = Field(
        0.01, description="Persons barred in error (their identity was stolen) for each person barred."
    )

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Order today's bars."""
        persons = self.strength(day, window) * cumulative_today(self.persons, self.start, day, window)
        area = window.area(self.regions)
        if persons > 0.0 and not area.empty:
            bar = Bar(
                measure=self.id,
                persons=persons * self.relevant_share,
                days=round(365.25 * self.years),
                in_error=persons * self.error_share,
                regions=area.mask,
            )
            policy.bars.append(bar)
            self.deliver(policy, persons)

    @property
    def units(self) -> str:
        """Cost is per person barred."""
        return "person"


class BorderRepatriation(Measure):
    """Members of gangs abroad are brought back, and the border is watched (co-intervention, row C)."""

    card: ClassVar[str] = (
        "People at work for gangs abroad are persuaded or brought to return; the border is watched for "
        "crossings and for smuggled cards. Here gangs abroad close as their members return, fewer gangs move "
        "abroad, and more cards are seized on the way there. Assumed: every size and the dates."
    )
    reads: ClassVar[tuple[str, ...]] = ("gangs abroad",)
    writes: ClassVar[tuple[str, ...]] = (
        "policy.returns",
        "policy.border_closed",
        "policy.transit_loss_abroad",
    )
    identity: ClassVar[str] = "gangs abroad fall by the persons returned over their mean staff"
    attributable: ClassVar[str] = "members of gangs abroad brought back"
    shifts: ClassVar[tuple[Axis, ...]] = ("region",)
    co_measure: ClassVar[bool] = True
    facts: ClassVar[tuple[str, ...]] = ("F306",)

    measure: Literal["border_repatriation"]
    persons: Annotated[list[Total], AfterValidator(rising)] = Field(
        default_factory=list, description="Persons brought back since the start, as a cumulative path."
    )
    closed: Share = Field(0.0, description="Share of moves abroad that the border stops.")
    seized: Share = Field(0.0, description="Further share of cards seized on their way abroad.")

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Order today's returns and close the border as far as it goes; regions weigh by their adults."""
        strength = self.strength(day, window) * window.area(self.regions).adults
        if strength <= 0.0:
            return
        persons = strength * cumulative_today(self.persons, self.start, day, window)
        if persons > 0.0:
            policy.returns.append(Return(self.id, persons))
            self.deliver(policy, persons)
        policy.border_closed = 1.0 - (1.0 - policy.border_closed) * (1.0 - strength * self.closed)
        left = (1.0 - policy.transit_loss_abroad) * (1.0 - strength * self.seized)
        policy.transit_loss_abroad = 1.0 - left

    @property
    def units(self) -> str:
        """Cost is per person brought back."""
        return "person"
