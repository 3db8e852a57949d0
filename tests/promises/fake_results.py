"""Made-up results with known answers, for tests of what is done with results. Nothing here is a model."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from sim.observe.outcomes import OUTCOMES
from sim.observe.store import OUTCOME_ORDER


def months(start: str = "2018-01-01", end: str = "2022-12-31") -> pd.DatetimeIndex:
    """First days of the months from `start` to `end`."""
    return pd.date_range(start, end, freq="MS")


def made_up(
    scenarios: dict[str, float],
    replicates: int = 6,
    *,
    regions: tuple[str, ...] = ("CN", "GD"),
    noise: float = 0.0,
    draws: int | None = None,
    start: str = "2018-01-01",
    end: str = "2022-12-31",
) -> pd.DataFrame:
    """A results table: every outcome of a run is 1,000 plus the replicate's own level, times its scenario's
    factor.

    The factor of a scenario holds from October 2020 on, so windows after it differ by exactly that factor;
    with `noise` each pair has its own.
    """
    frames = []
    for name, factor in scenarios.items():
        for replicate in range(replicates):
            rng = np.random.default_rng(replicate)
            frames.append(
                _one_run(name, factor + noise * rng.normal() * (factor != 1), replicate, regions, start, end)
            )
            frames[-1].insert(1, "draw", 0 if draws is None else 1 + replicate % draws)
    return pd.concat(frames, ignore_index=True)


def made_up_whole(*scenarios: str, replicates: int = 6, **options: Any) -> pd.DataFrame:
    """The same with every outcome and no effect."""
    frame = made_up(dict.fromkeys(scenarios, 1.0), replicates, **options)
    missing = [name for name in OUTCOMES if name not in frame.columns]
    return frame.assign(**dict.fromkeys(missing, frame["cases_true"]))


def _one_run(
    name: str, factor: float, replicate: int, regions: tuple[str, ...], start: str, end: str
) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([months(start, end), regions], names=["month", "region"])
    frame = pd.DataFrame(index=index).reset_index()
    after = frame["month"] >= pd.Timestamp(2020, 10, 1)
    level = (1000.0 + 10 * replicate) * np.where(after, factor, 1.0)
    for outcome in (*OUTCOME_ORDER, "openings_illicit"):
        frame[outcome] = level
    frame.insert(0, "scenario", name)
    frame.insert(1, "replicate", replicate)
    return frame


@dataclass(frozen=True)
class FakeScenario:
    """What the study asks of a scenario, no more."""

    name: str
    start: date = date(2020, 9, 1)
    end: date = date(2020, 12, 31)
    scale: int = 1000
    extras: dict[str, Any] = field(default_factory=dict)


class FakeModel:
    """Stands for the model where only the handling of runs is tested: its numbers name the run they belong
    to.

    Scenario names make it misbehave: `raises` raises in replicate 1, `dies` kills its process in replicate 1.
    """

    def __init__(
        self, scenario: FakeScenario, *, seed: int, replicate: int, draw: int, threads: int, audit: str
    ) -> None:
        self.scenario, self.seed, self.replicate, self.draw = scenario, seed, replicate, draw
        self.recorder = SimpleNamespace(
            monthly=self._monthly, weekly=self._weekly, counts=lambda: {"cards": replicate}
        )

    def run_model(self, progress: Any = None) -> None:
        """Misbehave where the scenario's name says so."""
        if self.replicate == 1 and self.scenario.name == "raises":
            raise RuntimeError("the books do not balance\nsecond line")
        if self.replicate == 1 and self.scenario.name == "dies":
            os._exit(9)
        if self.replicate == 1 and self.scenario.name == "interrupted":
            raise KeyboardInterrupt
        if progress is not None:
            progress(1, 2)

    def _monthly(self) -> pd.DataFrame:
        value = self.seed * 1000 + self.replicate * 10 + self.draw
        index = months(str(self.scenario.start), str(self.scenario.end))
        return pd.DataFrame({"month": index, "region": "CN", "cases_registered": float(value)})

    def _weekly(self) -> pd.DataFrame:
        weeks = pd.date_range(self.scenario.start, self.scenario.end, freq="7D")
        return pd.DataFrame({"week": weeks, "cases_registered": float(self.replicate)})
