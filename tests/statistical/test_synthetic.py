"""Synthetic truths and what is identified, on a made-up linear world of which the answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from sim.calibration import emulator as emulation
from sim.calibration.emulator import Emulator
from sim.calibration.identified import effective, holm, narrowed, pairs, pass_rates, verdict, without_each
from sim.calibration.library import Library, read_paths
from sim.calibration.search import posterior
from sim.calibration.synthetic import Coverage, coverage, shown
from sim.calibration.synthetic import verdict as covered
from sim.calibration.targets import Quantity, Target
from sim.calibration.worth import Datum, monthly_datum, worth
from sim.scenario import load

ORIGIN = date(2021, 6, 1)
MONTHS = pd.date_range("2021-01-01", periods=18, freq="MS")
NAMES = tuple(load("baseline").parameters.uncertain[:8])


def target(name: str, month: str, value: float | None, band: tuple[float | None, float | None]) -> Target:
    return Target(
        id=name,
        title=name,
        role="fit",
        quantity=Quantity(of=["cases_registered"], months=(month, month)),
        value=value,
        band=band,
        scale="log",
        error=0.05,
        grade="A",
        known=date(2021, 5, 1),
        evidence=["E1"],
    )


TARGETS = (
    target("T1", "2021-01", 1000.0, (900.0, 1100.0)),
    target("T2", "2021-04", 1000.0, (900.0, 1100.0)),
    target("T3", "2021-05", None, (None, 1500.0)),
)


@pytest.fixture(scope="module")
def library() -> Library:
    """The level of paths hangs on the first parameter, their slope on the sum of two; the rest do nothing."""
    rng = np.random.Generator(np.random.PCG64(7))
    shares = rng.random((300, len(NAMES)))
    level = 0.8 * (shares[:, 0] - 0.5)
    slope = 0.02 * (shares[:, 1] + shares[:, 2] - 1.0)
    noise = 0.15 * rng.standard_normal((300, len(MONTHS)))
    cases = 1000.0 * np.exp(level[:, None] + slope[:, None] * np.arange(len(MONTHS)) + noise)
    values = pd.DataFrame(read_paths(TARGETS, MONTHS, cases.T), columns=[t.id for t in TARGETS])
    return Library(NAMES, shares, np.zeros(300, dtype=np.int64), MONTHS, cases, values, 1)


def sure_of_itself(library: Library, targets: Sequence[Target], seed: int) -> Emulator:
    """An emulator that thinks there is hardly any chance."""
    learned = emulation.fit(library, targets, seed)
    return replace(learned, rest=0.1 * learned.rest)


@pytest.fixture(scope="module")
def right(library: Library) -> Coverage:
    return coverage(library, TARGETS, ORIGIN, 14, 1)


def line(found: Coverage, what: str, nominal: float) -> pd.Series:
    table = found.coverage
    return table[(table["what"] == what) & (table["nominal"] == nominal)].iloc[0]


def test_a_right_calibration_covers_what_it_says(right: Coverage) -> None:
    for what in ("all parameters", "months ahead", "last year"):
        row = line(right, what, 0.9)
        assert row["count"] == 14
        assert row["covered"] == pytest.approx(0.9, abs=0.2)
        assert row["verdict"] != "too narrow"
    ranks = right.ranks.set_index("what")
    assert ranks.loc["all parameters", "p"] >= 0.01
    histogram = ranks.filter(like="rank_").loc["all parameters"]
    assert histogram.sum() == pytest.approx(1.0)


def test_an_emulator_that_is_too_sure_is_found_out(library: Library, right: Coverage) -> None:
    found = coverage(library, TARGETS, ORIGIN, 14, 1, learn=sure_of_itself)
    row = line(found, "months ahead", 0.9)
    assert row["verdict"] == "too narrow"
    assert row["covered"] < line(right, "months ahead", 0.9)["covered"] - 0.1
    assert set(found.truths["truth"]) == set(right.truths["truth"])


def test_a_truth_is_not_asked_of_a_library_without_runs(library: Library) -> None:
    with pytest.raises(ValueError, match="301 truths"):
        coverage(library, TARGETS, ORIGIN, 301, 1)


def test_a_record_says_on_which_side_of_a_band_a_run_lies() -> None:
    assert shown(TARGETS[2], 1400.0, 0.0) == TARGETS[2]
    assert shown(TARGETS[2], 1400.0, 3.0).band == (1500.0, None)
    moved = shown(TARGETS[0], 2000.0, 0.0)
    assert moved.value == pytest.approx(2000.0)
    assert moved.band == pytest.approx((1800.0, 2200.0))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((0.9, 0.9, 0.03, 100), "near nominal"),
        ((0.9, 0.7, 0.05, 40), "too narrow"),
        ((0.5, 0.8, 0.05, 40), "too wide"),
        ((0.9, 0.8, 0.1, 9), "too few truths to tell"),
    ],
)
def test_coverage_in_words(row: tuple[float, float, float, int], words: str) -> None:
    assert covered("months ahead", *row) == words


def test_the_record_narrows_what_the_paths_hang_on(library: Library) -> None:
    learned = emulation.fit(library, TARGETS, 1)
    searches = [posterior(learned, 200, seed).shares for seed in range(6)]
    table = narrowed(NAMES, searches, load("baseline").parameters)
    assert table.loc[0, "verdict"] == "narrowed"
    assert set(table.loc[3:, "verdict"]) == {"not identified"}


def test_a_pair_is_found_of_which_only_the_product_is_known() -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    shares = rng.random((400, len(NAMES)))
    parameters = load("baseline").parameters
    assert pairs(NAMES, np.split(shares, 4), parameters, range(4), 1).empty
    shares[:, 1] = np.clip(1.0 - shares[:, 0] + 0.05 * rng.standard_normal(400), 0.001, 0.999)
    found = pairs(NAMES, np.split(shares, 4), parameters, range(4), 1)
    assert found[["first", "second"]].to_numpy().tolist() == [list(NAMES[:2])]
    assert found.loc[0, "combination"] in ("product", "sum")
    assert found.loc[0, "width"] < 0.8


def test_without_a_target_less_is_known(library: Library) -> None:
    # Without T2 the year is wider by about a fifth (300 points: 1.08 to 1.20; 1,500 points: 1.21 and 1.29).
    table = without_each(emulation.fit(library, TARGETS, 1), 1, 1500).set_index("left_out")
    assert list(table.index) == ["nothing", "again", "T1", "T2", "T3"]
    assert table.loc["T2", "year_width"] > 1.1 * table.loc["nothing", "year_width"]
    assert table.loc["T1", "holds"]


def test_prior_draws_that_pass(library: Library) -> None:
    table = pass_rates(library, TARGETS).set_index("target")
    assert table.loc["all", "passed"] <= table["passed"].min()
    assert ((table["low"] <= table["share"]) & (table["share"] <= table["high"])).all()


def test_a_datum_is_worth_what_it_tells(library: Library) -> None:
    forecast = np.log(library.cases[:, -1])
    rng = np.random.Generator(np.random.PCG64(3))
    data = [
        Datum("noise", "nothing", rng.standard_normal((300, 2)), 0.1),
        Datum("later", "a later month", np.log(library.cases[:, -3:-2]), 0.05),
    ]
    table = worth(library, TARGETS, forecast, data, 1).set_index("datum")
    assert table.loc["later", "verdict"] == "narrows the forecast"
    assert table.loc["noise", "verdict"] == "cannot be told from nothing"


def test_a_month_without_any_is_not_left_out() -> None:
    monthly = pd.DataFrame(
        {
            "draw": 1,
            "replicate": 0,
            "month": MONTHS[:3],
            "region": "CN",
            "cases_registered": [0.0, 100.0, 400.0],
        }
    )
    months = ("2021-01", "2021-03")
    datum = monthly_datum("cases", "cases", [monthly], "cases_registered", "CN", months, 0.1, 50.0)
    assert np.exp(datum.values) == pytest.approx(np.array([[50.0, 100.0, 400.0]]))


def test_searches_that_disagree_count_for_little() -> None:
    """Each search is sure of a place of its own: together they know nothing."""
    rng = np.random.Generator(np.random.PCG64(6))
    places = rng.random((6, 1, len(NAMES)))
    searches = [np.clip(place + 0.02 * rng.standard_normal((500, 1)), 0.0, 1.0) for place in places]
    assert effective(searches).max() < 12.0
    table = narrowed(NAMES, searches, load("baseline").parameters)
    assert set(table["verdict"]) == {"not identified"}
    alike = list(rng.random((6, 500, len(NAMES))))
    assert np.median(effective(alike)) > 1000.0


def test_holm_keeps_order_and_rule() -> None:
    assert holm(np.array([0.01, 0.04, np.nan, 0.03])) == pytest.approx(
        [0.03, 0.06, np.nan, 0.06], nan_ok=True
    )
    assert verdict(0.2, 0.5, 0.9) == "not identified"
    assert verdict(0.01, 0.5, 0.5) == "narrowed"
    assert verdict(0.01, 0.85, 0.7) == "shifted"
    assert verdict(0.01, 0.85, 0.55) == "not identified"
