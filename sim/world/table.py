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
    behind them is blank (zero, or as ``blank`` says by name), so that a new row needs only the values that it
    is given.
    """

    def __init__(
        self, columns: Mapping[str, Any], capacity: int = 1024, blank: Mapping[str, int] | None = None
    ) -> None:
        self.n = 0
        self._blank = dict(blank or {})
        self._capacity = capacity
        self._columns: dict[str, np.ndarray] = {}
        for name, spec in columns.items():
            dtype, width = spec if isinstance(spec, tuple) else (spec, 0)
            shape = (capacity, width) if width else (capacity,)
            self._columns[name] = self._blanks(name, shape, dtype)
        self._refresh()

    def _blanks(self, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        # Zeros cost nothing until they are written to.
        value = self._blank.get(name, 0)
        return np.full(shape, value, dtype=dtype) if value else np.zeros(shape, dtype=dtype)

    def __getattr__(self, name: str) -> np.ndarray:
        # Columns stand in the instance's dictionary (see _refresh): only a name that is none comes here.
        raise AttributeError(name)

    def _refresh(self) -> None:
        """Make the view of each column's first ``n`` entries an attribute."""
        filled = slice(self.n)
        self.__dict__.update({name: column[filled] for name, column in self._columns.items()})

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._columns)

    @property
    def remade(self) -> tuple[str, ...]:
        """Attributes that follow from :meth:`contents`."""
        return ("n", "_blank", "_capacity", "_columns", *self._columns)

    def contents(self) -> dict[str, np.ndarray]:
        """The rows, column by column (views)."""
        return {name: column[: self.n] for name, column in self._columns.items()}

    def take_over(self, contents: Mapping[str, np.ndarray]) -> None:
        """Hold copies of the rows that the contents of another such table hold, and no others.

        Raises ValueError where they are not of such a table.
        """
        if contents.keys() != self._columns.keys():
            raise ValueError(f"has other columns: {sorted(contents.keys() ^ self._columns.keys())}")
        rows = len(next(iter(contents.values())))
        for name, column in self._columns.items():
            new = contents[name]
            if (new.dtype, new.shape) != (column.dtype, (rows, *column.shape[1:])):
                raise ValueError(f"column {name} is of another kind or length")
        self.keep(np.zeros(self.n, dtype=bool))
        self.append(rows, **contents)

    def append(self, count: int, **values: Any) -> np.ndarray:
        """Add ``count`` rows, blank but for ``values``; returns their row numbers (int64)."""
        if unknown := values.keys() - self._columns.keys():
            raise AttributeError(f"no such columns: {sorted(unknown)}")
        first = self.n
        if count:
            self._reserve(first + count)
            self.n += count
            new, columns = slice(first, self.n), self._columns
            for name, value in values.items():
                columns[name][new] = value
            self._refresh()
        return np.arange(first, self.n)

    def keep(self, mask: np.ndarray) -> None:
        """Drop the rows where ``mask`` is false, keeping the order of the others."""
        rows = np.flatnonzero(mask)
        left = len(rows)
        for name, column in self._columns.items():
            column[:left] = column[rows]
            column[left : self.n] = self._blank.get(name, 0)
        self.n = left
        self._refresh()

    def _reserve(self, rows: int) -> None:
        if rows <= self._capacity:
            return
        self._capacity = max(rows, 2 * self._capacity)
        for name, column in self._columns.items():
            bigger = self._blanks(name, (self._capacity, *column.shape[1:]), column.dtype)
            bigger[: self.n] = column[: self.n]
            self._columns[name] = bigger
