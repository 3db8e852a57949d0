"""The store of a sweep: what is torn, tampered with or unlogged does not count; what counts stays."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.observe.parts import LOG, MOST_BATCHES, Failure, RunId, SweepFolder, missing

RUNS = [RunId("a", 0, 0), RunId("b", 0, 0), RunId("a", 0, 1)]


def rows(run: RunId) -> pd.DataFrame:
    """A run's part: one month of one outcome."""
    return pd.DataFrame(
        {
            "scenario": [run.scenario],
            "draw": [run.draw],
            "replicate": [run.replicate],
            "month": pd.to_datetime(["2020-01-01"]),
            "region": ["CN"],
            "cases_true": [1.5 + run.replicate],
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> SweepFolder:
    """A sweep of three runs of which the first two are made."""
    made = SweepFolder(tmp_path / "sweep")
    made.begin({"seed": 1}, pd.DataFrame({"scenario": ["a", "b"]}))
    made.add_plan(RUNS)
    for batch in made.batches()[:2]:
        made.write(batch.name, rows(batch.runs[0]), [], 1)
    return made


def left(folder: SweepFolder) -> list[RunId]:
    """Runs that do not count."""
    return [run for batch in missing(folder.batches(), folder.done()) for run in batch.runs]


def test_what_is_logged_and_whole_counts(folder: SweepFolder) -> None:
    assert left(folder) == RUNS[2:]
    assert folder.monthly()["scenario"].tolist() == ["a", "b"]


def test_a_part_that_is_not_logged_does_not_count(folder: SweepFolder) -> None:
    """The power failed between the part and its line."""
    lines = (folder.path / LOG).read_bytes().splitlines(keepends=True)
    (folder.path / LOG).write_bytes(lines[0])
    assert left(folder) == RUNS[1:]


@given(cut=st.integers(min_value=1, max_value=60))
def test_a_torn_tail_costs_one_batch_and_the_next_line_is_whole(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """However much of the last line is missing; a line written afterwards can be read."""
    folder = SweepFolder(tmp_path_factory.mktemp("torn"))
    folder.begin({}, pd.DataFrame({"scenario": ["a"]}))
    folder.add_plan(RUNS)
    first, second, _ = folder.batches()
    for batch in (first, second):
        folder.write(batch.name, rows(batch.runs[0]), [], 1)
    log = folder.path / LOG
    log.write_bytes(log.read_bytes()[: -cut - 1])
    assert left(folder) == RUNS[1:]
    folder.write(second.name, rows(second.runs[0]), [], 1)
    assert left(folder) == RUNS[2:]


def test_a_part_that_was_changed_or_removed_does_not_count(folder: SweepFolder) -> None:
    first, second, _ = folder.batches()
    with open(folder.part(first.name), "ab") as file:
        file.write(b"x")
    folder.part(second.name).unlink()
    assert left(folder) == RUNS
    assert folder.monthly().empty


def test_batches_keep_their_names_when_the_plan_grows(folder: SweepFolder) -> None:
    before = folder.batches()
    folder.add_plan([RunId("c", 0, k) for k in range(5)])
    assert folder.batches()[:3] == before
    assert left(folder)[0] == RUNS[2]


def test_a_large_plan_has_few_parts(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path)
    folder.begin({}, pd.DataFrame())
    folder.add_plan([RunId("a", 0, k) for k in range(1000)])
    assert len(folder.batches()) <= MOST_BATCHES
    assert [run.replicate for batch in folder.batches() for run in batch.runs] == list(range(1000))


def test_a_batch_of_failures_counts_and_is_named(folder: SweepFolder) -> None:
    batch = folder.batches()[2]
    folder.write(batch.name, None, [Failure("a", 0, 1, "ValueError: no", 3)], 1)
    assert left(folder) == []
    assert folder.done()[batch.name].failed[0].run == RUNS[2]


@pytest.mark.parametrize("content", ["", "[]", '{"format": "other"}', '{"format": "cardbreak-sweep"}', "{"])
def test_a_description_that_is_not_ours_is_refused(folder: SweepFolder, content: str) -> None:
    (folder.path / "sweep.json").write_text(content)
    with pytest.raises(InputError, match=r"sweep\.json"):
        folder.about()
