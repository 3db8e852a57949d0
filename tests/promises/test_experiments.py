"""Promises about experiments: patterns measured as defined on made-up worlds, and worlds that load."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_results import made_up_whole

from sim.scenario import folders, load, shipped_experiments, shipped_scenarios
from sim.study.pattern_experiments import REPEAT, TAKEDOWN, UNDISTURBED
from sim.study.pattern_parts import Worlds
from sim.study.patterns import experiments, measure

RUNS = 4


def monthly() -> pd.DataFrame:
    """Worlds in which every experiment shows what it should; the undisturbed one is flat at 1,000."""
    frame = made_up_whole(*experiments(), replicates=RUNS, end="2021-03-31")
    frame[["frozen_yuan", "closed_false"]] = 0.0
    frame["cases_reported"] = frame["cases_true"] / 2
    lost = frame["losses_yuan"] / 2
    put(frame, "frozen_yuan", UNDISTURBED, 0.06 * lost)
    put(frame, "frozen_yuan", "freeze-in-two-days", 0.33 * lost)
    put(frame, "price_gang_yuan", "supply-shock", 3_000.0, "2019-03-01", "2019-06-01")
    put(frame, "orders_filled", "supply-shock", 300.0, "2019-03-01", "2020-08-01")
    put(frame, "closed_false", "cleanup-half", 1_000.0, "2018-07-01", "2018-12-01")
    put(frame, "closed_false", "cleanup-full", 1_500.0, "2018-07-01", "2018-12-01")
    return frame


def put(
    frame: pd.DataFrame,
    column: str,
    scenario: str,
    value: float | pd.Series,
    first: str = "2018-01-01",
    last: str = "2021-03-01",
) -> None:
    frame.loc[(frame["scenario"] == scenario) & frame["month"].between(first, last), column] = value


def weekly(short: int = 18, repeat: float = 0.8) -> pd.DataFrame:
    """Sets sold by week: 40% fewer for `short` weeks after the takedown; after the repeat `repeat` times what
    the takedown alone leaves.
    """
    weeks = pd.date_range("2018-01-01", "2021-03-22", freq="7D")
    takedown = np.where((weeks >= TAKEDOWN) & (weeks < TAKEDOWN + pd.Timedelta(weeks=short)), 600.0, 1_000.0)
    again = np.where((weeks >= REPEAT) & (weeks < REPEAT + pd.Timedelta(weeks=13)), repeat, 1.0)
    sold = {"lone-takedown": takedown, "repeated-takedown": takedown * again}
    frames = [
        pd.DataFrame(
            {
                "scenario": name,
                "draw": 0,
                "replicate": replicate,
                "week": weeks,
                "orders_filled": sold.get(name, 1_000.0),
            }
        )
        for name in experiments()
        for replicate in range(RUNS)
    ]
    return pd.concat(frames, ignore_index=True)


def measured(months_of: pd.DataFrame, weeks_of: pd.DataFrame) -> pd.DataFrame:
    table = measure(made_up_whole("operation", replicates=RUNS), Worlds(months_of, weeks_of)).set_index("id")
    return table[table.index.str.match(r"P1[4569]")]


def test_worlds_that_do_as_they_should_show_every_experiment() -> None:
    table = measured(monthly(), weekly())
    assert table["simulated"].to_dict() == {
        "P14a": "6.0%",
        "P14b": "33.0%",
        "P15a": "17 weeks",  # of the eight weeks from then on one is short by 40%: 5% in all
        "P15b": "x0.5",
        "P16": "+14 months",
        "P19a": "+147.8%",
        "P19b": "yes",
    }
    assert set(table["verdict"]) == {"pass"}


def test_a_takedown_whose_repeat_bites_harder_is_seen() -> None:
    table = measured(monthly(), weekly(short=5, repeat=0.5))
    assert table.loc["P15a", "simulated"] == "4 weeks"
    assert table.loc["P15b", "simulated"] == "x3.2"  # -50% over 13 weeks against 5/13 of -40%
    assert set(table.loc[["P15a", "P15b"], "verdict"]) == {"fail"}


def test_what_never_comes_back_is_said_so() -> None:
    frame = monthly()
    put(frame, "orders_filled", "supply-shock", 300.0, "2019-03-01")
    table = measured(frame, weekly(short=200))
    assert (table.loc["P15a", "simulated"], table.loc["P15a", "verdict"]) == ("never", "fail")
    assert (table.loc["P16", "simulated"], table.loc["P16", "verdict"]) == ("sets never back", "pass")
    put(frame, "price_gang_yuan", "supply-shock", 3_000.0, "2019-03-01")
    table = measured(frame, weekly())
    assert (table.loc["P16", "simulated"], table.loc["P16", "verdict"]) == ("neither back", "fail")


def test_harm_that_does_not_follow_the_dose_is_seen() -> None:
    frame = monthly()
    put(frame, "closed_false", "cleanup-half", 2_000.0)
    table = measured(frame, weekly())
    assert (table.loc["P19a", "verdict"], table.loc["P19b", "verdict"]) == ("pass", "fail")


def test_a_run_that_one_world_lacks_is_left_out_of_all() -> None:
    frame, weeks = monthly(), weekly()
    lost = (frame["scenario"] == "cleanup-half") & (frame["replicate"] == 2)
    table = measured(frame[~lost], weeks)
    assert set(table["runs"]) == {RUNS - 1}
    assert set(table["verdict"]) == {"pass"}


def test_worlds_that_end_too_early_are_not_covered() -> None:
    frame = monthly()
    table = measured(frame[frame["month"] < "2019-06-01"], weekly())
    assert table["verdict"].to_dict() == {
        "P14a": "pass",
        "P14b": "pass",
        "P15": "not covered by the run",
        "P16": "not covered by the run",
        "P19a": "pass",
        "P19b": "pass",
    }


def test_the_experiments_are_shipped_and_not_listed_as_policies() -> None:
    assert set(experiments()) == set(shipped_experiments())
    assert not set(shipped_experiments()) & set(shipped_scenarios())


@pytest.mark.parametrize("name", sorted(shipped_experiments()))
def test_an_experiment_loads_by_its_name_and_elsewhere(name: str, tmp_path: Path) -> None:
    """It differs from the undisturbed world in its end and in one respect: measures, or parameters."""
    copy = shutil.copytree(folders.shipped_folder(), tmp_path / "copied")
    shipped, undisturbed = load(name), load(UNDISTURBED)
    assert shipped.name == name
    assert load(copy / "experiments" / f"{name}.yaml").hash() == shipped.hash()
    assert (shipped.start, shipped.scale) == (undisturbed.start, undisturbed.scale)
    assert shipped.end <= undisturbed.end
    changed = [bool(shipped.interventions), shipped.parameters.to_dict() != undisturbed.parameters.to_dict()]
    assert sum(changed) == (name != UNDISTURBED)


def test_the_takedowns_fall_on_the_days_that_are_measured_from() -> None:
    first, second = load("repeated-takedown").interventions
    assert (pd.Timestamp(first.start), pd.Timestamp(second.start)) == (TAKEDOWN, REPEAT)
    assert all((when - pd.Timestamp(load(UNDISTURBED).start)).days % 7 == 0 for when in (TAKEDOWN, REPEAT))
    assert pd.Timestamp(load("supply-shock").interventions[0].start).month == 3
