"""Draws that stand in a table: sets of values of parameters that go together.

Priors are independent of each other; values that agree with the record are not. A calibration therefore ends
in a table, a row for each draw, and draw k of a run takes row k - 1 of it, round and round. Parameters that
the table lacks are drawn from their priors, those that a scenario sets keep the value that it sets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Draws:
    """A table of draws; ``values`` is float64 (draws, parameters), and never changes.

    ``source`` says where it comes from, in a few words for tables; ``known_by`` up to which day the record
    was used, None where it was not.
    """

    names: tuple[str, ...]
    values: np.ndarray = field(repr=False)
    source: str = ""
    known_by: date | None = None

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(self.names) or not len(values):
            raise ValueError("a table of draws needs a row for each draw and a column for each name")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Draws) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        return Draws, (self.names, np.asarray(self.values), self.source, self.known_by)

    def row(self, k: int) -> Mapping[str, float]:
        """The values of draw `k`, counted from 1."""
        row = self.values[(k - 1) % len(self.values)]
        return {name: float(value) for name, value in zip(self.names, row, strict=True)}

    def first(self, count: int) -> Draws:
        """The first draws of the table, all where it has no more."""
        return self if count >= len(self) else replace(self, values=self.values[:count])

    @cached_property
    def digest(self) -> str:
        """Hash of names and values."""
        text = "\n".join(self.names).encode() + b"\0" + np.ascontiguousarray(self.values).tobytes()
        return hashlib.sha256(text).hexdigest()[:32]


def checked(names: Sequence[str], values: np.ndarray, ranges: Mapping[str, tuple[float, float]]) -> str:
    """What is wrong with a table for parameters of these ranges, in words; nothing where it fits."""
    for place, name in enumerate(names):
        if name not in ranges:
            return f"names {name[:60]!r}, which is no parameter with a prior"
        low, high = ranges[name]
        column = values[:, place]
        if not np.all(np.isfinite(column)) or column.min() < low or column.max() > high:
            return f"has a value of {name} outside of its range, {low:g} to {high:g}"
    return ""
