"""Whether a calibration says the same as an earlier one, as far as so many draws can tell.

Three questions, from what both wrote. Do the parameters that the earlier one shifted lie on the same side of
the prior's middle? Is each target in its band in most draws that were run again, or not, in both? And do the
medians of the draws agree? Chance moves them: for each parameter the difference, in shares of the prior, is
held against its standard error, 1.25 s/sqrt(n) of each, s that of the draws' width, as if draws were
independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sim.calibration.identified import OFF_MIDDLE
from sim.observe.store import check_file, refusal

PARAMETERS, TARGETS = "parameters.csv", "targets.csv"
MOST_BYTES = 2**24
OTHER = "Name the folder of a calibration's result."
MOST = 0.5
"""A target passes where at least this share of draws is in its band."""
CLEAR = 3.5
"""Differences beyond so many standard errors are called clear; of 130 normal ones 1 in 20 sets has one."""


@dataclass(frozen=True)
class Earlier:
    """The tables of an earlier calibration, and the folder that they lie in."""

    folder: Path
    parameters: pd.DataFrame
    targets: pd.DataFrame


@dataclass(frozen=True)
class Reproduction:
    """What both calibrations say of all that both know; ``folder`` holds the earlier one.

    ``parameters``: `parameter`, `median_share`, `before`, `z`, and the bools `shifted` (before, by a tenth of
    the prior or more) and `same_side`. ``targets``: `id`, `title`, `again`, `before`, and the bool `same`.
    """

    folder: Path
    parameters: pd.DataFrame
    targets: pd.DataFrame


def earlier(folder: Path) -> Earlier:
    """The earlier calibration that wrote `parameters.csv` and `targets.csv` into a folder.

    Raises `InputError` where they are not there, or are no such tables.
    """
    parameters = _table(folder / PARAMETERS, "parameter", ("median_share", "width", "draws"))
    return Earlier(folder, parameters, _table(folder / TARGETS, "id", ("again",)))


def compared(parameters: pd.DataFrame, targets: pd.DataFrame, before: Earlier) -> Reproduction:
    """A calibration beside an earlier one."""
    both = parameters.merge(before.parameters, on="parameter", suffixes=("", "_before"))
    error = _variance(both["width"], both["draws"]) + _variance(both["width_before"], both["draws_before"])
    off, off_before = both["median_share"] - 0.5, both["median_share_before"] - 0.5
    medians = both[["parameter", "median_share"]].assign(
        before=both["median_share_before"],
        z=(off - off_before) / error.map(math.sqrt),
        shifted=off_before.abs() >= OFF_MIDDLE,
        same_side=off * off_before > 0.0,
    )
    held = targets.merge(before.targets, on="id", suffixes=("", "_before"))
    held = held.dropna(subset=["again", "again_before"])
    shares = held[["id", "title", "again"]].assign(
        before=held["again_before"], same=(held["again"] >= MOST) == (held["again_before"] >= MOST)
    )
    return Reproduction(before.folder, medians, shares)


def _table(path: Path, key: str, numbers: Sequence[str]) -> pd.DataFrame:
    check_file(path, MOST_BYTES, OTHER)
    try:
        return pd.read_csv(path)[[key, *numbers]].astype(dict.fromkeys(numbers, float))
    except (OSError, ValueError, KeyError) as problem:
        raise refusal(path, "is no table of a calibration", OTHER) from problem


def _variance(width: pd.Series, draws: pd.Series) -> pd.Series:
    """Squared standard error of a median: the middle 90% of a normal spread is 3.29 deviations wide."""
    return (1.2533 * width / 3.29) ** 2 / draws.clip(lower=1.0)
