"""The emulator and the search on it, in a made-up world whose answers are known."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from sim.calibration import emulator, search
from sim.calibration.distance import beyond, centre, deviation
from sim.calibration.library import CLIP, Library, Paths, on_path, read_paths
from sim.calibration.targets import Target, read_targets

MONTHS = pd.date_range("2020-01-01", "2021-12-01", freq="MS")
PARAMETERS, RUNS, CHANCE = 12, 400, 0.05


def target(**changes: object) -> Target:
    """A target on the level of May 2021, unless changed."""
    fields: dict[str, object] = {
        "id": "T1",
        "title": "level",
        "role": "fit",
        "quantity": {"of": ["cases_registered"], "months": ("2021-05", "2021-05")},
        "value": 80_000,
        "band": (70_000, 90_000),
        "scale": "log",
        "error": 0.1,
        "grade": "A",
        "known": date(2021, 6, 17),
        "evidence": ["F001"],
    }
    return Target.model_validate(fields | changes)


LEVEL = target()
PRICE = target(
    id="T2",
    quantity={"of": ["price_gang_yuan"], "months": ("2021-05", "2021-05")},
    value=5_000,
    band=(4_000, 6_000),
)


@pytest.fixture(scope="module")
def world() -> Library:
    """Parameter 0 sets the level (a factor e over the prior), 1 the slope, 2 the price; nine do nothing."""
    rng = np.random.default_rng(7)
    shares = rng.random((RUNS, PARAMETERS))
    slope = np.linspace(0.0, 1.0, len(MONTHS))
    path = np.log(80_000) + (shares[:, [0]] - 0.5) + (shares[:, [1]] - 0.5) * slope
    path = path + CHANCE * rng.standard_normal((RUNS, 1))
    price = 5_000 * np.exp(shares[:, 2] - 0.5 + CHANCE * rng.standard_normal(RUNS))
    cases = np.exp(path)
    values = pd.DataFrame({"T1": cases[:, list(MONTHS).index(pd.Timestamp(2021, 5, 1))], "T2": price})
    names = tuple(f"p{k}" for k in range(PARAMETERS))
    return Library(names, shares, np.zeros(RUNS, dtype=int), MONTHS, cases, values, 200)


@pytest.fixture(scope="module")
def learned(world: Library) -> emulator.Emulator:
    """What is learned from that world."""
    return emulator.fit(world, [LEVEL, PRICE], 3)


def test_it_finds_what_matters_and_how_much_chance_there_is(learned: emulator.Emulator) -> None:
    """The three parameters are found; what is left over is as large as chance."""
    assert {0, 1, 2} <= set(learned.active.tolist())
    assert learned.explained[0] > 0.9
    assert learned.explained[-1] > 0.9
    assert np.std(learned.rest[:, :24].mean(axis=1)) == pytest.approx(CHANCE, rel=0.25)
    in_deviations = CHANCE / 0.1
    assert np.std(learned.rest[:, -1]) == pytest.approx(in_deviations, rel=0.25)


def test_it_predicts_the_path(learned: emulator.Emulator) -> None:
    """Predictions without chance lie where the made-up world has them."""
    shares = np.full((1, PARAMETERS), 0.5)
    shares[0, :2] = 0.6, 0.3
    wanted = np.log(80_000) + 0.1 - 0.2 * np.linspace(0.0, 1.0, len(MONTHS))
    path = learned.predicted(shares).mean(axis=0)[0, : len(MONTHS)]
    assert np.allclose(path, wanted, atol=0.03)


def test_emulated_deviations_have_the_targets_order(learned: emulator.Emulator) -> None:
    """A target on the path and one beside it, whichever comes first."""
    shares = np.full((1, PARAMETERS), 0.5)
    shares[0, 2] = 0.9
    rows = np.arange(30)
    away = learned.emulated(shares, rows)
    assert away.shape == (1, 30, 2)
    assert away[0, :, 0].mean() == pytest.approx(0.0, abs=0.4)
    assert away[0, :, 1].mean() == pytest.approx(4.0, abs=0.4)


def test_posterior_is_where_the_record_is(learned: emulator.Emulator) -> None:
    """Level and price agree with the targets; a parameter that does nothing keeps its prior."""
    found = search.posterior(learned, 400, 5).shares
    mid = 16 / 23
    level = (found[:, 0] - 0.5) + (found[:, 1] - 0.5) * mid
    expected = np.hypot(0.1, CHANCE)
    assert level.mean() == pytest.approx(0.0, abs=0.03)
    assert level.std() == pytest.approx(expected, rel=0.3)
    assert (found[:, 2] - 0.5).std() == pytest.approx(expected, rel=0.3)
    assert found[:, 7].std() == pytest.approx(np.sqrt(1 / 12), rel=0.15)
    assert np.corrcoef(found[:, 0], found[:, 1])[0, 1] < -0.5


def test_the_likelihood_is_that_of_a_normal_record(learned: emulator.Emulator) -> None:
    """It falls with the square of the deviation, over the errors of the record and of chance together."""
    shares = np.full((2, PARAMETERS), 0.5)
    shares[1, 2] = 0.8  # the price lies 3 standard deviations off
    rows = np.arange(len(learned.rest))
    good, bad = learned.log_likelihood(shares, rows)
    assert good - bad == pytest.approx(0.5 * 9.0 / (1.0 + (CHANCE / 0.1) ** 2), rel=0.2)


def test_scouts_help_to_learn_and_are_no_chance(world: Library) -> None:
    """Few fine runs know little; coarse ones teach more, and what is left over is of the fine ones alone."""
    few = world.only(np.arange(40))
    alone = emulator.fit(few, [LEVEL, PRICE], 3)
    both = emulator.fit(few, [LEVEL, PRICE], 3, scouts=world.only(np.arange(40, RUNS)))
    assert len(both.library) == 40 + emulator.FEWEST
    assert len(both.rest) == len(alone.rest) == 40
    assert np.std(both.rest[:, -1]) < np.std(alone.rest[:, -1])


def test_independent_searches_agree(learned: emulator.Emulator) -> None:
    """The posterior does not hang on which rows stood for chance."""
    means = [search.posterior(learned, 400, seed).shares[:, :3].mean(axis=0) for seed in (5, 6)]
    assert np.allclose(*means, atol=0.06)


def test_history_matching_leaves_what_is_not_ruled_out(learned: emulator.Emulator) -> None:
    """The share left is that of the prior within three standard deviations, and no point lies far outside."""
    found = search.left_over(learned, 400, 5)
    rows = search.rows_of(learned, 5)
    plain = np.random.default_rng(1).random((4_000, PARAMETERS))
    share = (learned.implausibility(plain, rows).max(axis=1) <= search.IMPLAUSIBLE).mean()
    assert np.exp(found.log_share) == pytest.approx(share, rel=0.2)
    assert np.mean(learned.implausibility(found.shares, rows).max(axis=1) <= 3.3) > 0.98


def test_the_search_is_the_same_each_time(learned: emulator.Emulator) -> None:
    """A search hangs on its seed alone."""
    one, two, other = (search.posterior(learned, 50, seed).shares for seed in (5, 5, 6))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_a_search_meets_a_known_density() -> None:
    """A normal density far out on a corner of the prior: mean and spread are right."""

    def density(shares: np.ndarray) -> np.ndarray:
        return np.asarray(-0.5 * (((shares[:, :2] - [0.9, 0.2]) / 0.02) ** 2).sum(axis=1))

    found = search.search(density, np.array([0, 1]), 5, 1_000, 3)
    assert np.allclose(found.shares[:, :2].mean(axis=0), [0.9, 0.2], atol=0.004)
    assert np.allclose(found.shares[:, :2].std(axis=0), 0.02, rtol=0.15)
    assert found.log_share == pytest.approx(np.log(2 * np.pi * 0.02**2), abs=0.3)


@pytest.mark.parametrize(
    ("fields", "values", "away", "over"),
    [
        ({}, [80_000 * np.e**0.2], [2.0], [2.0]),
        ({}, [80_000 * np.e**9], [8.0], [8.0]),
        ({"value": None, "band": (None, 80_000)}, [80_000 * np.e**-0.2, 80_000 * np.e**0.1], [-2, 1], [0, 1]),
        ({"value": None, "band": (80_000, None)}, [80_000 * np.e**-0.2, 80_000 * np.e**0.1], [-2, 1], [2, 0]),
        (
            {"value": None, "band": (2.0, 4.0), "scale": "plain", "error": 1.0},
            [3.0, 4.5, 1.0],
            [0.0, 1.5, -2.0],
            [0.0, 0.5, 1.0],
        ),
    ],
)
def test_deviations(
    fields: dict[str, object], values: list[float], away: list[float], over: list[float]
) -> None:
    """Deviations are signed, cut off, and count only beyond what is as good as any."""
    one = target(**fields)
    found = deviation(one, np.array(values), CLIP)
    assert np.allclose(found, away)
    assert np.allclose(beyond(one, found), over)
    assert centre(one)[1] <= centre(one)[2]


def test_a_band_without_an_error_or_from_nothing_on_has_deviations() -> None:
    """Neither an error of 0 nor a band from 0 on, on a logarithmic scale, stops a calibration."""
    sure = target(value=None, band=(2.0, 4.0), scale="plain", error=0.0)
    assert beyond(sure, deviation(sure, np.array([3.0]), CLIP)) == 0.0
    from_nothing = target(value=None, band=(0.0, 80_000.0))
    good, bad = beyond(from_nothing, deviation(from_nothing, np.array([10.0, 800_000.0]), CLIP))
    assert good == 0.0 < bad <= CLIP


def test_targets_on_paths_are_read_as_from_a_run() -> None:
    """What is read off a path alone is what the record's own definitions say."""
    record = [t for t in read_targets().chosen() if t.role != "imposed" and on_path(t)]
    assert {"C1", "C2", "C3-jun", "P1", "P2-peak"} <= {t.id for t in record}
    months = pd.date_range("2018-01-01", "2021-12-01", freq="MS")
    cases = np.full((len(months), 1), 100.0)
    cases[months >= "2020-10-01"] = 150.0
    cases[months == "2021-03-01"] = 200.0
    cases[months >= "2021-06-01"] = 90.0
    found = dict(zip([t.id for t in record], read_paths(record, months, cases)[0], strict=True))
    assert found["P1"] == 8.0
    assert found["P2-peak"] == 5.0
    assert found["C1"] == 150.0
    assert found["C3-jun"] == pytest.approx(-0.1)


def test_paths_hold_nothing_else() -> None:
    """Whatever is not the national path is refused, not made up."""
    paths = Paths(MONTHS, np.ones((len(MONTHS), 2)))
    assert not paths.cover("2021-01-01", "2021-02-01", "GD")
    with pytest.raises(ValueError, match="hold no"):
        paths.of("losses_yuan")
