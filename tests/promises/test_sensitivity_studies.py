"""Sensitivity studies: what is run for them, which runs count, what becomes of gaps; nothing here is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.console_sweep import SweepOptions, planned
from sim.errors import InputError
from sim.experiment import Experiment
from sim.study.indices import MATTERS, UNMOVED
from sim.study.sensitivity import (
    Method,
    Study,
    answers,
    as_frame,
    design_of,
    largest_whole,
    unknowns,
    varied,
)
from sim.study.windows import Window
from sim.views.sensitivity import indices_notes, indices_table
from sim.views.sensitivity_plots import indices_picture

NAMES = ["market.sharpness", "openers.arrest_weight", "insiders.agents"]
OPTIONS = SweepOptions(1, None, False, False, True, False, False, scale=2000)
WINDOW = Window("2021-H2", pd.Timestamp("2021-07-01").date(), pd.Timestamp("2021-12-31").date())


def experiment(**changes: object) -> Experiment:
    content = {
        "name": "asked",
        "scenarios": ["card-broken-2020"],
        "baseline": "baseline",
        "knowledge": {"points": 1, "of": NAMES},
        "replicates": 2,
    }
    return Experiment.model_validate(content | changes)


@cache
def study(method: Method, blocks: int = 4) -> Study:
    names, parameters = unknowns(experiment(), Path(), False)
    design = design_of(method, names, blocks, 1)
    worlds = design.worlds(parameters)
    return Study(planned(varied(experiment(), design, False), Path(), OPTIONS, worlds), design, worlds)


def runs(of: Study, outcome: Callable[[str, Mapping[str, float]], float]) -> pd.Series:
    """The outcome of every run; a replicate adds a level of its own, the same to all points."""
    values = {
        (point.name, 0, replicate): outcome(point.origin, point.knowledge) + 100.0 * replicate
        for point in of.sweep.points
        for replicate in range(2)
    }
    index = pd.MultiIndex.from_tuples(values, names=["scenario", "draw", "replicate"])
    return pd.Series(list(values.values()), index=index).sort_index()


def sharp(origin: str, knowledge: Mapping[str, float]) -> float:
    """Agents raise every world alike; sharpness adds to what the policy does."""
    effect = 10.0 * knowledge["market.sharpness"] if origin != "baseline" else 0.0
    return knowledge["insiders.agents"] + effect


@pytest.mark.parametrize("method", ["morris", "sobol"])
def test_the_effect_is_paired_and_the_level_is_not(method: Method) -> None:
    of = study(method, 8)
    effect, level = (
        answers(of, runs(of, sharp), what)[0].table.set_index("parameter")["verdict"]
        for what in ("effect", "level")  # type: ignore[arg-type]
    )
    assert effect[NAMES[0]].startswith(MATTERS)
    assert effect[NAMES[1:]].tolist() == [UNMOVED, UNMOVED]
    assert level["insiders.agents"].startswith(MATTERS)
    assert level["openers.arrest_weight"] == UNMOVED


def test_every_row_of_the_design_is_run_in_every_scenario() -> None:
    """Whole numbers make points that are the same; each is run once, and stands in several rows."""
    of = study("morris")
    assert len(of.points("card-broken-2020")) == len(of.points("baseline")) == 4 * (3 + 1)
    assert len({point.name for point in of.sweep.points}) == len(of.sweep.points)
    at = {point.name: point.knowledge for point in of.sweep.points}
    assert [at[name] for name in of.points("baseline")] == list(of.worlds)
    assert of.sweep.experiment.name == "asked-morris"


def test_a_block_with_a_gap_is_left_out_and_so_is_a_replicate_not_worth_it() -> None:
    of = study("morris")
    whole = runs(of, sharp)
    names = of.points("card-broken-2020")
    gap = answers(of, whole.drop((names[5], 0, 1)), "effect")[0]
    assert (gap.blocks, gap.blocks_asked, gap.replicates) == (3, 4, 2)
    few = answers(of, whole.drop([(name, 0, 1) for name in names[:9]]), "effect")[0]
    assert (few.blocks, few.replicates, few.replicates_asked) == (4, 1, 2)
    nan = whole.where(whole.index.get_level_values("scenario") != of.points("baseline")[0])
    assert answers(of, nan, "level")[0].blocks == 4, "the baseline does not count for the level"
    assert answers(of, nan, "effect")[0].blocks == 3
    assert answers(of, whole.drop(list(dict.fromkeys(names))), "effect") == []
    assert answers(of, pd.Series(dtype="float64"), "effect") == []


def test_the_file_says_what_was_asked_and_what_stands_behind_it() -> None:
    of = study("morris")
    frame = as_frame(answers(of, runs(of, sharp), "effect"), of, "cases_registered", WINDOW)
    row = frame.set_index("parameter").loc["market.sharpness"]
    prior = of.sweep.points[0].scenario.parameters.passport("market.sharpness")
    assert (row["parameter_low"], row["parameter_high"]) == (prior.at(0.05), prior.at(0.95))
    assert row["mu_star"] == pytest.approx(10.0 * (prior.at(0.95) - prior.at(0.05)), rel=0.5)
    assert (row["scenario"], row["of"], row["window_end"]) == ("card-broken-2020", "effect", "2021-12-31")
    assert (row["blocks"], row["replicates"]) == (4, 2)
    assert row["interval"] == "over trajectories and chance"


def test_all_parameters_are_those_with_a_prior_in_every_scenario() -> None:
    names, parameters = unknowns(experiment(knowledge=None), Path(), True)
    assert names == parameters.uncertain
    assert len(names) > 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"knowledge": None}, "--all"),
        ({"knowledge": {"points": 1, "of": ["market.sharpnes"]}}, "market.sharpness"),
        ({"knowledge": {"points": 1, "of": ["no.such"]}}, "no parameter with a prior"),
    ],
)
def test_wrong_unknowns_are_refused_in_words(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        unknowns(experiment(**changes), Path(), False)


def test_base_points_that_are_no_power_of_two_are_refused() -> None:
    with pytest.raises(InputError, match=r"--points.*Give 128"):
        design_of("sobol", NAMES, 100, 1)


@pytest.mark.parametrize("method", ["morris", "sobol"])
def test_much_and_nothing_can_be_shown(method: Method) -> None:
    """Six scenarios with thirty-nine parameters each, of which one replicate tells nothing of chance; and an
    outcome that never changes.
    """
    of = study(method)
    frame = as_frame(answers(of, runs(of, sharp), "effect"), of, "cases_registered", WINDOW)
    many = pd.concat([frame] * 13, ignore_index=True).assign(chance=float("nan"), replicates=1)
    much = pd.concat([many.assign(scenario=f"policy-{k}") for k in range(6)], ignore_index=True)
    flat = as_frame(answers(of, runs(of, lambda *_: 0.0), "effect"), of, "cases_registered", WINDOW)
    for rows in (much, flat):
        assert indices_picture(rows, method, "source") == indices_picture(rows, method, "source")
        first = rows[rows["scenario"] == rows["scenario"].iloc[0]]
        assert len(indices_table(first, method).rows) == min(len(first), 30)
    assert indices_notes(many, method)[1] == "9 weaker parameters are in the file."


@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 5))))
def test_what_is_kept_is_whole_and_no_smaller_than_the_best_column(there: np.ndarray) -> None:
    rows, columns = largest_whole(there)
    assert there[np.ix_(rows, columns)].all()
    assert len(rows) * len(columns) >= there.sum(axis=0).max()
