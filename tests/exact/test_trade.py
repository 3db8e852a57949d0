"""Check A8 and the kernels of trade: who is asked, who is served, which cards change hands."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from reference import RARE, decide_counts, decide_mean, keys
from scipy import stats

from sim.kernels.chain import assign_uses, capacity, take_first
from sim.kernels.trade import choose_seller, hand_over, line_up, match, serve, visit
from sim.random import KeyedRandom, Process

RANDOM = KeyedRandom(8, 0)
STOCK, ACTIVE, OTHER = 4, 5, 7
PROPERTY = settings(max_examples=150, deadline=None, derandomize=True)


def chosen(ask: np.ndarray, reachable: np.ndarray, sharpness: float, u: np.ndarray) -> np.ndarray:
    """Whom each of some buyers asks, int64 (n); ``ask`` and ``reachable``: (n, contacts)."""
    edges = np.empty(ask.shape[1])
    rows = zip(ask, reachable, u, strict=True)
    return np.array([choose_seller(a, r, sharpness, at, edges) for a, r, at in rows], dtype=np.int64)


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
        seller = chosen(asks, reachable, 3.0, RANDOM.uniform(Process.SELLER_CHOICE, day, keys(orders)))
        queue = line_up(seller, RANDOM.uniform(Process.QUEUE, day, keys(orders)), sellers)
        filled = np.zeros(orders, dtype=np.int64)
        match(
            queue,
            seller,
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
    column = chosen(np.tile(ask, (n, 1)), reachable, 2.0, RANDOM.uniform(Process.SELLER_CHOICE, 900, keys(n)))
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
    column = chosen(ask, reachable, data.draw(st.floats(0.0, 20.0)), u)
    for i in range(n):
        assert (column[i] >= 0) == reachable[i].any()
        assert column[i] < 0 or reachable[i, column[i]]


@PROPERTY
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.2, 0.4, 0.6])), max_size=60))
def test_buyers_line_up_seller_by_seller_and_equal_places_keep_their_order(
    visits: list[tuple[int, float]],
) -> None:
    """The queue is a stable sort by seller, then by place."""
    seller = np.array([s for s, _ in visits], dtype=np.int64)
    queue = line_up(seller, np.array([place for _, place in visits], dtype=float), 5)
    assert queue.tolist() == sorted(range(len(visits)), key=lambda i: visits[i])


def test_a_long_queue_at_one_seller_is_in_order() -> None:
    """Ten thousand buyers at one seller stand by their places."""
    place = RANDOM.uniform(Process.QUEUE, 0, keys(10_000))
    queue = line_up(np.full(10_000, 2), place, 3)
    assert np.array_equal(queue, np.argsort(place, kind="stable"))


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


@PROPERTY
@given(st.integers(0, 2**32 - 1), st.integers(0, 1), st.booleans())
def test_a_day_of_trade_is_that_of_plain_python(seed: int, goods: int, on_account: bool) -> None:
    """Visits, queues, trades, money and news, buyer by buyer and seller by seller."""
    rng, day, draw = np.random.default_rng(seed), 5, 3
    n, sellers = rng.integers(0, 30), rng.integers(1, 8)
    two = lambda kind, high, rows: rng.integers(0, high, (rows, 2)).astype(kind)  # noqa: E731
    low = lambda rows: rng.choice([0, 0, 0, 9], rows).astype(np.int32)  # noqa: E731
    alive, s_alive = (rng.choice([0, 1, 1, 1], k).astype(np.uint8) for k in (n, sellers))
    low_until, s_low, key = low(n), low(sellers), keys(int(n), seed)
    cash, order = rng.integers(-20_000, 400_000, n), two(np.int64, 6, n)
    bid, ask = 500.0 + two(float, 900, n), 400.0 + two(float, 900, sellers) / 7
    contacts = rng.integers(-1, sellers, (n, 4)).astype(np.int32)
    fresh, wanted = two(float, 3, n) / 3, two(float, 9, sellers)
    stock, s_cash, sold = two(np.int64, 5, sellers), rng.integers(0, 9, sellers), rng.integers(0, 9, sellers)
    supplied = two(float, 9, sellers)

    def at_work(s: int) -> bool:
        return bool(s_alive[s] and s_low[s] <= day)

    expected = [a.copy() for a in (cash, order, fresh, wanted, stock, s_cash, supplied, sold)]
    (e_cash, e_order, e_fresh, e_wanted, e_stock, es_cash, e_supplied, e_sold), queues = expected, {}
    for b in range(n):
        if not alive[b] or low_until[b] > day or not order[b, goods]:
            continue
        can = [s >= 0 and at_work(s) and ask[s, goods] <= bid[b, goods] for s in contacts[b]]
        full = [can[c] and stock[s, goods] > 0 for c, s in enumerate(contacts[b])]
        u = RANDOM.uniform(Process.SELLER_CHOICE, day, key[b : b + 1], draw)
        asks, reachable = ask[contacts[b], goods][None, :], np.array([full if any(full) else can])
        column = chosen(asks, reachable, 2.5, u)[0]
        if column < 0:
            continue
        s = int(contacts[b, column])
        e_wanted[s, goods] += e_fresh[b, goods]
        e_fresh[b, goods] = 0.0
        place = float(RANDOM.uniform(Process.QUEUE, day, key[b : b + 1], 10 + draw)[0])
        queues.setdefault(s, []).append((place, b))
    trades = []
    for s in sorted(queues):
        fen = round(ask[s, goods] * 100)
        for _, b in sorted(queues[s]):
            most = order[b, goods] if on_account else min(order[b, goods], max(cash[b], 0) // fen)
            if cards := min(most, e_stock[s, goods]):
                trades.append((b, s, ask[s, goods], cards, fen))
                for column, change in ((e_stock, -cards), (e_supplied, cards)):
                    column[s, goods] += change
                e_order[b, goods] -= cards
                e_sold[s] += cards
                e_cash[b] -= cards * fen
                es_cash[s] += cards * fen

    run = (RANDOM.key, int(Process.SELLER_CHOICE), int(Process.QUEUE), day, draw, goods, 2.5, on_account)
    buyers = (alive, low_until, key, cash, order, bid, contacts, fresh)
    visits = visit(*run, *buyers, s_alive, s_low, ask, stock, wanted)
    made = serve(goods, *visits, cash, order, s_cash, supplied, sold, stock)
    assert list(zip(*(column.tolist() for column in made), strict=True)) == trades
    after = (cash, order, fresh, wanted, stock, s_cash, supplied, sold)
    assert all(np.array_equal(a, b) for a, b in zip(after, expected, strict=True))


@PROPERTY
@given(st.data())
def test_the_oldest_cards_are_handed_over_first_and_each_once(data: st.DataObject) -> None:
    """First in, first out, as a queue of buyers at each seller has it; no card goes that is not on the
    seller's shelf, none beyond the trade.
    """
    n, sellers = data.draw(st.integers(0, 40)), data.draw(st.integers(1, 4))
    status = np.array(
        data.draw(st.lists(st.sampled_from([STOCK, ACTIVE, OTHER]), min_size=n, max_size=n)), dtype=np.uint8
    )
    owner = np.array(data.draw(st.lists(st.integers(-1, sellers), min_size=n, max_size=n)), dtype=np.int32)
    trade = st.tuples(st.integers(0, sellers - 1), st.integers(1, 5))
    trades = np.array(sorted(data.draw(st.lists(trade, max_size=10))), dtype=np.int64).reshape(-1, 2)
    seller, quantity = trades[:, 0].copy(), trades[:, 1].copy()
    queues = [deque(np.repeat(np.flatnonzero(seller == s), quantity[seller == s])) for s in range(sellers)]
    expected = [
        (card, queues[o].popleft())
        for card, (s, o) in enumerate(zip(status, owner, strict=True))
        if s == STOCK and 0 <= o < sellers and queues[o]
    ]
    rows, of = hand_over(status, owner, STOCK, sellers, seller, quantity)
    assert list(zip(rows, of, strict=True)) == expected


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
