"""Observed patterns beside simulated ones: the table.

Each pattern is a sign, a ratio or a lag that the public record or the literature states and that a run either
shows or does not. A pattern is measured in every run by itself; the table gives the median over the runs with
the range from 5% to 95%, and the share of runs inside the pass band. A pattern passes when at least half of
the runs do. Most are read off runs of one scenario, the operation; some need experiments, pairs of runs of
their own.

To add a pattern, write a function that measures it (its docstring is the definition that is printed) and add
a row to `PATTERNS`.
"""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.study import pattern_experiments as tried
from sim.study import pattern_history as seen
from sim.study.pattern_parts import NATION, PILOT, Months, Part, Worlds

COLUMNS = ("id", "what", "observed", "simulated", "low", "high", "band", "pass_share", "runs", "verdict")
NOT_COVERED = "not covered by the run"
OWN_RUNS = "needs runs of its own"
EXPERIMENT_REPLICATES = 8
"""Runs of each experiment at most: pairs share their chance, so few tell as much as many unpaired ones."""


@dataclass(frozen=True)
class Pattern(ABC):
    """A row of the table of patterns: which months it needs, and `how` it is measured."""

    id: str
    title: str
    first: str
    last: str
    how: Callable[..., list[Part]]

    @abstractmethod
    def parts(self, months: Months, worlds: Worlds | None) -> list[Part] | str:
        """What was measured, or in words why nothing was."""

    @property
    def definition(self) -> str:
        """How the pattern is measured, in words: the docstring of the function that measures it."""
        return " ".join((inspect.getdoc(self.how) or "").split())


@dataclass(frozen=True)
class Historical(Pattern):
    """A pattern of the runs of one scenario; it may need a region or columns that not all results hold."""

    region: str = NATION
    columns: tuple[str, ...] = ()

    def parts(self, months: Months, worlds: Worlds | None) -> list[Part] | str:
        """What the runs of the scenario show, where they cover it."""
        covered = months.cover(self.first, self.last, self.region, self.columns)
        return self.how(months) if covered else NOT_COVERED


@dataclass(frozen=True)
class Experimental(Pattern):
    """A pattern of experiments: the scenarios beside the undisturbed one that it compares."""

    scenarios: tuple[str, ...]

    def parts(self, months: Months, worlds: Worlds | None) -> list[Part] | str:
        """What the experiments show, where they were made."""
        if worlds is None:
            return OWN_RUNS
        names = (tried.UNDISTURBED, *self.scenarios)
        return self.how(worlds) if worlds.cover(names, self.first, self.last) else NOT_COVERED


SEIZED = ("cards_seized", "sims_seized")
PATTERNS: tuple[Pattern, ...] = (
    Historical("P1", "lag of the fall", "2019-10-01", "2021-12-01", seen.first_fall),
    Historical("P2", "turn in spring 2021", "2020-10-01", "2021-12-01", seen.spring_turn),
    Historical("P3", "three falls in a row", "2020-06-01", "2021-08-01", seen.summer_falls),
    Historical("P5", "price rise in the pilot province", "2020-06-01", "2021-01-01", seen.price_rise, PILOT),
    Historical("P6", "price ladder", "2020-10-01", "2020-11-01", seen.price_ladder),
    Historical("P7", "involved cards in the pilot", "2020-09-01", "2020-11-01", seen.involved_cards, PILOT),
    Historical("P8", "pilot leads the nation", "2020-09-01", "2021-12-01", seen.pilot_leads, PILOT),
    Historical("P10", "substitutes rise", "2020-06-01", "2021-10-01", seen.substitutes_rise),
    Historical("P11", "seizures", "2021-04-01", "2021-08-01", seen.seizures_saturate, NATION, SEIZED),
    Historical("P13", "enforcement up, cases down", "2020-06-01", "2021-08-01", seen.enforcement_rises),
    Experimental(
        "P14",
        "recovery against delay",
        "2018-01-01",
        "2018-12-01",
        tried.recovery_by_delay,
        ("freeze-in-two-days",),
    ),
    Experimental(
        "P15",
        "a takedown wears off",
        "2019-03-01",
        "2020-01-01",
        tried.takedown_fades,
        ("lone-takedown", "repeated-takedown"),
    ),
    Experimental(
        "P16",
        "price recovers before volume",
        "2019-03-01",
        "2021-03-01",
        tried.price_recovers_first,
        ("supply-shock",),
    ),
    Experimental(
        "P19",
        "harm follows cleanup",
        "2018-07-01",
        "2018-12-01",
        tried.harm_follows_cleanup,
        ("cleanup-half", "cleanup-full"),
    ),
)


def experiments() -> list[str]:
    """Names of the scenarios that the experiments need, the undisturbed one first."""
    disturbed = [name for p in PATTERNS if isinstance(p, Experimental) for name in p.scenarios]
    return [tried.UNDISTURBED, *dict.fromkeys(disturbed)]


def measure(monthly: pd.DataFrame, worlds: Worlds | None = None) -> pd.DataFrame:
    """Every pattern measured in the runs of one scenario and, where they were made, in experiments.

    Parameters
    ----------
    monthly
        The rows of one scenario of a results table.
    worlds
        Runs of the scenarios that `experiments` names.

    Returns a frame with the columns `COLUMNS`, one row for each quantity (`simulated`, `low` and `high` are
    text: median and 5-95% range over the runs) and a last row `all`: the runs that show every pattern that
    the scenario's months cover, experiments apart.
    """
    months = Months(monthly)
    rows, everything = [], []
    for pattern in PATTERNS:
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = pattern.parts(months, worlds)
        if isinstance(parts, str):
            rows.append(_unmeasured(pattern, parts))
            continue
        rows += [_row(part) for part in parts]
        if isinstance(pattern, Historical):
            everything += [part.good for part in parts]
    return pd.DataFrame([*rows, _all_row(everything)], columns=list(COLUMNS))


def table_of(
    monthly: pd.DataFrame, worlds: Worlds | None = None, prior: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The table of patterns; with runs of prior draws, their pass shares beside it.

    `prior` holds one run for each draw; it adds the columns prior_pass_share and prior_draws, empty for
    experiments, which are made at the default parameters only.
    """
    table = measure(monthly, worlds)
    if prior is None:
        return table
    rates = measure(prior)[["id", "pass_share", "runs"]]
    rates = rates.rename(columns={"pass_share": "prior_pass_share", "runs": "prior_draws"})
    return table.merge(rates, on="id", how="left", validate="one_to_one")


def definitions() -> list[tuple[str, str]]:
    """How each pattern is measured: (id, words)."""
    return [(pattern.id, pattern.definition) for pattern in PATTERNS]


def _row(part: Part) -> dict[str, object]:
    share = float(part.good.mean())
    low, middle, high = (part.show(value) for value in _quantiles(part.values))
    return {
        "id": part.id,
        "what": part.what,
        "observed": part.observed,
        "simulated": middle,
        "low": low,
        "high": high,
        "band": part.band,
        "pass_share": share,
        "runs": len(part.values),
        "verdict": "pass" if share >= 0.5 else "fail",
    }


def _unmeasured(pattern: Pattern, why: str) -> dict[str, object]:
    empty: dict[str, object] = dict.fromkeys(COLUMNS, "")
    return empty | {
        "id": pattern.id,
        "what": pattern.title,
        "pass_share": math.nan,
        "runs": 0,
        "verdict": why,
    }


def _all_row(good: list[np.ndarray]) -> dict[str, object]:
    empty: dict[str, object] = dict.fromkeys(COLUMNS, "")
    row = empty | {
        "id": "all",
        "what": "every pattern of the operation in one run",
        "pass_share": math.nan,
        "runs": 0,
    }
    if not good:
        return row
    every = np.logical_and.reduce(good)
    share = float(every.mean())
    return row | {"pass_share": share, "runs": len(every), "verdict": "pass" if share >= 0.5 else "fail"}


def _quantiles(values: np.ndarray) -> np.ndarray:
    """5%, 50% and 95%; where something never happens in a run, the nearest run's value instead of a mean of
    two.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return np.full(3, math.nan)
    quantiles: np.ndarray = np.quantile(
        known, [0.05, 0.50, 0.95], method="linear" if np.isfinite(known).all() else "nearest"
    )
    return quantiles
