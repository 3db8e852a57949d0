"""Promises about variants: plain names, nothing changed but what the name says, one line for a wrong wish."""

from __future__ import annotations

import pytest
from fake_results import scenario_with, shortest, stand

from sim.errors import InputError
from sim.scenario import Scenario, load
from sim.scenario.structure import RIVALS
from sim.study.additions import added, removed
from sim.study.variants import Comparison, comparison, read_doses


def names(asked: Comparison) -> list[str]:
    return [scenario.name for scenario in asked.scenarios]


@pytest.fixture(scope="module")
def operation() -> Scenario:
    return load("card-broken-2020")


@pytest.fixture(scope="module")
def baseline() -> Scenario:
    return load("baseline")


def test_without_wishes_the_scenarios_are_compared_as_they_are(
    operation: Scenario, baseline: Scenario
) -> None:
    asked = comparison([operation], baseline)
    assert asked.scenarios == (baseline, operation)
    assert asked.baselines == {"card-broken-2020": "baseline"}


def test_each_measure_alone_is_the_baseline_with_that_kind(operation: Scenario, baseline: Scenario) -> None:
    asked = comparison([operation], baseline, each=True)
    kinds = {one.scenario.name: {measure.id for measure in one.added} for one in asked.compared}
    assert kinds.pop("card-broken-2020") == set().union(*kinds.values())
    assert kinds["only-cluster_campaign"] == {"pilot_campaign", "cluster_campaign"}
    assert kinds["only-risk_control_linkage"] == {"pilot_linkage", "risk_control_linkage"}
    assert kinds["only-account_cleanup-dormant"] == {"account_cleanup-dormant"}
    assert sum(map(len, kinds.values())) == len(set().union(*kinds.values()))
    for one in asked.compared[1:]:
        assert not one.removed
        assert one.scenario.parameters is operation.parameters
        assert one.baseline is baseline


def test_a_scenario_of_one_kind_is_not_run_twice() -> None:
    alone = scenario_with("alone", stand("a"), stand("b", criterion="a"))
    assert names(comparison([alone], shortest(), each=True)) == ["baseline", "alone"]


def test_two_scenarios_share_what_they_have_in_common() -> None:
    one = scenario_with("one", stand("a"), stand("b"))
    two = scenario_with("two", stand("a"), stand("c"))
    assert names(comparison([one, two], shortest(), each=True))[3:] == [
        "one-only-stand-a",
        "one-only-stand-b",
        "two-only-stand-c",
    ]


def test_a_measure_that_replaces_one_of_the_baseline_does_so_alone_too() -> None:
    base = scenario_with("base", stand("a"), stand("b"))
    changed = scenario_with("changed", stand("a", ramp_days=9), stand("b"), stand("c"))
    (_, first, _) = comparison([changed], base, each=True).compared
    assert [(m.id, m.ramp_days) for m in first.scenario.interventions] == [("b", 0), ("a", 9)]


def test_doses_scale_the_coverage_of_added_measures_alone(operation: Scenario, baseline: Scenario) -> None:
    asked = comparison([operation], baseline, doses=(0.25, 1.0))
    assert [(one.scenario.name, one.whole, one.dose) for one in asked.compared] == [
        ("card-broken-2020", "card-broken-2020", 1.0),
        ("card-broken-2020-dose-0.25", "card-broken-2020", 0.25),
    ]
    own = {measure.id for measure in asked.compared[0].added}
    for full, part in zip(operation.interventions, asked.compared[1].scenario.interventions, strict=True):
        share = 0.25 if full.id in own else 1.0
        unsure = [
            item.model_copy(update={"low": item.low * share, "high": item.high * share})
            if item.field == "coverage"
            else item
            for item in full.uncertain
        ]
        assert part == full.model_copy(update={"coverage": full.coverage * share, "uncertain": unsure})


def test_doses_scale_an_uncertain_coverage_in_every_draw() -> None:
    unsure = stand("a", coverage=0.8, uncertain=[{"field": "coverage", "low": 0.4, "high": 1.0}])
    full, half = comparison([scenario_with("one", unsure)], shortest(), doses=[0.5]).compared
    for draw in range(4):
        ours, theirs = (one.added[0].at_draw(draw, 1).coverage for one in (half, full))
        assert ours == pytest.approx(0.5 * theirs)


def test_a_rival_structure_repeats_everything_beside_a_baseline_of_its_own() -> None:
    joint = scenario_with("joint", stand("a"), stand("b"))
    asked = comparison([joint], shortest(), each=True, rivals=["no-adaptation"], doses=[0.5])
    main = ["joint", "joint-dose-0.5", "only-stand-a", "only-stand-b"]
    assert names(asked) == ["baseline", *main, *(f"{name}-no-adaptation" for name in ["baseline", *main])]
    assert [s.rival for s in asked.scenarios] == ["none"] * 5 + ["no-adaptation"] * 5
    against = {f"{name}-no-adaptation": "baseline-no-adaptation" for name in main}
    assert asked.baselines == dict.fromkeys(main, "baseline") | against
    assert {one.whole for one in asked.compared if one.dose < 1} == {"joint", "joint-no-adaptation"}


def test_all_stands_for_all_rivals() -> None:
    asked = comparison([scenario_with("one", stand("a"))], shortest(), rivals=["all", "no-card-effect"])
    assert [s.rival for s in asked.scenarios[2:]] == [rival for rival in RIVALS for _ in range(2)]
    assert len(RIVALS) == 3


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"rivals": ["no-adaption"]}, "Did you mean 'no-adaptation'"),
        ({"rivals": ["none"]}, "is no rival structure"),
        ({"doses": [0.0]}, "must lie above 0"),
        ({"doses": [1.5]}, "must lie above 0"),
        ({"doses": [float("nan")]}, "must lie above 0"),
        ({"doses": [0.5, 0.5]}, "different numbers"),
        ({"doses": [0.01 * k for k in range(1, 30)]}, "at most 20"),
    ],
    ids=str,
)
def test_a_wrong_wish_is_one_line(wishes: dict[str, list[float]], words: str) -> None:
    with pytest.raises(InputError) as found:
        comparison([scenario_with("one", stand("a"))], shortest(), **wishes)  # type: ignore[arg-type]
    assert words in str(found.value)
    assert len(str(found.value).splitlines()) == 1


def test_doses_of_a_scenario_without_measures_are_refused() -> None:
    with pytest.raises(InputError, match="adds no measure"):
        comparison([scenario_with("bare")], shortest(), doses=[0.5])


def test_doses_are_read_from_text() -> None:
    assert read_doses("0.25,0.5, 1") == (0.25, 0.5, 1.0)
    assert read_doses("") == ()
    for text in ("half", "0.5,", ","):
        with pytest.raises(InputError, match="numbers with commas"):
            read_doses(text)


def test_ids_titles_and_sources_do_not_make_a_measure_another() -> None:
    base = scenario_with("base", stand("a"), stand("b"))
    same = scenario_with(
        "same", stand("x", criterion="a", title="X", note="n", cost_per_unit=3.0), stand("b")
    )
    twice = scenario_with("twice", stand("a"), stand("a2", criterion="a"))
    assert added(same, base) == removed(same, base) == ()
    assert [measure.id for measure in added(twice, base)] == ["a2"]
    assert [measure.id for measure in removed(twice, base)] == ["b"]


def test_runs_of_the_baseline_watch_the_first_measure_of_each_id() -> None:
    full, other = scenario_with("full", stand("a")), scenario_with("other", stand("a", ramp_days=5))
    asked = comparison([full, other], shortest(), doses=[0.5])
    assert asked.watched == full.interventions
    tallied = [asked.tallied(one.added[0], one.baseline) for one in asked.compared]
    assert tallied == [True, False, False, False]
    own = scenario_with("own", stand("a", ramp_days=5))
    assert not comparison([full], own).tallied(full.interventions[0], own)
