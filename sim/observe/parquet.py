"""Tables of results as Parquet files: written with fixed settings, read back with nothing taken on trust."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.errors import InputError
from sim.observe.store import AGAIN, check_file, refusal

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

TORN = (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError, pa.ArrowException)
"""What reading a file raises that is no Parquet file, or not whole."""

MOST_VALUES = 500_000_000
"""Largest table that is read back, in values (rows times columns); 500 million take about 4 GB."""


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
    kinds = {"month": pa.timestamp("us"), "value": pa.float64()}
    return pa.schema([(name, kinds.get(name) or _kind(frame[name])) for name in frame.columns])


def _kind(column: pd.Series) -> pa.DataType:
    """Text and categories as text, whatever pandas holds them in; numbers as they are."""
    number = pd.api.types.is_numeric_dtype(column.dtype)
    return pa.from_numpy_dtype(column.dtype) if number else pa.string()


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


def outcomes_in(path: Path) -> list[str]:
    """The outcomes that a monthly table has, in its order; an `InputError` as `read_monthly`."""
    check_file(path, None)
    try:
        schema = pq.read_schema(path)
    except (OSError, ValueError, pa.ArrowException) as problem:
        raise refusal(path, "is torn, or not a Parquet file", AGAIN) from problem
    _check_columns(path, schema)
    return [name for name in schema.names if name not in LABELS]


def read_monthly(
    path: Path, outcomes: Sequence[str] | None = None, region: str | None = None
) -> pd.DataFrame:
    """The monthly table of a results folder; an `InputError` where it is not what it should be.

    With `outcomes` only these columns are read beside the labels; with `region` only its rows are kept, which
    may be none.
    """
    check_file(path, None)
    try:
        table = pq.ParquetFile(path)
        columns = None if outcomes is None else [*LABELS, *outcomes]
        if table.metadata.num_rows * len(columns or table.schema_arrow.names) > MOST_VALUES:
            raise refusal(path, "is larger than this program reads at once", "Read a part of it with pandas.")
        _check_columns(path, table.schema_arrow)
        frame = table.read(columns).to_pandas()
    except InputError:
        raise
    except TORN as problem:
        raise refusal(path, "is torn, or not a Parquet file", AGAIN) from problem
    frame = _checked(path, frame)
    return frame if region is None else frame[frame["region"] == region].reset_index(drop=True)


def _check_columns(path: Path, schema: pa.Schema) -> None:
    """The labels must be there with their types, and every other column must hold numbers."""
    missing = [name for name in LABELS if name not in schema.names]
    if missing:
        raise refusal(path, f"has no column {missing[0]}", AGAIN)
    if len(set(schema.names)) < len(schema.names):
        raise refusal(path, "has two columns of one name", AGAIN)
    wrong = [field.name for field in schema if not _fits(field)]
    if wrong:
        raise refusal(path, f"has a column of the wrong type ({wrong[0][:40]!r})", AGAIN)


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
        raise refusal(path, "holds no rows", AGAIN)
    if frame[list(LABELS)].isna().any(axis=None):
        raise refusal(path, "has rows without a label", AGAIN)
    if frame.duplicated(list(LABELS)).any():
        raise refusal(path, "has two rows for one scenario, draw, replicate, month and region", AGAIN)
    frame["month"] = pd.to_datetime(frame["month"])
    names = {*frame["scenario"].astype(str), *frame["region"].astype(str)}
    if not all(name.isprintable() and 0 < len(name) <= 100 for name in names):
        raise refusal(path, "has names that cannot be printed", AGAIN)
    numbers = frame.drop(columns=list(LABELS)).to_numpy(dtype="float64")
    if not np.isfinite(numbers).all():
        raise refusal(path, "has values that are not finite numbers", AGAIN)
    return frame
