"""The same question gets the same answer, bit for bit: whatever the threads, the audit, the stepping, or a
rule that was only taken over by a subclass.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.agents.dealer import Dealer
from sim.agents.gang import Gang
from sim.agents.row import RowAgent
from sim.model import FraudSupplyChain
from sim.scenario import load

WINDOW = {"start": "2020-07-01", "end": "2021-03-31"}
"""Nine months around the launch: long enough for campaigns, cleanups, entries, exits and replacements."""


def run(*sets: str, window: dict[str, str] = WINDOW, **options: Any) -> FraudSupplyChain:
    """A finished run of the whole operation, of nine months unless told otherwise."""
    model = FraudSupplyChain(load("card-broken-2020", sets=["scale=500", *sets], **window), **options)
    model.run_model()
    return model


def same(left: FraudSupplyChain, right: FraudSupplyChain) -> bool:
    """Whether the months of two runs are equal bit for bit."""
    one, other = left.recorder.monthly(), right.recorder.monthly()
    return one.to_dict("list") == other.to_dict("list") and left.recorder.counts() == right.recorder.counts()


@pytest.fixture(scope="module")
def first() -> FraudSupplyChain:
    """The run that others are compared with."""
    return run()


def test_the_same_seed_gives_the_same_months_and_the_same_cards(first: FraudSupplyChain) -> None:
    """Twice in a row, down to the last card."""
    again = run()
    assert same(first, again)
    for column in first.accounts.names:
        assert np.array_equal(getattr(first.accounts, column), getattr(again.accounts, column)), column


def test_threads_do_not_change_the_result() -> None:
    """One thread or two; the card step over several chunks has an exact check of its own."""
    window = {"start": "2020-09-01", "end": "2020-10-31"}
    assert same(run(window=window, threads=1), run(window=window, threads=2))


def test_a_daily_audit_changes_nothing(first: FraudSupplyChain) -> None:
    """To look is not to touch."""
    assert same(first, run(audit="day"))


def test_a_run_in_stages_is_the_straight_run(first: FraudSupplyChain) -> None:
    """Stepped by hand, with the months read in between, and with a progress report at the end."""
    model = FraudSupplyChain(load("card-broken-2020", sets=["scale=500"], **WINDOW))
    for day in range(100):
        model.step()
        if day == 60:
            model.recorder.monthly()
    seen: list[tuple[int, int]] = []
    model.run_model(lambda done, of: seen.append((done, of)))
    assert same(first, model)
    assert seen[-1] == (model.days, model.days)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_two_models_side_by_side_do_not_disturb_each_other(first: FraudSupplyChain) -> None:
    """No state is shared: two runs of one scenario object, stepped in turn, one of them with another seed."""
    scenario = load("card-broken-2020", sets=["scale=500"], **WINDOW)
    one, other = FraudSupplyChain(scenario), FraudSupplyChain(scenario, seed=2)
    for _ in range(one.days):
        other.step()
        one.step()
    assert same(first, one)
    assert not same(first, other)


@pytest.mark.parametrize("options", [{"replicate": 1}, {"seed": 2}, {"draw": 1}])
def test_another_replicate_seed_or_draw_is_another_run(
    options: dict[str, int], first: FraudSupplyChain
) -> None:
    """What should be chance is chance: other numbers, not only another label."""
    assert not same(first, run(**options))


def test_replicates_begin_in_worlds_of_their_own(first: FraudSupplyChain) -> None:
    """Also traits of agents and laxity of outlets differ between replicates: their keys do not meet."""
    other = FraudSupplyChain(load("card-broken-2020", sets=["scale=500"], **WINDOW), replicate=1)
    assert not np.isin(first.outlets.laxity, other.outlets.laxity).any()


def test_scenarios_share_their_world_and_their_luck() -> None:
    """Common random numbers: two scenarios of one seed and replicate begin in the same world."""
    one = FraudSupplyChain(load("no-measures", sets=["scale=500"]), seed=3, replicate=4)
    other = FraudSupplyChain(load("card-broken-2020", sets=["scale=500"]), seed=3, replicate=4)
    for table in ("gangs", "dealers", "openers", "accounts", "sims"):
        for column in getattr(one, table).names:
            left, right = (getattr(getattr(m, table), column) for m in (one, other))
            assert np.array_equal(left, right), (table, column)
    assert np.array_equal(one.outlets.laxity, other.outlets.laxity)


class SameGang(Gang):
    """A gang that decides as all gangs do."""

    def decide(self) -> None:
        super().decide()


class SameDealer(Dealer):
    """A dealer that decides as all dealers do."""

    def decide(self) -> None:
        super().decide()


class QuietGang(Gang):
    """A gang that lies low for ever."""

    def decide(self) -> None:
        super().decide()
        self.lie_low(7)


class CountingGang(Gang):
    """A gang that notes when it decided."""

    def __init__(self, *of: Any) -> None:
        super().__init__(*of)
        self.days_decided: list[int] = []

    def decide(self) -> None:
        super().decide()
        self.days_decided.append(self.model.day)


@pytest.mark.parametrize(
    "classes", [{"gang": SameGang}, {"dealer": SameDealer}, {"gang": SameGang, "dealer": SameDealer}]
)
def test_a_subclass_that_only_calls_its_rule_gives_the_same_bits(
    classes: dict[str, type[RowAgent]], first: FraudSupplyChain
) -> None:
    """One by one or as arrays: a rule is a rule.  So a subclass can be compared with the baseline."""
    model = run(agent_classes=classes)
    assert same(first, model)
    assert all(type(a) is classes.get("gang", Gang) for a in model.population.gang_agents.values())
    assert all(type(a) is classes.get("dealer", Dealer) for a in model.population.dealer_agents.values())


def test_a_subclass_with_a_rule_of_its_own_is_obeyed(first: FraudSupplyChain) -> None:
    """Gangs that always lie low defraud nobody once each of them has decided (newcomers, who have not, are
    off).
    """
    nobody_new = ["parameters.gangs.growth_per_year=0", "parameters.gangs.replacement_share=0"]
    table = run(*nobody_new, agent_classes={"gang": QuietGang}).recorder.monthly()
    nation = table[table["region"] == "CN"]
    assert nation["cases_true"].iloc[0] > 0
    assert (nation["cases_true"].iloc[1:] == 0).all()
    assert (first.recorder.get_model_vars_dataframe()["cases_true"] > 0).all()


def test_each_agent_decides_once_a_week_on_its_weekday() -> None:
    """Gangs, newcomers too, decide every seventh day while they live."""
    model = run(agent_classes={"gang": CountingGang})
    agents = [a for a in model.population.gang_agents.values() if a.days_decided]  # type: ignore[attr-defined]
    assert len({a.days_decided[0] % 7 for a in agents}) == 7
    for agent in agents:
        assert np.diff(agent.days_decided).tolist() == [7] * (len(agent.days_decided) - 1)  # type: ignore[attr-defined]


def test_a_subclass_that_replaces_the_rule_for_many_rows_is_obeyed() -> None:
    """A subclass may also give its rule as arrays, and then it is not run one by one."""

    class QuietRows(Gang):
        @classmethod
        def decide_rows(cls, model: FraudSupplyChain, rows: np.ndarray) -> None:
            super().decide_rows(model, rows)
            model.gangs.low_until[rows] = model.day + 7

    nobody_new = ["parameters.gangs.growth_per_year=0", "parameters.gangs.replacement_share=0"]
    table = run(*nobody_new, agent_classes={"gang": QuietRows}).recorder.get_model_vars_dataframe()
    assert (table["cases_true"].iloc[1:] == 0).all()


def test_classes_of_unknown_agents_are_refused() -> None:
    """``gangs`` for ``gang`` must not run the baseline under the name of a new rule."""
    with pytest.raises((KeyError, ValueError), match="gangs"):
        FraudSupplyChain(load("no-measures", sets=["scale=5000"]), agent_classes={"gangs": QuietGang})


def test_frames_have_no_holes(first: FraudSupplyChain) -> None:
    """Every month and place has every outcome: a number, never NaN or infinity."""
    table = first.recorder.monthly()
    values = table.drop(columns=["month", "region"])
    assert np.isfinite(values.to_numpy(dtype=float)).all()
    assert isinstance(table, pd.DataFrame)


def test_the_progress_is_told_to_whoever_asks() -> None:
    """Days done and days in all, the last report at the end."""
    reports: list[tuple[int, int]] = []
    callback: Callable[[int, int], None] = lambda done, of: reports.append((done, of))  # noqa: E731
    FraudSupplyChain(load("no-measures", sets=["scale=5000"], end="2018-03-31")).run_model(callback)
    assert reports == [(30, 90), (60, 90), (90, 90)]
