"""`--draws` at the command line, with the real model at a coarse scale: every kind, and the default."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim import cli
from sim.calibration.bank import as_draws, prior_points
from sim.draws import plausible
from sim.draws.file import About, write_draws
from sim.draws.plausible import attached
from sim.draws.wish import PLAUSIBLE
from sim.observe.store import open_results
from sim.scenario import load
from sim.scenario.draws import Draws

NAMES = ("dealers.cells", "gangs.growth_per_year", "market.sharpness")
SHORT = ("--scale", 5000, "--end", "2018-02-28", "--jobs", 1)
WHEN = ("--origin", "2018-03-10", "--months", 1, "--scale", 5000, "--jobs", 1)
Call = Callable[..., tuple[int, str, str]]


def table(draws: int, seed: int = 1) -> Draws:
    shares = 0.05 + 0.9 * prior_points(NAMES, draws, seed)
    return as_draws(shares, NAMES, load("baseline").parameters, "made up")


MAIN, RIVAL = table(8), table(4, seed=2)


def write(path: Path, draws: Draws, structure: str = "none") -> None:
    known_by = None if structure != "none" else load("baseline").start
    write_draws(path, draws, About("cardbreak calibrate", "baseline", structure, known_by, "made up"))


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Call the command in this process, in a folder with `mine.parquet`, as if that table were shipped."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "mine.parquet", MAIN)
    write(tmp_path / "rival.parquet", RIVAL, "no-adaptation")
    there = {"main": tmp_path / "mine.parquet", "no-adaptation": tmp_path / "rival.parquet"}
    monkeypatch.setattr(plausible, "shipped_draws", lambda: there)
    monkeypatch.setattr("sim.console._pictures", lambda tables: {})  # most of the time, and not asked about

    def called(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cardbreak", *map(str, arguments)])
        code = cli.guarded()
        return code, *capsys.readouterr()

    return called


def manifest(folder: str) -> dict[str, Any]:
    return open_results(folder).manifest


def test_run_takes_the_shipped_table_and_every_other_kind_when_asked(call: Call) -> None:
    asked = ("run", "baseline", *SHORT, "--replicates", 3)
    found: dict[str, dict[str, Any]] = {}
    for place, draws in enumerate(("", "2", "none", "prior:2", "mine.parquet", "mine.parquet:2")):
        option = ("--draws", draws) if draws else ()
        code, _, err = call(*asked, *option, "--out", f"r{place}")
        assert code == 0, err
        found[draws] = manifest(f"r{place}")
        said = next((line for line in err.splitlines() if line.startswith("parameters: ")), "")
        found[draws]["said"] = said
    draws_of = {name: [run["draw"] for run in one["runs"]] for name, one in found.items()}
    assert draws_of[""] == draws_of["mine.parquet"] == [1, 2, 3]
    assert draws_of["2"] == draws_of["prior:2"] == draws_of["mine.parquet:2"] == [1, 2, 1]
    assert draws_of["none"] == [0, 0, 0]
    assert [one["draws"] for one in found.values()] == [8, 2, None, 2, 8, 2]
    said = [one["said"] for one in found.values()]
    assert said[0] == said[4] == "parameters: 3 draws of a table of 8 (made up)"
    assert said[1] == said[5] == "parameters: 2 draws of a table of 8 (made up)"
    assert (said[2], said[3]) == ("", "parameters: 2 draws of the priors")
    for name, one in found.items():
        from_table = name not in ("none", "prior:2")
        digests = [entry.get("digest") for entry in one["draws_from"]]
        assert digests == ([MAIN.digest] if from_table else [None] * (name != "none"))
        assert one["scenarios"][0].get("draws") == (MAIN.digest if from_table else None)
    prints = {name: one["fingerprint"] for name, one in found.items()}
    assert prints[""] == prints["mine.parquet"]
    assert prints["2"] == prints["mine.parquet:2"]
    assert len(set(prints.values())) == 4


def test_compare_pairs_by_draw_and_a_rival_by_its_own_table(call: Call) -> None:
    rival = ("--rival", "no-adaptation")
    code, out, err = call("compare", "no-measures", *SHORT, "--replicates", 5, *rival, "--json", "--out", "c")
    assert code == 0, err
    content = json.loads(out)
    assert content["manifest"]["draws"] == 4  # as many as the smaller table has
    assert [one["digest"] for one in content["manifest"]["draws_from"]] == [MAIN.digest, RIVAL.digest]
    digests = {one["name"]: one["draws"] for one in content["manifest"]["scenarios"]}
    assert digests == {
        "baseline": MAIN.digest,
        "no-measures": MAIN.digest,
        "baseline-no-adaptation": RIVAL.digest,
        "no-measures-no-adaptation": RIVAL.digest,
    }
    by_scenario: dict[str, list[int]] = {}
    for one in content["manifest"]["runs"]:
        by_scenario.setdefault(one["scenario"], []).append(one["draw"])
    assert list(by_scenario.values()) == [[1, 2, 3, 4, 1]] * 4
    level = [row for row in content["rows"] if row["unit"] != "ratio"]
    assert {row["interval"] for row in level} == {"mean over draws and chance"}


def test_pairs_are_added_up_to_the_draws_that_there_are(call: Call) -> None:
    wish = ("--until-half-width", 1, "--most-replicates", 30, "--replicates", 8)
    code, _, err = call("compare", "card-cleanup", *SHORT, *wish, "--out", "w")
    assert code == 0, err
    assert "at most 8, one for each of the draws" in err
    assert manifest("w")["replicates"] == 8
    code, _, err = call("compare", "card-cleanup", *SHORT, *wish, "--replicates", 9, "--out", "v")
    assert code == 2
    assert err.startswith("--draws: is 8, and more replicates of the same draws")
    assert "Give --draws prior:30, for the table has 8" in err
    assert not Path("v").exists()


def test_a_forecast_takes_the_shipped_table_and_says_what_it_knows(call: Call) -> None:
    code, out, err = call("forecast", "baseline", *WHEN, "--replicates", 4, "--rival", "no-adaptation")
    assert code == 0, err
    assert "parameters: 4 draws of a table of 8 (made up) and of a table of 4 (made up)" in err
    assert "The draws are of a table of 8 (made up) that knows the record up to 2018-01-01." in out
    assert "The draws are of a table of 4 (made up) that was not held against the record." in out
    folder = Path("results") / "forecast-baseline-2018-03-10"
    about = json.loads((folder / "sweep.json").read_text())
    assert about["draws"] == 4
    assert [one["digest"] for one in about["draws_from"]] == [MAIN.digest, RIVAL.digest]
    write(Path("mine.parquet"), table(8, seed=3))
    code, _, err = call(
        "forecast", "baseline", *WHEN, "--replicates", 4, "--rival", "no-adaptation", "--resume"
    )
    assert code == 2
    assert "1 of its points changed (scenario or parameter files, or the table of draws)" in err
    code, out, err = call("forecast", "baseline", *WHEN, "--replicates", 2, "--draws", "none", "--out", "f")
    assert code == 0, err
    assert "point values" in out


def test_a_story_is_that_of_a_run(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """`story --replicate i` is run i of `run`, and `--draw` names a draw as the results have it."""
    from sim.study import story

    seen: list[tuple[Any, dict[str, int]]] = []

    def stop(ours: Any, theirs: Any, **run: int) -> Any:
        seen.append((ours, run))
        raise KeyboardInterrupt

    monkeypatch.setattr(story, "worlds_of", stop)
    asked = ("story", "card-cleanup", "--scale", 5000, "--end", "2018-02-28")
    (world,) = attached([load("card-cleanup", sets=["scale=5000"], end="2018-02-28")], PLAUSIBLE)
    for words, draw in (
        ((), 1),
        (("--replicate", 3), 4),
        (("--replicate", 8), 1),
        (("--draw", 3), 3),
        (("--draw", 0), 0),
        (("--draws", 2, "--replicate", 3), 2),
        (("--draws", "mine.parquet", "--replicate", 3), 4),
    ):
        assert call(*asked, *words)[0] == 130
        ours, run = seen[-1]
        assert run["draw"] == draw
        assert ours.hash() == world.hash()
    assert call(*asked, "--draws", "none", "--replicate", 3)[0] == 130
    assert (seen[-1][1]["draw"], seen[-1][0].parameters.draws) == (0, None)
    code, _, err = call(*asked, "--draw", 9)
    assert code == 2
    assert err.startswith("--draw: is 9, and with --draws plausible there are 8.")


@pytest.mark.parametrize(
    ("draws", "words"),
    [
        ("9", "--draws: asks for 9 draws, and mine.parquet has 8. Ask for at most 8"),
        ("mine.parquet:9", "--draws: asks for 9 draws, and mine.parquet has 8."),
        ("mine.parque", "Invalid value for '--draws': must be 'none'"),
        ("torn.parquet", "torn.parquet: is torn, or not a Parquet file."),
        ("yours.parquet", "yours.parquet: is missing."),
    ],
)
@pytest.mark.parametrize("command", ["run", "compare", "forecast", "story", "attribute"])
def test_wrong_draws_are_one_line(call: Call, command: str, draws: str, words: str) -> None:
    Path("torn.parquet").write_bytes(Path("mine.parquet").read_bytes()[:-9])
    code, out, err = call(command, "card-cleanup", "--scale", 5000, "--draws", draws)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1
    assert not Path("results").exists()


def test_prior_draws_of_patterns_stay_draws_of_the_priors(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim import console
    from sim.views.progress import Display

    made: list[Any] = []

    def watched(scenarios: Any, options: Any, *_: Any) -> Any:
        made.append((scenarios[0].parameters.draws, options.draws_for(scenarios), options.replicates))
        raise KeyboardInterrupt

    monkeypatch.setattr(console, "runs_of", watched)
    options = console.Options(4, 1, 5000, None, None, (), 1, 1, PLAUSIBLE, "month")
    with pytest.raises(KeyboardInterrupt):
        console.prior_runs("baseline", options, 7, Display(quiet=True))
    assert made == [(None, 7, 7)]
