"""The rules of agents in closed form: use caps (A5), prices (A7), police (A9, its order), beliefs (A13),
learning (A14).
"""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import decide_binomial, decide_mean, keys

from sim.agents.dealer import SELLER
from sim.agents.gang import softmax
from sim.agents.rules import update_belief
from sim.model import FraudSupplyChain
from sim.processes.learning import Entry
from sim.scenario import load
from sim.world.codes import Channel

PROPERTY = settings(max_examples=150, deadline=None, derandomize=True)


def model_with(*sets: str) -> FraudSupplyChain:
    """A small world on its first day."""
    model = FraudSupplyChain(load("no-measures", sets=["scale=1000", *sets]))
    model.phases[0][2]()
    return model


@pytest.fixture(scope="module")
def world() -> FraudSupplyChain:
    """A world for rules that leave no trace that matters to others."""
    return model_with()


@pytest.mark.parametrize("q", [0.01, 0.055, 0.4])
def test_a5_gangs_expect_the_uses_that_the_card_step_gives(q: float, world: FraudSupplyChain) -> None:
    """A5: (1 - (1 - q)^m) / q for every cap m."""
    world.signals.detection = q
    caps = np.arange(1, 60)
    expected = [sum((1 - q) ** k for k in range(m)) for m in caps]
    assert np.allclose(world.gang_rules.expected_uses(caps), expected, rtol=1e-12)


@pytest.mark.parametrize(("price", "detection", "step"), [(1e6, 0.01, 1), (1.0, 0.5, -1)])
def test_the_use_cap_rises_while_one_more_use_saves_more_than_it_risks(
    price: float, detection: float, step: int, world: FraudSupplyChain
) -> None:
    """Equation 4.6: dear cards and little detection, sip on; cheap cards and much detection, burn fast."""
    rows = np.arange(world.gangs.n)
    low, high = world.gang_rules.cap_min, world.gang_rules.cap_max
    world.gangs.use_cap[:] = (low + high) // 2
    world.gangs.price_seen[:] = price
    world.signals.detection = detection
    before = world.gangs.use_cap.copy()
    world.gang_rules.choose_cap(rows)
    assert np.array_equal(world.gangs.use_cap, before + step)
    for _ in range(high):
        world.gang_rules.choose_cap(rows)
    assert (world.gangs.use_cap == (high if step > 0 else low)).all()


def test_a7_the_lowest_ask_leaves_zero_profit(world: FraudSupplyChain) -> None:
    """A7, equation 4.1: (1 - q) P = c + q F, with q the weekly risk over the sets sold in a week."""
    d, rules = world.dealers, world.dealer_rules
    rows = np.flatnonzero(d.tier == SELLER)
    d.risk_seen[rows] = [3.0, 7.0]
    d.need[rows, 0] = 5.0
    cost = d.cost[rows, 0] + rules.handling[SELLER]
    q = 0.3 / 5.0
    assert np.allclose((1.0 - q) * rules.floor(rows), cost + q * d.penalty[rows], rtol=1e-12)


def test_prices_move_with_need_by_no_more_than_their_limit() -> None:
    """Equation 4.8: log P' = log P + speed (D - S) / (D + S), within the weekly limit, and never below the
    floor.
    """
    world = model_with()
    d, rules, stocks = world.dealers, world.dealer_rules, world.stocks
    rows = np.flatnonzero(d.tier == SELLER)
    for wanted, shelf in ((1e9, 0), (0.0, 10**6), (7.0, 3)):
        d.ask[rows] = 1e7
        d.need[rows] = d.wanted[rows] = wanted
        d.supplied[rows] = 0.0
        stocks.dealer_stock[rows] = shelf
        rules.move_prices(rows)
        supply = shelf + rules.idle
        step = np.clip(rules.speed * (wanted - supply) / (wanted + supply), -rules.limit, rules.limit)
        assert np.allclose(np.log(d.ask[rows] / 1e7), step, rtol=1e-9)
    d.ask[rows] = 1e-3
    rules.move_prices(rows)
    assert np.allclose(d.ask[rows, 0], rules.floor(rows))


@PROPERTY
@given(st.floats(0.01, 50), st.floats(0.01, 50), st.lists(st.floats(0, 1), max_size=8), st.floats(0, 20))
def test_a13_beliefs_without_decay_are_conjugate(
    a: float, b: float, shares: list[float], peers: float
) -> None:
    """A13: Beta(a, b) after S removals and F survivals is Beta(a + S, b + F)."""
    seen = np.array([[a, b]])
    for share in shares:
        update_belief(seen, np.array([0]), np.array([share]), peers, 1.0)
    assert np.allclose(seen[0], [a + peers * sum(shares), b + peers * sum(1 - s for s in shares)])


@pytest.mark.parametrize("share", [0.0, 0.02, 1.0])
def test_a13_beliefs_with_decay_forget_their_start(share: float) -> None:
    """A13: the decayed belief tends to what is seen, and its weight to peers / (1 - decay)."""
    seen = np.array([[30.0, 1.0]])
    for _ in range(2000):
        update_belief(seen, np.array([0]), np.array([share]), 10.0, 0.95)
    assert np.allclose(seen[0], [200.0 * share, 200.0 * (1.0 - share)])


def test_a13_a_belief_of_some_rows_leaves_the_others() -> None:
    """Only those who decide today learn."""
    seen = np.ones((4, 2))
    update_belief(seen, np.array([2]), np.array([0.5]), 10.0, 0.9)
    assert seen[[0, 1, 3]].tolist() == [[1.0, 1.0]] * 3
    assert seen[2].tolist() == [5.9, 5.9]


@pytest.mark.parametrize("scale", [0.0, 1e-12])
def test_a14_without_sensitivity_all_channels_are_alike(scale: float) -> None:
    """A14: lambda = 0 gives a uniform choice."""
    assert np.allclose(softmax(scale * np.array([[3.0, -2.0, 100.0, 0.0]])), 0.25)


def test_a14_with_great_sensitivity_the_best_channel_is_chosen() -> None:
    """A14: lambda to infinity gives the argmax, without overflow."""
    assert softmax(1e6 * np.array([[0.3, 0.1, 0.31, -5.0]])).tolist() == [[0.0, 0.0, 1.0, 0.0]]


def learned(
    phi: float, rho: float, delta: float, earned: list[float], tried: list[float]
) -> FraudSupplyChain:
    """A world whose first gang has learned once, from attractions 1, 2, 3, .. and an experience of 2; the
    last channels earned nothing.
    """
    sets = [f"parameters.gangs.ewa_{n}={v}" for n, v in (("phi", phi), ("rho", rho), ("delta", delta))]
    model = model_with(*sets)
    g = model.gangs
    g.attraction[0], g.experience[0] = 1.0 + np.arange(len(Channel)), 2.0
    g.tried[0, : len(tried)], g.earned[0, : len(earned)] = tried, earned
    model.gang_rules.learn(np.array([0]))
    return model


def test_a14_one_step_of_learning_is_the_equation() -> None:
    """A14, equation 4.5: A' = (phi N A + [delta + (1 - delta) 1(used)] pi) / N', N' = rho N + 1."""
    model = learned(0.9, 0.8, 0.3, [3.0, 0.0, -1.0, 0.0], [4.0, 0.0, 2.0, 0.0])
    posted = model.gang_rules._posted(np.array([0]))[0]
    payoff = [0.75, 0.3 * posted[1], -0.5, *(0.3 * posted[3:])]
    expected = [(0.9 * 2.0 * (1.0 + k) + pi) / 2.6 for k, pi in enumerate(payoff)]
    assert np.allclose(model.gangs.attraction[0], expected, rtol=1e-12)
    assert math.isclose(model.gangs.experience[0], 2.6)
    assert not model.gangs.tried[0].any()
    assert not model.gangs.earned[0].any()


def test_a14_without_foregone_payoffs_and_depreciation_of_experience_it_is_reinforcement() -> None:
    """A14: delta = 0, rho = 0: A' = phi N A + the payoff earned; channels not used only fade."""
    model = learned(0.5, 0.0, 0.0, [3.0, 0.0, 0.0, 0.0], [4.0, 0.0, 0.0, 0.0])
    assert np.allclose(model.gangs.attraction[0], [1.0 + 0.75, *(2.0 + np.arange(len(Channel) - 1))])


def test_a9_police_take_the_oldest_leads_first_and_drop_the_stale_ones(world: FraudSupplyChain) -> None:
    """First in, first out; no more than there is room for; a lead older than its life is dropped."""
    unit = world.police[0]
    unit.queue.clear()
    for day in range(5):
        world.day = day
        unit.receive(np.array([10 * day, 10 * day + 1]), keys(2, 2 * day))
    world.day = 1 + unit.life
    assert [gang for gang, _ in unit.investigate(3)] == [10, 11, 20]
    assert [gang for gang, _ in unit.investigate(0)] == []
    assert [gang for gang, _ in unit.investigate(100)] == [21, 30, 31, 40, 41]
    assert unit.investigate(1) == []
    world.day = 0


def test_removed_agents_are_replaced_with_probability_r_after_a_gamma_wait() -> None:
    """Equation 4.3: probability r, wait Gamma of shape 2 and mean tau weeks (whole days, from tomorrow on).

    Rule: share within 4 standard errors of 40,000 removals (1% could be told); mean wait within 4 (2%).
    """
    model = model_with()
    r, weeks = (model.parameters.number(f"gangs.replacement_{n}") for n in ("share", "weeks"))
    due: dict[int, list[int]] = defaultdict(list)
    n = 40_000
    model.removal._schedule("gang", np.arange(n), keys(n), due)
    waits = np.repeat(list(due), [len(rows) for rows in due.values()])
    decide_binomial(len(waits), n, r, 0.011)
    # The wait in whole days lies on average half a day below the wait, and one day is added.
    decide_mean(float(waits.mean()), 7 * weeks + 0.5, (7 * weeks) ** 2 / 2, len(waits), 0.03 * 7 * weeks)


def test_newcomers_come_in_proportion_to_profit_within_bounds() -> None:
    """Entry is the growth at the reference profit, in proportion to profit after, never below 0 or above its
    cap.
    """
    entry = Entry(0.52, 3.0)
    assert math.isclose(entry.rate(0, 1e9), 0.01)
    for week in range(13, 52):
        assert math.isclose(entry.rate(week, 200.0), 0.01)
    for profit, ratio in ((200.0, 1.0), (100.0, 0.5), (-50.0, 0.0), (1e6, 3.0)):
        assert math.isclose(entry.rate(52, profit), 0.01 * ratio)
