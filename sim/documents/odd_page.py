"""The ODD sheet as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from sim.documents.entities import Entity
from sim.documents.equations import Place
from sim.documents.odd import Sheet
from sim.documents.page import bullets, code, joined, table
from sim.documents.schedule import Step

INTRODUCTION = (
    "Written by `cardbreak odd`, in the order of the ODD protocol (Grimm et al. 2020, JASSS 23(2)7). Every "
    "statement is read off the code, its docstrings and the scenario as they are run; names in code are "
    "those of the source."
)


def page(sheet: Sheet) -> str:
    """The whole sheet."""
    return joined(
        f"# ODD sheet: {sheet.run['title'] or sheet.run['scenario']}",
        INTRODUCTION,
        _run_card(sheet),
        _purpose(sheet),
        _entities(sheet),
        _schedule(sheet),
        _concepts(sheet),
        _initialization(sheet),
        _inputs(sheet),
        _submodels(sheet),
    )


def _run_card(sheet: Sheet) -> str:
    return joined("## Run card", table(("", ""), [(key, value) for key, value in sheet.run.items()]))


def _purpose(sheet: Sheet) -> str:
    rows = [tuple(pattern.values()) for pattern in sheet.patterns]
    return joined(
        "## 1. Purpose and patterns",
        sheet.purpose,
        sheet.description,
        "Patterns by which the model is judged (`cardbreak patterns`):",
        table(("", "pattern", "months", "how it is measured"), rows),
    )


def _entities(sheet: Sheet) -> str:
    run = sheet.run
    scales = (
        f"**Scales.** A step is a day; {run['days']} days from {run['first day']} to {run['last day']}. One "
        f"simulated gang, dealer, opener, tracked card or case stands for {run['scale']} real ones; banks, "
        "outlets and ordinary cards have their true numbers. Space is the regions of the census, and abroad."
    )
    return joined(
        "## 2. Entities, state variables and scales",
        scales,
        "Agents, as Mesa knows them on day 0:",
        table(
            ("class", "simulated", "what it is"), [(code(name), n, what) for name, n, what in sheet.agents]
        ),
        *(_entity(entity) for entity in sheet.entities),
    )


def _entity(entity: Entity) -> str:
    rows = [
        (
            code(variable.name),
            variable.kind,
            variable.shape,
            variable.meaning + (" (never changes)" if variable.fixed else ""),
        )
        for variable in entity.variables
    ]
    count = "" if entity.rows is None else f" {entity.rows} rows on day 0."
    others = ", ".join(code(name) for name in entity.others)
    return joined(
        f"### `{entity.path or 'the model itself'}` ({entity.kind})",
        entity.what + count,
        table(("variable", "kind", "shape", "what it is"), rows) if rows else "",
        f"Beside these, without a text of their own: {others}." if others else "",
    )


def _schedule(sheet: Sheet) -> str:
    rows = [(p.number, p.name, code(p.step.name), code(p.step.module), p.step.what) for p in sheet.schedule]
    return joined(
        "## 3. Process overview and scheduling",
        "A day runs this table from top to bottom and nothing else:",
        table(("", "phase", "function", "module", "what it does"), rows),
        "What each phase calls, in the order of the source:",
        *(joined(f"**{p.number}. {p.name}**", _tree(p.step.steps)) for p in sheet.schedule if p.step.steps),
        "What agents decide in their week (phase of deciding):",
        *(joined(f"**{step.name}.** {step.what}", _tree(step.steps)) for step in sheet.decisions),
    )


def _tree(steps: Iterable[Step], depth: int = 0) -> str:
    """A list of steps, with the steps inside each as a list of its own."""
    lines = []
    for step in steps:
        first = step.what.split(". ")[0].rstrip(".")
        lines.append(f"{'  ' * depth}- {code(step.name)}" + (f": {first}." if first else ""))
        if step.steps:
            lines.append(_tree(step.steps, depth + 1))
    return "\n".join(lines)


def _concepts(sheet: Sheet) -> str:
    answers = [(code(name), what, "yes" if acts else "no") for name, what, acts in sheet.answers]
    sections = [
        joined(f"### {concept}", bullets(f"{place.text} ({code(place.path)})" for place in places))
        for concept, places in sheet.concepts.items()
    ]
    return joined(
        "## 4. Design concepts",
        *sections,
        "### Answers of the trade",
        "Switches of the scenario's `adaptation`, and whether each answer is at work to the end.",
        table(("switch", "what it is", "acts"), answers),
    )


def _initialization(sheet: Sheet) -> str:
    return joined(
        "## 5. Initialization",
        _places(sheet.initialization),
        "On day 0 there are (simulated ones, unless they are called real):",
        table(("", "number"), [(name, f"{count:,}") for name, count in sheet.start.items()]),
    )


def _inputs(sheet: Sheet) -> str:
    measures = [
        (
            code(m["id"]),
            code(m["measure"]),
            m["start"],
            m["end"],
            m["what"],
            ", ".join(code(name) for name in m["writes"]),
            ", ".join(m["evidence"]),
        )
        for m in sheet.measures
    ]
    parameters = [
        (
            code(p["parameter"]),
            p["value"],
            p["unit"],
            "yes" if p["uncertain"] else "",
            p["source"],
            p["meaning"],
        )
        for p in sheet.parameters
    ]
    return joined(
        "## 6. Input data",
        _places(sheet.inputs),
        "### Measures",
        table(("id", "measure", "from", "to", "what it is", "writes", "evidence"), measures),
        "### Parameters",
        table(("parameter", "value", "unit", "drawn", "evidence", "meaning"), parameters),
    )


def _submodels(sheet: Sheet) -> str:
    equations = [
        joined(f"#### Equation {number}", bullets(f"{code(place.path)}: {place.text}" for place in places))
        for number, places in sheet.equations.items()
    ]
    outcomes = [(code(o["outcome"]), o["unit"], o["meaning"]) for o in sheet.outcomes]
    return joined(
        "## 7. Submodels",
        _places(sheet.submodels),
        "### Equations",
        "By the numbers that the code cites.",
        *equations,
        "### Outcomes",
        table(("outcome", "unit", "meaning"), outcomes),
    )


def _places(places: Iterable[Place]) -> str:
    return bullets(f"{code(place.path)}: {place.text}" for place in places)
