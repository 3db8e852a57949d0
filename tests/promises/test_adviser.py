"""Promises about adding replicates: no run is made twice, the number is the one that Student's t asks for,
and what cannot be told apart is said.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_results import FakeModel, FakeScenario, months
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from sim.errors import InputError
from sim.observe.parquet import fingerprint
from sim.study.adviser import (
    FEWEST,
    LEAST_GROWTH,
    MOST_GROWTH,
    Look,
    Make,
    Width,
    Wish,
    look_at,
    precision_table,
    run_until,
    wish_of,
)
from sim.study.api import compare
from sim.study.estimates import MOST_PAIRS, half_width, pairs_needed
from sim.study.one_run import Run
from sim.study.run_set import RunSet
from sim.study.runs import draw_of, run_many
from sim.study.variants import Compared, Comparison
from sim.study.windows import effect_windows, headline
from sim.views.precision import MOST_SHOWN
from sim.views.precision import precision_table as shown_table
from sim.views.tables import plain

LEVEL = 1000.0


def cases_of(one: Any, replicate: int) -> pd.DataFrame:
    """Registered cases of a month: the level, `effect` cases more, and chance of spread `noise`."""
    own = np.random.default_rng([one.extras.get("key", 0), replicate]).normal()
    cases = LEVEL + one.extras.get("effect", 0.0) + one.extras.get("noise", 0.0) * own
    index = months("2020-12-01", "2020-12-31")
    return pd.DataFrame({"month": index, "region": "CN", "cases_registered": cases})


class Noisy(FakeModel):
    """The same as a model, for `run_many`; interrupted in the replicate `stops_at`."""

    def _monthly(self) -> pd.DataFrame:
        if self.replicate == self.scenario.extras.get("stops_at"):
            raise KeyboardInterrupt
        return cases_of(self.scenario, self.replicate)


def scenario(name: str, **extras: Any) -> Any:
    return FakeScenario(name, extras=extras)


def against_baseline(*scenarios: Any) -> Comparison:
    base: Any = scenario("baseline")
    return Comparison(base, tuple(Compared(one, base, one.name) for one in scenarios))


def maker(asked: Comparison, draws: int | None = None) -> Make:
    """What `run_many` would make of `cases_of`, at once; the replicates `fails` of a scenario fail."""

    def run(one: Any, replicate: int) -> Run:
        lost = replicate in one.extras.get("fails", ())
        monthly = None if lost else cases_of(one, replicate)
        return Run(one.name, replicate, draw_of(replicate, draws), monthly, error="no luck" if lost else "")

    def make(*, replicates: int, there: RunSet | None) -> RunSet:
        runs = tuple(run(one, replicate) for one in asked.scenarios for replicate in range(replicates))
        return RunSet(asked.scenarios, runs, seed=1, replicates=replicates, draws=draws, seconds=1.0)

    return make


def really(asked: Comparison) -> Make:
    """`run_many` itself."""

    def make(*, replicates: int, there: RunSet | None) -> RunSet:
        return run_many(asked.scenarios, replicates=replicates, there=there, jobs=1, model=Noisy)

    return make


def table_of(asked: Comparison, wish: Wish, runs: RunSet) -> pd.DataFrame:
    window = headline(effect_windows(asked.baseline.start, asked.baseline.end))
    return precision_table(runs.monthly(), asked, wish, window)


@given(st.floats(0.01, 100.0), st.floats(0.5, 100.0))
def test_the_fewest_pairs_that_student_allows(deviation: float, reach: float) -> None:
    pairs = pairs_needed(deviation, reach)
    assert pairs is not None
    assert half_width(deviation, pairs) <= reach
    assert pairs == 2 or half_width(deviation, pairs - 1) > reach


def test_known_needs() -> None:
    """A spread of 10 known to 2: t(0.95, 69) 10 / sqrt 70 = 1.99, and 2.007 at 69."""
    assert t.ppf(0.95, 69) * 10 / 70**0.5 < 2.0 < t.ppf(0.95, 68) * 10 / 69**0.5
    assert pairs_needed(10.0, 2.0) == 70
    assert pairs_needed(0.0, 1.0) == 2
    assert pairs_needed(1.0, 0.0) is None
    assert pairs_needed(1.0, 1e-4) is None
    assert pairs_needed(1.0, 2e-3) is not None
    assert MOST_PAIRS == 1_000_000


@pytest.mark.parametrize(("jobs", "draws"), [(1, None), (2, 3)])
def test_a_set_that_grows_is_the_set_made_at_once(jobs: int, draws: int | None) -> None:
    scenarios: list[Any] = [FakeScenario(name) for name in "ab"]
    options: dict[str, Any] = {"draws": draws, "seed": 4, "model": FakeModel}
    grown = run_many(scenarios, replicates=3, jobs=1, **options)
    first = grown.runs[0]
    for replicates in (4, 5):
        grown = run_many(scenarios, replicates=replicates, there=grown, jobs=jobs, **options)
    whole = run_many(scenarios, replicates=5, jobs=1, **options)
    pd.testing.assert_frame_equal(grown.monthly(), whole.monthly())
    pd.testing.assert_frame_equal(grown.weekly(), whole.weekly())
    assert fingerprint(grown.monthly()) == fingerprint(whole.monthly())
    assert (grown.replicates, grown.draws, grown.complete) == (5, draws, True)
    assert grown.runs[0] is first


def test_a_failed_run_is_not_made_again() -> None:
    scenarios: list[Any] = [FakeScenario("raises")]
    few = run_many(scenarios, replicates=2, jobs=1, model=FakeModel)
    more = run_many(scenarios, replicates=3, there=few, jobs=1, model=FakeModel)
    assert more.failed == few.failed
    assert [run.replicate for run in more.runs] == [0, 1, 2]


def test_a_set_of_something_else_does_not_grow() -> None:
    scenarios: list[Any] = [FakeScenario("a")]
    there = run_many(scenarios, replicates=2, jobs=1, model=FakeModel)
    for other in ({"seed": 2}, {"draws": 2}, {"scenarios": [FakeScenario("b")]}):
        options: dict[str, Any] = {"scenarios": scenarios, "jobs": 1, "model": FakeModel} | other
        with pytest.raises(ValueError, match="other scenarios, another seed or other draws"):
            run_many(replicates=3, there=there, **options)


def test_pairs_are_added_until_every_effect_is_known() -> None:
    asked = against_baseline(scenario("calm", noise=10.0, key=1), scenario("wild", noise=100.0, key=2))
    wish, heard = Wish(Width(0.02, relative=True), 500), list[Look]()
    runs, advice = run_until(asked, wish, 10, maker(asked), lambda look, _: heard.append(look))
    table = table_of(asked, wish, runs)
    own = table[table["against"] == "baseline"]
    assert own["scenario"].tolist() == ["calm", "wild"]
    assert (own["pairs"] == runs.replicates).all()
    assert (own["asked_half_width"] == 0.02 * LEVEL).all()
    assert (own["half_width"] <= own["asked_half_width"]).all()
    # Spread 100 known to 20 takes about 70 pairs; the set may have stopped some way from that.
    assert 40 <= runs.replicates <= 110
    assert [look.replicates for look in heard] == [look.replicates for look in advice.looks[:-1]]
    assert advice.looks[-1].further is None
    entry = advice.entry(table, asked)
    assert entry["reached"] is True
    assert entry["half_width"] == "2%"
    assert entry["looks"][0]["replicates"] == 10


def test_looks_are_far_apart_and_no_leap_is_long() -> None:
    asked = against_baseline(scenario("wild", noise=100.0, key=3))
    wish = Wish(Width(10.0, relative=False), 2000)
    _, advice = run_until(asked, wish, FEWEST, maker(asked))
    steps = [look.replicates for look in advice.looks]
    assert len(steps) > 2
    assert all(LEAST_GROWTH * a <= b <= MOST_GROWTH * a for a, b in pairwise(steps))


def test_the_cap_is_kept_and_its_reach_foretold() -> None:
    asked = against_baseline(scenario("wild", noise=100.0, key=4))
    wish = Wish(Width(0.02, relative=True), 30)
    heard: list[Look] = []
    runs, advice = run_until(asked, wish, 10, maker(asked), lambda look, _: heard.append(look))
    assert runs.replicates == 30
    (look,) = heard
    assert look.reachable == pytest.approx(half_width(look.widest.deviation, 30))
    assert look.widest.pairs_for_width is not None
    assert look.widest.pairs_for_width > 30
    table = table_of(asked, wish, runs)
    assert advice.entry(table, asked)["reached"] is False
    assert (
        "not reached (cap: 30 pairs)" in shown_table(table, advice.entry(table, asked), asked.baselines).title
    )


def test_what_can_be_told_apart_and_what_not() -> None:
    """Policies that share their chance are told from each other though neither is told from the baseline."""
    asked = against_baseline(
        scenario("a", noise=50.0, key=5),
        scenario("b", noise=50.0, key=5, effect=-1.0),
        scenario("c", noise=50.0, key=6),
        scenario("twin"),
    )
    wish = Wish(Width(0.05, relative=True), 25)
    runs, _ = run_until(asked, wish, 20, maker(asked))
    table = table_of(asked, wish, runs)
    rows = {(row["scenario"], row["against"]): row for row in table.to_dict("records")}
    assert len(rows) == 4 + 6
    assert rows["twin", "baseline"]["verdict"] == "no difference: identical in every pair"
    assert pd.isna(rows["twin", "baseline"]["pairs_to_tell"])
    assert rows["a", "b"]["verdict"] == "told apart"
    assert rows["a", "b"]["effect"] == pytest.approx(1.0)
    for name in ("a", "c"):
        row = rows[name, "baseline"]
        needed = pairs_needed(row["deviation"], abs(row["effect"]))
        assert needed is not None
        assert row["pairs_to_tell"] == needed > 25
        assert row["verdict"] == f"cannot be told apart: would need about {needed} pairs, the cap is 25"


def test_a_wider_cap_turns_cannot_into_not_yet() -> None:
    asked = against_baseline(scenario("c", noise=50.0, key=6))
    runs = maker(asked)(replicates=20, there=None)
    (row,) = table_of(asked, Wish(Width(0.05, relative=True), 10**5), runs).to_dict("records")
    assert row["verdict"] == f"not told apart at 20 pairs: would need about {row['pairs_to_tell']}"


def test_under_other_structures_only_scenarios_of_one_baseline_are_held_against_each_other() -> None:
    asked = against_baseline(scenario("a", noise=1.0), scenario("b", noise=2.0))
    other: Any = scenario("baseline-rival")
    asked = Comparison(asked.baseline, (*asked.compared, Compared(scenario("a-rival"), other, "a-rival")))
    runs = maker(asked)(replicates=8, there=None)
    table = table_of(asked, Wish(Width(0.5, relative=True), 8), runs)
    assert list(zip(table["scenario"], table["against"], strict=True)) == [
        ("a", "baseline"),
        ("b", "baseline"),
        ("a-rival", "baseline-rival"),
        ("a", "b"),
    ]


def test_runs_that_fail_take_their_pairs_with_them() -> None:
    """With every other run lost, twice as many replicates are made for the same pairs."""
    asked = against_baseline(scenario("half", noise=100.0, key=7, fails=range(1, 10_000, 2)))
    wish = Wish(Width(50.0, relative=False), 500)
    runs, advice = run_until(asked, wish, 8, maker(asked))
    first = advice.looks[0]
    assert first.widest.pairs == 4
    assert first.widest.pairs_for_width is not None
    assert first.further == min(max(2 * first.widest.pairs_for_width, 10), 32)
    (row,) = table_of(asked, wish, runs).to_dict("records")
    assert row["half_width"] <= 50.0
    assert row["pairs"] == runs.replicates / 2


def test_nothing_is_predicted_from_nothing() -> None:
    """A scenario of which all runs fail ends the adding; so does a share of no cases."""
    asked = against_baseline(scenario("lost", fails=range(100)), scenario("wild", noise=100.0))
    wish = Wish(Width(0.001, relative=True), 500)
    runs, advice = run_until(asked, wish, 8, maker(asked))
    assert runs.replicates == 8
    assert advice.looks[-1].widest.scenario == "lost"
    table = table_of(asked, wish, runs)
    assert table["verdict"].tolist()[0] == "fewer than two pairs: nothing to tell by"
    assert advice.entry(table, asked)["reached"] is False
    assert "no interval" in plain(shown_table(table, advice.entry(table, asked), asked.baselines))
    empty: Any = scenario("baseline", effect=-LEVEL)
    asked = Comparison(empty, (Compared(scenario("some", noise=1.0), empty, "some"),))
    runs, _ = run_until(asked, wish, 8, maker(asked))
    assert runs.replicates == 8


def test_an_interruption_keeps_what_is_finished() -> None:
    asked = against_baseline(scenario("wild", noise=100.0, key=8, stops_at=9))
    wish = Wish(Width(0.01, relative=True), 500)
    runs, advice = run_until(asked, wish, 8, really(asked))
    assert runs.interrupted
    assert [look.replicates for look in advice.looks] == [8]
    assert {run.replicate for run in runs.finished if run.scenario == "wild"} == set(range(9))
    table = table_of(asked, wish, runs)
    assert table["pairs"].tolist() == [9]
    assert advice.entry(table, asked)["reached"] is False


def test_an_interruption_between_two_batches_loses_nothing() -> None:
    asked = against_baseline(scenario("wild", noise=100.0, key=8))

    def interrupt(look: Look, runs: RunSet) -> None:
        raise KeyboardInterrupt

    runs, advice = run_until(asked, Wish(Width(0.01, relative=True), 500), 8, maker(asked), interrupt)
    assert runs.interrupted
    assert len(runs.finished) == 16
    assert advice.looks[0].further is not None


def test_a_look_at_more_draws_takes_each_pair_for_one() -> None:
    asked = against_baseline(scenario("wild", noise=100.0, key=9))
    runs = maker(asked, draws=40)(replicates=20, there=None)
    look = look_at(runs, asked, wish_of("2%", 200, 20, 40))
    assert look.widest.half_width == pytest.approx(half_width(look.widest.deviation, 20))
    assert look.further == 40


@pytest.mark.parametrize(
    ("text", "width", "words"),
    [
        ("2%", Width(0.02, relative=True), "2%"),
        (" 0.5 % ", Width(0.005, relative=True), "0.5%"),
        ("5000", Width(5000.0, relative=False), "5,000 cases"),
        ("12345678", Width(12345678.0, relative=False), "12,345,678 cases"),
    ],
)
def test_widths_are_read(text: str, width: Width, words: str) -> None:
    wish = wish_of(text, None, 20, None)
    assert wish == Wish(Width(pytest.approx(width.value), width.relative), 200)  # type: ignore[arg-type]
    assert str(wish.width) == words


@pytest.mark.parametrize("text", ["", "%", "0%", "-1%", "0.02", "nan", "inf%", "2%%", "two", "9" * 999])
def test_other_widths_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--until-half-width: must be a share such as 2%"):
        wish_of(text, None, 20, None)


@pytest.mark.parametrize(
    ("most", "pilot", "draws", "words"),
    [
        (200, 7, None, "--replicates: is 7"),
        (15, 20, None, "--most-replicates: is 15"),
        (200, 20, 19, "--draws: is 19.*Give --draws 200"),
    ],
)
def test_numbers_that_cannot_give_an_answer_are_refused(
    most: int, pilot: int, draws: int | None, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        wish_of("2%", most, pilot, draws)


@pytest.mark.parametrize(
    ("draws", "most", "limited"), [(None, 200, False), (1, 200, False), (50, 50, True), (900, 200, False)]
)
def test_a_pair_has_a_draw_of_its_own(draws: int | None, most: int, limited: bool) -> None:
    assert wish_of("2%", 200, 20, draws) == Wish(Width(0.02, relative=True), most, limited)


def test_many_policies_are_counted_instead_of_listed() -> None:
    asked = against_baseline(*(scenario(f"s{k}", noise=10.0, key=k % 5) for k in range(6)))
    runs = maker(asked)(replicates=8, there=None)
    wish = Wish(Width(0.5, relative=True), 8)
    table = table_of(asked, wish, runs)
    entry = {"half_width": "50%", "reached": True, "most_replicates": 8}
    cells = shown_table(table, entry, asked.baselines)
    assert len(cells.rows) == 6 + 2
    assert MOST_SHOWN < 15
    (last,) = cells.rows[-1]
    assert last.startswith("15 differences, each in precision.csv: ")
    assert "1 no difference" in last


@pytest.mark.parametrize("option", ["until_half_width", "most_replicates"])
def test_python_refuses_as_the_command_line_does(option: str) -> None:
    with pytest.raises((InputError, ValueError)):
        compare("card-cleanup", **{option: 0.02})  # type: ignore[arg-type]
