"""The store of a sweep: runs in parts that are only ever added, readable while the sweep goes on.

A folder holds ``sweep.json`` (what was asked for), ``design.csv`` (what each point sets), ``plan/`` (which
runs, a file for each time the sweep was started or widened), ``parts/`` (monthly tables, a Parquet file for
each batch of runs, written whole under a name that the plan fixes) and ``log.jsonl`` (a line for each batch
that is done; a log for each machine where several share the sweep out). A part counts only if it is logged
and its content is what was logged; so whatever moment the power fails at, what counts is whole, and what does
not count is made again. Nothing in the parts depends on time, on threads or on the order in which runs
finished.

    pandas.read_parquet("results/NAME/parts")
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sim.observe.parquet import LABELS, read_monthly, write_parquet
from sim.observe.store import atomically, file_hash, json_object, refusal

FORMAT = "cardbreak-sweep"
FORMAT_VERSION = 1
SWEEP, DESIGN, PLAN, PARTS, LOG = "sweep.json", "design.csv", "plan", "parts", "log.jsonl"
MOST_BYTES = 512 * 2**20
MOST_BATCHES = 256
"""Parts that one plan is cut into at most; few enough to read quickly, so many that little is lost."""


@dataclass(frozen=True, order=True)
class RunId:
    """Which run: the point, the draw of parameters, the replicate."""

    scenario: str
    draw: int
    replicate: int


@dataclass(frozen=True)
class Failure:
    """A run that ended with an error, after so many tries."""

    scenario: str
    draw: int
    replicate: int
    error: str
    tries: int

    @property
    def run(self) -> RunId:
        """Which run it was."""
        return RunId(self.scenario, self.draw, self.replicate)


@dataclass(frozen=True)
class Batch:
    """Runs that are written together, under a name that never changes."""

    name: str
    runs: tuple[RunId, ...]


@dataclass(frozen=True)
class Entry:
    """A line of the log: a batch that is done, what its part held, which of its runs failed."""

    batch: str
    sha256: str
    runs: int
    failed: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Shard:
    """A machine's share of a sweep: number ``number`` of ``count``, counted from 1."""

    number: int
    count: int

    def has(self, batch: Batch) -> bool:
        """Whether a batch is this machine's: by its name, so that it stays so when the plan grows."""
        place = int.from_bytes(hashlib.sha256(batch.name.encode()).digest()[:8], "big")
        return place % self.count == self.number - 1


class SweepFolder:
    """A sweep on disk. Reading trusts nothing: whatever is torn does not count."""

    def __init__(self, path: Path, shard: Shard | None = None) -> None:
        self.path = path
        self.shard = shard
        self._own_log = path / (LOG if shard is None else f"log-{shard.number}-of-{shard.count}.jsonl")

    @property
    def exists(self) -> bool:
        """Whether a sweep was begun here."""
        return (self.path / SWEEP).exists()

    def begin(self, about: Mapping[str, Any], design: pd.DataFrame) -> None:
        """Write down what is asked for, before the first run and again when it is widened."""
        try:
            for folder in (self.path / PLAN, self.path / PARTS):
                folder.mkdir(parents=True, exist_ok=True)
            table = design.to_csv(index=False, lineterminator="\n").encode()
            atomically(self.path / DESIGN, lambda file: file.write(table))
            content = {"format": FORMAT, "format_version": FORMAT_VERSION, **about}
            text = json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"
            atomically(self.path / SWEEP, lambda file: file.write(text))
        except OSError as problem:
            raise refusal(
                self.path, f"cannot be written to ({problem.strerror})", "Give another --out."
            ) from problem

    def about(self) -> dict[str, Any]:
        """What `begin` wrote. Raises `InputError` where it is not there or not ours."""
        path = self.path / SWEEP
        content = json_object(path, MOST_BYTES, "Name the folder of a sweep.")
        if content.get("format") != FORMAT:
            raise refusal(path, "is not of a cardbreak sweep", "Name the folder of a sweep.")
        if content.get("format_version") != FORMAT_VERSION:
            raise refusal(
                path, f"is not of format version {FORMAT_VERSION}", "Use the version that wrote it."
            )
        return content

    def add_plan(self, runs: Sequence[RunId]) -> None:
        """Plan more runs; what was planned before stays as it is."""
        if not runs:
            return
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["scenario", "draw", "replicate"])
        rows.writerows((run.scenario, run.draw, run.replicate) for run in runs)
        content = text.getvalue().encode()
        number = len(self._plans()) + 1
        atomically(self.path / PLAN / f"g{number:03d}.csv", lambda file: file.write(content))

    def batches(self) -> list[Batch]:
        """Every batch of every plan, in order."""
        return [batch for plan in self._plans() for batch in _cut(plan.stem, list(_planned(plan)))]

    def done(self) -> dict[str, Entry]:
        """The batches that count, by name: logged, there, and holding what was logged."""
        found: dict[str, Entry] = {}
        for entry in self._log():
            if self._holds(entry):
                found[entry.batch] = entry
        return found

    def write(self, batch: str, frame: pd.DataFrame | None, failed: Sequence[Failure], runs: int) -> None:
        """Put a batch's part in place, then log it; `frame` is None where every run failed."""
        digest = ""
        if frame is not None:
            path = self.part(batch)
            atomically(path, lambda file: write_parquet(frame, file))
            digest = file_hash(path)
        self._append(
            {"batch": batch, "sha256": digest, "runs": runs, "failed": [asdict(one) for one in failed]}
        )

    def part(self, batch: str) -> Path:
        """Where the part of a batch lies."""
        return self.path / PARTS / f"{batch}.parquet"

    def parts(self) -> list[Path]:
        """The parts that count and hold runs, in order."""
        return [self.part(name) for name, entry in sorted(self.done().items()) if entry.sha256]

    def monthly(self, outcomes: Sequence[str] | None = None, region: str | None = None) -> pd.DataFrame:
        """The rows of all parts that count, sorted by their labels; empty where there is none.

        `outcomes` and `region` narrow down what is read, as for `read_monthly`.
        """
        frames = [read_monthly(part, outcomes, region) for part in self.parts()]
        if not frames:
            return pd.DataFrame()
        labels = list(LABELS)
        frame = pd.concat(frames, ignore_index=True)
        return frame.drop_duplicates(labels, keep="last").sort_values(labels, ignore_index=True)

    def collect(self, other: SweepFolder) -> int:
        """Take over the batches that count in a copy of this sweep; returns how many were new here."""
        mine = {batch.name: batch for batch in self.batches()}
        if any(mine.get(batch.name) != batch for batch in other.batches()):
            mend = "Collect only folders that were copied from this one."
            raise refusal(other.path, f"has another plan than {self.path}", mend)
        ours, theirs = self.about(), other.about()
        changed = [name for name, it in _points(theirs).items() if _points(ours).get(name, it) != it]
        if changed and not (ours.get("mixed") or theirs.get("mixed")):
            what = (
                f"was made with other scenario or parameter files or draws, such as those of {min(changed)}"
            )
            raise refusal(other.path, what, "Collect only folders that were copied from this one.")
        have = self.done()
        new = [entry for name, entry in sorted(other.done().items()) if name not in have]
        for entry in new:
            if entry.sha256:
                content = other.part(entry.batch).read_bytes()
                atomically(self.part(entry.batch), lambda file, content=content: file.write(content))  # type: ignore[misc]
            self._append(asdict(entry))
        return len(new)

    def _plans(self) -> list[Path]:
        return sorted((self.path / PLAN).glob("g[0-9][0-9][0-9].csv"))

    def _holds(self, entry: Entry) -> bool:
        if not entry.sha256:
            return bool(entry.failed)
        try:
            return file_hash(self.part(entry.batch)) == entry.sha256
        except OSError:
            return False

    def _log(self) -> Iterator[Entry]:
        """Lines of the logs that can be read; a line that a power cut tore is skipped."""
        for log in sorted(self.path.glob("log*.jsonl")):
            for line in log.read_bytes().split(b"\n"):
                entry = _entry(line)
                if entry is not None:
                    yield entry

    def _append(self, content: Mapping[str, Any]) -> None:
        """Add a line; a torn line before it is closed first, so that this one stays readable."""
        line = json.dumps(content, ensure_ascii=True).encode() + b"\n"
        with open(self._own_log, "ab+") as file:
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _points(about: Mapping[str, Any]) -> dict[str, Any]:
    """The hashes of a sweep's points by name."""
    points = about.get("points")
    return points if isinstance(points, dict) else {}


def _planned(plan: Path) -> Iterator[RunId]:
    try:
        with open(plan, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield RunId(row["scenario"], int(row["draw"]), int(row["replicate"]))
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as problem:
        raise refusal(plan, "is not a plan of runs", "Begin the sweep again in another folder.") from problem


def _cut(name: str, runs: list[RunId]) -> Iterator[Batch]:
    """A plan's batches: of one run each where they are few, of as many as keeps the parts few else."""
    size = -(-len(runs) // MOST_BATCHES)
    for number, first in enumerate(range(0, len(runs), max(size, 1)), start=1):
        yield Batch(f"{name}-b{number:05d}", tuple(runs[first : first + size]))


def _entry(line: bytes) -> Entry | None:
    try:
        content = json.loads(line)
        failed = tuple(Failure(**one) for one in content["failed"])
        return Entry(str(content["batch"]), str(content["sha256"]), int(content["runs"]), failed)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def missing(batches: Iterable[Batch], done: Mapping[str, Entry]) -> list[Batch]:
    """The batches that do not count yet."""
    return [batch for batch in batches if batch.name not in done]
