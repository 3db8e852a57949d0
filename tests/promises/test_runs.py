"""Promises about sets of runs: independent of processes and order, and no run loses another."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from fake_results import FakeModel, FakeScenario, stand

from sim.observe.parquet import fingerprint
from sim.scenario import load
from sim.study.api import compare, run
from sim.study.run_set import RunSet
from sim.study.runs import draw_of, run_many, tasks_of


def made(*names: str, **options: object) -> RunSet:
    scenarios = [FakeScenario(name) for name in names]
    return run_many(scenarios, model=FakeModel, **options)  # type: ignore[arg-type]


def keys(runs: RunSet) -> list[tuple[str, int]]:
    return [(run.scenario, run.replicate) for run in runs.runs]


def test_processes_do_not_change_the_results() -> None:
    one = made("a", "b", replicates=3, draws=2, seed=4, jobs=1)
    two = made("a", "b", replicates=3, draws=2, seed=4, jobs=2)
    assert keys(one) == keys(two) == [(name, i) for name in "ab" for i in range(3)]
    pd.testing.assert_frame_equal(one.monthly(), two.monthly())
    assert fingerprint(one.monthly()) == fingerprint(two.monthly())
    assert one.complete
    assert two.complete


def test_every_run_gets_its_numbers() -> None:
    frame = made("a", replicates=5, draws=2, seed=4, jobs=1).monthly()
    assert list(frame.columns[:5]) == ["scenario", "draw", "replicate", "month", "region"]
    values = frame.groupby("replicate")["cases_registered"].first()
    assert values.tolist() == [4001.0, 4012.0, 4021.0, 4032.0, 4041.0]


def test_weeks_are_labelled_like_months() -> None:
    weeks = made("a", "b", replicates=2, draws=2, jobs=1).weekly()
    assert list(weeks.columns[:4]) == ["scenario", "draw", "replicate", "week"]
    labels = weeks[["scenario", "draw", "replicate"]].drop_duplicates().to_numpy().tolist()
    assert labels == [["a", 1, 0], ["a", 2, 1], ["b", 1, 0], ["b", 2, 1]]


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_watched_is_tallied_in_every_run(jobs: int) -> None:
    runs = made("a", "b", replicates=2, draws=2, jobs=jobs, watch=[stand("m"), stand("n")])
    deeds = runs.deeds()
    assert list(deeds.columns) == ["scenario", "draw", "replicate", "month", "measure", "what", "value"]
    found = list(zip(deeds["scenario"], deeds["draw"], deeds["replicate"], deeds["measure"], strict=True))
    assert found == [(s, 1 + i, i, m) for s in "ab" for i in range(2) for m in "mn"]
    assert deeds["value"].tolist() == [0.0, 0.0, 1.0, 1.0] * 2


def test_draws_are_shared_out_in_turn() -> None:
    assert [draw_of(i, None) for i in range(3)] == [0, 0, 0]
    assert [draw_of(i, 3) for i in range(5)] == [1, 2, 3, 1, 2]


def test_the_runs_of_a_pair_are_neighbours() -> None:
    scenarios: list[Any] = [FakeScenario(name) for name in "abc"]
    order = [(task.replicate, task.scenario.name) for task in tasks_of(scenarios, 2, None)]
    assert order == [(0, "a"), (0, "b"), (0, "c"), (1, "a"), (1, "b"), (1, "c")]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_raises_loses_no_other(jobs: int) -> None:
    runs = made("raises", "fine", replicates=3, jobs=jobs)
    (failed,) = runs.failed
    assert (failed.scenario, failed.replicate) == ("raises", 1)
    assert failed.error == "RuntimeError: the books do not balance"
    assert len(runs.finished) == 5
    assert not runs.complete


def test_a_run_that_kills_its_process_loses_no_other() -> None:
    runs = made("fine", "dies", replicates=3, jobs=2)
    (failed,) = runs.failed
    assert (failed.scenario, failed.replicate) == ("dies", 1)
    assert "died" in failed.error
    assert len(runs.finished) == 5


def test_an_interruption_keeps_what_is_finished() -> None:
    runs = made("interrupted", replicates=3, jobs=1)
    assert runs.interrupted
    assert keys(runs) == [("interrupted", 0)]
    assert not runs.complete


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_rises_to_the_end(jobs: int) -> None:
    seen: list[tuple[float, int]] = []
    made("a", replicates=3, jobs=jobs, progress=lambda done, total: seen.append((done, total)))
    shares = [done for done, _ in seen]
    assert shares == sorted(shares)
    assert seen[-1] == (3, 3)


@pytest.mark.parametrize(
    "options", [{"replicates": 0}, {"seed": -1}, {"jobs": 0}, {"threads": 0}, {"draws": 0}], ids=str
)
def test_numbers_that_make_no_sense_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        made("a", **options)


def test_two_scenarios_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="different names"):
        made("a", "a")
    with pytest.raises(ValueError, match="no scenario"):
        made()


def test_python_gets_the_same_tables_as_the_command_line() -> None:
    short = load("baseline", start="2018-01-01", end="2018-01-31")
    found = compare(short.with_(name="twin"), baseline=short, scale=4000, replicates=2, jobs=1, draws=None)
    assert found.effects is not None
    assert set(found.effects["verdict"]) == {"no difference: identical in every pair"}
    assert set(found.summary["window"]) == {"whole run"}
    alone = run(short, scale=4000, replicates=2, jobs=1, draws=None)
    assert alone.effects is None
    base = found.monthly[found.monthly["scenario"] == "baseline"]
    assert fingerprint(base) == alone.manifest["fingerprint"]
