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
from fake_results import WINDOW, deeds, made_up, results, scenario_with, shortest, stand

from sim.study.compare import HARM, effects, rounded
from sim.study.interaction import interactions
from sim.study.results import findings_of
from sim.study.variants import comparison
from sim.study.windows import NAMED, effect_windows
from sim.views.findings import (
    HARM_WORDS,
    cost_table,
    displacement_table,
    interaction_tables,
    overview_table,
)
from sim.views.plots import Measure, drawn, forecast_picture, measures_of, source_line
from sim.views.progress import duration
from sim.views.tables import (
    GROUPS,
    Table,
    as_json,
    difference_table,
    effect_tables,
    number,
    plain,
    show,
    show_cards,
)

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


def seven_and_more(count: int) -> pd.DataFrame:
    """A baseline and scenarios of which each takes one percent more off than the one before."""
    factors = {"baseline": 1.0} | {f"only-{k}": 1.0 - 0.01 * k for k in range(count)}
    return made_up(factors, replicates=2, regions=("CN",), start="2020-01-01", end="2021-12-31")


def test_of_many_scenarios_the_telling_ones_are_drawn() -> None:
    """The baseline, the one with most measures though it is weak, and the strongest, in their order."""
    frame = seven_and_more(20)
    table = effects(frame, "baseline", [NAMED[2]])
    rows = table[(table["outcome"] == "cases_registered") & (table["window_start"] == "2021-07-01")]
    day = pd.Timestamp(2021, 1, 1)
    bars = [Measure(f"m{k}", day, day, ("only-3",)) for k in range(3)] + [Measure("n", day, day, ("only-9",))]
    names = list(dict.fromkeys(frame["scenario"]))
    chosen = ["baseline", "only-3", *(f"only-{k}" for k in range(15, 20))]
    assert drawn(names, bars, rows) == chosen
    assert drawn(names[:7], bars, rows) == names[:7]
    own = frame[frame["scenario"].isin(chosen)]
    bars_drawn = [bar for bar in bars if bar.scenarios == ("only-3",)]
    few = forecast_picture(
        own, measures=bars_drawn, effects=rows[rows["scenario"].isin(chosen)],
        source="14 scenarios are not drawn: see effects.csv. made up",
    )  # fmt: skip
    assert forecast_picture(frame, measures=bars, effects=rows, source="made up") == few


ENDS = ("2021-07-01", "2021-07-31")


def found(**effect: float) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Effects, displacement and costs of one scenario with one measure, by the study itself."""
    level = {"cases_registered": [1000.0] * 5, "cases_true": [2000.0] * 5} | {
        name: [50.0] * 5 for name in HARM
    }
    level |= {name: [100.0] * 5 for name in ("contacts_sim", "contacts_voip", "gangs", "openings_illicit")}
    level |= {"losses_yuan": [9e6] * 5, "frozen_yuan": [1e6] * 5, "police_hours": [10.0] * 5}
    policy = {name: [value + effect.get(name, 0.0) for value in values] for name, values in level.items()}
    asked = comparison([scenario_with("policy", stand("a", cost_per_unit=2.0))], shortest())
    monthly = results({"baseline": level, "policy": policy})
    tallies = deeds({"policy": {("a", "units"): [50.0] * 5}})
    findings = findings_of(monthly, tallies, asked, [WINDOW])
    assert findings is not None
    return findings.effects, findings.displacement, findings.costs


def test_one_row_says_benefit_harm_displacement_and_cost() -> None:
    changes = {"cases_registered": -100.0, "closed_false": 20.0, "openings_refused_legitimate": -5.0}
    table = overview_table(
        *found(**changes, contacts_sim=-40.0, contacts_voip=10.0, police_hours=3.0), ENDS, "baseline"
    )
    (row,) = table.rows
    assert dict(zip(table.headers, row, strict=True)) == {
        "scenario": "policy",
        "registered cases": "-100",
        "90% interval": "-100 to -100",
        "verdict": "lower by 10% (10 to 10%): better",
        "harm to honest customers": "-5.00 openings refused, +20 closed in error",
        "displacement D": "kind +0.25 (+0.25 to +0.25)",
        "yuan a case averted": "1.00",
        "police hours": "+3.00 (+3.00 to +3.00)",
    }
    assert set(HARM_WORDS) == set(HARM)


def test_one_row_says_why_something_is_missing() -> None:
    (row,) = overview_table(*found(), ENDS, "baseline").rows
    assert row[4:7] == ("none to be told", "", "cases averted cannot be told from 0")


def test_displacements_of_many_measures_are_shortened() -> None:
    """What measures share is shown once; where they differ each is named; many are counted."""
    effects_, displacement, costs_ = found(contacts_sim=-40.0, contacts_voip=10.0)
    moved = displacement[displacement["displacement"].notna()]

    def cell(*values: float) -> str:
        rows = pd.concat([moved.assign(measure=f"m{k}", displacement=v) for k, v in enumerate(values)])
        (row,) = overview_table(effects_, rows, costs_, ENDS, "baseline").rows
        return row[5]

    assert cell(0.25, 0.25) == "kind +0.25 (+0.25 to +0.25)"
    assert cell(0.25, 0.5) == "kind of m0 +0.25 (+0.25 to +0.25), kind of m1 +0.5 (+0.25 to +0.25)"
    assert cell(0.1, 0.2, 0.3, 0.4, 0.5) == "5 figures: see displacement"


def test_displacement_and_costs_have_tables_that_fit_together() -> None:
    _, displacement, costs_ = found(contacts_sim=-40.0, contacts_voip=10.0, cases_registered=-100.0)
    text = plain(displacement_table(displacement, ENDS))
    assert "kind, contacts" in text
    assert "elsewhere rises instead, 25% of the fall here (25 to 25%)" in text
    assert "nothing changed here that could move" in text
    whole, each = (cost_table(costs_, ENDS, measures=measures) for measures in (False, True))
    assert len(whole.rows) == 1
    assert "measure" not in whole.headers
    assert [row[1] for row in each.rows] == ["a", "(all)"]
    cells = dict(zip(each.headers, each.rows[1], strict=True))
    assert (cells["cost, yuan"], cells["cases averted"], cells["delivered"]) == ("+100", "+100", "50")


def test_measures_that_share_both_sides_share_a_row() -> None:
    """In a scenario of many measures those of one axis have the same here and elsewhere: said once."""
    _, displacement, _ = found(contacts_sim=-40.0, contacts_voip=10.0)
    twice = pd.concat([displacement, displacement.assign(measure="b")])
    alone, shared = (displacement_table(table, ENDS) for table in (displacement, twice))
    assert len(shared.rows) == len(alone.rows)
    assert [row[1] for row in shared.rows] == [f"{row[1]} and 1 more" for row in alone.rows]


def test_interaction_has_a_table_for_each_whole() -> None:
    one, two = stand("a"), stand("b")
    asked = comparison([scenario_with("both", one, two)], shortest(), each=True)
    cases = {"baseline": 1000.0, "both": 880.0, "only-stand-a": 900.0, "only-stand-b": 950.0}
    monthly = results({name: {"cases_registered": [value] * 5} for name, value in cases.items()})
    (table,) = interaction_tables(interactions(monthly, asked.compared, [WINDOW]), ENDS)
    assert table.title.startswith(
        "both against the sum of 2 scenarios, 2021-07-01 to 2021-07-31: only-stand-a;"
    )
    assert table.rows == [
        (
            "registered cases",
            "-150 (-150 to -150)",
            "-120 (-120 to -120)",
            "+30 (+30 to +30)",
            "together they do less than one by one, by 30 (20% of the sum)",
        )
    ]


def test_long_texts_are_cards_on_a_terminal_and_lines_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measure's card is wrapped to the terminal and never cut; piped, each measure is one line."""
    rows = [{"measure": "a_measure", "what": "word " * 60, "fields": "one, two"}]
    piped, screen = io.StringIO(), io.StringIO()
    show_cards(rows, piped)
    assert len(piped.getvalue().splitlines()) == 2
    monkeypatch.setattr(screen, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    show_cards(rows, screen)
    lines = screen.getvalue().splitlines()
    assert lines[0] == "a_measure"
    assert max(map(len, lines)) <= 60
    assert screen.getvalue().count("word") == 60
