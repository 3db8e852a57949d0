"""Rounds of measurements: every task once a round, one process after the other, so that a slow spell of the
machine meets all of them alike.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.bench.plan import Task

Progress = Callable[[float, int], None]


@dataclass
class Found:
    """What was measured: a list for each task, an entry for each round; an ``error`` in place of a result."""

    rounds: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    interrupted: bool = False

    def all_of(self, name: str, key: str) -> list[float]:
        """A quantity of a task, round by round, without the rounds that failed."""
        return [float(entry[key]) for entry in self.rounds.get(name, []) if key in entry]

    def median(self, name: str, key: str) -> float:
        """The median over the rounds; not a number where there is none."""
        values = self.all_of(name, key)
        return statistics.median(values) if values else math.nan

    @property
    def errors(self) -> dict[str, str]:
        """What went wrong, by task, for tasks of which some round failed."""
        return {
            name: str(entry["error"])
            for name, entries in self.rounds.items()
            for entry in entries
            if "error" in entry
        }


def expected_seconds(tasks: Sequence[Task], rounds: int) -> float:
    """How long all rounds should take."""
    return sum(task.seconds * times(task, rounds) for task in tasks)


def times(task: Task, rounds: int) -> int:
    """In how many of the rounds a task is made."""
    return min(rounds, task.rounds or rounds)


def measure(tasks: Sequence[Task], rounds: int, progress: Progress) -> Found:
    """Make all rounds; an interrupt ends them and keeps what is there.

    ``progress`` is told the expected seconds of what is done, and of everything.
    """
    found = Found()
    total, done = max(round(expected_seconds(tasks, rounds)), 1), 0.0
    try:
        for number in range(rounds):
            for task in tasks:
                if number >= times(task, rounds):
                    continue
                before = done
                result = run(task, lambda share, t=task, b=before: progress(b + share * t.seconds, total))  # type: ignore[misc]
                found.rounds.setdefault(task.name, []).append(result)
                done += task.seconds
                progress(done, total)
    except KeyboardInterrupt:
        found.interrupted = True
    return found


def run(task: Task, report: Callable[[float], None]) -> dict[str, Any]:
    """Make one measurement in a process of its own; its failure is a result too."""
    with tempfile.TemporaryFile("w+") as errors:
        try:
            process = subprocess.Popen(
                task.command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
            )
        except OSError as problem:
            return {"error": f"could not be started ({problem.strerror})"}
        try:
            result = _listen(process, report)
            process.wait()
        except BaseException:
            _end(process)
            raise
        if result is not None and process.returncode == 0:
            return result
        errors.seek(0)
        return {"error": _reason(process.returncode, errors.read())}


def _listen(process: subprocess.Popen[str], report: Callable[[float], None]) -> dict[str, Any] | None:
    """Pass on how far the process is; return the last line that is a result."""
    result: dict[str, Any] | None = None
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            try:
                told = json.loads(line)
            except ValueError:
                continue  # a library that prints something else
            if isinstance(told, dict) and "share" in told:
                report(float(told["share"]))
            elif isinstance(told, dict):
                result = told
    return result


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and those that it started, which all stand in one session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _reason(code: int, errors: str) -> str:
    """Why a process ended without a result, in a line that names no place on this machine."""
    if code < 0:
        return f"the process was ended by signal {-code} (out of memory?)"
    lines = [line.strip() for line in errors.replace(str(Path.cwd()), ".").splitlines() if line.strip()]
    return lines[-1] if lines else f"the process ended with code {code} and said nothing"
