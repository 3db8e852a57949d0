"""Forecasts in small: scores against their definitions, bands and odds by hand, naive forecasters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.forecast.ensemble import (
    Ensemble,
    bands,
    ensemble_of,
    longest_run,
    naive_bands,
    split,
    statistic,
    streaks,
)
from sim.forecast.naive import FORECASTERS, naive, samples_of
from sim.forecast.scores import LEVELS, brier, crps, pinball, weighted_quantiles, wis

samples = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30).map(np.array)


@given(values=samples, truth=st.floats(-1e3, 1e3))
def test_crps_is_what_its_definition_says(values: np.ndarray, truth: float) -> None:
    apart = np.abs(values[:, None] - values[None, :]).mean() / 2
    expected = np.abs(values - truth).mean() - apart
    assert crps(values, truth) == pytest.approx(expected, abs=1e-9)


@given(values=samples, truth=st.floats(-1e3, 1e3), copies=st.integers(2, 4))
def test_a_weight_counts_as_copies(values: np.ndarray, truth: float, copies: int) -> None:
    weights = np.ones(len(values))
    weights[0] = copies
    repeated = np.concatenate([values, np.full(copies - 1, values[0])])
    assert crps(values, truth, weights) == pytest.approx(crps(repeated, truth), abs=1e-9)


@given(values=samples)
def test_equal_weights_give_the_usual_quantiles(values: np.ndarray) -> None:
    found = weighted_quantiles(values, LEVELS)
    assert found == pytest.approx(np.quantile(values, LEVELS), abs=1e-9)
    assert weighted_quantiles(values, LEVELS, np.full(len(values), 7.0)) == pytest.approx(found, abs=1e-9)


@given(
    centre=st.floats(-100, 100), half=st.floats(0.1, 50), wide=st.floats(1.0, 5.0), truth=st.floats(-500, 500)
)
def test_wis_is_the_weighted_mean_of_interval_scores(
    centre: float, half: float, wide: float, truth: float
) -> None:
    levels = np.array(LEVELS)
    quantiles = centre + half * np.array([-wide, -1.0, 0.0, 1.0, wide])
    total = 0.5 * abs(truth - centre)
    for excluded, reach in ((0.1, half * wide), (0.5, half)):
        low, high = centre - reach, centre + reach
        missed = 2 / excluded * (max(low - truth, 0) + max(truth - high, 0))
        total += excluded / 2 * (high - low + missed)
    assert wis(quantiles, truth, levels) == pytest.approx(total / 2.5)


def test_no_forecaster_gains_by_saying_what_he_does_not_believe() -> None:
    """In the mean over what he believes in, the score of the belief itself is lowest."""
    believed = np.random.Generator(np.random.PCG64(1)).normal(0.0, 1.0, 4000)
    levels = np.array(LEVELS)
    honest = np.quantile(believed, LEVELS)

    def mean(quantiles: np.ndarray) -> float:
        return float(np.mean([wis(quantiles, truth, levels) for truth in believed[:1000]]))

    assert mean(honest) < min(mean(honest + 0.4), mean(honest - 0.4), mean(honest * 0.5), mean(honest * 2))
    assert brier(0.3, True) * 0.3 + brier(0.3, False) * 0.7 < brier(0.5, True) * 0.3 + brier(0.5, False) * 0.7
    assert pinball(np.array([1.0]), 1.0, np.array([0.5])).tolist() == [0.0]


def test_changes_and_longest_runs_by_hand() -> None:
    paths = np.array([[100.0, 50.0, 75.0], [0.0, 10.0, 5.0]])
    change = statistic(paths, "month on month")
    assert np.isnan(change[:, 0]).all()
    assert change[0, 1:].tolist() == [-0.5, 0.5]
    assert np.isnan(change[1, 1])  # from nothing
    assert statistic(paths, "year on year").shape == (2, 3)
    assert longest_run(np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=bool)).tolist() == [2, 0, 4]


def results(values: dict[tuple[str, int, int], list[float]], start: str = "2020-01-01") -> pd.DataFrame:
    rows = []
    for (scenario, draw, replicate), path in values.items():
        for month, value in zip(pd.date_range(start, periods=len(path), freq="MS"), path, strict=True):
            rows.append([scenario, draw, replicate, month, "CN", value])
    columns = ["scenario", "draw", "replicate", "month", "region", "cases_registered"]
    return pd.DataFrame(rows, columns=columns)


def test_the_odds_are_weighted_by_structure() -> None:
    year = [10.0] * 12
    table = results(
        {
            ("a", 1, 0): [*year, 9.0, 9.0],
            ("a", 1, 1): [*year, 9.0, 11.0],
            ("b", 1, 0): [*year, 11.0, 11.0],
            ("c", 1, 0): [*year, 99.0, 99.0],
        }
    )
    weights = {"a": 0.6, "b": 0.4, "c": 0.0}
    ensemble = ensemble_of(table, "cases_registered", pd.Timestamp(2021, 1, 1), weights)
    assert ensemble.weight.tolist() == pytest.approx([0.3, 0.3, 0.4])
    assert ensemble.history().tolist() == year
    found = bands(ensemble).set_index(["statistic", "month"])
    odds = found.loc["year on year", "p_fall"]
    assert odds.tolist() == pytest.approx([0.6, 0.3])
    assert streaks(ensemble)["probability"].tolist() == pytest.approx([0.6, 0.3])
    assert np.isnan(found.loc["level", "p_fall"]).all()


def test_the_parts_of_the_variance_by_hand() -> None:
    names = np.array(["a"] * 4 + ["b"] * 4)
    draws = np.array([1, 1, 2, 2] * 2)
    # Within draws +-1 (variance 2), between draws +-3, between structures +-10.
    values = np.array([6.0, 8.0, 12.0, 14.0, 26.0, 28.0, 32.0, 34.0])
    found = split(values, names, draws, np.ones(8))
    chance, knowledge, structure = 2.0, 18.0 - 1.0, 100.0
    whole = chance + knowledge + structure
    assert found == pytest.approx(
        {"knowledge": knowledge / whole, "chance": chance / whole, "structure": structure / whole}
    )
    one_each = split(values, names, np.arange(8), np.ones(8))
    assert all(np.isnan(part) for part in one_each.values())


def test_the_split_finds_the_truth() -> None:
    """Known variances 4, 1 and 9: each share within 0.1 in the mean over 60 seeded ensembles."""
    random = np.random.Generator(np.random.PCG64(2))
    found = []
    for _ in range(60):
        draws = np.repeat(np.arange(20), 4)
        ours, theirs = random.normal(0, 2, 20), random.normal(0, 2, 20)
        values = np.concatenate([ours[draws] - 3.0, theirs[draws] + 3.0]) + random.normal(0, 1, 160)
        names = np.repeat(["a", "b"], 80)
        found.append(list(split(values, names, np.tile(draws, 2), np.ones(160)).values()))
    assert np.mean(found, axis=0) == pytest.approx([4 / 14, 1 / 14, 9 / 14], abs=0.1)


@pytest.mark.parametrize("name", FORECASTERS)
def test_a_constant_series_goes_on(name: str) -> None:
    mean, spread = naive(np.full(30, 50.0), 12, name)
    grown = np.log(1.25) if name.startswith("growth") else 0.0
    assert mean == pytest.approx(np.full(12, np.log(50.0) + grown))
    assert (spread == pytest.approx(np.full(12, grown))) or (spread >= 0.0).all()


def test_naive_forecasters_do_what_they_are_called() -> None:
    history = 100.0 * 1.02 ** np.arange(36)
    last = np.log(history[-1])
    month = np.log(1.02)
    assert naive(history, 3, "persistence")[0] == pytest.approx(np.full(3, last))
    assert naive(history, 2, "damped trend")[0] == pytest.approx(last + month * np.array([0.9, 1.71]))
    assert naive(history, 13, "seasonal")[0][[0, 12]] == pytest.approx(np.full(2, np.log(history[-12])))
    assert naive(history, 1, "growth 25% a year")[0] == pytest.approx([np.log(history[-12] * 1.25)])
    assert naive(history, 1, "base effect")[0] == pytest.approx([np.log(history[-12:].mean())])
    with pytest.raises(ValueError, match="needs 13 months"):
        naive(history[:12], 1, "persistence")


def test_a_naive_spread_covers_its_own_errors() -> None:
    """Of random walks, the 90% band of persistence holds 84 to 96% of what follows (seeded, 300 walks)."""
    random = np.random.Generator(np.random.PCG64(3))
    inside = []
    for _ in range(300):
        walk = np.exp(np.cumsum(random.normal(0, 0.1, 61)))
        mean, spread = naive(walk[:60], 1, "persistence")
        low, high = np.quantile(samples_of(mean, spread, 200), [0.05, 0.95])
        inside.append(low <= walk[60] <= high)
    assert 0.84 <= np.mean(inside) <= 0.96


def test_naive_bands_need_a_history() -> None:
    short = results({("a", 0, 0): [10.0] * 12}, "2020-01-01")
    ensemble = ensemble_of(short, "cases_registered", pd.Timestamp(2020, 11, 1), {"a": 1.0})
    assert naive_bands(ensemble).empty
    long = results({("a", 0, k): [10.0 + k] * 30 for k in range(3)}, "2018-01-01")
    ensemble = ensemble_of(long, "cases_registered", pd.Timestamp(2020, 1, 1), {"a": 1.0})
    table = naive_bands(ensemble)
    assert table.groupby("forecaster")["month"].nunique().tolist() == [6] * len(FORECASTERS)
    assert isinstance(ensemble, Ensemble)
