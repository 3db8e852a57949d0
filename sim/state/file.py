"""Checkpoints: a model's state in a file, from which a run goes on elsewhere or under another policy.

A checkpoint is a zip archive without compression: ``checkpoint.json`` says what it is and holds all but the
numbers of arrays, which lie one after the other in ``arrays.bin``. Nothing in it is code, so a file from
anyone can be read; it takes as much memory as it has bytes, and what a model could not bear is refused.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

import sim
from sim.errors import shown_key
from sim.model import FraudSupplyChain
from sim.observe.store import atomically, refusal
from sim.random import KeyedRandom
from sim.state.capture import State, StateError, state_of, take_over
from sim.state.history import Histories
from sim.state.sound import unsound

if TYPE_CHECKING:
    from sim.scenario import Scenario

FORMAT = "cardbreak-checkpoint"
FORMAT_VERSION = 1
ABOUT, ARRAYS = "checkpoint.json", "arrays.bin"
MOST_JSON = 256 * 2**20
DTYPE = re.compile(r"<[iuf][248]|\|[biu]1")
AGAIN = "Write the checkpoint again."
FOREIGN = "is no checkpoint of cardbreak, or damaged"
NO_CHECKPOINT = (
    *(zipfile.BadZipFile, ArithmeticError, AttributeError, EOFError, LookupError, OSError),
    *(RuntimeError, TypeError, ValueError),
)
"""What taking a foreign or damaged file for a checkpoint can raise."""


def checkpoint(model: FraudSupplyChain, path: str | Path) -> None:
    """Write the state of a model, between two days, to a file; one that is there is replaced.

    Raises `InputError` where the file cannot be written, ValueError where the model holds what is no plain
    data, such as agents of the user's own with attributes of their own.
    """
    path, arrays = Path(path), _Writer()
    scenario, replicate = model.scenario, model.replicate
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "cardbreak": sim.__version__,
        "scenario": scenario.name,
        "sha256": scenario.hash(),
        "seed": model.root,
        "replicate": replicate,
        "draw": model.draw,
        "day": model.day,
        "date": (scenario.start + timedelta(days=model.day)).isoformat(),
        "past": Histories(model.root).of(scenario, replicate, model.draw).until(model.day),
        "state": arrays.plain(state_of(model)),
    }

    def fill(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(ABOUT, json.dumps(content))
            with archive.open(ARRAYS, "w", force_zip64=True) as member:
                for array in arrays.found:
                    member.write(array.data)

    try:
        atomically(path, fill)
    except OSError as problem:
        raise refusal(path, f"cannot be written ({problem.strerror})", "Give another path.") from problem


def resume(path: str | Path, scenario: Scenario, **options: Any) -> FraudSupplyChain:
    """A model of a scenario that goes on where a checkpoint was written.

    The scenario may be another than that of the checkpoint as long as it has the same history: what it does
    otherwise must begin on that day or later. `options` are those of the model (threads, audit,
    agent_classes, watch); seed, replicate and draw are the checkpoint's. Raises `InputError` where the file
    is no sound checkpoint or the scenario's history is another.
    """
    path = Path(path)
    content = _read(path)
    try:
        seed, replicate, draw, day = (int(content[name]) for name in ("seed", "replicate", "draw", "day"))
        KeyedRandom(seed, replicate)
        past = dict(content["past"])
    except NO_CHECKPOINT as problem:
        raise refusal(path, FOREIGN, AGAIN) from problem
    _check_history(path, scenario, Histories(seed).of(scenario, replicate, draw).until(day), past, day)
    model = FraudSupplyChain(scenario, seed=seed, replicate=replicate, draw=draw, **options)
    try:
        take_over(model, content["state"])
        fault = unsound(model, day)
    except StateError as problem:
        raise refusal(path, f"does not fit this model: {problem}", AGAIN) from problem
    except NO_CHECKPOINT as problem:
        raise refusal(path, FOREIGN, AGAIN) from problem
    if fault:
        raise refusal(path, f"is damaged: {fault}", AGAIN)
    return model


def _check_history(
    path: Path, scenario: Scenario, ours: Mapping[str, str], theirs: Mapping[str, str], day: int
) -> None:
    """Refuse a scenario that has not come the way of the checkpoint."""
    when = scenario.start + timedelta(days=min(max(day, 0), 100_000))
    if not 0 <= day <= scenario.days:
        raise refusal(path, f"was written after the end of {scenario.name}", "Give a longer scenario.")
    differs = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if differs:
        names = ", ".join(
            shown_key(name) for name in dict.fromkeys(name.partition(",")[0] for name in differs)
        )
        what = f"does not share the history of {scenario.name} until {when}: they differ in {names}"
        raise refusal(path, what, "Let what is new in the scenario begin on that day or later.")


def _read(path: Path) -> dict[str, Any]:
    """A checkpoint's content with its arrays in place, which may not be written to."""
    try:
        file = path.open("rb")
    except OSError as problem:
        raise refusal(path, f"cannot be read ({problem.strerror})", "Name a checkpoint.") from problem
    try:
        with file, zipfile.ZipFile(file) as archive:
            members = {one.filename: one for one in archive.infolist()}
            if members.keys() != {ABOUT, ARRAYS} or any(m.compress_type for m in members.values()):
                raise refusal(path, FOREIGN, AGAIN)
            if members[ABOUT].file_size > MOST_JSON:
                raise refusal(path, "is too large", AGAIN)
            content = json.loads(archive.read(ABOUT))
            if not isinstance(content, dict) or content.get("format") != FORMAT:
                raise refusal(path, FOREIGN, AGAIN)
            if (version := content.get("format_version")) != FORMAT_VERSION:
                raise refusal(path, f"is of format version {version!r:.20}, not {FORMAT_VERSION}", AGAIN)
            if (version := content.get("cardbreak")) != sim.__version__:
                raise refusal(path, f"is of cardbreak {version!r:.20}, not {sim.__version__}", AGAIN)
            content["state"] = _state(content.get("state"), archive.read(ARRAYS))
    except NO_CHECKPOINT as problem:
        raise refusal(path, FOREIGN, AGAIN) from problem
    return content


class _Writer:
    """Values as JSON can hold them; arrays are gathered beside, each once."""

    def __init__(self) -> None:
        self.found: list[np.ndarray] = []
        self._places: dict[int, list[Any]] = {}
        self._bytes = 0

    def plain(self, value: Any) -> Any:
        """A value of a state as JSON: what JSON has not stands as a list that begins with its kind."""
        if isinstance(value, np.ndarray):
            return ["array", *self._place(value)]
        if isinstance(value, np.generic):
            return ["scalar", value.dtype.str, value.item()]
        if isinstance(value, date):
            return ["date", value.isoformat()]
        if isinstance(value, dict) and all(type(key) is str for key in value):
            return {key: self.plain(item) for key, item in value.items()}
        if isinstance(value, dict):
            return ["dict", *([self.plain(key), self.plain(item)] for key, item in value.items())]
        if isinstance(value, list | tuple | set):
            return [type(value).__name__, *map(self.plain, value)]
        return value

    def _place(self, array: np.ndarray) -> list[Any]:
        if id(array) not in self._places:
            whole = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            self._places[id(array)] = [whole.dtype.str, list(array.shape), self._bytes]
            self._bytes += whole.nbytes
            self.found.append(whole)
        return self._places[id(array)]


def _state(value: Any, memory: bytes) -> State:
    state = _Reader(memory).value(value)
    if not isinstance(state, dict) or not all(isinstance(part, dict) for part in state.values()):
        raise ValueError("no state")
    return state


class _Reader:
    """The way back from `_Writer`. Raises ValueError, TypeError or KeyError on what it did not write."""

    def __init__(self, memory: bytes) -> None:
        self.memory = memory
        self._arrays: dict[int, np.ndarray] = {}

    def value(self, plain: Any) -> Any:
        """A value of a state."""
        if isinstance(plain, dict):
            return {key: self.value(item) for key, item in plain.items()}
        if not isinstance(plain, list):
            return plain
        kind, *items = plain
        if kind == "array":
            return self._array(*items)
        if kind == "scalar":
            return np.array(items[1], dtype=_dtype(items[0]))[()]
        if kind == "date":
            return date.fromisoformat(items[0])
        if kind == "dict":
            return {self.value(key): self.value(item) for key, item in items}
        return {"list": list, "tuple": tuple, "set": set}[kind](map(self.value, items))

    def _array(self, dtype: Any, shape: Any, offset: Any) -> np.ndarray:
        if not all(type(n) is int and n >= 0 for n in (*shape, offset)):
            raise ValueError("no shape")
        count = math.prod(shape)
        if not count:
            return np.empty(shape, _dtype(dtype))
        array = np.frombuffer(self.memory, _dtype(dtype), count, offset).reshape(shape)
        # The same array, not an equal one, wherever it stood twice.
        return self._arrays.setdefault(offset, array)


def _dtype(text: Any) -> np.dtype[Any]:
    if not DTYPE.fullmatch(text):
        raise ValueError("no dtype of ours")
    dtype: np.dtype[Any] = np.dtype(text)
    return dtype
