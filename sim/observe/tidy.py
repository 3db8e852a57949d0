"""Folders of results read back as tidy tables: one row a value, with everything that says what it is.

A `Folder` is what `run`, `compare` or `sweep` wrote, opened with nothing in it taken on trust. `tidy` lays
its monthly values out in rows; `write_table` puts such a table into a file for a spreadsheet or a statistics
program. A sweep may be read while it runs: only parts that count are.

>>> import sim
>>> frame = sim.tidy("results/NAME", outcomes=["cases_registered"], region="CN")  # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.errors import Fault, InputError, escaped, nearest, shown
from sim.observe.outcomes import OUTCOMES
from sim.observe.parquet import LABELS, MOST_VALUES, outcomes_in, read_monthly, write_parquet
from sim.observe.parts import DESIGN, MOST_BYTES, SWEEP, SweepFolder
from sim.observe.store import MONTHLY, check_file, open_manifest, refusal, write_whole

SETS = ("lever.", "knowledge.")
"""What the columns of a design begin with that say what a point sets."""

FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula."""

SPREADSHEET_ROWS = 1_048_576


@dataclass(frozen=True)
class Folder:
    """A folder of results or of a sweep.

    `about` is its manifest or its sweep.json; `design` has a row for each point of a sweep, with columns
    scenario, origin, ``lever.*`` and ``knowledge.*``, and is None for the results of `run` and `compare`.
    """

    path: Path
    about: dict[str, Any]
    design: pd.DataFrame | None

    def outcomes(self) -> list[str]:
        """The outcomes that are kept here, in order. Raises `InputError` where no run is finished yet."""
        return outcomes_in(self._tables()[0])

    def monthly(self, outcomes: Sequence[str] | None = None, region: str | None = None) -> pd.DataFrame:
        """The monthly rows of all runs that count, a column for each outcome.

        Raises `InputError` for an outcome or a region that is not kept here.
        """
        known = self.outcomes()
        for name in outcomes or ():
            if name not in known:
                mend = "`cardbreak list outcomes` says what there is."
                raise self._fault("outcome", f"{shown(name)} is not kept here", mend, nearest(name, known))
        if self.design is None:
            frame = read_monthly(self.path / MONTHLY, outcomes, region)
        else:
            frame = SweepFolder(self.path).monthly(outcomes, region)
        if frame.empty:
            there = read_monthly(self._tables()[0], [])["region"].unique()
            mend = f"Kept are {', '.join(there[:40])}."
            raise self._fault(
                "region", f"{shown(region)} is not kept here", mend, nearest(str(region), there)
            )
        return frame

    def _tables(self) -> list[Path]:
        if self.design is None:
            return [self.path / MONTHLY]
        parts = SweepFolder(self.path).parts()
        if not parts:
            raise refusal(self.path, "holds no finished run yet", "Wait for the first, or run the sweep.")
        return parts

    def _fault(self, key: str, what: str, mend: str, near: str | None) -> InputError:
        return InputError([Fault(str(self.path), None, key, what, mend, near)])


def open_folder(folder: str | os.PathLike[str]) -> Folder:
    """A folder that `run`, `compare` or `sweep` wrote. Raises `InputError` where it is none."""
    path = Path(folder)
    if (path / SWEEP).exists():
        return Folder(path, SweepFolder(path).about(), _design(path / DESIGN))
    return Folder(path, open_manifest(path), None)


def _design(path: Path) -> pd.DataFrame:
    """What each point sets, checked; a column of numbers as float64, any other as text."""
    check_file(path, MOST_BYTES)
    try:
        design = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as problem:
        raise refusal(path, "is no table", "Name the folder of a sweep.") from problem
    names = {*design.columns, *design.get("scenario", ()), *design.to_numpy(dtype=object).ravel()}
    if "scenario" not in design or design["scenario"].isna().any() or design["scenario"].duplicated().any():
        raise refusal(path, "does not name each point once", "Name the folder of a sweep.")
    if not all(name.isprintable() for name in names if isinstance(name, str)):
        raise refusal(path, "has names that cannot be printed", "Name the folder of a sweep.")
    kept = [name for name in design.columns if name in ("scenario", "origin") or name.startswith(SETS)]
    return design[kept].assign(**{name: _numbers(design[name]) for name in kept if name.startswith(SETS)})


def _numbers(column: pd.Series) -> pd.Series:
    try:
        return pd.to_numeric(column).astype("float64")
    except ValueError:
        return column


def tidy(
    folder: str | os.PathLike[str], outcomes: Sequence[str] | None = None, region: str | None = None
) -> pd.DataFrame:
    """The monthly values of a folder of results or of a sweep, one a row.

    Parameters
    ----------
    folder
        What `cardbreak run`, `compare` or `sweep` wrote. A sweep may still be running.
    outcomes
        Only these; all by default.
    region
        Only this one, such as ``"CN"`` for the nation; all by default.

    Returns a frame with columns scenario (of a sweep: the point), draw, replicate, month, region, outcome,
    value (float64, in `unit`), unit; for a sweep also origin, the scenario that the point varies, and a
    column for each ``lever.NAME`` and ``knowledge.NAME`` (float64, or text; empty where the point does not
    set it). Names are categories, which spare memory. Rows are sorted by run, month and region; within these
    outcomes stand as they are kept.

    Raises
    ------
    InputError
        No such folder, no such outcome or region, or more values than fit.
    """
    found = open_folder(folder)
    monthly = found.monthly(outcomes, region)
    names = [name for name in monthly.columns if name not in LABELS]
    labels = monthly[list(LABELS)]
    if found.design is not None:
        labels = labels.merge(found.design, on="scenario", how="left", validate="many_to_one")
    if len(labels) * len(names) * (len(labels.columns) + 3) > MOST_VALUES:
        raise refusal(found.path, "holds more than fits at once", "Choose some outcomes, or a region.")
    texts = [name for name in labels.columns if not _is_value(labels[name])]
    labels = labels.astype(dict.fromkeys(texts, "category"))
    frame = labels.loc[labels.index.repeat(len(names))].reset_index(drop=True)
    frame["outcome"] = _repeated(names, names, len(labels))
    frame["value"] = monthly[names].to_numpy(dtype="float64").ravel()
    units = [OUTCOMES[name].unit if name in OUTCOMES else "" for name in names]
    frame["unit"] = _repeated(units, list(dict.fromkeys(units)), len(labels))
    first = ["scenario", *(["origin"] if "origin" in frame else []), *LABELS[1:], "outcome", "value", "unit"]
    return frame[[*first, *(name for name in frame.columns if name not in first)]]


def _is_value(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)


def _repeated(names: Sequence[str], categories: Sequence[str], times: int) -> pd.Series:
    codes = np.tile(np.array([categories.index(name) for name in names], dtype=np.int64), times)
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(categories)))


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table whole or not at all, as its suffix says: ``.csv`` or ``.parquet``.

    A text in a CSV file that a spreadsheet would take for a formula gets an apostrophe in front, and control
    characters are escaped. Raises `InputError` for another suffix, or where the file cannot be written.
    """
    ways = {".csv": partial(_write_csv, frame), ".parquet": partial(write_parquet, frame)}
    if path.suffix.lower() not in ways:
        raise refusal(path, "is neither .csv nor .parquet", "Give a file name that ends in one of them.")
    write_whole(path, ways[path.suffix.lower()])


def _write_csv(frame: pd.DataFrame, file: Any) -> None:
    safe = frame.assign(
        **{name: _defused(frame[name]) for name in frame.columns if not _is_value(frame[name])}
    )
    safe.columns = pd.Index([_plain(str(name)) for name in safe.columns])
    safe.to_csv(file, index=False, lineterminator="\n", date_format="%Y-%m-%d")


def _defused(column: pd.Series) -> pd.Series:
    return column.astype("category").map(lambda text: _plain(str(text)), na_action="ignore")


def _plain(text: str) -> str:
    """A text as a cell that no spreadsheet runs."""
    text = escaped(text)  # a bare carriage return would begin a row, unquoted
    return f"'{text}" if text.startswith(FORMULA) else text
