"""Sliders: a policy changed measure by measure, in dose, beginning and end, and written down as a scenario.

A dose is a share of the coverage that a measure has in its scenario, as with `cardbreak compare --doses`. A
beginning moves by whole months, and with it everything dated in the measure, so that its pace stays. An end
moves by itself, at the same pace, where the measure has no dated path that it would cut.
"""

from __future__ import annotations

import io
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from sim.interventions.base import Level, Measure, Total
from sim.scenario import shipped_experiments, shipped_scenarios
from sim.scenario.structure import Adaptation
from sim.study.additions import added
from sim.study.variants import shifted, weaker

if TYPE_CHECKING:
    from sim.scenario import Scenario

MOST_MONTHS = 12
"""A measure moves, and its end moves, by at most so many months to either side."""


@dataclass(frozen=True)
class Setting:
    """How a measure is set: ``dose`` (share of its coverage, 0 to 1), and by how many months it ``begins``
    and then ``ends`` later (below 0: sooner).
    """

    dose: float = 1.0
    begins: int = 0
    ends: int = 0


AS_IS = Setting()


@dataclass(frozen=True)
class Slider:
    """What can be set of one measure.

    ``start`` and ``end`` are its dates as they are set (``end`` None: open); ``begins`` and ``ends`` the
    lowest and highest number of months that `Setting` takes, ``ends`` None where the end cannot be moved.
    """

    id: str
    measure: str
    title: str
    regions: tuple[str, ...]
    start: date
    end: date | None
    begins: tuple[int, int]
    ends: tuple[int, int] | None


def sliders(
    scenario: Scenario, baseline: Scenario, settings: Mapping[str, Setting], *, draw: int = 0, seed: int = 1
) -> list[Slider]:
    """A slider for each measure that the scenario adds to the baseline, with its dates as set and drawn.

    No measure is moved out of the run: it begins no sooner than the run and no later than its last day.
    """
    found = []
    for measure in added(scenario, baseline):
        plain = measure.at_draw(draw, seed)
        first = plain.announced or plain.start
        low = max(-MOST_MONTHS, -_months(scenario.start, first))
        high = min(MOST_MONTHS, max(_months(plain.start, scenario.end), 0))
        setting = settings.get(measure.id, AS_IS)
        now = _moved(plain, setting)
        found.append(
            Slider(
                id=measure.id,
                measure=measure.measure,
                title=measure.title,
                regions=() if measure.regions == "all" else tuple(measure.regions),
                start=now.start,
                end=now.end,
                begins=(low, high),
                ends=_ends(plain),
            )
        )
    return found


def changed(scenario: Scenario, settings: Mapping[str, Setting]) -> Scenario:
    """The scenario with its measures as they are set. Raises KeyError for a measure that it does not have."""
    unknown = settings.keys() - {measure.id for measure in scenario.interventions}
    if unknown:
        raise KeyError(f"scenario {scenario.name} has no measure {min(unknown)!r}")
    measures = tuple(at(measure, settings.get(measure.id, AS_IS)) for measure in scenario.interventions)
    return scenario.with_(interventions=measures)


def at(measure: Measure, setting: Setting) -> Measure:
    """A measure as it is set; itself where nothing is."""
    moved = _moved(measure, setting)
    return moved if setting.dose == 1.0 else weaker(moved, setting.dose)


def _moved(measure: Measure, setting: Setting) -> Measure:
    if setting.begins:
        measure = shifted(measure, later(measure.start, setting.begins) - measure.start)
    if setting.ends and measure.end is not None:
        measure = measure.until(max(later(measure.end, setting.ends), measure.start))
    return measure


def _ends(measure: Measure) -> tuple[int, int] | None:
    """By how many months the end may move: no sooner than a month after the start."""
    dated = [
        item
        for name in type(measure).model_fields
        for value in [getattr(measure, name)]
        for item in (value if isinstance(value, list) else ())
        if isinstance(item, Total | Level)
    ]
    if measure.end is None or dated:
        return None
    length = _months(measure.start, measure.end)
    return (max(-MOST_MONTHS, 1 - length), MOST_MONTHS) if length > 1 else (0, MOST_MONTHS)


def _months(first: date, last: date) -> int:
    """Whole months from a day to a later one, as `later` counts them."""
    months = (last.year - first.year) * 12 + last.month - first.month
    return months if later(first, months) <= last else months - 1


def later(day: date, months: int) -> date:
    """A day so many months later: the same day of the month, or its last."""
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def as_file(scenario: Scenario, settings: Mapping[str, Setting], name: str, about: str) -> str:
    """A scenario file that extends the scenario and sets its measures: YAML that `cardbreak run` accepts.

    ``about``: lines for its head, as comments. Where the scenario is a file of the user's own, the new file
    belongs into the folder of that one.
    """
    content: dict[str, Any] = {"name": name, "title": f"{scenario.title or scenario.name}, changed"[:200]}
    base, whole = _base(scenario)
    content["extends"] = base
    if scenario.adaptation != Adaptation():
        content["adaptation"] = scenario.adaptation.model_dump(exclude_defaults=True)
    measures = [
        at(measure, settings.get(measure.id, AS_IS))
        for measure in scenario.interventions
        if whole or _set(measure, settings)
    ]
    if measures:
        content["interventions"] = [_plain(measure) for measure in measures]
    yaml, text = YAML(), io.StringIO()
    yaml.width = 110
    yaml.dump(content, text)
    return "".join(f"# {line}\n" for line in about.splitlines()) + text.getvalue()


def _base(scenario: Scenario) -> tuple[str, bool]:
    """The file to extend, and whether all measures have to be written down: shipped experiments cannot be
    extended, and stand in a world without any.
    """
    file = Path(scenario.sources[-1]).name
    if scenario.name in shipped_experiments() and scenario.name not in shipped_scenarios():
        return "no-measures.yaml", True
    return file, False


def _set(measure: Measure, settings: Mapping[str, Setting]) -> bool:
    return settings.get(measure.id, AS_IS) != AS_IS


def _plain(measure: Measure) -> dict[str, Any]:
    """A measure's fields as far as they say something, what it is first."""
    fields = measure.model_dump(exclude_defaults=True)
    return {"measure": measure.measure, "id": measure.id} | fields
