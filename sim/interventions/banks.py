"""Measures on account opening and risk control at banks and institutions (rows 8 and 9)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from sim.interventions.base import Count, Measure, Share, Window
from sim.policy import Policy, Suspension

Factor = Annotated[float, Field(ge=1.0, le=3.0)]


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
            policy.suspensions.append(
                Suspension(
                    measure=self.id,
                    outlets=outlets,
                    months=(self.months_min, self.months_max),
                    auc=self.selection_auc,
                    displacement=self.displacement,
                    deterrence=self.deterrence,
                    regions=window.mask(self.regions),
                )
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
        mask = window.mask(self.regions)
        policy.opening_factor[mask] *= 1.0 + strength * (self.opening_factor - 1.0)
        policy.use_factor[mask] *= 1.0 + strength * (self.use_factor - 1.0)
        policy.trace_factor[mask] *= 1.0 + strength * (self.trace_factor - 1.0)
        policy.false_positive_factor[mask] *= 1.0 + strength * (self.false_positive_factor - 1.0)
