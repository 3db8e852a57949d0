"""Made-up results with known answers, for tests of what is done with results. Nothing here is a model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from sim.interventions import Measure
from sim.observe.outcomes import OUTCOMES
from sim.observe.parquet import OUTCOME_ORDER
from sim.scenario import Scenario, load
from sim.study.windows import Window


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
        self,
        scenario: FakeScenario,
        *,
        seed: int,
        replicate: int,
        draw: int,
        threads: int,
        audit: str,
        watch: Sequence[Measure],
    ) -> None:
        self.scenario, self.seed, self.replicate, self.draw = scenario, seed, replicate, draw
        self.watch = watch
        self.recorder = SimpleNamespace(
            monthly=self._monthly,
            weekly=self._weekly,
            deeds=self._deeds,
            counts=lambda: {"cards": replicate},
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

    def _deeds(self) -> pd.DataFrame:
        month, ids = pd.Timestamp(self.scenario.start), [measure.id for measure in self.watch]
        return pd.DataFrame({"month": month, "measure": ids, "what": "units", "value": float(self.replicate)})


class Stand(Measure):
    """A measure for tests that does nothing; what it stands for is said by its fields."""

    attributable: ClassVar[str] = "cards closed"
    shifts: ClassVar[tuple[str, ...]] = ("region", "outlet", "channel", "kind")
    channels: ClassVar[tuple[str, ...]] = ("cases_bought", "cases_own")
    kinds: ClassVar[tuple[str, ...]] = ("contacts_sim",)

    measure: Literal["stand"] = "stand"
    criterion: str = ""
    unit: str = "outlet"

    def act(self, day: int, window: Any, policy: Any) -> None:
        """Nothing."""

    @property
    def units(self) -> str:
        return self.unit


def stand(identifier: str, **fields: Any) -> Stand:
    """A measure for tests: two with the same fields do the same, whatever their ids."""
    return Stand(id=identifier, **{"start": date(2021, 1, 1), "criterion": identifier, **fields})


def scenario_with(name: str, *measures: Measure) -> Scenario:
    """A short baseline with other measures."""
    return shortest().with_(name=name, interventions=measures)


@cache
def shortest() -> Scenario:
    """The baseline, over the month of `WINDOW`, without measures."""
    return load("baseline", start="2021-07-01", end="2021-07-31").with_(interventions=())


WINDOW = Window("July", date(2021, 7, 1), date(2021, 7, 31))
Values = Mapping[str, Mapping[Any, Sequence[float]]]


def results(
    values: Values, regions: Mapping[str, Values] | None = None, draws: int | None = None
) -> pd.DataFrame:
    """A results table of one month: `values[scenario][outcome]` holds the nation's number for each replicate,
    `regions[code]` the same for a region.
    """
    return pd.DataFrame(
        [
            {
                **_label(name, replicate, draws),
                "region": code,
                **{key: v[replicate] for key, v in own.items()},
            }
            for code, of in {"CN": values, **(regions or {})}.items()
            for name, own in of.items()
            for replicate in range(len(next(iter(own.values()))))
        ]
    )


def deeds(values: Values, draws: int | None = None) -> pd.DataFrame:
    """What measures did in one month: `values[scenario][measure, what]` holds a number for each replicate."""
    rows = [
        {**_label(name, replicate, draws), "measure": measure, "what": what, "value": float(value)}
        for name, own in values.items()
        for (measure, what), numbers in own.items()
        for replicate, value in enumerate(numbers)
    ]
    columns = ["scenario", "draw", "replicate", "month", "measure", "what", "value"]
    return pd.DataFrame(rows, columns=columns).astype({"month": "datetime64[ns]", "value": float})


def _label(name: str, replicate: int, draws: int | None) -> dict[str, Any]:
    draw = 0 if draws is None else 1 + replicate % draws
    return {"scenario": name, "draw": draw, "replicate": replicate, "month": pd.Timestamp(2021, 7, 1)}
