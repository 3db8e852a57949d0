"""Entities and their state variables, read off the arrays and tables of a model that has just been built."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.documents import words
from sim.state.capture import attributes, objects
from sim.world.table import Table

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain


@dataclass(frozen=True)
class Variable:
    """A state variable: name, dtype, shape, what it is; ``fixed`` where it never changes in a run."""

    name: str
    kind: str
    shape: str
    meaning: str
    fixed: bool = False


@dataclass(frozen=True)
class Entity:
    """An object of the model: its path from the model, class, what it is, rows at the start, variables.

    ``rows`` is None where it is no table. ``others`` are attributes without a text of their own: numbers read
    from the parameters, and counters.
    """

    path: str
    kind: str
    what: str
    rows: int | None
    variables: tuple[Variable, ...]
    others: tuple[str, ...]


def entities(model: FraudSupplyChain) -> list[Entity]:
    """Every object of a model that has a state, the model itself first, its path being empty."""
    return [_entity(path, thing) for path, thing in objects(model)]


def agents(model: FraudSupplyChain) -> list[tuple[str, int, str]]:
    """Class, number and description of each kind of Mesa agent there is."""
    return [(kind.__name__, len(there), words.first_of(kind)) for kind, there in model.agents_by_type.items()]


def _entity(path: str, thing: Any) -> Entity:
    kind = type(thing)
    known = words.terms(kind.__doc__)
    what = words.first_of(kind)
    variables: list[Variable] = []
    rows = None
    if isinstance(thing, Table):
        rows = thing.n
        text = columns_text(thing)
        variables += _columns(thing, words.terms(text))
        if kind is Table:
            what = next(iter(words.paragraphs(text)), what)
    variables += _arrays(thing, known)
    there = {variable.name for variable in variables}
    plain = [name for name in attributes(thing) if name not in there]
    variables += [
        Variable(name, type(attributes(thing)[name]).__name__, "", known[name])
        for name in plain
        if name in known
    ]
    return Entity(
        path, kind.__name__, what, rows, tuple(variables), tuple(name for name in plain if name not in known)
    )


def _columns(thing: Table, known: dict[str, str]) -> list[Variable]:
    return [
        Variable(name, str(column.dtype), _shape(column.shape, "rows"), known.get(name, ""))
        for name, column in thing.contents().items()
    ]


def _arrays(thing: Any, known: dict[str, str]) -> list[Variable]:
    """The arrays of an object, those that never change included; columns of a table are none of its own."""
    out = {*getattr(thing, "remade", ()), "model"}
    given = getattr(thing, "given", ())
    return [
        Variable(name, str(value.dtype), _shape(value.shape), known.get(name, ""), name in given)
        for name, value in vars(thing).items()
        if isinstance(value, np.ndarray) and name not in out
    ]


def _shape(shape: tuple[int, ...], first: str = "") -> str:
    return " x ".join([first, *map(str, shape[1:])] if first else map(str, shape))


def columns_text(thing: Table) -> str:
    """What the module that declares a table's columns says below their declaration; empty if nothing."""
    for module in [name for name in sys.modules if name.startswith("sim.")]:
        for name, value in vars(sys.modules[module]).items():
            declared = name.endswith("COLUMNS") and isinstance(value, dict)
            if declared and tuple(value) == thing.names and (text := words.said_of(module, name)):
                return text
    return ""
