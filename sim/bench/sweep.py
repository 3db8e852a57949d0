"""A sweep: how much of two cores many runs side by side keep at work, from the first run to the last.

The share is the processor time of the worker processes over wall-clock time and cores. The starts of the
workers count; compiling does not, which is done before.
"""

from __future__ import annotations

import os
import resource
import time
from importlib import import_module
from typing import Any

from sim.bench.plan import SCENARIO, Plan, Task, own
from sim.bench.worker import Report

NAME = "sweep"
JOBS = 2


def tasks(plan: Plan) -> list[Task]:
    """One sweep a round, two rounds at most."""
    days = 365.25 * (int(plan.sweep_end[:4]) - 2017)
    seconds = 6.0 + plan.sweep_runs * days * (0.001 + 0.055 / plan.sweep_scale) / JOBS
    arguments = {"scale": plan.sweep_scale, "end": plan.sweep_end, "runs": plan.sweep_runs}
    return [own("sweep", NAME, seconds, rounds=2, **arguments)]


def measure(scale: int, end: str, runs: int, report: Report) -> dict[str, Any]:
    """Make the runs in two processes, as `cardbreak run --jobs 2` does."""
    from sim.scenario import load
    from sim.study.runs import run_many

    scenario = load(SCENARIO, sets=[f"scale={scale}"], end=end)
    import_module("sim.model")  # compiles what is not compiled
    began, before = time.perf_counter(), _children()
    made = run_many([scenario], replicates=runs, jobs=JOBS, progress=lambda done, total: report(done / total))
    seconds, computed = time.perf_counter() - began, _children() - before
    if not made.complete:
        raise RuntimeError("a run of the sweep failed")
    cores = min(JOBS, os.cpu_count() or 1)
    return {"scale": scale, "runs": runs, "seconds": seconds, "busy": computed / (seconds * cores)}


def _children() -> float:
    """Processor seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
