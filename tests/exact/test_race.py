"""Check A6: the race between freeze and layering follows its closed forms (equation 4.13)."""

import math

import numpy as np
import pytest
from race import escape_share, escape_share_after_report
from reference import decide_binomial, decide_mean, keys

from sim.kernels.money import race
from sim.random import KeyedRandom, Process

RUNS = 200_000
HOURS = 1.0 / 24.0
TOTAL = 21 * HOURS
RANDOM = KeyedRandom(6, 0)


def times(
    n: int, hops: int, layering: float, victim: float, police: float, day: int
) -> tuple[np.ndarray, np.ndarray]:
    """Days until the money of each of ``n`` reported cases has passed all hops, and until it is stopped."""
    of, one, nothing = np.zeros(n, dtype=np.int64), np.ones(1), np.zeros(1)
    cases = (day, keys(n), of, of, of, np.ones(n, dtype=bool), one, np.ones(1, dtype=bool))
    means = (hops, layering, victim, police, one, one, nothing, nothing)
    passed, stopped, _ = race(RANDOM.key, Process.CASE_RACE.value, Process.LINK.value, *cases, *means)
    return passed, stopped


def lost_races(hops: int, layering: float, victim: float, police: float, day: int) -> int:
    """How often the money is gone before the freeze comes."""
    passed, stopped = times(RUNS, hops, layering, victim, police, day)
    return int((passed < stopped).sum())


@pytest.mark.parametrize("hops", [1, 3, 6])
@pytest.mark.parametrize("police", [0.1, 0.5, 2.0, 14.0])
def test_a6_money_escapes_as_often_as_the_closed_form_says(hops: int, police: float) -> None:
    """A6: (mu / (mu + delta))^L without a victim's delay.

    Rule: 200,000 races within 4 standard errors; 0.5% could be told.
    """
    share = escape_share(hops / TOTAL, 1.0 / police, hops)
    decide_binomial(lost_races(hops, TOTAL, 0.0, police, day=hops), RUNS, share, 0.005)


@pytest.mark.parametrize("victim", [0.05, 0.7, 3.0])
@pytest.mark.parametrize("police", [0.1, 2.0, 14.0])
def test_a6_a_victims_delay_comes_first(victim: float, police: float) -> None:
    """A6: [r (mu/(mu+d))^L - d (mu/(mu+r))^L] / (r - d) with an exponential victim's delay before the
    police's.

    Rule: 200,000 races of three hops within 4 standard errors; 0.5% could be told.
    """
    share = escape_share_after_report(1.0 / victim, 3 / TOTAL, 1.0 / police, 3)
    decide_binomial(lost_races(3, TOTAL, victim, police, day=50), RUNS, share, 0.005)


@pytest.mark.parametrize(
    ("delay", "low", "high"),
    [(14.0, 0.04, 0.08), (2.0, 0.31, 0.35), (12 * HOURS, 0.745, 0.755), (2 * HOURS, 0.985, 0.995)],
)
def test_a6_recovered_shares_are_those_of_the_record(delay: float, low: float, high: float) -> None:
    """A6: three hops of 21 hours in all: 4-8% recovered at 14 days, 31-35% at 2 days, 75% at 12 h, 99% at 2
    h.
    """
    assert low <= 1.0 - escape_share(3 / TOTAL, 1.0 / delay, 3) <= high


def test_a6_the_order_of_the_two_delays_does_not_matter() -> None:
    """A6: the closed form is symmetric in the victim's and the police's rate."""
    assert math.isclose(
        escape_share_after_report(2.0, 3.0, 0.4, 3), escape_share_after_report(0.4, 3.0, 2.0, 3)
    )


def test_a6_a_victim_who_reports_at_once_leaves_the_race_without_delay() -> None:
    """A6: for a fast report the second form becomes the first."""
    assert math.isclose(escape_share_after_report(1e9, 3.0, 0.4, 3), escape_share(3.0, 0.4, 3), rel_tol=1e-6)


def test_a6_equal_rates_are_the_limit_of_nearly_equal_ones() -> None:
    """A6: the closed form has a limit where both rates are equal; a user may well give 1 day and 1 day."""
    near = escape_share_after_report(0.5 * (1 + 1e-7), 3.0, 0.5, 3)
    assert math.isclose(escape_share_after_report(0.5, 3.0, 0.5, 3), near, rel_tol=1e-6)


@pytest.mark.parametrize("hops", [1, 3])
def test_layering_takes_its_mean_time_in_equal_hops(hops: int) -> None:
    """Equation 4.13: L hops of one total: mean T and variance T^2 / L.

    Rule: mean of 200,000 within 4 standard errors; 1% could be told.
    """
    passed, _ = times(RUNS, hops, TOTAL, 1.0, 1.0, 99)
    decide_mean(float(passed.mean()), TOTAL, TOTAL**2 / hops, RUNS, 0.01 * TOTAL)
    assert math.isclose(float(np.var(passed)), TOTAL**2 / hops, rel_tol=0.03)


def test_faster_freezing_never_loses_a_case_that_a_slower_one_stopped() -> None:
    """Freeze speed up, recovered up: case by case, for the draws are the same."""
    (passed, slow), (same, fast) = (times(10_000, 3, TOTAL, 0.7, police, 3) for police in (2.0, 0.5))
    assert np.array_equal(passed, same)
    assert not ((slow < passed) & ~(fast < passed)).any()
    assert (fast < passed).sum() > (slow < passed).sum()
