"""Cards of the measures: what each is, when it really happened and how much of it, whom it reaches, whom it
harms, what speaks for it, and how a scenario has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from io import StringIO
from typing import Any

from sim.documents import evidence_rows, words
from sim.documents.equations import Place, readers
from sim.documents.page import block, bullets, code, joined, table
from sim.interventions import MEASURES, Measure
from sim.observe.outcomes import OUTCOMES
from sim.policy import Policy
from sim.scenario import Scenario, load, shipped_scenarios

OPERATION = "card-broken-2020"
"""The scenario of what really happened; it has every measure."""

BEFORE, WITHOUT = "baseline", "no-measures"
"""The scenario of what was at work beside the operation, and the one without even that."""

UNSAID = {"id", "measure", "title", "start", "end", "announced", "regions", "uncertain", "evidence", "note"}
"""Fields of a measure that are no dose."""


def card(name: str) -> str:
    """The page of one measure."""
    kind = MEASURES[name]
    real = [measure for measure in _scenario(OPERATION).interventions if type(measure) is kind]
    return joined(
        f"# {name}",
        words.text_of(kind),
        kind.card,
        joined("## When it really happened", _occasions(real)),
        joined("## Whom it reaches and what it changes", _changes(kind)),
        joined("## Fields", "Those that every measure has stand below the others.", _fields(kind)),
        joined(
            "## What it counts as its own",
            f"{(kind.attributable or 'nothing').capitalize()}. {_moves(kind)}",
            f"Exactly, with everything else switched off: {kind.identity}.",
        ),
        joined("## Known harm", _harm(kind)),
        joined("## Evidence", evidence_rows.shown(_evidence(kind, real)) or "None: everything is assumed."),
        joined("## Switching it on", _switched_on(name, real)),
    )


def overview() -> str:
    """The page that lists the measures."""
    rows = [
        (f"[{name}]({name}.md)", words.first_of(kind), ", ".join(map(code, kind.harms)))
        for name, kind in MEASURES.items()
    ]
    return joined(
        "# Measures",
        "A card for each measure that a scenario may have, read off its class, the policy vector that it "
        "writes, the shipped scenarios and the evidence. On the command line: `cardbreak list measures`.",
        table(("measure", "what it is", "known harm"), rows),
    )


def example(name: str) -> str:
    """A scenario file that has the measure as it really happened, and no other card measure."""
    real = next(m for m in _scenario(OPERATION).interventions if m.measure == name)
    beside = any(m.measure == name for m in _scenario(BEFORE).interventions)
    content = {
        "name": f"only-{name.replace('_', '-')}",
        "extends": f"{WITHOUT if beside else BEFORE}.yaml",
        "interventions": [_as_written(real)],
    }
    return _yaml(content)


@cache
def _scenario(name: str) -> Scenario:
    return load(name)


def _occasions(real: Iterable[Measure]) -> str:
    rows = []
    for measure in real:
        until = measure.end.isoformat() if measure.end else "goes on"
        where = "everywhere" if measure.regions == "all" else ", ".join(measure.regions)
        unknown = "; ".join(f"{item.field}: {item.low} to {item.high}" for item in measure.uncertain)
        rows.append((code(measure.id), measure.start, until, where, _dose(measure), unknown or "-"))
    if not rows:
        return "No shipped scenario of the operation has it."
    return joined(
        f"As the scenario `{OPERATION}` has it; what is not known is drawn from between the ends of a range.",
        table(("id", "from", "to", "where", "dose", "not known"), rows),
    )


def _dose(measure: Measure) -> str:
    written = _as_written(measure)
    return "; ".join(f"{key} {_brief(value)}" for key, value in written.items() if key not in UNSAID)


def _brief(value: Any) -> str:
    """A value of a dose; of a long path the last point."""
    if isinstance(value, list):
        end = ", ".join(f"{key} {_brief(part)}" for key, part in value[-1].items()) if value else ""
        return f"({len(value)} points, the last: {end})"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _changes(kind: type[Measure]) -> str:
    meanings = words.terms(Policy.__doc__)
    fields = [name.removeprefix("policy.") for name in kind.writes]
    rows = [(code(name), meanings.get(name, ""), ", ".join(_who(readers(name)))) for name in fields]
    reads = f"It looks at {', '.join(kind.reads)}." if kind.reads else ""
    return joined(
        "It never touches an agent: it writes into the policy vector of the day, and the processes of the "
        f"day read that. {reads}",
        table(("what it writes", "meaning", "who reads it"), rows),
    )


def _who(places: Iterable[Place]) -> Iterator[str]:
    for place in places:
        yield f"{code(place.name)} in {code(place.module)}"


def _fields(kind: type[Measure]) -> str:
    schema = kind.model_json_schema()
    own = [name for name in kind.model_fields if name not in Measure.model_fields]
    common = [name for name in kind.model_fields if name in Measure.model_fields and name != "measure"]
    rows = []
    for name in [*own, *common]:
        field = kind.model_fields[name]
        given = "needed" if field.is_required() else _default(schema["properties"][name].get("default"))
        rows.append((code(name), _shape(schema["properties"][name], schema), given, field.description or ""))
    return table(("field", "values", "default", "meaning"), rows)


def _default(value: Any) -> str:
    return "none" if value in (None, "", []) else str(value)


def _shape(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What a field may hold, in words."""
    if "$ref" in field:
        inner = schema["$defs"][field["$ref"].rsplit("/", 1)[-1]]
        return "points of " + ", ".join(inner.get("properties", {}))
    if "anyOf" in field:
        kinds = [_shape(part, schema) for part in field["anyOf"] if part.get("type") != "null"]
        return " or ".join(kinds)
    if "const" in field or "enum" in field:
        return " or ".join(str(value) for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        inner = _shape(field.get("items", {}), schema)
        return inner if inner.startswith("points") else f"list of {inner}"
    kind = {"string": "text", "integer": "whole number"}.get(
        field.get("type", ""), field.get("type", "value")
    )
    kind = "date" if field.get("format") == "date" else kind
    ends = [
        f" {word} {field[end]:g}" for word, end in (("from", "minimum"), ("to", "maximum")) if end in field
    ]
    return kind + "".join(ends)


def _moves(kind: type[Measure]) -> str:
    if not kind.shifts:
        return "Nothing that it stops is thought to move elsewhere."
    works = [*kind.channels, *kind.kinds]
    on = f" It works on {', '.join(map(code, works))}." if works else ""
    return f"What it stops may move to another {', another '.join(kind.shifts)}.{on}"


def _harm(kind: type[Measure]) -> str:
    if not kind.harms:
        return (
            "The model knows no harm of it to honest people. That is a limit of the model, not a finding: "
            "[what it cannot know](../../docs/limits.md)."
        )
    return bullets(f"{code(name)}: {OUTCOMES[name].meaning} ({OUTCOMES[name].unit})" for name in kind.harms)


def _evidence(kind: type[Measure], real: Iterable[Measure]) -> list[str]:
    return [*kind.facts, *(name for measure in real for name in measure.evidence)]


def _switched_on(name: str, real: list[Measure]) -> str:
    shipped = [
        code(scenario)
        for scenario in shipped_scenarios()
        if scenario in _alone(name) and scenario != OPERATION
    ]
    ready = f"Ready to run: {', '.join(shipped)}. " if shipped else ""
    if not real:
        return ready
    return joined(
        f"{ready}A file of your own begins like this:",
        block("yaml", example(name)),
        "`cardbreak check FILE.yaml` says whether it is right, `cardbreak compare FILE.yaml` what it does.",
    )


@cache
def _alone(name: str) -> frozenset[str]:
    """Shipped scenarios whose only measures beyond those of the baseline are of this kind."""
    before = {measure.id for measure in _scenario(BEFORE).interventions}
    found = set()
    for scenario in shipped_scenarios():
        added = {m.measure for m in _scenario(scenario).interventions if m.id not in before}
        if added == {name}:
            found.add(scenario)
    return frozenset(found)


def _as_written(measure: Measure) -> dict[str, Any]:
    """The fields of a measure as a scenario file has them, without those that say nothing."""
    fields = measure.model_dump(exclude_defaults=True)
    if fields.get("id") == type(measure).model_validate({**measure.model_dump(), "id": ""}).id:
        fields.pop("id", None)
    return {"measure": measure.measure, **{key: value for key, value in fields.items() if key != "measure"}}


def _yaml(content: Mapping[str, Any]) -> str:
    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None  # the innermost lists and mappings on a line each
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.width = 110
    stream = StringIO()
    writer.dump(dict(content), stream)
    return stream.getvalue()
