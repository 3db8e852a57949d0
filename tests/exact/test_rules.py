"""The rules of agents in closed form: use caps (A5), steps of prices, police (A9, its order), beliefs (A13),
learning (A14).
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import decide_binomial, decide_mean, keys

from sim.agents.dealer import SELLER
from sim.agents.rules import softmax
from sim.kernels.dealers import floor
from sim.kernels.decisions import expected_uses, hear
from sim.kernels.enforcement import close_down
from sim.model import FraudSupplyChain
from sim.processes.investigation import Investigation
from sim.processes.learning import Entry
from sim.processes.removal import REPLACEMENT
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
def test_a5_gangs_expect_the_uses_that_the_card_step_gives(q: float) -> None:
    """A5: (1 - (1 - q)^m) / q for every cap m."""
    for cap in range(1, 60):
        assert math.isclose(expected_uses(q, cap), sum((1 - q) ** k for k in range(cap)), rel_tol=1e-12)


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
    belief = d.risk_seen[rows, 0] / d.risk_seen[rows].sum(axis=1)
    costs = d.cost[rows, 0] + rules.handling[SELLER]
    risks = belief / np.maximum(d.need[rows, 0], rules.turnover_floor)
    floors = [floor(*dealer) for dealer in zip(costs, d.penalty[rows], risks, strict=True)]
    assert np.allclose(d.ask[rows, 0], floors)


@PROPERTY
@given(st.floats(0.01, 50), st.floats(0.01, 50), st.lists(st.floats(0, 1), max_size=8), st.floats(0, 20))
def test_a13_beliefs_without_decay_are_conjugate(
    a: float, b: float, shares: list[float], peers: float
) -> None:
    """A13: Beta(a, b) after S removals and F survivals is Beta(a + S, b + F)."""
    seen = np.array([[a, b]])
    for share in shares:
        hear(seen, 0, share, peers, 1.0)
    assert np.allclose(seen[0], [a + peers * sum(shares), b + peers * sum(1 - s for s in shares)])


@pytest.mark.parametrize("share", [0.0, 0.02, 1.0])
def test_a13_beliefs_with_decay_forget_their_start(share: float) -> None:
    """A13: the decayed belief tends to what is seen, and its weight to peers / (1 - decay)."""
    seen = np.array([[30.0, 1.0]])
    for _ in range(2000):
        hear(seen, 0, share, 10.0, 0.95)
    assert np.allclose(seen[0], [200.0 * share, 200.0 * (1.0 - share)])


def test_a13_a_belief_of_some_rows_leaves_the_others() -> None:
    """Only those who decide today learn."""
    seen = np.ones((4, 2))
    assert hear(seen, 2, 0.5, 10.0, 0.9) == 0.5
    assert seen[[0, 1, 3]].tolist() == [[1.0, 1.0]] * 3
    assert seen[2].tolist() == [5.9, 5.9]


def test_a13_the_belief_is_the_mean_of_bayes_posterior() -> None:
    """A13: from a Beta(a, b) prior the belief is the mean of Bayes' posterior, integrated numerically."""
    a, b, removed, stayed = 1.5, 4.0, 3, 9
    seen = np.array([[a, b]])
    hear(seen, 0, removed / 12, 12.0, 1.0)
    risk = (np.arange(200_000) + 0.5) / 200_000
    weight = risk ** (a - 1 + removed) * (1.0 - risk) ** (b - 1 + stayed)
    assert math.isclose(seen[0, 0] / seen[0].sum(), float(risk @ weight / weight.sum()), rel_tol=1e-6)


def test_a13_gangs_and_dealers_come_to_believe_what_befalls_their_peers_and_hide_by_it() -> None:
    """A13, equation 4.9: under steady news of a region the belief tends to its share of peers removed, as
    fast as the decay says, and the chance to lie low is 1 - exp(-weight x belief).

    Rule: how many hide in 1,000 weeks, within 4 standard errors; 15% could be told.
    """
    model = model_with("parameters.dealers.lie_low_impulse=0", "parameters.gangs.relocate_weight=0")
    p, places = model.parameters, model.regions.n + 1
    peers, decay = p.number("beliefs.peers"), p.number("beliefs.decay")
    first = np.array([p.number("beliefs.first_removals"), p.number("beliefs.first_survivals")])
    news = np.linspace(0.0, 0.02, places)
    model.signals.gang_removal = model.signals.dealer_removal = news
    for table, rules, who in (
        (model.gangs, model.gang_rules, "gangs"),
        (model.dealers, model.dealer_rules, "dealers"),
    ):
        rows, share, hidden = np.arange(table.n), news[table.region], 0
        for week in range(1100):
            model.day, table.low_until[:] = 7 * week, 0
            rules.weigh_risk(rows)
            if week == 9:
                old = decay**10 * first
                new = peers * (1 - decay**10) / (1 - decay)
                assert np.allclose(table.risk_seen, old + new * np.column_stack([share, 1 - share]))
            if week >= 100:
                hidden += int((table.low_until > model.day).sum())
        assert np.allclose(table.risk_seen[:, 0] / table.risk_seen.sum(axis=1), share, atol=1e-9)
        chance = -np.expm1(-p.number(f"{who}.lie_low_weight") * share)
        expected = 1000 * float(chance.sum())
        decide_mean(hidden, expected, 1000 * float((chance * (1 - chance)).sum()), 1, 0.15 * expected)


@pytest.mark.parametrize("scale", [0.0, 1e-12])
def test_a14_without_sensitivity_all_channels_are_alike(scale: float) -> None:
    """A14: lambda = 0 gives a uniform choice."""
    assert np.allclose(softmax(scale * np.array([[3.0, -2.0, 100.0, 0.0]])), 0.25)


def test_a14_with_great_sensitivity_the_best_channel_is_chosen() -> None:
    """A14: lambda to infinity gives the argmax, without overflow."""
    assert softmax(1e6 * np.array([[0.3, 0.1, 0.31, -5.0]])).tolist() == [[0.0, 0.0, 1.0, 0.0]]


def learning(**ewa: float) -> FraudSupplyChain:
    """A world whose gangs learn by other rules: ``phi``, ``rho``, ``delta``, ``lambda_``."""
    return model_with(*(f"parameters.gangs.ewa_{name.rstrip('_')}={value}" for name, value in ewa.items()))


def promised(model: FraudSupplyChain) -> np.ndarray:
    """What each channel promises by its posted price, a yuan of take, float64 (gangs, channels)."""
    g, rules = model.gangs, model.gang_rules
    frozen = np.minimum(model.signals.frozen_share * rules.freeze_factor, 1.0)
    posted = np.tile(1.0 - frozen - rules.fees, (g.n, 1))
    uses = [expected_uses(model.signals.detection, cap) for cap in g.use_cap.tolist()]
    sets = rules.uses_per_case / np.array(uses)
    posted[:, Channel.BOUGHT] -= g.price_seen * sets / (model.take_yuan * g.skill)
    posted[:, Channel.UNKNOWN] = 0.0  # nobody knows it yet
    return posted


def test_a14_one_step_of_learning_is_the_equation() -> None:
    """A14, equation 4.5: A' = (phi N A + [delta + (1 - delta) 1(used)] pi) / N', N' = rho N + 1."""
    model = learning(phi=0.9, rho=0.8, delta=0.3)
    g, row = model.gangs, np.array([0])
    first = np.arange(1.0, 1.0 + len(Channel))
    g.attraction[0], g.experience[0] = first, 2.0
    g.tried[0, [Channel.BOUGHT, Channel.CORPORATE]] = [4.0, 2.0]
    g.earned[0, [Channel.BOUGHT, Channel.CORPORATE]] = [3.0, -1.0]
    payoff = 0.3 * promised(model)[0]
    payoff[[Channel.BOUGHT, Channel.CORPORATE]] = [0.75, -0.5]
    model.gang_rules.learn(row)
    assert np.allclose(g.attraction[0], (0.9 * 2.0 * first + payoff) / 2.6, rtol=1e-12)
    assert math.isclose(g.experience[0], 2.6)
    assert not g.tried[0].any()
    assert not g.earned[0].any()


def test_a14_with_equal_decays_and_all_payoffs_attractions_are_weighted_averages() -> None:
    """A14: delta = 1, rho = phi: A' = (phi N A + pi) / (phi N + 1), an average of payoffs, so that a steady
    payoff is learned exactly and experience tends to 1 / (1 - phi).
    """
    model = learning(phi=0.8, rho=0.8, delta=1.0)
    g, rows = model.gangs, np.arange(model.gangs.n)
    steady = np.tile(np.linspace(-0.2, 0.6, len(Channel)), (g.n, 1))
    for _ in range(200):
        g.tried[:], g.earned[:] = 2.0, 2.0 * steady
        model.gang_rules.learn(rows)
    assert np.allclose(g.attraction, steady, atol=1e-9)
    assert np.allclose(g.experience, 5.0)


def test_a14_without_memory_only_the_last_payoff_counts() -> None:
    """A14: phi = 0, rho = 0, delta = 1: attractions are the payoffs of the week, promised where not tried
    (Cournot's best reply).
    """
    model = learning(phi=0.0, rho=0.0, delta=1.0)
    g, rows = model.gangs, np.arange(model.gangs.n)
    g.tried[:, Channel.BOUGHT], g.earned[:, Channel.BOUGHT] = 4.0, 1.0
    posted = promised(model)
    model.gang_rules.learn(rows)
    assert np.allclose(g.attraction[:, Channel.BOUGHT], 0.25)
    assert np.allclose(
        np.delete(g.attraction, Channel.BOUGHT, axis=1), np.delete(posted, Channel.BOUGHT, axis=1)
    )


@pytest.mark.parametrize("payoff", [0.3, -0.7])
def test_a14_without_foregone_payoffs_a_channel_that_is_never_tried_only_fades(payoff: float) -> None:
    """A14: delta = 0, rho = 0 over weeks: A_k = phi^t A_k(0) + the sum of payoffs that were earned, decayed
    (cumulative reinforcement).
    """
    model = learning(phi=0.5, rho=0.0, delta=0.0)
    g, rows, weeks = model.gangs, np.arange(model.gangs.n), 6
    first = g.attraction.copy()
    g.experience[:] = 1.0
    for _ in range(weeks):
        g.tried[:, Channel.OWN], g.earned[:, Channel.OWN] = 1.0, payoff
        model.gang_rules.learn(rows)
    earned = np.zeros(len(Channel))
    earned[Channel.OWN] = payoff * sum(0.5**k for k in range(weeks))
    assert np.allclose(g.attraction, 0.5**weeks * first + earned)


def test_a14_gangs_without_sensitivity_choose_evenly_and_with_much_the_best() -> None:
    """A14: the mix after learning is uniform for lambda = 0, the best channel for a great one."""
    even, sharp = learning(lambda_=0.0), learning(lambda_=1000.0, phi=1.0, rho=0.0, delta=0.0)
    even.gang_rules.learn(np.arange(even.gangs.n))
    assert np.allclose(even.gangs.mix, 1.0 / len(Channel))
    g = sharp.gangs
    best = np.arange(g.n) % len(Channel)
    g.attraction[:] = 0.2
    g.attraction[np.arange(g.n), best] = 0.3
    g.experience[:] = 1.0
    sharp.gang_rules.learn(np.arange(g.n))
    assert np.array_equal(g.mix.argmax(axis=1), best)
    assert (g.mix.max(axis=1) > 1.0 - 1e-12).all()


def test_a9_police_take_the_oldest_leads_first_and_drop_the_stale_ones(world: FraudSupplyChain) -> None:
    """First in, first out; no more than there is room for; a lead older than its life is dropped."""
    police, unit = Investigation(world), world.police[2]
    police.lead[:] = 1.0
    for day in range(5):
        world.day = day
        gang, region = np.array([10 * day, 10 * day + 1]), np.full(2, unit.region)
        world.registered_today = (gang, region, np.zeros(2, dtype=np.int64), keys(2, 2 * day))
        police._leads()
    world.day = 1 + police.life
    assert [(day, gang) for day, gang, _ in unit.queue][:3] == [(0, 0), (0, 1), (1, 10)]
    assert world.police[0].queue == []
    police.solve = 0.0
    for room, left in ((3, [21, 30, 31, 40, 41]), (0, [21, 30, 31, 40, 41]), (4, [41]), (100, []), (1, [])):
        police.capacity[:] = room
        police._solve()
        assert [gang for _, gang, _ in unit.queue] == left
    nobody = np.empty(0, dtype=np.int64)
    world.day, world.registered_today = 0, (nobody, nobody, nobody, keys(0))


def test_removed_agents_are_replaced_with_probability_r_after_a_gamma_wait() -> None:
    """Equation 4.3: probability r, wait Gamma of shape 2 and mean tau weeks (whole days, from tomorrow on).

    Rule: share within 4 standard errors of 40,000 removals (1% could be told); mean wait within 4 (2%).
    """
    model = model_with()
    r, weeks = (model.parameters.number(f"gangs.replacement_{n}") for n in ("share", "weeks"))
    n = 40_000
    heir, cash = np.empty(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    close_down(model.keyed.key, REPLACEMENT, 0, np.arange(n), keys(n), cash, 0.5, r, weeks, heir)
    waits = heir[heir >= 0]
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
