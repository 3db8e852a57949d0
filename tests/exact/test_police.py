"""Check A9: the leads of a police unit queue as theory says, with Poisson arrivals and c worked off a day."""

import cmath
import math

import numpy as np
import pytest
from reference import KEY, decide_mean, keys

from sim.agents.police import Leads
from sim.kernels import enforcement
from sim.kernels.philox import uniforms
from sim.processes.investigation import earliest


def mean_backlog(a: float, c: int) -> float:
    """Mean leads left at the end of a day, from the roots of z^c = exp(a (z - 1)) inside the unit circle.

    Before the day's work the mean is a/(2 (c - a)) + a/2 - (c - 1)/2 + sum 1/(1 - z_k); a are worked off.
    """
    total = 0j
    for k in range(1, c):
        z, turn = 0j, cmath.exp(2j * math.pi * k / c)
        for _ in range(500):
            z = turn * cmath.exp(a * (z - 1) / c)
        assert abs(z**c - cmath.exp(a * (z - 1))) < 1e-12
        total += 1.0 / (1.0 - z)
    assert abs(total.imag) < 1e-9
    return a / (2.0 * (c - a)) - a / 2.0 - (c - 1) / 2.0 + total.real


class Queue(Leads):
    """Leads that are put in and worked off without chance."""

    def receive(self, day: int, unit: np.ndarray, gang: np.ndarray, key: np.ndarray) -> None:
        """Every case yields a lead."""
        self.reserve(len(key))
        sure, cases = np.ones(1), (gang, unit, np.zeros(len(key), dtype=np.int64), key)
        self.n = enforcement.take_leads(KEY, 31, day, sure, *cases, self.n, *self.columns)

    def work_off(self, oldest: int, room: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Gangs and keys of the leads worked off, and how many each unit took."""
        worked = np.empty(len(room), dtype=np.int64)
        self.n, gang, key = enforcement.work_off(oldest, room, self.n, *self.columns, worked)
        return gang, key, worked


class Books:
    """Unit 1 of three at work, which never drops a lead: backlog at the end of each day, leads received, and
    the days that each lead waited.
    """

    def __init__(self, arrivals: np.ndarray, c: int) -> None:
        leads, room = Queue(), np.array([9, c, 9])
        self.backlog, self.waits = np.zeros(len(arrivals)), []
        for day, new in enumerate(arrivals.tolist()):
            leads.receive(day, np.ones(new, dtype=np.int64), np.full(new, day), keys(new))
            received, _, worked = leads.work_off(0, room)
            assert worked.tolist() == [0, len(received), 0]
            self.waits += (day - received).tolist()
            self.backlog[day] = leads.n
        self.received = int(arrivals.sum())


@pytest.mark.parametrize(("a", "c"), [(0.6, 1), (1.5, 2), (4.2, 5)])
def test_a9_the_mean_backlog_is_that_of_the_complex_roots(a: float, c: int) -> None:
    """A9: Poisson(a) leads a day, c worked off.

    Rule: mean over 30 units of 2,000 days each (after 200) within 4 standard errors, estimated from the
    units; 12% could be told.
    """
    arrivals = np.random.default_rng(9).poisson(a, (30, 2200))
    means = [Books(days, c).backlog[200:].mean() for days in arrivals]
    expected = mean_backlog(a, c)
    decide_mean(float(np.mean(means)), expected, float(np.var(means, ddof=1)), len(means), 0.12 * expected)


def test_a9_roots_for_one_a_day_give_the_textbook_queue() -> None:
    """A9: without roots (c = 1) the mean is a^2 / (2 (1 - a))."""
    assert math.isclose(mean_backlog(0.6, 1), 0.36 / 0.8)


def test_a9_more_leads_than_hands_let_the_backlog_grow_by_the_difference() -> None:
    """A9: with a > c the backlog grows by a - c a day.

    Rule: growth over 30 units of 500 days, from a backlog that never runs out, within 4 standard errors of
    the Poisson sum; 7% could be told.
    """
    a, c, days, first = 4.0, 3, 500, 200
    arrivals = np.random.default_rng(10).poisson(a, (30, days))
    arrivals[:, 0] += first
    growth = [Books(row, c).backlog[-1] - first for row in arrivals]
    decide_mean(float(np.mean(growth)) / days, a - c, a / days, len(growth), 0.07 * (a - c))


def test_a9_littles_law_holds_to_the_lead() -> None:
    """A9: leads left at the ends of days, summed, are the days that leads waited, summed (L = a W)."""
    arrivals = np.append(np.random.default_rng(11).poisson(2.8, 1000), np.zeros(400, dtype=np.int64))
    books = Books(arrivals, 3)
    assert books.backlog[-1] == 0
    assert len(books.waits) == books.received
    assert books.backlog.sum() == sum(books.waits) > 1000


def test_a9_each_unit_takes_its_own_leads_in_their_order() -> None:
    """Leads of many units in one queue: each takes its oldest, as far as it has room; stale ones lapse.

    Rule: the same leads, in the order in which they came, as from a list a unit, on each of 60 days.
    """
    rng = np.random.default_rng(12)
    leads, lists, life = Queue(), [[] for _ in range(5)], 6
    for day in range(60):
        new = int(rng.integers(0, 20))
        unit, gang, key = rng.integers(0, 5, new), rng.integers(0, 900, new), keys(new, 100 * day)
        leads.receive(day, unit, gang, key)
        for at, *lead in zip(unit.tolist(), gang.tolist(), key.tolist(), strict=True):
            lists[at].append((day, *lead))
        room = rng.integers(0, 4, 5)
        expected = []
        for at, mine in enumerate(lists):
            fresh = [lead for lead in mine if lead[0] >= day - life]
            expected += [(*lead, at) for lead in fresh[: room[at]]]
            lists[at] = fresh[room[at] :]
        gang, key, worked = leads.work_off(day - life, room)
        assert sorted(zip(gang.tolist(), key.tolist(), strict=True)) == sorted(x[1:3] for x in expected)
        assert worked.tolist() == [sum(x[3] == at for x in expected) for at in range(5)]
        left = zip(*(column[: leads.n].tolist() for column in leads.columns[:3]), strict=True)
        kept = [(day, at, gang) for at, mine in enumerate(lists) for day, gang, _ in mine]
        assert sorted(left) == sorted(kept)
    assert sum(len(mine) for mine in lists) > 20


def test_solved_cases_break_up_gangs_and_trace_openers_as_by_arrays() -> None:
    """What comes of the leads worked off: the same numbers of each case settle the same as arrays."""
    rng = np.random.default_rng(14)
    queue, n, places = Queue(), 800, 4
    unit, gang, key = rng.integers(0, 3, n), rng.integers(0, 90, n), keys(n)
    queue.receive(5, unit, gang, key)
    home, broken = rng.integers(0, places, 90).astype(np.uint8), np.array([0.5, 0.1, 0.9, 0.0])
    capacity, units = np.array([50.5, 0.25, 200.0]), keys(3, 5000)
    worked, solved = np.empty(3, dtype=np.int64), np.empty(places, dtype=np.int64)
    left, traced, gone = enforcement.investigate(
        KEY, 40, 32, 9, 0, units, capacity, 0.4, broken, 0.3, home, queue.n, *queue.columns, worked, solved
    )
    room = np.floor(capacity) + (uniforms(KEY, 40, 9, units, 0) < capacity - np.floor(capacity))
    assert worked.tolist() == room.tolist()
    taken = np.concatenate([np.flatnonzero(unit == at)[: int(room[at])] for at in range(3)])
    taken = taken[uniforms(KEY, 32, 9, key[taken], 0) < 0.4]
    assert left == n - room.sum()
    assert np.array_equal(solved, np.bincount(home[gang[taken]], minlength=places))
    assert traced == (uniforms(KEY, 32, 9, key[taken], 2) < 0.3).sum() > 5
    hit = uniforms(KEY, 32, 9, key[taken], 1) < broken[home[gang[taken]]]
    assert sorted(gone.tolist()) == sorted(gang[taken][hit].tolist())
    assert hit.sum() > 5


def test_lots_are_drawn_among_those_in_reach() -> None:
    """Persons away, not barred, in a region that is reached: their rows, and a number by their key."""
    rng = np.random.default_rng(15)
    n, own = 500, np.uint64(77)
    away, banned = np.flatnonzero(rng.random(n) < 0.5), rng.integers(0, 20, n).astype(np.int32)
    region, reached = rng.integers(0, 5, n).astype(np.uint8), np.array([True, False, True, True, False])
    rows, lots = enforcement.draw_lots(KEY, 52, 10, 1, own, away, keys(n), banned, region, reached)
    assert np.array_equal(rows, away[(banned[away] <= 10) & reached[region[away]]])
    assert np.array_equal(lots, uniforms(KEY, 52, 10, keys(n)[rows] ^ own, 1))


def test_two_lists_of_persons_away_make_one() -> None:
    """Each person once, in rising order, without those who are back."""
    rng = np.random.default_rng(17)
    free = rng.integers(0, 20, 300).astype(np.int32)
    for shares in ((0.5, 0.1), (0.0, 0.3), (0.4, 0.0), (0.0, 0.0), (0.9, 0.9)):
        away, new = (np.flatnonzero(rng.random(300) < share) for share in shares)
        both = np.union1d(away, new)
        assert np.array_equal(enforcement.still_away(away, new, free, 12), both[free[both] > 12])


def test_hours_of_police_are_whole_and_right_on_average() -> None:
    """Hours by place: leads, arrests and orders times theirs, the fraction settled by a draw."""
    rng = np.random.default_rng(16)
    worked, arrested, orders = rng.integers(0, 3, 30), rng.integers(0, 3, 31), rng.random(30)
    each = np.array([0.7, 4.1, 0.33])
    got = enforcement.police_hours(KEY, 40, 3, 3, keys(31), worked, arrested, orders, each, 7)
    hours = (np.append(worked, 0) * 0.7 + arrested * 4.1) * 7 + np.append(orders, 0.0) * 0.33
    up = uniforms(KEY, 40, 3, keys(31), 3) < hours - np.floor(hours)
    assert np.array_equal(got, np.floor(hours).astype(np.int64) + up)


def test_the_earliest_are_the_start_of_a_stable_sort() -> None:
    """A race has the winners of a full stable sort, with equal clocks too."""
    rng = np.random.default_rng(13)
    for n in (0, 1, 7, 300):
        clock = rng.integers(0, 20, n) / 4.0
        for count in (0, 1, 5, n, n + 3):
            assert np.array_equal(earliest(clock, count), np.argsort(clock, kind="stable")[:count])
