"""Rows and columns that grow: entities of one kind as a struct of arrays.

A table hands out rows at its end and keeps their order for ever; dropping rows is stable.  So the relative
order of two entities never depends on what other entities exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


class Table:
    """Typed columns of equal length.

    ``columns`` maps a name to a dtype, or to ``(dtype, width)`` for a column of shape (n, width).  ``t.name``
    is a view of the first ``n`` entries; views are invalid after :meth:`append` or :meth:`keep`.  What lies
    behind them is zero, so that a new row needs only the values that it is given.
    """

    def __init__(self, columns: Mapping[str, Any], capacity: int = 1024) -> None:
        self.n = 0
        self._capacity = capacity
        self._columns: dict[str, np.ndarray] = {}
        for name, spec in columns.items():
            dtype, width = spec if isinstance(spec, tuple) else (spec, 0)
            shape = (capacity, width) if width else (capacity,)
            self._columns[name] = np.zeros(shape, dtype=dtype)
        self._refresh()

    def __getattr__(self, name: str) -> np.ndarray:
        # Columns stand in the instance's dictionary (see _refresh): only a name that is none comes here.
        raise AttributeError(name)

    def _refresh(self) -> None:
        """Make the view of each column's first ``n`` entries an attribute."""
        self.__dict__.update({name: column[: self.n] for name, column in self._columns.items()})

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._columns)

    def append(self, count: int, **values: Any) -> np.ndarray:
        """Add ``count`` rows, zero but for ``values``; returns their row numbers (int64)."""
        if unknown := values.keys() - self._columns.keys():
            raise AttributeError(f"no such columns: {sorted(unknown)}")
        first = self.n
        if count:
            self._reserve(first + count)
            self.n += count
            for name, value in values.items():
                self._columns[name][first : self.n] = value
            self._refresh()
        return np.arange(first, self.n)

    def keep(self, mask: np.ndarray) -> None:
        """Drop the rows where ``mask`` is false, keeping the order of the others."""
        rows = np.flatnonzero(mask)
        left = len(rows)
        for column in self._columns.values():
            column[:left] = column[rows]
            column[left : self.n] = 0
        self.n = left
        self._refresh()

    def _reserve(self, rows: int) -> None:
        if rows <= self._capacity:
            return
        self._capacity = max(rows, 2 * self._capacity)
        for name, column in self._columns.items():
            bigger = np.zeros((self._capacity, *column.shape[1:]), dtype=column.dtype)
            bigger[: self.n] = column[: self.n]
            self._columns[name] = bigger
