"""Counting by place and moving cards, against NumPy's unbuffered sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.kernels.tally import move_rows, tally_amounts_into, tally_into

PROPERTY = settings(max_examples=100, deadline=None, derandomize=True)
PLACES = st.lists(st.integers(0, 6), max_size=30)


@PROPERTY
@given(PLACES, st.sampled_from([np.uint8, np.int64]), st.sampled_from([1, -1]))
def test_counts_and_amounts_add_up_by_place(places: list[int], kind: type, step: int) -> None:
    at = np.array(places, dtype=kind)[::step]
    amount = np.arange(len(at)) * 10**12
    totals, expected = np.arange(7), np.arange(7)
    tally_into(totals, at)
    np.add.at(expected, at, 1)
    tally_amounts_into(totals, at, amount)
    np.add.at(expected, at, amount)
    assert np.array_equal(totals, expected)


@pytest.mark.parametrize("place", [-1, 7])
def test_a_place_outside_of_the_table_is_refused(place: int) -> None:
    with pytest.raises(IndexError):
        tally_into(np.zeros(7, dtype=np.int64), np.array([0, place]))
    with pytest.raises(IndexError):
        tally_amounts_into(np.zeros(7, dtype=np.int64), np.array([place]), np.array([5]))
    with pytest.raises(ValueError, match="length"):
        tally_amounts_into(np.zeros(7, dtype=np.int64), np.array([1, 2]), np.array([5]))


@pytest.mark.parametrize("row", [-1, 3])
def test_a_row_outside_of_the_table_is_refused(row: int) -> None:
    kind, status, moved = np.zeros(3, np.uint8), np.zeros(3, np.uint8), np.zeros(3, np.int32)
    with pytest.raises(IndexError):
        move_rows(np.array([row]), kind, status, moved, np.zeros((5, 12, 12), dtype=np.int64), 4, 9)
