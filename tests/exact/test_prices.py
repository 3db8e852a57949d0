"""Check A7: the price rule of dealers finds the price of a market in closed form, and passes on costs (4.1,
4.8).
"""

import numpy as np
import pytest
from reference import STANDARD_ERRORS, keys

from sim.agents.dealer import RECRUITER, SELLER
from sim.model import FraudSupplyChain
from sim.scenario import load
from sim.world.codes import Goods, Kind, Status

FREE = {
    "beliefs.first_removals": 0,
    "dealers.penalty": 0,
    "market.idle_sales": 0,
    "market.price_dealer_start": 1,
    "market.recruiter_handling": 0,
    "market.seller_handling": 0,
    "market.wage_floor": 1,
}
"""A market without costs and risk: the floor of 4.1 never binds."""


def market(speed: float, values: dict[str, float]) -> FraudSupplyChain:
    """A model whose dealers move their prices with a speed, with some parameters set."""
    sets = [f"parameters.{name}={value}" for name, value in {"market.price_speed": speed, **values}.items()]
    return FraudSupplyChain(load("no-measures", sets=["scale=1000", *sets]))


class Isoelastic:
    """Demand A P^-ed and supply B P^es, other ones for each dealer; suppliers keep 1 / (1 + levy) of P."""

    def __init__(self, n: int) -> None:
        rng = np.random.default_rng(7)
        self.demand, self.supply = rng.uniform(5.0, 50.0, n), rng.uniform(0.01, 0.5, n)
        self.ed, self.es = rng.uniform(0.1, 1.5, n), rng.uniform(0.2, 3.0, n)
        self.levy = np.zeros(n)

    def price(self) -> np.ndarray:
        """Where both are equal: (A/B)^(1/(ed + es)), and es/(ed + es) of the levy in logs on top."""
        total = self.ed + self.es
        return (self.demand / self.supply) ** (1.0 / total) * (1.0 + self.levy) ** (self.es / total)

    def week(self, model: FraudSupplyChain, rows: np.ndarray) -> None:
        """A week of demand and supply at today's asks, and the move of the prices."""
        d, goods = model.dealers, Goods.ACCOUNTS
        ask = d.ask[rows, goods]
        d.need[rows, goods] = d.wanted[rows, goods] = self.demand * ask**-self.ed
        d.supplied[rows, goods] = self.supply * (ask / (1.0 + self.levy)) ** self.es
        model.stocks.dealer_stock[rows] = 0
        model.dealer_rules.move_prices(rows)


def started(speed: float, start: float) -> tuple[FraudSupplyChain, np.ndarray, Isoelastic]:
    """A market without costs, its dealers, and what is wanted and offered; asks begin off their goals by a
    factor.
    """
    model = market(speed, FREE)
    rows = np.arange(model.dealers.n)
    curves = Isoelastic(len(rows))
    model.dealers.ask[rows, Goods.ACCOUNTS] = start * curves.price()
    model.dealers.wage[:] = 0.0
    return model, rows, curves


@pytest.mark.parametrize("speed", [0.05, 0.3])
@pytest.mark.parametrize("start", [0.1, 1.0, 30.0])
def test_a7_the_sticky_price_finds_the_price_of_an_isoelastic_market(speed: float, start: float) -> None:
    """A7: from below and from above, the ask of 4.8 settles at P = (A/B)^(1/(ed + es))."""
    model, rows, curves = started(speed, start)
    for _ in range(round(150 / speed)):
        curves.week(model, rows)
    assert np.allclose(model.dealers.ask[rows, Goods.ACCOUNTS], curves.price(), rtol=1e-9)


def test_a7_near_its_goal_the_price_closes_in_by_half_its_speed_times_the_elasticities() -> None:
    """A7: log P - log P* shrinks by 1 - speed (ed + es)/2 a week, the slope of (D - S)/(D + S)."""
    speed = 0.2
    model, rows, curves = started(speed, 1.0001)
    off = np.log(model.dealers.ask[rows, Goods.ACCOUNTS] / curves.price())
    curves.week(model, rows)
    after = np.log(model.dealers.ask[rows, Goods.ACCOUNTS] / curves.price())
    assert np.allclose(after / off, 1.0 - speed * (curves.ed + curves.es) / 2.0, rtol=1e-3)


def test_a7_a_cost_shock_is_passed_on_by_the_share_of_supply_elasticity() -> None:
    """A7: a levy on suppliers raises the price by es/(es + ed) of it, in logs."""
    model, rows, curves = started(0.3, 1.0)
    before = curves.price()
    curves.levy[:] = 0.4
    for _ in range(500):
        curves.week(model, rows)
    passed = np.log(model.dealers.ask[rows, Goods.ACCOUNTS] / before) / np.log(1.4)
    assert np.allclose(passed, curves.es / (curves.es + curves.ed), rtol=1e-9)
    assert passed.min() < 0.3
    assert passed.max() > 0.9


def traded_prices(
    model: FraudSupplyChain, rows: np.ndarray, curves: dict[str, float], weeks: int
) -> np.ndarray:
    """Mean log ask of each week in a market where gangs ask one of the sellers, who remember the need."""
    d, g, goods, born, owed = model.dealers, model.gangs, Goods.ACCOUNTS, 0, np.zeros(len(rows))
    prices = []
    for week in range(weeks):
        model.day = week
        ask = d.ask[rows, goods]
        owed += curves["supply"] / len(rows) * ask ** curves["es"]
        cards = np.floor(owed).astype(np.int64)
        owed -= cards
        who = np.repeat(rows, cards)
        model.accounts.keep(np.zeros(model.accounts.n, dtype=bool))
        model.accounts.enter(
            len(who), kind=Kind.ACCOUNT, status=Status.DEALER_STOCK, key=keys(len(who), born), dealer=who
        )
        born += len(who)
        model.stocks.count(model)
        g.fresh_need[:, goods] = curves["demand"] * ask.mean() ** -curves["ed"] / g.n
        g.order[:, goods] = np.ceil(g.fresh_need[:, goods])
        model.market.retail()
        model.dealer_rules.move_prices(rows)
        model.dealer_rules.order(rows)
        prices.append(np.log(d.ask[rows, goods]).mean())
    return np.array(prices)


@pytest.mark.parametrize(("ed", "es"), [(0.5, 1.0), (0.1, 0.4)])
def test_a7_with_complete_contacts_and_a_small_speed_trade_finds_the_walrasian_price(
    ed: float, es: float
) -> None:
    """A7 in trade: buyers ask one of all sellers by its ask, sellers remember need, prices move slowly.

    Rule: the mean log price of 1,200 weeks, in 12 blocks, lies within 1% and 4 standard errors of
    (A/B)^(1/(ed + es)); a sample that could not tell 3% is refused.
    """
    model = market(0.05, FREE | {"market.transit_loss": 0})
    d, g = model.dealers, model.gangs
    rows = np.flatnonzero(d.tier == SELLER)[:8]
    assert len(rows) == 8
    g.contacts[:] = rows
    g.cash[:] = 10**14
    g.bid[:] = 1e6
    d.ask[rows, Goods.ACCOUNTS] = 900.0
    goal = 600.0
    supply = 400.0 * goal**-es
    curves = {"demand": supply * goal ** (ed + es), "supply": supply, "ed": ed, "es": es}
    found = traded_prices(model, rows, curves, 1500)[300:].reshape(12, 100).mean(axis=1)
    error = STANDARD_ERRORS * found.std(ddof=1) / np.sqrt(12)
    assert error < 0.02, "the sample could never decide"
    assert abs(found.mean() - np.log(goal)) < 0.01 + error


def test_a7_what_nobody_wants_sells_at_zero_profit_and_passes_on_its_costs() -> None:
    """A7, 4.1: unwanted, the ask falls to (1 - q) P = c + q F for recruiters and sellers alike; a cost above
    that is passed on in full, divided by 1 - q.
    """
    model = market(0.3, {})
    d, rules, goods = model.dealers, model.dealer_rules, Goods.ACCOUNTS
    rows = np.arange(d.n)
    d.risk_seen[rows] = np.column_stack([np.linspace(0.0, 4.0, d.n), np.full(d.n, 20.0)])
    d.need[rows, goods] = 2.0
    cost = np.where(d.tier == RECRUITER, d.wage, d.cost[:, goods]) + rules.handling[d.tier]
    q = d.risk_seen[:, 0] / d.risk_seen.sum(axis=1) / 2.0
    asks = []
    for shock in (0.0, 100.0):
        d.ask[rows, goods] = 1e5
        d.wage += shock
        d.cost[:, goods] += shock
        for _ in range(60):
            d.need[rows, goods] = d.wanted[rows, goods] = 2.0
            model.stocks.dealer_stock[rows, goods] = 1000
            rules.move_prices(rows)
        asks.append(d.ask[rows, goods].copy())
    profit = (1.0 - q) * asks[0] - cost - q * d.penalty
    assert np.allclose(profit, 0.0, atol=1e-6)
    assert np.allclose(asks[1] - asks[0], 100.0 / (1.0 - q))
