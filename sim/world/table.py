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
    is a view of the first ``n`` entries; views are invalid after :meth:`append` or :meth:`keep`.
    """

    def __init__(self, columns: Mapping[str, Any], capacity: int = 1024) -> None:
        self.n = 0
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
        rows = np.arange(self.n, self.n + count)
        self._reserve(self.n + count)
        self.n += count
        for name, column in self._columns.items():
            column[rows] = values.pop(name, 0)
        self._refresh()
        if values:
            raise AttributeError(f"no such columns: {sorted(values)}")
        return rows

    def keep(self, mask: np.ndarray) -> None:
        """Drop the rows where ``mask`` is false, keeping the order of the others."""
        left = int(mask.sum())
        for column in self._columns.values():
            column[:left] = column[: self.n][mask]
        self.n = left
        self._refresh()

    def _reserve(self, rows: int) -> None:
        for name, column in self._columns.items():
            if rows > len(column):
                bigger = np.zeros((max(rows, 2 * len(column)), *column.shape[1:]), dtype=column.dtype)
                bigger[: self.n] = column[: self.n]
                self._columns[name] = bigger
