"""Indices of functions whose answers are known: linear ones, Ishigami's, pure chance."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from sim.study.indices import (
    MATTERS,
    MORRIS_ENDS,
    UNMOVED,
    UNTOLD,
    UNTOLD_ALONE,
    WITH_OTHERS,
    elementary_effects,
    morris_table,
    sobol_table,
)
from sim.study.sensitivity import Design, design_of

SLOPES = np.array([3.0, -2.0, 0.0, 0.5])
NAMES = ("a", "b", "c", "d")


def unit(design: Design) -> np.ndarray:
    """The rows of Morris's design, stretched to [0, 1]."""
    low, high = MORRIS_ENDS
    return (design.shares - low) / (high - low)


def runs(values: np.ndarray, replicates: int) -> np.ndarray:
    return np.tile(values, (replicates, 1))


def by_name(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index("parameter")


def ishigami(x: np.ndarray) -> np.ndarray:
    x = -np.pi + 2 * np.pi * x
    return np.asarray(np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))


@pytest.mark.parametrize("replicates", [1, 2, 3])
def test_morris_of_a_linear_function_is_its_coefficients(replicates: int) -> None:
    design = design_of("morris", NAMES, 6, 1)
    table = by_name(morris_table(NAMES, design.shares, runs(5.0 + unit(design) @ SLOPES, replicates), 1))
    assert table.index.tolist() == ["a", "b", "d", "c"], "the strongest first"
    order = [NAMES.index(name) for name in table.index]
    np.testing.assert_allclose(table["mu"], SLOPES[order], atol=1e-12)
    for column in ("mu_star", "low", "high"):
        np.testing.assert_allclose(table[column], np.abs(SLOPES[order]), atol=1e-12)
    np.testing.assert_allclose(table["sigma"], 0.0, atol=1e-12)
    assert table["verdict"].tolist() == [MATTERS] * 3 + [UNMOVED]


def test_elementary_effects_are_those_of_salib() -> None:
    from SALib.analyze.morris import analyze

    from sim.study.indices import LEVELS, problem

    design = design_of("morris", NAMES, 7, 3)
    values = np.random.default_rng(1).normal(size=len(design.shares))
    ours = elementary_effects(design.shares, values[None])[0]
    theirs = analyze(
        problem(NAMES, *MORRIS_ENDS), design.shares, values, num_levels=LEVELS, num_resamples=2, seed=1
    )
    np.testing.assert_allclose(ours.mean(axis=0), theirs["mu"])
    np.testing.assert_allclose(ours.std(axis=0, ddof=1), theirs["sigma"])


def test_a_curve_and_an_interaction_act_with_others_or_non_linearly() -> None:
    design = design_of("morris", NAMES, 20, 1)
    x = unit(design)
    values = 5.0 * x[:, 0] + 8.0 * (x[:, 1] - 0.5) ** 2 + 4.0 * (x[:, 2] > 0.5) * (x[:, 3] > 0.5)
    verdicts = by_name(morris_table(NAMES, design.shares, runs(values, 2), 1))["verdict"]
    assert verdicts["a"] == MATTERS
    assert all(verdicts[name].startswith(WITH_OTHERS) for name in "bcd")


@pytest.mark.parametrize("replicates", [1, 2])
def test_sobol_of_ishigami(replicates: int) -> None:
    names = ("x", "y", "z")
    design = design_of("sobol", names, 1024, 1)
    table = by_name(sobol_table(names, runs(ishigami(design.shares), replicates), 1))
    truth = {"x": (0.3139, 0.5576), "y": (0.4424, 0.4424), "z": (0.0, 0.2437)}
    for name, (first, total) in truth.items():
        row = table.loc[name]
        assert row["first"] == pytest.approx(first, abs=0.03)
        assert row["total"] == pytest.approx(total, abs=0.03)
        assert row["first_low"] < first < row["first_high"]
        assert row["total_low"] < total < row["total_high"]
    assert table.loc[["x", "y"], "verdict"].tolist() == [WITH_OTHERS, MATTERS]
    # Alone z does nothing; whether it does with others cannot be told from chance by one replicate.
    assert table.loc["z", "verdict"] == (WITH_OTHERS if replicates > 1 else UNTOLD_ALONE)


def test_sobol_of_a_linear_function_is_its_squares() -> None:
    design = design_of("sobol", NAMES, 512, 1)
    table = by_name(sobol_table(NAMES, runs(design.shares @ SLOPES, 2), 1))
    shares = dict(zip(NAMES, SLOPES**2 / (SLOPES**2).sum(), strict=True))
    for name, share in shares.items():
        assert table.loc[name, "first"] == pytest.approx(share, abs=0.03)
        assert table.loc[name, "total"] == pytest.approx(share, abs=0.03)
    assert table.loc["c", "verdict"] == UNMOVED


def test_too_few_base_points_cannot_be_ranked() -> None:
    names = ("x", "y", "z")
    design = design_of("sobol", names, 8, 1)
    table = sobol_table(names, runs(ishigami(design.shares), 2), 1)
    assert table["verdict"].str.endswith("; cannot be ranked").any()


def test_an_outcome_that_never_changes_hangs_on_nothing() -> None:
    for method in ("morris", "sobol"):
        design = design_of(method, NAMES, 4, 1)  # type: ignore[arg-type]
        values = np.full((2, len(design.shares)), 7.0)
        table = (
            morris_table(NAMES, design.shares, values, 1)
            if method == "morris"
            else sobol_table(NAMES, values, 1)
        )
        assert set(table["verdict"]) == {UNMOVED}


def of_noise(method: str, seed: int) -> pd.DataFrame:
    """Twelve parameters that do nothing but shuffle chance; replicates have levels of their own."""
    names = tuple("abcdefghijkl")
    design = design_of(method, names, 8 if method == "morris" else 32, seed)  # type: ignore[arg-type]
    random = np.random.default_rng(seed)
    values = random.normal(size=(2, len(design.shares))) + 5.0 * random.normal(size=(2, 1))
    if method == "morris":
        return morris_table(names, design.shares, values, seed)
    return sobol_table(names, values, seed)


@pytest.mark.parametrize(("method", "index"), [("morris", "mu_star"), ("sobol", "total")])
def test_what_only_shuffles_chance_is_seldom_said_to_matter(method: str, index: str) -> None:
    """One in twenty: 480 parameters, accepted up to the 99.9% point of a binomial with 5%.

    And ``chance`` is what the index is then, on average.
    """
    table = pd.concat([of_noise(method, seed) for seed in range(1, 41)])
    told = int((table["verdict"] != UNTOLD).sum())
    assert told <= binom.ppf(0.999, len(table), 0.05)
    assert told >= binom.ppf(0.001, len(table), 0.05), "a test that never errs tells nothing either"
    assert table[index].mean() == pytest.approx(table["chance"].mean(), rel=0.1)


def test_one_direction_is_told_through_chance_and_so_is_what_repeats_itself() -> None:
    """Noise as large as the effects: a goes one way everywhere, b either way but alike in all replicates."""
    names, told = ("a", "b", "c"), pd.Series(0, index=["a", "b", "c"])
    for seed in range(1, 21):
        design = design_of("morris", names, 20, seed)
        x = unit(design)
        values = (
            x[:, 0] + 3.0 * np.abs(x[:, 1] - 0.5) + 0.5 * np.random.default_rng(seed).normal(size=(3, len(x)))
        )
        verdicts = by_name(morris_table(names, design.shares, values, seed))["verdict"]
        told += verdicts.str.startswith(MATTERS)
    assert told["a"] >= 18
    assert told["b"] >= 18
    assert told["c"] <= binom.ppf(0.999, 20, 0.05)


def test_intervals_of_mu_star_hold_the_truth_as_often_as_they_say() -> None:
    """Slopes that differ from trajectory to trajectory and from replicate to replicate, and noise.

    200 sets of runs, 3 replicates; accepted down to the 0.1% point of a binomial with 90%.
    """
    names, held = ("a", "b"), 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        design = design_of("morris", names, 10, seed + 1)
        slopes = 10.0 + 2.0 * random.normal(size=(3, 1))
        x = unit(design)
        values = slopes * x[:, 0] + 4.0 * (x[:, 1] - 0.5) * x[:, 0] + random.normal(size=(3, len(x)))
        row = by_name(morris_table(names, design.shares, values, seed + 1)).loc["a"]
        held += bool(row["low"] <= 10.0 <= row["high"])
    assert held >= binom.ppf(0.001, 200, 0.90)


PROGRAM = """
import numpy as np
from sim.study.indices import morris_table, sobol_table
from sim.study.sensitivity import design_of
names = ("a", "b", "c")
for method in ("morris", "sobol"):
    design = design_of(method, names, 8, 0)
    values = np.stack([design.shares @ [1.0, 2.0, 3.0], np.sin(9 * design.shares).sum(axis=1)])
    table = morris_table(names, design.shares, values, 14) if method == "morris" else None
    table = sobol_table(names, values, 14) if table is None else table
    print(table.to_csv())
"""


def test_the_same_seed_gives_the_same_answer_in_any_process() -> None:
    """Whatever the global generators stand at, here and elsewhere, also with seed 0."""
    found = {
        subprocess.run(
            [sys.executable, "-W", "error", "-c", f"import numpy; numpy.random.seed({state})\n{PROGRAM}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for state in (1, 2)
    }
    assert len(found) == 1


@pytest.mark.parametrize("method", ["morris", "sobol"])
def test_a_larger_design_begins_with_the_smaller(method: str) -> None:
    small, large = (design_of(method, NAMES, blocks, 5).shares for blocks in (8, 16))  # type: ignore[arg-type]
    np.testing.assert_array_equal(large[: len(small)], small)
    assert not np.array_equal(design_of(method, NAMES, 8, 6).shares, small)  # type: ignore[arg-type]
