"""Promises about tidy tables: every value once, with what it is; only what counts; safe to open anywhere."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
from fake_folders import Point, results_folder, sweep_folder
from fake_results import made_up
from hypothesis import given, settings
from hypothesis import strategies as st

import sim
from sim.errors import InputError, escaped
from sim.observe.parts import SweepFolder
from sim.observe.tidy import FORMULA, write_table

POINTS: list[Point] = [
    {"scenario": "base", "origin": "base"},
    {"scenario": "policy-1", "origin": "policy", "lever.outlets": 620, "lever.chosen": "none"},
]
LABELS = ["scenario", "draw", "replicate", "month", "region"]


def values(point: object, replicate: int) -> dict[str, float]:
    return {"cases_true": 10.0 + replicate, "own_account_share": 0.5}


@pytest.fixture
def folder(tmp_path: Path) -> SweepFolder:
    return sweep_folder(tmp_path / "sweep", POINTS, values, months=("2021-11-01", "2021-12-01"))


def test_a_sweep_is_a_row_for_each_value_with_what_its_point_sets(folder: SweepFolder) -> None:
    frame = sim.tidy(folder.path)
    assert list(frame.columns) == [
        *("scenario", "origin", "draw", "replicate", "month", "region", "outcome", "value", "unit"),
        *("lever.outlets", "lever.chosen"),
    ]
    frame["month"] = frame["month"].dt.strftime("%Y-%m")
    plain = frame.astype(object).where(frame.notna(), None)
    expected = [
        [name, origin, 0, 0, month, "CN", outcome, value, unit, outlets, chosen]
        for name, origin, outlets, chosen in (
            ("base", "base", None, None),
            ("policy-1", "policy", 620, "none"),
        )
        for month in ("2021-11", "2021-12")
        for outcome, value, unit in (("cases_true", 10.0, "cases"), ("own_account_share", 0.5, "share"))
    ]
    assert plain.to_numpy().tolist() == expected


def test_results_turned_back_are_the_monthly_table(tmp_path: Path) -> None:
    monthly = made_up({"baseline": 1.0, "policy": 0.8}, 2, noise=0.1, start="2021-01-01", end="2021-03-31")
    frame = sim.tidy(results_folder(tmp_path / "results", monthly, "baseline"))
    names = [name for name in monthly.columns if name not in LABELS]
    wide = frame.pivot(index=LABELS, columns="outcome", values="value")[names].reset_index()
    wide = wide.astype({"scenario": str, "region": str}).rename_axis(columns=None)
    pd.testing.assert_frame_equal(
        wide.sort_values(LABELS, ignore_index=True),
        monthly[[*LABELS, *names]].sort_values(LABELS, ignore_index=True),
        check_dtype=False,
        check_column_type=False,
    )


def test_only_parts_that_count_are_read(folder: SweepFolder) -> None:
    """A part that is not logged, and one that is not what was logged, as a running or torn sweep has them."""
    first, second = folder.parts()
    (folder.path / "parts" / "g009-b00001.parquet").write_bytes(first.read_bytes())
    second.write_bytes(first.read_bytes())
    assert set(sim.tidy(folder.path)["scenario"]) == {"base"}
    first.unlink()
    with pytest.raises(InputError, match="no finished run yet"):
        sim.tidy(folder.path)


def test_outcomes_and_region_narrow_it_down(tmp_path: Path) -> None:
    path = results_folder(tmp_path / "results", made_up({"baseline": 1.0}, 1), None)
    frame = sim.tidy(path, outcomes=["cases_true", "gangs"], region="GD")
    assert (set(frame["region"]), list(frame["outcome"][:3])) == (
        {"GD"},
        ["cases_true", "gangs", "cases_true"],
    )
    for wrong, said in (
        ({"outcomes": ["cases_tru"]}, "outcome: 'cases_tru' is not kept here.* Did you mean 'cases_true'"),
        ({"region": "GDD"}, "region: 'GDD' is not kept here. Kept are CN, GD. Did you mean 'GD'"),
    ):
        with pytest.raises(InputError, match=said):
            sim.tidy(path, **wrong)


@pytest.mark.parametrize(
    "design",
    [
        b"",
        b"\xff\xfe\x00",
        b"point,origin\na,a\n",
        b"scenario,origin\na,a\na,b\n",
        b"scenario,origin\n,a\n",
        b'scenario,lever.x\na,"\x1b[31m"\n',
    ],
)
def test_a_design_that_is_none_is_refused(folder: SweepFolder, design: bytes) -> None:
    (folder.path / "design.csv").write_bytes(design)
    with pytest.raises(InputError, match=r"design\.csv: "):
        sim.tidy(folder.path)


def test_tables_come_back_as_they_were(folder: SweepFolder, tmp_path: Path) -> None:
    frame = sim.tidy(folder.path)
    for name in ("table.parquet", "table.csv"):
        write_table(frame, tmp_path / name)
    texts = {name: str for name in frame.columns if isinstance(frame[name].dtype, pd.CategoricalDtype)}
    plain = frame.astype(texts).where(frame.notna())
    back = pd.read_parquet(tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(back, plain, check_dtype=False)
    read = pd.read_csv(tmp_path / "table.csv", parse_dates=["month"], keep_default_na=False, na_values=[""])
    pd.testing.assert_frame_equal(read, plain, check_dtype=False)
    with pytest.raises(InputError, match=r"neither \.csv nor \.parquet"):
        write_table(frame, tmp_path / "table.xlsx")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), min_size=1))
def test_no_text_of_a_table_is_a_formula(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    """Whatever a scenario is called: a cell never begins as a formula, and a harmless name is not touched."""
    names = [*names, "=1+2", "+1", "-1", "@x", "\tx", "a\r=1+2", "harmless-1"]
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    write_table(pd.DataFrame({"scenario": names, "value": -1.0}), path)
    with open(path, encoding="utf-8", newline="") as file:
        header, *cells = list(csv.reader(file))
    assert header == ["scenario", "value"]
    assert not [name for name, _ in cells if name.startswith(FORMULA)]
    assert [name.removeprefix("'") for name, _ in cells] == [escaped(n).removeprefix("'") for n in names]
    assert {value for _, value in cells} == {"-1.0"}
    assert cells[-1][0] == "harmless-1"
