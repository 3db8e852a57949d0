"""Measures that reach the public: publicity (row 12); app, dissuasion orders, warning line (row C)."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from sim.interventions.base import Count, Level, Measure, Share, Window, level_today, ordered
from sim.policy import Policy

Levels = Annotated[list[Level], AfterValidator(ordered)]


class Publicity(Measure):
    """Videos, events and text messages against fraud (row 12)."""

    card: ClassVar[str] = (
        "Videos, public events and text messages tell people how fraud works. Here each is a dose of "
        "contacts per adult that raises awareness, which fades; it also makes victims readier to report, "
        "so registered cases may rise first, and tells people what selling a card leads to. Assumed: reach "
        "and efficacy of each contact."
    )
    reads: ClassVar[tuple[str, ...]] = ("adults",)
    writes: ClassVar[tuple[str, ...]] = ("policy.publicity",)
    identity: ClassVar[str] = "steady state of awareness g / (1 - lambda + g)"
    attributable: ClassVar[str] = "cases averted by awareness, in expectation"
    facts: ClassVar[tuple[str, ...]] = (
        "F421",
        "F422",
        "F423",
    )
    over_window: ClassVar[tuple[str, ...]] = ("videos", "events", "messages")

    measure: Literal["publicity"]
    videos: Count = Field(0, description="Videos released over the window.")
    events: Count = Field(0, description="Events held over the window.")
    messages: Count = Field(0, description="Text messages sent over the window.")

    @model_validator(mode="after")
    def _window(self) -> Publicity:
        if self.end is None:
            raise ValueError(
                "videos, events and messages are counts over a window, which needs an end. Add end:"
            )
        return self

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Add today's real videos, events and messages in the masked regions (counts over all of them)."""
        share = self.coverage * self.share_of_window(day, window)
        if share > 0.0 and (self.videos or self.events or self.messages):
            area = window.area(self.regions)
            policy.publicity[area.at] += [self.videos * share, self.events * share, self.messages * share]
            policy.part("awareness", self.id, area.inside * share)
            if not area.empty:
                self.deliver(policy, self.messages * share)

    @property
    def units(self) -> str:
        """Cost is per message."""
        return "message"


class AntifraudApp(Measure):
    """The national anti-fraud app warns those who installed it (co-measure)."""

    card: ClassVar[str] = (
        "An app that warns of fraud calls, messages and pages. Here covered users lose a share of the "
        "chance to become a victim. Assumed: coverage between the launch and the download figures, and the "
        "efficacy."
    )
    writes: ClassVar[tuple[str, ...]] = ("policy.app_protection",)
    identity: ClassVar[str] = "cases fall by coverage x efficacy"
    attributable: ClassVar[str] = "cases averted among its users, in expectation"
    co_measure: ClassVar[bool] = True
    facts: ClassVar[tuple[str, ...]] = (
        "F349",
        "F418",
    )

    measure: Literal["antifraud_app"]
    covered: Levels = Field(description="Share of adults covered, from each date on; linear in between.")
    efficacy: Share = Field(
        0.16, description="Share of would-be cases that the app stops among covered users."
    )

    @model_validator(mode="after")
    def _shares(self) -> AntifraudApp:
        if any(point.level > 1.0 for point in self.covered):
            raise ValueError("covered is a share of adults. Give levels from 0 to 1")
        return self

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Cover the masked regions to today's share."""
        share = self.strength(day, window) * self._covered(day, window)
        if share * self.efficacy > 0.0:
            area = window.area(self.regions)
            left = (1.0 - policy.app_protection[area.at]) * (1.0 - share * self.efficacy)
            policy.app_protection[area.at] = 1.0 - left
            policy.part("app_protection", self.id, area.inside * (share * self.efficacy))
            self.deliver(policy, share * window.adults * area.adults / 365.25)

    def _covered(self, day: int, window: Window) -> float:
        """Coverage between dated shares, linear; the last one holds."""
        before = None
        for point in self.covered:
            at = window.number(point.since)
            if day < at:
                if before is None:
                    return 0.0
                part = (day - before[0]) / (at - before[0])
                return before[1] + part * (point.level - before[1])
            before = (at, point.level)
        return before[1] if before else 0.0

    @property
    def units(self) -> str:
        """Cost is per adult covered for a year."""
        return "adult covered for a year"


class DissuasionOrders(Measure):
    """Orders to local police to dissuade a person about to be defrauded (co-measure)."""

    card: ClassVar[str] = (
        "Warning systems name persons in contact with fraudsters; an officer calls or visits. Here an "
        "order meets a case in the making with some precision and stops it with some efficacy. Assumed: "
        "both."
    )
    reads: ClassVar[tuple[str, ...]] = ("cases in the making",)
    writes: ClassVar[tuple[str, ...]] = ("policy.orders",)
    identity: ClassVar[str] = "no orders: nobody dissuaded"
    attributable: ClassVar[str] = "cases stopped in the making, in expectation"
    co_measure: ClassVar[bool] = True
    facts: ClassVar[tuple[str, ...]] = (
        "F056",
        "F057",
        "F087",
    )

    measure: Literal["dissuasion_orders"]
    orders_per_day: Levels = Field(
        description="Orders a day in the regions named, by adults, from each date on."
    )

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Add today's orders."""
        orders = self.strength(day, window) * level_today(self.orders_per_day, day, window)
        area = window.area(self.regions)
        if orders > 0.0 and area.adults > 0.0:
            own = orders * area.adult_share
            policy.orders += own / area.adult_share.sum()
            policy.part("orders", self.id, own)
            self.deliver(policy, orders)

    @property
    def units(self) -> str:
        """Cost is per order."""
        return "order"


class WarningLine(Measure):
    """A national number that warns, and that victims can call at once (co-measure)."""

    card: ClassVar[str] = (
        "A hotline that calls those at risk and takes calls from victims. Here victims report a little "
        "more often and money is stopped sooner. Assumed: both sizes."
    )
    writes: ClassVar[tuple[str, ...]] = ("policy.freeze_factor", "policy.report_lift")
    identity: ClassVar[str] = "factor 1 and lift 0: the baseline"
    attributable: ClassVar[str] = "yuan frozen that would have got away"
    harms: ClassVar[tuple[str, ...]] = ("accounts_frozen_in_error",)
    co_measure: ClassVar[bool] = True
    facts: ClassVar[tuple[str, ...]] = ("F329",)

    measure: Literal["warning_line"]
    freeze_factor: Annotated[float, Field(ge=1.0, le=100.0)] = Field(
        1.0, description="How many times sooner money is stopped, at full strength."
    )
    report_lift: Share = Field(0.0, description="Rise of the share of cases reported, at full strength.")

    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Speed up freezing and raise reporting."""
        strength = self.strength(day, window)
        if strength > 0.0:
            area = window.area(self.regions)
            if self.freeze_factor != 1.0:
                policy.freeze_factor[area.at] *= 1.0 + strength * (self.freeze_factor - 1.0)
            policy.report_lift[area.at] += strength * self.report_lift
            policy.part("freeze", self.id, area.inside * (strength * math.log(self.freeze_factor)))
            self.deliver(policy, strength * area.adults)

    @property
    def units(self) -> str:
        """Cost is per day of a national line."""
        return "day in force, national"
