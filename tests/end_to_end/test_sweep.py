"""Sweeps through the command line: killed at any moment, resumed, widened, and never lost or repeated."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

EXPERIMENT = """\
scenarios: [card-broken-2020]
baseline: baseline
scale: 2000
start: 2020-09-01
end: 2020-11-30
replicates: 3
levers:
  of:
    outlets: {set: interventions.opening_suspension.outlets, values: [0, 620]}
knowledge: {points: 2, of: [market.sharpness]}
"""
RUNS = 18
LABELS = ["scenario", "draw", "replicate", "month", "region"]


def command(*options: object) -> list[str]:
    return [sys.executable, "-m", "sim.cli", "sweep", "asked.yaml", "--jobs", "2", *map(str, options)]


def sweep(folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*options), cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def values(folder: Path) -> pd.DataFrame:
    """All rows of all parts, in the order of their labels."""
    return pd.read_parquet(folder / "parts").sort_values(LABELS, ignore_index=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an experiment and its unbroken sweep, `whole`."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "asked.yaml").write_text(EXPERIMENT)
    done = sweep(folder, "--out", "whole")
    assert done.returncode == 0, done.stderr
    assert f"{RUNS} runs to make" in done.stderr
    assert "of disk" in done.stderr
    assert "run-months are shared with another run" in done.stderr
    assert "run-months were shared with another run" in done.stderr
    return folder


def test_a_sweep_has_every_run_once(home: Path) -> None:
    frame = values(home / "whole")
    assert not frame.duplicated(LABELS).any()
    assert frame.groupby(LABELS[:3]).ngroups == RUNS
    design = pd.read_csv(home / "whole" / "design.csv")
    assert set(design["scenario"]) == set(frame["scenario"])


def test_killed_at_any_moment_and_resumed_it_is_the_unbroken_sweep(home: Path) -> None:
    """Killed at once, then twice while runs are under way; each kill takes the workers too."""
    out = home / "broken"
    for seconds_or_parts in (0.3, 2, 7):
        process = subprocess.Popen(
            command("--out", "broken", "--resume"),
            cwd=home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if isinstance(seconds_or_parts, float):
            time.sleep(seconds_or_parts)
        else:
            waited = time.monotonic()
            while len(list(out.glob("parts/*.parquet"))) < seconds_or_parts and process.poll() is None:
                assert time.monotonic() - waited < 120
                time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    before = {part.name: part.stat().st_mtime_ns for part in out.glob("parts/g*.parquet")}
    done = sweep(home, "--out", "broken", "--resume")
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(values(out), values(home / "whole"))
    logged = {json.loads(line)["batch"] for line in (out / "log.jsonl").read_text().splitlines()}
    assert len(logged) == RUNS
    kept = [name for name, when in before.items() if (out / "parts" / name).stat().st_mtime_ns == when]
    assert len(kept) >= len(before) - 1  # a part in place whose line was not yet written is made again


def test_a_wider_experiment_runs_only_what_is_new(home: Path) -> None:
    narrow = home / "asked.yaml"
    first = sweep(home, "--out", "grown", "--replicates", 1)
    assert first.returncode == 0, first.stderr
    parts = {part.name: part.read_bytes() for part in (home / "grown" / "parts").iterdir()}
    refused = sweep(home, "--out", "grown", "--resume")
    assert refused.returncode == 2
    assert "--expand" in refused.stderr
    wide = EXPERIMENT.replace("[0, 620]", "[0, 620, 5000]")
    narrow.write_text(wide)
    try:
        grown = sweep(home, "--out", "grown", "--expand")
        assert grown.returncode == 0, grown.stderr
        assert f"{3 * 8 - 6} runs to make" in grown.stderr
        for name, content in parts.items():
            assert (home / "grown" / "parts" / name).read_bytes() == content
        whole = values(home / "whole")
        frame = values(home / "grown")
        assert frame.groupby(LABELS[:3]).ngroups == 3 * 8
        shared = frame[frame["scenario"].isin(whole["scenario"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(shared, whole)
    finally:
        narrow.write_text(EXPERIMENT)


def test_another_seed_or_a_changed_scenario_is_refused_unless_asked_for(home: Path) -> None:
    for options in (["--seed", 2], []):
        text = EXPERIMENT if options else EXPERIMENT.replace("end: 2020-11-30", "end: 2020-10-31")
        (home / "asked.yaml").write_text(text)
        refused = sweep(home, "--out", "whole", "--resume", *options)
        (home / "asked.yaml").write_text(EXPERIMENT)
        assert refused.returncode == 2
        assert "was begun with something else" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_nothing_is_overwritten_without_a_word(home: Path) -> None:
    refused = sweep(home, "--out", "whole")
    assert refused.returncode == 2
    assert "--resume" in refused.stderr


def test_shares_made_apart_are_collected_into_the_unbroken_sweep(home: Path) -> None:
    """A plan, two shares on copies of it as on machines without a common disk, then collected."""
    assert sweep(home, "--out", "shared", "--plan").returncode == 0
    assert not list((home / "shared" / "parts").iterdir())
    for number in (1, 2):
        shutil.copytree(home / "shared", home / f"copy{number}")
        done = sweep(home, "--out", f"copy{number}", "--shard", f"{number}/2")
        assert done.returncode == 0, done.stderr
    assert 0 < len(list((home / "copy1" / "parts").iterdir())) < RUNS
    words = [sys.executable, "-m", "sim.cli", "collect", "shared", "copy1", "copy2"]
    collected = subprocess.run(words, cwd=home, capture_output=True, text=True, timeout=60, check=False)
    assert "complete" in collected.stdout, collected.stderr
    pd.testing.assert_frame_equal(values(home / "shared"), values(home / "whole"))


def test_a_dry_run_makes_nothing_and_a_budget_stops_before_the_first_run(home: Path) -> None:
    planned = sweep(home, "--out", "planned", "--dry-run")
    assert planned.returncode == 0
    assert f"{RUNS} runs to make" in planned.stderr
    (home / "asked.yaml").write_text(EXPERIMENT + "budget: {runs: 10}\n")
    refused = sweep(home, "--out", "planned")
    (home / "asked.yaml").write_text(EXPERIMENT)
    assert refused.returncode == 2
    assert "budget.runs" in refused.stderr
    assert not (home / "planned").exists()
