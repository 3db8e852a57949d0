"""The cheapest mix through the command line: its answer, its costs, fresh runs, a kill, other prices."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from sim.scenario import load
from sim.study.api import compare

MIX = ("mix", "card-cleanup", "--replicates", 3, "--confirm", 4, "--target", "10%", "--chance-only")
GROUPS = ("--group", "phones=phone_card_cleanup")
SHORT = ("--scale", 2000, "--start", "2020-09-01", "--end", "2021-01-31", "--jobs", 1)
TABLES = ("answer.txt", "mixes.csv", "front.csv", "confirmed.csv", "front.png")


def command(*options: object) -> list[str]:
    return [sys.executable, "-m", "sim.cli", *map(str, options)]


def cardbreak(folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*options), cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an unbroken search, `whole`, and what it printed."""
    folder = tmp_path_factory.mktemp("mix")
    done = cardbreak(folder, *MIX, *GROUPS, *SHORT, "--json", "--out", "whole")
    assert done.returncode == 0, done.stderr
    (folder / "answer.json").write_text(done.stdout)
    (folder / "said.txt").write_text(done.stderr)
    return folder


def test_the_question_and_its_cost_are_stated_before_the_first_run(home: Path) -> None:
    said = (home / "said.txt").read_text()
    assert "10% fewer registered cases with probability 90% over 2020-10-01 to 2020-12-31" in said
    assert "3 mixes of 2 groups: 20 runs to screen them and to confirm one" in said
    assert "over chance alone" in said
    assert "4 fresh pairs can never tell that the target is reached; 29 can" in said


def test_the_answer_rests_on_fresh_pairs_alone(home: Path) -> None:
    content = json.loads((home / "answer.json").read_text())
    (confirmed,) = content["confirmed"]
    runs = pd.read_parquet(home / "whole" / "parts")
    fresh = runs[runs["replicate"] >= 4]
    assert sorted(fresh["replicate"].unique()) == list(range(4, 8))
    assert fresh["scenario"].nunique() == 2
    assert confirmed["pairs"] == 4
    assert confirmed["mix"] in content["answer"]
    assert runs["month"].max() == pd.Timestamp("2020-12-01"), "nothing is run that no answer needs"
    assert len(content["rows"]) == 4
    assert {row["mix"] for row in content["front"]} <= {row["mix"] for row in content["rows"]}
    assert all((home / "whole" / name).stat().st_size for name in TABLES)


def test_cost_and_cases_are_those_of_compare(home: Path) -> None:
    """The mix of all groups is the scenario: the same pairs give the same costs as `compare`."""
    scenario, baseline = (
        load(name, start="2020-09-01", end="2020-12-31", sets=("scale=2000",))
        for name in ("card-cleanup", "baseline")
    )
    found = compare(scenario, baseline=baseline, replicates=3, jobs=1, draws=None).findings
    assert found is not None
    total = found.costs.set_index("measure").loc["(all)"]
    row = pd.read_csv(home / "whole" / "mixes.csv").set_index("mix").loc["other + phones"]
    assert row["yuan"] == pytest.approx(total["cost"])
    assert row["averted"] == pytest.approx(total["averted_registered"])
    assert row["police_hours"] == pytest.approx(total["police_hours"])


def test_killed_and_resumed_it_is_the_unbroken_search(home: Path) -> None:
    options = (*MIX, *GROUPS, *SHORT, "--out", "broken", "--resume")
    out = home / "broken"
    process = subprocess.Popen(command(*options), cwd=home, stderr=subprocess.DEVNULL, start_new_session=True)
    waited = time.monotonic()
    while len(list(out.glob("parts/*.parquet"))) < 14 and process.poll() is None:
        assert time.monotonic() - waited < 120
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = cardbreak(home, *options)
    assert done.returncode == 0, done.stderr
    assert json.loads((home / "answer.json").read_text())["answer"] in done.stdout
    assert "harm: legitimate openings refused" in done.stdout
    for name in TABLES:
        assert (out / name).read_bytes() == (home / "whole" / name).read_bytes(), name


def test_other_prices_need_no_run_that_is_there(home: Path) -> None:
    before = {path.name for path in (home / "whole" / "parts").iterdir()}
    price = ("--cost", "phone_card_cleanup=1000", "--resume", "--json")
    done = cardbreak(home, *MIX, *GROUPS, *SHORT, "--out", "whole", *price)
    assert done.returncode == 0, done.stderr
    rows = {row["mix"]: row for row in json.loads(done.stdout)["rows"]}
    first = {row["mix"]: row for row in json.loads((home / "answer.json").read_text())["rows"]}
    assert rows["phones"]["yuan"] == pytest.approx(first["phones"]["yuan"] * 1000 / 3)
    assert rows["other"]["yuan"] == first["other"]["yuan"]
    assert before <= {path.name for path in (home / "whole" / "parts").iterdir()}


def test_fewer_runs_than_a_search_takes_are_refused_in_words(home: Path) -> None:
    refused = cardbreak(home, *MIX, *GROUPS, *SHORT, "--out", "refused", "--most-runs", 10)
    assert refused.returncode == 2
    assert "--most-runs: is 10, and screening 3 mixes and confirming one takes 20" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (home / "refused").exists()
