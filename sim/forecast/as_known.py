"""The schedule of measures as a forecaster of some day could have known it.

One rule for everything dated: it was known on a day if the evidence that states it was public by then; what
no cited row states counts as known a week after its date. From this follows what remains of a measure:

- A measure that had neither begun nor been announced is left out. One that had begun has begun in every draw.
- Of a dated dose (a cumulative path, single pulses, levels) the points that were known remain. Where later
  points or the end are cut off, a path goes on at the pace of its last known segment; a level stays as it
  was; pulses do not go on, they are part of a path. A path of which no point was known goes on at the pace of
  its first segment.
- An end that was not known yet is none: the measure goes on to the end of the scenario, and a count over its
  window (accounts, outlets, messages) at the same number a day.

Two things remain hindsight, and only one of them can be left out. Of some measures that were in force nothing
was public until later: they are named, and with `hindsight=False` left out. And strengths that a scenario
assumes were assumed by people who know the whole record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.interventions.base import Level, Measure, Total
from sim.interventions.enforcement import Pulse
from sim.scenario.evidence import WEEK, Fact, facts
from sim.scenario.folders import shipped_folder

if TYPE_CHECKING:
    from sim.scenario import Scenario

LEFT_OUT, CUT, GOES_ON, HINDSIGHT = "left out", "cut", "goes on", "hindsight"
COLUMNS = ("measure", "what", "words")
Row = tuple[str, str, str]


@dataclass(frozen=True)
class AsKnown:
    """A schedule as known on a day, and every change to it.

    ``changes`` has a row for each: measure (its id), what (one of left out, cut, goes on, hindsight), words.
    """

    scenario: Scenario
    changes: pd.DataFrame


def as_known(
    scenario: Scenario, day: date, *, hindsight: bool = True, evidence: Mapping[str, Fact] | None = None
) -> AsKnown:
    """The scenario with its measures as they were known on a day, named after the day.

    ``evidence`` is the shipped table where none is given. Without ``hindsight`` measures of which nothing was
    public by the day are left out though they were in force.
    """
    table = facts(shipped_folder()) if evidence is None else evidence
    rows: list[Row] = []
    measures = []
    for measure in scenario.interventions:
        told = measure.announced or measure.start
        cited = [table[name] for name in measure.evidence if name in table]
        silent = bool(cited) and not any(fact.known is not None and fact.known <= day for fact in cited)
        if told > day:
            rows.append((measure.id, LEFT_OUT, f"begins on {measure.start}, announced on {told}"))
            continue
        if silent:
            since = min((fact.known for fact in cited if fact.known), default=None)
            later = f"no report of it was public before {since}" if since else "no report of it has a date"
            rows.append((measure.id, HINDSIGHT if hindsight else LEFT_OUT, later))
            if not hindsight:
                continue
        measures.append(_known(measure, day, scenario.end, cited, rows))
    name = f"{scenario.name}-known-{day}"
    title = f"{scenario.title or scenario.name}, as known on {day}"
    known = scenario.with_(name=name, title=title[:200], interventions=tuple(measures))
    return AsKnown(known, pd.DataFrame(rows, columns=list(COLUMNS)))


def _known(measure: Measure, day: date, end: date, cited: list[Fact], rows: list[Row]) -> Measure:
    """What was known of a measure that is there on the day; adds to ``rows`` what changed."""
    note = partial(_note, rows, measure.id)
    open_ended = measure.end is not None and measure.end + WEEK > day and end > measure.end
    lasting = measure.until(end) if open_ended else measure
    changed: dict[str, Any] = {}
    for name, points in _dated(measure):
        known = [point for point in points if _since(point, cited) <= day]
        lost = len(points) - len(known)
        if lost:
            note(CUT, f"{name}: {lost} of {len(points)} later or not yet public")
        changed[name] = known
        if isinstance(points[0], Total) and (lost or open_ended):
            going_on, words = _going_on(measure.start, points, known, end)
            changed[name] = going_on
            note(GOES_ON, f"{name}: {words}")
        elif isinstance(points[0], Level) and lost and known:
            note(GOES_ON, f"{name}: stays as on {known[-1].since}")
    if open_ended:
        counts = [
            f"{field} at the same number a day" for field in measure.over_window if getattr(measure, field)
        ]
        note(GOES_ON, "; ".join([f"its end on {measure.end} was not known", *counts]))
    changed["uncertain"] = _begun(lasting, day)
    fields = {name: getattr(lasting, name) for name in type(lasting).model_fields}
    return type(lasting).model_validate(fields | changed)


def _note(rows: list[Row], measure: str, what: str, words: str) -> None:
    rows.append((measure, what, words))


def _dated(measure: Measure) -> Iterator[tuple[str, list[Any]]]:
    """The dated doses of a measure that have points, by field."""
    for name in type(measure).model_fields:
        value = getattr(measure, name)
        if isinstance(value, list) and value and isinstance(value[0], Total | Level | Pulse):
            yield name, value


def _since(point: Total | Level | Pulse, cited: list[Fact]) -> date:
    """The day since when a point is known: that of a row that states its figure, else a week after it."""
    if isinstance(point, Total):
        when, value = point.by, float(point.total)
    elif isinstance(point, Level):
        when, value = point.since, point.level
    else:
        when, value = point.on, float(point.suspects)
    stated = [fact.known for fact in cited if fact.known is not None and value and value in fact.values]
    return max(min(stated), when) if stated else when + WEEK


def _going_on(start: date, points: list[Total], known: list[Total], end: date) -> tuple[list[Total], str]:
    """A path that goes on to ``end`` at the pace of its last known segment, and that in words."""
    way = known[-2:] if known else points[:1]
    before = way[0] if len(way) == 2 else Total(by=start - timedelta(days=1), total=0)
    pace = (way[-1].total - before.total) / (way[-1].by - before.by).days
    at = known[-1] if known else before
    if end <= at.by:
        return known, f"known to {at.by}"
    last = Total(by=end, total=at.total + round(pace * (end - at.by).days))
    how = f"after {at.by} {pace:,.0f} a day, as before" if known else f"{pace:,.0f} a day, as first assumed"
    return [*known, last], how


def _begun(measure: Measure, day: date) -> list[Any]:
    """The uncertain fields of a measure, its start no later than the day if it had begun by then."""
    if measure.start > day:
        return list(measure.uncertain)
    found = []
    for item in measure.uncertain:
        if item.field == "start" and isinstance(item.high, date) and item.high > day:
            if isinstance(item.low, date) and item.low < day:
                found.append(item.model_copy(update={"high": day}))
            continue
        found.append(item)
    return found
