"""Whether a calibration says the same as an earlier one, as far as so many draws can tell.

Chance moves medians of draws. For each parameter the difference of the two medians, in shares of the prior,
is held against its standard error: 1.25 s/sqrt(n) of each, s that of the draws' width.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from sim.observe.store import check_file, refusal

FILE = "parameters.csv"
MOST_BYTES = 2**24
CLEAR = 3.5
"""Differences beyond so many standard errors are called clear; of 130 normal ones 1 in 20 sets has one."""


def compared(parameters: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Both medians of every parameter of both, `parameter`, `median_share`, `before`, `z`.

    ``folder`` holds the `parameters.csv` of the earlier one. Raises `InputError` where it does not.
    """
    path = folder / FILE
    check_file(path, MOST_BYTES)
    try:
        before = pd.read_csv(path)[["parameter", "median_share", "width", "draws"]]
        before[["median_share", "width", "draws"]] = before[["median_share", "width", "draws"]].astype(float)
    except (OSError, ValueError, KeyError) as problem:
        raise refusal(path, "is no table of parameters of a calibration", "Name another folder.") from problem
    both = parameters.merge(before, on="parameter", suffixes=("", "_before"))
    if both.empty:
        raise refusal(path, "names none of the parameters", "Name another folder.")
    error = (
        _variance(both["width"], both["draws"]) + _variance(both["width_before"], both["draws_before"])
    ).map(math.sqrt)
    both["z"] = (both["median_share"] - both["median_share_before"]) / error
    return both.rename(columns={"median_share_before": "before"})[
        ["parameter", "median_share", "before", "z"]
    ]


def _variance(width: pd.Series, draws: pd.Series) -> pd.Series:
    """Squared standard error of a median: the middle 90% of a normal spread is 3.29 deviations wide."""
    return (1.2533 * width / 3.29) ** 2 / draws.clip(lower=1.0)
