"""Check A21 over four scales, without measures and under the whole operation: means and variances.

`tests/exact/test_scale.py` holds the quick version.  Everything here uses fixed seeds (seed 1, replicates
from 0 on), so a test either always fails or never.  What coarse scales distort stands in `docs/limits.md`;
the tolerances below are what that table leaves between a scale and half of it, rounded up.
"""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from sim.model import FraudSupplyChain
from sim.scenario import load

STANDARD_ERRORS = 4.0
WORLDS = {
    "trade": ("no-measures", "2018-01-01", "2018-12-31", "2018-07-01"),
    "operation": ("card-broken-2020", "2020-07-01", "2021-06-30", "2021-01-01"),
}
"""Scenario, first day, last day of a year, and the first month that counts: its second half."""
REPLICATES = {1000: 16, 500: 12, 250: 8, 125: 6}
TOLERANCE = {
    "trade": {"cases": 0.05, "price": 0.15, "served": 0.05},
    "operation": {"cases": 0.05, "price": 0.25, "served": 0.10},
}
"""What halving the scale may move: cases and price by a share, the served part of all needs by points."""
DAYS = {"trade": ("2018-01-01", "2018-01-05"), "operation": ("2021-01-06", "2021-01-10")}


def one_run(world: str, scale: int, replicate: int) -> dict[str, float]:
    """Means over the months that count, in real units."""
    name, start, end, first = WORLDS[world]
    model = FraudSupplyChain(load(name, sets=[f"scale={scale}"], start=start, end=end), replicate=replicate)
    model.run_model()
    nation = model.recorder.get_model_vars_dataframe()[first:]
    return {
        "cases": nation["cases_true"].mean(),
        "price": nation["price_gang_yuan"].mean(),
        "served": nation["orders_filled"].sum() / nation["orders"].sum(),
    }


@cache
def runs(world: str, scale: int) -> pd.DataFrame:
    """A row a replicate."""
    return pd.DataFrame([one_run(world, scale, replicate) for replicate in range(REPLICATES[scale])])


@pytest.mark.full
@pytest.mark.parametrize(
    ("world", "scale"),
    [("trade", 1000), ("trade", 500), ("trade", 250), ("operation", 500), ("operation", 250)],
)
def test_a21_means_at_a_scale_and_at_half_of_it_agree(world: str, scale: int) -> None:
    """A21: cases, price and the served part of the need for cards at s and s/2.

    Rule: the difference lies within the tolerance above and 4 standard errors, estimated from the replicates;
    a sample that could not tell half from whole is refused, as the price at scale 1000 under the operation
    would be: a quantity that forgets the scale is off by so much.
    """
    coarse, fine = runs(world, scale), runs(world, scale // 2)
    unit = fine.mean()
    unit["served"] = 1.0
    error = np.sqrt(coarse.var() / len(coarse) + fine.var() / len(fine)) / unit
    room = pd.Series(TOLERANCE[world]) + STANDARD_ERRORS * error
    assert (room < 0.5).all(), f"the sample could never decide: {room.round(3).to_dict()}"
    off = (coarse.mean() - fine.mean()).abs() / unit
    assert (off < room).all(), f"{off.round(3).to_dict()} against {room.round(3).to_dict()}"


def counts(world: str, scale: int) -> np.ndarray:
    """Simulated cases of five days, 40 runs."""
    name, (start, end) = WORLDS[world][0], DAYS[world]
    scenario = load(name, sets=[f"scale={scale}"], start=start, end=end)
    found = []
    for replicate in range(40):
        model = FraudSupplyChain(scenario, replicate=replicate)
        model.run_model()
        found.append(model.recorder.counts()["cases_true"])
    return np.array(found)


@pytest.mark.full
@pytest.mark.parametrize("world", WORLDS)
def test_a21_the_dispersion_of_simulated_counts_is_the_same_at_every_scale(world: str) -> None:
    """A21: variance over mean of simulated cases does not move with the scale, so noise is that of counts.

    Rule: the slope of the log of that index on the log of the mean, over four scales, lies within 4 standard
    errors of 0 (the error is that of log variances of 40 normal numbers each).  A sample that could not tell
    a slope of 0.6 is refused: copies of one gang would give 1, a variance that stays put -1.
    """
    found = [counts(world, scale) for scale in (4000, 2000, 1000, 500)]
    x = np.log([each.mean() for each in found])
    y = np.log([each.var(ddof=1) / each.mean() for each in found])
    spread = x - x.mean()
    slope = (spread @ y) / (spread @ spread)
    error = np.sqrt(2.0 / 39 / (spread @ spread))
    assert STANDARD_ERRORS * error < 0.6, "the sample could never decide"
    assert abs(slope) < STANDARD_ERRORS * error, f"slope {slope:.2f}, error {error:.2f}"
