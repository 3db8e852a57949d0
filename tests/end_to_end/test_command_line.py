"""The command line on right and wrong input: exit codes, one line a fault, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sim import cli

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Call the command in this process, in an empty folder; gives exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CARDBREAK_DEBUG", raising=False)

    def called(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cardbreak", *map(str, arguments)])
        code = cli.guarded()
        return code, *capsys.readouterr()

    return called


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "baseline", "--replicates", "0"],
        ["run", "baseline", "--replicates", "many"],
        ["run", "baseline", "--replicates", "1e400"],
        ["run", "baseline", "--seed", "-1"],
        ["run", "baseline", "--seed", "99999999999999999999"],
        ["run", "baseline", "--scale", "0"],
        ["run", "baseline", "--scale", "nan"],
        ["run", "baseline", "--jobs", "0"],
        ["run", "baseline", "--threads", "0"],
        ["run", "baseline", "--draws", "0"],
        ["run", "baseline", "--draws", "some"],
        ["run", "baseline", "--draws", "prior"],
        ["run", "baseline", "--draws", "prior:0"],
        ["run", "baseline", "--draws", "mine.parquet:0"],
        ["run", "baseline", "--draws", "mine.parquet"],
        ["run", "baseline", "--draws", "mine.csv"],
        ["compare", "card-cleanup", "--draws", "999999999"],
        ["forecast", "baseline", "--draws", "no-such-folder/mine.parquet:3"],
        ["run", "baseline", "--audit", "never"],
        ["run", "baseline", "--start", "2020-02-30"],
        ["run", "baseline", "--end", "yesterday"],
        ["run", "baseline", "--bogus"],
        ["run"],
        ["compare"],
        ["diff", "baseline"],
        ["check"],
        ["list", "everything"],
        ["patterns", "a", "b"],
        ["nonsense"],
        ["run", "no-such-scenario"],
        ["run", "./no-such-file.yaml"],
        ["compare", "baseline", "--baseline", "no-such-file.yaml"],
        ["check", "no\nsuch\nfile.yaml"],
        ["compare", "card-cleanup", "--rival", "no-card-efect"],
        ["compare", "card-cleanup", "--rival", "none"],
        ["compare", "card-cleanup", "--doses", "half"],
        ["compare", "card-cleanup", "--doses", "0"],
        ["compare", "card-cleanup", "--doses", "0.5,1.5"],
        ["compare", "no-measures", "--doses", "0.5"],
        ["patterns", "no-such-folder"],
        ["run", "", "--out", "x"],
        ["story"],
        ["story", "no-such-scenario"],
        ["story", "card-cleanup", "--card", "0xfg"],
        ["story", "card-cleanup", "--card", "-1"],
        ["story", "card-cleanup", "--gang", "18446744073709551616"],
        ["story", "card-cleanup", "--card", "1", "--gang", "2"],
        ["story", "card-cleanup", "--draw", "none"],
        ["story", "card-cleanup", "--draws", "none", "--draw", "1"],
        ["story", "card-cleanup", "--draws", "prior:2", "--draw", "3"],
        ["story", "card-cleanup", "--baseline", "card-cleanup"],
        ["story", "card-cleanup", "--gang", "1", "--scale", "100000", "--end", "2018-01-31", "--quiet"],
    ],
    ids=" ".join,
)
def test_wrong_input_is_one_line_and_exit_2(call: Call, arguments: list[str]) -> None:
    code, out, err = call(*arguments)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err


def test_every_file_is_checked_and_every_fault_said(call: Call, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("extends: baseline.yaml\nscale: 0\nbogus: 1\n")
    code, out, err = call("check", "one.yaml", "two.yaml")
    assert code == 2
    assert out == ""
    lines = err.splitlines()
    assert [sum(f"{name}.yaml:" in line for line in lines) for name in ("one", "two")] == [2, 2]


def test_a_right_file_is_said_to_be_right(call: Call, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: baseline.yaml\nscale: 500\n")
    code, out, err = call("check", "mine.yaml")
    assert (code, err) == (0, "")
    assert out.startswith("mine.yaml: right (mine, 2018-01-01 to")


@pytest.mark.parametrize("topic", ["scenarios", "measures", "parameters", "outcomes"])
def test_lists_are_plain_lines(call: Call, topic: str) -> None:
    code, out, err = call("list", topic)
    assert (code, err) == (0, "")
    header, *rows = out.splitlines()
    assert header.split()[0] == topic.rstrip("s")[: len(header.split()[0])] or topic == "scenarios"
    code, text, _ = call("list", topic, "--json")
    assert len(json.loads(text)) == len(rows) > 4


def test_every_measure_is_listed_with_what_it_does_its_fields_and_its_evidence(call: Call) -> None:
    from sim.interventions import MEASURES

    rows = json.loads(call("list", "measures", "--json")[1])
    assert [row["measure"] for row in rows] == list(MEASURES)
    for row in rows:
        assert row["what"].endswith("."), row
        assert row["how it acts here"], row
        assert row["fields"] != "-", row
        assert row["evidence"].startswith("F"), row


def test_the_shipped_scenarios_are_listed(call: Call) -> None:
    _, out, _ = call("list")
    names = {line.split()[0] for line in out.splitlines()[1:]}
    assert {"baseline", "no-measures", "card-cleanup", "opening-suspension", "card-broken-2020"} <= names


def test_the_schema_is_json(call: Call) -> None:
    code, out, _ = call("schema")
    assert code == 0
    assert "interventions" in json.loads(out)["properties"]


def test_diff_shows_what_differs(call: Call) -> None:
    code, out, _ = call("diff", "baseline", "opening-suspension")
    assert code == 0
    assert "interventions.opening_suspension" in out
    assert call("diff", "baseline", "baseline")[1] == "no difference\n"
    rows = json.loads(call("diff", "baseline", "opening-suspension", "--json")[1])
    assert {"path", "a", "b", "unit", "source"} <= set(rows[0])


def test_the_version_is_printed(call: Call) -> None:
    code, out, _ = call("--version")
    assert code == 0
    assert out.startswith("cardbreak ")


def test_a_story_is_found_and_told(call: Call) -> None:
    """Without a key the command lists some; the options it prints tell the lives it promises."""
    window = ("--start", "2020-09-01", "--end", "2020-12-31")
    asked = ("story", "card-broken-2020", "--scale", "2000", "--draws", "none", *window)
    code, out, _ = call(*asked)
    assert code == 0
    options = [line.split()[:2] for line in out.splitlines()[2:]]
    assert {option for option, _ in options} <= {"--card", "--gang"}

    code, text, _ = call(*asked, *options[0])
    assert code == 0
    lines = text.splitlines()
    assert lines[0].startswith(
        f"{options[0][0][2:]} {options[0][1]} with card-broken-2020 and without it (baseline)"
    )
    assert lines[1].startswith("the same until 2020-")
    assert lines[5].split()[:2] == ["date", "phase"]
    assert len(lines) > 7

    decimal = int(options[0][1], 16)
    told = json.loads(call(*asked, options[0][0], decimal, "--json")[1])
    assert [life["scenario"] for life in told["lives"]] == ["card-broken-2020", "baseline"]
    assert [life["fate"] for life in told["lives"]] == [line.split(": ", 1)[1] for line in lines[2:4]]


def test_an_unexpected_error_is_one_line_and_exit_1(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("by nought\nand more")

    monkeypatch.setattr("sim.scenario.json_schema", broken)
    code, _, err = call("schema")
    assert code == 1
    assert err.startswith(
        "cardbreak: internal error: ZeroDivisionError: by nought (run with CARDBREAK_DEBUG=1"
    )
    assert len(err.splitlines()) == 1
    monkeypatch.setenv("CARDBREAK_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        call("schema")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['cardbreak', 'run', '--help']\n"
        "from sim import cli; cli.guarded()\n"
        "heavy = {'numpy', 'numba', 'pandas', 'mesa', 'matplotlib', 'scipy', 'pyarrow', 'ruamel'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_help_answers_at_once() -> None:
    def seconds() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "sim.cli", "--help"], capture_output=True, check=True)
        return time.perf_counter() - started

    assert min(seconds() for _ in range(4)) < 0.6  # 0.15 s on an idle machine


def test_a_closed_pipe_is_no_error() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sim.cli", "list", "measures"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait(timeout=60)
