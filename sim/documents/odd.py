"""The ODD sheet of a scenario: the model as it runs, in the order of the protocol, read off code and data.

ODD 2020 (Grimm et al.): purpose and patterns; entities, state variables and scales; process overview and
scheduling; design concepts; initialization; input data; submodels. Before these stands the run card: what the
scenario is and which versions would run it.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sim
from sim.documents import words
from sim.documents.entities import Entity, agents, entities
from sim.documents.equations import Place, equations
from sim.documents.schedule import PhaseOfDay, Step, decisions, flat, schedule

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain
    from sim.scenario import Scenario

CONCEPTS: dict[str, tuple[str, ...]] = {
    "Basic principles": ("sim.processes.operation", "sim.kernels.dealers.floor", "sim.policy"),
    "Emergence": ("sim.model", "sim.processes.market"),
    "Adaptation": (
        "sim.scenario.structure",
        "sim.agents.gang",
        "sim.agents.dealer",
        "sim.agents.institutions",
    ),
    "Objectives": ("sim.agents.gang.GangRules.choose_cap", "sim.agents.dealer.DealerRules.move_prices"),
    "Learning": (
        "sim.agents.gang.GangRules.learn",
        "sim.processes.detection.Detection._learn",
        "sim.processes.learning.Learning._news",
    ),
    "Prediction": (
        "sim.agents.gang.GangRules.order",
        "sim.agents.dealer.DealerRules.order",
        "sim.agents.gang.Gang.belief",
    ),
    "Sensing": ("sim.processes.signals", "sim.processes.signals.Signals"),
    "Interaction": (
        "sim.processes.market",
        "sim.agents.population.Population.rewire",
        "sim.agents.population.Population.search",
    ),
    "Stochasticity": ("sim.random",),
    "Collectives": ("sim.agents.gang", "sim.agents.dealer", "sim.processes.removal"),
    "Observation": ("sim.observe.recorder", "sim.observe.outcomes"),
}
"""The design concepts of the protocol, and the things whose docstrings speak of each."""

START = (
    "sim.agents.population.Population",
    "sim.agents.population.Population.found",
    "sim.agents.population.Population._first_stocks",
    "sim.world.openers",
    "sim.world.outlets",
    "sim.world.ordinary",
    "sim.processes.learning.REFERENCE_WEEKS",
)
"""What makes the world of day 0."""

INPUTS = (
    "sim.world.regions.read_regions",
    "sim.processes.calendar.SPRING_FESTIVALS",
    "sim.processes.calendar.LOCKDOWN",
    "sim.scenario.evidence",
    "sim.scenario.parameters",
    "sim.interventions.base",
)
"""What is read from outside the model."""


@dataclass(frozen=True)
class Sheet:
    """All that the sheet says, as plain values; `sim.documents.odd_page` writes it as Markdown.

    ``answers``: of the trade, what each is and whether it acts; ``patterns``: id, title, months and how each
    is measured; ``start``: how many of what there are on day 0; ``concepts``, ``initialization``, ``inputs``,
    ``submodels`` and ``equations``: docstrings.
    """

    run: dict[str, Any]
    purpose: str
    description: str
    patterns: list[dict[str, str]]
    agents: list[tuple[str, int, str]]
    entities: list[Entity]
    schedule: list[PhaseOfDay]
    decisions: list[Step]
    concepts: dict[str, list[Place]]
    answers: list[tuple[str, str, bool]]
    start: dict[str, int]
    initialization: list[Place]
    inputs: list[Place]
    submodels: list[Place]
    equations: dict[str, list[Place]]
    parameters: list[dict[str, Any]]
    measures: list[dict[str, Any]]
    outcomes: list[dict[str, str]]


def sheet(model: FraudSupplyChain) -> Sheet:
    """The sheet of a model that has just been built; nothing is run."""
    from sim.study.catalogue import outcomes

    scenario = model.scenario
    days = schedule(model)
    weekly = decisions(model)
    return Sheet(
        run=_run_card(model),
        purpose=words.paragraphs(sim.__doc__)[1],
        description=" ".join(scenario.description.split()),
        patterns=_patterns(),
        agents=agents(model),
        entities=entities(model),
        schedule=days,
        decisions=weekly,
        concepts={concept: [_place(path) for path in paths] for concept, paths in CONCEPTS.items()},
        answers=_answers(scenario),
        start=_start(model),
        initialization=[_place(path) for path in START],
        inputs=[_place(path) for path in INPUTS],
        submodels=_submodels([*(phase.step for phase in days), *weekly]),
        equations=equations(),
        parameters=_parameters(scenario),
        measures=[_measure(measure) for measure in model.office.measures],
        outcomes=outcomes(),
    )


def _answers(scenario: Scenario) -> list[tuple[str, str, bool]]:
    from sim.scenario.structure import SWITCHES, Adaptation

    fields, last = Adaptation.model_fields, scenario.end
    return [
        (name, str(fields[name].description), scenario.adaptation.acts(name, last, scenario.rival))
        for name in SWITCHES
    ]


def _run_card(model: FraudSupplyChain) -> dict[str, Any]:
    from sim.study.results import versions

    scenario = model.scenario
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "hash": scenario.hash(),
        "files": ", ".join(scenario.sources),
        "first day": scenario.start.isoformat(),
        "last day": scenario.end.isoformat(),
        "days": scenario.days,
        "scale": scenario.scale,
        "structure": "the main model" if scenario.rival == "none" else scenario.rival,
        "seed": model.root,
        "replicate": model.replicate,
        "draw": model.draw,
        "measures": len(scenario.interventions),
        "parameters": len(scenario.parameters),
        "parameters set by the scenario": ", ".join(scenario.parameters.overridden) or "none",
        **{f"version of {name}": version for name, version in versions().items()},
        "processor": platform.machine(),
    }


def _patterns() -> list[dict[str, str]]:
    from sim.study.patterns import PATTERNS

    return [
        {
            "id": pattern.id,
            "title": pattern.title,
            "months": f"{pattern.first[:7]} to {pattern.last[:7]}",
            "how it is measured": pattern.definition,
        }
        for pattern in PATTERNS
    ]


def _place(path: str) -> Place:
    """The docstring of a thing by its dotted name, or the text below a constant.

    Raises LookupError where it says nothing.
    """
    owner, _, last = path.rpartition(".")
    text = (
        " ".join(words.paragraphs(words.said_of(owner, last)))
        if last.isupper()
        else words.text_of(words.named(path))
    )
    if not text:
        raise LookupError(f"{path} has no docstring")
    return Place(path, "", text)


def _start(model: FraudSupplyChain) -> dict[str, int]:
    """Simulated numbers of what can be counted on day 0; ordinary cards, banks and outlets are real ones."""
    from sim.world.codes import Kind, Status

    found = {
        "gangs": model.gangs.n,
        "dealers": model.dealers.n,
        "possible openers": model.openers.n,
        "banks (real)": model.banks.n,
        "outlets (real)": model.outlets.n,
        "insiders at operators (real)": model.operators.insiders,
    }
    for cards in (model.accounts, model.sims):
        for kind, by_status in zip(Kind, cards.count(), strict=True):
            for status, count in zip(Status, by_status.tolist(), strict=True):
                if count:
                    found[f"tracked: {kind.name.lower()}, {status.name.lower().replace('_', ' ')}"] = count
    for kind in (Kind.ACCOUNT, Kind.SIM, Kind.IOT):
        found[f"ordinary: {kind.name.lower()} (real)"] = model.ordinary.stock(kind)
    return found


def _submodels(steps: list[Step]) -> list[Place]:
    """Docstrings of all that the day calls, each once, in its order, after those of their modules."""
    found: dict[str, Place] = {}
    for step in (inner for outer in steps for inner in flat(outer)):
        owner = step.name.rpartition(".")[0]
        within = owner and "<" not in owner  # a class inside a function has no name to be found by
        for name in ("", owner, step.name) if within else ("", step.name):
            path = f"{step.module}.{name}" if name else step.module
            text = step.what if name == step.name else words.text_of(words.named(path))
            if text and path not in found:
                found[path] = Place(step.module, name, text)
    return list(found.values())


def _parameters(scenario: Scenario) -> list[dict[str, Any]]:
    from sim.study.catalogue import plain

    values = scenario.parameters.to_dict()
    return [
        {
            "parameter": known.id,
            "value": plain(
                tuple(values[known.id]) if isinstance(values[known.id], list) else values[known.id]
            ),
            "unit": known.unit,
            "uncertain": known.id in scenario.parameters.uncertain,
            "source": known.source,
            "grade": known.grade,
            "meaning": known.meaning,
        }
        for known in scenario.parameters.passports.values()
    ]


def _measure(measure: Any) -> dict[str, Any]:
    kind = type(measure)
    return {
        "id": measure.id,
        "measure": measure.measure,
        "start": measure.start.isoformat(),
        "end": measure.end.isoformat() if measure.end else "",
        "what": words.first_of(kind),
        "how it acts here": kind.card,
        "writes": list(kind.writes),
        "evidence": list(measure.evidence),
    }
