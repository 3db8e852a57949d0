"""Checks A19 and A20: what does nothing changes nothing, not by a bit.

Doses of every shipped measure stand in `doses.py`; a measure without an entry there fails the first test, so
that no measure comes into the world without its null check.
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest
from doses import DOSES, ZEROS, measure

from sim.interventions import MEASURES, Measure
from sim.model import FraudSupplyChain
from sim.random import children, named_key
from sim.scenario import load

START, STOP = "2020-07-01", "2020-12-31"
ANNOUNCED = date(2020, 9, 15)


def months(*added: Measure) -> pd.DataFrame:
    """Monthly outcomes of half a year of the baseline with measures added."""
    base = load("baseline", sets=["scale=500"], start=START, end=STOP)
    scenario = base.model_copy(update={"interventions": (*base.interventions, *added)})
    model = FraudSupplyChain(scenario)
    model.run_model()
    return model.recorder.monthly()


@pytest.fixture(scope="module")
def baseline() -> pd.DataFrame:
    """The baseline's months."""
    return months()


def same(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    """Equal bit for bit."""
    return left.shape == right.shape and left.to_dict("list") == right.to_dict("list")


def before(table: pd.DataFrame, month: str) -> pd.DataFrame:
    """The months before one."""
    return table[table["month"] < month].reset_index(drop=True)


def test_every_shipped_measure_has_its_null_check() -> None:
    """A measure that is new needs a full dose and a zero dose in doses.py."""
    assert set(DOSES) == set(ZEROS) == set(MEASURES)


@pytest.mark.parametrize("name", MEASURES)
def test_a19_a_measure_of_zero_dose_is_the_baseline_bit_for_bit(name: str, baseline: pd.DataFrame) -> None:
    """A19: a dose of nothing, in force, announced or not, changes no number."""
    assert same(months(measure(name, announced=ANNOUNCED, **ZEROS[name])), baseline)


@pytest.mark.parametrize("name", MEASURES)
def test_a19_a_measure_without_coverage_is_the_baseline_bit_for_bit(
    name: str, baseline: pd.DataFrame
) -> None:
    """A19: a full dose that covers nobody changes no number."""
    assert same(months(measure(name, announced=ANNOUNCED, coverage=0.0)), baseline)


@pytest.mark.parametrize("name", MEASURES)
def test_a19_a_measure_in_no_region_is_the_baseline_bit_for_bit(name: str, baseline: pd.DataFrame) -> None:
    """A19: a measure that acts in none of the regions changes no number."""
    assert same(months(measure(name, regions=[])), baseline)


@pytest.mark.parametrize("name", MEASURES)
def test_a19_history_before_a_measure_is_the_baselines_and_what_follows_is_not(
    name: str, baseline: pd.DataFrame
) -> None:
    """A19: every month before the start is bit-identical; the measure then shows (else the promise would be
    empty).
    """
    table = months(measure(name))
    assert same(before(table, "2020-10-01"), before(baseline, "2020-10-01"))
    assert not same(table, baseline)


@pytest.mark.parametrize("name", MEASURES)
def test_a19_history_before_an_announcement_is_the_baselines(name: str, baseline: pd.DataFrame) -> None:
    """A19: nobody acts before the announcement, if that comes before the start."""
    table = months(measure(name, announced=ANNOUNCED))
    assert same(before(table, "2020-09-01"), before(baseline, "2020-09-01"))


def test_an_announcement_acts_before_the_start(baseline: pd.DataFrame) -> None:
    """A campaign that is announced in September is felt in September, and one that is not is not."""
    early = before(months(measure("cluster_campaign", announced=ANNOUNCED)), "2020-10-01")
    assert not same(early, before(baseline, "2020-10-01"))


def test_a19_the_whole_operation_has_the_baselines_history(finished: Callable[..., FraudSupplyChain]) -> None:
    """A19: from 2018 to the pilot in September 2020 the operation and the baseline are one history."""
    table = finished("card-broken-2020", audit="day").recorder.monthly()
    other = finished("baseline").recorder.monthly()
    assert same(before(table, "2020-09-01"), before(other, "2020-09-01"))
    assert not same(before(table, "2020-12-01"), before(other, "2020-12-01"))


def isolated_run(name: str, gangs: int) -> FraudSupplyChain:
    """Two years with some gangs that know nobody, employ nobody and want nothing."""
    sets = ["scale=500", "parameters.gangs.safety_stock=0"]
    model = FraudSupplyChain(load(name, sets=sets, start="2020-01-01", end="2021-12-31"), audit="day")
    rows = model.population.enter_gangs(
        children(named_key("isolated"), gangs), np.zeros(gangs, dtype=np.int64)
    )
    model.gangs.contacts[rows] = -1
    model.gangs.staff[rows] = 0
    model.gangs.need[rows] = 0.0
    model.gangs.voip[rows] = 0.0
    model.gangs.messaging[rows] = 0.0
    model.run_model()
    assert (model.gangs.alive[rows] == 1).all()
    assert not model.gangs.cases[rows].any()
    return model


@pytest.mark.parametrize("name", ["baseline", "card-broken-2020"])
def test_a20_a_gang_without_contacts_leads_or_accounts_changes_no_other_history(name: str) -> None:
    """A20: one more gang that can do nothing changes the number of gangs and nothing else, bit for bit."""
    without, one = isolated_run(name, 0), isolated_run(name, 1)
    left, right = without.recorder.monthly(), one.recorder.monthly()
    assert same(left.drop(columns="gangs"), right.drop(columns="gangs"))
    nation = left["region"] == "CN"
    assert (right["gangs"][nation] - left["gangs"][nation] == 500).all()


def test_a20_every_gang_keeps_its_own_history() -> None:
    """A20, agent by agent: the tables of all other gangs and dealers end equal, cards too."""
    without, some = isolated_run("card-broken-2020", 0), isolated_run("card-broken-2020", 3)
    mine = np.isin(some.gangs.key, children(named_key("isolated"), 3))
    for column in without.gangs.names:
        assert np.array_equal(getattr(without.gangs, column), getattr(some.gangs, column)[~mine]), column
    for column in without.dealers.names:
        assert np.array_equal(getattr(without.dealers, column), getattr(some.dealers, column)), column
    assert np.array_equal(without.accounts.key, some.accounts.key)
    assert np.array_equal(without.accounts.status, some.accounts.status)
