"""The results folder: what a study leaves behind, readable without this program.

A folder holds the results of one command and never of two. Each file is written under a temporary name and
moved into place; the manifest is written last, so a folder with a manifest is whole. `monthly.parquet` holds
values that depend on the scenario, the seed and the numbers asked for, never on time, threads or processes;
wall-clock times are in the manifest only.

A folder that is read back may come from anybody: everything in it is checked before it is used, and what is
wrong is said in one line.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.errors import Fault, InputError

FORMAT = "cardbreak-results"
FORMAT_VERSION = 1

MANIFEST = "manifest.json"
MONTHLY = "monthly.parquet"
SUMMARY = "summary.csv"
MEASURES = "measures.parquet"
EFFECTS = "effects.csv"
INTERACTION = "interaction.csv"
DISPLACEMENT = "displacement.csv"
COSTS = "costs.csv"
PICTURE = "forecast.png"
DISPLACEMENT_PICTURE = "displacement.png"
MARKER = "unfinished.json"
FILES = (
    MANIFEST,
    MONTHLY,
    MEASURES,
    SUMMARY,
    EFFECTS,
    INTERACTION,
    DISPLACEMENT,
    COSTS,
    PICTURE,
    DISPLACEMENT_PICTURE,
)
"""The files a results folder may hold; the manifest first, because removing it first makes a folder
unfinished.
"""

LABELS = ("scenario", "draw", "replicate", "month", "region")
"""The columns that say which run, month and region a row of `monthly.parquet` belongs to."""

OUTCOME_ORDER = (
    "cases_true",
    "cases_reported",
    "cases_registered",
    "losses_yuan",
    "frozen_yuan",
    "gang_income_yuan",
    "price_gang_yuan",
    "price_dealer_yuan",
    "price_opener_yuan",
    "orders",
    "orders_filled",
    "cards_active",
    "cards_gang_stock",
    "cards_dealer_stock",
    "involved_new_cards",
    "own_account_share",
    "openings_attempted_illicit",
    "openings_refused_illicit",
    "openings_legitimate",
    "openings_refused_legitimate",
    "openings_lost_to_suspension",
    "closed_true",
    "closed_false",
    "holders_barred_in_error",
    "transfers_held_legitimate",
    "accounts_frozen_in_error",
    "arrests_gang",
    "arrests_dealer",
    "arrests_opener",
    "gangs",
    "dealers",
    "awareness",
)
"""The order of the outcome columns; outcomes not named here follow in the order of the recorder."""

MOST_MANIFEST_BYTES = 64 * 2**20
MOST_VALUES = 500_000_000
"""Largest table that is read back, in values (rows times columns); 500 million take about 4 GB."""


@dataclass(frozen=True)
class Results:
    """A results folder read back: the manifest and the monthly table, both checked."""

    path: Path
    manifest: dict[str, Any]
    monthly: pd.DataFrame


class ResultsFolder:
    """A folder being filled by one command.

    `create` reserves the folder; then `write_*` put the files in place, `close` lifts the reservation. Where
    nothing was written, `close` leaves no trace of the reservation.
    """

    def __init__(self, path: Path, made: bool) -> None:
        self.path = path
        self.written: list[Path] = []
        self._made = made

    @classmethod
    def create(cls, out: str | os.PathLike[str], *, force: bool = False) -> ResultsFolder:
        """Reserve `out` for new results.

        An existing result is refused, unless `force` gives it up: then its files are removed when the first
        new one is written, and no file that this program does not write is ever touched. Raises `InputError`.
        """
        path = Path(out)
        try:
            made = not path.exists()
            path.mkdir(parents=True, exist_ok=True)
            _refuse_occupied(path, force)
            if force:
                (path / MARKER).unlink(missing_ok=True)
            with open(path / MARKER, "x", encoding="utf-8") as marker:
                json.dump({"format": FORMAT, "process": os.getpid()}, marker)
        except FileExistsError as problem:
            raise _refusal(path, *_why_exists(path)) from problem
        except (OSError, ValueError) as problem:  # ValueError: a null character in the name
            what = f"cannot be written to ({getattr(problem, 'strerror', None) or problem})"
            raise _refusal(path, what, "Give another folder with --out.") from problem
        return cls(path, made)

    def write_monthly(self, frame: pd.DataFrame) -> Path:
        """Write `monthly.parquet`: the frame in the order of the columns, with fixed settings."""
        return self._write(MONTHLY, lambda file: write_parquet(ordered(frame), file))

    def write_measures(self, frame: pd.DataFrame) -> Path:
        """Write `measures.parquet`: what the measures did, a row a run, month, measure and quantity."""
        return self._write(MEASURES, lambda file: write_parquet(frame, file))

    def write_table(self, name: str, frame: pd.DataFrame) -> Path:
        """Write a small table as CSV, full precision, empty where there is no value."""
        text = frame.to_csv(index=False, lineterminator="\n")
        return self._write(name, lambda file: file.write(text.encode()))

    def write_bytes(self, name: str, content: bytes) -> Path:
        """Write a file as it is."""
        return self._write(name, lambda file: file.write(content))

    def write_manifest(self, manifest: Mapping[str, Any]) -> Path:
        """Write `manifest.json`, last of all files."""
        text = json.dumps(
            {"format": FORMAT, "format_version": FORMAT_VERSION} | dict(manifest),
            indent=1,
            ensure_ascii=False,
        )
        return self._write(MANIFEST, lambda file: file.write(text.encode() + b"\n"))

    def close(self) -> None:
        """Lift the reservation; a folder made for nothing is removed again."""
        (self.path / MARKER).unlink(missing_ok=True)
        if self._made and not self.written:
            try:
                self.path.rmdir()
            except OSError:  # somebody else put something in
                return

    def __enter__(self) -> ResultsFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, name: str, fill: Callable[[IO[bytes]], Any]) -> Path:
        if not self.written:
            self._clear()
        path = self.path / name
        atomically(path, fill)
        self.written.append(path)
        return path

    def _clear(self) -> None:
        for name in FILES:
            (self.path / name).unlink(missing_ok=True)


def atomically(path: Path, fill: Callable[[IO[bytes]], Any]) -> None:
    """Write a file under a temporary name beside `path` and move it into place; a failure leaves nothing
    behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            fill(file)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its columns in the order of the file format."""
    known = [*LABELS, *(name for name in OUTCOME_ORDER if name in frame.columns)]
    return frame[[*known, *(name for name in frame.columns if name not in known)]]


def write_parquet(frame: pd.DataFrame, file: IO[bytes]) -> None:
    """Write a results table with settings that are fixed here, not by the version of a library."""
    table = pa.Table.from_pandas(frame, schema=_schema(frame), preserve_index=False)
    pq.write_table(
        table.replace_schema_metadata(None), file, compression="zstd", version="2.6", row_group_size=2**17
    )


def _schema(frame: pd.DataFrame) -> pa.Schema:
    text = dict.fromkeys(("scenario", "region", "measure", "what"), pa.string())
    kinds = text | {"month": pa.timestamp("us"), "value": pa.float64()}
    return pa.schema(
        [(name, kinds.get(name) or pa.from_numpy_dtype(frame[name].dtype)) for name in frame.columns]
    )


def fingerprint(frame: pd.DataFrame) -> str:
    """SHA-256 over the sorted values of a monthly table, column by column.

    Rows are sorted by their labels and columns taken in the order of the file, so the order in which runs
    finished does not matter; every bit of every value does.
    """
    rows = ordered(frame).sort_values(list(LABELS), kind="stable")
    digest = hashlib.sha256()
    for name in rows.columns:
        digest.update(name.encode() + b"\0" + _column_bytes(rows[name]))
    return digest.hexdigest()


def _column_bytes(column: pd.Series) -> bytes:
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.to_numpy().astype("datetime64[s]").astype("<i8").tobytes()
    if pd.api.types.is_float_dtype(column):
        return (column.to_numpy(dtype="<f8") + 0.0).tobytes()  # adding zero makes -0.0 and 0.0 one
    if pd.api.types.is_integer_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column.to_numpy().astype("<i8").tobytes()
    return "\0".join(column.astype(str)).encode()


def file_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_results(folder: str | os.PathLike[str]) -> Results:
    """Read a results folder back, trusting nothing in it.

    Raises `InputError` with one line that says what is missing, torn, too large or not what it should be.
    """
    path = Path(folder)
    if not path.is_dir():
        raise _refusal(
            path, "is not a results folder", "Name the folder that `cardbreak run` or `compare` wrote."
        )
    if (path / MARKER).exists() and not (path / MANIFEST).exists():
        raise _refusal(
            path, "holds a run that has not finished", "Wait for it, or run it again with --force."
        )
    manifest = _read_manifest(path / MANIFEST)
    return Results(path, manifest, _read_monthly(path / MONTHLY))


_AGAIN = "Run the command that made the folder again, with --force."


def _read_manifest(path: Path) -> dict[str, Any]:
    _check_file(path, MOST_MANIFEST_BYTES)
    try:
        manifest = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as problem:
        raise _refusal(path, "is not readable as JSON", _AGAIN) from problem
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _refusal(path, "is not a manifest of cardbreak", "Name a folder that cardbreak wrote.")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise _refusal(
            path,
            f"is not of format version {FORMAT_VERSION}",
            "Read it with the version of cardbreak that wrote it.",
        )
    return manifest


def _read_monthly(path: Path) -> pd.DataFrame:
    _check_file(path, None)
    try:
        table = pq.ParquetFile(path)
        about = table.metadata
        if about.num_rows * about.num_columns > MOST_VALUES:
            raise _refusal(
                path, "is larger than this program reads at once", "Read a part of it with pandas."
            )
        _check_columns(path, table.schema_arrow)
        frame = table.read().to_pandas()
    except InputError:
        raise
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        OverflowError,
        MemoryError,
        pa.ArrowException,
    ) as problem:
        raise _refusal(path, "is torn, or not a Parquet file", _AGAIN) from problem
    return _checked(path, frame)


def _check_file(path: Path, most: int | None) -> None:
    try:
        about = path.stat()
    except OSError as problem:
        raise _refusal(path, "is missing", _AGAIN) from problem
    if not stat.S_ISREG(about.st_mode):
        raise _refusal(path, "is not a regular file", "Name a folder that cardbreak wrote.")
    if most is not None and about.st_size > most:
        raise _refusal(path, f"is larger than {most // 2**20} MB", "Name a folder that cardbreak wrote.")


def _check_columns(path: Path, schema: pa.Schema) -> None:
    """The labels must be there with their types, and every other column must hold numbers."""
    missing = [name for name in LABELS if name not in schema.names]
    if missing:
        raise _refusal(path, f"has no column {missing[0]}", _AGAIN)
    if len(set(schema.names)) < len(schema.names):
        raise _refusal(path, "has two columns of one name", _AGAIN)
    wrong = [field.name for field in schema if not _fits(field)]
    if wrong:
        raise _refusal(path, f"has a column of the wrong type ({wrong[0][:40]!r})", _AGAIN)


def _fits(field: pa.Field) -> bool:
    kind = field.type
    if field.name in ("scenario", "region"):
        return bool(
            pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
        )
    if field.name == "month":
        return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))
    if field.name in ("draw", "replicate"):
        return bool(pa.types.is_integer(kind))
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _checked(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each label, labels that are there, finite numbers, and names that are safe to print."""
    if frame.empty:
        raise _refusal(path, "holds no rows", _AGAIN)
    if frame[list(LABELS)].isna().any(axis=None):
        raise _refusal(path, "has rows without a label", _AGAIN)
    if frame.duplicated(list(LABELS)).any():
        raise _refusal(path, "has two rows for one scenario, draw, replicate, month and region", _AGAIN)
    frame["month"] = pd.to_datetime(frame["month"])
    names = {*frame["scenario"].astype(str), *frame["region"].astype(str)}
    if not all(name.isprintable() and 0 < len(name) <= 100 for name in names):
        raise _refusal(path, "has names that cannot be printed", _AGAIN)
    numbers = frame.drop(columns=list(LABELS)).to_numpy(dtype="float64")
    if not np.isfinite(numbers).all():
        raise _refusal(path, "has values that are not finite numbers", _AGAIN)
    return frame


def _refuse_occupied(path: Path, force: bool) -> None:
    """Refuse a folder that holds a result, unless forced; refuse in any case one whose files are not ours."""
    there = [name for name in FILES if os.path.lexists(path / name)]
    marked = os.path.lexists(path / MARKER)
    if not there and not marked:
        return
    if not force:
        raise _refusal(path, *_why_exists(path))
    if there and not marked and not _is_ours(path):
        raise _refusal(
            path, f"holds a {there[0]} that cardbreak did not write", "Give another folder with --out."
        )


def _why_exists(path: Path) -> tuple[str, str]:
    if path.exists() and not path.is_dir():
        return "exists and is not a folder", "Give another folder with --out."
    if os.path.lexists(path / MARKER):
        return (
            "holds a run that has not finished",
            "Wait for it, give another --out, or replace it with --force.",
        )
    return "already holds results", "Give another folder with --out, or replace them with --force."


def _is_ours(path: Path) -> bool:
    try:
        _read_manifest(path / MANIFEST)
    except InputError:
        return False
    return True


def _refusal(path: Path, what: str, mend: str) -> InputError:
    return InputError([Fault(str(path), None, "", what, mend)])


def names_of(files: Iterable[Path]) -> str:
    """File names for a closing line, with the folder once."""
    paths = list(files)
    return f"{paths[0].parent}/: " + ", ".join(path.name for path in paths) if paths else "no files"
