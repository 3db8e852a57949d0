"""What is known of the bank's runs: where each lies in the prior, and what it says about every target.

The paths of national registered cases stay whole, since patterns are read off them; every other target is one
number a run. Both are on the scale on which errors are stated, logarithmic where that is the target's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.calibration.distance import beyond, deviation, read_off, simulated
from sim.calibration.targets import Target
from sim.study.compare import HEADLINE, NATION
from sim.study.pattern_parts import RUN, Months

CLIP = 8.0
"""Deviations beyond so many standard deviations are taken as that: how absurd a run is does not matter."""


@dataclass(frozen=True)
class Library:
    """Runs by rows: ``shares`` float64 (runs, parameters), ``cases`` the national registered cases a month,
    float64 (runs, months), ``values`` what `simulated` reads off, (runs, targets), ``wave`` int64 (runs).
    """

    names: tuple[str, ...]
    shares: np.ndarray
    wave: np.ndarray
    months: pd.DatetimeIndex
    cases: np.ndarray
    values: pd.DataFrame
    scale: int

    def __len__(self) -> int:
        return len(self.shares)

    def only(self, rows: np.ndarray) -> Library:
        """Some of the runs, by number or by a mask."""
        return Library(
            self.names,
            self.shares[rows],
            self.wave[rows],
            self.months,
            self.cases[rows],
            self.values.iloc[np.arange(len(self))[rows]].reset_index(drop=True),
            self.scale,
        )

    def joined(self, other: Library) -> Library:
        """These runs, then those of another library of the same parameters, months and targets."""
        return Library(
            self.names,
            np.concatenate([self.shares, other.shares]),
            np.concatenate([self.wave, other.wave]),
            self.months,
            np.concatenate([self.cases, other.cases]),
            pd.concat([self.values, other.values], ignore_index=True),
            max(self.scale, other.scale),
        )

    def deviations(self, targets: Sequence[Target]) -> np.ndarray:
        """Deviations of every run, cut off at `CLIP`, float64 (runs, targets); NaN where it has no value."""
        columns = [deviation(t, self.values[t.id].to_numpy(), CLIP) for t in targets]
        return np.column_stack([np.empty((len(self), 0)), *columns])

    def beyond(self, targets: Sequence[Target]) -> np.ndarray:
        """How far every run's deviation lies beyond what is as good as any, float64 (runs, targets)."""
        away = self.deviations(targets)
        for target, column in zip(targets, away.T, strict=True):
            column[:] = beyond(target, column)
        return away


def library_of(
    names: Sequence[str],
    waves: Sequence[tuple[np.ndarray, pd.DataFrame]],
    targets: Sequence[Target],
    scale: int,
) -> Library:
    """The runs of several waves, each as (points, monthly table of the wave); failed ones are left out."""
    shares, cases, values, wave = [], [], [], []
    months = pd.DatetimeIndex(sorted(waves[0][1]["month"].unique()))
    for number, (points, monthly) in enumerate(waves):
        read = simulated(targets, monthly)
        draws = read.index.get_level_values("draw").to_numpy()
        path = Months(monthly).of(HEADLINE).reindex(columns=read.index)
        shares.append(points[draws - 1])
        cases.append(path.to_numpy().T)
        values.append(read)
        wave.append(np.full(len(read), number))
    return Library(
        tuple(names),
        np.concatenate(shares),
        np.concatenate(wave),
        months,
        np.concatenate(cases),
        pd.concat(values, ignore_index=True),
        scale,
    )


class Paths(Months):
    """Paths of national registered cases alone, float64 (months, paths), to read targets off."""

    def __init__(self, months: pd.DatetimeIndex, cases: np.ndarray) -> None:
        self.months, self._regions, self._columns = months, frozenset([NATION]), frozenset([HEADLINE])
        index = pd.MultiIndex.from_arrays(
            [np.arange(cases.shape[1]), np.zeros(cases.shape[1], int)], names=RUN
        )
        self._cases = pd.DataFrame(cases, index=months, columns=index)

    def of(self, column: str, region: str = NATION) -> pd.DataFrame:
        """The paths: there is nothing else."""
        if (column, region) != (HEADLINE, NATION):
            raise ValueError(f"paths hold no {column} in {region}")
        return self._cases


def on_path(target: Target) -> bool:
    """Whether a target is read off the path of national registered cases alone."""
    if target.pattern is not None:
        return target.pattern in ("P1", "P2a", "P2b", "P3")
    return target.quantity is not None and target.quantity.of_headline


def read_paths(targets: Sequence[Target], months: pd.DatetimeIndex, cases: np.ndarray) -> np.ndarray:
    """Targets that lie on paths, float64 (paths, targets); ``cases`` is float64 (months, paths)."""
    found = read_off(targets, Paths(months, cases))
    return np.column_stack([found[target.id] for target in targets])
