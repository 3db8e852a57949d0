"""Start-up: `--help`, the first run with no compiled kernels, the same run when they are there.

A run is ``cardbreak run baseline`` for one month at scale 1000, with its files and its picture: what a user
waits for who tries the command. The first one gets an empty folder for numba's cache, the second the same
folder, full. The first simulated day is the time of a Python process that builds the baseline at its own
scale and steps it once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sim.bench.plan import Plan, Task, own
from sim.bench.worker import Report

RUN = ("run", "baseline", "--scale", "1000", "--end", "2018-01-31", "--replicates", "1", "--jobs", "1")
FIRST_DAY = "import sim; sim.FraudSupplyChain(sim.load('baseline')).step()"
HELP_REPEATS = 5
WARM, COLD = "start-up", "first start"


def tasks(plan: Plan) -> list[Task]:
    """Starts with warm kernels in every round; compiling from nothing twice at most."""
    found = [own("startup", WARM, 8.0)]
    if plan.compiling:
        found.append(own("startup", COLD, 35.0, rounds=2, what="compiling"))
    return found


def measure(report: Report) -> dict[str, Any]:
    """Seconds of `--help` (the median of some), of a small run and of the first day, kernels compiled."""
    with tempfile.TemporaryDirectory() as folder:
        _command(Path(folder), "warm-up", {})
        report(0.4)
        warm, _ = _command(Path(folder), "warm", {})
        report(0.6)
        helps = sorted(_seconds((sys.executable, "-m", "sim.cli", "--help"), {}) for _ in range(HELP_REPEATS))
        report(0.8)
        first_day = _seconds((sys.executable, "-c", FIRST_DAY), {})
    return {"help": helps[HELP_REPEATS // 2], "warm": warm, "first_day": first_day}


def compiling(report: Report) -> dict[str, Any]:
    """Seconds of the first run with an empty kernel cache and of the next with what the first left there."""
    with tempfile.TemporaryDirectory() as folder:
        cache = {"NUMBA_CACHE_DIR": str(Path(folder) / "kernels")}
        cold, said = _command(Path(folder), "cold", cache)
        report(0.9)
        compiled = _files(Path(folder) / "kernels")
        warm, _ = _command(Path(folder), "warm", cache)
        again = _files(Path(folder) / "kernels")
    return {
        "cold": cold,
        "warm": warm,
        "compiling": max(cold - warm, 0.0),
        "announced": int("compiling" in said),
        "once": int(compiled == again),
    }


def _files(folder: Path) -> dict[str, int]:
    """The kernels kept in a folder, with the time of their making."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*.nb[ic]")}


def _command(folder: Path, name: str, settings: dict[str, str]) -> tuple[float, str]:
    """Seconds of a small run into a folder, and what it said on the standard error."""
    out = folder / name
    began = time.perf_counter()
    done = _call((sys.executable, "-m", "sim.cli", *RUN, "--out", str(out)), settings)
    return time.perf_counter() - began, done.stderr


def _seconds(command: tuple[str, ...], settings: dict[str, str]) -> float:
    began = time.perf_counter()
    _call(command, settings)
    return time.perf_counter() - began


def _call(command: tuple[str, ...], settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True)
