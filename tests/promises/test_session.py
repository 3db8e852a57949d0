"""A session of two worlds: the numbers are those of a comparison, whatever is kept, changed or stopped."""

from __future__ import annotations

from datetime import date
from functools import cache

import pandas as pd
import pytest

from sim.draws.plausible import attached, number_of
from sim.draws.wish import PLAUSIBLE, POINT_VALUES
from sim.errors import InputError
from sim.scenario import Scenario, load
from sim.study.lessons import LESSONS, Lesson, Pair, pair_of
from sim.study.runs import run_many
from sim.study.session import Past, Session, places
from sim.study.sliders import AS_IS, Setting, as_file, at, changed, later, sliders

COARSE = 5000
FIRST = date(2020, 8, 1)
WINDOW = {"sets": [f"scale={COARSE}"], "start": "2020-01-01", "end": "2021-03-31"}


@cache
def loaded(name: str) -> Scenario:
    return load(name, **WINDOW)


def session_of(right: Scenario, past: Past | None = None, **options: int) -> Session:
    return Session(loaded("baseline"), right, first=FIRST, past=past, **options)


def straight(*scenarios: Scenario, replicate: int = 0, draws: int | None = None) -> dict[str, pd.DataFrame]:
    """The shown months of runs made by the machinery of `cardbreak compare`, by scenario."""
    runs = run_many(scenarios, replicates=replicate + 1, draws=draws, jobs=1)
    return {
        run.scenario: run.monthly[run.monthly["month"] >= pd.Timestamp(FIRST)].reset_index(drop=True)
        for run in runs.runs
        if run.replicate == replicate and run.monthly is not None
    }


@cache
def operation_straight() -> pd.DataFrame:
    return straight(loaded("card-broken-2020"))["card-broken-2020"]


def of(session: Session, side: str) -> pd.DataFrame:
    table = session.table()
    columns = ["world", "scenario", "draw", "replicate"]
    return table[table["world"] == side].drop(columns=columns).reset_index(drop=True)


def test_the_numbers_are_those_of_a_comparison() -> None:
    """The second run of a pair is what `cardbreak compare --replicates 2` says of replicate 1."""
    left, right = attached([loaded("baseline"), loaded("card-broken-2020")], PLAUSIBLE)
    draws = number_of([left, right], PLAUSIBLE)
    pair = Pair(LESSONS[0], left, right, left, FIRST, draws)
    session = pair.session(1, 1, Past())
    assert session.run()
    made = straight(left, right, replicate=1, draws=draws)
    pd.testing.assert_frame_equal(of(session, "left"), made["baseline"])
    pd.testing.assert_frame_equal(of(session, "right"), made["card-broken-2020"])


def test_a_changed_world_is_the_one_that_would_have_come_straight() -> None:
    """Also where most of its past is taken over, and after it was changed back."""
    operation, past = loaded("card-broken-2020"), Past()
    session = session_of(operation, past)
    session.run()
    for settings in (
        {"transfer_limits": Setting(dose=0.5)},
        {"cluster_campaign": Setting(begins=-2), "account_cleanup-dormant": Setting(ends=-3)},
        {},
    ):
        session.change(changed(operation, settings))
        assert session.run()
        made = straight(session.scenario("right"))["card-broken-2020"] if settings else operation_straight()
        pd.testing.assert_frame_equal(of(session, "right"), made)


def test_what_is_shared_is_not_simulated_again() -> None:
    operation, past = loaded("card-broken-2020"), Past()
    session = session_of(operation, past)
    session.run()
    session.change(changed(operation, {"transfer_limits": Setting(dose=0.5)}))
    steps = 0
    while session.advance():
        steps += 1
    assert steps == 5, "transfer limits begin in December, and the world was kept on the first of November"
    assert session_of(operation, past).run(stop=lambda: True) is False
    again = session_of(operation, past)
    again.advance()
    assert again.finished, "both worlds are kept to their last day"


def test_it_stops_between_two_months_and_goes_on() -> None:
    operation = loaded("card-broken-2020")
    session = session_of(operation)
    assert not session.run(stop=lambda: session.done >= 3)
    assert session.done == 3
    assert not session.finished
    assert list(session.table()["month"].unique()) == [pd.Timestamp(later(FIRST, k)) for k in range(3)]
    session.change(changed(operation, {"publicity": Setting(dose=0.0)}))
    assert session.run()
    assert session.done == len(session.months) == 8
    made = straight(session.scenario("right"))
    pd.testing.assert_frame_equal(of(session, "right"), made["card-broken-2020"])


def test_the_worlds_part_on_the_first_day_of_the_first_measure() -> None:
    assert session_of(loaded("card-broken-2020")).parting == date(2020, 9, 1)
    assert session_of(loaded("baseline")).parting is None
    # A dose of nothing is written down all the same; from its first day on the model may not know better.
    nothing = changed(loaded("publicity"), {"publicity": Setting(dose=0.0)})
    session = session_of(nothing)
    session.run()
    pd.testing.assert_frame_equal(of(session, "right"), of(session, "left"))


def test_the_past_is_bounded_and_the_newest_stays() -> None:
    past = Past(most_bytes=1)
    session = session_of(loaded("card-broken-2020"), past)
    assert session.run()
    pd.testing.assert_frame_equal(of(session, "right"), operation_straight())


def test_worlds_that_do_not_fit_are_refused() -> None:
    other = load("card-broken-2020", sets=["scale=4000"], start="2020-01-01", end="2021-03-31")
    with pytest.raises(ValueError, match="same window and scale"):
        session_of(other)
    with pytest.raises(ValueError, match="same window and scale"):
        session_of(loaded("baseline")).change(other)
    with pytest.raises(ValueError, match="first day of a month"):
        Session(loaded("baseline"), loaded("baseline"), first=date(2020, 8, 2))


def test_sliders_show_what_is_drawn_and_move_whole_measures() -> None:
    operation = loaded("card-broken-2020")
    by_id = {one.id: one for one in sliders(operation, loaded("baseline"), {})}
    assert set(by_id) == {m.id for m in operation.interventions} - {
        m.id for m in loaded("baseline").interventions
    }
    assert by_id["cluster_campaign"].ends is None, "its dated path cannot be cut"
    assert by_id["account_cleanup-dormant"].ends == (-11, 12)
    assert by_id["cluster_campaign"].begins == (-9, 5), "within the run"
    moved = at(operation.measure("cluster_campaign"), Setting(begins=-2))
    assert moved.start == date(2020, 8, 10)
    assert moved.suspects[0].by == date(2020, 10, 17)  # type: ignore[attr-defined]
    longer = at(operation.measure("account_cleanup-dormant"), Setting(ends=12))
    assert longer.accounts > 1.9 * 740_000_000  # type: ignore[attr-defined]
    with pytest.raises(KeyError, match="no measure 'nothing'"):
        changed(operation, {"nothing": AS_IS})


def test_months_are_counted_as_in_a_calendar() -> None:
    assert later(date(2021, 1, 31), 1) == date(2021, 2, 28)
    assert later(date(2020, 1, 31), 1) == date(2020, 2, 29)
    assert later(date(2020, 3, 15), -15) == date(2018, 12, 15)
    for year in (2000, 2100):
        assert later(date(year, 1, 30), 1).day == (29 if year == 2000 else 28)


@pytest.mark.parametrize("lesson", LESSONS, ids=[lesson.key for lesson in LESSONS])
def test_the_file_of_the_right_world_is_that_world(lesson: Lesson, tmp_path) -> None:
    pair = pair_of(lesson, COARSE, POINT_VALUES)
    some = sliders(pair.right, pair.bare, {})
    assert some
    settings = {one.id: Setting(dose=0.35, begins=min(2, one.begins[1])) for one in some[::2]}
    file = tmp_path / "world-b.yaml"
    file.write_text(as_file(pair.right, settings, "world-b", "made\nfor a test"))
    read = load(file, sets=[f"scale={COARSE}"], end=pair.right.end)
    ours = changed(pair.right, settings).to_dict()
    assert {**read.to_dict(), "name": "", "title": "", "description": ""} == {
        **ours,
        "name": "",
        "title": "",
        "description": "",
    }


def test_a_scenario_of_ones_own_is_shown_from_before_its_first_measure(tmp_path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("extends: card-cleanup.yaml\n")
    pair = pair_of(Lesson("own", "baseline", str(file)), COARSE, POINT_VALUES)
    assert (pair.first, pair.right.end) == (date(2020, 2, 1), date(2022, 1, 31))
    file.write_text("extends: baseline.yaml\n")
    with pytest.raises(InputError, match="adds no measure to baseline"):
        pair_of(Lesson("own", "baseline", str(file)), COARSE, POINT_VALUES)


def test_every_region_has_a_tile_of_its_own() -> None:
    table = places()
    assert len(table) == 31 == len(table[["grid_col", "grid_row"]].drop_duplicates())
    assert (table["adults"] > 0).all()
