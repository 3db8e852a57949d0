"""What of a model changes with the days, taken out of it and put into another.

A model is a web of objects around arrays. Its state is every attribute of every one of them, apart from what
a newly built model of the scenario has anyway: so whoever adds an attribute has added it to the state, and
who adds one that is no plain data is told so. A class says by name what is special:

- ``given``: follows from the scenario, or never changes and is large; no part of the state;
- ``remade``: is made anew when it is needed (a memo, the orders of a day); no part of it either;
- ``grows``: an array whose length changes; all others keep the length that they are built with.

What attributes alone do not tell, a class gives as its ``contents()``, and takes with ``take_over()``: rows
of a table, agents.

A state is put into a newly built model of a scenario with the same history up to that day. Its measures,
switches and last day are those of its own scenario, and it goes on as if it had come all the way.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from sim.interventions.base import Window
from sim.random import KeyedRandom
from sim.scenario.parameters import Parameters
from sim.world.regions import Regions

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

State = dict[str, dict[str, Any]]
"""Attributes by name, of each object by its path from the model; the model's own path is empty."""

FROZEN = (BaseModel, Parameters, Regions, KeyedRandom, Window)
"""Kinds of objects that never change once they are made."""

PLAIN = (type(None), bool, int, float, str, date, np.generic)
CONTENTS = "contents"


class StateError(ValueError):
    """A state that a model cannot give or take, and where in the model that shows."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path or 'the model'} {what}")


def state_of(model: FraudSupplyChain) -> State:
    """The state between two days. Arrays are the model's own: copy or use them before its next day.

    Raises StateError where an attribute is no plain data.
    """
    state: State = {}
    for path, thing in objects(model):
        state[path] = {name: _checked(value, _at(path, name)) for name, value in attributes(thing).items()}
        if hasattr(thing, CONTENTS):
            try:
                state[path][CONTENTS] = thing.contents()
            except TypeError as problem:
                raise StateError(path, str(problem)) from problem
    return state


def kept(state: State) -> State:
    """A copy of a state, which stays as it is while the model that it was taken from goes on."""
    copies = _Copies()
    return {path: copies.copy(values) for path, values in state.items()}


def take_over(model: FraudSupplyChain, state: State) -> None:
    """Put a state into a newly built model of the same history; nothing is shared with where it came from.

    Raises StateError where the state is of another kind of model.
    """
    if model.day:
        raise StateError("", f"has gone on to day {model.day}; build a new one")
    things = dict(objects(model))
    if things.keys() != state.keys():
        raise StateError(min(things.keys() ^ state.keys()), "is in one of two models only")
    copies = _Copies()
    # From the tips of the web to the model: tables have their rows before agents are views of them.
    for path, thing in reversed(things.items()):
        new, old = state[path], attributes(thing)
        if other := new.keys() ^ old.keys() ^ ({CONTENTS} if hasattr(thing, CONTENTS) else set()):
            raise StateError(path, f"has other attributes: {', '.join(sorted(other))}")
        grows = getattr(thing, "grows", ())
        for name in old:
            vars(thing)[name] = copies.of(new[name], old[name], _at(path, name), grows=name in grows)
        if CONTENTS in new:
            try:
                thing.take_over(new[CONTENTS])
            except (ValueError, KeyError, TypeError, AttributeError) as problem:
                raise StateError(path, str(problem)) from problem


def objects(model: FraudSupplyChain) -> Iterator[tuple[str, Any]]:
    """The model and every object in it that may change, each once, by its shortest path."""
    seen = {id(model)}
    waiting: list[tuple[str, Any]] = [("", model)]
    for path, thing in waiting:
        yield path, thing
        out = _left_out(thing)
        for name, value in vars(thing).items():
            if name not in out and _is_object(value) and id(value) not in seen:
                seen.add(id(value))
                waiting.append((_at(path, name), value))


def attributes(thing: Any) -> dict[str, Any]:
    """The attributes of an object that belong to its state, without other objects."""
    out = _left_out(thing)
    return {
        name: value
        for name, value in vars(thing).items()
        if name not in out and not _is_object(value) and not isinstance(value, FROZEN)
    }


def _left_out(thing: Any) -> set[str]:
    return {"model", *getattr(thing, "given", ()), *getattr(thing, "remade", ())}


def _is_object(value: Any) -> bool:
    """Whether a value is an object of the model with a state of its own."""
    ours = type(value).__module__.startswith("sim.") and hasattr(value, "__dict__")
    return ours and not isinstance(value, (*FROZEN, *PLAIN))


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _checked(value: Any, path: str) -> Any:
    """A value, if it is plain data through and through; containers are copied."""
    if isinstance(value, PLAIN) or (isinstance(value, np.ndarray) and value.dtype.kind in "biuf"):
        return value
    if type(value) in (list, tuple, set):
        return type(value)(_checked(item, path) for item in value)
    if type(value) in (dict, defaultdict):
        return {_checked(key, path): _checked(item, f"{path}[{key!r}]") for key, item in value.items()}
    if isinstance(value, np.random.Generator):
        return {"generator": value.bit_generator.state}
    if isinstance(value, random.Random):
        return {"random": value.getstate()}
    raise StateError(path, f"is a {type(value).__name__}, which is no plain data")


class _Copies:
    """Copies of values; where the same array stood twice there is the same copy twice."""

    def __init__(self) -> None:
        self._arrays: dict[int, np.ndarray] = {}

    def of(self, value: Any, old: Any, path: str, *, grows: bool) -> Any:
        """A copy of a value that takes the place of an ``old`` one."""
        if isinstance(old, np.random.Generator):
            old.bit_generator.state = value["generator"]
            return old
        if isinstance(old, random.Random):
            old.setstate(value["random"])
            return old
        if not _alike(value, old, grows):
            raise StateError(path, "is of another kind or length")
        if isinstance(old, defaultdict):
            return defaultdict(old.default_factory, self.copy(value))
        return self.copy(value)

    def copy(self, value: Any) -> Any:
        """A copy of plain data."""
        if isinstance(value, np.ndarray):
            if id(value) not in self._arrays:
                self._arrays[id(value)] = value.copy()
            return self._arrays[id(value)]
        if isinstance(value, dict):
            return {key: self.copy(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set):
            return type(value)(self.copy(item) for item in value)
        return value


def _alike(value: Any, old: Any, grows: bool) -> bool:
    """Whether a value may take the place of an old one: both containers, or arrays of one kind and length."""
    if isinstance(old, np.ndarray):
        first = 1 if grows else 0
        array = isinstance(value, np.ndarray) and value.ndim == old.ndim
        return array and (value.dtype, value.shape[first:]) == (old.dtype, old.shape[first:])
    if isinstance(old, dict):
        return isinstance(value, dict) and all(
            _alike(value[key], item, grows) for key, item in old.items() if key in value
        )
    if isinstance(old, list | tuple | set):
        return isinstance(value, type(old))
    return isinstance(value, PLAIN) and isinstance(value, str) == isinstance(old, str)
