"""The cheapest mix: fronts, probabilities, the race and the fresh pairs, on made-up mixes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import pytest
from fake_results import WINDOW, scenario_with, stand
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.console_mix import Asked
from sim.errors import InputError
from sim.scenario import load
from sim.study import fronts, race
from sim.study.attribution import Group, groups_of
from sim.study.compare import HARM
from sim.study.mix import TRIES, Found, Pair, Question, search
from sim.study.mix_tables import answer, confirmed_rows, mix_rows
from sim.study.mixes import NOTHING, PAIR, Bill, Mixes, bill_of, mixes_of, pairs_of

SCENARIO, BASELINE = load("card-broken-2020"), load("baseline")
values = st.integers(0, 4).map(float)
tables = st.integers(1, 12).flatmap(
    lambda n: st.lists(st.tuples(values, values, values), min_size=n, max_size=n).map(np.array)
)


@given(table=tables)
def test_the_front_holds_what_nothing_betters_and_all_others_are_bettered_by_it(table: np.ndarray) -> None:
    def betters(one: np.ndarray, other: np.ndarray) -> bool:
        return bool((one <= other).all() and (one < other).any())

    out = fronts.dominated(table)
    front, rest = table[~out], table[out]
    assert len(front)
    assert not any(betters(one, other) for one in front for other in front)
    assert all(any(betters(one, other) for one in front) for other in rest)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), pairs=st.integers(2, 6), noise=st.sampled_from([0.0, 0.3, 3.0]))
def test_what_is_told_of_a_front_never_contradicts_its_means(seed: int, pairs: int, noise: float) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 4, (7, 3)).astype(float)
    samples = truth + noise * random.normal(size=(pairs, 7, 3))
    out = fronts.dominated(samples.mean(axis=0))
    told = fronts.standings(samples)
    for dominated, standing in zip(out, told, strict=True):
        assert standing != (fronts.ON_FRONT if dominated else fronts.DOMINATED)
        assert noise or standing == (fronts.DOMINATED if dominated else fronts.ON_FRONT)


def test_a_front_that_noise_hides_cannot_be_told() -> None:
    """A clear winner, a clear loser, and two whose cost differs by less than chance, though means differ."""
    noise = np.array([-1.0, 1.0, -1.0, 1.2])[:, None] * np.array([[0.0, 0.0, 1.0, -1.0]])
    cost = np.array([[1.0, 90.0, 50.0, 50.0]]) + noise
    samples = np.stack([np.tile([-10.0, -5.0, -20.0, -20.0], (4, 1)), cost], axis=2)
    assert fronts.standings(samples) == ["on the front", "dominated", "cannot be told", "cannot be told"]
    assert fronts.standings(samples[:1]) == ["cannot be told"] * 4


@given(st.lists(st.booleans(), min_size=9, max_size=9))
def test_of_a_minimal_mix_no_dose_can_be_lowered(chosen: list[bool]) -> None:
    doses = np.array([(a, b) for a in (0.0, 0.5, 1.0) for b in (0.0, 0.5, 1.0)])
    found = fronts.minimal(doses, np.array(chosen))
    for own, least in enumerate(found):
        below = [k for k in range(9) if chosen[k] and k != own and (doses[k] <= doses[own]).all()]
        assert least == (chosen[own] and not below)


def test_intervals_of_a_probability_are_exact() -> None:
    """The ends solve the binomial: 5% on either side (Clopper and Pearson)."""
    low, high = race.share_interval(7, 8)
    assert sum(math.comb(8, k) * low**k * (1 - low) ** (8 - k) for k in (7, 8)) == pytest.approx(0.05)
    assert sum(math.comb(8, k) * high**k * (1 - high) ** (8 - k) for k in range(8)) == pytest.approx(0.05)
    assert race.share_interval(0, 0) == (0.0, 1.0)
    assert race.share_interval(8, 8)[1] == 1.0


@pytest.mark.parametrize("sure", [0.5, 0.9, 0.95])
def test_the_fewest_pairs_that_can_tell_are_named(sure: float) -> None:
    few = race.least_pairs(sure)
    assert race.Record("m", few, few, 0.0, 0.0).verdict(sure) == race.REACHES
    assert race.Record("m", few - 1, few - 1, 0.0, 0.0).verdict(sure) == f"cannot be told at {few - 1} pairs"
    assert race.Record("m", 60, 10, 0.0, 0.0).verdict(sure) == race.DOES_NOT


class World:
    """Mixes with a known probability to reach the target and a known cost; pairs share their chance.

    ``fresh`` overrides the probability of a mix on fresh replicates, which is what luck looks like, and
    ``averted`` how many of 100 cases it averts.
    """

    def __init__(
        self,
        truth: dict[str, tuple[float, float]],
        fresh: dict[str, float] | None = None,
        averted: dict[str, float] | None = None,
    ) -> None:
        self.truth = {NOTHING: (0.0, 0.0), **truth}
        self.fresh, self.averted = fresh or {}, averted or {}
        self.stages: list[str] = []
        self.made: set[Pair] = set()
        self.interrupt_at = 99

    def make(self, runs: Sequence[Pair], purpose: str) -> pd.DataFrame | None:
        if len(self.stages) == self.interrupt_at:
            return None
        self.stages.append(purpose)
        self.made |= set(runs)
        frame = pd.DataFrame([self._row(*run) for run in sorted(self.made)])
        return frame.set_index(PAIR)

    def _row(self, mix: str, replicate: int) -> dict[str, float | str | bool]:
        chance, cost = self.truth[mix]
        if replicate >= QUESTION.most:
            chance = self.fresh.get(mix, chance)
        reached = np.random.default_rng(replicate).random() < chance
        means = {"yuan": cost, "spend": cost, "police_hours": 0.0, "harm": -cost, "baseline": 100.0}
        means |= {"averted": self.averted.get(mix, 100 * chance), **dict.fromkeys(HARM, 0.0)}
        return {"mix": mix, "replicate": replicate, "reached": reached, **means}


QUESTION = Question(target=0.2, sure=0.9, screen=8, confirm=50)
BILL = Bill({"a": 1.0}, {})


def found_in(world: World, question: Question = QUESTION) -> Found:
    found = search(list(world.truth)[1:], question, world.make)
    assert found is not None
    return found


def as_mixes(world: World) -> Mixes:
    doses = {mix: (float(place),) for place, mix in enumerate(world.truth)}
    return Mixes(SCENARIO, BASELINE, (Group("all", ()),), doses, dict.fromkeys(world.truth, SCENARIO))


def many(**clear: tuple[float, float]) -> dict[str, tuple[float, float]]:
    """Forty mixes that fail, cheap and dear, and some others among them."""
    return {f"m{k}": (0.02 * (k % 20), 10.0 * k) for k in range(1, 41)} | clear


def test_the_race_finds_the_cheapest_that_reaches_and_confirms_it_on_fresh_pairs() -> None:
    world = World(many(cheap=(0.999, 205.0), dear=(1.0, 395.0), cheapest=(0.4, 5.0)))
    found = found_in(world)
    assert [one.mix for one in found.confirmed] == ["cheap"]
    assert found.confirmed[0].pairs == QUESTION.confirm
    assert not found.stopped
    assert len(world.made) < 43 * 8 + 300, "few runs for those that clearly fail"
    text = answer(found, BILL)
    assert text.startswith(
        "The cheapest mix that reaches 20% fewer registered cases with probability 90% is cheap, "
        "at 205 yuan: it did in 50 of 50 fresh pairs (100%, 90% interval 94 to 100%)."
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_clear_winner_is_never_dropped(seed: int) -> None:
    """Wherever it stands in the order of cost, one that always reaches the target wins over failures."""
    random = np.random.default_rng(seed)
    place = int(random.integers(1, 40))
    truth = many()
    truth[f"m{place}"] = (1.0, truth[f"m{place}"][1])
    assert found_in(World(truth)).confirmed[0].mix == f"m{place}"


def test_fresh_pairs_have_no_part_in_choosing() -> None:
    world = World(many(cheap=(0.97, 205.0)))
    found = found_in(world)
    before = search(
        list(world.truth)[1:], QUESTION, World(world.truth, fresh=dict.fromkeys(world.truth, 0.0)).make
    )
    assert before is not None
    assert found.confirmed[0].mix == before.confirmed[0].mix == "cheap"
    chosen_on = range(max(found.race.pairs.values()))
    assert not set(chosen_on) & set(QUESTION.fresh)
    assert found.race.records(found.table)["cheap"].pairs <= QUESTION.most


def test_a_mix_that_won_by_luck_is_refuted_and_the_next_one_tried() -> None:
    world = World(many(lucky=(1.0, 100.0), solid=(1.0, 200.0)), fresh={"lucky": 0.5})
    found = found_in(world)
    assert [one.mix for one in found.confirmed] == ["lucky", "solid"]
    assert found.race.refuted == {"lucky"}
    text = answer(found, BILL)
    assert "is solid" in text
    assert "Fresh pairs refuted lucky before." in text
    rows = confirmed_rows(found, as_mixes(world))
    assert rows["verdict"].tolist() == ["does not", "reaches"]


def test_where_every_winner_is_refuted_nothing_is_claimed() -> None:
    names = {f"lucky{k}": (1.0, float(k)) for k in range(1, TRIES + 2)}
    world = World(names, fresh=dict.fromkeys(names, 0.3))
    found = found_in(world)
    assert len(found.confirmed) == TRIES
    assert answer(found, BILL).startswith("No mix is confirmed to reach")


def test_where_no_mix_reaches_the_target_the_nearest_is_named_with_its_fresh_share() -> None:
    world = World({"a": (0.1, 1.0), "b": (0.4, 2.0), "c": (0.2, 3.0)})
    text = answer(found_in(world), BILL)
    assert text.startswith("No mix reaches 20% fewer registered cases with probability 90%. ")
    assert "comes nearest is b, with cases 40% lower on average: it did in " in text
    assert "of 50 fresh pairs" in text


def test_where_none_ever_reaches_it_the_nearest_is_where_cases_fall_furthest() -> None:
    world = World({"a": (0.0, 1.0), "b": (0.0, 2.0), "c": (0.0, 3.0)}, averted={"b": 7.0})
    text = answer(found_in(world), BILL)
    assert "comes nearest is b, with cases 7.0% lower on average: it did in 0 of 50" in text


def test_what_cannot_be_told_is_said() -> None:
    world = World({"a": (0.86, 1.0), "b": (1.0, 2.0)}, fresh={"b": 0.9})
    text = answer(found_in(world), BILL)
    assert "The cheapest mix that may reach" in text
    assert "cannot be told at 50 pairs" in text
    assert "Of cheaper ones it cannot be told whether they do: a." in text


def test_a_race_that_is_begun_again_takes_the_same_course() -> None:
    """Interrupted before each stage and begun again over what was made: same stages, runs, answer."""
    truth = many(cheap=(0.95, 205.0), other=(0.92, 150.0))
    whole = World(truth)
    expected = found_in(whole)
    for stage in range(len(whole.stages)):
        broken = World(truth)
        broken.interrupt_at = stage
        assert search(list(truth), QUESTION, broken.make) is None
        broken.interrupt_at, broken.stages = 99, []
        again = found_in(broken)
        assert broken.stages == whole.stages
        assert broken.made == whole.made
        assert again.confirmed == expected.confirmed
        assert again.race.pairs == expected.race.pairs


@pytest.mark.parametrize("most_runs", [450, 500, 700])
def test_no_more_runs_than_allowed_and_what_is_missing_is_said(most_runs: int) -> None:
    world = World({f"m{k}": (0.9, float(k)) for k in range(40)})
    question = Question(0.2, 0.9, 8, 50, most_runs)
    found = found_in(world, question)
    assert len(world.made) <= most_runs
    assert found.stopped
    assert "runs allowed did not suffice" in answer(found, BILL)


def test_rows_say_what_the_screening_saw() -> None:
    world = World({"a": (1.0, 1.0), "b": (0.0, 2.0), "c": (1.0, 3.0)})
    rows = mix_rows(found_in(world), as_mixes(world)).set_index("mix")
    assert rows["front"].to_dict() == {NOTHING: True, "a": True, "b": True, "c": True}  # b does less harm
    assert rows.loc["a", ["reached", "pairs", "verdict"]].tolist() == [32, 32, "reaches"]
    assert rows.loc[NOTHING, ["reached", "pairs", "verdict"]].tolist() == [0, 8, "does not"]
    assert rows["minimal"].to_dict() == {NOTHING: False, "a": True, "b": False, "c": False}
    assert (rows["screened"] == 8).all()


def small(price: float | None = 2.0) -> tuple[Mixes, Bill]:
    """Two groups of one measure each at two doses, over the month of `WINDOW`."""
    baseline = scenario_with("before", stand("old", cost_per_unit=5.0))
    scenario = scenario_with(
        "after", stand("a", cost_per_unit=price, coverage=0.8), stand("b", cost_per_unit=3.0)
    )
    groups = [Group(m.id, (m,)) for m in scenario.interventions]
    return mixes_of(scenario, baseline, groups, (0.5, 1.0)), bill_of(scenario, baseline)


def test_mixes_are_scenarios_at_those_doses() -> None:
    mixes, _ = small()
    assert list(mixes.doses) == [
        NOTHING, "50% b", "b", "50% a", "50% a + 50% b", "50% a + b", "a", "a + 50% b", "a + b",
    ]  # fmt: skip
    assert mixes.worlds[NOTHING] is mixes.baseline
    both = {m.id: m.coverage for m in mixes.worlds["50% a + b"].interventions}
    assert both == {"a": 0.4, "b": 1.0}
    assert [m.id for m in mixes.worlds["b"].interventions] == ["b"]
    names = [world.name for world in mixes.worlds.values()]
    assert len(set(names)) == 9
    sweep = mixes.as_sweep(4, None, 1)
    assert dict(sweep.points[5].levers) == {"a": 0.5, "b": 1.0}


def test_families_make_the_mixes_of_the_operation() -> None:
    mixes = mixes_of(SCENARIO, BASELINE, groups_of(SCENARIO, BASELINE), (1.0,))
    assert len(mixes.names) == 31
    whole = mixes.worlds[mixes.names[-1]]
    assert whole.interventions == SCENARIO.interventions
    with pytest.raises(InputError, match="Join groups"):
        mixes_of(SCENARIO, BASELINE, groups_of(SCENARIO, BASELINE), (0.25, 0.5, 0.75, 1.0))


def monthly_of(
    mixes: Mixes, cases: dict[str, list[float]], units: dict[str, dict[str, float]]
) -> pd.DataFrame:
    """A table as a sweep keeps it; a column of units that a run lacks is not a number."""
    rows = [
        {
            "scenario": mixes.worlds[mix].name,
            "draw": 1 + k,
            "replicate": k,
            "month": pd.Timestamp(WINDOW.start),
        }
        | {"cases_registered": value, "police_hours": 2 * value}
        | dict.fromkeys(HARM, value / 10)
        | {f"units.{name}": delivered for name, delivered in units.get(mix, {}).items()}
        for mix, numbers in cases.items()
        for k, value in enumerate(numbers)
    ]
    return pd.DataFrame(rows)


def test_pairs_count_cases_cost_and_harm_against_the_baseline() -> None:
    mixes, bill = small()
    frame = monthly_of(
        mixes,
        {NOTHING: [100.0, 200.0], "b": [80.0, 161.0], "a + b": [50.0, 100.0]},
        {NOTHING: {"old": 10.0}, "b": {"b": 4.0}, "a + b": {"a": 7.0, "b": 4.0}},
    )
    table = pairs_of(frame, mixes, bill, WINDOW, 0.2)
    assert table.loc["b", "reached"].tolist() == [True, False]
    assert table.loc["a + b", "averted"].tolist() == [50.0, 100.0]
    assert table.loc["b", "yuan"].tolist() == [4 * 3 - 10 * 5] * 2, "less what the baseline's own would cost"
    assert table.loc["a + b", "yuan"].tolist() == [7 * 2 + 4 * 3 - 10 * 5] * 2
    assert table.loc[NOTHING, ["averted", "yuan", "harm"]].to_numpy().tolist() == [[0.0] * 3] * 2
    assert table.loc["a + b", "harm"].tolist() == pytest.approx([-5.0 * len(HARM), -10.0 * len(HARM)])
    assert table.loc["b", "police_hours"].tolist() == [-40.0, -78.0]
    lone = pairs_of(
        frame[(frame["replicate"] == 0) | (frame["draw"] == 2)].iloc[1:], mixes, bill, WINDOW, 0.2
    )
    assert set(lone.index.get_level_values("replicate")) == {1}, "a pair needs its baseline"


def test_an_unknown_unit_cost_is_never_nought() -> None:
    mixes, bill = small(price=None)
    assert bill.unknown == ["a"]
    frame = monthly_of(mixes, {NOTHING: [100.0], "b": [80.0]}, {"b": {"b": 4.0}})
    table = pairs_of(frame, mixes, bill, WINDOW, 0.2)
    assert table.loc["b", "yuan"].isna().all()
    assert (table["spend"] == table["police_hours"]).all()
    given_ = bill_of(mixes.scenario, mixes.baseline, ["a=2.5"])
    assert given_.added == {"a": 2.5, "b": 3.0}
    assert given_.known
    world = World({"x": (1.0, 7.0)})
    assert "What is cheapest in yuan cannot be told: no unit cost of a is known." in answer(
        found_in(world), bill
    )


@pytest.mark.parametrize("asked", ["nobody=1", "a", "a=", "a=-1", "a=nan", "a=inf", "a=1=2"])
def test_wrong_unit_costs_are_refused_in_words(asked: str) -> None:
    mixes, _ = small()
    with pytest.raises(InputError, match="--cost"):
        bill_of(mixes.scenario, mixes.baseline, [asked])


def test_cost_and_harm_are_counted_up_to_the_end_of_the_window() -> None:
    mixes, bill = small()
    frame = monthly_of(mixes, {NOTHING: [100.0], "b": [80.0]}, {"b": {"b": 4.0}})
    later = frame.assign(month=pd.Timestamp(date(2021, 8, 1)))
    both = pd.concat([frame, later], ignore_index=True)
    pd.testing.assert_frame_equal(
        pairs_of(both, mixes, bill, WINDOW, 0.2), pairs_of(frame, mixes, bill, WINDOW, 0.2)
    )


@pytest.mark.parametrize("text", ["0", "100%", "twenty", "-5%", "20%%", "nan", ""])
def test_shares_that_are_none_are_refused_in_words(text: str) -> None:
    asked = Asked(text, "0.9", (), "1", (), 50, None)
    with pytest.raises(InputError, match="--target: must lie between 0 and 100%"):
        asked.question(8)
    assert Asked("20%", "0.9", (), "1", (), 50, None).question(8) == QUESTION


def test_a_mix_needs_a_dose() -> None:
    with pytest.raises(InputError, match="--doses: names no dose"):
        mixes_of(SCENARIO, BASELINE, groups_of(SCENARIO, BASELINE), ())
