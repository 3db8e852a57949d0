"""`cardbreak backtest` and `controls` through the command line, with the real model at a coarse scale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from test_study import cardbreak

SIZE = ["--scale", 5000, "--draws", "prior:2", "--replicates", 2, "--jobs", 1]
POINT = ["--draws", "none"]
WHEN = ["--origin", "2020-12-20", "--start", "2020-06-01", "--end", "2021-02-28"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the back-test of the module is made."""
    return tmp_path_factory.mktemp("backtest")


@pytest.fixture(scope="module")
def content(folder: Path) -> dict[str, Any]:
    """What a back-test of one day prints as JSON; its files are under `made`, frozen ones under `kept`."""
    words = [*WHEN, *SIZE, "--out", "made", "--freeze", "kept", "--json"]
    done = cardbreak("backtest", *words, folder=folder)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_back_test_is_blind_to_what_came_later(content: dict[str, Any]) -> None:
    (origin,) = content["origins"]
    assert origin["origin"] == "2020-12-20"
    assert [row["structure"] for row in origin["structures"]] == ["card-broken-2020-known-2020-12-20"]
    left_out = {row["measure"] for row in origin["schedule"] if row["what"] == "left out"}
    assert {"antifraud_app", "blacklist_sharing"} <= left_out
    months = sorted({str(row["month"])[:7] for row in origin["bands"]})
    assert months == ["2020-12", "2021-01", "2021-02"]


def test_what_was_frozen_is_watched(content: dict[str, Any], folder: Path) -> None:
    assert content["folder"] == "made"
    kept = folder / "kept" / "2020-12-20.csv"
    assert kept.read_bytes() == (folder / "made" / "frozen" / kept.name).read_bytes()
    done = cardbreak("backtest", "--check", "kept", folder=folder)
    assert (done.returncode, "as they were frozen" in done.stdout) == (0, True)
    words = [*WHEN, *SIZE, "--out", "made", "--resume", "--freeze", "kept"]
    again = cardbreak("backtest", *words, folder=folder)
    assert again.returncode == 2
    assert "0 runs to make" in again.stderr
    assert "holds a frozen forecast of 2020-12-20 already" in again.stderr
    assert "strengths that the scenario assumes" in again.stdout.lower()
    kept.write_text(kept.read_text() + "\n")
    done = cardbreak("backtest", "--check", "kept", folder=folder)
    assert done.returncode == 1
    assert "2020-12-20.csv is not what was frozen" in done.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["backtest", *POINT, "--origin", "2023-05-01"], "after the scenario's end"),
        (["backtest", *POINT, "--origin", "2021-01-15", "--origin", "2021-01-15"], "is given twice"),
        (["backtest", "--origin", "2020-11-20"], "before what any shipped draws know"),
        (["backtest", "--check", "nowhere"], "holds no frozen forecast"),
        (["controls", "--end", "2021-06-30"], "ends on 2021-06-30, before the record"),
    ],
)
def test_wrong_input_is_one_line(words: list[str], complaint: str, tmp_path: Path) -> None:
    done = cardbreak(*words, folder=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_the_controls_find_nothing_in_a_dose_of_nothing(tmp_path: Path) -> None:
    """Two runs a world settle nothing else: no other question passes."""
    size = ["--scale", 5000, "--replicates", 2, "--shuffles", 1, "--jobs", 1, "--start", "2020-05-01"]
    worlds = ["--rival", "no-adaptation", "--draws", "none", "--out", "made"]
    done = cardbreak("controls", *size, *worlds, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "made" / "controls.csv").fillna("")
    assert list(dict.fromkeys(table["control"])) == ["dates", "nothing", "no operation"]
    (nothing,) = table[table["control"] == "nothing"].to_dict("records")
    assert (nothing["found"], nothing["of"], nothing["verdict"]) == (0, 2, "holds")
    assert "holds" not in set(table.loc[table["control"] != "nothing", "verdict"])
    assert "cannot be told" in set(table.loc[table["control"] == "dates", "verdict"])
    moved = pd.read_csv(tmp_path / "made" / "moved.csv")
    assert moved["scenario"].tolist() == ["card-broken-2020", "card-broken-2020-moved-1"]
    assert moved["misfit"].nunique() == 2


def test_a_forecast_of_what_was_known(tmp_path: Path) -> None:
    words = ["--origin", "2021-01-15", "--months", 2, "--as-known", "--set", "start=2020-12-01"]
    done = cardbreak("forecast", "card-broken-2020", *words, *SIZE, "--out", "made", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "suspects: after 2020-12-17 1,029 a day, as before" in done.stdout
    changes = pd.read_csv(tmp_path / "made" / "schedule.csv")
    assert set(changes["what"]) == {"left out", "cut", "goes on", "hindsight"}
