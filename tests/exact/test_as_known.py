"""The schedule as known on a day: nothing of it speaks of what came later, and the past is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from doses import DOSES, measure
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.forecast.as_known import AsKnown, as_known
from sim.interventions import MEASURES, Measure, Window
from sim.interventions.base import Level, Total, cumulative_today
from sim.interventions.enforcement import Pulse
from sim.policy import Policy
from sim.scenario import Scenario, load, shipped_folder
from sim.scenario.evidence import Fact, facts

JANUARY, JUNE, OCTOBER = date(2021, 1, 15), date(2021, 6, 17), date(2021, 10, 11)


@pytest.fixture(scope="module")
def operation() -> Scenario:
    """The whole operation as reported."""
    return load("card-broken-2020")


def said(known: AsKnown, what: str) -> set[str]:
    return set(known.changes.loc[known.changes["what"] == what, "measure"])


def with_(*measures: Measure) -> Scenario:
    return load("baseline").with_(interventions=measures)


def points(measure: Measure) -> Iterator[Any]:
    for name in type(measure).model_fields:
        value = getattr(measure, name)
        if isinstance(value, list):
            yield from (point for point in value if isinstance(point, Total | Level | Pulse))


def test_a_row_is_known_from_the_earlier_of_its_print_and_a_week_after_what_it_speaks_of() -> None:
    table = facts(shipped_folder())
    assert table["F381"] == Fact("F381", (71_000.0,), date(2020, 12, 18))
    assert table["F382"].known == date(2021, 2, 7)  # printed on 26 February: read from a copy
    assert table["F367"].known == date(2021, 6, 16)
    assert table["F354"].values == ()
    assert table["F090"].known == date(2015, 1, 7)  # printed "2014", which dates nothing


def test_the_suspects_of_the_first_months_go_on_at_the_pace_known_in_january(operation: Scenario) -> None:
    campaign: Any = as_known(operation, JANUARY).scenario.measure("cluster_campaign")
    # 71,000 by 17 December, the 69th day; then the same pace for the 744 days to the end of 2022.
    assert campaign.suspects == [
        Total(by=date(2020, 12, 17), total=71_000),
        Total(by=date(2022, 12, 31), total=71_000 + round(71_000 / 69 * 744)),
    ]
    assert [pulse.on for pulse in campaign.pulses] == [date(2020, 10, 20), date(2020, 12, 15)]
    assert campaign.end == operation.end


def test_what_was_left_out_what_went_on_and_what_remains_hindsight(operation: Scenario) -> None:
    january, june, october = (as_known(operation, day) for day in (JANUARY, JUNE, OCTOBER))
    assert said(june, "left out") == {"one_pass_check"}
    assert said(october, "left out") == said(october, "hindsight") == set()
    assert {"antifraud_app", "stablecoin_limits", "police_bank_link"} <= said(january, "left out")
    assert "phone_card_cleanup" in said(june, "hindsight")
    assert "cluster_campaign" not in said(january, "hindsight")
    ids = {m.id for m in january.scenario.interventions}
    assert ids == {m.id for m in operation.interventions} - said(january, "left out")


def test_without_hindsight_only_what_was_public_remains(operation: Scenario) -> None:
    lenient, strict = (as_known(operation, JUNE, hindsight=one) for one in (True, False))
    assert said(strict, "hindsight") == set()
    assert said(strict, "left out") == said(lenient, "left out") | said(lenient, "hindsight")


@pytest.mark.parametrize("day", [JANUARY, JUNE, OCTOBER])
def test_no_date_of_the_schedule_lies_after_the_day(operation: Scenario, day: date) -> None:
    """All that may lie later is where a path goes on to, the end of the scenario."""
    known = as_known(operation, day).scenario
    for one in known.interventions:
        for draw in range(6):
            assert one.at_draw(draw, seed=1).start <= day
        assert one.end in (None, known.end) or one.end < day
        dated = [getattr(p, "by", None) or getattr(p, "since", None) or p.on for p in points(one)]
        assert all(when <= day or when == known.end for when in dated), one.id


@pytest.mark.parametrize("day", [JANUARY, JUNE, OCTOBER])
def test_the_path_up_to_what_was_known_is_the_old_one(operation: Scenario, day: date) -> None:
    window = Window(operation.start, operation.days, ("GD",))
    known = as_known(operation, day).scenario
    for one in known.interventions:
        for name in type(one).model_fields:
            new, old = getattr(one, name), getattr(operation.measure(one.id), name)
            if isinstance(new, list) and len(new) > 1 and isinstance(new[0], Total):
                until = window.number(new[-2].by)
                days = range(window.number(one.start), until + 1)
                assert [cumulative_today(new, one.start, d, window) for d in days] == pytest.approx(
                    [cumulative_today(old, one.start, d, window) for d in days]
                )


def test_a_path_that_was_all_known_and_has_no_later_end_stays() -> None:
    done = measure("five_year_ban", end=None)
    known = as_known(with_(done), date(2021, 6, 1))
    assert known.scenario.interventions == (done,)
    assert known.changes.empty


def test_a_measure_that_had_ended_has_ended() -> None:
    over = measure("account_cleanup")
    assert over.end is not None
    assert as_known(with_(over), over.end + timedelta(days=7)).scenario.interventions == (over,)
    going = as_known(with_(over), over.end + timedelta(days=6)).scenario.interventions[0]
    assert going.end == date(2022, 12, 31)


def test_what_is_announced_is_known_though_it_has_not_begun() -> None:
    later = measure("transfer_limits", announced=date(2020, 9, 15))
    assert len(as_known(with_(later), date(2020, 9, 15)).scenario.interventions) == 1
    assert len(as_known(with_(later), date(2020, 9, 14)).scenario.interventions) == 0


def test_a_figure_that_a_row_states_is_known_when_the_row_is() -> None:
    orders = measure(
        "dissuasion_orders",
        orders_per_day=[
            {"since": date(2020, 10, 10), "level": 5.0},
            {"since": date(2020, 11, 1), "level": 7.0},
        ],
        evidence=["F1", "F2"],
    )
    table = {"F1": Fact("F1", (7.0,), date(2020, 11, 20)), "F2": Fact("F2", (1.0,), date(2020, 10, 12))}

    def levels(day: date) -> list[float]:
        found: Any = as_known(with_(orders), day, evidence=table).scenario.interventions[0]
        return [point.level for point in found.orders_per_day]

    assert levels(date(2020, 10, 16)) == []
    assert levels(date(2020, 10, 17)) == [5.0]  # stated nowhere: a week after its date
    assert levels(date(2020, 11, 19)) == [5.0]
    assert levels(date(2020, 11, 20)) == [5.0, 7.0]


@pytest.mark.parametrize("name", MEASURES)
def test_every_count_over_a_window_goes_on_at_the_same_pace(name: str) -> None:
    """With a later end the days up to the old one order the same: else a measure forgot `over_window`."""
    one = measure(name, ramp_days=20)
    if one.end is None:
        pytest.skip("has no window")
    window = Window(date(2020, 1, 1), 1000, ("GD", "BJ"))
    later = one.until(one.end + timedelta(days=200))
    days = range(window.number(one.start), window.number(one.end) + 1)
    assert delivered(later, days, window) == pytest.approx(delivered(one, days, window), rel=0.01)


def delivered(one: Measure, days: range, window: Window) -> float:
    policy = Policy(len(window.regions))
    for day in days:
        one.act(day, window, policy)
    return float(sum(policy.delivered.values()))


def test_every_measure_is_tried() -> None:
    assert set(DOSES) == set(MEASURES)


@settings(max_examples=30, deadline=None)
@given(day=st.dates(date(2019, 6, 1), date(2022, 12, 1)))
def test_what_is_known_never_shrinks_and_is_valid_on_any_day(day: date) -> None:
    whole = load("card-broken-2020")
    now, then = (as_known(whole, d) for d in (day, day + timedelta(days=20)))
    assert {m.id for m in now.scenario.interventions} <= {m.id for m in then.scenario.interventions}
    assert now.scenario.start == whole.start
    assert np.isin(now.changes["what"], ["left out", "cut", "goes on", "hindsight"]).all()
