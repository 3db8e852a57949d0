"""Promises about tables and pictures: plain when piped, readable in words, the same bytes for the same
results.
"""

from __future__ import annotations

import io
import json
import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from fake_results import made_up

from sim.study.compare import HARM, effects, rounded
from sim.study.windows import NAMED, effect_windows
from sim.views.plots import Measure, forecast_picture, measures_of, source_line
from sim.views.progress import duration
from sim.views.tables import GROUPS, Table, as_json, difference_table, effect_tables, number, plain, show

PNG = b"\x89PNG\r\n\x1a\n"


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def frame() -> pd.DataFrame:
    return made_up({"baseline": 1.0, "policy": 0.8}, replicates=3, regions=("CN",))


def shown_effects(frame: pd.DataFrame) -> Table:
    (table,) = effect_tables(
        effects(frame, "baseline", list(NAMED)), "2021-07-01", "2021-12-31", baseline="baseline"
    )
    return table


def test_the_benefit_comes_first_and_the_harm_beside_it(frame: pd.DataFrame) -> None:
    table = shown_effects(frame)
    first, second = (rows for rows, _ in zip(table.rows, range(2), strict=False))
    assert first == ("Benefit",)
    assert second[0] == "registered cases"
    names = [name for name, _ in GROUPS]
    assert names[:2] == ["Benefit", "Harm to honest customers"]
    assert {name for name, _ in GROUPS[1][1]} == set(HARM)
    assert "effect = scenario - baseline" in table.title


def test_piped_tables_are_never_wrapped(frame: pd.DataFrame) -> None:
    out = io.StringIO()
    show(shown_effects(frame), out)
    lines = out.getvalue().splitlines()
    rows = [line for line in lines if line.endswith("better")]
    assert rows
    assert all(len(line) > 100 for line in rows)
    assert "\x1b" not in out.getvalue()


def test_a_narrow_terminal_keeps_the_verdict(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns, kept in (("200", True), ("110", False)):
        monkeypatch.setenv("COLUMNS", columns)
        out = Terminal()
        show(shown_effects(frame), out)
        assert ("5-95% of pairs" in out.getvalue()) is kept
        assert "verdict" in out.getvalue()


def test_numbers_are_rounded_for_people() -> None:
    assert [number(value) for value in (0, 1234567, 374333.3, 12.34, 1.234, 0.01234, math.nan)] == [
        "0",
        "1.23 m",
        "374,333",
        "12.3",
        "1.23",
        "0.012",
        "",
    ]
    assert number(5.0, sign=True) == "+5.00"
    assert number(-2.5e9) == "-2.50 bn"
    assert [rounded(value) for value in (0, 0.0123, 3.14, 12.3, 486645, 2261404)] == [
        "0",
        "0.012",
        "3.1",
        "12",
        "487,000",
        "2.3 m",
    ]
    assert [duration(seconds) for seconds in (0.2, 45, 600, 9000)] == ["1 s", "45 s", "10 min", "2.5 h"]


def test_json_has_no_nan_and_no_numpy() -> None:
    content = {
        "a": math.nan,
        "b": np.float64(2.5),
        "c": np.int64(3),
        "d": (True, None),
        "e": date(2020, 1, 2),
    }
    assert json.loads(as_json(content)) == {"a": None, "b": 2.5, "c": 3, "d": [True, None], "e": "2020-01-02"}


def test_differences_show_values_and_dashes() -> None:
    row = {"path": "scale", "a": 100, "b": None, "unit": "x", "source": "", "meaning": "m"}
    measure = {**row, "b": {"id": "hidden", "regions": [f"R{k}" for k in range(30)]}}
    text = plain(difference_table([row, measure], "one", "two"))
    assert "100" in text
    assert "30 in all" in text
    assert "hidden" not in text


def picture(frame: pd.DataFrame, **options: object) -> bytes:
    content = forecast_picture(frame, source="made up", **options)  # type: ignore[arg-type]
    assert content.startswith(PNG)
    return content


def test_the_same_results_give_the_same_picture(frame: pd.DataFrame) -> None:
    windows = effect_windows(date(2018, 1, 1), date(2022, 12, 31))
    table = effects(frame, "baseline", windows)
    rows = table[(table["outcome"] == "cases_registered") & (table["window_start"] == "2021-07-01")]
    bar = Measure("Cleanup", pd.Timestamp(2020, 12, 1), pd.Timestamp(2021, 9, 30), ("policy",))
    one = picture(frame, effects=rows, measures=[bar])
    assert one == picture(frame.copy(), effects=rows.copy(), measures=[bar])
    assert one != picture(frame)


def test_pictures_of_odd_results_are_drawn(frame: pd.DataFrame) -> None:
    few = frame[frame["month"] < "2018-04-01"]
    picture(few)
    picture(frame.assign(scenario=frame["scenario"] + " $x$ 断卡"))
    one_run = made_up({"alone": 1.0}, replicates=1, regions=("CN",))
    picture(one_run, effects=effects(frame, "baseline", list(NAMED)).iloc[:0])
    picture(one_run.assign(cases_registered=0.0))


def test_measures_are_listed_once_with_their_scenarios() -> None:
    suspension = {
        "measure": "opening_suspension",
        "id": "opening_suspension",
        "start": "2020-10-10",
        "end": None,
    }
    cleanup = {"id": "account_cleanup-dormant", "title": "", "start": "2020-01-01", "end": "2021-01-01"}
    bars = measures_of(
        [{"name": "a", "interventions": [suspension]}, {"name": "b", "interventions": [suspension, cleanup]}],
        "2022-12-31",
    )
    assert [(bar.label, bar.scenarios) for bar in bars] == [
        ("Account cleanup: dormant", ("b",)),
        ("Opening suspension", ("a", "b")),
    ]
    assert bars[1].end == pd.Timestamp(2022, 12, 31)


def test_the_picture_says_what_it_is_not() -> None:
    about = {"versions": {"cardbreak": "1.0"}, "seed": 1, "scale": 100, "replicates": 20, "draws": None}
    line = source_line(about)
    assert line.startswith("Simulation, cardbreak 1.0, seed 1, scale 100, 20 replicates")
    assert "Not a forecast of real cases without calibration" in line
