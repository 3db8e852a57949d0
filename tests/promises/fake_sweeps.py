"""Made-up sweeps with known answers, written as a sweep's folder. Nothing here is a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.observe.parts import RunId, SweepFolder

BASE = "baseline"
Losses = Callable[[str, np.ndarray, int], float]
"""The cases of a policy, at a point of knowledge, in a replicate."""


def knowledge(points: int, parameters: int, seed: int = 1) -> np.ndarray:
    """Points of knowledge, uniform in (0, 1): float64 (points, parameters)."""
    return np.random.default_rng(seed).random((points, parameters))


def write_sweep(
    path: Path,
    known: np.ndarray,
    cases: Losses,
    policies: tuple[str, ...] = ("policy",),
    *,
    replicates: int = 2,
    baseline: bool = True,
    made: float = 1.0,
    names: Mapping[int, str] | None = None,
) -> SweepFolder:
    """A sweep of one month in which a share `made` of the runs is done; `names` of parameters by place."""
    names = names or {k: f"made.up_{k}" for k in range(known.shape[1])}
    everyone = (BASE, *policies) if baseline else policies
    rows = [
        {"scenario": f"{policy}-{place}", "origin": policy.partition("/")[0]}
        | ({"lever.dose": policy.partition("/")[2]} if any("/" in p for p in policies) else {})
        | {f"knowledge.{names[k]}": value for k, value in enumerate(values)}
        for policy in everyone
        for place, values in enumerate(known)
    ]
    experiment: dict[str, Any] = {"name": "made-up", "scenarios": list(policies)}
    if baseline:
        experiment["baseline"] = BASE
    folder = SweepFolder(path)
    folder.begin({"experiment": experiment, "seed": 1, "points": {}}, pd.DataFrame(rows))
    runs = [
        (RunId(f"{policy}-{place}", 0, replicate), policy, values)
        for replicate in range(replicates)
        for policy in everyone
        for place, values in enumerate(known)
    ]
    folder.add_plan([run for run, _, _ in runs])
    of = {run: cases(policy, values, run.replicate) for run, policy, values in runs}
    batches = folder.batches()
    for batch in batches[: round(made * len(batches))]:
        frame = pd.DataFrame(
            [
                {
                    "scenario": run.scenario,
                    "draw": run.draw,
                    "replicate": run.replicate,
                    "month": pd.Timestamp(2021, 7, 1),
                    "region": "CN",
                    "cases_registered": of[run],
                }
                for run in batch.runs
            ]
        )
        folder.write(batch.name, frame, [], len(batch.runs))
    return folder
