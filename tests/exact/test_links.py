"""Contacts and books, kernel against plain arrays: who is found, who is lost, what a week leaves in cash."""

import libm
import numpy as np
import pytest
from reference import KEY, keys

from sim.agents.rules import softmax
from sim.arrays import interval, pick
from sim.kernels import books, links
from sim.kernels.philox import normals, uniforms
from sim.kernels.sampling import poissons
from sim.kernels.traits import gang_traits

PROCESS, DAY, PLACES = 43, 17, 8


class Town:
    """Dealers of two tiers, and buyers who know up to eight of them; a part of both is gone."""

    def __init__(self, seed: int, dealers: int = 60, buyers: int = 150) -> None:
        rng = np.random.default_rng(seed)
        self.keys = keys(buyers)
        self.buying = (rng.random(buyers) < 0.9).astype(np.uint8)
        self.alive = (rng.random(dealers) < 0.7).astype(np.uint8)
        self.tier = rng.integers(0, 2, dealers).astype(np.uint8)
        self.fitness = rng.pareto(1.5, dealers) + 1.0
        self.stock = rng.integers(0, 4, dealers)
        self.order = rng.integers(0, 3, buyers)
        self.contacts = rng.integers(0, dealers, (buyers, PLACES)).astype(np.int32)
        self.contacts[np.arange(PLACES) >= rng.integers(0, PLACES + 1, buyers)[:, None]] = -1
        living = np.flatnonzero(self.buying)
        self.rows = np.sort(rng.permutation(living)[: len(living) // 2])
        self.pool = np.flatnonzero((self.alive == 1) & (self.tier == 1))

    def u(self, rows: np.ndarray, draw: int) -> np.ndarray:
        """The uniform number of each buyer."""
        return uniforms(KEY, PROCESS, DAY, self.keys[rows], draw)

    def by_attachment(self, rows: np.ndarray, weight: np.ndarray, draw: int) -> np.ndarray:
        """A dealer of the pool for each row, by weight."""
        edges = np.cumsum(weight[self.pool])
        return self.pool[interval(edges, self.u(rows, draw) * edges[-1])]

    def links(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which contacts are at large (buyers, places); buyers and the dealers they know, by dealer."""
        at_large = (self.contacts >= 0) & (self.alive[np.maximum(self.contacts, 0)] == 1)
        at_large &= (self.buying == 1)[:, None]
        buyer, place = np.nonzero(at_large)
        known = self.contacts[buyer, place]
        order = np.argsort(known, kind="stable")
        return at_large, buyer[order], known[order]

    def rewired(self, draw: int, chance: float, triadic: float) -> np.ndarray:
        """The contacts after lost ones were replaced, place by place."""
        at_large, buyer, known = self.links()
        out, rows = self.contacts.copy(), self.rows
        lost = (self.contacts >= 0) & (self.alive[np.maximum(self.contacts, 0)] == 0)
        for place in range(PLACES):
            found = lost[rows, place] & (self.u(rows, draw + 2 * place) < chance)
            new = self.by_attachment(rows, self.fitness, draw + 2 * place + 1)
            u = [self.u(rows, 300 + draw + 4 * place + k) for k in range(4)]
            shared = self.contacts[rows, pick(at_large[rows].astype(float), u[0])]
            first = np.searchsorted(known, shared)
            count = np.searchsorted(known, shared, side="right") - first
            other = buyer[np.minimum(first + (u[1] * count).astype(np.int64), len(buyer) - 1)]
            theirs = self.contacts[other, pick(at_large[other].astype(float), u[2])]
            closes = at_large[rows].any(axis=1) & (u[3] < triadic)
            out[rows[found], place] = np.where(closes, theirs, new)[found]
        return out


@pytest.mark.parametrize(("chance", "triadic"), [(1.0, 0.5), (0.5, 1.0), (0.3, 0.0)])
def test_lost_contacts_are_replaced_as_by_arrays(chance: float, triadic: float) -> None:
    """Equation 4.15: the same dealers by closure and attachment, in a world with one dealer too."""
    for seed in range(8):
        town = Town(seed, *((1, 40) if seed == 7 else (60, 150)))
        expected = town.rewired(100, chance, triadic) if len(town.pool) else town.contacts.copy()
        assert seed == 7 or (expected != town.contacts).sum() > 10
        links.rewire(
            KEY, PROCESS, DAY, 100, town.rows, town.keys, town.contacts, town.buying, town.alive, town.tier,
            town.fitness, 1, chance, triadic,
        )  # fmt: skip
        assert np.array_equal(town.contacts, expected)


def test_buyers_of_a_dealer_stand_in_the_order_of_their_rows() -> None:
    """Who knows whom is a stable sort by dealer, of the dealers that are asked for."""
    town = Town(3)
    _, expected, known = town.links()
    for asked in (town.alive, town.alive * (np.arange(len(town.alive)) % 3 == 0).astype(np.uint8)):
        first, buyer = links.known_by(town.contacts, town.buying, asked)
        counts = asked[known] == 1
        assert np.array_equal(buyer, expected[counts])
        assert np.array_equal(first, np.searchsorted(known[counts], np.arange(len(town.alive) + 1)))


@pytest.mark.parametrize("chance", [1.0, 0.4])
def test_buyers_with_an_open_order_find_dealers_who_have_cards(chance: float) -> None:
    """Equation 4.7: one contact gives way to a dealer of the pool, by its stock; without stock to nobody."""
    for seed in range(6):
        town = Town(seed)
        town.stock *= seed > 0
        expected, rows = town.contacts.copy(), town.rows
        rows = rows[(town.order[rows] > 0) & (town.u(rows, 200) < chance)]
        if town.stock.any():
            known = np.maximum((expected[rows] >= 0).sum(axis=1), 1)
            place = (town.u(rows, 202) * known).astype(np.int64)
            expected[rows, place] = town.by_attachment(rows, town.stock, 201)
            assert (expected != town.contacts).any()
        links.look_around(
            KEY, PROCESS, DAY, 200, town.rows, town.keys, town.order, town.contacts, town.alive, town.tier,
            town.stock, 1, chance,
        )  # fmt: skip
        assert np.array_equal(town.contacts, expected)


def test_newcomers_know_one_dealer_and_a_poisson_number_more() -> None:
    """The first contacts of newcomers, and the empty places behind them; with an empty pool nobody."""
    town, new = Town(5), keys(200, 1000)
    got = np.empty((200, PLACES), dtype=np.int32)
    links.first_contacts(KEY, 20, new, town.alive, town.tier, town.fitness, 1, 4.5, got)
    count = np.clip(1 + poissons(KEY, 20, 0, new, 0, 3.5), 1, PLACES)
    edges = np.cumsum(town.fitness[town.pool])
    for place in range(PLACES):
        who = town.pool[interval(edges, uniforms(KEY, 20, 0, new, 1 + place) * edges[-1])]
        assert np.array_equal(got[:, place], np.where(place < count, who, -1))
    links.first_contacts(KEY, 20, new, 0 * town.alive, town.tier, town.fitness, 1, 4.5, got)
    assert (got == -1).all()


def test_the_books_of_a_week_agree_with_the_books_kept_by_arrays() -> None:
    """Cash, profit and who gives up: the same fen and the same bits, and other weekdays are left alone."""
    rng = np.random.default_rng(4)
    n = 3000
    alive = (rng.random(n) < 0.8).astype(np.uint8)
    weekday, staff = rng.integers(0, 7, n).astype(np.uint8), rng.integers(0, 30, n).astype(np.int32)
    cash, income, cost = (rng.integers(low, 10**8, n) for low in (-(10**6), 0, 0))
    profit = rng.normal(0.0, 1e7, n)
    rows = np.flatnonzero((alive == 1) & (weekday == DAY % 7))
    bill, keep = (np.round(staff[rows] * each * 100).astype(np.int64) for each in (812.345, 2000.5))
    result = (income[rows] - cost[rows] - bill).astype(np.float64)
    remembered = profit[rows] + 0.25 * (result - profit[rows])
    paid = np.minimum(bill, np.maximum(cash[rows], 0))
    out = paid + np.maximum(cash[rows] - paid - keep, 0)
    loss = np.clip(-remembered / np.maximum(bill, 1), 0.0, 1.0)
    leaves = uniforms(KEY, 38, DAY, keys(n)[rows], 0) < -np.expm1(-0.8 * loss)
    left = cash.copy()
    left[rows] -= out
    others = np.setdiff1d(np.arange(n), rows)
    before = income.copy()
    spent, stay, gone = books.gang_books(
        KEY, 38, DAY, alive, weekday, keys(n), staff, cash, income, cost, profit, 812.345, 2000.5, 0.25, 0.8,
        1,
    )  # fmt: skip
    assert spent == out.sum()
    assert np.array_equal(cash, left)
    assert np.array_equal(profit[rows], remembered)
    assert np.array_equal(stay, rows[~leaves])
    assert np.array_equal(gone, rows[leaves])
    assert 20 < len(gone) < len(rows)
    assert not income[rows].any()
    assert not cost[rows].any()
    assert np.array_equal(income[others], before[others])
    cash, tier = left.copy(), rng.integers(0, 2, n).astype(np.uint8)
    drawn, sellers = books.dealer_books(DAY, alive, weekday, tier, cash, 10**7, 1)
    out = np.maximum(left[rows] - 10**7, 0)
    assert drawn == out.sum() == (left - cash).sum()
    assert np.array_equal(cash[rows], left[rows] - out)
    assert np.array_equal(sellers, rows[tier[rows] == 1])


def test_the_degree_of_a_dealer_counts_the_buyers_who_know_it() -> None:
    """Of buyers that count, each place with a contact adds one."""
    town = Town(2)
    degree = np.ones(len(town.alive), dtype=np.int64)
    links.add_known(town.contacts, town.buying, degree)
    known = town.contacts[town.buying == 1].ravel()
    assert np.array_equal(degree, 1 + np.bincount(known[known >= 0], minlength=len(town.alive)))


def test_traits_of_gangs_agree_with_traits_by_arrays() -> None:
    """Staff, skill, methods and weekday: the same bits from the same normal numbers."""
    n, own, weight = 2000, keys(2000), np.array([0.5, 0.3, 0.2])
    staff, skill, weekday = np.empty(n, dtype=np.int32), np.empty(n), np.empty(n, dtype=np.uint8)
    methods, logs = np.empty((n, 3)), (np.array([0.8, 0.8**2 / 2]), np.array([0.3, 0.3**2 / 2]))
    gang_traits(KEY, 18, own, 9.0, *logs, np.log(weight), staff, skill, methods, weekday)
    z = [normals(KEY, 18, 0, own, draw) for draw in range(6)]
    assert np.array_equal(staff, np.maximum(np.round(9.0 * libm.exp(0.8 * z[0] - 0.8**2 / 2)), 1))
    assert np.array_equal(skill, libm.exp(0.3 * z[1] - 0.3**2 / 2))
    assert np.array_equal(methods, softmax(np.column_stack(z[3:]) + np.log(weight)))
    assert np.array_equal(weekday, (uniforms(KEY, 18, 0, own, 20) * 7).astype(np.uint8))
