"""Sensitivity through the command line: runs made once, asked again without any, split from the folder."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sim.cli import guarded

EXPERIMENT = """\
scenarios: [card-broken-2020]
baseline: baseline
scale: 5000
start: 2020-10-01
end: 2020-11-30
replicates: 2
knowledge: {points: 2, of: [market.sharpness, openers.arrest_weight]}
"""
RUNS = 2 * (2 + 1) * 2 * 2
"""Trajectories, rows of each, scenarios, replicates."""


def sensitivity(*words: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, in the working directory."""
    command = [sys.executable, "-m", "sim.cli", "sensitivity", *map(str, words), "--jobs", "1"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command in this process, in the experiment's folder; returns its exit code."""

    def run(*words: object) -> int:
        monkeypatch.chdir(home)
        monkeypatch.setattr(sys, "argv", ["cardbreak", "sensitivity", *map(str, words), "--jobs", "1"])
        return guarded()

    return run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an experiment and a screening of it in `found`; `moved` is no sweep."""
    folder = tmp_path_factory.mktemp("sensitivity")
    (folder / "asked.yaml").write_text(EXPERIMENT)
    (folder / "moved").mkdir()
    about = {"format": "cardbreak-sweep", "format_version": 1, "seed": 1}
    (folder / "moved" / "sweep.json").write_text(json.dumps(about))
    with contextlib.chdir(folder):
        done = sensitivity("asked.yaml", "--trajectories", 2, "--out", "found")
    assert done.returncode == 0, done.stderr
    assert f"{RUNS} runs to make" in done.stderr
    assert "card-broken-2020: what the effect on cases_registered," in done.stdout
    assert "what mu* would be if the parameter did nothing" in " ".join(done.stdout.split())
    return folder


def test_a_screening_leaves_a_table_and_a_picture(home: Path) -> None:
    table = pd.read_csv(home / "found" / "sensitivity.csv")
    assert set(table["parameter"]) == {"market.sharpness", "openers.arrest_weight"}
    assert (table["low"] <= table["mu_star"]).all()
    assert (home / "found" / "sensitivity.png").read_bytes().startswith(b"\x89PNG")


def test_another_question_to_the_same_runs_needs_no_run(
    here: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("asked.yaml", "--trajectories", 2, "--out", "found", "--resume")
    code = here(*asked, "--of", "level", "--outcome", "losses_yuan", "--json")
    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "0 runs to make" in printed.err
    rows = json.loads(printed.out)["rows"]
    assert {(row["of"], row["outcome"]) for row in rows} == {("level", "losses_yuan")}


def test_the_variance_of_a_finished_sweep_is_split_from_its_folder_alone(
    home: Path, here: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert here("found", "--method", "split") == 0
    printed = capsys.readouterr()
    assert "runs to make" not in printed.err
    assert "no sample of the priors" in printed.err, "these are the walks of a screening"
    assert "variance of the effect on cases_registered" in printed.out
    table = pd.read_csv(home / "found" / "split.csv")
    assert list(dict.fromkeys(table["of"])) == ["level", "effect"]
    parts = table[(table["of"] == "level") & (table["part"] != "all with chance")]
    assert parts["share"].sum() == pytest.approx(1.0)
    assert (home / "found" / "split.png").read_bytes().startswith(b"\x89PNG")
    assert here("found", "--method", "split", "--json") == 0
    again = pd.DataFrame(json.loads(capsys.readouterr().out)["rows"])
    assert again["share"].tolist() == table["share"].tolist()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("asked.yaml", "--outcome", "cases_regstered"), "cases_registered"),
        (("asked.yaml", "--window", "2021-H2"), "2021-H2"),
        (("asked.yaml", "--method", "sobol", "--points", 12), "Give 16"),
        (("no-such.yaml", "--method", "split"), "is no experiment"),
        (("moved", "--method", "split"), "describes no experiment"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(
    here: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    words: tuple[object, ...],
    message: str,
) -> None:
    assert here(*words) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert len(printed.strip().splitlines()) == 1
