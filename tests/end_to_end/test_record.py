"""The record at the command line: what is known, and how far a results folder is from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_study import cardbreak


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of two coarse runs to the end of 2020."""
    folder = tmp_path_factory.mktemp("record")
    size = [
        "--scale",
        5000,
        "--replicates",
        2,
        "--end",
        "2020-12-31",
        "--jobs",
        1,
        "--draws",
        "none",
        "--quiet",
    ]
    done = cardbreak("run", "card-broken-2020", *size, "--out", "made", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_runs_are_held_against_what_they_cover(folder: Path) -> None:
    done = cardbreak("targets", "made", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    rows = {row["id"]: row for row in json.loads(done.stdout)["rows"]}
    assert rows["C9-low"]["runs"] == 2
    assert rows["C9-low"]["verdict"] in ("met", "missed", "far off")
    assert rows["C1"]["verdict"] == "not covered by the runs"
    assert "C13" not in rows  # imposed: a run says nothing about it


def test_the_record_is_listed_as_known_on_a_day(folder: Path) -> None:
    done = cardbreak("targets", "--known-by", "2021-01-15", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "as known on 2021-01-15" in done.stdout
    assert "\nC8 " in done.stdout
    assert "\nC1 " not in done.stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--variant", "suspects=middle"], "suspects=upper"),
        (["--file", "no-such"], "card-broken-2020"),
        (["made", "--scenario", "baseline", "--variant", "suspects"], "Write suspects=lower"),
        (["nowhere"], "nowhere"),
        (["--known-by", "soon"], "2021-06-30"),
    ],
)
def test_wrong_input_is_one_line(words: list[str], complaint: str, folder: Path) -> None:
    done = cardbreak("targets", *words, folder=folder)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
