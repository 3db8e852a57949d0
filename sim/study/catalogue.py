"""What there is to choose from: scenarios, measures, parameters and outcomes, as plain rows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

Rows = list[dict[str, str]]


def catalogue(topic: str) -> Rows:
    """The rows of one topic: scenarios, measures, parameters or outcomes."""
    return TOPICS[topic]()


def scenarios() -> Rows:
    """The shipped scenarios."""
    from sim.scenario import load, shipped_scenarios

    loaded = [load(path) for path in shipped_scenarios().values()]
    return [
        {
            "name": s.name,
            "from": str(s.start),
            "to": str(s.end),
            "measures": str(len(s.interventions)),
            "title": s.title,
        }
        for s in loaded
    ]


def measures() -> Rows:
    """The measures a scenario may use: what each is and does, its fields, its count, its facts."""
    from sim.interventions import MEASURES
    from sim.interventions.base import Measure

    common = set(Measure.model_fields)
    return [
        {
            "measure": name,
            "what": _first_sentence(kind),
            "fields": ", ".join(field for field in kind.model_fields if field not in common) or "-",
            "counts": kind.attributable,
            "may move to another": ", ".join(kind.shifts) or "-",
            "evidence": ", ".join(kind.facts),
            "identity": kind.identity,
            "how it acts here": kind.card,
        }
        for name, kind in MEASURES.items()
    ]


def parameters() -> Rows:
    """Every parameter with its passport, as the baseline has it."""
    from sim.scenario import load

    known = load("baseline").parameters.passports.values()
    return [
        {
            "parameter": p.id,
            "value": plain(p.value),
            "unit": p.unit,
            "uncertain": "yes" if p.prior else "-",
            "source": p.source,
            "grade": p.grade,
            "meaning": p.meaning,
        }
        for p in known
    ]


def outcomes() -> Rows:
    """The outcomes, with their units and the direction that is better."""
    from sim.observe.outcomes import OUTCOMES

    return [
        {"outcome": o.name, "unit": o.unit, "better": o.better or "-", "meaning": o.meaning}
        for o in OUTCOMES.values()
    ]


def _first_sentence(kind: type) -> str:
    words = " ".join((inspect.getdoc(kind) or "").split())
    return words.split(". ")[0].rstrip(".") + "." if words else ""


TOPICS: Mapping[str, Callable[[], Rows]] = {
    "scenarios": scenarios,
    "measures": measures,
    "parameters": parameters,
    "outcomes": outcomes,
}


def plain(value: Any) -> str:
    """A parameter's value as text: a number, or numbers with commas."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {number:g}" for key, number in value.items())
    return ", ".join(f"{number:g}" for number in value) if isinstance(value, tuple) else f"{value:g}"
