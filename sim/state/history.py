"""Histories: what decides a run day by day, so that two runs can be told to be the same up to some day.

Parameters, scale, first day and random numbers decide from the first day on. A measure acts within its span
and not before (:meth:`sim.interventions.base.Measure.span`), a switch of the adaptation from the day since
which it is off, the end of the run on its last day. So two runs are one until the first of these in which
they differ.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sim.interventions.base import Window
from sim.scenario.structure import SWITCHES

if TYPE_CHECKING:
    from sim.interventions.base import Measure
    from sim.scenario import Parameters, Scenario


class Event(NamedTuple):
    """Something that decides a run from a day on: ``what`` says all of it, ``name`` in a word.

    ``place``: how many of the earlier events come before it in the scenario, for measures write in its order.
    """

    day: int
    place: int
    what: str
    name: str


@dataclass(frozen=True)
class History:
    """What decides a run: ``root`` from its first day on, by name, then ``events``, which rise by day."""

    root: tuple[tuple[str, str], ...]
    events: tuple[Event, ...]
    days: int

    def shared(self, other: History) -> int:
        """On how many of their first days two runs are the same."""
        if self.root != other.root:
            return 0
        for ours, theirs in zip(self.events, other.events, strict=False):
            if ours != theirs:
                return min(ours.day, theirs.day)
        return self.days

    def until(self, day: int) -> dict[str, str]:
        """What has decided a run by the morning of a day, by name: a hash of each root and event."""
        past = [(name, what) for name, what in self.root]
        past += [(f"{e.name}, {e.place}", f"{e.day} {e.what}") for e in self.events if e.day < day]
        return {name: _hash(what) for name, what in past}


class Histories:
    """Histories of runs with one seed; what runs have in common is worked out once."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._texts: dict[int, tuple[Measure, str]] = {}
        self._spans: dict[tuple[str, int, Window], tuple[int, int, str]] = {}
        self._numbers: dict[int, tuple[Parameters, str]] = {}

    def of(self, scenario: Scenario, replicate: int, draw: int) -> History:
        """The history of a run."""
        window = Window(scenario.start, scenario.days, ())
        events = [(scenario.days - 1, len(scenario.interventions) + 1, str(scenario.days), "end")]
        for rank, measure in enumerate(scenario.interventions):
            first, last, what = self._span(measure, draw, window)
            if max(first, 0) <= min(last, scenario.days - 1):
                events.append((max(first, 0), rank, what, measure.id))
        since, off = scenario.adaptation.since, _switched_off(scenario)
        if off and since <= scenario.end:
            events.append((max(window.number(since), 0), len(scenario.interventions), off, "adaptation"))
        events.sort()
        placed = tuple(
            Event(day, sum(earlier[1] < rank for earlier in events[:number]), what, name)
            for number, (day, rank, what, name) in enumerate(events)
        )
        return History(self._root(scenario, replicate, draw), placed, scenario.days)

    def _span(self, measure: Measure, draw: int, window: Window) -> tuple[int, int, str]:
        """First and last day of a measure as it is drawn, and all that it is."""
        if id(measure) not in self._texts:
            self._texts[id(measure)] = measure, repr(measure)
        key = self._texts[id(measure)][1], draw, window
        if key not in self._spans:
            drawn = measure.at_draw(draw, self.seed)
            self._spans[key] = (*drawn.span(window), repr(drawn))
        return self._spans[key]

    def _root(self, scenario: Scenario, replicate: int, draw: int) -> tuple[tuple[str, str], ...]:
        parameters = scenario.parameters
        if id(parameters) not in self._numbers:
            self._numbers[id(parameters)] = parameters, _numbers(parameters)
        rival = "none" if scenario.rival == "no-adaptation" else scenario.rival  # acts by its switches
        return (
            ("start", scenario.start.isoformat()),
            ("scale", str(scenario.scale)),
            ("rival", rival),
            ("parameters", self._numbers[id(parameters)][1]),
            ("seed", str(self.seed)),
            ("replicate", str(replicate)),
            ("draw", str(draw)),
        )


def _switched_off(scenario: Scenario) -> str:
    switches = scenario.adaptation
    off = [name for name in SWITCHES if not switches.acts(name, switches.since, scenario.rival)]
    return f"{switches.since} {off}" if off else ""


def _numbers(parameters: Parameters) -> str:
    """A hash of all values, and of what draws make of them."""
    priors = {
        name: repr((p.prior, p.integer)) for name in parameters.uncertain for p in [parameters.passport(name)]
    }
    table = parameters.draws.digest if parameters.draws is not None else ""
    return _hash(json.dumps([parameters.to_dict(), priors, table], sort_keys=True))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
