"""`cardbreak compare` with variants, through the command line, with the real model at a coarse scale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from test_study import cardbreak

from sim.observe.store import FILES, PRECISION
from sim.study.compare import COLUMNS
from sim.study.costs import TOTAL

SHORT = [
    "--scale",
    "4000",
    "--replicates",
    "2",
    "--draws",
    "none",
    "--start",
    "2018-01-01",
    "--end",
    "2018-02-28",
    "--jobs",
    "1",
]

THREE = """\
name: three
extends: baseline.yaml
interventions:
  - {measure: opening_suspension, start: 2018-02-01, end: 2018-02-28, outlets: 60_000, cost_per_unit: 100}
  - {measure: publicity, start: 2018-02-01, end: 2018-02-28, messages: 900_000_000, cost_per_unit: 0.01}
  - {measure: publicity, id: once_more, start: 2018-02-15, end: 2018-02-28, messages: 9_000_000}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scenario of three measures of two kinds."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "three.yaml").write_text(THREE)
    return folder


@pytest.fixture(scope="module")
def content(folder: Path) -> dict[str, Any]:
    """What a comparison with every kind of variant prints as JSON; its files are under `all`."""
    wishes = ["--each", "--rival", "no-adaptation", "--doses", "0.5,1"]
    done = cardbreak(
        "compare", "three.yaml", *wishes, *SHORT, "--replicates", 2, "--out", "all", "--json", folder=folder
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_every_file_is_written(folder: Path, content: dict[str, Any]) -> None:
    assert {file.name for file in (folder / "all").iterdir()} == {*FILES} - {PRECISION}
    assert [Path(name).name for name in content["files"]][-2:] == ["manifest.json", "report.html"]


def test_variants_are_run_and_paired_with_the_baseline_of_their_structure(content: dict[str, Any]) -> None:
    main = ["three", "three-dose-0.5", "only-opening_suspension", "only-publicity"]
    found = {entry["name"]: entry.get("baseline") for entry in content["manifest"]["scenarios"]}
    assert found == {
        "baseline": None,
        **dict.fromkeys(main, "baseline"),
        "baseline-no-adaptation": None,
        **{f"{name}-no-adaptation": "baseline-no-adaptation" for name in main},
    }
    assert {row["scenario"] for row in content["rows"]} == {name for name, base in found.items() if base}
    assert content["manifest"]["baseline"] == "baseline"


def test_the_effects_keep_their_columns_and_hold_displacement(folder: Path, content: dict[str, Any]) -> None:
    effects = pd.read_csv(folder / "all" / "effects.csv")
    assert tuple(effects.columns) == COLUMNS
    ratios = effects[effects["unit"] == "ratio"]
    assert "displacement_outlet:opening_suspension" in set(ratios["outcome"])
    assert ratios["baseline"].isna().all()
    table = pd.read_csv(folder / "all" / "displacement.csv")
    assert len(table) == len(ratios) == len(content["displacement"])


def test_the_baseline_tallies_the_outlets_that_would_have_been_suspended(
    folder: Path, content: object
) -> None:
    """Before the suspension starts both worlds open the same accounts at the same outlets."""
    deeds = pd.read_parquet(folder / "all" / "measures.parquet")
    assert list(deeds.columns) == ["scenario", "draw", "replicate", "month", "measure", "what", "value"]
    before = deeds[(deeds["month"] == "2018-01-01") & (deeds["what"] == "outlet_here")]
    tallies = {
        name: rows.set_index("replicate")["value"].to_dict() for name, rows in before.groupby("scenario")
    }
    assert tallies["baseline"] == tallies["three"] == tallies["only-opening_suspension"]
    assert sum(tallies["baseline"].values()) > 0


def test_the_parts_are_added_up_within_each_structure(folder: Path, content: object) -> None:
    """Difference = joint - sum, and both are effects that effects.csv holds too."""
    table = pd.read_csv(folder / "all" / "interaction.csv")
    assert set(table["scenario"]) == {"three", "three-no-adaptation"}
    assert set(table["parts"]) == {
        "only-opening_suspension; only-publicity",
        "only-opening_suspension-no-adaptation; only-publicity-no-adaptation",
    }
    effects = pd.read_csv(folder / "all" / "effects.csv").set_index(["scenario", "outcome"])["effect"]
    for row in table.to_dict("records"):
        parts = [effects[name, row["outcome"]] for name in row["parts"].split("; ")]
        assert row["sum"] == pytest.approx(sum(parts))
        assert row["joint"] == pytest.approx(effects[row["scenario"], row["outcome"]])
        assert row["difference"] == pytest.approx(row["joint"] - row["sum"])


def test_costs_are_there_where_unit_costs_are(folder: Path, content: object) -> None:
    table = pd.read_csv(folder / "all" / "costs.csv").set_index(["scenario", "measure"])
    own = table.loc[("three", "opening_suspension")]
    assert own["cost"] == pytest.approx(100 * own["units"])
    assert own["units"] > 0
    assert "unit cost not given: once_more" in table.loc[("three", TOTAL), "note"]
    assert pd.isna(table.loc[("three", TOTAL), "cost"])
    assert table.loc[("only-opening_suspension", TOTAL), "cost"] == pytest.approx(own["cost"])
    half = table.loc[("three-dose-0.5", "opening_suspension"), "units"]
    assert half == pytest.approx(own["units"] / 2, rel=0.01)


def test_many_scenarios_share_one_table(folder: Path) -> None:
    """Four compared scenarios: one row each, then interaction, displacement and costs."""
    wishes = ["--each", "--doses", "0.5"]
    done = cardbreak(
        "compare", "three.yaml", *wishes, *SHORT, "--replicates", 1, "--out", "four", folder=folder
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    title = lines.index("Effects against baseline, 2018-01-01 to 2018-02-28: effect = scenario - baseline")
    rows = [line.split()[0] for line in lines[title + 2 : title + 6]]
    assert rows == ["three", "three-dose-0.5", "only-opening_suspension", "only-publicity"]
    for start in ("three against the sum of 2 scenarios", "Displacement, ", "Costs and cases averted, "):
        assert sum(line.startswith(start) for line in lines) == 1
    assert lines[-2].startswith("wrote four/: ")
    assert lines[-1] == "to read: four/report.html"


def test_replicates_are_added_until_the_cap_and_are_those_of_a_plain_comparison(folder: Path) -> None:
    """The cost is said before the first run and before the further ones; the results are those of 9 pairs."""
    wishes = ["--until-half-width", "0.0001%", "--most-replicates", 9]
    done = cardbreak(
        "compare", "three.yaml", *SHORT, "--replicates", 8, *wishes, "--out", "until", folder=folder
    )
    assert done.returncode == 0, done.stderr
    first, more = (line for line in done.stderr.splitlines() if "0.0001%" in line)
    assert first.startswith("to begin with, 8 pairs of 2 scenarios: 16 runs, about ")
    assert "at most 9: 18 runs, about " in first
    assert "the cap of 9 reaches about ±" in more
    assert "going on to 9: 2 more runs, about " in more
    assert "±0.0001% asked of each effect, not reached (cap: 9 pairs)" in done.stdout
    table = pd.read_csv(folder / "until" / PRECISION)
    assert table[["scenario", "against", "pairs"]].to_numpy().tolist() == [["three", "baseline", 9]]
    effects = pd.read_csv(folder / "until" / "effects.csv").set_index("outcome")
    assert table.loc[0, "low"] == effects.loc["cases_registered", "low"]
    assert table.loc[0, "half_width"] < table.loc[0, "level"]
    plainly = cardbreak(
        "compare", "three.yaml", *SHORT, "--replicates", 9, "--out", "nine", "--quiet", folder=folder
    )
    assert plainly.returncode == 0, plainly.stderr
    ours, theirs = (json.loads((folder / name / "manifest.json").read_text()) for name in ("until", "nine"))
    assert ours["fingerprint"] == theirs["fingerprint"]
    assert ours["replicates"] == 9
    assert ours["precision"]["half_width"] == "0.0001%"
    assert [look["replicates"] for look in ours["precision"]["looks"]] == [8, 9]


def test_a_wrong_wish_ends_before_the_first_run(folder: Path) -> None:
    for wishes, words in (
        (["--until-half-width", "much"], "--until-half-width: must be a share such as 2%"),
        (["--most-replicates", 9], "--most-replicates: says when to stop adding replicates"),
    ):
        done = cardbreak("compare", "three.yaml", *wishes, "--out", "wrong", folder=folder)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith(words)
        assert not (folder / "wrong").exists()
