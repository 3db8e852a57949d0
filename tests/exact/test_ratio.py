"""Ratios of paired means: Fieller's interval against its definition, and whether it covers what it should.

Coverage is a statistical check: of 4,000 made-up studies with a known ratio the share of 90% intervals that
hold it, judged by `decide_binomial`, which would see a coverage below 88% or above 92%.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import decide_binomial
from scipy import stats

from sim.study.estimates import NO_RATIO, interval_name, mean_interval, ratio

STUDIES = 4000
NO_DRAWS = np.zeros(8, dtype=int)
HERE = np.array([-100.0, -120.0, -90.0, -110.0, -105.0, -95.0, -80.0, -130.0])
ELSEWHERE = np.array([30.0, 20.0, 35.0, 25.0, 45.0, 15.0, 40.0, 10.0])


def test_the_ratio_is_that_of_the_means() -> None:
    found = ratio(-ELSEWHERE, HERE, NO_DRAWS)
    assert found.value == pytest.approx(ELSEWHERE.mean() / 103.75)
    assert found.low < found.value < found.high


def test_the_ends_are_where_the_numerator_less_r_times_the_denominator_is_just_told_from_nought() -> None:
    """The definition of Fieller's interval, by a t test that knows nothing of the formula."""
    found = ratio(-ELSEWHERE, HERE, NO_DRAWS)
    for end in (found.low, found.high):
        assert stats.ttest_1samp(-ELSEWHERE - end * HERE, 0.0).pvalue == pytest.approx(0.10)


def test_a_constant_ratio_has_an_interval_of_no_width() -> None:
    found = ratio(0.25 * HERE, HERE, NO_DRAWS)
    assert (found.low, found.value, found.high) == pytest.approx((0.25, 0.25, 0.25))
    nothing = ratio(0.0 * HERE, HERE, NO_DRAWS)
    assert [str(x) for x in (nothing.low, nothing.value, nothing.high)] == ["0.0", "0.0", "0.0"]


@pytest.mark.parametrize("here", [HERE - HERE.mean(), HERE * 0.0, HERE + 100.0], ids=["mean 0", "0", "noise"])
def test_there_is_no_ratio_to_what_cannot_be_told_from_nought(here: np.ndarray) -> None:
    low, high = mean_interval(here, NO_DRAWS)
    assert low <= 0 <= high
    assert ratio(ELSEWHERE, here, NO_DRAWS) is NO_RATIO


def test_one_pair_has_a_ratio_and_no_interval() -> None:
    found = ratio(np.array([30.0]), np.array([-100.0]), np.array([0]))
    assert found.value == -0.3
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert interval_name(np.array([0]), found.low) == "none: one pair"
    assert ratio(np.array([]), np.array([]), np.array([], dtype=int)) is NO_RATIO


def test_copies_of_a_draw_carry_the_information_of_one() -> None:
    alone = ratio(ELSEWHERE, HERE, np.arange(8))
    copied = ratio(np.repeat(ELSEWHERE, 5), np.repeat(HERE, 5), np.repeat(np.arange(8), 5))
    assert (copied.value, copied.low, copied.high) == pytest.approx((alone.value, alone.low, alone.high))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)), min_size=2, max_size=12),
    st.floats(0.01, 100.0),
)
def test_units_and_signs_carry_over(pairs: list[tuple[int, int]], unit: float) -> None:
    """A ratio exists exactly where the denominator is told from 0, holds its value, and scales."""
    top, bottom = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    draws = np.zeros(len(pairs), dtype=int)
    low, high = mean_interval(bottom, draws)
    found, scaled = ratio(top, bottom, draws), ratio(unit * top, -bottom, draws)
    if low <= 0 <= high or bottom.mean() == 0:
        assert math.isnan(found.value)
        return
    slack = 1e-6 * max(1.0, abs(found.low), abs(found.high))
    assert found.low - slack <= found.value <= found.high + slack
    assert scaled.value == pytest.approx(-unit * found.value, rel=1e-6, abs=1e-9)
    close = 1e-4 * max(1.0, unit) * max(1.0, abs(found.low), abs(found.high))
    assert (scaled.low, scaled.high) == pytest.approx((-unit * found.high, -unit * found.low), abs=close)


@pytest.mark.parametrize("per_draw", [1, 3], ids=["a draw a pair", "three pairs a draw"])
def test_intervals_hold_the_true_ratio_as_often_as_they_say(per_draw: int) -> None:
    """True ratio 0.3; the change here is -100 with a spread that pairs of one draw share in part."""
    chance = np.random.default_rng(20201010)
    draws = np.repeat(np.arange(8), per_draw)
    shared = chance.normal(size=(STUDIES, 8, 2))[:, draws]
    own = chance.normal(size=(STUDIES, len(draws), 2))
    here = -100.0 + 25.0 * shared[..., 0] + 20.0 * own[..., 0]
    elsewhere = 30.0 - 0.4 * (here + 100.0) + 15.0 * shared[..., 1] + 10.0 * own[..., 1]
    found = [ratio(-there, at, draws) for there, at in zip(elsewhere, here, strict=True)]
    assert all(one.value > 0 for one in found)
    decide_binomial(sum(one.low <= 0.3 <= one.high for one in found), STUDIES, 0.9, matters=0.02)
