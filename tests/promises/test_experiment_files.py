"""Experiment files: designs give the points they promise, wider ones keep those of narrower ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.errors import InputError
from sim.experiment import read_experiment
from sim.experiment.file import shipped
from sim.experiment.points import points_of, space_filling

HEAD = "scenarios: [card-broken-2020]\nbaseline: baseline\nscale: 1000\n"
OUTLETS = "outlets: {set: interventions.opening_suspension.outlets, values: [0, 620]}"
AUC = "auc: {set: interventions.opening_suspension.selection_auc, values: [0.5, 0.7, 0.9]}"
DOSE = "dose: {set: interventions.opening_suspension.coverage, low: 0.0, high: 1.0}"
MANY = "many: {set: interventions.opening_suspension.outlets, low: 0, high: 20000, whole: true}"


def experiment(folder: Path, text: str) -> Path:
    """An experiment file with the usual head."""
    path = folder / "asked.yaml"
    path.write_text(HEAD + text)
    return path


def names(folder: Path, text: str) -> list[str]:
    """The points' names of an experiment."""
    return [point.name for point in points_of(*read_experiment(experiment(folder, text)))]


def test_a_grid_crosses_its_levers_and_the_baseline_has_none(tmp_path: Path) -> None:
    read = read_experiment(experiment(tmp_path, f"levers:\n  of:\n    {OUTLETS}\n    {AUC}\n"))
    points = points_of(*read)
    assert points[0].name == "baseline"
    assert not points[0].levers
    chosen = [tuple(point.levers.values()) for point in points[1:]]
    assert chosen == [(outlets, auc) for outlets in (0, 620) for auc in (0.5, 0.7, 0.9)]
    for point in points[1:]:
        measure = point.scenario.measure("opening_suspension")
        assert (measure.outlets, measure.selection_auc) == tuple(point.levers.values())  # type: ignore[attr-defined]
    assert len({point.name for point in points}) == len(points)


def test_knowledge_is_crossed_with_levers_and_given_to_the_baseline_too(tmp_path: Path) -> None:
    text = f"levers:\n  of:\n    {OUTLETS}\nknowledge: {{points: 4, of: [openers.arrest_weight]}}\n"
    points = points_of(*read_experiment(experiment(tmp_path, text)))
    known = [point.knowledge["openers.arrest_weight"] for point in points]
    assert len(points) == 4 + 2 * 4
    assert known[:4] == known[4:8] == known[8:]
    assert len(set(known)) == 4
    for point in points:
        assert point.scenario.parameters.number("openers.arrest_weight") == known[points.index(point)]


def test_a_wider_experiment_keeps_the_points_of_the_narrower(tmp_path: Path) -> None:
    few = f"levers:\n  of:\n    {OUTLETS}\nknowledge: {{points: 3, of: [market.sharpness]}}\n"
    many = few.replace("[0, 620]", "[0, 100, 620]").replace("points: 3", "points: 7")
    assert set(names(tmp_path, few)) < set(names(tmp_path, many))


@pytest.mark.parametrize("design", ["sobol", "latin_hypercube"])
def test_space_filling_levers_keep_to_their_ranges(tmp_path: Path, design: str) -> None:
    text = f"levers:\n  design: {design}\n  points: 16\n  of:\n    {DOSE}\n    {MANY}\n"
    points = points_of(*read_experiment(experiment(tmp_path, text)))[1:]
    doses = np.array([point.levers["dose"] for point in points], dtype=float)
    assert len(points) == 16
    assert ((doses >= 0.0) & (doses <= 1.0)).all()
    assert np.histogram(doses, bins=4, range=(0.0, 1.0))[0].tolist() == [4, 4, 4, 4]
    assert all(isinstance(point.levers["many"], int) for point in points)


def test_a_longer_sobol_sequence_begins_with_the_shorter() -> None:
    short, long = space_filling("sobol", 5, 16, 1), space_filling("sobol", 5, 64, 1)
    assert np.array_equal(long[:16], short)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("levers:\n  of: {}\n", "names no lever"),
        (f"levers:\n  design: sobol\n  of:\n    {DOSE}\n", "do not go together"),
        (f"levers:\n  of:\n    {DOSE}\n", "a grid needs values"),
        ("levers:\n  of:\n    x: {set: nonsense, values: [1]}\n", "nonsense"),
        ("levers:\n  of:\n    x: {set: scale}\n", "either values or both"),
        ("knowledge: {points: 2, of: [openers.nothing]}\n", "no parameter with a prior"),
        ("scenarios: [../other.yaml]\n", "twice"),
        ("levels: 3\n", "levels"),
        ("replicates: 0\n", "replicates"),
        ("scale: two\n", "twice"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        names(tmp_path, text)
    assert said in str(caught.value)


def test_no_scenario_outside_of_the_folder_is_read(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.yaml").write_text("extends: baseline.yaml\n")
    (inner / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    for name in ("../secret.yaml", "link.yaml"):
        (inner / "asked.yaml").write_text(f"scenarios: [{name}]\n")
        with pytest.raises(InputError, match="leads out"):
            points_of(*read_experiment(inner / "asked.yaml"))


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_experiments_have_points(name: str) -> None:
    read, folder = read_experiment(name)
    assert read.title
    assert read.description
    assert len(points_of(read, folder, 1000)) > 1
