"""What the world and its records promise: rows that keep their order, months that add up, parameters that are
read.
"""

from typing import Any

import mesa
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.agents.dealer import RECRUITER, SELLER
from sim.agents.gang import Gang
from sim.model import FraudSupplyChain
from sim.observe.outcomes import OUTCOMES
from sim.processes import market
from sim.scenario import load
from sim.world.cards import CardTable
from sim.world.codes import Kind, Status
from sim.world.ledger import Ledger
from sim.world.table import Table

PROPERTY = settings(max_examples=100, deadline=None, derandomize=True)
PHASES = [
    "calendar", "fading", "opening", "supply", "deciding", "market", "operation", "race", "card step",
    "police", "reporting", "learning", "audit",
]  # fmt: skip


@pytest.fixture(scope="module")
def table(operation: FraudSupplyChain) -> pd.DataFrame:
    """Months of the whole operation."""
    return operation.recorder.monthly()


def places(table: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Values of the nation (months) and of the places (months, places)."""
    wide = table.pivot_table(index="month", columns="region", values=column, sort=False)
    return wide["CN"].to_numpy(), wide.drop(columns="CN").to_numpy()


def test_the_day_is_a_table_that_can_be_printed_in_order(operation: FraudSupplyChain) -> None:
    """Thirteen phases, numbered 1 to 13, with the names of the model's description; all can be called."""
    assert [number for number, _, _ in operation.phases] == list(range(1, 14))
    assert [name for _, name, _ in operation.phases] == PHASES
    assert all(callable(phase) for _, _, phase in operation.phases)
    assert "\n".join(f"{number:2d} {name}" for number, name, _ in operation.phases).count("\n") == 12


def test_cards_that_ended_are_forgotten_the_next_day_and_stay_in_the_count() -> None:
    """Whoever looks at the evening of a day finds every card that went out of use on it."""
    cards = CardTable(Ledger())
    cards.enter(4, kind=Kind.ACCOUNT, status=Status.ACTIVE, key=np.arange(4))
    cards.move(np.array([1, 2]), Status.SEIZED, day=5)
    cards.drop_ended(5)
    assert cards.key.tolist() == [0, 1, 2, 3]
    before = cards.count()
    cards.drop_ended(6)
    assert cards.key.tolist() == [0, 3]
    assert np.array_equal(cards.count(), before)


def test_every_card_has_a_key_of_its_own() -> None:
    """No two cards of a year bear one key: those held on day 0, accounts, phone cards."""
    model = FraudSupplyChain(load("baseline", sets=["scale=1000"], end="2018-11-30"))
    born: dict[int, tuple[str, int, int]] = {}
    while model.day < model.days:
        for name, cards in (("account", model.accounts), ("phone card", model.sims)):
            for key, opened, region in zip(
                *(column.tolist() for column in (cards.key, cards.opened, cards.region_open)), strict=True
            ):
                assert born.setdefault(key, (name, opened, region)) == (name, opened, region)
        model.step()
    assert len(born) > 1000


def test_the_day_runs_its_table_and_nothing_else() -> None:
    """A phase that is put into the table is run every day, in its place."""
    model = FraudSupplyChain(load("no-measures", sets=["scale=5000"], end="2018-01-10"))
    seen: list[tuple[int, int]] = []
    model.phases.insert(7, (7, "watch", lambda: seen.append((model.day, len(model.cases.gang)))))
    model.run_model()
    assert [day for day, _ in seen] == list(range(10))
    assert sum(cases for _, cases in seen) == model.recorder.counts()["cases_true"]


def test_weeks_add_up_what_their_days_counted() -> None:
    """Forty-one days are five whole weeks, whatever month they lie in."""
    model = FraudSupplyChain(load("no-measures", sets=["scale=5000"], end="2018-02-10"))
    days: list[int] = []
    model.phases.insert(7, (7, "watch", lambda: days.append(len(model.cases.gang))))
    model.run_model()
    weeks = model.recorder.weekly()
    assert list(weeks["week"]) == list(pd.date_range("2018-01-01", "2018-01-29", freq="7D"))
    assert weeks["cases_true"].tolist() == [5000.0 * sum(days[k : k + 7]) for k in range(0, 35, 7)]
    sold = model.recorder.get_model_vars_dataframe()["orders_filled"].sum()
    assert 0 < weeks["orders_filled"].sum() <= sold


@pytest.mark.parametrize("name", [o.name for o in OUTCOMES.values() if o.kind in ("flow", "stock")])
def test_regions_and_abroad_add_up_to_the_nation(name: str, table: pd.DataFrame) -> None:
    """Flows and stocks of the places sum to the nation's (money to the rounding of a float)."""
    nation, parts = places(table, name)
    assert np.allclose(nation, parts.sum(axis=1), rtol=1e-12, atol=1e-6)


def test_every_month_has_the_nation_the_regions_and_abroad_once(table: pd.DataFrame) -> None:
    """60 months of 33 places, in order, with all outcomes and no hole."""
    assert len(table) == 60 * 33
    assert table["month"].is_monotonic_increasing
    assert (table["month"].dt.day == 1).all()
    assert table.groupby("month")["region"].agg(tuple).nunique() == 1
    assert table["region"].iloc[[0, 32]].tolist() == ["CN", "ABROAD"]
    assert list(table.columns) == ["month", "region", *OUTCOMES]
    assert not table.isna().any().any()


def test_results_are_in_real_units(table: pd.DataFrame, operation: FraudSupplyChain) -> None:
    """What is simulated is multiplied by the scale; what is never scaled is not."""
    for name, outcome in OUTCOMES.items():
        if outcome.kind in ("flow", "stock") and outcome.scaled and not name.endswith("_yuan"):
            assert (table[name] % operation.scale == 0).all(), name
    assert (table["openings_legitimate"] % operation.scale != 0).any()


def test_outcomes_are_where_they_can_be(table: pd.DataFrame) -> None:
    """Nothing is negative, shares are shares, registered <= reported <= true over the whole run."""
    numbers = table.drop(columns=["month", "region"])
    assert (numbers >= 0).all().all()
    for name in ("own_account_share", "substitute_share", "awareness"):
        assert (table[name] <= 1.0).all()
    nation = table[table["region"] == "CN"].sum(numeric_only=True)
    assert nation["cases_registered"] <= nation["cases_reported"] <= nation["cases_true"]
    assert (
        nation["orders_filled"]
        <= nation["orders"] + table.loc[table["region"] == "CN", "cards_gang_stock"].iloc[0]
    )
    assert nation["frozen_yuan"] < nation["losses_yuan"]


def test_attempted_openings_are_refused_lost_or_done(table: pd.DataFrame) -> None:
    """Month by month and region by region: attempted = refused + lost to suspension + opened."""
    parts = [f"openings_{n}_illicit" for n in ("refused", "lost")] + ["openings_illicit"]
    assert (table["openings_attempted_illicit"] == table[parts].sum(axis=1)).all()
    assert (table["openings_refused_legitimate"] + table["openings_lost_to_suspension"]
            <= table["openings_legitimate"]).all()  # fmt: skip


def test_victims_are_at_home_and_gangs_may_be_abroad(table: pd.DataFrame) -> None:
    """Cases belong to the victim's region, which is never abroad; a part of the gangs is."""
    abroad = table[table["region"] == "ABROAD"]
    assert (abroad["cases_true"] == 0).all()
    assert (abroad["gangs"] > 0).all()


def test_a_mesa_user_finds_what_mesa_gives(operation: FraudSupplyChain) -> None:
    """A Mesa model with its agents, and a data collector that gives the nation's months."""
    assert isinstance(operation, mesa.Model)
    frame = operation.datacollector.get_model_vars_dataframe()
    assert len(frame) == 60
    assert set(OUTCOMES) <= set(frame.columns)
    gangs = operation.agents_by_type[Gang]
    assert len(gangs) == int((operation.gangs.alive == 1).sum()) == len(operation.population.gang_agents)
    assert sum(a.cases_done for a in gangs) == int(operation.gangs.cases[operation.gangs.alive == 1].sum())


def test_an_agent_is_a_view_of_its_row(operation: FraudSupplyChain) -> None:
    """What is written to the agent stands in the table, and the other way round."""
    agent = next(iter(operation.population.gang_agents.values()))
    before = agent.low_until
    agent.lie_low(30)
    assert operation.gangs.low_until[agent.row] == operation.day + 30
    operation.gangs.low_until[agent.row] = before
    assert agent.low_until == before
    assert 0.0 < agent.belief < 1.0


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Cards handed over in each trade; a trade whose paid cards were not all there fails."""
    handed: list[int] = []
    kernel = market.trade

    def trade(*args: Any) -> tuple[np.ndarray, ...]:
        made = kernel(*args)
        handed.append(int(made[3].sum()))
        assert len(made[5]) == handed[-1]
        return made

    monkeypatch.setattr(market, "trade", trade)
    return handed


def test_every_card_that_was_paid_for_is_handed_over(watched: list[int]) -> None:
    """What a shelf is believed to hold is what it holds, at wholesale and retail, on every day of half a
    year.
    """
    model = FraudSupplyChain(
        load("card-broken-2020", sets=["scale=200"], start="2020-08-01", end="2021-01-31")
    )
    model.run_model()
    assert sum(watched) > 1000


def test_gangs_buy_from_sellers_whom_they_know_and_sellers_from_recruiters(
    operation: FraudSupplyChain,
) -> None:
    """The chain has its levels: contacts of gangs are sellers, those of sellers are recruiters."""
    tier = operation.dealers.tier
    known = operation.gangs.contacts[operation.gangs.alive == 1]
    assert (tier[known[known >= 0]] == SELLER).all()
    sources = operation.dealers.contacts[(operation.dealers.alive == 1) & (tier == SELLER)]
    assert (tier[sources[sources >= 0]] == RECRUITER).all()


def test_live_cards_have_a_living_owner(operation: FraudSupplyChain) -> None:
    """A card in stock or in use belongs to someone who is there."""
    for cards in (operation.accounts, operation.sims):
        with_gang = np.isin(cards.status, [Status.IN_TRANSIT, Status.GANG_STOCK, Status.ACTIVE])
        on_shelf = np.isin(cards.status, [Status.RECRUITER_STOCK, Status.DEALER_STOCK])
        assert (operation.gangs.alive[cards.gang[with_gang]] == 1).all()
        assert (operation.dealers.alive[cards.dealer[on_shelf]] == 1).all()
    assert (operation.accounts.kind == Kind.ACCOUNT).all()
    assert np.isin(operation.sims.kind, [Kind.SIM, Kind.IOT]).all()


def test_keys_of_cards_and_agents_are_their_own(operation: FraudSupplyChain) -> None:
    """No two cards, gangs, dealers or openers share a key, so none shares another's luck."""
    m = operation
    keys = np.concatenate(
        [m.accounts.key, m.sims.key, m.gangs.key, m.dealers.key, m.openers.key, m.outlets.keys]
    )
    assert len(np.unique(keys)) == len(keys)


def test_every_parameter_of_the_shipped_files_is_read() -> None:
    """A number that nothing reads would be a promise that nothing keeps."""
    scenario = load("card-broken-2020", sets=["scale=2000"], start="2020-09-01", end="2020-12-31")
    FraudSupplyChain(scenario).run_model()
    assert scenario.parameters.unread() == ()


@pytest.mark.parametrize("draw", [1, 2, 3, 17])
def test_draws_are_within_their_bounds_and_their_runs_end(draw: int) -> None:
    """Every draw gives parameters within their passports' ranges, and a run that keeps its books."""
    scenario = load("card-broken-2020", sets=["scale=1000"], start="2020-07-01", end="2020-12-31")
    model = FraudSupplyChain(scenario, draw=draw, audit="day")
    for name, passport in model.parameters.passports.items():
        value = model.parameters[name]
        numbers = (
            value.values() if hasattr(value, "values") else value if isinstance(value, tuple) else [value]
        )
        assert all(passport.range[0] <= number <= passport.range[1] for number in numbers), name
    model.run_model()
    assert model.audit.checks == model.days
    assert model.recorder.counts()["cases_true"] > 0


def test_a_run_of_one_day_has_one_month() -> None:
    """The shortest run there is: one day, one audit, one month of 33 places."""
    model = FraudSupplyChain(load("baseline", sets=["scale=5000"], start="2020-02-29", end="2020-02-29"))
    model.run_model()
    assert (model.day, model.audit.checks, len(model.recorder.monthly())) == (1, 1, 33)


COLUMNS = {"key": np.uint64, "small": np.uint8, "pair": (np.float64, 2)}
STEPS = st.lists(st.one_of(st.integers(0, 9), st.lists(st.booleans(), max_size=40)), max_size=12)


@PROPERTY
@given(STEPS, st.integers(1, 4))
def test_a_table_keeps_the_order_of_its_rows(steps: list[int | list[bool]], capacity: int) -> None:
    """After any growth and any dropping of rows, those left stand unchanged in their order."""
    rows, expected, made = Table(COLUMNS, capacity), [], 0
    for step in steps:
        if isinstance(step, int):
            new = np.arange(made, made + step)
            at = rows.append(step, key=new, small=new % 256, pair=np.column_stack([new, -new]))
            assert at.tolist() == list(range(len(expected), len(expected) + step))
            expected += new.tolist()
            made += step
        else:
            mask = np.resize(np.array([*step, True]), len(expected))
            rows.keep(mask)
            expected = [e for e, stays in zip(expected, mask, strict=True) if stays]
        assert rows.n == len(rows.key) == len(expected)
        assert rows.key.tolist() == expected
        assert rows.small.tolist() == [e % 256 for e in expected]
        assert rows.pair.tolist() == [[e, -e] for e in expected]


def test_a_new_row_is_empty_where_nothing_is_given_even_if_the_place_was_used_before() -> None:
    """A row that follows a dropped one does not inherit from it."""
    rows = Table(COLUMNS, 4)
    rows.append(3, key=[7, 8, 9], small=5)
    rows.keep(np.zeros(3, dtype=bool))
    rows.append(2, key=1)
    assert rows.small.tolist() == [0, 0]
    assert rows.pair.tolist() == [[0.0, 0.0]] * 2


def test_a_table_refuses_columns_that_it_does_not_have() -> None:
    """A misspelt column is an error, not a silent loss."""
    rows = Table(COLUMNS)
    with pytest.raises(AttributeError, match="smal"):
        rows.append(1, smal=3)
    with pytest.raises(AttributeError, match="colour"):
        _ = rows.colour


@pytest.mark.parametrize("accounts", [0, 2_000_000])
def test_the_trade_goes_on_where_ordinary_accounts_have_run_out(accounts: int) -> None:
    """A stock within its range, however small beside the scale, does not end the run; no cell is negative."""
    few = [f"parameters.ordinary.accounts_{n}" for n in (f"start={accounts}", "openings_per_year=0")]
    model = FraudSupplyChain(load("baseline", sets=["scale=5000", *few], end="2018-12-31"))
    model.run_model()
    assert (model.ordinary.cells >= 0).all()
