"""`cardbreak synthetic` and `cardbreak identified` on a bank whose runs are made up by a formula."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from test_calibrate import QUESTION, run

from sim import console_identified as told_apart
from sim.calibration.bank import point_values, prior_points
from sim.calibration.bank_folder import Bank
from sim.console_identified import identified
from sim.console_synthetic import FILES, Asked, synthetic
from sim.errors import InputError
from sim.scenario import load


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """A bank with a wave over the prior, and one at a single point."""
    path = tmp_path_factory.mktemp("synthetic") / "bank"
    bank = Bank(path, load("card-broken-2020", sets=["scale=5000"]), 1)
    bank.begin()
    run(bank, bank.add("prior", "made-up", prior_points(bank.names, 120, 1), {}))
    here = point_values(bank.names, bank.scenario.parameters)
    run(bank, bank.add("chance", "made-up", np.tile(here, (4, 1)), {}))
    return bank


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The targets of the made-up world."""
    path = tmp_path_factory.mktemp("targets") / "made-up.yaml"
    rows = [json.loads(target.model_dump_json(exclude_defaults=True)) for target in QUESTION.targets]
    about = {"name": "made-up", "title": "Made up", "scenario": "card-broken-2020", "targets": rows}
    path.write_text(yaml.safe_dump(about))
    return str(path)


def test_it_says_how_often_truths_are_found(
    bank: Bank, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    synthetic(bank.path, Asked(file, None, 2, 1), quiet=False, json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["origin"] == "2021-12-01"
    truths = pd.read_csv(Path(said["folder"]) / "truths.csv")
    assert truths["truth"].nunique() == 2
    assert truths["truth"].max() < 120, "runs at a single point are no truths"
    assert {row["what"] for row in said["coverage"]} >= {"all parameters", "months ahead"}
    assert all((Path(said["folder"]) / name).exists() for name in FILES)


def test_what_it_cannot_do_is_said_in_a_line(bank: Bank, file: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no bank"):
        synthetic(tmp_path, Asked(file, None, 2, 1), quiet=True, json=False)
    with pytest.raises(InputError, match="121 truths are asked for"):
        synthetic(bank.path, Asked(file, None, 121, 1), quiet=True, json=False)
    torn = tmp_path / "bank.json"
    torn.write_text("[1")
    with pytest.raises(InputError, match="not readable"):
        synthetic(tmp_path, Asked(file, None, 2, 1), quiet=True, json=False)


def test_it_says_what_is_told_apart(
    bank: Bank, file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the made-up world: the parameters that set its level, and that its own course is worth knowing."""
    monkeypatch.setattr("sim.calibration.identified.POINTS", 100)
    identified(bank.path, told_apart.Asked(file, 1, None), quiet=False, json=True)
    said = json.loads(capsys.readouterr().out)
    verdicts = {row["parameter"]: row["verdict"] for row in said["identified"]}
    assert list(verdicts) == list(bank.names)
    assert verdicts[bank.names[0]] != "not identified"
    assert {row["left_out"] for row in said["left-out"]} >= {"nothing", "again"}
    assert said["pass-rates"][-1]["target"] == "all"
    worths = {row["datum"]: row for row in said["worth"]}
    assert all(row["low"] <= row["reduction"] <= row["high"] for row in worths.values())
    assert (bank.path / "identified" / "worth.csv").exists()
