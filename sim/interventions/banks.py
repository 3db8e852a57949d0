"""Measures on account opening and risk control at banks and institutions (rows 2, 7, 8, 9 and 11)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from sim.interventions.base import (
    Axis,
    Count,
    Measure,
    Share,
    Total,
    Window,
    cumulative_today,
    rising,
)
from sim.policy import Blacklist, InsiderCase, Inspection, Policy, Suspension

Factor = Annotated[float, Field(ge=1.0, le=3.0)]
BOUGHT = ("cases_bought",)
"""The outcome on which measures against bank cards work."""


class InsiderInvestigation(Measure):
    """Bank clerks and operators' agents who open cards for the trade are found and removed (row 2)."""

    card: ClassVar[str] = (
        "Clerks and agents who open cards for the trade are investigated. Here some outlets are compromised: "
        "they open accounts without screening, and insiders at operators register phone cards; those found "
        "are out of business at once. New ones are recruited, the faster the more a set sells for. Assumed: "
        "how many insiders there are, what one opens, how a count splits over outlets and operators."
    )
    reads: ClassVar[tuple[str, ...]] = ("compromised outlets", "operators' insiders")
    writes: ClassVar[tuple[str, ...]] = ("policy.insiders",)
    identity: ClassVar[str] = (
        "all insiders found, none recruited: openings fall by exactly the insiders' share"
    )
    attributable: ClassVar[str] = "insiders removed"
    shifts: ClassVar[tuple[Axis, ...]] = ("outlet", "channel")
    channels: ClassVar[tuple[str, ...]] = BOUGHT
    facts: ClassVar[tuple[str, ...]] = (
        "F415",
        "F416",
    )

    measure: Literal["insider_investigation"]
    insiders: Annotated[list[Total], AfterValidator(rising)] = Field(
        description="Insiders dealt with since the start, as a cumulative path."
    )
    outlet_share: Share = Field(
        0.5, description="Share of them at bank outlets; the others are at operators."
    )

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Order today's part of the path."""
        found = self.strength(day, window) * cumulative_today(self.insiders, self.start, day, window)
        area = window.area(self.regions)
        if found > 0.0 and not area.empty:
            at_outlets = self.outlet_share * found
            policy.insiders.append(InsiderCase(self.id, at_outlets, found - at_outlets, area.mask))
            self.deliver(policy, found)

    def whole(self, window: Window) -> InsiderCase:
        """All compromised outlets of its regions are what it aims at."""
        total = float(self.insiders[-1].total) if self.insiders else 0.0
        return InsiderCase(self.id, self.outlet_share * total, 0.0, window.mask(self.regions))

    @property
    def units(self) -> str:
        """Cost is per insider dealt with."""
        return "insider"


class InstitutionInspection(Measure):
    """Banks and payment institutions are inspected and screen harder for a while (row 7)."""

    card: ClassVar[str] = (
        "Supervisors inspect institutions whose accounts turn up in cases. Here an inspected bank raises its "
        "screening effort by a lift while inspectors are there; afterwards it erodes by a half-life. Other "
        "banks of its class take over a share of the rise. Some of those refused try a bank that is not "
        "inspected. Assumed: the lift, how long an inspection lasts, the spillover, who moves."
    )
    reads: ClassVar[tuple[str, ...]] = ("size of banks",)
    writes: ClassVar[tuple[str, ...]] = ("policy.inspections",)
    identity: ClassVar[str] = "after the inspection effort - 1 halves each half-life"
    attributable: ClassVar[str] = "illicit openings refused by the added effort"
    harms: ClassVar[tuple[str, ...]] = ("openings_refused_legitimate",)
    shifts: ClassVar[tuple[Axis, ...]] = ("issuer", "channel")
    channels: ClassVar[tuple[str, ...]] = BOUGHT
    facts: ClassVar[tuple[str, ...]] = ("F335",)
    over_window: ClassVar[tuple[str, ...]] = ("institutions",)

    measure: Literal["institution_inspection"]
    institutions: Count = Field(
        description="Real institutions inspected over the window, which needs an end."
    )
    days: Annotated[int, Field(ge=1, le=3650)] = Field(60, description="Days an inspection lasts.")
    lift: Annotated[float, Field(ge=0.0, le=2.0)] = Field(
        0.3, description="Rise of screening effort under inspection."
    )
    spillover: Share = Field(0.2, description="Share of the rise at other banks of the same class.")
    displacement: Share = Field(
        0.3, description="Share of those refused under inspection who try a bank that is not inspected."
    )
    size_exponent: Annotated[float, Field(ge=0.0, le=2.0)] = Field(
        0.5, description="How strongly large banks are preferred; 0 is a blind choice."
    )

    @model_validator(mode="after")
    def _window(self) -> InstitutionInspection:
        if self.end is None:
            raise ValueError("institutions is a count over a window, which needs an end. Add end:")
        if self.regions not in ("all", []):
            raise ValueError("an inspection takes a bank with all its outlets: regions must be all")
        return self

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Order the inspections that begin on this day; whole institutions."""
        count = self._by(day, window) - self._by(day - 1, window)
        if count > 0 and self.lift > 0.0 and self.regions == "all":
            policy.inspections.append(self._order(count))
            self.deliver(policy, float(count))

    def whole(self, window: Window) -> Inspection:
        """All inspections at once."""
        return self._order(round(self.coverage * self.institutions))

    def _order(self, count: int) -> Inspection:
        how = (self.days, self.lift, self.spillover, self.displacement, self.size_exponent)
        return Inspection(self.id, count, *how)

    def _by(self, day: int, window: Window) -> int:
        return round(self.coverage * self.institutions * self.share_by(day, window))

    @property
    def units(self) -> str:
        """Cost is per institution inspected."""
        return "institution"


class OpeningSuspension(Measure):
    """Outlets where too many involved accounts were opened may open none for 1 to 6 months (row 8)."""

    card: ClassVar[str] = (
        "The central bank stops account opening at outlets where many involved accounts were opened. Here "
        "the outlets are chosen by their true risk seen through noise (the AUC), their openings are lost "
        "or move to other outlets, and banks with a suspended outlet screen harder for a while. Assumed: "
        "when in the year the suspensions fell, the AUC, the share that moves, the deterrence."
    )
    reads: ClassVar[tuple[str, ...]] = ("outlet laxity",)
    writes: ClassVar[tuple[str, ...]] = ("policy.suspensions",)
    identity: ClassVar[str] = "opening loss = weight share (1 - displacement)"
    attributable: ClassVar[str] = "illicit openings kept from a suspended outlet"
    harms: ClassVar[tuple[str, ...]] = ("openings_lost_to_suspension", "openings_refused_legitimate")
    shifts: ClassVar[tuple[Axis, ...]] = ("outlet", "channel")
    channels: ClassVar[tuple[str, ...]] = BOUGHT
    facts: ClassVar[tuple[str, ...]] = (
        "F334",
        "F347",
        "F371",
    )
    over_window: ClassVar[tuple[str, ...]] = ("outlets",)

    measure: Literal["opening_suspension"]
    outlets: Count = Field(description="Real outlets suspended over the window, which needs an end.")
    months_min: Annotated[int, Field(ge=1, le=60)] = Field(1, description="Shortest suspension, months.")
    months_max: Annotated[int, Field(ge=1, le=60)] = Field(6, description="Longest suspension, months.")
    selection_auc: Annotated[float, Field(ge=0.5, le=0.99)] = Field(
        0.7,
        description="Chance that an outlet of the riskiest 1% ranks above another; 0.5 is a blind choice.",
    )
    displacement: Share = Field(0.5, description="Share of illicit openings that move to another outlet.")
    deterrence: Share = Field(
        0.1, description="Rise of screening at other outlets of a bank with a suspended one."
    )

    @model_validator(mode="after")
    def _window(self) -> OpeningSuspension:
        if self.end is None:
            raise ValueError("outlets is a count over a window, which needs an end. Add end:")
        if self.months_max < self.months_min:
            raise ValueError("months_max lies below months_min. Give the shorter one first")
        return self

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Order the suspensions that fall on this day; whole outlets, by the rounded cumulative share."""
        outlets = self._by(day, window) - self._by(day - 1, window)
        if outlets > 0:
            policy.suspensions.append(self._order(outlets, window))
            if not window.area(self.regions).empty:
                self.deliver(policy, float(outlets))

    def whole(self, window: Window) -> Suspension:
        """All suspensions at once."""
        return self._order(round(self.coverage * self.outlets), window)

    def _order(self, outlets: int, window: Window) -> Suspension:
        return Suspension(
            measure=self.id,
            outlets=outlets,
            months=(self.months_min, self.months_max),
            auc=self.selection_auc,
            displacement=self.displacement,
            deterrence=self.deterrence,
            regions=window.mask(self.regions),
        )

    def _by(self, day: int, window: Window) -> int:
        return round(self.coverage * self.outlets * self.share_by(day, window))

    @property
    def units(self) -> str:
        """Cost is per outlet suspended."""
        return "outlet"


class RiskControlLinkage(Measure):
    """Banks, operators and police join their risk controls on opening, use and tracing (row 9)."""

    card: ClassVar[str] = (
        "Departments link their risk controls, so that a bank sees more of the person in front of it and "
        "of what a card does. Here it multiplies the chance to refuse an illicit opening, to detect a card "
        "by its use and to trace an involved card. Assumed: the factors and how fast they grow."
    )
    reads: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[tuple[str, ...]] = (
        "policy.opening_factor",
        "policy.use_factor",
        "policy.trace_factor",
        "policy.false_positive_factor",
    )
    identity: ClassVar[str] = "all factors 1: the baseline"
    attributable: ClassVar[str] = "illicit openings refused that a bank alone would have let pass"
    harms: ClassVar[tuple[str, ...]] = ("openings_refused_legitimate",)
    shifts: ClassVar[tuple[Axis, ...]] = ("region", "channel")
    channels: ClassVar[tuple[str, ...]] = BOUGHT
    facts: ClassVar[tuple[str, ...]] = (
        "F237",
        "F240",
        "F241",
    )

    measure: Literal["risk_control_linkage"]
    opening_factor: Factor = Field(description="On the chance that an illicit opening is refused, 1 to 3.")
    use_factor: Factor = Field(1.0, description="On the hazard of detection by use, 1 to 3.")
    trace_factor: Factor = Field(1.0, description="On the chance that a used card is traced, 1 to 3.")
    false_positive_factor: Annotated[float, Field(ge=0.5, le=3.0)] = Field(
        1.0, description="On the share of honest openings refused for each unit of extra screening."
    )

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Multiply the factors of the masked regions; at strength 0 nothing is written."""
        strength = self.strength(day, window)
        if strength <= 0.0:
            return
        area = window.area(self.regions)
        for written, factor in (
            (policy.opening_factor, self.opening_factor),
            (policy.use_factor, self.use_factor),
            (policy.trace_factor, self.trace_factor),
            (policy.false_positive_factor, self.false_positive_factor),
        ):
            if factor != 1.0:
                written[area.at] *= 1.0 + strength * (factor - 1.0)
        policy.part("opening_factor", self.id, area.inside * (strength * (self.opening_factor - 1.0)))
        self.deliver(policy, strength * area.adults)

    @property
    def units(self) -> str:
        """Cost is per day of national linkage."""
        return "day in force, national"


class BlacklistSharing(Measure):
    """Banks of a city share the holders they refused or whose cards were in a case (row 11)."""

    card: ClassVar[str] = (
        "Banks of a city share a list of holders who were refused or whose cards turned up in a case. Here a "
        "listed person is refused at every member outlet, some days after; a share goes to an outlet that is "
        "none. Some honest people are listed in error. Assumed: the members, the lag, who moves, the error."
    )
    reads: ClassVar[tuple[str, ...]] = ("openers refused or traced",)
    writes: ClassVar[tuple[str, ...]] = ("policy.blacklists", "policy.honest_listed")
    identity: ClassVar[str] = (
        "tries a person gets at K banks, m each: from K (1-(1-h)^m)/h to (1-(1-h)^(Km))/h"
    )
    attributable: ClassVar[str] = "illicit openings refused by the shared list"
    harms: ClassVar[tuple[str, ...]] = ("openings_refused_legitimate",)
    shifts: ClassVar[tuple[Axis, ...]] = ("region", "outlet", "channel")
    channels: ClassVar[tuple[str, ...]] = BOUGHT
    facts: ClassVar[tuple[str, ...]] = (
        "F394",
        "F407",
    )

    measure: Literal["blacklist_sharing"]
    members: Share = Field(
        1.0, description="Share of the outlets of the regions that share the list: the city times its banks."
    )
    lag_days: Annotated[int, Field(ge=0, le=365)] = Field(3, description="Days until the members know.")
    displacement: Share = Field(0.3, description="Share of those refused by the list who try elsewhere.")
    false_listing: Share = Field(
        0.002, description="Share of honest applicants at members who are listed in error."
    )

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Put the list in force at the members of the masked regions."""
        members = self.strength(day, window) * self.members
        area = window.area(self.regions)
        if members > 0.0 and not area.empty:
            policy.blacklists.append(self._order(members, window))
            policy.honest_listed[area.at] += members * self.false_listing
            self.deliver(policy, 1.0)

    def whole(self, window: Window) -> Blacklist:
        """The list with all its members."""
        return self._order(self.coverage * self.members, window)

    def _order(self, members: float, window: Window) -> Blacklist:
        return Blacklist(self.id, members, self.lag_days, self.displacement, window.mask(self.regions))

    @property
    def units(self) -> str:
        """Cost is per day in force."""
        return "day in force"
