"""What switches and rivals promise: one history until their day, a part of their own after it, and what each
rival leaves out is left out.
"""

from datetime import date
from functools import cache

import pandas as pd
import pytest

from sim.interventions import MEASURES
from sim.model import FraudSupplyChain
from sim.scenario import load
from sim.scenario.structure import RIVALS, SWITCHES

WINDOW = {"start": "2020-07-01", "end": "2021-03-31"}
VISIBLE = (
    "scale=1000",
    "parameters.channels.unknown_arrival_years=0.02",
    "parameters.gangs.relocate_weight=20",
    "parameters.dealers.warm_up_per_week=5",
    "interventions.institution_inspection.lift=2.0",
    "interventions.institution_inspection.displacement=0.9",
)
"""So coarse a run shows an answer only if it is strong."""


@cache
def months(*sets: str) -> pd.DataFrame:
    """Nine months of the whole operation."""
    model = FraudSupplyChain(load("card-broken-2020", sets=[*VISIBLE, *sets], **WINDOW))
    model.run_model()
    return model.recorder.monthly()


def same(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    """Equal bit for bit."""
    return left.to_dict("list") == right.to_dict("list")


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_changes_nothing_before_its_day_and_something_after(switch: str) -> None:
    """Every answer of the trade can be switched off by itself, from a day on."""
    off, on = months(f"adaptation.{switch}=false"), months()
    early = on["month"] < "2020-09-01"
    assert same(off[early], on[early])
    assert not same(off, on)


def test_no_adaptation_is_all_switches_off() -> None:
    """The rival and the switches are one thing said in two ways."""
    assert same(months("rival=no-adaptation"), months(*(f"adaptation.{name}=false" for name in SWITCHES)))


def test_switches_hold_from_the_day_they_are_given() -> None:
    """A later day, a longer common history."""
    late = months("rival=no-adaptation", "adaptation.since=2021-01-01")
    early = late["month"] < "2021-01-01"
    assert same(late[early], months()[early])
    assert not same(late, months())


def one_measure(name: str, rival: str, **fields: object) -> pd.DataFrame:
    """Half a year of the baseline in a rival structure, with a measure or (no fields) without."""
    base = load("no-measures", sets=["scale=1000", f"rival={rival}"], start="2020-10-01", end="2021-03-31")
    dates = {"start": date(2020, 10, 10), "end": date(2021, 3, 20)}
    added = (MEASURES[name].model_validate({"measure": name, **dates, **fields}),) if fields else ()
    model = FraudSupplyChain(base.model_copy(update={"interventions": added}))
    model.run_model()
    return model.recorder.monthly()


def test_without_an_awareness_effect_publicity_changes_awareness_and_nothing_else() -> None:
    """no-awareness-effect: bit for bit the same world, in which people know more."""
    loud = one_measure("publicity", "no-awareness-effect", videos=1500, messages=3_620_000_000)
    quiet = one_measure("publicity", "no-awareness-effect")
    assert loud["awareness"].sum() > quiet["awareness"].sum()
    assert same(loud.drop(columns="awareness"), quiet.drop(columns="awareness"))
    other = one_measure("publicity", "none", videos=1500, messages=3_620_000_000)
    assert not same(
        other.drop(columns="awareness"), one_measure("publicity", "none").drop(columns="awareness")
    )


def test_without_a_card_effect_no_case_is_lost_and_all_staff_reach_people() -> None:
    """no-card-effect: with hardly a phone card left, as many people are reached and no case wants a card."""
    cut = {"cards": [{"by": date(2021, 3, 1), "total": 10**9}], "illicit_lift": 50.0}
    for rival, harmless in (("no-card-effect", True), ("none", False)):
        with_cut = one_measure("phone_card_cleanup", rival, **cut)
        without = one_measure("phone_card_cleanup", rival)
        reached = with_cut["cases_true"].sum() / without["cases_true"].sum()
        assert (0.97 < reached < 1.03) == harmless
        assert (with_cut["cases_lost_for_cards"].sum() == 0) == harmless


def test_every_rival_is_described_and_differs_from_the_main_model() -> None:
    for rival, words in RIVALS.items():
        assert words.endswith(".")
        assert not same(months(f"rival={rival}"), months())
