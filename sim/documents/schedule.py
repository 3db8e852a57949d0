"""The day as a model runs it: its table of phases, and what each phase calls, read off its source.

A phase is a method; the calls in it that reach other methods of the model's objects are its steps, in the
order in which they stand. So a phase that is renamed, moved or extended is shown as it is.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.documents import words

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

BOOKKEEPING = ("sim.observe", "sim.random", "sim.world.ledger", "sim.kernels", "sim.scenario")
"""Rooms whose functions only write down, draw or look up when they are called from a phase: no steps."""

DEEPEST = 3
"""How far below a phase its calls are followed."""


@dataclass(frozen=True)
class Step:
    """A function of the day: its qualified name, its module, what it does, and the steps inside it."""

    name: str
    module: str
    what: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class PhaseOfDay:
    """A row of the model's table of phases."""

    number: int
    name: str
    step: Step


def schedule(model: FraudSupplyChain) -> list[PhaseOfDay]:
    """The phases of a day, in their order."""
    return [PhaseOfDay(number, name, step_of(function)) for number, name, function in model.phases]


def decisions(model: FraudSupplyChain) -> list[Step]:
    """What each kind of agent with a row decides in its week."""
    return [step_of(kind.decide_rows, {"model": model}) for kind in model.agent_classes.values()]


def step_of(function: Any, given: Mapping[str, Any] | None = None, depth: int = DEEPEST) -> Step:
    """A function with the steps inside it; ``given`` are arguments whose objects are known."""
    plain = inspect.unwrap(getattr(function, "__func__", function))
    steps: dict[str, Step] = {}
    if depth > 0 and inspect.isfunction(plain):
        for inner in _calls(plain, {**(given or {}), **_self_of(function)}):
            step = step_of(inner, None, depth - 1)
            steps.setdefault(f"{step.module}.{step.name}", step)
    name = getattr(plain, "__qualname__", str(plain))
    return Step(name, getattr(plain, "__module__", ""), words.text_of(plain), tuple(steps.values()))


def flat(step: Step) -> Iterator[Step]:
    """A step and all steps inside it."""
    yield step
    for inner in step.steps:
        yield from flat(inner)


def _self_of(function: Any) -> dict[str, Any]:
    return {"self": function.__self__} if hasattr(function, "__self__") else {}


def _calls(function: Any, known: dict[str, Any]) -> Iterator[Any]:
    """The model's own methods and functions that a function calls, as they stand in its source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            _learn(node, known)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.end_lineno, node.end_col_offset)):  # the inner one first
        called = _found(call.func, known, function.__globals__)
        module = getattr(called, "__module__", None) or ""
        if called is None or not module.startswith("sim.") or module.startswith(BOOKKEEPING):
            continue
        if module != "sim.model" or inspect.signature(called).return_annotation == "None":
            yield called  # what only looks something up in the model is no step


def _learn(node: ast.Assign, known: dict[str, Any]) -> None:
    """Note local names of known objects: ``m = self.model``, ``m, g = self.model, self.model.gangs``."""
    for target in node.targets:
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        if len(names) == len(values):
            for name, value in zip(names, values, strict=True):
                if isinstance(name, ast.Name) and (thing := _thing(value, known)) is not None:
                    known[name.id] = thing


def _thing(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """The object that a chain of attributes of a known object leads to; None where it is no such chain."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _thing(node.value, known)
        computed = isinstance(inspect.getattr_static(type(owner), node.attr, None), property)
        return None if owner is None or computed else getattr(owner, node.attr, None)
    return None


def _found(node: ast.expr, known: Mapping[str, Any], names: Mapping[str, Any]) -> Any:
    """What is called: a method of a known object, or a function of the package; None for anything else."""
    if isinstance(node, ast.Attribute):
        called = _thing(node, known)
        return called if inspect.ismethod(called) else None
    called = names.get(node.id) if isinstance(node, ast.Name) else None
    return called if inspect.isfunction(called) else None
