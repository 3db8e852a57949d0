"""Check A21: what is simulated does not depend on how many real things one simulated thing stands for."""

import numpy as np
import pandas as pd
import pytest
from reference import STANDARD_ERRORS

from sim.model import FraudSupplyChain
from sim.scenario import load

ALIKE = ("parameters.gangs.staff_log_sd=0", "parameters.gangs.skill_log_sd=0")
"""Gangs of one size, so that chance is in what they do and not in who they are."""
RUN_IN = "2018-06-01"
TOLERANCE = {"cases": 0.05, "detected": 0.05, "openings": 0.05, "price": 0.12, "fill rate": 0.04}
"""What granularity may do between the two scales: coarse shelves run empty a little more often."""


def runs(scale: int, replicates: int) -> pd.DataFrame:
    """What is compared of the trade without measures, after the run-in, a row a replicate."""
    scenario = load("no-measures", sets=[f"scale={scale}", *ALIKE], start="2018-01-01", end="2018-09-30")
    rows = []
    for replicate in range(replicates):
        model = FraudSupplyChain(scenario, replicate=replicate)
        model.run_model()
        nation = model.recorder.get_model_vars_dataframe()[RUN_IN:]
        rows.append(
            {
                "cases": nation["cases_true"].mean(),
                "detected": nation["cards_detected"].mean(),
                "openings": nation["openings_illicit"].mean(),
                "price": nation["price_gang_yuan"].mean(),
                "fill rate": nation["orders_filled"].sum() / nation["orders"].sum(),
            }
        )
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("scale", "many", "few"), [(500, 6, 4), pytest.param(200, 8, 6, marks=pytest.mark.full)]
)
def test_a21_means_do_not_depend_on_the_scale(scale: int, many: int, few: int) -> None:
    """A21: cases, cards detected, openings, price and fill rate in real units at s and s/2.

    Rule: the difference lies within the tolerance above and 4 standard errors, estimated from the replicates;
    a sample that could not tell a factor of 1.35 is refused.  A quantity that forgets the scale is off by 2.
    """
    coarse, fine = runs(scale, many), runs(scale // 2, few)
    middle = fine.mean()
    error = np.sqrt(coarse.var() / len(coarse) + fine.var() / len(fine)) / middle
    room = pd.Series(TOLERANCE) + STANDARD_ERRORS * error
    assert (room < 0.35).all(), f"the sample could never decide: {room.round(3).to_dict()}"
    off = (coarse.mean() - middle).abs() / middle
    assert (off < room).all(), f"{off.round(3).to_dict()} against {room.round(3).to_dict()}"


def first_days(scale: int) -> np.ndarray:
    """Simulated cases of the first five days of 40 runs."""
    scenario = load("no-measures", sets=[f"scale={scale}"], start="2018-01-01", end="2018-01-05")
    cases = []
    for replicate in range(40):
        model = FraudSupplyChain(scenario, replicate=replicate)
        model.run_model()
        cases.append(model.recorder.counts()["cases_true"])
    return np.array(cases)


@pytest.fixture(scope="module")
def days() -> dict[int, np.ndarray]:
    """Simulated cases of some days at two scales."""
    return {scale: first_days(scale) for scale in (4000, 500)}


def test_a21_the_variance_of_simulated_counts_scales_with_their_mean(days: dict[int, np.ndarray]) -> None:
    """A21: variance = (mean)^1 x something that is the same at both scales, gangs differing as they do.

    Rule: the exponent lies within 4 standard errors of 1; the error is that of two log variances of 40 normal
    numbers each.  A sample that could not tell it from 0 (the same variance) or 2 (copies) is refused.
    """
    coarse, fine = days.values()
    means = np.log(fine.mean() / coarse.mean())
    exponent = np.log(fine.var(ddof=1) / coarse.var(ddof=1)) / means
    error = np.sqrt(2 * 2 / (len(coarse) - 1)) / means
    assert STANDARD_ERRORS * error < 0.75, "the sample could never decide"
    assert abs(exponent - 1.0) < STANDARD_ERRORS * error


def test_a21_the_mean_of_simulated_counts_scales_with_the_scale(days: dict[int, np.ndarray]) -> None:
    """A21: eight times as many simulated cases at an eighth of the scale.

    Rule: within 4 standard errors of the ratio; 40% could be told.
    """
    coarse, fine = days[4000] * 4000, days[500] * 500
    error = np.hypot(coarse.std(ddof=1) / coarse.mean(), fine.std(ddof=1) / fine.mean()) / np.sqrt(40)
    assert STANDARD_ERRORS * error < 0.4, "the sample could never decide"
    assert abs(np.log(coarse.mean() / fine.mean())) < STANDARD_ERRORS * error
