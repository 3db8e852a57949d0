"""Promises about displacement: exact D where it is known, and none where nothing could move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import pytest
from fake_results import WINDOW, Values, deeds, results, scenario_with, shortest, stand

from sim.interventions import Measure
from sim.study.compare import COLUMNS as EFFECT_COLUMNS
from sim.study.displacement import CHANNELS, COLUMNS, NOT_TALLIED, NOTHING, as_effects, displacements
from sim.study.variants import comparison
from sim.study.windows import Window
from sim.views.displacement_picture import MOST_ROWS, displacement_picture

PAIRS = 6
LEVEL = np.array([0.0, 10.0, 20.0, 30.0, 40.0, 50.0])
NATION = {name: [100.0] * PAIRS for name in (*CHANNELS, "contacts_sim", "contacts_voip", "gangs")}
NO_DEEDS = deeds({})


def nation(**changes: object) -> Values:
    """The baseline, and a policy in which outcomes are those given."""
    base = NATION | {"openings_illicit": [1000.0] * PAIRS}
    return {"baseline": base, "policy": base | changes}  # type: ignore[dict-item]


def rows(measure: Measure, monthly: pd.DataFrame, tallies: pd.DataFrame = NO_DEEDS) -> pd.DataFrame:
    asked = comparison([scenario_with("policy", measure)], shortest())
    table = displacements(monthly, tallies, asked, [WINDOW])
    assert tuple(table.columns) == COLUMNS
    return table.set_index("axis")


def test_a_channel_that_takes_over_a_third() -> None:
    """Bought and own accounts lose 60 of 200 cases, points gain 20: D is a third in every pair."""
    table = rows(
        stand("a"), results(nation(cases_bought=[50.0] * 6, cases_own=[90.0] * 6, cases_points=[120.0] * 6))
    )
    row = table.loc["channel"]
    assert (row["baseline_here"], row["baseline_elsewhere"]) == (200.0, 600.0)
    assert (row["change_here"], row["change_elsewhere"]) == (-60.0, 20.0)
    assert (row["displacement"], row["low"], row["high"]) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert row["verdict"] == "elsewhere rises instead, 33% of the fall here (33 to 33%)"
    assert row["unit"] == "cases"


def test_nothing_moved_is_exactly_nought() -> None:
    row = rows(stand("a"), results(nation(contacts_sim=[80.0] * 6))).loc["kind"]
    assert (row["displacement"], row["low"], row["high"]) == (0.0, 0.0, 0.0)
    assert row["change_elsewhere"] == 0.0
    assert row["verdict"] == "nothing moved: elsewhere is identical in every pair"


def test_elsewhere_that_falls_too_is_below_nought() -> None:
    row = rows(stand("a"), results(nation(contacts_sim=[80.0] * 6, contacts_voip=[95.0] * 6))).loc["kind"]
    assert row["displacement"] == pytest.approx(-0.25)
    assert row["verdict"].startswith("elsewhere falls too, 25% of the fall here")


def test_what_rises_here_and_falls_elsewhere_is_displacement_too() -> None:
    row = rows(stand("a"), results(nation(contacts_sim=[120.0] * 6, contacts_voip=[90.0] * 6))).loc["kind"]
    assert row["displacement"] == pytest.approx(0.5)
    assert row["verdict"].startswith("elsewhere falls instead, 50% of the rise here")


@pytest.mark.parametrize(
    ("here", "words"),
    [
        ([100.0] * 6, "nothing changed here that could move"),
        ([80.0, 110.0] * 3, "nothing changed here that could move, as far as 6 replicates tell"),
    ],
)
def test_no_change_here_leaves_d_empty(here: Sequence[float], words: str) -> None:
    row = rows(stand("a"), results(nation(contacts_sim=here, contacts_voip=[50.0] * 6))).loc["kind"]
    assert math.isnan(row["displacement"])
    assert math.isnan(row["low"])
    assert row["verdict"] == words
    assert row["change_elsewhere"] == -50.0


def test_gangs_that_stay_at_home_leave_no_dust() -> None:
    """At home there are always 70; thirds of whole numbers must not make that a change of 1e-14."""
    months = []
    counts = ((80.0, 68.0), (46.0, 32.0), (82.0, 23.0))
    for month, (before, after) in enumerate(counts):
        abroad = {"baseline": before, "policy": after}
        whole = {name: nation()[name] | {"gangs": [70.0 + n] * 6} for name, n in abroad.items()}  # type: ignore[operator]
        outside = {"ABROAD": {name: {"gangs": [n] * 6} for name, n in abroad.items()}}
        months.append(results(whole, outside).assign(month=pd.Timestamp(2021, 7 + month, 1)))
    asked = comparison([scenario_with("policy", stand("a"))], shortest())
    quarter = Window("quarter", date(2021, 7, 1), date(2021, 9, 30))
    table = displacements(pd.concat(months), NO_DEEDS, asked, [quarter])
    row = table.set_index("axis").loc["region"]
    assert (row["change_here"], row["change_elsewhere"]) == (0.0, pytest.approx(-85.0 / 3))
    assert row["verdict"] == NOTHING


def test_a_shift_that_drowns_is_said_to() -> None:
    row = rows(stand("a"), results(nation(contacts_sim=[80.0] * 6, contacts_voip=list(97 + LEVEL / 10)))).loc[
        "kind"
    ]
    assert row["low"] < 0 < row["high"]
    assert row["verdict"] == "no shift can be told at 6 replicates"


def test_one_pair_has_no_interval() -> None:
    monthly = results(nation(contacts_sim=[80.0] * 6, contacts_voip=[110.0] * 6))
    row = rows(stand("a"), monthly[monthly["replicate"] == 3]).loc["kind"]
    assert (row["displacement"], row["replicates"], row["interval"]) == (0.5, 1, "none: one pair")
    assert row["verdict"] == "elsewhere rises instead, 50% of the fall here, in the only pair: no interval"


def test_regions_that_a_measure_names_are_here() -> None:
    """Of 1,000 openings GD and FJ hold 300; there 100 fall away, and 40 appear elsewhere."""
    places = {
        "GD": {"baseline": [200.0] * 6, "policy": [120.0] * 6},
        "FJ": {"baseline": [100.0] * 6, "policy": [80.0] * 6},
        "HB": {"baseline": [700.0] * 6, "policy": [740.0] * 6},
    }
    regions = {
        code: {name: {"openings_illicit": list(n)} for name, n in own.items()} for code, own in places.items()
    }
    row = rows(stand("a", regions=["GD", "FJ"]), results(nation(openings_illicit=[940.0] * 6), regions)).loc[
        "region"
    ]
    assert (row["baseline_here"], row["baseline_elsewhere"]) == (300.0, 700.0)
    assert row["displacement"] == pytest.approx(0.4)
    assert row["unit"] == "cards"


class Repatriation(Measure):
    """Stands for the measure whose here is abroad."""

    shifts = ("region",)
    measure: str = "border_repatriation"

    def act(self, day: int, window: object, policy: object) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("measure", "abroad"),
    [(stand("a"), (30.0, 35.0)), (Repatriation(id="b", start=date(2021, 1, 1)), (70.0, 50.0))],
    ids=["acts at home", "acts abroad"],
)
def test_a_measure_of_all_regions_moves_gangs_over_the_border(
    measure: Measure, abroad: tuple[float, float]
) -> None:
    """Of 100 gangs 70 are here, of which 20 go; of the 30 elsewhere there are 5 more."""
    before, after = abroad
    regions: dict[str, Values] = {
        "ABROAD": {"baseline": {"gangs": [before] * 6}, "policy": {"gangs": [after] * 6}}
    }
    row = rows(measure, results(nation(gangs=[85.0] * 6), regions)).loc["region"]
    assert (row["baseline_here"], row["baseline_elsewhere"]) == (70.0, 30.0)
    assert (row["change_here"], row["change_elsewhere"], row["displacement"]) == (-20.0, 5.0, 0.25)
    assert row["unit"] == "gangs"


def test_outlets_come_from_what_runs_tallied() -> None:
    """Runs that tallied nothing count as 0; those of other measures do not count."""
    tallies = deeds(
        {
            "baseline": {("a", "outlet_here"): [40.0] * 6, ("a", "outlet_elsewhere"): [960.0] * 6},
            "policy": {("a", "outlet_elsewhere"): [970.0] * 6, ("b", "outlet_here"): [9.0] * 6},
        }
    )
    row = rows(stand("a"), results(nation()), tallies).loc["outlet"]
    assert (row["change_here"], row["change_elsewhere"], row["displacement"]) == (-40.0, 10.0, 0.25)


def test_another_measure_of_the_same_id_is_not_compared() -> None:
    asked = comparison([scenario_with("policy", stand("a"))], shortest(), doses=[0.5])
    values = nation()
    monthly = results({**values, "policy-dose-0.5": values["policy"]})
    table = displacements(monthly, NO_DEEDS, asked, [WINDOW]).set_index(["scenario", "axis"])
    row = table.loc[("policy-dose-0.5", "outlet")]
    assert row["verdict"] == NOT_TALLIED
    assert math.isnan(row["baseline_here"])
    assert table.loc[("policy", "outlet"), "verdict"] == NOTHING


def test_draws_are_what_the_interval_is_taken_over() -> None:
    values = nation(contacts_sim=list(80 - LEVEL / 10), contacts_voip=[110.0] * 6)
    row = rows(stand("a"), results(values, draws=3)).loc["kind"]
    assert (row["draws"], row["interval"]) == (3, "ratio of means (Fieller) over draws and chance")


def test_a_missing_run_takes_its_pair_away() -> None:
    monthly = results(nation(contacts_sim=[80.0] * 5 + [0.0]))
    lost = (monthly["scenario"] == "baseline") & (monthly["replicate"] == 5)
    assert rows(stand("a"), monthly[~lost]).loc["kind", "change_here"] == -20.0
    assert rows(stand("a"), monthly[monthly["scenario"] == "policy"]).empty


def test_displacements_are_rows_of_the_effects() -> None:
    table = rows(
        stand("a"), results(nation(contacts_sim=[80.0] * 6, contacts_voip=[110.0] * 6))
    ).reset_index()
    found = as_effects(table)
    assert tuple(found.columns) == EFFECT_COLUMNS
    row = found[found["outcome"] == "displacement_kind:a"].iloc[0]
    assert (row["effect"], row["unit"], row["scenario"]) == (0.5, "ratio", "policy")
    assert math.isnan(row["baseline"])


def many(count: int) -> pd.DataFrame:
    """Rows for a picture: changes of all sizes, one cut off at the edge, one without D."""
    one = rows(stand("a"), results(nation(contacts_sim=[80.0] * 6, contacts_voip=[110.0] * 6))).reset_index()
    frame = pd.concat([one[one["axis"] == "kind"]] * count, ignore_index=True)
    frame["measure"] = [f"risk_control_linkage-{k}" for k in range(count)]
    frame.loc[0, ["change_elsewhere", "displacement", "low", "high"]] = [900.0, 45.0, 40.0, 50.0]
    frame.loc[1, ["displacement", "low", "high"]] = math.nan
    return frame


def test_the_picture_is_the_same_for_the_same_rows() -> None:
    first = displacement_picture(many(20), source="made up")
    assert first is not None
    assert first.startswith(b"\x89PNG")
    assert first == displacement_picture(many(20), source="made up")
    assert displacement_picture(many(1).iloc[:0]) is None
    assert displacement_picture(many(2).assign(baseline_here=0.0)) is None


def test_of_too_many_rows_those_of_small_scenarios_are_drawn() -> None:
    """A joint scenario with 30 rows gives way to single ones; what is left out shows in the line below."""
    alone = many(4).assign(scenario=[f"only-{k}" for k in range(4)])
    joint = many(30).assign(scenario="joint")
    kept = joint.iloc[: MOST_ROWS - 4]
    words = "10 rows are not drawn: see displacement.csv. "
    whole = displacement_picture(pd.concat([joint, alone]), source="made up")
    assert whole == displacement_picture(pd.concat([kept, alone]), source=f"{words}made up")
