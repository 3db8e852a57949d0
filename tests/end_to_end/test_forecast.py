"""`cardbreak forecast` through the command line, with the real model at a coarse scale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from test_study import cardbreak

SIZE = ["--scale", 5000, "--draws", "prior:2", "--replicates", 4, "--jobs", 1]
RIVAL = ["--rival", "no-adaptation"]
WHEN = ["--origin", "2019-02-10", "--months", 3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the forecast of the module is made."""
    return tmp_path_factory.mktemp("forecast")


@pytest.fixture(scope="module")
def content(folder: Path) -> dict[str, Any]:
    """What a forecast with one rival prints as JSON; its files are under `made`."""
    done = cardbreak(
        "forecast",
        "baseline",
        *WHEN,
        *SIZE,
        "--rival",
        "no-adaptation",
        "--out",
        "made",
        "--json",
        folder=folder,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_the_months_ahead_begin_with_that_of_the_origin(content: dict[str, Any]) -> None:
    levels = [row for row in content["bands"] if row["statistic"] == "level"]
    assert [str(row["month"])[:7] for row in levels] == ["2019-02", "2019-03", "2019-04"]
    for row in levels:
        assert row["q05"] <= row["q25"] <= row["q50"] <= row["q75"] <= row["q95"]
        assert row["knowledge"] + row["chance"] + row["structure"] == pytest.approx(1.0)


def test_structures_weigh_the_same_where_nothing_was_known(content: dict[str, Any]) -> None:
    weights = {row["structure"]: row["weight"] for row in content["structures"]}
    assert weights == {"baseline": 0.5, "baseline-no-adaptation": 0.5}


def test_the_files_say_what_was_printed(content: dict[str, Any], folder: Path) -> None:
    bands = pd.read_csv(folder / "made" / "bands.csv")
    assert bands["q50"].tolist() == pytest.approx([row["q50"] for row in content["bands"]])
    assert (folder / "made" / "forecast.png").read_bytes().startswith(b"\x89PNG")
    assert len(pd.read_csv(folder / "made" / "naive.csv")["forecaster"].unique()) == 5


def test_it_goes_on_where_it_was(content: dict[str, Any], folder: Path) -> None:
    done = cardbreak("forecast", "baseline", *WHEN, *SIZE, *RIVAL, "--out", "made", "--resume", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "0 runs to make" in done.stderr
    assert "draws are from the priors" in done.stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--origin", "2022-12-01", "--months", 12], "ends on 2022-12-31"),
        (["--origin", "2018-01-15"], "no simulated month before"),
        (["--rival", "none-such"], "no rival structure"),
    ],
)
def test_wrong_input_is_one_line(words: list[Any], complaint: str, tmp_path: Path) -> None:
    done = cardbreak("forecast", "baseline", *words, *SIZE, folder=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_it_draws_parameters_unless_told_not_to(tmp_path: Path) -> None:
    size = ["--scale", 5000, "--jobs", 1, "--dry-run"]
    done = cardbreak("forecast", "baseline", *WHEN, *size, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "40 replicates each; 40 runs to make" in done.stderr
