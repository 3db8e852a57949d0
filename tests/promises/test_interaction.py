"""Promises about interaction: exact sums, pair by pair, of exactly the scenarios that make up the whole."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from fake_results import WINDOW, results, scenario_with, shortest, stand

from sim.scenario import load, shipped_scenarios
from sim.scenario.structure import Adaptation
from sim.study.interaction import COLUMNS, interactions, parts_of, verdict
from sim.study.variants import comparison

A, B, C = stand("a"), stand("b"), stand("c")
JOINT = scenario_with("joint", A, B, C)
BASE = [1000.0, 1100.0, 1200.0, 1300.0, 1400.0, 1500.0]


def found(joint: list[float], a: list[float], bc: list[float]) -> pd.Series:
    """The row of registered cases where the changes of the three scenarios are given pair by pair."""
    asked = comparison([JOINT, scenario_with("a", A), scenario_with("bc", B, C)], shortest())
    values = {"baseline": BASE} | {
        name: list(np.add(BASE, change)) for name, change in (("joint", joint), ("a", a), ("bc", bc))
    }
    frame = results({name: {"cases_registered": cases} for name, cases in values.items()})
    (_, row), *more = interactions(frame, asked.compared, [WINDOW]).iterrows()
    assert not more
    return row


def test_sum_joint_and_difference_are_exact() -> None:
    row = found([-120.0] * 6, [-100.0, -90.0, -110.0, -100.0, -95.0, -105.0], [-50.0] * 6)
    assert (row["sum"], row["joint"], row["difference"]) == pytest.approx((-150.0, -120.0, 30.0))
    assert row["parts"] == "a; bc"
    assert row["joint_low"] == row["joint_high"] == pytest.approx(-120.0)
    assert row["difference_low"] < 30.0 < row["difference_high"]
    assert row["verdict"] == "together they do less than one by one, by 30 (20% of the sum)"
    assert tuple(row.index) == COLUMNS


def test_the_sum_is_taken_within_each_pair() -> None:
    """Changes that vary a hundredfold between pairs and cancel within them leave a difference of no width."""
    wild = [1.0, -100.0, 50.0, 7.0, -30.0, 90.0]
    row = found([-40.0] * 6, wild, [-50.0 - w for w in wild])
    assert (row["sum_low"], row["sum_high"]) == pytest.approx((-50.0, -50.0))
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((10.0, 10.0))


@pytest.mark.parametrize(
    ("joint", "words"),
    [
        ([-150.0] * 6, "exactly the sum: identical in every pair"),
        ([-140.0, -160.0] * 3, "cannot be told from the sum at 6 replicates"),
        ([-300.0] * 6, "together they do more than one by one, by 150 (100% of the sum)"),
        ([30.0] * 6, "together they do the opposite of the sum"),
    ],
)
def test_verdicts_are_plain(joint: list[float], words: str) -> None:
    assert found(joint, [-100.0] * 6, [-50.0] * 6)["verdict"] == words


def test_few_pairs_are_said() -> None:
    one = verdict(np.array([-150.0]), np.array([-100.0]), (np.nan, np.nan))
    assert one.endswith("by 50 (33% of the sum); only pair")
    assert verdict(np.full(3, -150.0), np.full(3, -100.0), (50.0, 50.0)).endswith("; 3 pairs only")


def parts(*others: tuple[str, tuple[object, ...]], joint: object = JOINT) -> list[str]:
    compared = comparison(
        [joint, *(scenario_with(name, *measures) for name, measures in others)],  # type: ignore[list-item, arg-type]
        shortest(),
    ).compared
    return [part.scenario.name for part in parts_of(compared[0], compared)]


def test_the_parts_make_up_the_whole_exactly() -> None:
    assert parts(("a", (A,)), ("b", (B,)), ("c", (C,))) == ["a", "b", "c"]
    assert parts(("ab", (A, B)), ("bc", (B, C)), ("c", (C,))) == ["ab", "c"]
    assert parts(("ab", (A, B)), ("bc", (B, C))) == []
    assert parts(("a", (A,)), ("b", (B,))) == []
    assert parts(("a", (A,)), ("bcd", (B, C, stand("d")))) == []


def test_the_smallest_parts_are_taken() -> None:
    assert parts(("ab", (A, B)), ("c", (C,)), ("a", (A,)), ("b", (B,))) == ["c", "a", "b"]


def test_the_shipped_scenarios_of_single_measures_make_up_the_whole_operation() -> None:
    base = load("baseline")
    names = [name for name in shipped_scenarios() if name not in ("baseline", "no-measures")]
    compared = comparison([load(name) for name in names], base).compared
    made_up = {one.scenario.name: [p.scenario.name for p in parts_of(one, compared)] for one in compared}
    assert "card-cleanup" not in made_up["card-broken-2020"]
    assert len(made_up["card-broken-2020"]) == 16
    assert made_up["card-cleanup"] == ["account-cleanup", "phone-card-cleanup"]


def test_a_part_that_is_missing_is_missed_at_once() -> None:
    """Forty scenarios overlap in every way and none holds the last measure: no search through them all."""
    many = [stand(f"m{k}") for k in range(21)]
    others = [(f"s{k}-{j}", (many[k], many[(k + 1 + j) % 20])) for k in range(20) for j in range(2)]
    started = time.perf_counter()
    assert parts(*others, joint=scenario_with("joint", *many)) == []
    assert time.perf_counter() - started < 2.0


def test_ids_do_not_matter_and_doses_do() -> None:
    renamed = stand("other", criterion="a", title="another name")
    assert parts(("a", (renamed,)), ("bc", (B, C))) == ["a", "bc"]
    assert parts(("a", (stand("a", coverage=0.5),)), ("bc", (B, C))) == []


def test_what_differs_in_more_than_measures_is_not_added_up() -> None:
    """Other parameters, or another structure, would be counted once for each part."""
    changed = load(
        "baseline", sets=["parameters.gangs.growth_per_year=0.1"], start="2021-07-01", end="2021-07-31"
    )
    others = (("a", (A,)), ("bc", (B, C)))
    assert parts(*others, joint=changed.with_(name="joint", interventions=(A, B, C))) == []
    tame = JOINT.with_(adaptation=Adaptation(hoarding=False))  # type: ignore[call-arg]
    assert parts(*others, joint=tame) == []
    assert parts(*others) == ["a", "bc"]


def test_what_takes_a_measure_away_is_not_added_up() -> None:
    base = scenario_with("base", stand("old"))
    compared = comparison(
        [scenario_with("ab", A, B), scenario_with("a", A), scenario_with("b", B)], base
    ).compared
    assert parts_of(compared[0], compared) == ()


def test_rival_structures_are_added_up_each_by_itself() -> None:
    joint = scenario_with("joint", A, B)
    asked = comparison([joint], shortest(), each=True, rivals=["no-adaptation"])
    found = [[part.scenario.name for part in parts_of(one, asked.compared)] for one in asked.compared]
    assert [names for names in found if names] == [
        ["only-stand-a", "only-stand-b"],
        ["only-stand-a-no-adaptation", "only-stand-b-no-adaptation"],
    ]


def test_without_a_whole_there_is_no_row() -> None:
    asked = comparison([scenario_with("a", A), scenario_with("b", B)], shortest())
    frame = results({name: {"cases_registered": BASE} for name in ("baseline", "a", "b")})
    table = interactions(frame, asked.compared, [WINDOW])
    assert table.empty
    assert tuple(table.columns) == COLUMNS


def test_a_scenario_without_runs_makes_no_row() -> None:
    asked = comparison([scenario_with("ab", A, B), scenario_with("a", A), scenario_with("b", B)], shortest())
    frame = results({name: {"cases_registered": BASE} for name in ("baseline", "a", "ab")})
    assert interactions(frame, asked.compared, [WINDOW]).empty
