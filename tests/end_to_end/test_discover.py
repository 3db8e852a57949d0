"""`cardbreak discover` through the command line, on a small sweep of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

EXPERIMENT = """\
scenarios: [card-broken-2020]
baseline: baseline
scale: 5000
start: 2020-09-01
end: 2020-10-31
replicates: 1
knowledge: {points: 8, of: [market.sharpness, openers.arrest_weight]}
"""


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "sim.cli", *words]
    return subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an experiment and its finished sweep."""
    folder = tmp_path_factory.mktemp("discover")
    (folder / "asked.yaml").write_text(EXPERIMENT)
    done = run(folder, "sweep", "asked.yaml", "--jobs", "1", "--quiet")
    assert done.returncode == 0, done.stderr
    return folder


def test_an_experiment_and_its_folder_are_the_same_sweep(home: Path) -> None:
    told = run(home, "discover", "asked.yaml", "--target", "-30%")
    assert told.returncode == 0, told.stderr
    assert "asked: all 16 runs are there; 1 policy at 8 points of knowledge" in told.stderr
    assert "card-broken-2020 declines by less than 30% at " in told.stdout
    regret = pd.read_csv(home / "results" / "asked" / "regret.csv")
    assert regret["policy"].tolist() == ["baseline", "card-broken-2020"]
    assert (regret["states"] == 8).all()
    boxes = pd.read_csv(home / "results" / "asked" / "boxes.csv")
    assert boxes["points"].tolist() == [8]
    as_json = run(home, "discover", "results/asked", "--target", "-30%", "--json")
    content = json.loads(as_json.stdout)
    assert [row["policy"] for row in content["regret"]] == regret["policy"].tolist()
    assert content["boxes"][0]["failures"] == boxes["failures"][0]
    assert content["boxes"][0]["box_points"] is None


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["outlets-suspended"],
            "results/outlets-suspended: holds no sweep. Run `cardbreak sweep outlets-suspended`",
        ),
        (
            ["asked.yaml", "--target", "20%"],
            "--target: asks for a rise, and lower is better here. Write -20%.",
        ),
        (
            ["asked.yaml", "--policy", "baselin"],
            "--policy: no policy 'baselin'. There are: card-broken-2020.",
        ),
        (["asked.yaml", "--outcome", "cases_regist"], "Did you mean 'cases_registered'?"),
        (["."], "sweep.json: is missing"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(home: Path, words: list[str], line: str) -> None:
    refused = run(home, "discover", *words)
    assert refused.returncode == 2
    assert line in refused.stderr
    assert refused.stderr.count("\n") == 1
