"""Scores of forecasts, what is scored at which origin, frozen forecasts, controls."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scoringrules
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from test_targets import months_table, target

from sim.calibration.targets import Quantity, Span, Target, read_targets
from sim.errors import InputError
from sim.forecast import controls, frozen
from sim.forecast.backtest import ORIGINS, backtest, fixed, origins_of, sweep_of
from sim.forecast.ensemble import ensemble_of, naive_bands
from sim.forecast.scores import LEVELS, brier, crps, weighted_quantiles, wis
from sim.forecast.scoring import (
    BEYOND,
    Forecaster,
    later,
    naive_forecasters,
    of_headline,
    scored,
    scores,
    with_derived,
)
from sim.scenario import Scenario, load
from sim.scenario.draws import Draws
from sim.study.additions import added

ROOT = Path(__file__).resolve().parents[2]
NORMAL = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
JUNE = date(2021, 6, 17)


def even(values: np.ndarray) -> np.ndarray:
    return np.full(len(values), 1.0 / len(values))


@pytest.mark.parametrize(("mean", "spread", "truth"), [(0.0, 1.0, 0.0), (90_000.0, 9_000.0, 84_600.0)])
def test_the_crps_of_a_normal_sample_is_that_of_the_normal_distribution(
    mean: float, spread: float, truth: float
) -> None:
    z = (truth - mean) / spread
    closed = spread * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi))
    assert crps(mean + spread * NORMAL, truth) == pytest.approx(closed, rel=1e-3)


@pytest.mark.parametrize("truth", [-0.5, 0.3, 1.0, 1.4])
def test_the_crps_of_an_even_sample_is_that_of_the_uniform_distribution(truth: float) -> None:
    values = (np.arange(5_000) + 0.5) / 5_000
    inside = min(max(truth, 0.0), 1.0)
    closed = abs(truth - inside) + inside**2 - inside + 1 / 3
    assert crps(values, truth) == pytest.approx(closed, abs=1e-4)


def test_the_wis_of_many_quantiles_is_the_crps() -> None:
    levels = (np.arange(999) + 1.0) / 1000
    assert wis(norm.ppf(levels), 0.7, levels) == pytest.approx(crps(NORMAL, 0.7), rel=0.01)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-500, 500), st.integers(1, 20)), min_size=2, max_size=40),
    st.floats(-600.0, 600.0),
)
def test_scores_are_those_of_scoringrules(members: list[tuple[int, int]], truth: float) -> None:
    samples, weights = np.array(members, dtype=np.float64).T
    plain = scoringrules.crps_ensemble(truth, samples, estimator="nrg")
    weighted = scoringrules.crps_ensemble(truth, samples, ens_w=weights, estimator="nrg")
    assert crps(samples, truth) == pytest.approx(float(plain), abs=1e-9)
    assert crps(samples, truth, weights) == pytest.approx(float(weighted), abs=1e-9)
    bands = weighted_quantiles(samples, LEVELS, weights)
    theirs = scoringrules.weighted_interval_score(
        truth, bands[2], bands[[1, 0]], bands[[3, 4]], np.array([0.5, 0.1])
    )
    assert wis(bands, truth, np.array(LEVELS)) == pytest.approx(float(theirs), abs=1e-9)
    odds, happened = float(weights[0] / weights.sum()), truth > 0.0
    assert brier(odds, happened) == pytest.approx(float(scoringrules.brier_score(happened, odds)))


def test_a_figure_is_scored_by_hand() -> None:
    one = target(value=12.0, band=(5.0, 20.0), error=2.0)
    found = scored(one, np.array([10.0, 14.0, 18.0]), np.array([2.0, 1.0, 1.0]))
    # Members at shares 1/2, 1/4, 1/4: mean distance 3, half the mean distance of two members 1.75.
    assert found["crps"] == pytest.approx(3.0 - 1.75)
    assert found["misfit"] == pytest.approx(1.25 / 2.0)
    assert (found["in50"], found["in90"]) == (1.0, 1.0)
    assert math.isnan(found["brier"])


def test_a_sign_is_scored_by_the_probability_that_was_given_to_it() -> None:
    one = target(band=(None, 0.0), discrepancy=0.03)
    found = scored(one, np.array([-0.2, -0.1, 0.1, 0.3]), np.array([1.0, 1.0, 1.0, 1.0]))
    assert (found["probability"], found["brier"], found["misfit"]) == (0.5, 0.25, 0.25)
    assert math.isnan(found["crps"])


def test_a_misfit_stays_finite() -> None:
    one = target(value=10.0, band=(5.0, 20.0), scale="log", error=0.1)
    assert scored(one, np.zeros(3), even(np.zeros(3)))["misfit"] == BEYOND


def test_what_the_origins_are_scored_with() -> None:
    record = read_targets()
    ids = [{one.id for one in of_headline(later(record, day))} for day in ORIGINS]
    assert ids == [{"C1", "C2", "C3-jun", "C3-jul", "C3-aug", "C1-C2"}, {"C3-jun", "C3-jul", "C3-aug"}, set()]
    for day in ORIGINS:
        known = {one.id for one in record.chosen(day)}
        assert not known & {one.id for one in later(record, day)}


def test_the_level_of_april_follows_from_may_and_its_change() -> None:
    """The evidence has the same arithmetic in a row of its own, F004."""
    april = next(one for one in with_derived(read_targets().targets) if one.id == "C1-C2")
    assert april.quantity == Quantity(of=["cases_registered"], months=("2021-04", "2021-04"))
    assert april.value == pytest.approx(98_716, abs=1)
    assert april.known == JUNE


def change() -> Target:
    before = Span(of=["cases_registered"], months=("2020-05", "2020-05"))
    quantity = Quantity(of=["cases_registered"], months=("2021-05", "2021-05"), by="change", against=before)
    return target(id="T2", quantity=quantity, band=(None, 0.0), discrepancy=0.1)


def test_nobody_has_skill_against_who_was_sure_and_right() -> None:
    fall = months_table({"2020-05": [120.0], "2021-05": [60.0]})
    rise = months_table({"2020-05": [60.0], "2021-05": [120.0]})
    every = pd.concat(
        [fall.assign(scenario="near"), fall.assign(scenario="far"), rise.assign(scenario="odd")]
    )
    near, far = Forecaster("near", every, {"near": 1.0}), Forecaster("far", every, {"far": 1.0, "odd": 1e-6})
    table = scores(date(2021, 1, 15), (change(),), near, [far])
    assert 0.0 < table["brier"].iloc[1] < 1e-11
    assert math.isnan(table["skill"].iloc[1])


def test_skill_compares_with_every_other_forecaster() -> None:
    level = target(value=100.0, band=(50.0, 200.0), error=10.0)
    near = months_table({"2020-05": [120.0, 120.0], "2021-05": [110.0, 110.0]}).assign(scenario="near")
    far = months_table({"2020-05": [120.0, 120.0], "2021-05": [60.0, 140.0]}).assign(scenario="far")
    both = pd.concat([near, far])
    ours, theirs = Forecaster("near", both, {"near": 1.0}), Forecaster("far", both, {"far": 1.0})
    table = scores(date(2021, 1, 15), (level, change()), ours, [theirs])
    assert table["forecaster"].tolist() == ["near", "far", "near", "far"]
    # CRPS 10 against 40 - 20; Brier 0 against 0.25.
    assert table["skill"].tolist() == pytest.approx([math.nan, 0.5, math.nan, 1.0], nan_ok=True)


def test_structures_weigh_as_they_are_told() -> None:
    level = target(value=100.0, band=(50.0, 200.0), error=10.0)
    one = months_table({"2021-05": [90.0] * 4}).assign(scenario="one")
    other = months_table({"2021-05": [110.0]}).assign(scenario="other")
    values, weights = Forecaster("f", pd.concat([one, other]), {"one": 0.3, "other": 0.7}).values([level])
    assert weights[values["T1"] == 90.0].sum() == pytest.approx(0.3)
    assert weights[values["T1"] == 110.0].sum() == pytest.approx(0.7)


# Back-tests, from made-up runs.


def world() -> Scenario:
    return load("card-broken-2020", sets=["scale=5000"])


def made_up(names: list[str], runs: int = 6, fall: float = 0.0) -> pd.DataFrame:
    """Cases that grow by 1% a month, with noise of each run, and fall by a share in June 2021."""
    months = pd.date_range("2018-01-01", "2022-12-01", freq="MS")
    frames = []
    for name in names:
        for run in range(runs):
            random = np.random.Generator(np.random.PCG64([run, len(name)]))
            levels = 60_000 * 1.01 ** np.arange(len(months)) * random.lognormal(0.0, 0.02, len(months))
            levels = np.where(months >= pd.Timestamp(2021, 6, 1), levels * (1.0 - fall), levels)
            frame = {"scenario": name, "draw": 1 + run % 3, "replicate": run, "month": months}
            frames.append(pd.DataFrame(frame | {"region": "CN", "cases_registered": levels}))
    return pd.concat(frames, ignore_index=True)


def test_every_origin_has_its_own_draws_and_no_draws_at_point_values() -> None:
    name = world().parameters.uncertain[0]
    table = Draws((name,), np.array([[world().parameters.passport(name).at(0.3)]]), "made up")
    january, june = origins_of(world(), ORIGINS[1::-1], ["no-adaptation"], {JUNE: table})
    assert (january.day, june.day) == ORIGINS[:2]
    assert january.draws is None
    assert all(one.parameters.draws == table for one in june.worlds)
    assert june.point.parameters.draws is None
    assert [one.rival for one in june.worlds] == ["none", "no-adaptation"]
    asked = sweep_of("all", [january, june], read_targets(), 4, 2, 1)
    assert len({point.name for point in asked.points}) == 6


def test_at_point_values_draws_change_nothing() -> None:
    still = fixed(world())
    assert still.parameters.draw(3, seed=1).to_dict() == world().parameters.to_dict()
    assert [one.at_draw(3, seed=1) for one in still.interventions] == list(still.interventions)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ([JUNE, JUNE], "given twice"),
        ([date(2023, 1, 1)], "after"),
        ([date(2018, 1, 3)], "no simulated month"),
    ],
)
def test_days_that_cannot_be_are_refused(days: list[date], words: str) -> None:
    with pytest.raises(InputError, match=words):
        origins_of(world(), days, [], {})


def one_backtest() -> tuple[Any, Any]:
    (origin,) = origins_of(world(), [JUNE], [], {})
    asked = sweep_of("all", [origin], read_targets(), 6, 3, 1)
    names = [origin.worlds[0].name, origin.point.name]
    return backtest(made_up(names, fall=0.4), origin, read_targets()), asked


def test_a_back_test_sets_ours_beside_six_others() -> None:
    made, _ = one_backtest()
    table = made.scores
    assert set(table["target"]) == {"C3-jun", "C3-jul", "C3-aug"}
    assert table["forecaster"].nunique() == 1 + 1 + 5
    # The made-up fall is in every run, and no naive forecaster could know of it.
    ours = table[table["forecaster"] == "cardbreak"]
    assert (ours["brier"] == 0.0).all()
    assert (table.loc[table["forecaster"] == "growth 25% a year", "skill"] == 1.0).all()
    assert made.forecast.bands["month"].max() == pd.Timestamp(2022, 12, 1)


def test_naive_forecasters_are_read_as_runs_are() -> None:
    ensemble = ensemble_of(
        made_up(["one"]), "cases_registered", pd.Timestamp(JUNE).replace(day=1), {"one": 1}
    )
    bands = naive_bands(ensemble)
    level = target(quantity=Quantity(of=["cases_registered"], months=("2021-08", "2021-08")))
    for forecaster in naive_forecasters(ensemble):
        values, _ = forecaster.values([level])
        rows = bands[(bands["forecaster"] == forecaster.name) & (bands["statistic"] == "level")]
        row = rows.set_index("month").loc[pd.Timestamp(2021, 8, 1)]
        assert np.quantile(values["T1"], LEVELS) == pytest.approx([row[f"q{100 * q:02.0f}"] for q in LEVELS])


# Frozen forecasts.


def test_a_frozen_forecast_says_what_it_knew_and_shows_every_change(tmp_path: Path) -> None:
    made, asked = one_backtest()
    path = frozen.write(tmp_path / "made", made, asked)
    table = pd.read_csv(path)
    assert list(table.columns) == list(frozen.COLUMNS)
    assert len(table) == 3 * 19
    about = json.loads(path.with_suffix(".json").read_text())
    assert (about["origin"], about["seed"], about["replicates"]) == ("2021-06-17", 1, 6)
    assert about["draws"] == {"count": 3, "source": "priors"}
    assert about["structures"][made.origin.worlds[0].name]["scenario"] == made.origin.worlds[0].hash()
    assert ["one_pass_check", "left out"] in [row[:2] for row in about["schedule"]]
    kept = tmp_path / "kept"
    assert frozen.freeze(tmp_path / "made", kept) == [kept / "2021-06-17.csv"]
    assert frozen.touched(kept) == []
    with pytest.raises(InputError, match="holds a frozen forecast"):
        frozen.freeze(tmp_path / "made", kept)
    (kept / "2021-06-17.csv").write_text(path.read_text().replace("level", "Level", 1))
    assert [words.split(" is not what")[0] for words in frozen.touched(kept)] == ["2021-06-17.csv"]
    frozen.freeze(tmp_path / "made", kept, force=True)
    assert frozen.touched(kept) == []
    (kept / "2021-06-17.json").unlink()
    assert frozen.touched(kept) == ["2021-06-17.json is missing"]


@pytest.mark.parametrize("text", ["", "[]", '"x"', "[" * 100_000, '{"origin": "2021-06-17"}'])
def test_a_description_that_is_none_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "2021-06-17.csv").write_text("month\n")
    (tmp_path / "2021-06-17.json").write_text(text)
    assert frozen.touched(tmp_path) == ["2021-06-17.json is not the description of a forecast of 2021-06-17"]


def test_the_frozen_forecasts_of_the_project_are_as_they_were() -> None:
    folder = ROOT / "results" / "reference" / "forecasts"
    if not folder.is_dir() or frozen.listed(folder).empty:
        pytest.skip("none is frozen yet")
    assert frozen.touched(folder) == []


def test_a_frozen_forecast_names_its_draws(tmp_path: Path) -> None:
    name = world().parameters.uncertain[0]
    values = np.array([[world().parameters.passport(name).at(0.3)]])
    table = Draws((name,), values, "made up", JUNE)
    (origin,) = origins_of(world(), [JUNE], [], {JUNE: table})
    asked = sweep_of("all", [origin], read_targets(), 2, 1, 1)
    made = backtest(made_up([origin.worlds[0].name], 2), origin, read_targets())
    about = json.loads(frozen.write(tmp_path, made, asked).with_suffix(".json").read_text())
    expected = {"count": 1, "source": "made up", "known_by": "2021-06-17", "digest": table.digest}
    assert about["draws"] == expected


# Negative controls.


@pytest.fixture(scope="module")
def worlds() -> controls.Controls:
    """The worlds of the controls, with three shuffles."""
    baseline = load("baseline", sets=["scale=5000"])
    return controls.controls_of(world(), baseline, [], ["no-adaptation"], 3, 1, read_targets())


def test_every_measure_of_the_operation_moves_by_days_of_its_own(worlds: controls.Controls) -> None:
    real = worlds.real
    own = {one.id for one in added(real, worlds.without[0])}
    moves = []
    for other in worlds.moved:
        for before, after in zip(real.interventions, other.interventions, strict=True):
            move = after.start - before.start
            if before.id not in own:
                assert after == before
                continue
            moves.append(move.days)
            assert controls.shifted(after, -move) == before
    assert max(map(abs, moves)) <= controls.MOST_DAYS
    assert len(set(moves)) > len(moves) * 0.8
    again = controls.moved(real, added(real, worlds.without[0]), 2, 1)
    assert again.to_dict() == worlds.moved[1].to_dict()


def test_the_second_operation_covers_nobody(worlds: controls.Controls) -> None:
    first, second = worlds.real.interventions, worlds.placebo.interventions
    assert second[: len(first)] == first
    assert len(second) == len(first) + len(added(worlds.real, worlds.without[0]))
    assert {one.coverage for one in second[len(first) :]} == {0.0}


def test_worlds_end_with_the_record(worlds: controls.Controls) -> None:
    assert {one.end for one in worlds.worlds} == {date(2021, 8, 31)}
    short = world().with_(end=date(2021, 8, 30))
    with pytest.raises(InputError, match="before the record"):
        controls.controls_of(short, short, [], [], 1, 1, read_targets())
    with pytest.raises(InputError, match="adds no measure"):
        controls.controls_of(world(), world(), [], [], 1, 1, read_targets())


def test_dates_count_where_no_other_ones_do_as_well() -> None:
    def judged(others: list[float]) -> dict[str, Any]:
        names = ["real", *(f"moved-{k}" for k in range(len(others)))]
        table = pd.DataFrame({"scenario": names, "misfit": [1.0, *others], "runs": 4, "C1": 1.0})
        return controls.dates(table, "real")[0]

    assert judged([2.0] * 19)["verdict"] == controls.GOOD
    assert judged([2.0] * 18 + [1.0])["verdict"] == controls.BAD  # two in twenty are as near
    assert judged([2.0] * 18)["verdict"] == controls.OPEN  # one in nineteen is no rarer than chance
    assert judged([2.0] * 18 + [1.0])["share"] == pytest.approx(1 / 19)


def test_a_number_that_differs_is_found() -> None:
    table = made_up(["one", "two"])
    table.loc[table["scenario"] == "two", "cases_registered"] = table.loc[
        table["scenario"] == "one", "cases_registered"
    ].to_numpy()
    assert controls.nothing(table, "one", "two")["verdict"] == controls.GOOD
    last = table.index[-1]
    table.loc[last, "cases_registered"] = np.nextafter(table.loc[last, "cases_registered"], np.inf)
    row = controls.nothing(table, "one", "two")
    assert (row["verdict"], row["found"], row["of"]) == (controls.BAD, 1, 6)


def test_a_world_like_the_others_lies_below_them_as_often_as_stated() -> None:
    """Of 40 worlds exactly two lie below the 5% quantile of the others; what is lower by far always does."""
    runs = pd.MultiIndex.from_tuples([(0, k) for k in range(40)], names=["draw", "replicate"])
    values = pd.Series(np.random.Generator(np.random.PCG64(3)).normal(size=40), index=runs)
    assert controls.lies_below(values, values).sum() == 2
    assert controls.lies_below(values - 100.0, values).all()
    assert not controls.lies_below(values[:10] - 100.0, values[:10]).any()  # nine are too few to say


def test_falls_that_come_without_an_operation_are_counted(worlds: controls.Controls) -> None:
    baseline, real = worlds.without[0].name, worlds.real.name
    quiet = pd.concat([made_up([baseline], 40), made_up([real], 40, fall=0.4)])
    targets = controls.asked_of(read_targets())
    found = {(row["world"], row["question"]): row for row in controls.no_operation(quiet, worlds, targets)}
    below = controls.FALLS
    assert found[baseline, below]["share"] == 0.0
    assert found[baseline, below]["verdict"] == controls.GOOD
    assert found["the operation", "both"]["share"] == 1.0
    assert found["the operation", "both"]["verdict"] == ""
    assert found[baseline, "below the forecast"]["verdict"] == ""  # 2 in 40, whatever the world
    falling = pd.concat([made_up([baseline], 40, fall=0.4), made_up([real], 40, fall=0.4)])
    found = {(row["world"], row["question"]): row for row in controls.no_operation(falling, worlds, targets)}
    assert found[baseline, below]["verdict"] == controls.BAD
    assert found[baseline, below]["error"] == 0.0


def test_few_worlds_settle_nothing(worlds: controls.Controls) -> None:
    quiet = made_up([world.name for world in worlds.without], 10)
    rows = controls.no_operation(quiet, worlds, controls.asked_of(read_targets()))
    assert {row["verdict"] for row in rows if "most 10%" in row["rule"]} == {controls.OPEN}


def test_a_forecaster_with_a_wrong_belief_is_found_out(worlds: controls.Controls) -> None:
    """A world of another structure, without an operation, that lies lower passes for one with it."""
    names = [world.name for world in worlds.without]
    runs = pd.concat([made_up(names[:1], 40), made_up(names[1:], 40, fall=0.4)])
    found = {
        (row["world"], row["question"]): row["verdict"]
        for row in controls.no_operation(runs, worlds, controls.asked_of(read_targets()))
    }
    assert found[names[1], "below the forecast"] == controls.BAD


def test_a_schedule_that_moves_the_fall_away_meets_the_record_worse() -> None:
    """The whole path from runs to verdict: the fall in June 2021 against falls in other months."""
    names = ["real", *(f"moved-{k}" for k in range(19))]
    runs = pd.concat([made_up([name], fall=0.4 if name == "real" else 0.0) for name in names])
    fits = controls.misfits(runs, names, controls.asked_of(read_targets()))
    assert controls.dates(fits, "real")[0]["verdict"] == controls.GOOD
    assert fits.set_index("scenario").loc["real", "C3-jul"] == 0.0


def test_shifting_moves_all_dates_of_a_measure() -> None:
    campaign = world().measure("cluster_campaign")
    by = timedelta(days=-100)
    moved: Any = controls.shifted(campaign, by)
    assert moved.suspects[0].by == date(2020, 12, 17) + by
    assert moved.pulses[0].on == date(2020, 10, 20) + by
    assert (moved.start, moved.end) == (date(2020, 10, 10) + by, date(2021, 10, 11) + by)
    uncertain = controls.shifted(world().measure("transfer_limits"), by).uncertain[0]
    assert (uncertain.low, uncertain.high) == (date(2020, 10, 10) + by, date(2021, 9, 30) + by)
