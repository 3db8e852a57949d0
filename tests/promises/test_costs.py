"""Promises about costs: exact on made-up bills; what is unknown is empty and said, never nought."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_results import WINDOW, deeds, results, scenario_with, shortest, stand

from sim.interventions import Measure
from sim.study.costs import COLUMNS, TOTAL, break_even, costs
from sim.study.variants import comparison

BASE = {
    "cases_registered": [1000.0] * 6,
    "cases_true": [2000.0] * 6,
    "police_hours": [500.0] * 6,
    "losses_yuan": [1e6] * 6,
    "frozen_yuan": [1e5] * 6,
}
POLICY = {
    "cases_registered": [900.0, 880.0, 920.0, 910.0, 890.0, 900.0],
    "cases_true": [1800.0] * 6,
    "police_hours": [560.0] * 6,
    "losses_yuan": [9e5] * 6,
    "frozen_yuan": [1.2e5] * 6,
}


def bill(
    *measures: Measure, policy: dict[str, list[float]] = POLICY, base: Sequence[Measure] = ()
) -> pd.DataFrame:
    """Costs of one scenario whose measures deliver 10 units each, attributing 4."""
    baseline = scenario_with("baseline", *base)
    asked = comparison([scenario_with("policy", *measures)], baseline)
    done = {
        (m.id, what): [n] * 6
        for m in (*measures, *base)
        for what, n in (("units", 10.0), ("attributed", 4.0))
    }
    table = costs(
        results({"baseline": BASE, "policy": BASE | policy}),
        deeds({"policy": done, "baseline": done}),
        asked.compared,
        [WINDOW],
    )
    assert tuple(table.columns) == COLUMNS
    return table.set_index("measure")


def test_a_bill_is_exact() -> None:
    table = bill(stand("a", cost_per_unit=30.0))
    own, total = table.loc["a"], table.loc[TOTAL]
    assert (own["units"], own["unit"], own["cost_per_unit"], own["cost"]) == (10.0, "outlet", 30.0, 300.0)
    assert (own["attributed"], own["attributable"]) == (4.0, "cards closed")
    assert (total["cost"], total["police_hours"], total["averted_true"]) == (300.0, 60.0, 200.0)
    assert (total["averted_registered"], total["cost_per_case"]) == (100.0, 3.0)
    assert total["cost_per_case_low"] < 3.0 < total["cost_per_case_high"]
    assert total["net_losses_averted"] == 1e5 + 2e4
    assert (
        total["break_even_cost_per_unit"]
        == total["break_even_cost_per_unit_low"]
        == total["break_even_cost_per_unit_high"]
        == 12_000.0
    )
    assert (total["net_benefit"], total["net_benefit_low"]) == (1.2e5 - 300.0, 1.2e5 - 300.0)
    assert total["note"] == ""


def test_an_unknown_unit_cost_is_not_nought() -> None:
    table = bill(stand("a", cost_per_unit=30.0), stand("b"))
    assert table.loc["a", "cost"] == 300.0
    for name, note in (("b", "unit cost not given"), (TOTAL, "unit cost not given: b")):
        row = table.loc[name]
        assert math.isnan(row["cost"])
        assert row["note"] == note
    assert math.isnan(table.loc[TOTAL, "cost_per_case"])
    assert math.isnan(table.loc[TOTAL, "net_benefit"])
    assert table.loc[TOTAL, "break_even_cost_per_unit"] == 6_000.0
    assert bill(stand("a")).loc[TOTAL, "note"] == "unit cost not given"


def test_a_unit_cost_of_nought_is_a_cost() -> None:
    total = bill(stand("a", cost_per_unit=0.0)).loc[TOTAL]
    assert (total["cost"], total["cost_per_case"], total["note"]) == (0.0, 0.0, "")


@pytest.mark.parametrize(
    ("cases", "note"),
    [
        ([1000.0] * 6, "cases averted cannot be told from 0"),
        ([990.0, 1010.0] * 3, "cases averted cannot be told from 0"),
        ([1100.0, 1120.0] * 3, "more cases, not fewer"),
    ],
)
def test_without_cases_averted_there_is_no_cost_per_case(cases: list[float], note: str) -> None:
    total = bill(stand("a", cost_per_unit=30.0), policy={"cases_registered": cases}).loc[TOTAL]
    assert math.isnan(total["cost_per_case"])
    assert math.isnan(total["cost_per_case_low"])
    assert total["note"] == note
    assert total["cost"] == 300.0


def test_units_of_different_kinds_are_not_added_up() -> None:
    total = bill(stand("a", cost_per_unit=1.0), stand("b", cost_per_unit=1.0, unit="person")).loc[TOTAL]
    assert math.isnan(total["units"])
    assert math.isnan(total["break_even_cost_per_unit"])
    assert (total["cost"], total["note"]) == (20.0, "measures of different units")


def test_what_is_taken_away_saves_its_cost() -> None:
    """Instead of the old measure at 50 yuan a new one at 30: 200 yuan are saved."""
    table = bill(stand("new", cost_per_unit=30.0), base=[stand("old", cost_per_unit=50.0)])
    assert (table.loc["old", "units"], table.loc["old", "cost"]) == (-10.0, -500.0)
    assert table.loc[TOTAL, "cost"] == -200.0


def test_what_the_baseline_shares_costs_nothing_more() -> None:
    shared = stand("shared", cost_per_unit=50.0)
    table = bill(shared, stand("new", cost_per_unit=30.0), base=[shared])
    assert list(table.index) == ["new", TOTAL]


def at_doses(price: float | None) -> pd.DataFrame:
    """Doses 0.25, 0.5 and 1 deliver 25, 50 and 100 units and avert net losses of 400, 500 and 550 yuan."""
    asked = comparison(
        [scenario_with("policy", stand("a", cost_per_unit=price))], shortest(), doses=[0.25, 0.5]
    )
    units = {"policy-dose-0.25": 25.0, "policy-dose-0.5": 50.0, "policy": 100.0}
    saved = {"policy-dose-0.25": 400.0, "policy-dose-0.5": 500.0, "policy": 550.0}
    values: dict[str, dict[Any, list[float]]] = {
        name: BASE | {"losses_yuan": [1e6 - amount] * 6} for name, amount in saved.items()
    }
    monthly = results({"baseline": BASE, **values})
    tallies = deeds({name: {("a", "units"): [number] * 6} for name, number in units.items()})
    return costs(monthly, tallies, asked.compared, [WINDOW]).set_index(["measure", "scenario"]).loc[TOTAL]


def test_the_break_even_dose_lies_where_the_net_benefit_turns() -> None:
    """At 8 yuan: 200, 100 and -250 yuan, so nought is reached at 0.5 + 0.5 * 100 / 350."""
    table = at_doses(8.0)
    assert table.loc["policy", "break_even_dose"] == pytest.approx(0.5 + 0.5 * 100 / 350)
    assert table.loc["policy", "note"].endswith("pays up to dose 0.64")
    assert table["break_even_dose"].notna().sum() == 1


@pytest.mark.parametrize(
    ("price", "note"),
    [
        (1.0, "pays at every dose tried"),
        (100.0, "pays at no dose tried"),
        (None, "no break-even dose without a unit cost"),
    ],
)
def test_a_dose_that_breaks_even_nowhere_is_said(price: float | None, note: str) -> None:
    row = at_doses(price).loc["policy"]
    assert math.isnan(row["break_even_dose"])
    assert row["note"].endswith(note)


def test_break_even_in_either_direction_and_in_any_order() -> None:
    found, words = break_even(np.array([1.0, 0.25, 0.5]), np.array([-100.0, -100.0, 100.0]))
    assert found == pytest.approx(0.375)
    assert words == "pays from dose 0.38 on, up to dose 0.75"


def test_without_measures_there_is_no_cost_to_speak_of() -> None:
    """A scenario that differs in its parameters alone has effects, and neither units nor a cost of nought."""
    (row,) = bill().reset_index().to_dict("records")
    assert (row["measure"], row["averted_registered"]) == (TOTAL, 100.0)
    assert row["note"] == "no measure differs from the baseline's"
    assert all(math.isnan(row[name]) for name in ("cost", "cost_per_case", "units", "net_benefit"))


def test_a_scenario_without_runs_has_no_bill() -> None:
    asked = comparison([scenario_with("policy", stand("a"))], shortest())
    assert costs(results({"baseline": BASE}), deeds({}), asked.compared, [WINDOW]).empty
