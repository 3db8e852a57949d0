"""Folders as `compare` and `sweep` leave them, made by hand, for tests of what is read from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sim.observe.parts import RunId, SweepFolder
from sim.observe.store import ResultsFolder

MONTHS = ("2021-07-01", "2021-08-01", "2021-09-01", "2021-10-01", "2021-11-01", "2021-12-01")
Point = Mapping[str, Any]
Values = Callable[[Point, int], Mapping[str, float]]


def sweep_folder(
    path: Path,
    points: Sequence[Point],
    values: Values,
    *,
    replicates: int = 1,
    baseline: str | None = "baseline",
    months: Sequence[str] = MONTHS,
    about: Mapping[str, Any] | None = None,
) -> SweepFolder:
    """A finished sweep: `values(point, replicate)` holds what each outcome of a run is in every month.

    A point has a scenario, an origin, and what it sets as ``lever.*`` and ``knowledge.*``.
    """
    folder = SweepFolder(path)
    experiment = {"name": "made", "title": "Made by hand", "scenarios": ["policy"], "baseline": baseline}
    span = {"start": months[0], "end": "2021-12-31"}
    folder.begin({"experiment": experiment, "seed": 1, **span, **(about or {})}, pd.DataFrame(points))
    named = {point["scenario"]: point for point in points}
    folder.add_plan([RunId(name, 0, replicate) for replicate in range(replicates) for name in named])
    for batch in folder.batches():
        frames = [rows(run, values(named[run.scenario], run.replicate), months) for run in batch.runs]
        folder.write(batch.name, pd.concat(frames, ignore_index=True), [], len(frames))
    return folder


def rows(run: RunId, values: Mapping[str, float], months: Sequence[str]) -> pd.DataFrame:
    """The monthly rows of a run, for the nation."""
    labels = {"scenario": run.scenario, "draw": run.draw, "replicate": run.replicate}
    return pd.DataFrame(
        [{**labels, "month": pd.Timestamp(month), "region": "CN", **values} for month in months]
    )


def results_folder(path: Path, monthly: pd.DataFrame, baseline: str | None) -> Path:
    """What `compare`, or `run` where there is no baseline, leaves behind, as far as it is read here."""
    names = list(dict.fromkeys(monthly["scenario"]))
    span = {"start": "2018-01-01", "end": "2022-12-31"}
    entries = [
        {"name": name, **span, **({"baseline": baseline} if name != baseline is not None else {})}
        for name in names
    ]
    with ResultsFolder.create(path) as folder:
        folder.write_monthly(monthly)
        folder.write_manifest({"baseline": baseline, "scenarios": entries, "seed": 1, "replicates": 3})
    return path
