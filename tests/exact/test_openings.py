"""The kernels of openings against plain Python: who is drawn, met, taken, at which outlet, refused, paid."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import KEY, keys

from sim.kernels import counter, openings
from sim.kernels.philox import child_key, uniform_at, uniforms
from sim.kernels.sampling import poisson_at

REGIONS = 4
DAY = 100
FEW = settings(max_examples=40, deadline=None, derandomize=True)


class Trade:
    """Recruiters and persons in a few regions, the last of which may have no recruiter."""

    def __init__(self, seed: int, dealers: int = 60, persons: int = 900) -> None:
        rng = np.random.default_rng(seed)
        self.alive = (rng.random(dealers) < 0.9).astype(np.uint8)
        self.tier = (rng.random(dealers) < 0.3).astype(np.uint8)
        self.low_until = rng.integers(DAY - 5, DAY + 2, dealers).astype(np.int32)
        self.home = rng.integers(0, REGIONS - seed % 2, dealers).astype(np.uint8)
        self.efficiency = rng.random(dealers)
        self.wage = 50.0 + 400.0 * rng.random(dealers)
        self.needed = rng.integers(0, 9, dealers)
        self.got = rng.integers(0, 3, dealers)
        self.keys = keys(persons)
        self.region = rng.integers(0, REGIONS, persons).astype(np.uint8)
        self.reservation = 50.0 + 400.0 * rng.random(persons)
        self.weight = rng.random(persons)
        self.arrests, self.law = rng.random(REGIONS), rng.random(REGIONS)

    def at_work(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return openings.recruiters_at_work(
            self.alive, self.tier, self.low_until, self.home, self.efficiency, 0, DAY, REGIONS
        )

    def there(self) -> list[int]:
        """Recruiters at work, region by region, in the order of their rows."""
        rows = range(len(self.alive))
        on = [r for r in rows if self.alive[r] and self.tier[r] == 0 and self.low_until[r] <= DAY]
        return sorted(on, key=lambda r: (self.home[r], r))

    def met(self, region: int, u: float) -> int:
        """Row of the recruiter whom somebody meets, by summing efficiencies; -1 for nobody."""
        edges, at = [0.0], self.there()
        for row in at:
            edges.append(edges[-1] + self.efficiency[row])
        here = [i for i, row in enumerate(at) if self.home[row] == region]
        if not here:
            return -1
        x = edges[here[0]] + u * (edges[here[-1] + 1] - edges[here[0]])
        return at[max(i for i in here if edges[i] <= x)]

    def within_need(self, recruiter: list[int], queue: list[float], cards: float) -> list[bool]:
        """Who is taken: fewer than the recruiter's need stand before them in the queue."""
        need = self.needed - self.got
        taken = []
        for mine, at in zip(recruiter, queue, strict=True):
            before = sum(q < at and other == mine for q, other in zip(queue, recruiter, strict=True))
            taken.append(before * cards < need[mine])
        return taken


def draw(process: int, entity: np.uint64, number: int = 0) -> float:
    return uniform_at(KEY, process, DAY, entity, number)


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, openings.CHUNK - 1, openings.CHUNK + 70, 50_000])
@pytest.mark.parametrize("chance", [(0.0, 0.0), (0.003, 0.0), (0.5, 0.01), (1.0, 0.2), (1.7, -0.3)])
def test_below_finds_exactly_those_whose_number_lies_below_their_chance(
    n: int, chance: tuple[float, float]
) -> None:
    """Whatever the blocks, the chunks and the largest chance."""
    people, group = keys(n), (np.arange(n) % 3 == 0).astype(np.uint8)
    found = openings.below(KEY, 6, DAY, 1, people, np.array(chance), group)
    u = uniforms(KEY, 6, DAY, people, 1)
    assert np.array_equal(found, np.flatnonzero(u < np.array(chance)[group]))


def test_below_decides_by_the_whole_number_at_the_edge() -> None:
    """A chance that equals somebody's number leaves that person out; the next float takes it in."""
    people, group = keys(3000), np.zeros(3000, dtype=np.uint8)
    for u in uniforms(KEY, 6, DAY, people, 0)[:50]:
        found = [
            openings.below(KEY, 6, DAY, 0, people, np.array([c]), group) for c in (u, np.nextafter(u, 1))
        ]
        assert len(found[1]) == len(found[0]) + 1


@pytest.mark.parametrize("seed", range(6))
def test_recruiters_at_work_stand_by_region_with_their_efficiency(seed: int) -> None:
    trade = Trade(seed)
    rows, edges, first = trade.at_work()
    assert rows.tolist() == trade.there()
    assert np.array_equal(edges, np.concatenate([[0.0], np.cumsum(trade.efficiency[rows])]))
    assert np.array_equal(first, np.searchsorted(trade.home[rows], np.arange(REGIONS + 1)))


def test_the_approached_are_free_and_the_more_the_more_recruiters_work_in_their_region() -> None:
    n, rng = 20_000, np.random.default_rng(4)
    people, region = keys(n), rng.integers(0, REGIONS, n).astype(np.uint8)
    free, barred = (rng.integers(DAY - 2, DAY + 2, n).astype(np.int32) for _ in range(2))
    first, at_start, rate = np.array([0, 3, 3, 9, 10]), np.array([4, 2, 3, 1]), 0.2
    found = openings.approached(KEY, 6, DAY, people, region, free, barred, first, at_start, rate)
    chance = -np.expm1(-rate * np.diff(first) / at_start)
    hit = uniforms(KEY, 6, DAY, people, 0) < chance[region]
    assert np.array_equal(found, np.flatnonzero(hit & (free <= DAY) & (barred <= DAY)))
    assert len(found) > 500


@pytest.mark.parametrize("seed", range(6))
def test_who_is_recruited_accepted_the_wage_and_found_room(seed: int) -> None:
    """Person by person: whom they meet, whether they accept (equation 4.9), and their place in the queue."""
    trade, scale, cards = Trade(seed), 0.7, 2.4
    rows = np.flatnonzero(np.arange(900) % (seed + 1) == 0)
    person, recruiter, queue = [], [], []
    for row in rows:
        met = trade.met(trade.region[row], draw(7, trade.keys[row]))
        if met < 0:
            continue
        risk = 0.3 + 0.7 * trade.arrests[trade.region[row]]
        feared = trade.weight[row] * risk + 1.5 * trade.law[trade.region[row]]
        utility = math.log(trade.wage[met] / trade.reservation[row]) - feared
        if draw(8, trade.keys[row]) < 1.0 / (1.0 + math.exp(-utility / scale)):
            person.append(int(row))
            recruiter.append(met)
            queue.append(draw(16, trade.keys[row], 2))
    taken = np.array(trade.within_need(recruiter, queue, cards), dtype=bool)
    assert taken.any()
    assert not taken.all()
    rows, at = openings.recruited(
        KEY, 7, 8, 16, DAY, rows, trade.keys, trade.region, trade.reservation, trade.weight, 0.3, 0.7,
        trade.arrests, 1.5, trade.law, scale, *trade.at_work(), trade.wage, trade.needed, trade.got, cards,
    )  # fmt: skip
    assert rows.tolist() == np.array(person)[taken].tolist()
    assert at.tolist() == np.array(recruiter)[taken].tolist()


def test_attempts_are_children_of_the_person_who_then_stays_away() -> None:
    trade, n = Trade(1), 900
    rows, met = np.arange(0, n, 7), np.arange(0, n, 7) % 5
    cards, last = np.arange(n, dtype=np.int32), np.full(n, -1, dtype=np.int32)
    free, edges, away = np.zeros(n, dtype=np.int32), np.array([0.4, 0.7, 1.0]), 300.0
    had = cards.copy()
    card, visit, person, recruiter, region, existing = openings.attempts(
        KEY, 9, 12, 8, DAY, rows, met, edges, 0.2, away, trade.keys, trade.region, cards, last, free
    )
    expected = []
    for number, row in enumerate(rows):
        key = trade.keys[row]
        wanted = 1 + sum(draw(9, key) >= edge for edge in edges)
        new = [child_key(key, np.uint64(had[row] + j)) for j in range(wanted)]
        expected += [(c, number, row, met[number], trade.region[row], draw(12, c, 7) < 0.2) for c in new]
        assert cards[row] == had[row] + wanted
        assert last[row] == DAY
        assert free[row] == DAY + max(1, round(-away * math.log(draw(8, key, 1))))
    assert list(zip(card, visit, person, recruiter, region, existing, strict=True)) == expected
    others = np.setdiff1d(np.arange(n), rows)
    assert np.array_equal(cards[others], had[others])
    assert (free[others] == 0).all()


@pytest.mark.parametrize("mean", [0.05, 1.3, 70.0])
def test_insiders_open_for_recruiters_with_need_unless_their_outlet_is_suspended(mean: float) -> None:
    trade, n = Trade(2), 300
    trade.needed += 60
    outlet_keys, region = keys(n, 5000), (np.arange(n) % REGIONS).astype(np.uint8)
    suspended = np.where(np.arange(n) % 5 == 0, DAY + 1, DAY).astype(np.int32)
    inside = np.arange(0, n, 3 if mean < 10 else 31)
    found, queue = [], []
    for outlet in inside:
        if suspended[outlet] > DAY:
            continue
        for j in range(poisson_at(KEY, 45, DAY, outlet_keys[outlet], 6, mean)):
            card = child_key(outlet_keys[outlet], np.uint64((DAY << 32) + j))
            met = trade.met(region[outlet], draw(45, card, 7))
            if met >= 0:
                found.append((card, outlet, region[outlet], met))
                queue.append(draw(16, card, 3))
    taken = trade.within_need([f[3] for f in found], queue, 1.0)
    opened = openings.insider_openings(
        KEY, 45, 16, DAY, mean, inside, outlet_keys[inside], suspended, region, *trade.at_work(),
        trade.needed, trade.got,
    )  # fmt: skip
    assert list(zip(*opened, strict=True)) == [f for f, t in zip(found, taken, strict=True) if t]
    assert len(opened[0]) > 0


@FEW
@given(st.lists(st.floats(0.0, 5.0), min_size=1, max_size=40), st.floats(-1.0, 210.0), st.integers(0, 40))
def test_first_above_is_a_search_to_the_right(steps: list[float], x: float, low: int) -> None:
    values = np.cumsum(steps)
    low = min(low, len(values))
    assert counter.first_above(x, values, low, len(values)) == low + np.searchsorted(values[low:], x, "right")


def test_an_opening_goes_to_an_outlet_of_its_region_and_stops_where_that_is_suspended() -> None:
    rng = np.random.default_rng(3)
    first, laxity = np.array([0, 1, 40, 41, 200]), rng.pareto(1.2, 200) + 1.0
    cumulative = np.cumsum(laxity)
    suspended = np.where(rng.random(200) < 0.3, DAY + 1, DAY).astype(np.int32)
    tries, region, tried = keys(2000), rng.integers(0, REGIONS, 2000), rng.random(2000) < 0.8
    outlet, stopped = np.empty(2000, dtype=np.int64), np.empty(2000, dtype=np.bool_)
    count = counter.to_outlets(
        KEY, 10, DAY, tries, region, tried, first, cumulative, suspended, outlet, stopped
    )
    start, end = first[region], first[region + 1]
    before = np.where(start > 0, cumulative[start - 1], 0.0)
    x = before + uniforms(KEY, 10, DAY, tries, 0) * (cumulative[end - 1] - before)
    at = np.clip(np.searchsorted(cumulative, x, side="right"), start, end - 1)
    assert np.array_equal(outlet, at)
    assert np.array_equal(stopped, tried & (suspended[at] > DAY))
    assert count == stopped.sum()


@FEW
@given(st.data())
def test_a_cap_counts_live_accounts_at_the_bank_and_earlier_tries_of_the_day(data: st.DataObject) -> None:
    """Against counting by hand, with holders that share a place of the kernel's table."""
    people = [3, 3 + counter.SLOTS, 7, 11]
    person = np.sort(np.array(data.draw(st.lists(st.sampled_from(people), max_size=12)), dtype=np.int64))
    n, cards = len(person), 60
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    bank, region = rng.integers(0, 3, n), rng.integers(0, 2, n)
    status = rng.integers(0, 10, cards).astype(np.uint8)
    holder = rng.choice([-1, 5, *people], cards).astype(np.int32)
    issuer = rng.integers(0, 3, cards).astype(np.int16)
    cap, fate = np.array([3, 5]), rng.choice([counter.OPENED, counter.EXISTING], n).astype(np.uint8)
    before = fate.copy()
    bank_of = np.array([2, 0, 1], dtype=np.int16)
    outlet = np.array([1, 2, 0])[bank]
    counter.turn_away_over_the_cap(person, region, outlet, bank_of, cap, 99, status, 6, holder, issuer, fate)
    for i in range(n):
        held = ((status < 6) & (holder == person[i]) & (issuer == bank[i])).sum()
        earlier = ((person[:i] == person[i]) & (bank[:i] == bank[i])).sum()
        over = held + earlier >= cap[region[i]] and before[i] == counter.OPENED
        assert fate[i] == (counter.TURNED_AWAY if over else before[i])


def test_screening_says_whom_banks_refuse_and_why() -> None:
    rng, n, banks = np.random.default_rng(5), 5000, 30
    base, effort, factor = 0.3 * rng.random(banks), 1.0 + rng.random(banks), 1.0 + rng.random(REGIONS)
    inspected = np.where(rng.random(banks) < 0.3, DAY + 1, DAY)
    raised_by = rng.integers(-1, 2, banks).astype(np.int16)
    tries, outlet, region = keys(n), rng.integers(0, 100, n), rng.integers(0, REGIONS, n)
    bank_of = rng.integers(0, banks, 100).astype(np.int16)
    before = rng.choice([counter.OPENED, counter.LOST, counter.MOVED], n).astype(np.uint8)
    for here in (counter.OPENED, counter.MOVED):
        fate, by_raiser, by_region = before.copy(), np.full(3, 7), np.full(REGIONS, 7)
        watched = counter.screen(
            KEY, 11, DAY, 2, tries, region, outlet, bank_of, base, effort, 0.5, factor, inspected, raised_by,
            here, fate, by_raiser, by_region,
        )  # fmt: skip
        u, bank = uniforms(KEY, 11, DAY, tries, 2), bank_of[outlet]
        raised = np.minimum(base * effort, 0.5)[bank]
        refused = (before == here) & (u < np.minimum(raised * factor[region], 0.5))
        passed = np.where(before == here, counter.OPENED, before)
        assert np.array_equal(fate, np.where(refused, counter.REFUSED, passed))
        assert watched == (refused & (inspected[bank] > DAY)).sum() > 0
        by_factor, by_effort = refused & (u >= raised), refused & (u >= base[bank]) & (u < raised)
        assert by_region.tolist() == np.bincount(region[by_factor], minlength=REGIONS).tolist()
        assert by_raiser.tolist() == [(raised_by[bank[by_effort]] == k).sum() for k in (0, 1, -1)]
        assert (by_raiser > 0).all()


def test_openings_are_tallied_by_fate_and_those_opened_by_outlet() -> None:
    rng, n = np.random.default_rng(8), 700
    region, outlet = rng.integers(0, REGIONS, n), rng.integers(0, 50, n)
    fate = rng.integers(0, counter.FATES, n).astype(np.uint8)
    by_fate, by_outlet = np.ones((counter.FATES, REGIONS), dtype=np.int64), np.full(50, 10)
    counter.tally(region, outlet, fate, by_fate, by_outlet)
    for f in range(counter.FATES):
        assert by_fate[f].tolist() == (1 + np.bincount(region[fate == f], minlength=REGIONS)).tolist()
    opened = np.bincount(outlet[fate == counter.OPENED], minlength=50)
    assert by_outlet.tolist() == (10 + opened).tolist()


def test_sold_accounts_are_withdrawn_from_their_cells() -> None:
    rng, n = np.random.default_rng(9), 400
    cells = np.full((REGIONS, 3, 8), 1000)
    existing, region, bank = rng.random(n) < 0.5, rng.integers(0, REGIONS, n), rng.integers(0, 20, n)
    class_of, flags = np.arange(20) % 3, rng.integers(0, 8, n).astype(np.uint8)
    expected = cells.copy()
    np.subtract.at(expected, (region[existing], class_of[bank[existing]], flags[existing]), 100)
    overdrawn = counter.withdraw(cells, existing, region, bank.astype(np.int16), class_of, flags, 100)
    assert np.array_equal(cells, expected)
    assert overdrawn == (expected < 0).any()
    assert not counter.withdraw(
        cells, ~existing & False, region, bank.astype(np.int16), class_of, flags, 10**6
    )


def test_what_is_sold_is_flagged_and_paid_for_to_the_fen() -> None:
    rng, n, dealers = np.random.default_rng(6), 3000, 20
    wage = 300.0 * rng.random(dealers)
    got, cash = np.arange(dealers), np.full(dealers, 10**9)
    cards, recruiter, region = keys(n), rng.integers(0, dealers, n), rng.integers(0, REGIONS, n)
    existing, shares, bits = (
        rng.random(n) < 0.4,
        np.array([0.3, 0.5, 0.1]),
        np.array([1, 2, 4], dtype=np.uint8),
    )
    outlet, bank = rng.integers(0, 90, n), rng.integers(0, 9, 90).astype(np.int16)
    paid, count = np.zeros((2, REGIONS), dtype=np.int64)
    flags, source, issuer, new_at, total = counter.sold(
        KEY, 12, DAY, cards, recruiter, region, outlet, existing, shares, bits, 0.2, 2, 0, bank, wage, got,
        cash, paid, count,
    )  # fmt: skip
    assert np.array_equal(issuer, bank[outlet])
    assert np.array_equal(new_at, np.where(existing, -1, outlet))
    assert total == paid.sum()
    carried = np.zeros(n, dtype=np.int64)
    for k, share in enumerate(shares):
        has = uniforms(KEY, 12, DAY, cards, k) < share
        carried |= np.where(has & (existing | (k > 0)), bits[k], 0)
    assert np.array_equal(flags, carried)
    assert np.array_equal(source, np.where(uniforms(KEY, 12, DAY, cards, 6) < 0.2, 2, 0))
    fen = np.round(wage * 100).astype(np.int64)
    each = np.bincount(recruiter, minlength=dealers)
    assert np.array_equal(got, np.arange(dealers) + each)
    assert np.array_equal(cash, 10**9 - each * fen)
    for r in range(REGIONS):
        assert (paid[r], count[r]) == (fen[recruiter[region == r]].sum(), (region == r).sum())


def test_honest_applicants_are_refused_by_extra_screening_and_by_error() -> None:
    rng = np.random.default_rng(11)
    factor, errors, listed, start = 0.5 + rng.random(31), rng.random(31), rng.random(31), rng.random(31)
    refused = start.copy()
    counter.add_honest_refusals(0.4, 1.1, factor, errors, listed, refused)
    extra = np.maximum(1.1 * factor - 1.0, 0.0)
    share = 0.4 * (1.0 + extra * errors) + listed
    assert np.array_equal(refused, start + np.minimum(share, 1.0))
    assert (share > 1.0).any()
    assert (extra == 0.0).any()
