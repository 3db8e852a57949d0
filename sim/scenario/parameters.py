"""Every number of the model, by name, with its passport and its draws.

A parameter's id is `<group>.<key>`: the file and the key it is written under. Its passport says what the
number means, its unit, the range outside which it is refused, the evidence behind it or that it is assumed,
and, where it is uncertain, its prior. Draw 0 is the point value of every parameter; draw k replaces each
uncertain parameter by a quantile of its prior, chosen by a hash of (seed, k, id). A draw of one parameter
therefore never depends on which others exist. Where a table of draws is attached (`sim.scenario.draws`), draw
k takes the values that stand in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from sim.errors import nearest
from sim.scenario.draws import Draws
from sim.scenario.priors import Prior, uniform

Value = float | tuple[float, ...] | Mapping[str, float]


@dataclass(frozen=True)
class Passport:
    """What is known of one parameter.

    `value` is a number, a tuple of numbers, or a mapping of numbers by name; `range` holds for each of them.
    `evidence` is empty for an assumed number. `moved` says why the value is not the starting point.
    """

    id: str
    value: Value
    unit: str
    range: tuple[float, float]
    meaning: str
    evidence: tuple[str, ...]
    grade: str
    prior: Prior | None = None
    integer: bool = False
    moved: str = ""
    file: str = ""
    line: int | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        value = dict(self.value) if isinstance(self.value, Mapping) else self.value
        fields = (self.unit, self.range, self.meaning, self.evidence, self.grade, self.prior, self.integer)
        return _passport, (self.id, value, *fields, self.moved, self.file, self.line)

    @property
    def source(self) -> str:
        """Evidence ids, or `assumed`."""
        return ", ".join(self.evidence) or "assumed"

    def at(self, share: float) -> float:
        """Value at a quantile of the prior; whole where the parameter is."""
        if self.prior is None:
            raise ValueError(f"{self.id} is fixed: it has no prior")
        if not self.integer:
            return self.prior.quantile(share)
        low, high = (math.ceil(self.prior.support[0]), math.floor(self.prior.support[1]))
        if self.prior.kind == "uniform":  # every whole number equally likely, the ends too
            return float(min(low + math.floor(share * (high - low + 1)), high))
        return float(min(max(round(self.prior.quantile(share)), low), high))


def _passport(*fields: Any) -> Passport:
    identifier, value, *rest = fields
    return Passport(identifier, frozen(value), *rest)


def frozen(value: Any) -> Value:
    """A parameter's value as it is kept: immutable, with floats for numbers."""
    if isinstance(value, Mapping):
        return MappingProxyType({str(name): float(number) for name, number in value.items()})
    if isinstance(value, list | tuple):
        return tuple(float(number) for number in value)
    return float(value)


class Parameters(Mapping[str, Value]):
    """The parameters of one run: an immutable mapping from id to value.

    Reads are recorded, so that a test can name the parameters that nothing reads (`unread`); the copies
    that `draw` and `with_` give share the record.

    Raises
    ------
    KeyError
        On an id that does not exist; the message gives the nearest one.
    """

    def __init__(
        self,
        passports: Mapping[str, Passport],
        values: Mapping[str, Value] | None = None,
        read: set[str] | None = None,
        draws: Draws | None = None,
    ) -> None:
        self.draws = draws
        self._passports = dict(passports)
        self._chosen = dict(values or {})
        self._values = {
            name: self._chosen.get(name, passport.value) for name, passport in self._passports.items()
        }
        self._read: set[str] = set() if read is None else read

    def __getitem__(self, identifier: str) -> Value:
        if identifier not in self._values:
            near = nearest(identifier, self._values)
            raise KeyError(f"no parameter {identifier!r}" + (f"; did you mean {near!r}?" if near else ""))
        self._read.add(identifier)
        return self._values[identifier]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._values

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameters):
            return NotImplemented
        return self.draws == other.draws and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(tuple(self._values))

    def __repr__(self) -> str:
        return f"<Parameters: {len(self)}, {len(self.overridden)} set by the scenario>"

    def __reduce__(self) -> tuple[Any, ...]:
        chosen = {name: _thawed(value) for name, value in self._chosen.items()}
        return _parameters, (self._passports, chosen, self._read, self.draws)

    def number(self, identifier: str) -> float:
        """A parameter that is a single number, in its unit."""
        value = self[identifier]
        if not isinstance(value, float):
            raise TypeError(f"parameter {identifier!r} is not a single number")
        return value

    def integer(self, identifier: str) -> int:
        """A parameter that is a single whole number."""
        value = self.number(identifier)
        if value != int(value):
            raise TypeError(f"parameter {identifier!r} is not a whole number")
        return int(value)

    def vector(self, identifier: str) -> np.ndarray:
        """A parameter that is a list: a new array, float64, shape (items,)."""
        value = self[identifier]
        if not isinstance(value, tuple):
            raise TypeError(f"parameter {identifier!r} is not a list")
        return np.array(value, dtype=np.float64)

    def table(self, identifier: str) -> dict[str, float]:
        """A parameter that is a table: a new dict of numbers by name."""
        value = self[identifier]
        if not isinstance(value, Mapping):
            raise TypeError(f"parameter {identifier!r} is not a table")
        return dict(value)

    def passport(self, identifier: str) -> Passport:
        """The passport of a parameter; reading it is no reading of the value."""
        if identifier not in self._passports:
            raise KeyError(f"no parameter {identifier!r}")
        return self._passports[identifier]

    @property
    def passports(self) -> Mapping[str, Passport]:
        """All passports by id."""
        return MappingProxyType(self._passports)

    @property
    def uncertain(self) -> tuple[str, ...]:
        """Ids that draws change: those with a prior, unless the scenario has set them."""
        return tuple(name for name, p in self._passports.items() if p.prior and name not in self._chosen)

    @property
    def overridden(self) -> tuple[str, ...]:
        """Ids whose values do not come from the parameter files: set by a scenario, `--set` or a draw."""
        return tuple(self._chosen)

    def draw(self, k: int, seed: int) -> Parameters:
        """Parameters of draw `k`: the point values for 0, else all uncertain ones as the table of draws has
        them, or drawn from their priors.

        A parameter that the scenario has set keeps its value: setting it says that it is known here.
        """
        if k < 0:
            raise ValueError("draws are numbered from 0")
        if k == 0:
            return self
        row = self.draws.row(k) if self.draws is not None else {}
        drawn: dict[str, Value] = {
            name: row[name] if name in row else self._passports[name].at(uniform(seed, k, name))
            for name in self.uncertain
        }
        return Parameters(self._passports, {**self._chosen, **drawn}, self._read)

    def with_draws(self, draws: Draws | None) -> Parameters:
        """The same parameters with a table of draws attached, or without one."""
        return Parameters(self._passports, self._chosen, self._read, draws)

    def with_(self, values: Mapping[str, Value]) -> Parameters:
        """The same parameters with some values replaced; for code that has checked them itself."""
        for name in values:
            self.passport(name)
        chosen = {**self._chosen, **{name: frozen(value) for name, value in values.items()}}
        return Parameters(self._passports, chosen, self._read, self.draws)

    def unread(self) -> tuple[str, ...]:
        """Ids that nobody has read so far."""
        return tuple(name for name in self._values if name not in self._read)

    def to_dict(self) -> dict[str, Any]:
        """All values by id, as JSON can hold them; recorded as no reading."""
        return {name: _thawed(value) for name, value in self._values.items()}


def _parameters(
    passports: Mapping[str, Passport], values: Mapping[str, Any], read: set[str], draws: Draws | None
) -> Parameters:
    return Parameters(passports, {name: frozen(value) for name, value in values.items()}, read, draws)


def _thawed(value: Value) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
