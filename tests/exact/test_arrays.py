"""The small array operations, against plain Python."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim import arrays

COUNTS = st.lists(st.integers(0, 5), max_size=20)
WEIGHTS = st.lists(st.lists(st.floats(0.0, 10.0), min_size=3, max_size=3), min_size=1, max_size=20)


@given(COUNTS)
def test_members_are_numbered_within_their_group(counts: list[int]) -> None:
    expected = [number for count in counts for number in range(count)]
    assert arrays.number_within(np.array(counts, dtype=np.int64)).tolist() == expected


@given(COUNTS)
def test_entries_are_ranked_within_their_run(groups: list[int]) -> None:
    groups.sort()
    expected = [groups[:at].count(group) for at, group in enumerate(groups)]
    assert arrays.rank_within(np.array(groups, dtype=np.int64)).tolist() == expected


def test_a_number_falls_in_the_interval_whose_end_lies_above_it() -> None:
    edges = np.array([0.25, 0.25, 1.0])
    assert arrays.interval(edges, np.array([0.0, 0.24, 0.25, 0.99, 1.0])).tolist() == [0, 0, 2, 2, 2]


@given(WEIGHTS, st.floats(0.001, 0.999))
def test_a_column_without_weight_is_never_picked(weights: list[list[float]], u: float) -> None:
    weight = np.round(np.array(weights), 3)
    picked = arrays.pick(weight, np.full(len(weight), u))
    some = weight.sum(axis=1) > 0.0
    assert (weight[np.flatnonzero(some), picked[some]] > 0.0).all()


def test_columns_are_picked_in_proportion_to_their_weight() -> None:
    u = (np.arange(1000) + 0.5) / 1000
    picked = arrays.pick(np.tile([1.0, 0.0, 3.0, 6.0], (1000, 1)), u)
    assert np.bincount(picked, minlength=4).tolist() == [100, 0, 300, 600]


def test_yuan_become_whole_fen() -> None:
    assert arrays.fen(np.array([0.0, 0.014, 0.016, 12.34, -1.0])).tolist() == [0, 1, 2, 1234, -100]
    assert arrays.fen(np.array([1.0])).dtype == np.int64
