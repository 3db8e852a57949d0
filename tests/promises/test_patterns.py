"""Promises about patterns: measured as defined, on made-up histories that show them or do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fake_results import made_up_whole

from sim.study.patterns import PATTERNS, definitions, measure, table_of


def textbook(replicates: int = 4) -> pd.DataFrame:
    """A history that shows every pattern."""
    frame = made_up_whole("operation", replicates=replicates)
    set_months(frame, "cases_registered", "2018-01-01", "2020-09-01", 80_000)
    set_months(frame, "cases_registered", "2020-10-01", "2021-03-01", 95_000)
    set_months(frame, "cases_registered", "2021-04-01", "2021-04-01", 98_700)
    set_months(frame, "cases_registered", "2021-05-01", "2021-05-01", 84_600)
    set_months(frame, "cases_registered", "2021-06-01", "2022-12-01", 70_000)
    for level, price in (("opener", 300), ("dealer", 1_500), ("gang", 3_000)):
        set_months(frame, f"price_{level}_yuan", "2018-01-01", "2022-12-01", price)
    set_months(frame, "price_gang_yuan", "2020-06-01", "2020-08-01", 1_000)
    set_months(frame, "price_gang_yuan", "2021-01-01", "2021-01-01", 10_000)
    set_months(frame, "involved_new_cards", "2020-09-01", "2020-09-01", 125 * 30)
    set_months(frame, "involved_new_cards", "2020-11-01", "2020-11-01", 38 * 30)
    set_months(frame, "openings_illicit", "2018-01-01", "2020-10-01", 900)
    set_months(frame, "openings_illicit", "2020-11-01", "2022-12-01", 100)
    frame[["own_account_share", "substitute_share"]] = 0.2
    set_months(frame, "substitute_share", "2020-10-01", "2022-12-01", 0.35)
    set_months(frame, "orders_filled", "2020-10-01", "2022-12-01", 500)
    for name, spring, summer in (("cards_seized", 187_500, 14_667), ("sims_seized", 223_500, 145_667)):
        frame[name] = 1_000.0
        set_months(frame, name, "2021-04-01", "2021-05-01", spring)
        set_months(frame, name, "2021-06-01", "2021-08-01", summer)
    set_months(frame, "arrests_dealer", "2020-10-01", "2022-12-01", 4_000)
    return frame


def set_months(frame: pd.DataFrame, column: str, first: str, last: str, value: float) -> None:
    frame.loc[frame["month"].between(first, last), column] = float(value)


def test_a_textbook_history_shows_every_pattern() -> None:
    table = measure(textbook()).set_index("id")
    experiments = table["verdict"] == "needs runs of its own"
    assert list(table.index[experiments]) == ["P14", "P15", "P16", "P19"]
    assert set(table.loc[~experiments, "verdict"]) == {"pass"}
    assert set(table.loc[~experiments, "pass_share"]) == {1.0}
    assert table.loc[~experiments, "simulated"].to_dict() == {
        "P1": "8 months",
        "P2a": "-14.3%",
        "P2b": "Apr 2021",
        "P3": "3 of 3",
        "P5": "x10.0",
        "P6a": "yes",
        "P6b": "x5.0",
        "P6c": "x2.0",
        "P7": "-69.6%",
        "P8": "5 months",
        "P10a": "+15.0 points",
        "P10b": "-1.00",
        "P11a": "x0.078",
        "P11b": "x0.65",
        "P13a": "+98.0%",
        "P13b": "-12.5%",
        "all": "",
    }


def test_a_history_without_an_operation_shows_few() -> None:
    table = measure(made_up_whole("quiet")).set_index("id")
    assert table.loc["P1", "simulated"] == "never"
    assert table.loc["P8", "simulated"] == "never"
    assert table.loc["P3", "simulated"] == "0 of 3"
    assert (table.loc[["P1", "P3", "P5", "P7", "P8", "all"], "verdict"] == "fail").all()


def test_the_share_of_runs_inside_is_counted_run_by_run() -> None:
    frame = textbook(4)
    out = frame["replicate"] < 3
    frame.loc[out & (frame["month"] == "2021-01-01"), "price_gang_yuan"] = 2_000.0
    table = measure(frame).set_index("id")
    assert table.loc["P5", "pass_share"] == 0.25
    assert table.loc["P5", "verdict"] == "fail"
    assert table.loc["all", "pass_share"] == 0.25


def test_months_not_covered_are_said_so() -> None:
    table = measure(made_up_whole("short", start="2020-06-01", end="2021-02-01")).set_index("id")
    assert table.loc["P1", "verdict"] == "not covered by the run"
    assert table.loc["P5", "verdict"] == "fail"
    assert np.isnan(table.loc["P1", "pass_share"])
    nothing = measure(made_up_whole("short", regions=("CN",), start="2018-01-01", end="2018-03-01"))
    assert set(nothing["verdict"]) == {"not covered by the run", "needs runs of its own", ""}


def test_a_column_that_older_results_lack_is_not_covered() -> None:
    table = measure(textbook().drop(columns="sims_seized")).set_index("id")
    assert table.loc["P11", "verdict"] == "not covered by the run"
    assert table.loc["all", "pass_share"] == 1.0


def test_cards_that_fill_up_as_substitutes_grow_speak_against_substitution() -> None:
    """Served need rises with the share of substitutes: the share is higher, its correlation has the wrong
    sign.
    """
    frame = textbook()
    set_months(frame, "orders_filled", "2020-10-01", "2022-12-01", 2_000)
    table = measure(frame).set_index("id")
    assert table.loc["P10a", "verdict"] == "pass"
    assert (table.loc["P10b", "simulated"], table.loc["P10b", "verdict"]) == ("+1.00", "fail")


def test_a_region_without_trade_is_no_crash() -> None:
    frame = textbook()
    frame[["involved_new_cards", "price_gang_yuan", "openings_illicit"]] = 0.0
    assert measure(frame).set_index("id").loc["P7", "verdict"] == "fail"


def test_prior_draws_stand_beside() -> None:
    prior = made_up_whole("operation", replicates=5, draws=5)
    table = table_of(textbook(), prior=prior).set_index("id")
    assert table.loc["all", "prior_pass_share"] == 0.0
    assert table.loc["P1", "prior_draws"] == 5


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: str(pattern.id))
def test_each_pattern_is_defined_in_words(pattern: object) -> None:
    words = dict(definitions())[pattern.id]  # type: ignore[attr-defined]
    assert len(words) > 40
    assert words.endswith(".")
