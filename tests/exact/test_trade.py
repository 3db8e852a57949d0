"""Check A8 and the kernels of trade: who is asked, who is served, which cards change hands."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from reference import RARE, decide_counts, decide_mean, keys
from scipy import stats

from sim.kernels.chain import assign_uses, capacity, hand_over, match, take_first
from sim.processes.market import choose_seller
from sim.random import KeyedRandom, Process

RANDOM = KeyedRandom(8, 0)
STOCK, ACTIVE, OTHER = 4, 5, 7
PROPERTY = settings(max_examples=150, deadline=None, derandomize=True)


@pytest.mark.parametrize(("sellers", "orders"), [(50, 50), (20, 60), (100, 30)])
def test_a8_blind_search_fills_as_many_orders_as_balls_fill_urns(sellers: int, orders: int) -> None:
    """A8: U orders that each ask one of V sellers with a single card give V (1 - (1 - 1/V)^U) trades on
    average.

    Rule: mean over 400 days within 4 standard errors of the urn-ball mean, by its exact variance; 2% could be
    told.
    """
    days = 400
    asks, reachable = np.full((orders, sellers), 900.0), np.ones((orders, sellers), dtype=bool)
    trades = []
    for day in range(days):
        seller = choose_seller(asks, reachable, 3.0, RANDOM.uniform(Process.SELLER_CHOICE, day, keys(orders)))
        queue = np.argsort(RANDOM.uniform(Process.QUEUE, day, keys(orders)))
        filled = np.zeros(orders, dtype=np.int64)
        match(
            queue,
            seller.astype(np.int64),
            np.ones(orders, dtype=np.int64),
            np.ones(sellers, dtype=np.int64),
            filled,
        )
        trades.append(int(filled.sum()))
    empty, both = (1 - 1 / sellers) ** orders, (1 - 2 / sellers) ** orders
    variance = sellers * empty + sellers * (sellers - 1) * both - (sellers * empty) ** 2
    expected = sellers * (1 - empty)
    decide_mean(float(np.mean(trades)), expected, variance, days, 0.02 * expected)


def test_a_buyer_asks_a_cheap_contact_more_often() -> None:
    """Equation 4.7: the chance to ask a reachable contact is proportional to ask^-sharpness.

    Rule: chi-square over 40,000 buyers, p > 1e-4; the unreachable contact is never asked.
    """
    n, ask = 40_000, np.array([800.0, 1000.0, 500.0, 1600.0])
    reachable = np.tile([True, True, False, True], (n, 1))
    column = choose_seller(
        np.tile(ask, (n, 1)), reachable, 2.0, RANDOM.uniform(Process.SELLER_CHOICE, 900, keys(n))
    )
    counts = np.bincount(column, minlength=4)
    assert counts[2] == 0
    weight = ask[[0, 1, 3]] ** -2.0
    decide_counts(counts[[0, 1, 3]].tolist(), (weight / weight.sum()).tolist())


@PROPERTY
@given(st.data())
def test_only_reachable_contacts_are_asked_and_someone_is_if_any_is(data: st.DataObject) -> None:
    """Whatever the asks (from a fen to a billion yuan), the choice is reachable, or -1 where nobody is."""
    n, contacts = data.draw(st.integers(0, 12)), data.draw(st.integers(1, 8))
    ask = data.draw(hnp.arrays(np.float64, (n, contacts), elements=st.floats(0.01, 1e9)))
    reachable = data.draw(hnp.arrays(np.bool_, (n, contacts)))
    u = data.draw(hnp.arrays(np.float64, n, elements=st.floats(2.0**-53, 1 - 2.0**-53)))
    column = choose_seller(ask, reachable, data.draw(st.floats(0.0, 20.0)), u)
    for i in range(n):
        assert (column[i] >= 0) == reachable[i].any()
        assert column[i] < 0 or reachable[i, column[i]]


ORDERS = st.integers(0, 25)


@PROPERTY
@given(st.data())
def test_orders_are_served_in_sequence_and_never_beyond_stock_or_want(data: st.DataObject) -> None:
    """Cards sold = cards that left the shelves; the first in the queue is served first, as plain Python does
    it.
    """
    n, sellers = data.draw(ORDERS), data.draw(st.integers(1, 5))
    whole = lambda size, top: data.draw(hnp.arrays(np.int64, size, elements=st.integers(0, top)))  # noqa: E731
    order = np.array(data.draw(st.permutations(range(n))), dtype=np.int64)
    seller, wanted, stock = whole(n, sellers - 1), whole(n, 9), whole(sellers, 20)
    left, expected = stock.tolist(), [0] * n
    for i in order.tolist():
        expected[i] = min(int(wanted[i]), left[seller[i]])
        left[seller[i]] -= expected[i]
    filled, after = np.zeros(n, dtype=np.int64), stock.copy()
    match(order, seller, wanted, after, filled)
    assert (filled.tolist(), after.tolist()) == (expected, left)
    assert (filled <= wanted).all()
    assert filled.sum() == stock.sum() - after.sum()


def reference_hand_over(
    status: list[int], owner: list[int], trades: list[list[tuple[int, int]]]
) -> list[int]:
    """Buyer of each card, -1 where it stays: each seller's oldest cards to its buyers in their order."""
    queues = [deque(buyer for buyer, quantity in own for _ in range(quantity)) for own in trades]
    return [
        queues[o].popleft() if s == STOCK and 0 <= o < len(queues) and queues[o] else -1
        for s, o in zip(status, owner, strict=True)
    ]


@PROPERTY
@given(st.data())
def test_the_oldest_cards_are_handed_over_first_and_each_once(data: st.DataObject) -> None:
    """First in, first out; no card goes twice, none goes that is not on the seller's shelf, none beyond the
    trade.
    """
    n, sellers = data.draw(st.integers(0, 40)), data.draw(st.integers(1, 4))
    status = np.array(
        data.draw(st.lists(st.sampled_from([STOCK, ACTIVE, OTHER]), min_size=n, max_size=n)), dtype=np.uint8
    )
    owner = np.array(data.draw(st.lists(st.integers(-1, sellers), min_size=n, max_size=n)), dtype=np.int32)
    trade = st.tuples(st.integers(0, 6), st.integers(0, 5))
    trades = [data.draw(st.lists(trade, max_size=4)) for _ in range(sellers)]
    flat = np.array([pair for own in trades for pair in own], dtype=np.int64).reshape(-1, 2)
    start = np.cumsum([0, *(len(own) for own in trades)])
    quantity, target = flat[:, 1].copy(), np.full(n, 99, dtype=np.int64)
    hand_over(status, owner, STOCK, start, flat[:, 0].copy(), quantity, target)
    assert target.tolist() == reference_hand_over(status.tolist(), owner.tolist(), trades)
    assert (target >= 0).sum() == flat[:, 1].sum() - quantity.sum()
    assert (quantity >= 0).all()


@PROPERTY
@given(st.data())
def test_uses_are_placed_once_and_within_day_and_life_of_each_card(data: st.DataObject) -> None:
    """Uses placed = uses asked for less uses still to be placed = rise of the cards' uses, gang by gang.

    No card exceeds its daily or its lifelong cap; cards in use come before cards in stock; what the cards
    could give (``capacity``) is exactly what can be placed, and the money follows the uses.
    """
    n, gangs, per_day = (
        data.draw(st.integers(0, 40)),
        data.draw(st.integers(1, 4)),
        data.draw(st.integers(1, 5)),
    )
    draw = lambda dtype, top, size: data.draw(hnp.arrays(dtype, size, elements=st.integers(0, top)))  # noqa: E731
    status = np.array(
        data.draw(st.lists(st.sampled_from([STOCK, ACTIVE, OTHER]), min_size=n, max_size=n)), dtype=np.uint8
    )
    gang, uses = draw(np.int32, gangs - 1, n), draw(np.uint16, 12, n)
    cap, asked, fen = draw(np.int64, 10, gangs), draw(np.int64, 40, gangs), draw(np.int64, 1000, gangs)
    room = np.zeros(gangs, dtype=np.int64)
    capacity(status, gang, uses, ACTIVE, STOCK, cap, per_day, room)
    need, after, today = asked.copy(), uses.copy(), np.zeros(n, dtype=np.uint8)
    flow, amount, activated = (
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.uint8),
    )
    for phase in (0, 1):
        assign_uses(
            status, gang, after, today, flow, amount, ACTIVE, STOCK, per_day, cap, phase, need, fen, activated
        )
    placed = after.astype(np.int64) - uses
    assert np.array_equal(placed, today)
    assert np.array_equal(np.bincount(gang, weights=placed, minlength=gangs), asked - need)
    assert np.array_equal(asked - need, np.minimum(asked, room))
    assert (placed <= per_day).all()
    assert (after <= np.maximum(cap[gang], uses)).all()
    assert not placed[status == OTHER].any()
    assert np.array_equal(activated == 1, (status == STOCK) & (placed > 0))
    assert np.array_equal(flow, placed * fen[gang])
    assert np.array_equal(amount, flow)
    spare = (status == ACTIVE) & (
        placed < np.minimum(per_day, np.maximum(cap[gang] - uses.astype(np.int64), 0))
    )
    assert not set(gang[spare].tolist()) & set(gang[activated == 1].tolist())


@PROPERTY
@given(st.data())
def test_the_first_cards_in_a_status_are_taken_until_the_need_is_met(data: st.DataObject) -> None:
    """Taken cards are the oldest of their owner in that status: no more than needed, and none spared."""
    n, owners = data.draw(st.integers(0, 40)), data.draw(st.integers(1, 4))
    status = np.array(
        data.draw(st.lists(st.sampled_from([STOCK, ACTIVE]), min_size=n, max_size=n)), dtype=np.uint8
    )
    owner = data.draw(hnp.arrays(np.int32, n, elements=st.integers(0, owners - 1)))
    need = data.draw(hnp.arrays(np.int64, owners, elements=st.integers(0, 8)))
    left = need.copy()
    rows = take_first(status, owner, ACTIVE, left)
    for who in range(owners):
        own = np.flatnonzero((owner == who) & (status == ACTIVE))
        assert rows[owner[rows] == who].tolist() == own[: need[who]].tolist()
        assert left[who] == need[who] - min(len(own), need[who])
    assert (status[rows] == ACTIVE).all()
    assert (np.diff(rows) > 0).all()


def test_the_queue_is_fair() -> None:
    """With one card on the shelf each of four buyers is served on a quarter of the days.

    Rule: chi-square over 8,000 days, p > 1e-4.
    """
    served = np.zeros(4)
    for day in range(8000):
        filled = np.zeros(4, dtype=np.int64)
        queue = np.argsort(RANDOM.uniform(Process.QUEUE, day, keys(4)))
        match(
            queue, np.zeros(4, dtype=np.int64), np.ones(4, dtype=np.int64), np.ones(1, dtype=np.int64), filled
        )
        served += filled
    assert stats.chisquare(served).pvalue > RARE
