"""Checks A1 to A5 on the daily card step: what a card lives through follows from its hazards alone."""

import itertools
import math

import numba
import numpy as np
import pytest
from reference import RARE, Cards, decide_binomial, decide_counts, decide_mean, keys, rate
from scipy import stats

from sim.kernels.card_step import CHUNK, card_step
from sim.world.codes import FLAG_SETS, Kind, Status


def varied(n: int, seed: int) -> Cards:
    """Cards of every kind, status and flag, with every hazard at work."""
    rng = np.random.default_rng(seed)
    cards = Cards(n, regions=3, cleanup=4, own=2)
    cards.status[:] = rng.integers(0, len(Status), n)
    cards.kind[:] = rng.integers(0, len(Kind), n)
    cards.region[:] = rng.integers(0, 3, n)
    cards.flags[:] = rng.integers(0, 16, n)
    cards.uses_today[:] = rng.integers(0, 5, n)
    cards.uses[:] = cards.uses_today + rng.integers(0, 2, n)
    cards.amount[:] = rng.integers(0, 10**7, n) * (cards.uses_today > 0)
    cards.opened[:] = rng.integers(-200, 50, n)
    cards.detection[:] = rng.uniform(0.0, 0.05, cards.detection.shape)
    cards.detection[:, 2] = 2.0
    cards.detection[:, 4] = 1e5
    cards.use_factor[:] = [1.0, 1.5, 2.5]
    cards.cleanup[:] = rng.uniform(0.0, 0.08, cards.cleanup.shape) * rng.integers(0, 2, cards.cleanup.shape)
    cards.own[:] = rng.uniform(0.0, 0.1, cards.own.shape)
    return cards


def test_the_kernel_agrees_with_plain_python_card_by_card() -> None:
    """Equations 4.12 and 4.16: the kernel removes the same cards for the same causes as the reference.

    Rule: all of 4,000 cards on each of three days.  Rounding could move a card whose number lies within 1e-15
    of a border; of 12,000 cards none does with these seeds.
    """
    cards = varied(4000, seed=1)
    for day in (0, 40, 1800):
        assert cards.step(day).tolist() == cards.reference_step(day)


def test_every_cause_occurs_in_the_comparison_with_plain_python() -> None:
    """The comparison above says nothing of a cause that never struck."""
    assert set(varied(4000, seed=1).step(40).tolist()) == set(range(8))


@pytest.mark.parametrize("strength", [0.0, 1e-7, 1e-3, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("hazards", ["all", "uses", "rest"])
def test_looking_only_at_likely_cards_misses_none(hazards: str, strength: float) -> None:
    """The bounds of the step are true bounds: it agrees card by card with the loop that looks at every card.

    Rule: all of 2 chunks and a partial block, at hazards from nearly none to certain removal.
    """
    cards = varied(2 * CHUNK + 1234, seed=7)
    cards.detection[:, [0, 1, 3, 5, 6]] *= strength * (hazards != "rest")
    cards.cleanup *= strength * (hazards != "uses")
    cards.own *= strength * (hazards != "uses")
    cards.cleanup[1] = 0.0
    assert np.array_equal(cards.step(40), cards.card_by_card(40))
    cards.detection[:, 5] *= -1.0
    cards.kind[: CHUNK // 2] = Kind.SIM
    cards.uses_today[CHUNK:] = 0
    assert np.array_equal(cards.step(41), cards.card_by_card(41))


def test_a_rate_that_is_no_number_removes_nobody() -> None:
    """A card whose rates do not add up to a number stays, as in the plain loop."""
    cards = varied(5000, seed=8)
    cards.cleanup[0, Kind.ACCOUNT, 3] = np.nan
    assert np.array_equal(cards.step(5), cards.card_by_card(5))


def test_the_outcome_of_a_card_does_not_depend_on_the_other_cards() -> None:
    """A card keeps its fate when others are taken out or put before it."""
    cards = varied(3000, seed=2)
    alone = cards.step(7)[1::3]
    for name in ("keys", "status", "kind", "region", "flags", "uses_today", "amount", "opened", "uses"):
        setattr(cards, name, np.ascontiguousarray(getattr(cards, name)[1::3]))
    cards.n = len(cards.keys)
    assert cards.step(7).tolist() == alone.tolist()


def test_threads_do_not_change_the_card_step() -> None:
    """The same bits with one and with two threads, over several chunks and a partial one."""
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("this machine has one core")
    cards = varied(2 * CHUNK + 1234, seed=3)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = cards.step(11)
        numba.set_num_threads(2)
        two = cards.step(11)
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(one, two)


def test_a1_stock_and_flow_settle_at_a_poisson_stock() -> None:
    """A1: Poisson(2) arrivals a day and survival 0.9 give a Poisson stock of mean l (1 - p) / p = 18.

    Rule: mean and variance of 5,000 independent stocks after 120 days (0.9^120 = 3e-6 from the limit), each
    within 4 standard errors; deviations of 2% of the mean and 10% of the variance could be told.
    """
    shelves, arrivals, p = 5000, 2.0, 0.1
    rng = np.random.default_rng(11)
    shelf, names = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
    born = 0
    for day in range(120):
        new = np.repeat(np.arange(shelves), rng.poisson(arrivals, shelves))
        shelf, names = np.concatenate([shelf, new]), np.concatenate([names, keys(len(new), born)])
        born += len(new)
        cards = Cards(len(names))
        cards.keys = names
        cards.own[0, Status.ACTIVE, Kind.ACCOUNT] = rate(p)
        stays = cards.step(day) == 0
        shelf, names = shelf[stays], names[stays]
    stock = np.bincount(shelf, minlength=shelves)
    expected = arrivals * (1.0 - p) / p
    decide_mean(float(stock.mean()), expected, expected, shelves, 0.02 * expected)
    decide_mean(float(stock.var()), expected, 2.0 * expected**2 + expected, shelves, 0.1 * expected)


def lifetimes(cards: Cards, days: range) -> np.ndarray:
    """Steps that each card survives before it is removed (the number of steps where none did)."""
    alive = np.full(cards.n, len(days))
    for number, day in enumerate(days):
        gone = (cards.step(day) > 0) & (alive == len(days))
        alive[gone] = number
    return alive


SIZES = (10**3, 10**4, 10**5, 10**6)
"""Numbers of cards at which the law of lives is checked: a national run at scale 1000 has some hundred."""


def followed(n: int, h: float) -> int:
    """The most steps, up to 60, for which 20 of ``n`` cards are expected to die in the last."""
    return min(60, int(math.log(20.0 / (n * h)) / math.log(1.0 - h)))


@pytest.mark.parametrize("n", SIZES)
def test_a2_lives_are_geometric(n: int) -> None:
    """A2: Pr(life > k) = (1 - h)^k at h = 0.07, whether there are a thousand cards or a million.

    Rule: chi-square over the lives 0, 1, ... and longer, as far as 20 deaths are expected in each, p > 1e-4.
    """
    cards, h = Cards(n, first=n), 0.07
    cards.own[0, Status.ACTIVE, Kind.ACCOUNT] = rate(h)
    steps = followed(n, h)
    life = lifetimes(cards, range(steps))
    law = [h * (1 - h) ** k for k in range(steps)] + [(1 - h) ** steps]
    decide_counts(np.bincount(life, minlength=steps + 1).tolist(), law)


@pytest.mark.parametrize("n", SIZES)
def test_a2_daily_and_weekly_steps_of_one_rate_agree_at_common_dates(n: int) -> None:
    """A2: survival to a common date is exp(-7 w r) whether stepped by days or by weeks.

    Rule: after each of 8 weeks both shares that are left lie within 4 standard errors of the same number,
    and the weeks of death of both are from one law (chi-square, p > 1e-4). A million cards could tell 0.2%.
    """
    r, weeks = 0.011, 8
    daily, weekly = Cards(n, first=2 * n), Cards(n, first=3 * n)
    daily.own[0, Status.ACTIVE, Kind.ACCOUNT] = r
    weekly.own[0, Status.ACTIVE, Kind.ACCOUNT] = 7 * r
    lives = lifetimes(daily, range(7 * weeks)) // 7, lifetimes(weekly, range(0, 7 * weeks, 7))
    died = np.array([np.bincount(life, minlength=weeks + 1) for life in lives])
    for week in range(1, weeks + 1):
        for left in n - died[:, :week].sum(axis=1):
            decide_binomial(int(left), n, math.exp(-7 * week * r), 2.01 / math.sqrt(n))
    assert stats.chi2_contingency(died).pvalue > RARE


HAZARDS = (0.15, 0.02, 0.0, 0.3, 0.07)
"""Hazards of detection, of two cleanups (the second never), and of two causes of the cards' own."""


def competing(order: tuple[int, ...]) -> Cards:
    """Cards that meet five hazards, those after detection in a given order."""
    cards = Cards(60_000, cleanup=2, own=2)
    cards.uses_today[:] = 1
    cards.detection[Kind.ACCOUNT, 0] = rate(HAZARDS[0])
    rates = [rate(HAZARDS[1 + at]) for at in order]
    cards.cleanup[:, Kind.ACCOUNT, 0, 0] = rates[:2]
    cards.own[:, Status.ACTIVE, Kind.ACCOUNT] = rates[2:]
    return cards


def test_a3_competing_causes_share_one_total() -> None:
    """A3: total 1 - prod(1 - h), shares -log(1 - h_i) / sum; a cause of hazard zero never strikes.

    Rule: chi-square over staying and the causes of 60,000 cards, p > 1e-4.
    """
    removed = np.bincount(competing((0, 1, 2, 3)).step(5), minlength=6)
    assert removed[3] == 0
    stays = math.prod(1.0 - h for h in HAZARDS)
    rates = [rate(h) for h in HAZARDS]
    expected = [stays] + [(1.0 - stays) * r / sum(rates) for r in rates]
    decide_counts(np.delete(removed, 3).tolist(), np.delete(expected, 3).tolist())


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[1::5])
def test_a3_the_order_of_causes_does_not_matter(order: tuple[int, ...]) -> None:
    """A3: with the causes in another order the same cards go, and each cause takes its share.

    Rule: who goes is equal card by card; shares by chi-square, p > 1e-4.
    """
    first, other = competing((0, 1, 2, 3)).step(5), competing(order).step(5)
    assert np.array_equal(first > 0, other > 0)
    rates = [rate(HAZARDS[0])] + [rate(HAZARDS[1 + at]) for at in order]
    counts = np.bincount(other[other > 0] - 1, minlength=5)
    at_work = [i for i, r in enumerate(rates) if r > 0.0]
    assert counts.sum() == counts[at_work].sum()
    decide_counts(counts[at_work].tolist(), [rates[i] / sum(rates) for i in at_work])


def test_a3_a_cause_of_hazard_zero_changes_no_card() -> None:
    """A3: a cause that is there but never strikes leaves every card as it was, whatever place it takes."""
    cards = varied(20_000, seed=5)
    before = cards.step(3)
    cards.cleanup = np.concatenate([cards.cleanup, np.zeros_like(cards.cleanup[:1])])
    after = cards.step(3).astype(int)
    own = after > 1 + len(cards.cleanup)
    assert np.array_equal(before, after - own)


def test_a4_a_cleanup_closes_a_binomial_number_and_rounds_multiply() -> None:
    """A4: a round takes Binomial(N, x sens); k rounds leave N (1 - x sens)^k.

    Rule: the share left after each of 5 rounds of 80,000 cards within 4 standard errors; 1% could be told.
    """
    coverage, sensitivity = 0.4, 0.5
    cards = Cards(80_000)
    cards.cleanup[0, Kind.ACCOUNT] = rate(coverage * sensitivity)
    left = np.ones(cards.n, dtype=bool)
    for number in range(1, 6):
        left &= cards.step(number) == 0
        decide_binomial(int(left.sum()), cards.n, (1.0 - coverage * sensitivity) ** number, 0.01)


def test_a4_a_cleanup_meets_the_cards_with_its_flag_in_its_region_and_no_others() -> None:
    """A4: only the kind, flag set and region that the cleanup names are touched."""
    cards = varied(60_000, seed=6)
    cards.uses_today[:] = 0
    cards.own[:] = 0.0
    cards.cleanup[:] = 0.0
    cards.cleanup[2, Kind.SIM, 5, 1] = 50.0
    met = (
        (cards.kind == Kind.SIM)
        & (cards.flags % FLAG_SETS == 5)
        & (cards.region == 1)
        & (cards.status < Status.RESTRICTED)
    )
    assert met.sum() > 50
    assert np.array_equal(cards.step(9) == 4, met)
    assert not cards.step(9)[~met].any()


@pytest.mark.parametrize(("q", "cap"), [(0.05, 8), (0.2, 30), (0.5, 1)])
def test_a5_uses_until_detection_under_a_cap(q: float, cap: int) -> None:
    """A5: a card used once a day and thrown away after m uses gives (1 - (1 - q)^m) / q uses.

    Rule: mean of 40,000 cards within 4 standard errors (variance by enumeration); 3% could be told.
    """
    cards = Cards(40_000)
    cards.uses_today[:] = 1
    cards.detection[Kind.ACCOUNT, 0] = rate(q)
    uses = np.minimum(lifetimes(cards, range(cap)) + 1, cap)
    chance = [(1 - q) ** (k - 1) * (q if k < cap else 1.0) for k in range(1, cap + 1)]
    expected = sum(k * c for k, c in enumerate(chance, 1))
    assert math.isclose(expected, (1.0 - (1.0 - q) ** cap) / q)
    variance = sum((k - expected) ** 2 * c for k, c in enumerate(chance, 1))
    decide_mean(float(uses.mean()), expected, max(variance, 1e-12), cards.n, 0.03 * expected)


@pytest.mark.parametrize(("q", "each", "idle"), [(0.05, 3, 0.02), (0.1, 2, 0.0), (0.02, 5, 0.1)])
def test_a5_uses_until_removal_with_several_uses_a_step_and_idle_hazard(
    q: float, each: int, idle: float
) -> None:
    """A5: ((1 - (1 - q)^u) / q) / (1 - (1 - q)^u (1 - h)) uses, of which a step that ends in detection keeps
    those before it.

    Rule: mean of 40,000 cards within 4 standard errors, its variance taken from the sample; 5% could be told.
    The use at which a detected card was caught is not observed: it is drawn from its law, a truncated
    geometric.
    """
    cards = Cards(40_000)
    cards.uses_today[:] = each
    cards.detection[Kind.ACCOUNT, 0] = rate(q)
    cards.own[0, Status.ACTIVE, Kind.ACCOUNT] = rate(idle)
    steps = 150
    life = lifetimes(cards, range(steps))
    assert (life < steps).all()
    # In the last step a card was caught at use j <= u, or met the idle hazard; uses end at the first.
    caught = 1.0 - (1.0 - q) ** each
    ended = 1.0 - (1.0 - caught) * (1.0 - idle)
    rng = np.random.default_rng(5)
    in_detected = np.array([(1 - q) ** (j - 1) * q for j in range(1, each + 1)]) / caught
    at = rng.choice(np.arange(1, each + 1), cards.n, p=in_detected)
    last = np.where(rng.random(cards.n) < caught / ended, at, each)
    uses = life * each + last
    expected = (caught / q) / ended
    decide_mean(float(uses.mean()), expected, float(uses.var()), cards.n, 0.05 * expected)


def test_card_step_refuses_keys_that_travelled_as_signed_numbers() -> None:
    """A key that went through a signed number must not be hashed: its event rates would be wrong without an
    error.
    """
    cards = Cards(10)
    with pytest.raises(TypeError):
        card_step(
            cards.keys[0], 29, 0, cards.keys.astype(np.int64), cards.status, cards.kind, cards.region,
            cards.flags, cards.uses_today, cards.amount, cards.opened, cards.uses, 6, 30, cards.detection,
            cards.use_factor, cards.cleanup, cards.own, np.zeros(10, dtype=np.uint8),
        )  # fmt: skip
