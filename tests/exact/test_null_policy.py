"""Checks A19 and A20: what does nothing changes nothing, not by a bit.

Doses of every shipped measure stand below; a measure without an entry here fails the first test, so that no
measure comes into the world without its null check.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.interventions import MEASURES, Measure
from sim.model import FraudSupplyChain
from sim.random import children, named_key
from sim.scenario import load

START, STOP = "2020-07-01", "2020-12-31"
LAUNCH, END, ANNOUNCED = date(2020, 10, 10), date(2020, 12, 20), date(2020, 9, 15)

DOSES: dict[str, dict[str, Any]] = {
    "cluster_campaign": {
        "suspects": [{"by": date(2020, 12, 1), "total": 200_000}],
        "card_gangs": [{"by": date(2020, 12, 1), "total": 20_000}],
        "pulses": [{"on": date(2020, 10, 20), "suspects": 4_000}],
    },
    "phone_card_cleanup": {"cards": [{"by": date(2020, 12, 20), "total": 80_000_000}], "illicit_lift": 10.0},
    "account_cleanup": {"criterion": "multi_card", "accounts": 700_000_000, "illicit_lift": 3.0},
    "opening_suspension": {"outlets": 20_000, "selection_auc": 0.9, "deterrence": 0.3},
    "risk_control_linkage": {"opening_factor": 3.0, "use_factor": 2.0, "trace_factor": 2.0},
    "publicity": {"videos": 1500, "events": 15_000, "messages": 3_620_000_000},
    "antifraud_app": {
        "covered": [{"since": LAUNCH, "level": 0.1}, {"since": date(2020, 11, 1), "level": 0.5}],
        "efficacy": 0.5,
    },
    "dissuasion_orders": {"orders_per_day": [{"since": LAUNCH, "level": 500_000.0}]},
    "warning_line": {"freeze_factor": 5.0, "report_lift": 0.3},
    "insider_investigation": {"insiders": [{"by": date(2020, 10, 20), "total": 2_000}]},
    "iot_card_review": {"cards": 1_400_000_000, "sensitivity": 1.0, "closed_share": 0.01, "sweep_days": 10},
    "one_pass_check": {"queries_per_year": 10.0, "act_share": 1.0},
    "institution_inspection": {"institutions": 4_000, "lift": 1.5, "spillover": 0.5, "displacement": 0.3},
    "police_bank_link": {"delay_days": 0.1},
    "blacklist_sharing": {"lag_days": 0, "displacement": 0.3},
    "border_repatriation": {
        "persons": [{"by": date(2020, 12, 1), "total": 60_000}],
        "closed": 0.9,
        "seized": 0.3,
    },
    "five_year_ban": {"persons": [{"by": date(2020, 12, 1), "total": 300_000}], "relevant_share": 1.0},
    "transfer_limits": {"layering_factor": 5.0, "held_share": 0.01},
    "stablecoin_limits": {"closure_per_year": 20.0, "growth_cut": 1.0},
}
"""A full dose of each measure: so large that a coarse run must show it."""

ZEROS: dict[str, dict[str, Any]] = {
    "cluster_campaign": {
        "suspects": [{"by": date(2020, 12, 1), "total": 0}],
        "card_gangs": [{"by": date(2020, 12, 1), "total": 0}],
        "pulses": [{"on": date(2020, 10, 20), "suspects": 0}],
    },
    "phone_card_cleanup": {"cards": [{"by": date(2020, 12, 20), "total": 0}]},
    "account_cleanup": {"accounts": 0},
    "opening_suspension": {"outlets": 0},
    "risk_control_linkage": {"opening_factor": 1.0, "use_factor": 1.0, "trace_factor": 1.0},
    "publicity": {"videos": 0, "events": 0, "messages": 0},
    "antifraud_app": {"covered": [{"since": LAUNCH, "level": 0.0}]},
    "dissuasion_orders": {"orders_per_day": [{"since": LAUNCH, "level": 0.0}]},
    "warning_line": {"freeze_factor": 1.0, "report_lift": 0.0},
    "insider_investigation": {"insiders": [{"by": date(2020, 10, 20), "total": 0}]},
    "iot_card_review": {"sensitivity": 0.0, "closed_share": 0.0},
    "one_pass_check": {"queries_per_year": 0.0},
    "institution_inspection": {"institutions": 0},
    "police_bank_link": {"members": 0.0},
    "blacklist_sharing": {"members": 0.0},
    "border_repatriation": {
        "persons": [{"by": date(2020, 12, 1), "total": 0}],
        "closed": 0.0,
        "seized": 0.0,
    },
    "five_year_ban": {"persons": [{"by": date(2020, 12, 1), "total": 0}]},
    "transfer_limits": {"layering_factor": 1.0, "held_share": 0.0},
    "stablecoin_limits": {"closure_per_year": 0.0, "growth_cut": 0.0},
}
"""The same measure with a dose of nothing."""


def measure(name: str, **changes: Any) -> Measure:
    """A measure at its full dose, with changes."""
    fields = {"measure": name, "id": "under_test", "start": LAUNCH, "end": END, **DOSES[name], **changes}
    return MEASURES[name].model_validate(fields)


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
    """A measure that is new needs a full dose and a zero dose in this file."""
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
