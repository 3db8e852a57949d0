"""What a measure is: a dated, dosed act of policy that writes into the day's policy vector.

A measure never touches an agent.  Each day, while it is in force, it writes what it changes into
:class:`~sim.policy.Policy`; the processes of the day read that vector.  A measure whose dose is zero
writes nothing, so the run is the baseline's run bit for bit.

Doses come as a coverage in [0, 1] or as counts of real accounts, cards, outlets or people over the window of
the measure.  A count is spread over the window in proportion to the ramp.

What nobody knows about a measure (its date, its strength) stands in ``uncertain``, with a lowest and a
highest value: the point value holds without draws, and each draw takes one from between.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim.policy import Blacklist, InsiderCase, Inspection, Policy, Suspension
from sim.scenario.priors import uniform

Targets = Suspension | Inspection | Blacklist | InsiderCase
"""Orders that pick outlets or banks."""

Axis = Literal["region", "issuer", "outlet", "channel", "kind"]
"""Where what a measure stops may move: another region, bank, outlet, channel of money, kind of contact."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0.0)]


class Strict(BaseModel):
    """Base of everything that a file from a user may hold: frozen, strictly typed, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Total(Strict):
    """One point of a cumulative count: ``total`` reached by the end of the day ``by``."""

    by: date
    total: Count


class Level(Strict):
    """One point of a level that holds from the day ``since`` until the next point."""

    since: date
    level: Amount


class Uncertain(Strict):
    """A field of a measure that is not known: it lies evenly between ``low`` and ``high`` over the draws."""

    field: str
    low: date | float
    high: date | float

    @model_validator(mode="after")
    def _rising(self) -> Uncertain:
        if isinstance(self.low, date) != isinstance(self.high, date) or not self.low < self.high:  # type: ignore[operator]
            raise ValueError("low and high must be two rising numbers or two rising dates")
        return self

    def at(self, u: float) -> date | float:
        """The value at quantile ``u`` in (0, 1)."""
        if isinstance(self.low, date) and isinstance(self.high, date):
            return self.low + timedelta(int(u * ((self.high - self.low).days + 1)))
        return float(self.low) + u * (float(self.high) - float(self.low))  # type: ignore[arg-type]


class Area(NamedTuple):
    """The regions in which a measure acts, in the forms in which measures need them (all read-only).

    ``mask``: bool (regions); ``inside``: 1 where it acts and 0 elsewhere, float64 (regions); ``at``: an index
    of its regions, for ``array[at] *= factor`` (a slice where they are neighbours); ``adult_share``: share of
    all adults in each of its regions, 0 elsewhere, float64 (regions), and ``adults``, in all of them;
    ``empty``: whether there is no such region.
    """

    mask: np.ndarray
    inside: np.ndarray
    at: slice | np.ndarray
    adult_share: np.ndarray
    adults: float
    empty: bool


@dataclass(frozen=True)
class Window:
    """The part of the calendar in which a run takes place.

    ``day0`` is the date of day 0; ``days`` the number of days simulated; ``regions`` the codes of the
    regions, and ``adult_share`` their shares of all adults (even, if not given); ``adults`` is their number.
    """

    day0: date
    days: int
    regions: tuple[str, ...]
    adult_share: np.ndarray = field(default_factory=lambda: np.ones(0), compare=False)
    adults: float = 1.0
    _areas: dict[str | tuple[str, ...], Area] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _numbers: dict[date, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.adult_share) != len(self.regions):
            even = np.full(len(self.regions), 1.0 / max(len(self.regions), 1))
            object.__setattr__(self, "adult_share", even)

    def number(self, when: date) -> int:
        """Day number of a date; negative before day 0."""
        number = self._numbers.get(when)
        if number is None:
            number = self._numbers[when] = (when - self.day0).days
        return number

    def mask(self, regions: Literal["all"] | Sequence[str]) -> np.ndarray:
        """Boolean array over regions, true where a measure acts (read-only)."""
        return self.area(regions).mask

    def area(self, regions: Literal["all"] | Sequence[str]) -> Area:
        """Where a measure acts; worked out once for each set of regions."""
        key = regions if isinstance(regions, str) else tuple(regions)
        area = self._areas.get(key)
        if area is None:
            area = self._areas[key] = self._area(key)
        return area

    def _area(self, key: str | tuple[str, ...]) -> Area:
        mask = np.array([key == "all" or code in key for code in self.regions], dtype=bool)
        inside, at = mask.astype(np.float64), np.flatnonzero(mask)
        adult_share = inside * self.adult_share
        for array in (mask, inside, at, adult_share):
            array.flags.writeable = False
        neighbours = len(at) > 0 and at[-1] - at[0] == len(at) - 1
        where = slice(int(at[0]), int(at[-1]) + 1) if neighbours else at
        return Area(mask, inside, where, adult_share, float(self.adult_share[mask].sum()), not len(at))


class Measure(Strict, ABC):
    """Fields that every measure has.  A subclass adds its dose and says what it writes.

    Subclasses declare ``measure`` as a ``Literal`` (the id in scenario files) and the class variables
    ``card`` (a plain-language description), ``reads``, ``writes``, ``identity`` (the exact statement that
    holds when everything else is off), ``attributable`` (what its own count counts), ``harms`` (outcomes of
    harm to honest people that it raises by itself) and ``facts`` (rows of the evidence that speak of it).
    ``over_window`` names fields that are counts over the whole window, so that a longer window at the same
    pace has more of them.  ``shifts`` are the axes along which what it stops may move; for the axes "channel"
    and "kind", ``channels`` and ``kinds`` name the outcomes on which it works.
    """

    card: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[tuple[str, ...]] = ()
    identity: ClassVar[str] = ""
    attributable: ClassVar[str] = ""
    harms: ClassVar[tuple[str, ...]] = ()
    facts: ClassVar[tuple[str, ...]] = ()
    over_window: ClassVar[tuple[str, ...]] = ()
    shifts: ClassVar[tuple[Axis, ...]] = ()
    channels: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[tuple[str, ...]] = ()
    co_measure: ClassVar[bool] = False

    measure: str
    id: str = Field("", description="Name within the scenario; the measure's own where left out.")
    title: str = Field("", description="Name for tables and pictures.")
    start: date = Field(description="First day in force.")
    end: date | None = Field(None, description="Last day in force; to the end of the run where left out.")
    announced: date | None = Field(None, description="Day of the announcement, on or before the start.")
    ramp_days: Count = Field(0, description="Days over which it rises evenly to full strength.")
    coverage: Share = Field(1.0, description="Share of the whole measure that is carried out.")
    regions: Literal["all"] | list[str] = Field("all", description="Codes of the regions in which it acts.")
    cost_per_unit: Amount | None = Field(None, description="Yuan for each unit of the dose.")
    uncertain: list[Uncertain] = Field(
        default_factory=list, description="Fields that draws take from between two values."
    )
    evidence: list[str] = Field(default_factory=list, description="Ids of the evidence behind it.")
    note: str = Field("", description="What else a reader should know.")

    @model_validator(mode="before")
    @classmethod
    def _default_id(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("id") and isinstance(data.get("measure"), str):
            criterion = data.get("criterion")
            suffix = f"-{criterion}" if isinstance(criterion, str) else ""
            return {**data, "id": data["measure"] + suffix}
        return data

    @model_validator(mode="after")
    def _dates_in_order(self) -> Measure:
        if self.end is not None and self.end < self.start:
            raise ValueError(
                f"end {self.end} lies before start {self.start}. Give an end on or after the start"
            )
        if self.announced is not None and self.announced > self.start:
            raise ValueError(
                f"announced {self.announced} lies after start {self.start}. Announce on or before it"
            )
        return self

    @model_validator(mode="after")
    def _paths_inside(self) -> Measure:
        for name in type(self).model_fields:
            value = getattr(self, name)
            for point in value if isinstance(value, list) else ():
                if isinstance(point, Total):
                    self._within("the total", point.by)
        return self

    @model_validator(mode="after")
    def _uncertain_fields(self) -> Measure:
        for item in self.uncertain:
            value = getattr(self, item.field, None)
            if isinstance(value, bool) or not isinstance(value, int | float | date):
                raise ValueError(f"uncertain names {item.field!r:.40}, which is no number or date given here")
            if isinstance(value, date) != isinstance(item.low, date):
                raise ValueError(f"uncertain {item.field}: give dates for a date, numbers for a number")
        for end in (1e-9, 1.0 - 1e-9) if self.uncertain else ():
            self._moved(dict.fromkeys((item.field for item in self.uncertain), end))
        return self

    def at_draw(self, draw: int, seed: int) -> Self:
        """The measure in a draw of the parameters: itself in draw 0, else its uncertain fields drawn."""
        if draw == 0 or not self.uncertain:
            return self
        return self._moved({i.field: uniform(seed, draw, f"{self.id}.{i.field}") for i in self.uncertain})

    def _moved(self, quantiles: dict[str, float]) -> Self:
        """The measure with its uncertain fields at quantiles, checked again."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        for item in self.uncertain:
            value = item.at(quantiles[item.field])
            whole = isinstance(fields[item.field], int)
            fields[item.field] = round(value) if whole and isinstance(value, float) else value
        return type(self).model_validate({**fields, "uncertain": []})

    def whole(self, window: Window) -> Targets | None:
        """The order of the whole measure at once, for measures that pick outlets or banks; else None."""
        return None

    def deliver(self, policy: Policy, units: float) -> None:
        """Note units of the dose delivered today."""
        if units > 0.0:
            policy.delivered[self.id] += units

    def until(self, end: date) -> Self:
        """The measure with another end and the same pace: counts over the window change with its length.

        Its dated doses stay as they are. Raises ValueError (pydantic's) for an end before one of them.
        """
        fields = {name: getattr(self, name) for name in type(self).model_fields} | {"end": end}
        longer = 1.0
        if self.end is not None and self.over_window:
            days = [(last - self.start).days + 1 for last in (end, self.end)]
            longer = _ramp_sum(days[0], self.ramp_days) / _ramp_sum(days[1], self.ramp_days)
        for name in self.over_window:
            if fields[name] is not None:
                fields[name] = round(fields[name] * longer)
        fields["uncertain"] = [
            item.model_copy(update={"low": item.low * longer, "high": item.high * longer})  # type: ignore[operator]
            if item.field in self.over_window
            else item
            for item in self.uncertain
            if item.field != "end"
        ]
        return type(self).model_validate(fields)

    def _within(self, what: str, when: date) -> None:
        """Refuse a dated dose outside of the window: it would be lost without a word."""
        if when < self.start or (self.end is not None and when > self.end):
            raise ValueError(f"{what} of {when} lies outside of start and end. Move it, or the start or end")

    def last_day(self, window: Window) -> int:
        """Number of the last day in force."""
        return window.days - 1 if self.end is None else window.number(self.end)

    def span(self, window: Window) -> tuple[int, int]:
        """First and last day on which it can write anything: from its announcement or start to its end."""
        return window.number(self.announced or self.start), self.last_day(window)

    def strength(self, day: int, window: Window) -> float:
        """Ramp times coverage on a day: 0 outside the window of the measure, up to ``coverage`` inside."""
        first = window.number(self.start)
        if day < first or day > self.last_day(window):
            return 0.0
        return self.coverage * _ramp(day - first, self.ramp_days)

    def share_of_window(self, day: int, window: Window) -> float:
        """Share of a count over the whole window that falls on a day, so that the days add up to 1.

        The window must have an end; the share follows the ramp.
        """
        first, last = window.number(self.start), self.last_day(window)
        if not first <= day <= last:
            return 0.0
        ramp, done, all_days = self.ramp_days, day - first + 1, last - first + 1
        whole = _ramp_sum(all_days, ramp)
        return _ramp_sum(done, ramp) / whole - _ramp_sum(done - 1, ramp) / whole

    def share_by(self, day: int, window: Window) -> float:
        """Share of a count over the whole window that falls on the days up to and with ``day``."""
        first, last = window.number(self.start), self.last_day(window)
        done = min(max(day - first + 1, 0), last - first + 1)
        return _ramp_sum(done, self.ramp_days) / _ramp_sum(last - first + 1, self.ramp_days)

    @abstractmethod
    def act(self, day: int, window: Window, policy: Policy) -> None:
        """Write today's part of the measure into the policy vector; called on the days of its `span`."""

    @property
    def units(self) -> str:
        """What one unit of cost is, for instance ``account``."""
        return "unit"


def _ramp(since: int, ramp_days: int) -> float:
    return min(1.0, (since + 1) / ramp_days) if ramp_days > 0 else 1.0


def _ramp_sum(days: int, ramp_days: int) -> float:
    rising = min(days, ramp_days)
    return (rising * (rising + 1) / 2) / ramp_days + (days - rising) if ramp_days > 0 else float(days)


def cumulative_today(points: Sequence[Total], start: date, day: int, window: Window) -> float:
    """Today's part of a cumulative path that rises linearly from 0 on ``start`` through the given points."""
    before_day, before_total = window.number(start) - 1, 0
    for point in points:
        at = window.number(point.by)
        if day <= before_day:
            return 0.0
        if day <= at:
            return (point.total - before_total) / (at - before_day)
        before_day, before_total = at, point.total
    return 0.0


def level_today(points: Sequence[Level], day: int, window: Window) -> float:
    """The level in force on a day: that of the last point at or before it, 0 before the first."""
    current = 0.0
    for point in points:
        if window.number(point.since) > day:
            break
        current = point.level
    return current


def rising(points: Sequence[Total]) -> Sequence[Total]:
    """Check that a cumulative path has rising dates and totals that never fall."""
    for before, after in pairwise(points):
        if after.by <= before.by or after.total < before.total:
            raise ValueError(f"the path goes back at {after.by}. Dates must rise and totals must not fall")
    return points


def ordered(points: Sequence[Level]) -> Sequence[Level]:
    """Check that the points of a level are in the order of their dates."""
    for before, after in pairwise(points):
        if after.since <= before.since:
            raise ValueError(f"{after.since} does not come after {before.since}. Put the dates in order")
    return points
