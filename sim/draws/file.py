"""A table of draws as a file: a Parquet file that any tool can read, which also says how it was made.

A column (float64) for each parameter, named by its id, and a row for each draw. The file's key-value
metadata hold one entry, `cardbreak`, in JSON: format and version, the command that made the table, scenario
and structure of the runs behind it, the day up to which the record was used, the source in words, and
whatever more the calibration wants to say.

A table may come from anybody: it is bounded, and everything in it is checked before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.errors import Fault, InputError, escaped, nearest
from sim.observe.parquet import TORN
from sim.observe.store import atomically, check_file, refusal
from sim.scenario import Parameters, shipped_folder
from sim.scenario.draws import Draws, checked
from sim.scenario.passports import parameters as parameters_of
from sim.scenario.structure import RIVALS

FORMAT, FORMAT_VERSION = "cardbreak-draws", 1
KEY = b"cardbreak"
MOST_BYTES = 64 * 2**20
MOST_ABOUT = 2**20
MOST_VALUES, MOST_COLUMNS = 5_000_000, 1000
MOST_WORDS = 200
STRUCTURES = ("none", *RIVALS)
OTHER = "Name a table of draws that cardbreak wrote."


@dataclass(frozen=True)
class About:
    """How a table of draws came about.

    ``structure`` is that of the runs behind it, "none" for the main model; ``known_by`` the day up to which
    the record was used, None where it was not; ``source`` a few words for tables; ``more`` holds plain data.
    """

    command: str
    scenario: str
    structure: str = "none"
    known_by: date | None = None
    source: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


def write_draws(path: Path, draws: Draws, about: About) -> None:
    """Write a table, whole or not at all; the same table gives the same bytes.

    ``about`` says where it comes from, whatever the table itself says. Raises ValueError for what could not
    be read back.
    """
    if about.structure not in STRUCTURES or len(about.source) > MOST_WORDS or not about.source.isprintable():
        raise ValueError(f"a table of draws has a structure of {STRUCTURES} and a source in a few words")
    if not np.all(np.isfinite(draws.values)) or len(set(draws.names)) < len(draws.names):
        raise ValueError("a table of draws holds finite numbers, in columns of different names")
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "command": about.command,
        "scenario": about.scenario,
        "structure": about.structure,
        "known_by": None if about.known_by is None else about.known_by.isoformat(),
        "source": about.source,
        "more": dict(about.more),
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, allow_nan=False).encode()
    schema = pa.schema([(name, pa.float64()) for name in draws.names])
    table = pa.Table.from_arrays([pa.array(column) for column in draws.values.T], schema=schema)

    def fill(file: IO[bytes]) -> None:
        with pq.ParquetWriter(file, schema, compression="zstd", version="2.6", store_schema=False) as writer:
            writer.write_table(table, row_group_size=2**20)
            writer.add_key_value_metadata({KEY: text})

    atomically(path, fill)


def read_draws(path: Path, parameters: Parameters | None = None) -> Draws:
    """The table in a file, for parameters (the shipped ones where None is given).

    Raises `InputError`: no table, torn, too large, a column that is not of numbers, a value that is missing,
    not finite or outside of what the parameter may be, a name that is no parameter with a prior.
    """
    draws, _ = open_draws(path)
    check_fits(path, draws, parameters or parameters_of(shipped_folder()))
    return draws


def open_draws(path: Path) -> tuple[Draws, About]:
    """The table in a file and how it came about, checked as far as that goes without parameters.

    Raises `InputError`.
    """
    check_file(path, MOST_BYTES, OTHER)
    try:
        file = pq.ParquetFile(path)
        about = _about(path, file.metadata.metadata or {})
        _check_columns(path, file)
        table = file.read()
    except InputError:
        raise
    except TORN as problem:
        raise refusal(path, "is torn, or not a Parquet file", OTHER) from problem
    if any(column.null_count for column in table.columns):
        raise refusal(path, "lacks values", OTHER)
    values = np.column_stack([column.to_numpy() for column in table.columns])
    return Draws(tuple(table.column_names), values, about.source, about.known_by), about


def check_fits(path: Path, draws: Draws, parameters: Parameters) -> None:
    """Refuse a table whose columns are no uncertain parameters, or whose values these may not have.

    Raises `InputError`.
    """
    mend = "`cardbreak list parameters` shows which there are, and their ranges."
    known = {name: p for name, p in parameters.passports.items() if p.prior is not None}
    if wrong := [name for name in draws.names if name not in known]:
        near = nearest(wrong[0], known)
        what = checked(wrong[:1], draws.values, {})
        raise InputError([Fault(str(path), None, "", what, mend, near)])
    ranges = {}
    for name in draws.names:
        passport = known[name]
        assert passport.prior is not None
        (low, high), (least, most) = passport.prior.support, passport.range
        ranges[name] = (max(low, least), min(high, most))
        column = draws.values[:, draws.names.index(name)]
        if passport.integer and np.any(column != np.floor(column)):
            raise refusal(path, f"has a value of {name} that is no whole number", mend)
    if what := checked(draws.names, draws.values, ranges):
        raise refusal(path, what, mend)


def _check_columns(path: Path, file: pq.ParquetFile) -> None:
    names, rows = file.schema_arrow.names, file.metadata.num_rows
    if not names or not rows:
        raise refusal(path, "holds no draw", OTHER)
    if len(names) > MOST_COLUMNS or rows * len(names) > MOST_VALUES:
        raise refusal(path, f"holds more than {MOST_COLUMNS:,} columns or {MOST_VALUES:,} values", OTHER)
    if len(set(names)) < len(names):
        raise refusal(path, "has two columns of one name", OTHER)
    if wrong := [one.name for one in file.schema_arrow if not pa.types.is_float64(one.type)]:
        raise refusal(path, f"has a column that is not of numbers (float64): {wrong[0][:60]!r}", OTHER)


def _about(path: Path, metadata: Mapping[bytes, bytes]) -> About:
    """What the file says of itself. Raises `InputError`."""
    text = metadata.get(KEY, b"")
    if not text or len(text) > MOST_ABOUT:
        raise refusal(path, "is no table of draws of cardbreak", OTHER)
    try:
        content = json.loads(text)
        right = content["format"] == FORMAT
        version = content["format_version"]
        about = About(
            command=_words(content["command"], 10_000),
            scenario=_words(content["scenario"], MOST_WORDS),
            structure=content["structure"],
            known_by=None if content["known_by"] is None else date.fromisoformat(content["known_by"]),
            source=_words(content["source"], MOST_WORDS),
            more=dict(content["more"]),
        )
        right = right and about.structure in STRUCTURES
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise refusal(path, "does not say how it was made, or not as cardbreak does", OTHER) from problem
    if not right:
        raise refusal(path, "is no table of draws of cardbreak, or of a structure that there is not", OTHER)
    if version != FORMAT_VERSION:
        mend = "Read it with the version of cardbreak that wrote it."
        raise refusal(path, f"is not of format version {FORMAT_VERSION}", mend)
    return about


def _words(value: Any, most: int) -> str:
    """Text in one line, not too long."""
    if not isinstance(value, str) or len(value) > most:
        raise ValueError("no text, or too long a one")
    return escaped(value)
