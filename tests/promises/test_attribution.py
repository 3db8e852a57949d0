"""Attribution: Shapley's axioms on made-up worlds, exact and sampled, and groups that fit the scenario."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.draws.wish import POINT_VALUES
from sim.errors import InputError
from sim.scenario import load
from sim.study import attribution as study
from sim.study.windows import Window
from sim.views.sweeps import attribution_tables

SCENARIO, BASELINE = load("card-broken-2020"), load("baseline")
WINDOW = Window("2021-H2", pd.Timestamp("2021-07-01").date(), pd.Timestamp("2021-12-31").date())
PAIRS = 6


def shares(
    value: Callable[[frozenset[str], int], float], names: tuple[str, ...], orders: int = 40
) -> pd.DataFrame:
    """The attribution of a made-up game: ``value`` of a combination in a pair."""
    groups = [study.Group(name, ()) for name in names]
    chosen = study.orders(names, orders, 1)
    worlds = {c: "-".join(["world", *sorted(c)]) for c in study.coalitions(names, chosen)}
    rows = [
        {"scenario": world, "draw": 0, "replicate": pair, "month": month, "region": "CN"}
        | {"cases_registered": value(members, pair) / 6}
        for members, world in worlds.items()
        for pair in range(PAIRS)
        for month in pd.date_range("2021-07-01", periods=6, freq="MS")
    ]
    found = study.attribution(pd.DataFrame(rows), worlds, groups, chosen, "cases_registered", WINDOW)
    return found.set_index("group")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 5))
def test_shares_add_up_and_are_those_of_the_definition(seed: int, count: int) -> None:
    """Efficiency, and the textbook's sum over combinations, for a game of random values."""
    names = tuple("abcde"[:count])
    random = np.random.default_rng(seed)
    subsets = [frozenset(s) for k in range(count + 1) for s in itertools.combinations(names, k)]
    table = {(s, pair): float(random.normal()) for s in subsets for pair in range(PAIRS)}
    found = shares(lambda s, pair: table[s, pair], names)
    assert found.loc[list(names), "shapley"].sum() == pytest.approx(found.loc["all together", "shapley"])
    for name in names:
        others = [s for s in subsets if name not in s]
        weight = {s: 1 / count / len([t for t in others if len(t) == len(s)]) for s in others}
        gain = {s: np.mean([table[s | {name}, p] - table[s, p] for p in range(PAIRS)]) for s in others}
        assert found.loc[name, "shapley"] == pytest.approx(sum(weight[s] * gain[s] for s in others))


def test_who_adds_nothing_gets_nothing_and_twins_get_the_same() -> None:
    """Dummy and symmetry: b and c only work together, d never does anything."""
    found = shares(
        lambda s, pair: -100.0 * ("a" in s) - 50.0 * ({"b", "c"} <= s) + pair, ("a", "b", "c", "d")
    )
    assert found["shapley"].to_dict() == pytest.approx(
        {"a": -100.0, "b": -25.0, "c": -25.0, "d": 0.0, "all together": -150.0}
    )
    assert found.loc["b", "alone"] == 0.0
    assert found.loc["b", "without"] == pytest.approx(-50.0)
    assert found.loc["a", "share"] == pytest.approx(2 / 3)
    low, high = found.loc["a", ["shapley_low", "shapley_high"]]
    assert low == pytest.approx(high) == pytest.approx(-100.0), "chance that pairs share has no part in it"


def test_drawn_orders_come_near_for_many_groups() -> None:
    """Eight groups, orders drawn with their reverses: exact for a game of pairs, and adding up for any."""
    names = tuple("abcdefgh")
    pairs = list(itertools.combinations(names, 2))
    found = shares(lambda s, _: -sum(10.0 for x, y in pairs if x in s and y in s), names, orders=20)
    assert found.loc[list(names), "shapley"].tolist() == pytest.approx([-35.0] * 8)


def test_groups_hold_every_added_measure_once() -> None:
    by_family = study.groups_of(SCENARIO, BASELINE)
    assert [group.name for group in by_family] == ["arrests", "cleanup", "opening", "funds", "people"]
    named = study.groups_of(SCENARIO, BASELINE, ["news=publicity", "shut=opening_suspension"])
    assert [group.name for group in named] == ["other", "shut", "news"]
    for groups in (by_family, named):
        ids = [measure.id for group in groups for measure in group.measures]
        assert sorted(ids) == sorted(m.id for m in study.added(SCENARIO, BASELINE))


@pytest.mark.parametrize(
    "asked", ["nothing", "a=unknown", "a b=publicity", "=publicity", "a=publicity,publicity"]
)
def test_wrong_groups_are_refused_in_words(asked: str) -> None:
    with pytest.raises(InputError, match="--group"):
        study.groups_of(
            SCENARIO,
            BASELINE,
            [asked] if asked != "a=publicity,publicity" else ["a=publicity", "b=publicity"],
        )


def test_combinations_are_scenarios_with_just_those_measures() -> None:
    groups = study.groups_of(SCENARIO, BASELINE)
    world = study.coalition_scenario(SCENARIO, BASELINE, groups, frozenset({"people", "funds"}))
    kept = {measure.id for measure in world.interventions}
    inside = {m.id for g in groups if g.name in ("people", "funds") for m in g.measures}
    outside = {m.id for g in groups if g.name not in ("people", "funds") for m in g.measures}
    assert inside <= kept
    assert not outside & kept
    assert study.coalition_scenario(SCENARIO, BASELINE, groups, frozenset()) is BASELINE
    assert study.coalition_scenario(SCENARIO, BASELINE, groups, frozenset(g.name for g in groups)) is SCENARIO


def test_every_structure_has_all_combinations_and_draws_of_its_own() -> None:
    groups = study.groups_of(SCENARIO, BASELINE, ["news=publicity"])
    chosen = study.orders([group.name for group in groups], 2, 1)
    found = study.worlds_of(SCENARIO, BASELINE, groups, chosen, ["no-adaptation"], POINT_VALUES)
    assert list(found) == ["main", "no-adaptation"]
    main, rival = found.values()
    assert set(main) == set(rival)
    for members, world in main.items():
        assert rival[members].rival == "no-adaptation"
        assert rival[members].interventions == world.interventions
        assert rival[members].name == f"{world.name}-no-adaptation"
    asked = study.as_sweep(SCENARIO, groups, found, 2, None, 1)
    assert len({point.name for point in asked.points}) == 2 * len(main)
    with pytest.raises(InputError, match="no rival structure"):
        study.worlds_of(SCENARIO, BASELINE, groups, chosen, ["nothing"], POINT_VALUES)


def test_shares_of_structures_stand_beside_each_other() -> None:
    def made(effect: float) -> pd.DataFrame:
        return shares(lambda s, pair: effect * ("a" in s) + pair, ("a", "b")).reset_index()

    rows = pd.concat([made(-100.0).assign(structure="main"), made(0.0).assign(structure="no-adaptation")])
    first, beside = attribution_tables(rows)
    assert "structure main" in first.title
    assert beside.headers == ("group", "main", "no-adaptation", "told to lower", "told to raise")
    assert [row[-2:] for row in beside.rows] == [
        ("in 1 of 2", "in 0 of 2"),
        ("in 0 of 2", "in 0 of 2"),
        ("in 1 of 2", "in 0 of 2"),
    ]
    assert len(list(attribution_tables(rows[rows["structure"] == "main"]))) == 1
