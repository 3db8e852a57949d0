"""What scenarios promise: patches do what they say, draws move nothing else, equal files are equal."""

from __future__ import annotations

import csv
import json
import math
import pickle
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.errors import Fault, InputError, nearest, shown
from sim.scenario import Parameters, Scenario, differences, folders, json_schema, load, shipped_scenarios
from sim.scenario.parameters import Passport, frozen
from sim.scenario.places import REGIONS
from sim.scenario.priors import Prior, uniform

BASE = """\
name: base
title: A small base
start: 2018-01-01
end: 2022-12-31
scale: 100
parameters:
  gangs.staff: [1, 1, 1]
interventions:
  - {measure: warning_line, start: 2021-02-01, freeze_factor: 2}
  - {measure: account_cleanup, criterion: dormant, start: 2020-12-01, end: 2021-09-30, accounts: 740_000_000}
"""
PARAMETERS = """\
growth: {value: 0.19, prior: {uniform: [0.14, 0.25]}, unit: 1/year, range: [0, 1], meaning: Growth.,
         evidence: [F001], grade: A}
shares: {value: {calls: 0.4, pages: 0.6}, unit: share, range: [0, 1], meaning: Shares., evidence: assumed,
         grade: assumed}
staff: {value: [1, 2, 3], unit: persons, range: [0, null], meaning: Staff., evidence: assumed, grade: assumed,
        integer: true}
wage: {value: 360, prior: {lognormal: [360, 0.3]}, unit: yuan, range: [100, 2000], meaning: Wage.,
       evidence: assumed, grade: assumed}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small scenario folder that stands for the shipped one."""
    made = tmp_path / "scenarios"
    (made / "parameters").mkdir(parents=True)
    (made / "evidence").mkdir()
    (made / "base.yaml").write_text(BASE)
    (made / "parameters" / "gangs.yaml").write_text(PARAMETERS)
    (made / "evidence" / "facts.csv").write_text("id,topic\nF001,cases\n")
    monkeypatch.setattr(folders, "shipped_folder", lambda: made)
    return made


def child(folder: Path, text: str, name: str = "child") -> Scenario:
    """Write a scenario that extends the base, and load it."""
    (folder / f"{name}.yaml").write_text("extends: base.yaml\n" + text)
    return load(folder / f"{name}.yaml")


def ids(scenario: Scenario) -> list[str]:
    return [measure.id for measure in scenario.interventions]


def test_a_name_finds_the_shipped_scenario(folder: Path) -> None:
    scenario = load("base")
    assert (scenario.name, scenario.title, scenario.scale) == ("base", "A small base", 100)
    assert (scenario.start, scenario.end, scenario.days) == (date(2018, 1, 1), date(2022, 12, 31), 1826)
    assert ids(scenario) == ["warning_line", "account_cleanup-dormant"]
    assert load("base.yaml") == load(folder / "base.yaml").with_(sources=load("base.yaml").sources)


def test_a_child_patches_its_base(folder: Path) -> None:
    added = "  - {measure: account_cleanup, criterion: multi_card, start: 2020-12-01, rate: 0.1}\n"
    replaced = "  - {measure: warning_line, start: 2021-03-01, freeze_factor: 3}\n"
    scenario = child(
        folder, "scale: 500\nparameters: {gangs.growth: 0.2}\ninterventions:\n" + added + replaced
    )
    assert (scenario.name, scenario.title, scenario.scale) == ("child", "A small base", 500)
    assert scenario.parameters["gangs.growth"] == 0.2
    assert scenario.parameters["gangs.staff"] == (1.0, 1.0, 1.0)
    assert ids(scenario) == ["warning_line", "account_cleanup-dormant", "account_cleanup-multi_card"]
    assert scenario.measure("warning_line").start == date(2021, 3, 1)
    assert len(scenario.sources) == 2


def test_without_takes_measures_away(folder: Path) -> None:
    assert ids(child(folder, "without: [warning_line]\n")) == ["account_cleanup-dormant"]
    assert ids(child(folder, "without: [warning_line, account_cleanup-dormant]\n")) == []
    with pytest.raises(KeyError):
        child(folder, "without: [warning_line]\n").measure("warning_line")


def test_empty_lists_change_nothing(folder: Path) -> None:
    same = child(folder, "name: base\ninterventions:\nparameters:\nwithout: []\n")
    assert same.hash() == load("base").hash()


def test_set_patches_in_order(folder: Path) -> None:
    sets = [
        "scale=500",
        "scale=700",
        "end=2020-12-31",
        "parameters.gangs.growth=0.2",
        "parameters.gangs.staff[1]=5",
        "parameters.gangs.shares.calls=0.1",
        "interventions.account_cleanup-dormant.accounts=0",
        "interventions.warning_line.regions=[GD, SD]",
    ]
    scenario = load("base", sets=sets)
    assert (scenario.scale, scenario.end) == (700, date(2020, 12, 31))
    assert scenario.parameters.vector("gangs.staff").tolist() == [1, 5, 1]
    assert scenario.parameters.table("gangs.shares") == {"calls": 0.1, "pages": 0.6}
    assert scenario.measure("account_cleanup-dormant").model_dump()["accounts"] == 0
    assert scenario.measure("warning_line").regions == ["GD", "SD"]


def test_clipping_notes_measures_outside(folder: Path) -> None:
    scenario = load("base", start="2019-01-01", end=date(2021, 1, 15))
    assert (scenario.start, scenario.end) == (date(2019, 1, 1), date(2021, 1, 15))
    assert len(scenario.notes) == 1
    assert "warning_line" in scenario.notes[0]
    assert len(scenario.interventions) == 2


def test_scenarios_are_frozen(folder: Path) -> None:
    scenario = load("base")
    with pytest.raises(ValidationError):
        scenario.scale = 5
    with pytest.raises(TypeError):
        scenario.parameters["gangs.growth"] = 5.0  # type: ignore[index]
    with pytest.raises(ValidationError):
        scenario.interventions[0].start = date(2020, 1, 1)
    assert scenario.with_(scale=1000).scale == 1000
    assert scenario.scale == 100


def test_hash_is_of_what_is_simulated(folder: Path, tmp_path: Path) -> None:
    scenario = load("base")
    assert scenario.hash() == load("base").hash()
    assert json.loads(json.dumps(scenario.to_dict())) == scenario.to_dict()
    copy = shutil.copytree(folder, tmp_path / "elsewhere")
    assert load(copy / "base.yaml").hash() == scenario.hash()
    assert load("base", sets=["parameters.gangs.growth=0.2"]).hash() != scenario.hash()
    assert load("base", sets=["interventions.warning_line.coverage=0.5"]).hash() != scenario.hash()
    sent = pickle.loads(pickle.dumps(scenario))  # noqa: S301 - as a worker process receives it
    assert sent == scenario
    assert sent.hash() == scenario.hash()


def test_a_child_may_extend_a_shipped_scenario_from_elsewhere(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: base.yaml\nscale: 200\n")
    assert load(tmp_path / "mine.yaml").scale == 200
    (tmp_path / "mine.yaml").write_text("extends: base\n")
    assert load(tmp_path / "mine.yaml").scale == 100


SETS = [
    "scale=500",
    "parameters.gangs.growth=0.2",
    "parameters.gangs.shares.calls=0.1",
    "interventions.warning_line.coverage=0.5",
]


def test_differences_name_unit_and_source(folder: Path) -> None:
    base = load("base")
    assert differences(base, load("base")) == []
    other = load("base", sets=SETS)
    found = {item.path: item for item in differences(base, other)}
    assert list(found) == [
        "scale",
        "parameters.gangs.growth",
        "parameters.gangs.shares.calls",
        "interventions.warning_line.coverage",
    ]
    growth = found["parameters.gangs.growth"]
    assert (growth.a, growth.b, growth.unit, growth.source, growth.meaning) == (
        0.19,
        0.2,
        "1/year",
        "F001",
        "Growth.",
    )
    assert (
        found["interventions.warning_line.coverage"].a,
        found["interventions.warning_line.coverage"].b,
    ) == (1.0, 0.5)
    fewer = child(folder, "without: [warning_line]\n")
    (gone,) = differences(base, fewer)
    assert (gone.path, gone.b) == ("interventions.warning_line", None)
    assert gone.a["freeze_factor"] == 2
    json.dumps([item.to_dict() for item in differences(base, fewer)])


def test_draws_depend_on_seed_draw_and_id_alone(folder: Path) -> None:
    parameters = load("base").parameters
    assert parameters.draw(0, 1) == parameters
    first = parameters.draw(1, 1)
    assert first == parameters.draw(1, 1)
    assert first["gangs.growth"] != parameters.draw(2, 1)["gangs.growth"]
    assert first["gangs.growth"] != parameters.draw(1, 2)["gangs.growth"]
    assert first["gangs.shares"] == parameters["gangs.shares"]
    text = (
        "added: {value: 1, prior: {uniform: [0, 2]}, unit: x, range: [0, 2], meaning: M., evidence: assumed, "
    )
    path = folder / "parameters" / "gangs.yaml"
    path.write_text(text + "grade: assumed}\n" + path.read_text())
    more = load("base").parameters.draw(1, 1)
    assert len(more) == len(first) + 1
    assert all(more[name] == first[name] for name in first)


def test_what_a_scenario_sets_is_no_longer_drawn(folder: Path) -> None:
    parameters = load("base", sets=["parameters.gangs.growth=0.5"]).parameters
    assert parameters.uncertain == ("gangs.wage",)
    assert parameters.draw(3, 1)["gangs.growth"] == 0.5


def test_parameters_know_who_was_read(folder: Path) -> None:
    parameters = load("base").parameters
    assert set(parameters.unread()) == set(parameters)
    parameters.draw(1, 1).number("gangs.growth")
    assert "gangs.growth" not in parameters.unread()
    assert "gangs.wage" in parameters.unread()


def test_parameters_answer_by_shape(folder: Path) -> None:
    parameters = load("base").parameters
    assert parameters.number("gangs.wage") == 360.0
    assert parameters.integer("gangs.wage") == 360
    assert parameters.vector("gangs.staff").dtype == float
    parameters.vector("gangs.staff")[0] = 99
    parameters.table("gangs.shares")["calls"] = 99
    assert parameters.vector("gangs.staff")[0] == 1
    assert parameters.table("gangs.shares")["calls"] == 0.4
    for call in (parameters.number, parameters.table):
        with pytest.raises(TypeError):
            call("gangs.staff")
    with pytest.raises(TypeError):
        parameters.vector("gangs.wage")
    with pytest.raises(TypeError):
        parameters.integer("gangs.growth")
    with pytest.raises(KeyError, match=r"gangs\.growth"):
        parameters["gangs.grwth"]
    with pytest.raises(KeyError):
        parameters.passport("gangs.grwth")
    with pytest.raises(KeyError):
        parameters.with_({"gangs.grwth": 1.0})
    assert parameters.with_({"gangs.growth": 0.3})["gangs.growth"] == 0.3
    assert parameters.passport("gangs.growth").source == "F001"


PRIORS = [
    Prior("uniform", (1.0, 3.0)),
    Prior("loguniform", (0.1, 10.0)),
    Prior("triangular", (0.0, 1.0, 4.0)),
    Prior("triangular", (0.0, 0.0, 4.0)),
    Prior("normal", (1.0, 2.0), 0.0, 2.0),
    Prior("normal", (1.0, 2.0)),
    Prior("lognormal", (3.0, 0.5), 1.0, 100.0),
]


@pytest.mark.parametrize("prior", PRIORS, ids=str)
@given(shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_quantiles_rise_and_stay_in_the_support(prior: Prior, shares: tuple[float, float]) -> None:
    low, high = (prior.quantile(share) for share in sorted(shares))
    assert prior.support[0] <= low <= high <= prior.support[1]
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert prior.complaint() is None


def test_quantiles_are_those_of_the_distribution() -> None:
    assert Prior("uniform", (1.0, 3.0)).quantile(0.25) == 1.5
    assert Prior("loguniform", (0.1, 10.0)).quantile(0.5) == pytest.approx(1.0)
    assert Prior("triangular", (0.0, 1.0, 4.0)).quantile(0.25) == pytest.approx(1.0)
    assert Prior("normal", (1.0, 2.0)).quantile(0.975) == pytest.approx(1 + 2 * 1.959964)
    assert Prior("normal", (0.0, 1.0), 0.0).quantile(0.5) == pytest.approx(0.6744898)
    assert Prior("lognormal", (3.0, 0.5)).quantile(0.5) == pytest.approx(3.0)


@pytest.mark.parametrize("prior", [
    Prior("uniform", (3.0, 1.0)), Prior("uniform", (1.0, 1.0)), Prior("loguniform", (0.0, 1.0)),
    Prior("normal", (0.0, 0.0)), Prior("normal", (0.0, 1.0), 50.0, 60.0), Prior("lognormal", (-1.0, 1.0)),
    Prior("uniform", (0.0, 3.0), 1.0, 5.0),
], ids=str)  # fmt: skip
def test_impossible_priors_are_refused(prior: Prior) -> None:
    assert prior.complaint()


def test_whole_numbers_are_drawn_evenly() -> None:
    known = Passport(
        "a.b", 2.0, "x", (1, 3), "M.", (), "assumed", Prior("uniform", (1.0, 3.0), 1, 3), integer=True
    )
    parameters = Parameters({"a.b": known})
    drawn = [parameters.draw(k, 1).integer("a.b") for k in range(1, 3001)]
    assert {drawn.count(value) > 900 for value in (1, 2, 3)} == {True}
    assert set(drawn) == {1, 2, 3}


def test_uniforms_are_known() -> None:
    """Draws are published by number: this hash must never change."""
    assert uniform(1, 1, "gangs.growth") == uniform(1, 1, "gangs.growth")
    assert 0.0 < uniform(1, 1, "gangs.growth") < 1.0
    values = [uniform(1, k, "x") for k in range(4000)]
    assert abs(sum(values) / 4000 - 0.5) < 0.02
    assert frozen([1, 2]) == (1.0, 2.0)


def test_regions_are_those_of_the_census() -> None:
    path = folders.shipped_folder() / "evidence" / "regions.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        assert tuple(row["code"] for row in csv.DictReader(stream)) == REGIONS


def test_shipped_scenarios_are_right_quick_and_also_elsewhere(tmp_path: Path) -> None:
    copy = shutil.copytree(folders.shipped_folder(), tmp_path / "copied")
    for name, path in shipped_scenarios().items():
        began = time.perf_counter()
        shipped = load(name)
        assert time.perf_counter() - began < 2.0
        assert shipped.name == name
        assert load(copy / path.name).hash() == shipped.hash()


def test_schema_for_editors(folder: Path) -> None:
    schema = json_schema()
    json.dumps(schema)
    assert schema["properties"]["parameters"]["properties"]["gangs.growth"]["maximum"] == 1.0
    assert "AccountCleanup" in schema["$defs"]
    assert "id" not in schema["$defs"]["AccountCleanup"]["required"]
    assert schema["additionalProperties"] is False


def test_scenarios_need_no_heavy_import() -> None:
    heavy = "('numba', 'pandas', 'mesa', 'matplotlib')"
    code = f"import sys, sim.scenario; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_faults_print_in_one_line() -> None:
    fault = Fault("a\nb.yaml", 12, "k", "must be 0 or more, got -3", "Give a number.", "accounts")
    assert (
        str(fault) == "a\\nb.yaml:12: k: must be 0 or more, got -3. Give a number. Did you mean 'accounts'?"
    )
    both = InputError([Fault("x", 9, "", "b"), Fault("x", 2, "", "a"), Fault("x", 9, "", "b")])
    assert str(both) == "x:2: a.\nx:9: b."
    back = pickle.loads(pickle.dumps(both))  # noqa: S301 - as it comes back from a worker
    assert back.faults == both.faults


def test_faults_do_not_quote_files() -> None:
    assert shown("root:x:0:0:root") == "text of 15 characters"
    assert shown("x" * 41) == "text of 41 characters"
    assert shown([1, 2]) == "a list"
    assert nearest("acount", ["account", "other"]) == "account"
    assert nearest("zzz", ["account"]) is None
