"""What measures promise: the dose that was asked for, on the days and in the regions it was asked for, and an
effect.
"""

import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.interventions import MEASURES, Measure, Window
from sim.model import FraudSupplyChain
from sim.observe.outcomes import OUTCOMES
from sim.policy import Policy
from sim.scenario import load, shipped_folder
from sim.scenario.places import evidence_ids

DAY0, DAYS = date(2018, 1, 1), 1826
CODES = ("BJ", "GD", "HB", "SD")
WINDOW = Window(DAY0, DAYS, CODES)
START, END = date(2020, 10, 10), date(2021, 10, 10)
PROPERTY = settings(max_examples=60, deadline=None, derandomize=True)


def measure(name: str, **fields: Any) -> Measure:
    """A measure over the first year of the operation."""
    return MEASURES[name].model_validate({"measure": name, "start": START, "end": END} | fields)


def days_of(*measures: Measure, window: Window = WINDOW) -> list[Policy]:
    """The policy vector of every day of a window."""
    policies = []
    for day in range(window.days):
        policy = Policy(len(window.regions))
        for each in measures:
            each.act(day, window, policy)
        policies.append(policy)
    return policies


def in_force(policies: list[Policy], acts: Callable[[Policy], bool]) -> tuple[date, date]:
    """First and last day on which a measure acts."""
    days = [day for day, policy in enumerate(policies) if acts(policy)]
    return DAY0 + timedelta(days[0]), DAY0 + timedelta(days[-1])


@pytest.mark.parametrize("ramp", [0, 1, 60, 400])
@pytest.mark.parametrize("coverage", [0.25, 1.0])
def test_a_count_of_accounts_is_ordered_in_full_whatever_the_ramp(ramp: int, coverage: float) -> None:
    """Days add up to the count times the coverage; the ramp rises and then stays."""
    cleanup = measure(
        "account_cleanup", criterion="dormant", accounts=740_000_000, ramp_days=ramp, coverage=coverage
    )
    policies = days_of(cleanup)
    orders = [order.cards for policy in policies for order in policy.cleanups]
    assert math.isclose(sum(orders), coverage * 740_000_000, rel_tol=1e-9)
    assert np.all(np.diff(orders) >= -1e-6)
    assert in_force(policies, lambda p: bool(p.cleanups)) == (START, END)


@PROPERTY
@given(st.integers(1, 700), st.integers(0, 900), st.integers(0, 10**9))
def test_a_count_is_ordered_in_full_for_any_window_and_ramp(days: int, ramp: int, count: int) -> None:
    """Even where the ramp is longer than the window."""
    end = START + timedelta(days - 1)
    cleanup = measure("account_cleanup", criterion="dormant", accounts=count, ramp_days=ramp, end=end)
    total = sum(order.cards for policy in days_of(cleanup) for order in policy.cleanups)
    assert math.isclose(total, count, rel_tol=1e-9, abs_tol=1e-6)


def test_a_cumulative_path_is_followed_through_its_points() -> None:
    """Phone cards cleaned by the end of each stated day are the stated total."""
    path = [(date(2021, 4, 30), 10_000_000), (date(2021, 7, 6), 25_361_700), (END, 74_000_000)]
    cleanup = measure("phone_card_cleanup", cards=[{"by": by, "total": total} for by, total in path])
    orders = [sum(order.cards for order in policy.cleanups) for policy in days_of(cleanup)]
    for by, total in path:
        assert math.isclose(sum(orders[: (by - DAY0).days + 1]), total, rel_tol=1e-9)
    assert math.isclose(sum(orders), 74_000_000, rel_tol=1e-9)


def test_620_outlets_are_ordered_one_by_one() -> None:
    """Whole outlets, 620 in all, spread over the window."""
    orders = [o for p in days_of(measure("opening_suspension", outlets=620)) for o in p.suspensions]
    assert sum(order.outlets for order in orders) == 620
    assert max(order.outlets for order in orders) <= 2
    assert {order.months for order in orders} == {(1, 6)}


def test_publicity_says_what_it_was_told_to_say() -> None:
    """Videos, events and messages of all days are the counts; text is national, so every region hears all of
    it.
    """
    campaign = measure("publicity", videos=1500, events=15_000, messages=3_620_000_000, ramp_days=30)
    total = np.sum([policy.publicity for policy in days_of(campaign)], axis=0)
    assert np.allclose(total, [[1500, 15_000, 3_620_000_000]] * len(CODES), rtol=1e-9)


def test_a_campaign_arrests_as_many_as_its_path_with_the_pulses_inside() -> None:
    """Suspects of all days and pulses are the path's last total; so are card gangs; pulses fall on their
    days.
    """
    campaign = measure(
        "cluster_campaign",
        suspects=[{"by": date(2020, 12, 17), "total": 71_000}, {"by": END, "total": 450_000}],
        card_gangs=[{"by": END, "total": 27_000}],
        pulses=[{"on": date(2020, 10, 20), "suspects": 4600}, {"on": date(2021, 2, 4), "suspects": 531}],
        opener_share=0.5, relevant_share=1.0, other_share=0.2, suspects_per_fraud_gang=10.0,
    )  # fmt: skip
    orders = {day: order for day, policy in enumerate(days_of(campaign)) for order in policy.campaigns}
    assert math.isclose(sum(o.opener_arrests for o in orders.values()), 225_000, rel_tol=1e-9)
    assert math.isclose(sum(o.fraud_gangs for o in orders.values()), 450_000 * 0.2 / 10.0, rel_tol=1e-9)
    assert math.isclose(sum(o.card_gangs for o in orders.values()), 27_000, rel_tol=1e-9)
    pulse = (date(2020, 10, 20) - DAY0).days
    assert orders[pulse].opener_arrests > orders[pulse - 1].opener_arrests + 2000


def test_a_campaign_is_announced_once() -> None:
    """On the day of the announcement, else on the first; weighed by coverage and by the share of regions."""
    dose = {"suspects": [{"by": END, "total": 1000}], "announcement": 2.0}
    for announced, regions, size in ((None, "all", 2.0), (date(2020, 9, 1), ["GD"], 0.5)):
        campaign = measure("cluster_campaign", announced=announced, regions=regions, **dose)
        said = {day: p.announcement for day, p in enumerate(days_of(campaign)) if p.announcement}
        assert said == {((announced or START) - DAY0).days: size}


def test_factors_rise_with_the_ramp_and_are_exactly_one_outside() -> None:
    """Risk control: 1 before and after, the stated factor at full strength, half-way in the middle of the
    ramp.
    """
    linkage = measure(
        "risk_control_linkage",
        opening_factor=3.0,
        use_factor=1.5,
        trace_factor=2.0,
        ramp_days=100,
        regions=["GD"],
    )
    policies, first = days_of(linkage), (START - DAY0).days
    here, there = CODES.index("GD"), CODES.index("SD")
    assert policies[first - 1].opening_factor.tolist() == [1.0] * 4
    assert math.isclose(policies[first + 49].opening_factor[here], 2.0)
    assert math.isclose(policies[first + 200].opening_factor[here], 3.0)
    assert math.isclose(policies[first + 200].use_factor[here], 1.5)
    assert math.isclose(policies[first + 200].trace_factor[here], 2.0)
    assert all(policy.opening_factor[there] == 1.0 for policy in policies)
    assert policies[(END - DAY0).days + 1].opening_factor.tolist() == [1.0] * 4


def test_the_app_covers_by_dates_and_keeps_its_last_coverage() -> None:
    """Linear between dated shares, level after the last."""
    shares = [(START, 0.0), (date(2020, 10, 30), 0.2), (date(2020, 11, 19), 0.4)]
    app = measure(
        "antifraud_app", efficacy=1.0, covered=[{"since": since, "level": level} for since, level in shares]
    )
    policies, first = days_of(app), (START - DAY0).days
    seen = [float(policies[first + ahead].app_protection[0]) for ahead in (0, 10, 20, 30, 40, 200)]
    assert np.allclose(seen, [0.0, 0.1, 0.2, 0.3, 0.4, 0.4])


def test_the_line_and_orders_reach_their_strength() -> None:
    """Co-measures: factor and lift at full strength, orders at the level of the day."""
    line = measure("warning_line", freeze_factor=3.0, report_lift=0.04, coverage=0.5)
    orders = measure(
        "dissuasion_orders",
        orders_per_day=[{"since": START, "level": 100.0}, {"since": date(2021, 1, 1), "level": 300.0}],
    )
    policies, first = days_of(line, orders), (START - DAY0).days
    assert policies[first].freeze_factor.tolist() == [2.0] * len(CODES)
    assert policies[first].report_lift.tolist() == [0.02] * len(CODES)
    for day, total in ((first - 1, 0.0), (first, 100.0), ((date(2021, 1, 1) - DAY0).days, 300.0)):
        assert math.isclose(policies[day].orders.sum(), total)


@pytest.mark.parametrize("first", [date(2020, 10, 10), date(2021, 1, 1), date(2021, 9, 30)])
def test_a_window_that_begins_later_gives_the_same_days(first: date) -> None:
    """A clipped run meets the measure where it is by then, not at its beginning."""
    cleanup = measure("account_cleanup", criterion="dormant", accounts=1_000_000, ramp_days=60)
    whole = days_of(cleanup)
    ahead = (first - DAY0).days
    clipped = days_of(cleanup, window=Window(first, DAYS - ahead, CODES))
    assert [[o.cards for o in p.cleanups] for p in clipped] == [
        [o.cards for o in p.cleanups] for p in whole[ahead:]
    ]


SOME_DOSE: dict[str, dict[str, Any]] = {
    "insider_investigation": {"insiders": [{"by": END, "total": 900}]},
    "iot_card_review": {"cards": 9000},
    "one_pass_check": {},
    "institution_inspection": {"institutions": 130},
    "police_bank_link": {"delay_days": 0.5},
    "blacklist_sharing": {},
    "border_repatriation": {"persons": [{"by": END, "total": 900}], "closed": 0.5, "seized": 0.1},
    "five_year_ban": {"persons": [{"by": END, "total": 900}]},
    "transfer_limits": {"layering_factor": 2.0, "held_share": 0.1},
    "stablecoin_limits": {"closure_per_year": 1.0, "growth_cut": 0.5},
    "cluster_campaign": {"suspects": [{"by": END, "total": 9000}]},
    "phone_card_cleanup": {"cards": [{"by": END, "total": 9000}]},
    "account_cleanup": {"criterion": "dormant", "accounts": 9000},
    "opening_suspension": {"outlets": 620},
    "risk_control_linkage": {
        "opening_factor": 2.0, "use_factor": 2.0, "trace_factor": 2.0, "false_positive_factor": 2.0
    },
    "publicity": {"videos": 1, "events": 1, "messages": 1},
    "antifraud_app": {"covered": [{"since": START, "level": 0.5}]},
    "dissuasion_orders": {"orders_per_day": [{"since": START, "level": 5.0}]},
    "warning_line": {"freeze_factor": 2.0, "report_lift": 0.1},
}  # fmt: skip


WORD_LEFT = ("delivered", "parts")
"""Parts of the policy vector by which a measure is credited; nobody acts on them."""


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_writes_what_it_declares_and_nothing_else(name: str) -> None:
    """Every part of the policy vector that a measure changes stands in its ``writes``, and the other way
    round.
    """
    neutral = vars(Policy(len(CODES)))
    acting = [measure(name, **SOME_DOSE[name])]
    if name == "account_cleanup":  # what belongs to one criterion only
        acting += [measure(name, criterion="multi_card", rate=0.0, cap=2)]
        acting += [measure(name, criterion="frequent_replacement", rate=0.0, cool_off=0.5)]
    changed = {
        f"policy.{part}"
        for policy in days_of(*acting)
        for part, value in vars(policy).items()
        if part not in WORD_LEFT
        and not np.array_equal(np.asarray(value, dtype=object), np.asarray(neutral[part], dtype=object))
    }
    assert changed == set(MEASURES[name].writes)


def test_a_pulse_outside_the_window_of_its_campaign_is_refused() -> None:
    """A round of arrests before the start or after the end would be lost without a word."""
    with pytest.raises(ValidationError):
        measure(
            "cluster_campaign",
            suspects=[{"by": END, "total": 9000}],
            pulses=[{"on": date(2022, 3, 1), "suspects": 4000}],
        )


def test_a_path_beyond_the_end_of_its_measure_is_refused() -> None:
    """A cumulative path whose last points lie after ``end`` can never reach its total."""
    with pytest.raises(ValidationError):
        measure("phone_card_cleanup", cards=[{"by": date(2022, 6, 30), "total": 74_000_000}])


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_leaves_word_of_what_it_delivered(name: str) -> None:
    """Every measure notes units of its dose under its own id, and none where it covers nobody."""
    done = [policy.delivered for policy in days_of(measure(name, **SOME_DOSE[name]))]
    assert sum(units for day in done for units in day.values()) > 0.0
    assert {who for day in done for who in day} == {measure(name, **SOME_DOSE[name]).id}
    assert not any(policy.delivered for policy in days_of(measure(name, **SOME_DOSE[name], coverage=0.0)))


UNSURE = [
    {"field": "start", "low": date(2020, 10, 10), "high": date(2021, 4, 10)},
    {"field": "days", "low": 10, "high": 90},
    {"field": "lift", "low": 0.1, "high": 0.5},
]


def test_what_is_uncertain_is_drawn_from_its_range_and_is_its_point_value_without_draws() -> None:
    """Draw 0 is the file's value; each draw takes one from between, whole where the field is; all of it is
    used, and the same draw and seed give the same measure.
    """
    inspection = measure("institution_inspection", institutions=130, uncertain=UNSURE)
    assert inspection.at_draw(0, 1) is inspection
    drawn: list[Any] = [inspection.at_draw(k, 1) for k in range(1, 201)]
    assert {each.start for each in drawn} <= {date(2020, 10, 10) + timedelta(k) for k in range(183)}
    assert all(isinstance(each.days, int) and 10 <= each.days <= 90 for each in drawn)
    for values, low, high in (
        ([each.lift for each in drawn], 0.1, 0.5),
        ([(each.start - START).days for each in drawn], 0, 182),
    ):
        assert np.quantile(values, 0.05) < low + 0.1 * (high - low)
        assert np.quantile(values, 0.95) > high - 0.1 * (high - low)
    again: list[Any] = [inspection.at_draw(k, 1) for k in range(1, 201)]
    assert again == drawn
    assert all(each.institutions == 130 and each.spillover == drawn[0].spillover for each in drawn)


def test_every_measure_explains_itself() -> None:
    """A plain description, what it reads and writes, what it counts as its own, where what it stops may move,
    and the identity that holds when all else is off.
    """
    for name, cls in MEASURES.items():
        assert len(cls.card) > 100, name
        assert cls.identity, name
        assert cls.writes, name
        assert "Assumed" in cls.card, name
        assert cls.attributable, name
        assert bool(cls.channels) == ("channel" in cls.shifts), name
        assert bool(cls.kinds) == ("kind" in cls.shifts), name
        assert {*cls.channels, *cls.kinds} <= set(OUTCOMES), name
        assert cls.facts, name
        assert set(cls.over_window) <= set(cls.model_fields), name
        assert set(cls.facts) <= evidence_ids(shipped_folder()), name


NATION = {
    "cluster_campaign": ("arrests_opener", "arrests_dealer", "arrests_gang"),
    "account_cleanup": ("accounts_cleaned", "closed_false"),
    "phone_card_cleanup": ("sims_cleaned",),
    "opening_suspension": ("openings_lost_to_suspension",),
    "publicity": ("awareness",),
    "iot_card_review": ("iot_cleaned",),
    "five_year_ban": ("holders_barred", "holders_barred_in_error"),
    "transfer_limits": ("transfers_held_legitimate",),
}


def test_the_whole_operation_does_what_it_counts(
    operation: FraudSupplyChain, finished: Callable[..., FraudSupplyChain]
) -> None:
    """In the year that it lasts, each measure's own count lies above the baseline's.  (Later fewer gangs are
    arrested than without it: there are fewer.)
    """
    table, other = (m.recorder.get_model_vars_dataframe() for m in (operation, finished("baseline")))
    for counts in NATION.values():
        for name in counts:
            ours, theirs = (each.loc["2020-10":"2021-10", name].sum() for each in (table, other))
            assert ours > theirs, name


def test_every_measure_of_the_operation_delivers_its_dose_and_has_a_count_of_its_own(
    operation: FraudSupplyChain,
) -> None:
    """Units as the scenario asks for them, to the rounding of what is whole; and something to its credit."""
    done = operation.recorder.deeds().groupby(["what", "measure"])["value"].sum()
    asked = {
        "account_cleanup-dormant": 740e6,
        "phone_card_cleanup": 64e6,
        "insider_investigation": 1000,
        "institution_inspection": 130,
        "opening_suspension": 620,
        "iot_card_review": 1.4e9,
        "five_year_ban": 250_000,
        "cluster_campaign": 450_000,
    }
    for name, units in asked.items():
        assert math.isclose(done["units", name], units, rel_tol=1e-6), name
    for measure_ in operation.scenario.interventions:
        assert done["units", measure_.id] > 0.0, measure_.id
        if measure_.id != "one_pass_check":  # less than one simulated card is expected at this scale
            assert done["attributed", measure_.id] > 0.0, measure_.id


def test_the_operation_suspends_620_real_outlets(operation: FraudSupplyChain) -> None:
    """620 are 620 at every scale, each shut once."""
    assert int((operation.outlets.suspended_until > 0).sum()) == 620


def test_collateral_is_counted_beside_the_benefit(operation: FraudSupplyChain) -> None:
    """Harder screening refuses more honest people; the baseline's refusals are there already."""
    table = operation.recorder.get_model_vars_dataframe()
    before = table.loc["2019-07":"2019-12"]
    after = table.loc["2021-07":"2021-12"]
    share = [(t["openings_refused_legitimate"] / t["openings_legitimate"]).mean() for t in (before, after)]
    assert 0.0 < share[0] < share[1]
    assert (table.loc["2020-11":"2021-09", "closed_false"] > 0).all()


def test_measures_outside_the_run_do_nothing() -> None:
    """A run that ends before the launch is the baseline's."""
    runs = []
    for name in ("baseline", "card-cleanup"):
        model = FraudSupplyChain(load(name, sets=["scale=2000"], start="2020-01-01", end="2020-06-30"))
        model.run_model()
        runs.append(model.recorder.monthly().to_dict("list"))
    assert runs[0] == runs[1]
