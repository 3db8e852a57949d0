"""Each measure keeps the identity of its row, with all else switched off (rows 1, 2, 4 to 7, 10, 11).

The identities of rows 3, 6a, 8 and 12 stand with the checks A4, A15 and A11; zero doses with A19; the
co-interventions in `test_co_measures.py`.
"""

import math

import numpy as np
import pytest
from race import escape_share
from reference import decide_binomial, decide_mean, keys
from worlds import DAY0, STILL, attempts, order, world

from sim.interventions import MEASURES
from sim.model import FraudSupplyChain
from sim.policy import Campaign
from sim.processes.counter import Counter, after_first
from sim.processes.detection import Detection
from sim.processes.investigation import Investigation
from sim.processes.operation import Cases
from sim.scenario import load
from sim.world.codes import Channel, Kind, Source, Status

# Row 1


def test_row_1_blind_campaigns_without_replacement_leave_a_power() -> None:
    """Row 1: b = 0, no replacement: k rounds against a share f leave N (1 - f)^k, to a cell a round; and they
    are blind: cells with many contacts are hit like the others.

    Rule: binomial, 4 standard errors; 6 percentage points could be told.
    """
    model = world("scale=10", "parameters.dealers.replacement_share=0")
    police, n, f = Investigation(model), model.dealers.n, 0.2
    well_known = model.dealer_degree() > np.median(model.dealer_degree())
    everywhere = np.ones(model.regions.n, dtype=bool)
    for k in range(1, 5):
        alive = int(model.dealers.alive.sum())
        blow = Campaign(f"round {k}", 0.0, f * alive * model.scale, 0.0, 0.0, 0.0, 0.5, everywhere)
        police._strike(blow)
        assert abs(model.dealers.alive.sum() - n * (1 - f) ** k) <= k
    assert not model.removal.dealers_due
    left = model.dealers.alive == 1
    decide_binomial(int(left[well_known].sum()), int(well_known.sum()), left.mean(), 0.06)


# Row 2


def test_row_2_all_insiders_found_and_openings_fall_by_exactly_their_share() -> None:
    """Row 2: the openings of everyone else are the same, one by one; those of insiders are gone."""
    many = ["parameters.insiders.outlet_share=0.1", "parameters.insiders.cards_per_week=100"]
    sets = [*STILL, "scale=100", *many]
    opened = []
    for total in (0, 10**7):
        model = world(*sets)
        model.dealers.sets_needed[:] = 10**6
        day = {"by": DAY0, "total": total}
        order(model, "insider_investigation", insiders=[day], outlet_share=1.0)
        model.phases[2][2]()
        insider = model.accounts.source == Source.INSIDER
        new = model.accounts.opened == 0
        opened.append((set(model.accounts.key[new & insider]), set(model.accounts.key[new & ~insider])))
    (by_insiders, by_others), (none, the_same) = opened
    assert len(by_insiders) > 50
    assert len(by_others) > 50
    assert not none
    assert the_same == by_others


def test_row_2_the_number_found_is_the_dose_and_an_investigation_meets_its_regions_only() -> None:
    """Row 2: 30 found at outlets of Guangdong are 30 compromised outlets fewer there, none elsewhere."""
    model = world(*STILL)
    before, gd = model.outlets.compromised.copy(), model.outlets.region == model.regions.number("GD")
    fields = {"insiders": [{"by": DAY0, "total": 30}], "outlet_share": 1.0, "regions": ["GD"]}
    for case in order(model, "insider_investigation", **fields).insiders:
        model.insiders.investigate(case)
    found = before & ~model.outlets.compromised
    assert found.sum() == 30
    assert gd[found].all()
    assert model.recorder.deeds().empty  # a month is not over
    assert model.operators.insiders == model.operators.insiders_start


def test_row_2_insiders_come_back_the_faster_the_dearer_cards_are() -> None:
    """Row 2: at the first price the number is steady; at ten times the price more are recruited than leave.

    Rule: 20 weeks, the share of outlets within 4 standard errors of the start at the first price.
    """
    model = world("parameters.insiders.outlet_share=0.1", "parameters.insiders.turnover_per_year=5")
    start, n = int(model.outlets.compromised.sum()), model.outlets.n
    for week in range(20):
        model.day = 7 * week
        model.insiders._turn_over()
    decide_binomial(int(model.outlets.compromised.sum()), n, 0.1, 0.003)
    model.recorder._nation["price_gang_yuan"] *= 10
    for week in range(20, 40):
        model.day = 7 * week
        model.insiders._turn_over()
    assert model.outlets.compromised.sum() > 1.5 * start


# Rows 4 and 5


def phone_cards(model: FraudSupplyChain, n: int) -> None:
    """``n`` phone cards on a shelf: half of them IoT cards, half on stolen identities."""
    model.sims.keep(np.zeros(model.sims.n, dtype=bool))
    model.accounts.keep(np.zeros(model.accounts.n, dtype=bool))
    for kind in (Kind.SIM, Kind.IOT):
        flags = np.where(np.arange(n) % 2, 8, 0)
        model.sims.enter(
            n, kind=kind, status=Status.DEALER_STOCK, key=keys(n, int(kind) * n), dealer=0, flags=flags
        )


def test_row_4_a_full_sweep_at_sensitivity_one_empties_the_kind_and_touches_no_other() -> None:
    """Row 4: every IoT card is closed, illicit or, with a closed share of 1, ordinary; no SIM is."""
    model = world(*STILL)
    phone_cards(model, 2000)
    order(model, "iot_card_review", cards=10**9, sensitivity=1.0, closed_share=1.0, sweep_days=1)
    Detection(model).run()
    iot = model.sims.kind == Kind.IOT
    assert model.sims.count()[Kind.IOT, Status.CLEANED] == 2000
    assert not (iot & model.sims.live()).any()
    assert (model.sims.kind[model.sims.live()] == Kind.SIM).sum() == 2000
    model.ordinary.end_month(0, 1, np.zeros(31), np.zeros(31), model.keyed)
    born = model.parameters.number("ordinary.iot_openings_per_year") / 365.25
    assert model.ordinary.cells[2].sum() < 1.01 * born  # those issued on the day itself
    assert model.ordinary.cells[1].sum() > 1e9


@pytest.mark.parametrize("days", [1, 10, 60])
def test_row_4_a_sweep_closes_its_share_however_long_it_takes(days: int) -> None:
    """Row 4: coverage x sensitivity of the illicit cards are gone after a sweep of any length; then it rests.

    Rule: 20,000 cards, 4 standard errors; 1.5 percentage points could be told.
    """
    model, n = world(*STILL), 20_000
    phone_cards(model, n)
    detection, gone = Detection(model), 0
    for day in range(days + 5):
        model.day = day
        fields = {
            "cards": 10**9,
            "sensitivity": 0.6,
            "closed_share": 0.0,
            "sweep_days": days,
            "coverage": 0.5,
        }
        order(model, "iot_card_review", day=day, **fields)
        detection.run()
        gone = int(model.sims.count()[Kind.IOT, Status.CLEANED])
        if day == days - 1:
            decide_binomial(gone, n, 0.3, 0.015)
            after = gone
    assert gone == after


def test_row_5_only_phone_cards_on_stolen_identities_change() -> None:
    """Row 5: at a rate that misses nobody all phone cards on stolen identities go, and nothing else does."""
    model = world(*STILL)
    phone_cards(model, 2000)
    cells = model.ordinary.cells.copy()
    policy = order(model, "one_pass_check", queries_per_year=12.0, act_share=1.0)
    assert math.isclose(policy.cleanups[0].illicit_rate, 12.0 / 365.25)
    policy.cleanups[0] = policy.cleanups[0]._replace(illicit_rate=50.0)
    Detection(model).run()
    stolen = (model.sims.flags & 8) != 0
    live = model.sims.live()
    assert not (live & stolen & (model.sims.kind == Kind.SIM)).any()
    assert (live & ~stolen).sum() == 2000
    assert (live & stolen & (model.sims.kind == Kind.IOT)).sum() == 1000
    assert not model.ordinary._hazard.any()
    assert np.array_equal(model.ordinary.cells, cells)


# Rows 6b and 6c


@pytest.mark.parametrize("cap", [1, 2])
def test_row_6b_nobody_opens_more_accounts_at_a_bank_than_the_cap(cap: int) -> None:
    """Row 6b: live accounts opened by a person at a bank never exceed the cap, with four banks only."""
    few_banks = "parameters.banks.class_count=[1, 1, 1, 1]"
    keen = [
        "parameters.openers.years_away=0.01",
        "parameters.openers.pool=60000",
        "parameters.openers.approach_per_year=52",
    ]
    scenario = load("no-measures", sets=["scale=1000", few_banks, *keen, *STILL], end="2018-03-31")
    cleanup = {"measure": "account_cleanup", "id": "capped", "criterion": "multi_card", "start": DAY0}
    highest = {}
    for name, fields in (("free", {"rate": 0.0}), ("capped", {"rate": 0.0, "cap": cap})):
        measure = MEASURES["account_cleanup"].model_validate(cleanup | fields)
        model = FraudSupplyChain(scenario.model_copy(update={"interventions": (measure,)}))
        model.run_model()
        own = model.accounts.live() & (model.accounts.holder >= 0) & (model.accounts.outlet >= 0)
        place = model.accounts.holder[own].astype(np.int64) * 10 + model.accounts.issuer[own]
        highest[name] = np.unique(place, return_counts=True)[1].max()
    assert highest["free"] > 2
    assert highest["capped"] == cap


def test_row_6c_a_cool_off_keeps_sellers_from_reclaiming_and_touches_nothing_else() -> None:
    """Row 6c: a cool-off of x leaves the hazard of reclaim at 1 - x and every other rate as it was."""
    model = world()
    detection = Detection(model)
    for cool_off, left in ((1.0, 0.0), (0.4, 0.6)):
        order(model, "account_cleanup", criterion="frequent_replacement", rate=0.0, cool_off=cool_off)
        rates = detection._own_rates()
        assert np.allclose(rates[0], left * detection.own[0], rtol=1e-12)
        assert np.array_equal(rates[1:], detection.own[1:])
        assert not model.policy.cleanups


# Row 7


def test_row_7_effort_rises_by_the_lift_and_returns_by_its_half_life() -> None:
    """Row 7: 1 + lift under inspection, then effort - 1 halves each half-life; the spillover stays in the
    class of the inspected; a bank of another class never moves.
    """
    model = world("parameters.banks.effort_half_life_weeks=8")
    banks = model.banks
    fields = {"institutions": 3, "days": 28, "lift": 0.4, "spillover": 0.25, "size_exponent": 2.0}
    window_end = {"end": DAY0}
    for inspection in order(model, "institution_inspection", **fields, **window_end).inspections:
        banks.inspect(inspection, 0)
    inspected = banks.inspected(0)
    same_class = np.isin(banks.class_of, banks.class_of[inspected]) & ~inspected
    assert inspected.sum() == 3
    assert np.allclose(banks.effort[inspected], 1.4)
    assert np.allclose(banks.effort[same_class], 1.1)
    assert same_class.any()
    others = ~inspected & ~same_class
    for day in range(1, 28 + 8 * 7 + 7):
        model.day = day
        banks.decide_today()
        if day == 27:
            assert np.allclose(banks.effort[inspected], 1.4)
            assert not banks.inspected(28).any()
    weeks = np.array([len(range(28 + (k - 28) % 7, day + 1, 7)) for k in np.arange(banks.n) % 7])
    assert np.allclose(banks.effort[inspected] - 1.0, 0.4 * 0.5 ** (weeks[inspected] / 8.0))
    assert np.array_equal(banks.effort[others], np.ones(int(others.sum())))


def test_row_7_who_is_refused_under_inspection_moves_to_a_bank_that_is_not_inspected() -> None:
    """Row 7: with displacement 1 and a screening that refuses everyone inspected and nobody else, all get
    their account elsewhere; with displacement 0 none of the refused does.
    """
    for displacement, lost in ((1.0, 0), (0.0, None)):
        model = world("parameters.banks.sensitivity=0")
        fields = {"institutions": 2000, "lift": 0.3, "spillover": 0.0, "displacement": displacement}
        for inspection in order(model, "institution_inspection", **fields, end=DAY0).inspections:
            model.banks.inspect(inspection, 0)
        inspected = model.banks.inspected(0)
        model.banks.base = np.where(inspected, 1.0, 0.0)
        model.banks.ceiling = 1.0
        tries = attempts(model, 1000, 1)
        served = Counter(model).serve(tries)
        at = inspected[model.outlets.bank[served.outlet]]
        assert not at.any()
        if lost is None:
            wanted, _ = Counter(model).find_outlet(tries.key, tries.region, ~tries.existing)
            lost = int(inspected[model.outlets.bank[wanted]].sum())
            assert lost > 100
        assert len(served.key) == 1000 - lost


# Row 10


@pytest.mark.parametrize("delay", [0.1, 0.5, 2.0])
def test_row_10_the_escape_share_is_that_of_the_shorter_delay_in_covered_cases(delay: float) -> None:
    """Row 10: (mu / (mu + delta))^L with delta = 1 / delay for the share covered, in the region alone.

    Rule: 60,000 cases a region, 4 standard errors; 1 percentage point could be told.
    """
    model, n = world(), 120_000
    model.funds.victim_delay = 0.0
    order(model, "police_bank_link", delay_days=delay, members=0.7, regions=["SD"])
    there = np.arange(n) % 2 == 0
    region = np.where(there, model.regions.number("SD"), model.regions.number("GD"))
    of = np.zeros(n, dtype=np.int64)
    cases = Cases(of, keys(n), of, region, of + 100_000, of + Channel.BOUGHT)
    model.reported = np.ones(n, dtype=bool)
    passed, stopped = model.funds._race(cases)
    mu = model.funds.hops / model.funds.layering
    slow, fast = (escape_share(mu, 1.0 / d, model.funds.hops) for d in (model.funds.police_delay, delay))
    escaped = passed < stopped
    decide_binomial(int(escaped[there].sum()), n // 2, 0.7 * fast + 0.3 * slow, 0.01)
    decide_binomial(int(escaped[~there].sum()), n // 2, slow, 0.01)


# Row 11, check A10


@pytest.mark.parametrize(("banks", "each", "h"), [(5, 2, 0.2), (8, 3, 0.05), (3, 4, 0.5)])
def test_a10_tries_at_many_banks_with_and_without_a_shared_list(banks: int, each: int, h: float) -> None:
    """A10: a person tries ``each`` times at each of K banks; every try is noticed with chance h and ends the
    tries at that bank, or, with a shared list, at all: K (1-(1-h)^m)/h tries become (1-(1-h)^(Km))/h.

    Rule: mean over 30,000 persons within 4 standard errors; 3% could be told.
    """
    persons, rng = 30_000, np.random.default_rng(10)
    noticed = rng.random(persons * banks * each) < h
    alone = ~after_first(np.arange(len(noticed)) // each, noticed)
    shared = ~after_first(np.arange(len(noticed)) // (banks * each), noticed)
    for tried, mean in (
        (alone, banks * (1 - (1 - h) ** each) / h),
        (shared, (1 - (1 - h) ** (banks * each)) / h),
    ):
        by_person = tried.reshape(persons, -1).sum(axis=1)
        decide_mean(by_person.mean(), mean, by_person.var(), persons, 0.03 * mean)


def test_a10_at_the_counter_a_list_without_a_lag_ends_the_tries_of_the_day() -> None:
    """A10 in the model: of n tries in a row, each refused with chance h, a person has (1-h)+..+(1-h)^n
    opened under a list that all outlets share at once, and n (1-h) without.

    Rule: mean over 10,000 persons within 4 standard errors; 6% could be told.
    """
    h, each, persons = 0.3, 4, 10_000
    same = ["parameters.banks.class_sensitivity=[1, 1, 1, 1]", "scale=200"]
    for members, mean in ((0.0, each * (1 - h)), (1.0, sum((1 - h) ** k for k in range(1, each + 1)))):
        model = world(f"parameters.banks.sensitivity={h}", *same)
        order(model, "blacklist_sharing", members=members, lag_days=0, displacement=0.0)
        served = Counter(model).serve(attempts(model, persons, each))
        by_person = np.bincount(served.visit, minlength=persons)
        decide_mean(by_person.mean(), mean, by_person.var(), persons, 0.06 * mean)


def test_row_11_a_listed_person_is_refused_at_every_member_after_the_lag_and_only_there() -> None:
    """Row 11: before the lag nobody is refused; from then on exactly those listed, at members; with
    displacement 1 they all find an outlet that is no member.
    """
    model = world("parameters.banks.sensitivity=0")
    listed = np.arange(0, 1000, 2)
    model.openers.list_persons(listed, np.full(len(listed), 5))
    for day, displacement in ((4, 0.0), (5, 0.0), (5, 1.0)):
        model.day = day
        order(model, "blacklist_sharing", members=0.5, displacement=displacement, regions=["GD"])
        tries = attempts(model, 1000, 1)
        wanted, _ = Counter(model).find_outlet(tries.key, tries.region, ~tries.existing)
        member = model.outlets.members(model.policy.blacklists[0])
        served = Counter(model).serve(tries)
        refused = np.setdiff1d(np.arange(1000), served.person)
        expected = np.intersect1d(listed, np.flatnonzero(member[wanted]))
        assert len(expected) > 100
        if day == 4:
            assert not len(refused)
        elif displacement == 0.0:
            assert np.array_equal(refused, expected)
        else:
            assert not len(refused)
            assert not member[served.outlet[np.isin(served.person, expected)]].any()
