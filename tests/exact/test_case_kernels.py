"""The kernels of a day's cases against plain array code, bit for bit: phases 7, 8 and 11."""

import math

import libm
import numpy as np
import pytest
from reference import keys

from sim import arrays
from sim.kernels import cases, channels, money
from sim.random import KeyedRandom, Process, child_keys

RANDOM = KeyedRandom(3, 1)
SEEDS = pytest.mark.parametrize("seed", range(4))
GANGS, REGIONS, METHODS, CHANNELS, PLACES = 60, 5, 3, 8, 6
STOCK, ACTIVE, IOT = 4, 5, 4
BOUGHT, OWN, LOST = 0, 1, -1


class Gangs:
    """Columns of gangs with random contents."""

    def __init__(self, rng: np.random.Generator) -> None:
        n = GANGS
        self.key = keys(n)
        self.alive = (rng.random(n) < 0.8).astype(np.uint8)
        self.low_until = rng.integers(0, 20, n).astype(np.int32)
        self.region = rng.integers(0, PLACES, n).astype(np.uint8)
        self.staff = rng.integers(1, 30, n).astype(np.int32)
        self.voip, self.messaging = rng.exponential(50.0, n), rng.exponential(20.0, n) * (rng.random(n) < 0.9)
        self.active = rng.integers(0, 8, (n, 2))
        self.cases = rng.integers(0, 100, n)
        self.skill = rng.lognormal(0.0, 0.5, n)
        self.method_mix = rng.dirichlet(np.ones(METHODS), n)
        self.mix = rng.dirichlet(np.ones(CHANNELS), n)
        self.use_cap = rng.integers(1, 12, n)
        self.own_left = rng.random(n) * 3.0
        self.tried, self.wanted_uses = np.zeros((n, CHANNELS)), np.zeros(n)
        self.cash, self.income = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self.price_seen, self.earned = rng.lognormal(7.0, 0.3, n), rng.random((n, CHANNELS))


def cards(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Columns of cards of the gangs."""
    return {
        "status": rng.choice([STOCK, ACTIVE, 7], n).astype(np.uint8),
        "gang": rng.integers(0, GANGS, n).astype(np.int32),
        "kind": rng.choice([3, IOT], n).astype(np.uint8),
        "uses": rng.integers(0, 12, n).astype(np.uint16),
        "uses_today": rng.integers(0, 3, n).astype(np.uint8),
        "last_used": rng.integers(0, 9, n).astype(np.int32),
        "flow": rng.integers(0, 1000, n),
        "balance": rng.integers(0, 1000, n),
    }


@SEEDS
def test_exact_sums_are_those_of_fsum(seed: int) -> None:
    """Also where magnitudes differ by 2^80 and terms cancel."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=500) * 2.0 ** rng.integers(-40, 40, 500) * (rng.random(500) < 0.7)
    values = np.column_stack([rng.random(500), -rng.random(500), np.ones(500)])
    expected = [math.fsum(weight * column) for column in values.T]
    assert cases.exact_sums(weight, values).tolist() == expected
    assert cases.exact_sums(np.zeros(3), values[:3]).tolist() == [0.0, 0.0, 0.0]
    half_way = np.array([1.0, 2.0**-53, 2.0**-106])
    assert cases.exact_sums(half_way, np.ones((3, 1)))[0] == math.fsum(half_way) > 1.0


@SEEDS
@pytest.mark.parametrize("phones_bind", [True, False])
def test_contacts_are_the_smaller_of_staff_and_phones_with_spare_cards_taken(
    seed: int, phones_bind: bool
) -> None:
    rng = np.random.default_rng(seed)
    g, sims, day, season, calls, per_sim = Gangs(rng), cards(rng, 300), 9, 0.83, 31.0, 17.0
    at_work = (g.alive == 1) & (g.low_until <= day)
    missing = g.staff * calls - (g.voip + g.messaging) - g.active[:, 1] * per_sim
    need = np.where(at_work, np.maximum(np.ceil(missing / per_sim), 0.0), 0).astype(np.int64)
    taken = [
        row
        for who in range(GANGS)
        for row in np.flatnonzero((sims["gang"] == who) & (sims["status"] == STOCK))[: need[who]]
    ]
    active = g.active.copy()
    np.add.at(active[:, 1], sims["gang"][taken], 1)
    in_use = sims["status"] == ACTIVE
    in_use[taken] = True
    by_sim = active[:, 1] * per_sim
    by_phone = by_sim + g.voip + g.messaging
    most = g.staff * calls
    busy = (np.minimum(most, by_phone) if phones_bind else most) * season * at_work
    part = np.divide(busy, by_phone, out=np.zeros(GANGS), where=by_phone > 0.0)
    by_iot = np.bincount(sims["gang"][in_use & (sims["kind"] == IOT)], minlength=GANGS) * per_sim
    counts = np.ones((4, PLACES), dtype=np.int64)
    last_used = np.where(in_use, day, sims["last_used"])
    columns = (g.alive, g.low_until, g.region, g.staff, g.voip, g.messaging, g.active)
    names = ("status", "gang", "kind", "uses_today", "last_used")
    codes = (ACTIVE, STOCK, IOT, day, season, calls, per_sim, phones_bind)
    reached, rows = cases.contacts(*columns, *(sims[name] for name in names), *codes, counts)
    assert np.array_equal(reached, busy)
    assert rows.tolist() == sorted(taken)
    assert 0 < len(taken) < (sims["status"] == STOCK).sum()
    assert np.array_equal(g.active, active)
    assert np.array_equal(sims["uses_today"] == 1, in_use)
    assert np.array_equal(sims["last_used"], last_used)
    for row, means in enumerate((g.voip, g.messaging, by_iot, by_sim - by_iot)):
        by_place = np.bincount(g.region, weights=part * means, minlength=PLACES)
        assert np.array_equal(counts[row], 1 + np.rint(by_place).astype(np.int64))


@SEEDS
def test_exposure_is_what_app_awareness_and_orders_leave(seed: int) -> None:
    rng = np.random.default_rng(seed)
    share, covered, awareness = rng.dirichlet(np.ones(REGIONS)), rng.random(REGIONS), rng.random(REGIONS)
    beta, success, making = rng.random(METHODS), rng.random(METHODS), 100.0 * rng.random(METHODS)
    orders = 50.0 * rng.random(REGIONS) * (rng.random(REGIONS) < 0.5) * (seed > 0)
    aware = libm.exp(-beta * awareness[:, None])
    weight = share[:, None] * (1.0 - covered)[:, None] * aware
    stays = 1.0 + 0.7 * libm.expm1(-orders / ((weight * making).sum(axis=1) * 10.0))
    covered, stays = covered[:, None], stays[:, None]
    made = share[:, None] * making
    got = cases.exposure(share, covered[:, 0], awareness, beta, success, orders, 0.7, 10.0, making)
    weight *= stays
    assert np.array_equal(got[0], weight)
    assert np.array_equal(got[1], success * weight.sum(axis=0))
    assert np.array_equal(got[2][0], (made * aware * stays * covered).sum(axis=1))
    assert np.array_equal(got[2][1], (made * aware * (1.0 - covered) * (1.0 - stays)).sum(axis=1))
    assert np.array_equal(got[3], made * (1.0 - covered) * stays * (1.0 - aware))


@SEEDS
def test_potential_cases_are_drawn_by_their_keys(seed: int) -> None:
    """Means of 0, small ones and some above the limit of inversion."""
    rng = np.random.default_rng(seed)
    g, day, sd = Gangs(rng), 40 + seed, 1.1
    busy = np.where(rng.random(GANGS) < 0.3, 0.0, rng.exponential(1000.0, GANGS))
    busy[:2] = 70_000.0
    success, loss = 0.003 * rng.random(METHODS), 10_000.0 * rng.random(METHODS)
    rate, weight = g.method_mix @ success, rng.random((REGIONS, METHODS))
    mean = busy * rate
    assert mean.max() > 64.0
    count = RANDOM.poisson(Process.CASES, day, g.key, mean)
    gang = np.repeat(np.arange(GANGS), count)
    key = child_keys(g.key[gang], g.cases[gang] + arrays.number_within(count))
    method = arrays.pick(g.method_mix[gang] * success, RANDOM.uniform(Process.CASE_METHOD, day, key))
    z = RANDOM.normal(Process.CASE_AMOUNT, day, key)
    yuan = loss[method] * g.skill[gang] * np.exp(sd * z - sd**2 / 2)
    u, edges = RANDOM.uniform(Process.CASE_REGION, day, key), np.cumsum(weight, axis=0)
    region = [
        np.searchsorted(edges[:-1, k] / edges[-1, k], at, side="right")
        for k, at in zip(method, u, strict=True)
    ]
    wish = arrays.pick(g.mix[gang], RANDOM.uniform(Process.CASE_CHANNEL, day, key))
    place = RANDOM.uniform(Process.CASE_CHANNEL, day, key, 1)
    expected = (gang, key, method, region, np.maximum(arrays.fen(yuan), 100), wish, place)
    draws = np.array(
        [Process.CASES, Process.CASE_METHOD, Process.CASE_AMOUNT, Process.CASE_REGION, Process.CASE_CHANNEL]
    )
    made = g.cases + count
    of_gangs = (g.key, busy, rate, g.cases, g.method_mix, g.mix, g.skill)
    got = cases.potential_cases(RANDOM.key, draws, day, *of_gangs, success, loss, sd, sd**2 / 2, weight)
    for mine, other in zip(got, expected, strict=True):
        assert np.array_equal(mine, other)
    assert np.array_equal(g.cases, made)


def fill(kind: int, waiting: np.ndarray, gang: np.ndarray, room: dict[int, np.ndarray]) -> np.ndarray:
    """Rows of the ``waiting`` cases, in the order of their queue, that a channel has room for."""
    served = []
    for i in waiting:
        left, at = room[kind], gang[i] if kind in (BOUGHT, OWN) else 0
        if left[at] >= 1:
            left[at] -= 1
            served.append(i)
    return np.array(served, dtype=np.int64)


@SEEDS
@pytest.mark.parametrize("without", [LOST, 7])
@pytest.mark.parametrize("fallbacks", [(), (0, 1, 3, 2, 4, 5, 6, 7)])
def test_cases_find_channels_as_if_these_were_filled_one_after_the_other(
    seed: int, without: int, fallbacks: tuple[int, ...]
) -> None:
    """First all that wish for a channel, channel by channel; then, for each fallback, all that still wait."""
    rng = np.random.default_rng(seed)
    g, sets, n = Gangs(rng), cards(rng, 150), 400
    gang, region = rng.integers(0, GANGS, n), rng.integers(0, REGIONS, n)
    wish, order = rng.integers(0, CHANNELS, n), rng.permutation(n)
    pool = rng.integers(0, 30, CHANNELS)
    usable = (sets["status"] == ACTIVE) | (sets["status"] == STOCK)
    uses = np.clip(g.use_cap[sets["gang"]] - sets["uses"].astype(np.int64), 0, 3) * usable
    by_cards = np.bincount(sets["gang"], uses, GANGS).astype(np.int64) // 2
    own_left = np.minimum(g.own_left + g.staff * 0.02, np.maximum(g.staff * 0.02 * 14.0, 1.0))
    room = {kind: pool[kind : kind + 1].copy() for kind in range(CHANNELS)}
    room |= {BOUGHT: by_cards, OWN: own_left}
    channel = np.full(n, LOST)
    for kind in range(CHANNELS):
        channel[fill(kind, order[wish[order] == kind], gang, room)] = kind
    for kind in fallbacks:
        channel[fill(kind, order[channel[order] == LOST], gang, room)] = kind
    assert (channel == LOST).any()
    channel[channel == LOST] = without
    tried, lost = np.zeros((GANGS, CHANNELS)), channel == LOST
    np.add.at(tried, (gang, wish), 1.0)
    missed = (channel != wish) & ~lost
    np.add.at(tried, (gang[missed], channel[missed]), 1.0)
    counts = np.zeros((CHANNELS + 1, PLACES), dtype=np.int64)
    of_cases = (order, gang, region, wish, np.array(fallbacks, dtype=np.int64), BOUGHT, OWN, LOST, without)
    of_cards = (sets["status"], sets["gang"], sets["uses"], ACTIVE, STOCK, 3, 2)
    of_gangs = (g.use_cap, g.staff, g.own_left, g.tried, g.wanted_uses, 0.02, 14.0)
    assert np.array_equal(channels.carry(*of_cases, *of_cards, *of_gangs, pool, counts), channel)
    assert np.array_equal(g.tried, tried)
    assert np.array_equal(g.own_left, own_left)
    assert np.array_equal(g.wanted_uses, 2.0 * np.bincount(gang[wish == BOUGHT], minlength=GANGS))
    assert all(pool[kind] == room[kind][0] for kind in range(2, CHANNELS))
    for kind in range(CHANNELS):
        assert np.array_equal(counts[kind], np.bincount(region[channel == kind], minlength=PLACES))
    assert np.array_equal(counts[-1], np.bincount(region[lost], minlength=PLACES))


@SEEDS
def test_uses_are_put_on_cards_in_use_before_cards_in_stock(seed: int) -> None:
    """Card by card, in the order of the rows; what finds no card is reported."""
    rng = np.random.default_rng(seed)
    g, sets, n, day = Gangs(rng), cards(rng, 200), 150, 12
    gang, channel, fen = rng.integers(0, GANGS, n), rng.integers(0, 3, n), rng.integers(100, 10**6, n)
    mine = channel == BOUGHT
    need = 4 * np.bincount(gang[mine], minlength=GANGS)
    each = np.bincount(gang[mine], fen[mine], GANGS).astype(np.int64) // np.maximum(need, 1)
    expected = {name: column.copy() for name, column in sets.items()}
    expected["uses_today"][:] = expected["balance"][:] = 0
    activated = []
    for status in (ACTIVE, STOCK):
        for i in np.flatnonzero(sets["status"] == status):
            who = sets["gang"][i]
            take = max(min(5, int(g.use_cap[who]) - int(sets["uses"][i]), int(need[who])), 0)
            need[who] -= take
            for name in ("uses", "uses_today"):
                expected[name][i] += take
            for name in ("flow", "balance"):
                expected[name][i] += take * each[who]
            if take:
                expected["last_used"][i] = day
                activated += [i] if status == STOCK else []
    names = ("status", "gang", "uses", "uses_today", "last_used", "flow", "balance")
    columns = (sets[name] for name in names)
    rows, missing = channels.use_cards(
        gang, channel, fen, BOUGHT, 4, *columns, ACTIVE, STOCK, 5, day, g.use_cap
    )
    assert (rows.tolist(), missing) == (activated, need.sum())
    assert all(np.array_equal(sets[name], expected[name]) for name in names)


@SEEDS
def test_pools_store_use_and_grow_as_their_equations_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    draw = lambda: rng.random(CHANNELS)  # noqa: E731
    daily, stored, used, days = 5.0 * draw() * (draw() < 0.8), 9.0 * draw(), draw(), 7.0
    expected = np.minimum(stored + daily, daily * days + 1.0)
    assert np.array_equal(channels.pool_room(daily, stored, days), np.floor(expected))
    assert np.array_equal(stored, expected)
    taken = np.floor(stored * draw()).astype(np.int64)
    share = np.divide(taken, daily, out=np.zeros(CHANNELS), where=daily > 0.0)
    left, mean = stored - taken, used + (share - used) / days
    channels.pool_use(daily, taken, stored, used, days)
    assert np.array_equal(stored, left)
    assert np.array_equal(used, mean)
    capacity, most, growth, cut, decline, moves = draw(), draw() + 0.1, draw(), draw(), draw(), draw() < 0.7
    change = growth * cut * used * (1.0 - capacity / most) - decline
    grown = capacity * (1.0 + np.where(moves, change, 0.0) / 365.25)
    channels.pool_growth(capacity, most, growth, cut, used, decline, moves)
    assert np.array_equal(capacity, grown)


@SEEDS
def test_the_race_is_decided_by_keyed_waits(seed: int) -> None:
    """Hops added one after the other; what only a measure saved is counted in yuan by region."""
    rng = np.random.default_rng(seed)
    n, day, hops, layering, victim, police = 500, 30, 3, 0.9, 0.3, 1.5
    key, region, channel = keys(n), rng.integers(0, REGIONS, n), rng.integers(0, CHANNELS, n)
    fen, reported = rng.integers(100, 10**7, n), rng.random(n) < 0.6
    speed, accounts = 0.5 + rng.random(CHANNELS), rng.random(CHANNELS) < 0.5
    slower, faster = 1.0 + rng.random(REGIONS), 1.0 + 4.0 * rng.random(REGIONS)
    share, delay = rng.random(REGIONS) * (rng.random(REGIONS) < 0.6), np.full(REGIONS, 0.2)
    wait = lambda draw: RANDOM.exponential(Process.CASE_RACE, day, key, draw)  # noqa: E731
    layered = layering / hops * np.sum([wait(1 + hop) for hop in range(hops)], axis=0)
    passed = layered * np.where(accounts[channel], slower[region], 1.0)
    linked = RANDOM.uniform(Process.LINK, day, key) < share[region]
    by_police = police / faster[region]
    by_police = np.where(linked, np.minimum(by_police, delay[region]), by_police)
    stopped = (victim * wait(20) + by_police * wait(21)) / speed[channel]
    plain = (victim * wait(20) + police * wait(21)) / speed[channel]
    saved = reported & (stopped < passed)
    got = money.race(
        RANDOM.key, Process.CASE_RACE.value, Process.LINK.value, day, key, region, channel, fen, reported,
        speed, accounts, hops, layering, victim, police, slower, faster, share, delay,
    )  # fmt: skip
    assert np.array_equal(got[0], passed)
    assert np.array_equal(got[1], np.where(reported, stopped, np.inf))
    for row, only in enumerate((plain >= passed, stopped >= layered)):
        mask = saved & only
        assert mask.any()
        assert np.array_equal(got[2][row], np.bincount(region[mask], fen[mask] / 100.0, REGIONS))


@SEEDS
def test_money_due_is_settled_day_by_day_of_the_cases_frozen_first(seed: int) -> None:
    """To the fen, and to the bit in what gangs learn; cases that are not due are left alone."""
    rng = np.random.default_rng(seed)
    g, n, day, q, per_case, returned = Gangs(rng), 600, 20, 0.07, 4.0, 0.37
    since, due, frozen = np.sort(rng.integers(14, 21, n)), rng.integers(20, 23, n), rng.random(n) < 0.4
    gang, region, channel = rng.integers(0, GANGS, n), rng.integers(0, REGIONS, n), rng.integers(0, 8, n)
    fen, felt = rng.integers(100, 10**7, n), 0.3 * rng.random(CHANNELS)
    fees = np.where(np.arange(CHANNELS) == OWN, 0.0, felt)
    cash, income, earned = g.cash.copy(), g.income.copy(), g.earned.copy()
    counts, books, settled = np.zeros((2, PLACES), dtype=np.int64), np.zeros(5, dtype=np.int64), [0, 0]
    for born in range(14, 21):
        for lost in (True, False):
            of = np.flatnonzero((since == born) & (due == day) & (frozen == lost))
            who, on = gang[of], channel[of]
            fee = np.round(fen[of] * fees[on]).astype(np.int64)
            net = fen[of] - fee
            sets = g.price_seen[who] * per_case / ((1.0 - (1.0 - q) ** g.use_cap[who]) / q)
            cost = np.where(on == BOUGHT, sets * 100.0 / fen[of], np.where(on == OWN, felt[on], 0.0))
            kept = np.zeros(len(of)) if lost else net / fen[of]
            np.add.at(earned, (who, on), kept - np.minimum(cost, 1.0))
            settled[0] += int((kept == 0.0).sum())
            settled[1] += len(of)
            if lost:
                total = int(fen[of].sum())
                books[[money.FROZEN, money.RETURNED]] += [total, int(total * returned)]
                np.add.at(counts[0], region[of], fen[of])
                continue
            alive = g.alive[who] == 1
            books[money.FEES] += fee.sum()
            books[money.TO_GANGS] += net[alive].sum()
            books[money.OUTSIDE] += net[~alive].sum()
            for column in (cash, income):
                np.add.at(column, who[alive], net[alive])
            np.add.at(counts[1], g.region[who[alive]], net[alive])
    got = np.zeros((2, PLACES), dtype=np.int64)
    flight = np.column_stack([due, since, gang, region, channel, fen, frozen]).astype(np.int64)
    still, need, stopped, paid, tally = money.settle(
        day, flight, g.alive, g.region, g.cash, g.income, g.price_seen, g.use_cap, g.earned, q, per_case,
        returned, fees, felt, BOUGHT, OWN, REGIONS, got,
    )  # fmt: skip
    assert np.array_equal(still, flight[due > day])
    over = (due == day) & frozen
    assert np.array_equal(need, np.bincount(gang[over & (channel == BOUGHT)], minlength=GANGS))
    assert np.array_equal(stopped, np.bincount(region[over], minlength=REGIONS))
    assert (paid.tolist(), tally.tolist()) == (books.tolist(), settled)
    assert np.array_equal(got, counts)
    for mine, other in ((g.cash, cash), (g.income, income), (g.earned, earned)):
        assert np.array_equal(mine, other)


@SEEDS
def test_money_takes_off_until_it_passes_or_is_stopped(seed: int) -> None:
    """What is on its way stays before it; nothing is under way for more than ten years."""
    rng = np.random.default_rng(seed)
    flight, n, day = rng.integers(0, 100, (9, 7)), 50, 30
    columns = [rng.integers(0, 100, n) for _ in range(4)]
    passed, stopped = (
        rng.exponential(2000.0, n),
        np.where(rng.random(n) < 0.5, rng.exponential(9.0, n), np.inf),
    )
    due = day + np.floor(np.minimum(np.where(stopped < passed, stopped, passed), 3650.0))
    expected = np.column_stack([due, np.full(n, day), *columns, stopped < passed])
    got = money.take_off(day, flight, *columns, passed, stopped)
    assert np.array_equal(got, np.concatenate([flight, expected]))
    assert due.max() == day + 3650


@SEEDS
def test_victims_report_by_their_keys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    key, region = keys(400), rng.integers(0, REGIONS, 400)
    awareness, lift = rng.random(REGIONS), 2.0 * rng.random(REGIONS)
    chance = np.minimum(0.4 * (1.0 + 0.5 * awareness + lift) * 1.03, 0.8)[region]
    got = money.who_reports(
        RANDOM.key, Process.CASE_REPORT.value, 5, key, region, awareness, lift, 0.4, 0.5, 1.03, 0.8
    )
    assert np.array_equal(got, RANDOM.uniform(Process.CASE_REPORT, 5, key) < chance)


@SEEDS
def test_files_wait_until_their_days(seed: int) -> None:
    """Reported cases are filed behind those that wait; each is counted and handed out on its day."""
    rng = np.random.default_rng(seed)
    key, reported, day, n = keys(400), rng.random(400) < 0.5, 17, 30
    old, names = rng.integers(0, 5, (n, 5)), keys(n, 1000)
    old[:, money.SAID] += day - 1
    old[:, money.WRITTEN] = np.where(rng.random(n) < 0.3, -1, old[:, money.SAID] + rng.integers(0, 3, n))
    columns = [rng.integers(0, REGIONS, 400) for _ in range(3)]
    wait = lambda draw: RANDOM.exponential(Process.CASE_DELAY, day, key, draw)  # noqa: E731
    said = 1.5 * wait(0)
    written = np.floor(said + 4.2 * wait(1)) + day
    written[RANDOM.uniform(Process.CASE_DELAY, day, key, 2) >= 0.8] = -1
    new = np.column_stack([day + np.floor(said), written, *columns])[reported].astype(np.int64)
    files, file_keys = money.take_down(
        RANDOM.key, Process.CASE_DELAY.value, day, old, names, key, *columns, reported, 1.5, 4.2, 0.8
    )
    assert np.array_equal(files, np.concatenate([old, new]))
    assert np.array_equal(file_keys, np.concatenate([names, key[reported]]))
    counts = np.zeros((2, PLACES), dtype=np.int64)
    left, left_keys, filed, filed_keys = money.due_today(day, files, file_keys, counts)
    waiting, done = files[:, :2].max(axis=1) > day, files[:, money.WRITTEN] == day
    assert np.array_equal(left, files[waiting])
    assert np.array_equal(left_keys, file_keys[waiting])
    assert np.array_equal(filed, files[done, 2:])
    assert np.array_equal(filed_keys, file_keys[done])
    for row, column in enumerate((money.SAID, money.WRITTEN)):
        today = files[files[:, column] == day, money.PLACE]
        assert np.array_equal(counts[row], np.bincount(today, minlength=PLACES))
