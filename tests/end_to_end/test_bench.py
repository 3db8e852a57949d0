"""The command `bench` with the smallest sizes: its tables, its files, its exit codes."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim import cli
from sim.bench import plan, rounds
from sim.bench.targets import TARGETS

Call = Callable[..., tuple[int, str, str]]
TINY = dataclasses.replace(
    plan.QUICK,
    least_seconds=0.001,
    decks=(1000,),
    megabytes=1,
    scales=(20_000,),
    run_end="2018-01-20",
    peer_agents=dict.fromkeys(plan.QUICK.peer_agents, 300),
    peer_steps=3,
)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Call the command in an empty folder, with sizes that take moments."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CARDBREAK_DEBUG", raising=False)
    monkeypatch.setattr("sim.bench.command.QUICK", TINY)

    def called(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cardbreak", "bench", *map(str, arguments)])
        code = cli.guarded()
        return code, *capsys.readouterr()

    return called


@pytest.mark.parametrize(
    "arguments",
    [["--only", "speed"], ["--rounds", "0"], ["--rounds", "many"], ["--bogus"], ["--scale", "1"], ["fast"]],
    ids=" ".join,
)
def test_wrong_options_are_one_line_and_exit_2(call: Call, arguments: list[str]) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err


def test_a_quick_benchmark_prints_its_tables_and_writes_them(call: Call, tmp_path: Path) -> None:
    code, out, err = call("--quick", "--only", "cards", "--only", "runs", "--out", "there")
    assert code == 0, err
    assert err.startswith("quick benchmark of cards, runs: 3 measurements once")
    for words in (
        "card step, 1,000 cards, 2 threads",
        "run at scale 20000, to 2018-01-20",
        "Milliseconds a day by phase",
        "Targets on two cores",
        "five years daily at scale 100, one core",
        "not measured",
    ):
        assert words in out, words
    content = json.loads((tmp_path / "there" / "bench.json").read_text())
    check_content(content)
    page = (tmp_path / "there" / "bench.md").read_text()
    assert "| **The card step alone** |  |  |  |" in page
    assert "| five years daily at scale 100, one core | at most 2.00 s |  | not measured |" in page

    code, out, err = call("--quick", "--only", "cards", "--out", "there")
    assert (code, out) == (2, "")
    assert "holds a benchmark" in err


def check_content(content: dict[str, Any]) -> None:
    """What a program reads: format, machine, all results and verdicts, and no place on the machine."""
    assert (content["format"], content["schema"], content["plan"]) == ("cardbreak-bench", 1, "quick")
    assert {"processor", "cores", "memory_gb", "python", "numba", "load_before"} <= set(content["machine"])
    assert {"part", "what", "value", "unit", "rounds", "beside"} == set(content["results"][0])
    assert all(row["value"] > 0.0 for row in content["results"])
    assert set(content["profile_ms_a_day"]) == {"20000"}
    assert len(content["profile_ms_a_day"]["20000"]) == 13
    assert [target["what"] for target in content["targets"]] == [target.what for target in TARGETS]
    judged = {target["what"]: target["met"] for target in content["targets"]}
    assert judged["card step on two threads"] in {True, False}
    assert judged["`--help`"] is None
    assert not content["interrupted"]
    assert str(Path(__file__).resolve().parents[2]) not in json.dumps(content)


def test_peers_that_are_installed_run_and_agree_and_others_are_named(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sim.bench.peers.ELSEWHERE", tmp_path / "nowhere")
    code, out, err = call("--quick", "--only", "peers", "--json")
    assert code == 0, err
    content = json.loads(out)
    assert {peer["peer"] for peer in content["peers"]} == {"cardbreak", "NumPy", "Mesa do", "Mesa shuffle_do"}
    assert all(peer["most_deviations"] < 4.5 for peer in content["peers"])
    assert all(peer["life_cycle_over_it"] > 0.0 for peer in content["peers"])
    assert content["missing"] == [
        "not installed, so not measured (`make bench` installs them): Starsim, Starsim SIR, laser-core, "
        "laser-generic SIR"
    ]


def test_a_measurement_that_fails_is_named_and_the_others_go_on() -> None:
    tasks = [
        plan.Task("x", "fails", (sys.executable, "-c", "raise SystemExit('no such thing')"), 1.0),
        plan.Task("x", "dies", (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"), 1.0),
        plan.Task("x", "is not there", ("./no-such-program",), 1.0),
        plan.Task("x", "works", (sys.executable, "-c", 'print("hello"); print(\'{"y": 2}\')'), 1.0),
    ]
    told: list[float] = []
    found = rounds.measure(tasks, 1, lambda done, total: told.append(done / total))
    assert found.errors == {
        "fails": "no such thing",
        "dies": "the process was ended by signal 9 (out of memory?)",
        "is not there": "could not be started (No such file or directory)",
    }
    assert found.median("works", "y") == 2.0
    assert told[-1] == 1.0


def test_an_interrupt_keeps_what_is_measured(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[str] = []

    def run(task: plan.Task, report: object) -> dict[str, Any]:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(task.name)
        return {"rate_1": 1e6, "rate_2": 2e6}

    monkeypatch.setattr(rounds, "run", run)
    code, out, err = call("--quick", "--only", "cards", "--rounds", 3)
    assert code == 130
    assert "card step, 1,000 cards" in out
    assert err.splitlines()[-1] == "cardbreak: interrupted: what was measured by then is written"
    assert json.loads((tmp_path / "results" / "bench" / "bench.json").read_text())["interrupted"]

    code, out, err = call("--quick", "--only", "cards", "--out", "other")
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "cardbreak: interrupted before anything was measured; nothing is written"
    assert not (tmp_path / "other").exists()
