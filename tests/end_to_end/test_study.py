"""Whole studies through the command line, with the real model at a coarse scale over a few months."""

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

from sim.observe.store import (
    DISPLACEMENT_PICTURE,
    FILES,
    INTERACTION,
    PICTURE,
    PRECISION,
    open_results,
)
from sim.study.compare import COLUMNS

SHORT = [
    "--scale",
    "2000",
    "--replicates",
    "2",
    "--draws",
    "none",
    "--start",
    "2018-01-01",
    "--end",
    "2018-04-30",
]

SUSPENSION = """\
extends: baseline.yaml
interventions:
  - measure: opening_suspension
    start: 2018-03-01
    end: 2018-04-30
    outlets: {outlets}
    evidence: []
"""


def cardbreak(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sim.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two scenarios and, under `one`, their comparison with the baseline in one process."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "closed.yaml").write_text(SUSPENSION.format(outlets=60_000))
    (folder / "nought.yaml").write_text(SUSPENSION.format(outlets=0))
    done = cardbreak(
        "compare", "closed.yaml", "nought.yaml", *SHORT, "--jobs", 1, "--out", "one", folder=folder
    )
    assert done.returncode == 0, done.stderr
    assert "closed against baseline, 2018-01-01 to 2018-04-30" in done.stdout
    tables = "summary.csv, effects.csv, displacement.csv, costs.csv"
    pictures = "forecast.png, displacement.png"
    assert (
        f"wrote one/: monthly.parquet, measures.parquet, {tables}, {pictures}, manifest.json" in done.stdout
    )
    return folder


def test_all_files_are_there_and_no_other(study: Path) -> None:
    """No scenario here is the sum of others and no half-width was asked for: two tables are not there."""
    assert {file.name for file in (study / "one").iterdir()} == {*FILES} - {INTERACTION, PRECISION}
    for name in (PICTURE, DISPLACEMENT_PICTURE):
        assert (study / "one" / name).read_bytes().startswith(b"\x89PNG")


def test_the_table_holds_every_run_month_and_region(study: Path) -> None:
    frame = open_results(study / "one").monthly
    assert list(dict.fromkeys(frame["scenario"])) == ["baseline", "closed", "nought"]
    assert frame["month"].nunique() == 4
    assert set(frame["replicate"]) == {0, 1}
    assert "CN" in set(frame["region"])
    assert frame.groupby("scenario").size().nunique() == 1


def test_the_manifest_says_how_it_came_about(study: Path) -> None:
    manifest = open_results(study / "one").manifest
    assert (manifest["seed"], manifest["replicates"], manifest["draws"], manifest["scale"]) == (
        1,
        2,
        None,
        2000,
    )
    assert manifest["complete"]
    assert [run["status"] for run in manifest["runs"]] == ["finished"] * 6
    differences = manifest["scenarios"][1]["differs_from_baseline"]
    assert [row["path"] for row in differences] == ["interventions.opening_suspension"]
    assert "closed.yaml" in manifest["inputs"]
    assert any("parameters" in name for name in manifest["inputs"])


def test_threads_and_processes_do_not_change_a_bit(study: Path) -> None:
    for place, options in enumerate((["--jobs", "2"], ["--jobs", "2", "--threads", "2"])):
        out = f"other{place}"
        done = cardbreak(
            "compare", "closed.yaml", "nought.yaml", *SHORT, *options, "--out", out, "--quiet", folder=study
        )
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        one, other = open_results(study / "one"), open_results(study / out)
        assert other.manifest["fingerprint"] == one.manifest["fingerprint"]
        assert (study / out / "monthly.parquet").read_bytes() == (study / "one/monthly.parquet").read_bytes()


def test_another_seed_changes_the_numbers(study: Path) -> None:
    done = cardbreak("run", "baseline", *SHORT, "--seed", 2, "--out", "seed2", "--json", folder=study)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["manifest"]["seed"] == 2
    one = open_results(study / "one").monthly.query("scenario == 'baseline'")["cases_true"]
    assert list(open_results(study / "seed2").monthly["cases_true"]) != list(one)


def history(study: Path, scenario: str) -> pd.DataFrame:
    frame = open_results(study / "one").monthly
    rows = frame[frame["scenario"] == scenario].drop(columns="scenario")
    return rows.set_index(["replicate", "month", "region"])


def test_a_zero_dose_is_the_baseline_bit_for_bit(study: Path) -> None:
    frame = (
        open_results(study / "one").monthly.drop(columns=["draw"]).set_index(["replicate", "month", "region"])
    )
    base, nought = (
        frame[frame["scenario"] == name].drop(columns="scenario") for name in ("baseline", "nought")
    )
    pd.testing.assert_frame_equal(base, nought, check_exact=True)
    effects = pd.read_csv(study / "one" / "effects.csv")
    nothing = effects[effects["scenario"] == "nought"]
    ratios = nothing["unit"] == "ratio"
    assert set(nothing["verdict"][~ratios]) == {"no difference: identical in every pair"}
    assert ratios.any()
    assert nothing["effect"][ratios].isna().all()


def test_history_before_a_measure_is_the_baselines_bit_for_bit(study: Path) -> None:
    frame = open_results(study / "one").monthly.set_index(["replicate", "month", "region"])
    base, closed = (
        frame[frame["scenario"] == name].drop(columns="scenario") for name in ("baseline", "closed")
    )
    early = base.index.get_level_values("month") < "2018-03-01"
    pd.testing.assert_frame_equal(base[early], closed[early], check_exact=True)
    assert not base[~early].equals(closed[~early])


def test_a_suspension_turns_honest_customers_away(study: Path) -> None:
    effects = pd.read_csv(study / "one" / "effects.csv")
    assert tuple(effects.columns) == COLUMNS
    harm = effects.query("scenario == 'closed' and outcome == 'openings_lost_to_suspension'").iloc[0]
    assert harm["effect"] > 0
    assert harm["verdict"].endswith(": harm")


def test_an_existing_result_is_refused_before_any_run(study: Path) -> None:
    done = cardbreak("run", "baseline", *SHORT, "--out", "one", folder=study)
    assert done.returncode == 2
    assert len([line for line in done.stderr.splitlines() if "already holds results" in line]) == 1
    assert open_results(study / "one").manifest["complete"]


def test_draws_are_shared_by_pairs(study: Path) -> None:
    done = cardbreak(
        "compare",
        "closed.yaml",
        *SHORT,
        "--replicates",
        3,
        "--draws",
        "prior:2",
        "--out",
        "draws",
        folder=study,
    )
    assert done.returncode == 0, done.stderr
    frame = open_results(study / "draws").monthly
    pairs = frame[["scenario", "draw", "replicate"]].drop_duplicates()
    for _, rows in pairs.groupby("scenario"):
        assert list(zip(rows["draw"], rows["replicate"], strict=True)) == [(1, 0), (2, 1), (1, 2)]
    effects = pd.read_csv(study / "draws" / "effects.csv")
    assert set(effects["interval"][effects["unit"] != "ratio"]) == {"mean over draws and chance"}
    assert set(effects["draws"]) == {2}


def test_patterns_read_a_results_folder(study: Path) -> None:
    done = cardbreak("patterns", "one", "--scenario", "closed", "--save", "patterns.csv", folder=study)
    assert done.returncode == 0, done.stderr
    assert "not covered by the run" in done.stdout
    assert "needs runs of its own" in done.stdout
    assert "P8: Months from the first month" in done.stdout
    assert list(pd.read_csv(study / "patterns.csv")["id"])[-1] == "all"
    wrong = cardbreak("patterns", "one", "--scenario", "other", folder=study)
    assert wrong.returncode == 2
    assert len(wrong.stderr.splitlines()) == 1


def test_patterns_make_the_experiments_that_they_need(study: Path) -> None:
    """One year of everything: enough for two of the experiments, and for no history."""
    year = ["--scale", 5000, "--replicates", 1, "--jobs", 1, "--set", "end=2018-12-31"]
    done = cardbreak("patterns", *year, "--save", "experiments.csv", folder=study)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(study / "experiments.csv").set_index("id")
    assert "card-broken-2020, 1 replicates; experiments, 1" in done.stdout
    assert table.loc[["P1", "P15", "P16"], "verdict"].unique().tolist() == ["not covered by the run"]
    assert table.loc[["P14a", "P14b", "P19a", "P19b"], "runs"].tolist() == [1] * 4
    assert table.loc[["P19a", "P19b"], "verdict"].tolist() == ["pass"] * 2


def test_scenarios_that_cannot_be_paired_are_refused(study: Path) -> None:
    (study / "coarse.yaml").write_text("extends: baseline.yaml\nscale: 4000\n")
    done = cardbreak("compare", "coarse.yaml", "--out", "never", folder=study)
    assert done.returncode == 2
    assert "differs from the baseline" in done.stderr
    assert not (study / "never").exists()
    (study / "same.yaml").write_text("extends: baseline.yaml\nname: closed\n")
    done = cardbreak("compare", "closed.yaml", "same.yaml", "--out", "never", folder=study)
    assert done.returncode == 2
    assert "two scenarios" in done.stderr


def test_an_interruption_leaves_finished_runs_readable(study: Path) -> None:
    """Ctrl-C after some of fifty runs: they are written, the folder says that it is not complete."""
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from sim import cli; cli.main()"
    )
    month = ["--scale", "2000", "--draws", "none", "--end", "2018-01-31"]
    many = ["run", "baseline", *month, "--replicates", "5000", "--jobs", "2", "--out", "stopped"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *many],
        cwd=study,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stderr is not None
        said = next(line for line in process.stderr if "runs done" in line)
        time.sleep(5)  # that counts parts of runs, too
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        if process.poll() is None:  # nothing of it is left to slow down other tests
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130, said + err
    assert "Traceback" not in err + out
    assert "of 5000 runs are finished and written" in err
    results = open_results(study / "stopped")
    assert not results.manifest["complete"]
    assert results.manifest["interrupted"]
    assert results.monthly["replicate"].nunique() == len(results.manifest["runs"]) >= 1
