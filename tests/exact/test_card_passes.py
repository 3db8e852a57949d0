"""The passes over tracked cards beside the daily step, against the same in NumPy."""

import numpy as np
import pytest

from sim.kernels import card_passes as passes
from sim.kernels.philox import uniforms
from sim.random import children, named_key

N = 4001


@pytest.fixture
def columns() -> dict[str, np.ndarray]:
    """Columns of cards, all sorts of them."""
    rng = np.random.default_rng(3)
    return {
        "key": children(named_key("cards"), N),
        "status": rng.integers(0, 12, N).astype(np.uint8),
        "kind": rng.integers(0, 5, N).astype(np.uint8),
        "flags": rng.integers(0, 256, N).astype(np.uint8),
        "region": rng.integers(0, 4, N).astype(np.uint8),
        "opened": rng.integers(-3, 5, N).astype(np.int32),
        "uses": rng.integers(0, 9, N).astype(np.uint16),
        "uses_today": (rng.integers(0, 6, N) * rng.integers(0, 2, N)).astype(np.uint8),
        "gang": rng.integers(0, 7, N).astype(np.int32),
    }


def test_cards_opened_on_one_day_fall_asleep_unless_they_are_in_use(columns: dict[str, np.ndarray]) -> None:
    c, flags = columns, columns["flags"].copy()
    asleep = (c["status"] < 5) & (c["opened"] == 2)
    expected = flags | np.where(asleep, np.uint8(1), np.uint8(0))
    assert passes.fall_asleep(c["status"], flags, c["opened"], 5, 2, 1) == asleep.sum() > 0
    assert np.array_equal(flags, expected)


def test_some_of_the_flagged_cards_in_a_range_of_statuses_lose_their_flag(
    columns: dict[str, np.ndarray],
) -> None:
    c, flags = columns, columns["flags"].copy()
    u = uniforms(9, 54, 30, c["key"], 0)
    warm = (c["status"] >= 1) & (c["status"] <= 2) & ((flags & 1) != 0) & (u < 0.3)
    rows = passes.warm_up(np.uint64(9), 54, 30, c["key"], c["status"], flags, 1, 2, 1, 0.3)
    assert rows.tolist() == np.flatnonzero(warm).tolist() != []
    assert np.array_equal(flags, np.where(warm, c["flags"] & 254, c["flags"]))


def test_used_cards_are_flagged_once_at_a_rate_a_use(columns: dict[str, np.ndarray]) -> None:
    c, flags, factor = columns, columns["flags"].copy(), np.array([0.0, 1.0, 2.0, 30.0])
    chance = -np.expm1(-(0.05 * factor[c["region"]] * c["uses_today"]))
    hit = (c["uses_today"] > 0) & ((flags & 128) == 0) & (uniforms(9, 30, 7, c["key"], 0) < chance)
    rows = passes.trace(np.uint64(9), 30, 7, c["key"], c["uses_today"], c["region"], flags, 128, 0.05, factor)
    assert rows.tolist() == np.flatnonzero(hit).tolist() != []
    assert np.array_equal(flags, np.where(hit, c["flags"] | 128, c["flags"]))


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 4000])
@pytest.mark.parametrize("share", [0.0, 0.02, 1.0])
def test_marked_rows_are_found(n: int, share: float) -> None:
    rng = np.random.default_rng(n)
    marks = (rng.integers(1, 9, n) * (rng.random(n) < share)).astype(np.uint8)
    assert passes.marked(marks).tolist() == np.flatnonzero(marks).tolist()


def test_cards_in_use_worn_out_and_ended_are_counted(columns: dict[str, np.ndarray]) -> None:
    c = columns
    of_kind = c["uses_today"][c["kind"] == 3]
    assert passes.usage(c["kind"], c["uses_today"], 3) == ((of_kind > 0).sum(), of_kind.sum())
    cap = np.arange(1, 8)
    worn = (c["status"] == 5) & (c["uses"] >= cap[c["gang"]])
    rows = passes.worn_out(c["status"], c["uses"], c["gang"], cap, 5)
    assert rows.tolist() == np.flatnonzero(worn).tolist() != []
    gone = (c["status"] >= 6) & (c["opened"] < 2)
    assert passes.count_ended(c["status"], c["opened"], 6, 2) == gone.sum() > 0
