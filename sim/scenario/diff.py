"""What differs between two scenarios, each difference with its unit, its source and its meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    from sim.interventions.base import Measure

_HEAD = {
    "start": ("date", "First simulated day."),
    "end": ("date", "Last simulated day."),
    "scale": (
        "real per simulated",
        "How many real gangs, dealers, cards and cases one simulated stands for.",
    ),
    "rival": ("structure", "Which structure of the model is run."),
}
_SILENT = ("id", "measure", "title", "note")


@dataclass(frozen=True)
class Difference:
    """One difference: `a` and `b` are the plain values in the two scenarios, None where there is none.

    `source` is evidence ids or `assumed`; it is empty for what needs no source, such as the scale.
    """

    path: str
    a: Any
    b: Any
    unit: str = ""
    source: str = ""
    meaning: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The difference as a plain dict, for the manifest."""
        return asdict(self)


def differences(a: Scenario, b: Scenario) -> list[Difference]:
    """Every difference in window, scale, structure, parameters, measures; names and titles are left out."""
    return [*_head(a, b), *_switches(a, b), *_parameters(a, b), *_measures(a, b)]


def _head(a: Scenario, b: Scenario) -> Iterator[Difference]:
    one, other = a.to_dict(), b.to_dict()
    for key, (unit, meaning) in _HEAD.items():
        if one[key] != other[key]:
            yield Difference(key, one[key], other[key], unit, "", meaning)


def _switches(a: Scenario, b: Scenario) -> Iterator[Difference]:
    one, other = a.adaptation.model_dump(mode="json"), b.adaptation.model_dump(mode="json")
    for key, info in type(a.adaptation).model_fields.items():
        if one[key] != other[key]:
            yield Difference(f"adaptation.{key}", one[key], other[key], "switch", "", info.description or "")


def _parameters(a: Scenario, b: Scenario) -> Iterator[Difference]:
    one, other = a.parameters.to_dict(), b.parameters.to_dict()
    passports = {**a.parameters.passports, **b.parameters.passports}
    for name, passport in passports.items():
        for path, left, right in _entries(f"parameters.{name}", one.get(name), other.get(name)):
            yield Difference(path, left, right, passport.unit, passport.source, passport.meaning)


def _entries(path: str, left: Any, right: Any) -> Iterator[tuple[str, Any, Any]]:
    """Differing numbers of a parameter: of a table one by one, of a list the list as a whole."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in {**left, **right}:
            yield from _entries(f"{path}.{key}", left.get(key), right.get(key))
    elif left != right:
        yield path, left, right


def _measures(a: Scenario, b: Scenario) -> Iterator[Difference]:
    one = {measure.id: measure for measure in a.interventions}
    other = {measure.id: measure for measure in b.interventions}
    for name in {**one, **other}:
        left, right = one.get(name), other.get(name)
        if left is None or right is None or left.measure != right.measure:
            yield _whole(name, left, right)
        else:
            yield from _fields(left, right)


def _whole(name: str, left: Measure | None, right: Measure | None) -> Difference:
    values = [None if measure is None else _plain(measure) for measure in (left, right)]
    shown = right or left
    doc = (type(shown).__doc__ or "").strip().splitlines()
    source = _source(shown) if shown is not None else ""
    return Difference(f"interventions.{name}", values[0], values[1], "measure", source, doc[0] if doc else "")


def _fields(left: Measure, right: Measure) -> Iterator[Difference]:
    one, other = left.model_dump(mode="json"), right.model_dump(mode="json")
    for key, info in type(right).model_fields.items():
        if key not in _SILENT and one.get(key) != other[key]:
            extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
            unit, path = str(extra.get("unit", "")), f"interventions.{right.id}.{key}"
            yield Difference(path, one.get(key), other[key], unit, _source(right), info.description or "")


def _plain(measure: Measure) -> dict[str, Any]:
    """A measure's fields as far as they say something: set in the file, or needed."""
    return measure.model_dump(mode="json", exclude_defaults=True)


def _source(measure: Measure) -> str:
    return ", ".join(measure.evidence) or "assumed"
