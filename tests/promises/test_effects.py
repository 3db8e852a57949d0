"""Promises about effects: paired by draw and replicate, right on results whose effects are known."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from fake_results import made_up
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.observe.outcomes import OUTCOMES
from sim.study.compare import COLUMNS, HARM, effects, mean_interval, summary, verdict
from sim.study.windows import NAMED, Window, effect_windows, headline, summary_windows

QUANTILES = ["p05", "p25", "p50", "p75", "p95"]
FIVE_YEARS = (date(2018, 1, 1), date(2022, 12, 31))
HALF = next(window for window in NAMED if window.name == "2021-H2")


def row(table: pd.DataFrame, outcome: str = "cases_registered", scenario: str = "policy") -> pd.Series:
    chosen = table[(table["outcome"] == outcome) & (table["scenario"] == scenario)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_a_known_factor_is_the_effect() -> None:
    table = effects(made_up({"baseline": 1.0, "policy": 0.8}), "baseline", [HALF])
    found = row(table)
    mean_level = 1000 + 10 * 2.5
    assert found["baseline"] == pytest.approx(6 * mean_level)
    assert found["effect"] == pytest.approx(-0.2 * 6 * mean_level)
    assert found["relative"] == pytest.approx(-0.2)
    assert found["p_better"] == 1.0
    assert found["low"] < found["effect"] < found["high"] < 0
    assert found["range_low"] == pytest.approx(-0.2 * 6 * np.quantile(1000 + 10 * np.arange(6), 0.95))
    assert found["verdict"].startswith("lower by 20% (")
    assert found["verdict"].endswith("): better")


def test_columns_and_rows_are_those_of_the_format() -> None:
    windows = effect_windows(*FIVE_YEARS)
    table = effects(made_up({"baseline": 1.0, "policy": 0.8, "other": 1.1}), "baseline", windows)
    assert tuple(table.columns) == COLUMNS
    assert list(dict.fromkeys(table["scenario"])) == ["policy", "other"]
    assert not table.duplicated(["scenario", "outcome", "window_start", "window_end"]).any()
    per_scenario = table[table["scenario"] == "policy"]
    assert len(per_scenario) == len(windows) * per_scenario["outcome"].nunique()


def test_flows_are_added_up_and_levels_averaged() -> None:
    table = effects(made_up({"baseline": 1.0, "policy": 0.5}), "baseline", [HALF])
    flows = [name for name in table["outcome"] if OUTCOMES[name].kind == "flow"]
    levels = [name for name in table["outcome"] if OUTCOMES[name].kind != "flow"]
    assert {"cases_registered", "closed_false"} <= set(flows)
    assert {"price_gang_yuan", "gangs", "own_account_share"} <= set(levels)
    assert {row(table, name)["baseline"] for name in flows} == {6 * 1025.0}
    assert {row(table, name)["baseline"] for name in levels} == {1025.0}


def test_identical_runs_have_no_effect() -> None:
    found = row(effects(made_up({"baseline": 1.0, "policy": 1.0}), "baseline", [HALF]))
    assert (found["effect"], found["low"], found["high"]) == (0, 0, 0)
    assert found["p_better"] == 0.5
    assert found["verdict"] == "no difference: identical in every pair"


def test_one_pair_has_no_interval() -> None:
    found = row(effects(made_up({"baseline": 1.0, "policy": 0.8}, replicates=1), "baseline", [HALF]))
    assert math.isnan(found["low"])
    assert math.isnan(found["high"])
    assert found["interval"] == "none: one pair"
    assert "no interval" in found["verdict"]


def test_noise_about_zero_cannot_be_told_apart() -> None:
    frame = made_up({"baseline": 1.0, "policy": 1.0}, replicates=20)
    wobble = np.where(frame["replicate"] % 2 == 0, 1.01, 0.99)
    frame["cases_registered"] *= np.where(frame["scenario"] == "policy", wobble, 1.0)
    assert row(effects(frame, "baseline", [HALF]))["verdict"] == "cannot be told apart at 20 replicates"


def test_a_rise_of_harm_is_called_harm() -> None:
    table = effects(made_up({"baseline": 1.0, "policy": 1.3}), "baseline", [HALF])
    assert all(row(table, name)["verdict"].endswith(": harm") for name in HARM)
    assert row(table)["verdict"].endswith(": worse")
    assert row(table)["p_better"] == 0.0


def test_outcomes_without_a_direction_are_not_judged() -> None:
    table = effects(made_up({"baseline": 1.0, "policy": 1.3}), "baseline", [HALF])
    open_ended = [name for name in table["outcome"] if not OUTCOMES[name].better]
    assert open_ended
    for name in open_ended:
        assert math.isnan(row(table, name)["p_better"])
        assert ": " not in row(table, name)["verdict"]


def test_a_missing_run_takes_its_pair_away() -> None:
    frame = made_up({"baseline": 1.0, "policy": 0.8})
    lost = (frame["scenario"] == "policy") & (frame["replicate"] == 2)
    found = row(effects(frame[~lost], "baseline", [HALF]))
    assert found["replicates"] == 5
    assert found["relative"] == pytest.approx(-0.2)


def test_the_baseline_must_be_there() -> None:
    with pytest.raises(ValueError, match="no finished run of the baseline"):
        effects(made_up({"policy": 0.8}), "baseline", [HALF])


@pytest.mark.parametrize(
    ("draws", "used", "name"),
    [
        (None, 0, "mean, chance only"),
        (1, 1, "mean, chance only, at one draw"),
        (3, 3, "mean over draws and chance"),
    ],
)
def test_the_interval_says_what_it_is_of(draws: int | None, used: int, name: str) -> None:
    frame = made_up({"baseline": 1.0, "policy": 0.8}, draws=draws)
    found = row(effects(frame, "baseline", [HALF]))
    assert (found["draws"], found["replicates"], found["interval"]) == (used, 6, name)


def test_the_interval_is_students_without_draws() -> None:
    differences = np.array([1.0, 2.0, 4.0, 8.0, 3.0])
    low, high = mean_interval(differences, np.zeros(5, dtype=int))
    error = differences.std(ddof=1) / math.sqrt(5)
    assert (low + high) / 2 == pytest.approx(3.6)
    assert (high - low) / 2 == pytest.approx(2.1318467859510317 * error)  # t, 95%, four degrees of freedom


def test_pairs_of_one_draw_count_once() -> None:
    """Ten copies of each draw's value carry the information of one."""
    each = np.array([1.0, 2.0, 4.0, 8.0])
    alone = mean_interval(each, np.arange(4))
    copied = mean_interval(np.repeat(each, 10), np.repeat(np.arange(4), 10))
    assert copied == pytest.approx(alone)


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(chance: object) -> None:
    frame = made_up({"baseline": 1.0, "policy": 0.9}, noise=0.05, start="2021-01-01", end="2021-12-31")
    order = list(range(len(frame)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    table = effects(frame, "baseline", [HALF])
    shuffled = frame.iloc[order]
    pd.testing.assert_frame_equal(effects(shuffled, "baseline", [HALF]), table, rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.floats(-1e6, 1e6))
def test_a_constant_shift_moves_the_interval_and_nothing_else(values: list[float], shift: float) -> None:
    differences = np.array(values)
    draws = np.zeros(len(values), dtype=int)
    low, high = mean_interval(differences, draws)
    moved = mean_interval(differences + shift, draws)
    assert moved == pytest.approx(
        (low + shift, high + shift), abs=1e-6 * (1 + abs(shift) + np.abs(differences).max())
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20))
def test_the_verdict_follows_the_sign(values: list[float]) -> None:
    differences = np.array(values)
    mean = float(differences.mean())
    low, high = mean_interval(differences, np.zeros(len(values), dtype=int))
    words = verdict("cases_registered", differences, 1000.0, mean, low, high)
    if low > 0:
        assert words.startswith("higher")
        assert words.endswith("worse")
    elif high < 0:
        assert words.startswith("lower")
        assert words.endswith("better")


def test_pairing_takes_out_what_the_pairs_share() -> None:
    """Levels that differ a hundredfold between replicates leave no mark on the effect of a shift of 10."""
    frame = made_up({"baseline": 1.0, "policy": 1.0}, replicates=10)
    level = 1000.0 * (1 + frame["replicate"] ** 2)
    frame["cases_registered"] = level + np.where(frame["scenario"] == "policy", -10.0, 0.0)
    found = row(effects(frame, "baseline", [HALF]))
    assert (found["low"], found["effect"], found["high"]) == pytest.approx((-60.0, -60.0, -60.0))


def test_windows_count_only_where_covered() -> None:
    assert [w.name for w in effect_windows(*FIVE_YEARS)] == ["2020-Q4", "2021-H1", "2021-H2", "2021", "2022"]
    assert [w.name for w in effect_windows(date(2018, 1, 1), date(2021, 9, 30))] == ["2020-Q4", "2021-H1"]
    short = effect_windows(date(2020, 9, 1), date(2020, 11, 15))
    assert short == (Window("whole run", date(2020, 9, 1), date(2020, 11, 15)),)
    assert headline(effect_windows(*FIVE_YEARS)).name == "2021-H2"
    assert headline(short).name == "whole run"


def test_summary_has_years_and_quantiles() -> None:
    windows = summary_windows(*FIVE_YEARS)
    table = summary(made_up({"baseline": 1.0}, replicates=21), windows)
    assert list(table.columns) == ["scenario", "outcome", "unit", "window", "mean", *QUANTILES]
    assert {"2018", "2019", "2020", "2021", "2022", "2021-H2"} <= set(table["window"])
    cases = table[(table["outcome"] == "cases_registered") & (table["window"] == "2019")].iloc[0]
    expected = [12 * level for level in (1010.0, 1050.0, 1100.0, 1150.0, 1190.0)]
    assert cases[QUANTILES].tolist() == pytest.approx(expected)
