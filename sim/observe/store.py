"""The results folder: what a study leaves behind, readable without this program.

A folder holds the results of one command and never of two. Each file is written under a temporary name and
moved into place; the manifest is written last, so a folder with a manifest is whole. `monthly.parquet` holds
values that depend on the scenario, the seed and the numbers asked for, never on time, threads or processes;
wall-clock times are in the manifest only.

The tables themselves are the business of `sim.observe.parquet`, which is loaded when there is one: reserving
a folder must not wait for the libraries that this takes.

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
from typing import IO, TYPE_CHECKING, Any

from sim.errors import Fault, InputError

if TYPE_CHECKING:
    import pandas as pd

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
PRECISION = "precision.csv"
PICTURE = "forecast.png"
DISPLACEMENT_PICTURE = "displacement.png"
REPORT = "report.html"
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
    PRECISION,
    PICTURE,
    DISPLACEMENT_PICTURE,
    REPORT,
)
"""The files a results folder may hold; the manifest first, because removing it first makes a folder
unfinished.
"""

MOST_MANIFEST_BYTES = 64 * 2**20
AGAIN = "Run the command that made the folder again, with --force."


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
            raise refusal(path, *_why_exists(path)) from problem
        except (OSError, ValueError) as problem:  # ValueError: a null character in the name
            what = f"cannot be written to ({getattr(problem, 'strerror', None) or problem})"
            raise refusal(path, what, "Give another folder with --out.") from problem
        return cls(path, made)

    def write_monthly(self, frame: pd.DataFrame) -> Path:
        """Write `monthly.parquet`: the frame in the order of the columns, with fixed settings."""
        from sim.observe.parquet import ordered, write_parquet

        return self._write(MONTHLY, lambda file: write_parquet(ordered(frame), file))

    def write_measures(self, frame: pd.DataFrame) -> Path:
        """Write `measures.parquet`: what the measures did, a row a run, month, measure and quantity."""
        from sim.observe.parquet import write_parquet

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


def file_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_results(folder: str | os.PathLike[str]) -> Results:
    """Read a results folder back, trusting nothing in it.

    Raises `InputError` with one line that says what is missing, torn, too large or not what it should be.
    """
    from sim.observe.parquet import read_monthly

    path = Path(folder)
    manifest = open_manifest(path)
    return Results(path, manifest, read_monthly(path / MONTHLY))


def open_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a results folder. Raises `InputError` where the folder is none, or not finished."""
    if not path.is_dir():
        raise refusal(
            path, "is not a results folder", "Name the folder that `cardbreak run` or `compare` wrote."
        )
    if (path / MARKER).exists() and not (path / MANIFEST).exists():
        raise refusal(path, "holds a run that has not finished", "Wait for it, or run it again with --force.")
    return _read_manifest(path / MANIFEST)


def _read_manifest(path: Path) -> dict[str, Any]:
    manifest = json_object(path, MOST_MANIFEST_BYTES)
    if manifest.get("format") != FORMAT:
        raise refusal(path, "is not a manifest of cardbreak", "Name a folder that cardbreak wrote.")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise refusal(
            path,
            f"is not of format version {FORMAT_VERSION}",
            "Read it with the version of cardbreak that wrote it.",
        )
    return manifest


def check_file(path: Path, most: int | None, mend: str = "") -> None:
    """Refuse what is missing, no regular file, or larger than `most` bytes; `mend` where it is no part of a
    folder of results.
    """
    try:
        about = path.stat()
    except (OSError, ValueError) as problem:  # ValueError: a null character in the name
        raise refusal(path, "is missing", mend or AGAIN) from problem
    if not stat.S_ISREG(about.st_mode):
        raise refusal(path, "is not a regular file", mend or "Name a folder that cardbreak wrote.")
    if most is not None and about.st_size > most:
        what = f"is larger than {most // 2**20} MB"
        raise refusal(path, what, mend or "Name a folder that cardbreak wrote.")


def json_object(path: Path, most: int, mend: str = "") -> dict[str, Any]:
    """What a JSON file of at most `most` bytes holds. Raises `InputError` where that is no object."""
    check_file(path, most, mend)
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as problem:
        raise refusal(path, "is not readable as JSON", mend or AGAIN) from problem
    if not isinstance(content, dict):
        raise refusal(path, "holds no JSON object", mend or AGAIN)
    return content


def refuse_existing(path: Path, force: bool, option: str = "--out") -> None:
    """Refuse a file that is there already, unless forced."""
    if path.exists() and not force:
        raise refusal(path, "exists", f"Give another {option}, or replace it with --force.")


def write_whole(path: Path, fill: Callable[[IO[bytes]], Any]) -> None:
    """Write a file that a user named, whole or not at all. Raises `InputError` where it cannot be written."""
    try:
        atomically(path, fill)
    except OSError as problem:
        raise refusal(path, f"cannot be written ({problem.strerror})", "Give another --out.") from problem


def _refuse_occupied(path: Path, force: bool) -> None:
    """Refuse a folder that holds a result, unless forced; refuse in any case one whose files are not ours."""
    there = [name for name in FILES if os.path.lexists(path / name)]
    marked = os.path.lexists(path / MARKER)
    if not there and not marked:
        return
    if not force:
        raise refusal(path, *_why_exists(path))
    if there and not marked and not _is_ours(path):
        raise refusal(
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


def refusal(path: Path, what: str, mend: str) -> InputError:
    """One fault of a file or folder, and how to mend it."""
    return InputError([Fault(str(path), None, "", what, mend)])


def names_of(files: Iterable[Path]) -> str:
    """File names for a closing line, with the folder once."""
    paths = list(files)
    return f"{paths[0].parent}/: " + ", ".join(path.name for path in paths) if paths else "no files"
