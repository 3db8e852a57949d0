"""Targets of the benchmark: met, missed by how much, or not measured, from measurements made up here."""

from __future__ import annotations

import dataclasses
import math

import pytest

from sim.bench import cards, memory, peers, runs, startup, sweep
from sim.bench.plan import FULL, PARTS, QUICK, tasks_of
from sim.bench.rounds import Found, expected_seconds
from sim.bench.targets import TARGETS, Target, Verdict, judge


def verdict(measured: float, bound: float, *, at_most: bool = True, unit: str = "s") -> Verdict:
    return Verdict(Target("something", bound, unit, at_most, lambda found, plan: measured), measured)


@pytest.mark.parametrize(
    ("measured", "bound", "at_most", "met", "words"),
    [
        (1.5, 2.0, True, True, "met with 25% to spare"),
        (2.0, 2.0, True, True, "met"),
        (2.1, 2.0, True, False, "missed by 5.0%"),
        (5.0, 2.0, True, False, "missed by a factor of 2.5"),
        (1200.0, 800.0, False, True, "met with 50% to spare"),
        (2400.0, 800.0, False, True, "met by far"),
        (600.0, 800.0, False, False, "missed by 25.0%"),
        (80.0, 800.0, False, False, "missed by a factor of 10"),
        (math.nan, 2.0, True, None, "not measured"),
    ],
)
def test_a_target_is_met_or_missed_by_how_much(
    measured: float, bound: float, at_most: bool, met: bool | None, words: str
) -> None:
    found = verdict(measured, bound, at_most=at_most)
    assert found.met is met
    assert found.words == words


@pytest.mark.parametrize(("measured", "words"), [(1.0, "met"), (0.0, "missed")])
def test_a_yes_is_met_or_missed(measured: float, words: str) -> None:
    assert verdict(measured, 1.0, at_most=False, unit="yes").words == words


def measured() -> Found:
    """A full benchmark in which every quantity has a round number."""
    seconds = {500: 2.0, 100: 4.0, 20: 10.0, 1: 90.0}
    found = {
        cards.name_of(10**7): [{"cards": 10**7, "rate_1": 5e8, "rate_2": rate} for rate in (7e8, 9e8, 8e8)],
        startup.WARM: [{"help": 0.2, "warm": 3.0, "first_day": 1.0}],
        startup.COLD: [{"cold": 23.0, "warm": 3.0, "compiling": 20.0, "announced": 1, "once": 0}],
        memory.RUNS: [{"card_bytes": 63, "peak_1": 2e8, "peak_4": 2.1e8, "peak_8": 2.5e8}],
        memory.name_of(1): [{"peak_bytes": 2e8}],
        memory.name_of(2): [{"peak_bytes": 2e8}],
        memory.name_of(5): [{"peak_bytes": 2.1e8}],
        sweep.NAME: [{"busy": 0.9}, {"busy": 0.8}],
    }
    for scale, cost in seconds.items():
        found[runs.name_of(scale)] = [
            {"days": 1826, "seconds": cost, "ms_a_day": cost, "peak_bytes": 4e8, "phases": {"market": 1.826}}
        ]
    steps = {"Mesa do": 0.01, "Mesa shuffle_do": 0.1, "Starsim SIR": 0.05, "laser-generic SIR": 0.005}
    for name, cost in steps.items():
        peer = next(peer for peer in peers.PEERS if peer.name == name)
        found[peers.name_of(peer)] = [{"agents": 10**6, "seconds_per_step": cost}]
    return Found({name: list(entries) for name, entries in found.items()})


def test_every_target_finds_what_was_measured() -> None:
    """The bounds of the targets against made-up measurements, worked out by hand."""
    by_name = {(v.target.what, v.target.unit): v for v in judge(measured(), FULL)}
    expected = {
        "card step on two threads": 800.0,
        "card step over laser-generic's SIR agent-ticks": 4.0,
        "card step over Mesa's agent-steps": 8.0,
        "card step over Starsim's SIR agent-steps": 40.0,
        "a tracked card": 63.0,
        "five years daily at scale 100, one core": 4.0,
        "five years daily at scale 1, two cores": 90.0,
        "growth of cost between scales, 1 being linear": 0.5,
        "memory of the longest run over the shortest": 1.05,
        "memory after most runs over after one": 1.25,
        "a sweep keeps both cores busy": 85.0,
        "`--help`": 0.2,
        "start-up with compiled kernels": 3.0,
        "compiling all kernels": 20.0,
        "compiling is announced": 1.0,
        "compiling happens once": 0.0,
    }
    found = {what: v.measured for (what, _), v in by_name.items() if what in expected}
    assert found == pytest.approx(expected)
    assert by_name["memory of that run", "MB"].measured == pytest.approx(400.0)
    assert by_name["memory of that run", "GB"].measured == pytest.approx(0.4)
    assert len(by_name) == len(TARGETS) == len(expected) + 2


def test_what_was_not_measured_is_not_judged() -> None:
    assert {v.words for v in judge(Found(), FULL)} == {"not measured"}


def test_a_run_that_was_clipped_is_no_run_of_five_years() -> None:
    found = measured()
    for entry in found.rounds[runs.name_of(100)]:
        entry["days"] = 365
    assert math.isnan(runs.five_years(found, 100, "seconds"))
    assert {v.words for v in judge(found, FULL) if "growth" in v.target.what} == {"not measured"}


def test_growth_is_the_worst_step_from_a_scale_to_a_finer_one() -> None:
    found = measured()
    assert runs.growth(found, FULL.scales) == pytest.approx(0.5)  # 20 to 10 s... from 20 to 1: 9 times for 20
    found.rounds[runs.name_of(20)][0]["ms_a_day"] = 24.0
    assert runs.growth(found, FULL.scales) == pytest.approx(1.2)  # from 100 to 20: 6 times for 5


def test_failed_rounds_do_not_count_and_are_named() -> None:
    found = Found({"a": [{"x": 1.0}, {"error": "out of memory"}, {"x": 3.0}]})
    assert found.median("a", "x") == 2.0
    assert found.errors == {"a": "out of memory"}


@pytest.mark.parametrize("plan", [FULL, QUICK], ids=lambda plan: plan.name)
def test_every_part_has_measurements_with_names_of_their_own(plan: object) -> None:
    tasks = tasks_of(plan, PARTS)  # type: ignore[arg-type]
    assert {task.part for task in tasks} == set(PARTS)
    assert len({task.name for task in tasks}) == len(tasks)
    assert expected_seconds(tasks, 1) <= expected_seconds(tasks, 3)


def test_a_plan_can_be_made_smaller() -> None:
    small = dataclasses.replace(QUICK, decks=(1000,))
    assert [task.name for task in tasks_of(small, ("cards",))] == [cards.BANDWIDTH, cards.name_of(1000)]
