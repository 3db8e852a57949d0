"""Targets: what the shipped file says, what was known when, how a run is measured against one."""

from __future__ import annotations

import csv
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.calibration.distance import distances, inside, simulated, table, verdict
from sim.calibration.targets import Quantity, Span, Target, read_targets, read_variants
from sim.errors import InputError
from sim.scenario import shipped_folder, shipped_scenarios


def target(**fields: Any) -> Target:
    plain: dict[str, Any] = {
        "id": "T1",
        "title": "a test",
        "role": "fit",
        "quantity": Quantity(of=["cases_registered"], months=("2021-05", "2021-05")),
        "grade": "A",
        "known": date(2021, 6, 17),
        "evidence": ["F001"],
        "band": (1.0, 2.0),
    }
    return Target.model_validate(plain | fields)


def months_table(cases: dict[str, list[float]], region: str = "CN") -> pd.DataFrame:
    """A results table: cases of each run by month."""
    return pd.DataFrame(
        [
            {"draw": 0, "replicate": run, "month": pd.Timestamp(f"{month}-01"), "region": region}
            | {"cases_registered": value, "cases_reported": 10.0}
            for month, values in cases.items()
            for run, value in enumerate(values)
        ]
    )


def test_what_was_known_on_the_days_of_the_back_tests() -> None:
    record = read_targets()
    fitted = {
        day: {one.id for one in record.chosen(date.fromisoformat(day)) if one.role == "fit"}
        for day in ("2020-10-09", "2021-01-15", "2021-06-17", "2021-10-11")
    }
    assert fitted["2020-10-09"] == set()
    assert fitted["2021-01-15"] == {"C5", "C6", "C8", "C9-low", "C9-high"}
    assert fitted["2021-06-17"] - fitted["2021-01-15"] == {"C1", "C2"}
    assert fitted["2021-10-11"] - fitted["2021-06-17"] == {"C3-jun", "C3-jul", "C3-aug", "C17", "P1"}


def test_no_target_is_known_before_what_it_is_about_or_after_its_reports() -> None:
    with (shipped_folder() / "evidence" / "facts.csv").open(encoding="utf-8") as stream:
        facts = {row["id"]: row for row in csv.DictReader(stream)}
    for one in read_targets().targets:
        rows = [facts[name] for name in one.evidence]
        earliest = min(
            min(date.fromisoformat(row["published"]), date.fromisoformat(row["period_end"]) + timedelta(7))
            for row in rows
        )
        latest = max(date.fromisoformat(row["published"]) for row in rows)
        assert earliest <= one.known <= latest, one.id
        if one.quantity is not None and one.id != "C21-rise":  # said of any year, before this one
            year, month = map(int, one.quantity.months[1].split("-"))
            assert one.known >= date(year, month, 1), one.id


def test_the_shipped_values_are_those_of_the_evidence() -> None:
    with (shipped_folder() / "evidence" / "facts.csv").open(encoding="utf-8") as stream:
        facts = {row["id"]: row["value_best"] for row in csv.DictReader(stream)}
    values = {one.id: one.value for one in read_targets().targets}
    assert values["C1"] == float(facts["F001"])
    assert values["C2"] == pytest.approx(float(facts["F042"]) / 100)
    assert values["C5"] == pytest.approx(float(facts["F241"]) / float(facts["F240"]) - 1, abs=0.01)
    assert values["C9-low"] == float(facts["F286"]) / float(facts["F291"])
    assert values["C9-high"] == float(facts["F301"]) / float(facts["F286"])
    assert values["C17"] == float(facts["F147"])
    for name, fact in (("jan", "F124"), ("feb", "F125"), ("mar", "F126"), ("apr", "F127"), ("may", "F128")):
        assert values[f"C4-{name}"] == pytest.approx(float(facts[fact]) / 100)


def test_contradicting_figures_are_readings_and_never_both() -> None:
    record = read_targets()
    plain = {one.id for one in record.chosen()}
    lower = {one.id for one in record.chosen(readings={"suspects": "lower"})}
    assert plain - lower == {"C11-upper", "C12-upper"}
    assert lower - plain == {"C11-lower", "C12-lower"}
    assert record.scenario_of() == "card-broken-2020"
    assert record.scenario_of({"suspects": "lower"}) == "card-broken-2020-lower-path"
    assert {record.scenario_of({"suspects": name}) for name in ("upper", "lower")} <= set(shipped_scenarios())


@pytest.mark.parametrize("text", ["suspects=middle", "nothing=upper", "suspects"])
def test_a_wrong_reading_is_one_line(text: str) -> None:
    with pytest.raises(InputError, match="suspects=") as caught:
        read_targets().chosen(readings=read_variants([text]))
    assert len(caught.value.faults) == 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("outcome", "is no outcome"),
        ("evidence", "not in the evidence table"),
        ("band", "needs a band"),
        ("both", "needs either quantity or pattern"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(change: str, complaint: str, tmp_path: Path) -> None:
    lines: dict[str, str] = {
        "of": "{of: [cases_registered], months: [2021-05, 2021-05]}",
        "evidence": "[F001]",
        "band": "    band: [1, 2]\n",
        "more": "",
    }
    changes: dict[str, dict[str, str]] = {
        "outcome": {"of": "{of: [cases], months: [2021-05, 2021-05]}"},
        "evidence": {"evidence": "[F9999]"},
        "band": {"band": ""},
        "both": {"more": "    pattern: P1\n"},
    }
    lines |= changes[change]
    file = tmp_path / "own.yaml"
    file.write_text(
        "name: own\ntitle: own\nscenario: card-broken-2020\ntargets:\n  - id: C1\n    title: cases\n"
        f"    role: fit\n    quantity: {lines['of']}\n{lines['band']}{lines['more']}    grade: A\n"
        f"    known: 2021-06-17\n    evidence: {lines['evidence']}\n"
    )
    with pytest.raises(InputError, match=complaint) as caught:
        read_targets(file)
    assert all(fault.line for fault in caught.value.faults)


def test_levels_changes_and_differences_by_hand() -> None:
    frame = months_table({"2020-05": [100.0, 50.0], "2021-05": [80.0, 100.0], "2021-06": [40.0, 300.0]})
    year = Span(of=["cases_registered"], months=("2020-05", "2020-05"))
    spans: dict[str, Any] = {"of": ["cases_registered"], "months": ("2021-05", "2021-06")}
    wanted = {
        "M": (Quantity(**spans), [60.0, 200.0]),
        "S": (Quantity(**spans, total=True), [120.0, 400.0]),
        "C": (Quantity(**spans, against=year, by="change"), [-0.4, 3.0]),
        "R": (Quantity(**spans, against=year), [0.6, 4.0]),
        "D": (Quantity(**spans, against=year, by="difference"), [-40.0, 150.0]),
        "A": (Quantity(of=["cases_registered", "cases_reported"], months=("2021-05", "2021-05")), [90, 110]),
    }
    targets = [target(id=name, quantity=quantity) for name, (quantity, _) in wanted.items()]
    values = simulated(targets, frame)
    for name, (_, expected) in wanted.items():
        assert values[name].tolist() == pytest.approx(expected)


def test_what_the_runs_do_not_cover_is_said() -> None:
    frame = months_table({"2021-05": [80.0]})
    cases: dict[str, Any] = {"of": ["cases_registered"]}
    targets = [
        target(id="A", quantity=Quantity(**cases, months=("2021-06", "2021-06"))),
        target(id="B", quantity=Quantity(**cases, months=("2021-05", "2021-05"), region="GD")),
        target(id="C", quantity=None, pattern="P1"),
        target(id="D", role="imposed"),
    ]
    rows = table(targets, frame)
    assert rows["verdict"].tolist() == ["not covered by the runs"] * 3
    assert table(targets)["id"].tolist() == ["A", "B", "C", "D"]


def test_distances_by_hand() -> None:
    values = pd.DataFrame({"L": [200.0, 50.0, 0.0], "S": [-0.1, 0.05, math.nan], "P": [8.0, math.inf, 9.5]})
    targets = [
        target(id="L", value=100.0, scale="log", error=0.3, discrepancy=0.4, band=(50.0, 200.0)),
        target(id="S", band=(None, 0.0), discrepancy=0.025),
        target(id="P", value=8.0, discrepancy=1.5, band=(6.0, 10.0)),
    ]
    found = distances(targets, values)
    assert found["L"].tolist() == pytest.approx([math.log(2) / 0.5, math.log(2) / 0.5, math.inf])
    assert found["S"].tolist()[:2] == pytest.approx([0.0, 2.0])
    assert math.isnan(found["S"][2])
    assert found["P"].tolist() == pytest.approx([0.0, math.inf, 1.0])


@given(
    values=st.lists(st.floats(0.0, 1e6), min_size=1, max_size=20),
    low=st.floats(0.01, 10.0),
    width=st.floats(1.0, 100.0),
    scale=st.sampled_from(["log", "plain"]),
)
def test_what_lies_in_an_open_valued_band_is_at_no_distance(
    values: list[float], low: float, width: float, scale: str
) -> None:
    one = target(band=(low, low * width), scale=scale, discrepancy=0.5)
    frame = pd.DataFrame({"T1": values})
    away = distances([one], frame)["T1"].to_numpy()
    good = inside(one, np.array(values))
    assert (away[good] == 0.0).all()
    assert (away[~good] > 0.0).all()


@pytest.mark.parametrize(
    ("share", "far", "word"), [(0.5, 9.0, "met"), (0.4, 3.0, "missed"), (0.4, 3.1, "far off")]
)
def test_verdicts(share: float, far: float, word: str) -> None:
    assert verdict(share, far) == word
