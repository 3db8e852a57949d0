"""What generated documents promise: nothing of the model is missing in them, and they follow the code."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pytest
from pydantic import Field

import sim
from sim.documents import command_pages, equations, measure_cards, odd, odd_page, passports, site, words
from sim.documents.entities import entities
from sim.documents.schedule import flat, schedule
from sim.interventions import MEASURES, Measure
from sim.observe.outcomes import OUTCOMES
from sim.policy import Policy
from sim.scenario import load
from sim.state.capture import objects, state_of

TINY = ("scale=100000", "end=2021-12-31")
INDIRECT = {"accounts_frozen_in_error"}
"""Harm that follows from the number of cases, so that any measure that moves cases moves it."""


@pytest.fixture(scope="module")
def model() -> sim.FraudSupplyChain:
    return sim.FraudSupplyChain(load("card-broken-2020", sets=TINY))


@pytest.fixture(scope="module")
def page(model: sim.FraudSupplyChain) -> str:
    return odd_page.page(odd.sheet(model))


def test_the_sheet_follows_the_protocol(page: str) -> None:
    parts = [
        "Purpose and patterns",
        "Entities, state variables and scales",
        "Process overview and scheduling",
    ]
    parts += ["Design concepts", "Initialization", "Input data", "Submodels"]
    at = [page.index(f"\n## {number}. {part}\n") for number, part in enumerate(parts, 1)]
    assert at == sorted(at)
    concepts = (
        "Basic principles",
        "Emergence",
        "Adaptation",
        "Objectives",
        "Learning",
        "Prediction",
        "Sensing",
    )
    for concept in (*concepts, "Interaction", "Stochasticity", "Collectives", "Observation"):
        assert f"\n### {concept}\n" in page


def test_every_phase_and_process_is_in_the_sheet(model: sim.FraudSupplyChain, page: str) -> None:
    for number, name, function in model.phases:
        assert f"| {number} | {name} | `{function.__func__.__qualname__}` |" in page  # type: ignore[attr-defined]
    import sim.processes as room

    processes = [
        thing
        for module in pkgutil.iter_modules(room.__path__)
        for thing in vars(importlib.import_module(f"{room.__name__}.{module.name}")).values()
        if inspect.isclass(thing) and thing.__module__.endswith(f".{module.name}") and hasattr(thing, "run")
    ]
    assert len(processes) >= 12
    assert [process for process in processes if f"`{process.__qualname__}.run`" not in page] == []


def test_every_state_array_is_in_the_sheet_and_has_a_meaning(model: sim.FraudSupplyChain, page: str) -> None:
    told = {entity.path: {v.name: v for v in entity.variables} for entity in entities(model)}
    assert told.keys() == {path for path, _ in objects(model)}
    for path, values in state_of(model).items():
        arrays = {name for name, value in values.items() if isinstance(value, np.ndarray)}
        contents = values.get("contents", {})
        if path != "population":  # its contents are agents, which have a table of their own
            arrays |= set(contents)
        assert arrays <= told[path].keys(), path
        for name in arrays:
            assert told[path][name].meaning, f"{path}.{name}"
            assert f"| `{name}` | {told[path][name].kind} |" in page


def test_every_equation_measure_and_parameter_is_in_the_sheet(model: sim.FraudSupplyChain, page: str) -> None:
    assert [*equations.equations()] == [f"4.{number}" for number in range(1, 17)]
    for number, places in equations.equations().items():
        assert any(sign in place.text for place in places for sign in "=()^"), number
    for name in (*(m.id for m in model.scenario.interventions), *model.scenario.parameters):
        assert f"| `{name}` |" in page
    assert model.scenario.hash() in page


def test_a_renamed_or_new_process_shows() -> None:
    class Lottery:
        """A process that the model did not have."""

        def run(self) -> None:
            """Draw a winner of the day."""

    class Changed(sim.FraudSupplyChain):
        def _build_day(self, audit: Any) -> None:
            super()._build_day(audit)
            self.phases[0] = (1, "almanac", self.calendar.run)
            self.phases.append((14, "lottery", Lottery().run))

    written = odd_page.page(odd.sheet(Changed(load("baseline", sets=TINY))))
    assert "| 1 | almanac | `Calendar.run` |" in written
    assert "| 1 | calendar |" not in written
    assert "| 14 | lottery | " in written
    assert "Draw a winner of the day." in written


def test_steps_are_followed_into_what_a_phase_calls(model: sim.FraudSupplyChain) -> None:
    steps = {phase.name: [step.name for step in flat(phase.step)] for phase in schedule(model)}
    assert "FraudSupplyChain.suspend_outlets" in steps["supply"]
    assert "Counter._screen" in steps["opening"]
    assert steps["race"].index("Reporting.who_reports") < steps["race"].index("Funds._settle")


def test_docstrings_define_names() -> None:
    text = """A thing.

    ``a`` (fen) and ``b``: what both
    are; ``c``: with ``code`` in it, 3.5; ``d``: last.

    By kind: ``e``: a rate.
    """
    meaning = {"a": "what both are", "c": "with `code` in it, 3.5", "d": "last", "e": "a rate"}
    assert words.terms(text) == meaning | {"b": "what both are"}


class Umbrella(Measure):
    """Everybody gets an umbrella."""

    card: ClassVar[str] = "Umbrellas against rain. Assumed: the rain."
    writes: ClassVar[tuple[str, ...]] = ("policy.report_lift",)
    identity: ClassVar[str] = "no rain: the baseline"
    harms: ClassVar[tuple[str, ...]] = ("closed_false",)

    measure: Literal["umbrella"]
    depth: Annotated[float, Field(ge=0.0, le=3.0)] = Field(1.0, description="Metres of rain.")

    def act(self, day: int, window: Any, policy: Policy) -> None:
        policy.report_lift += 0.0


def test_a_new_measure_shows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(MEASURES, "umbrella", Umbrella)
    assert (
        "| [umbrella](umbrella.md) | Everybody gets an umbrella. | `closed_false` |"
        in measure_cards.overview()
    )
    card = measure_cards.card("umbrella")
    assert "| `depth` | number from 0 to 3 | 1.0 | Metres of rain. |" in card
    assert "`Reporting.who_reports` in `sim.processes.funds`" in card
    file = tmp_path / "rain.yaml"
    file.write_text(
        "name: rain\nextends: baseline.yaml\ninterventions:\n- measure: umbrella\n  start: 2020-01-01\n"
    )
    rain = sim.FraudSupplyChain(load(str(file), sets=TINY))
    assert "| `umbrella` | `umbrella` | 2020-01-01 |" in odd_page.page(odd.sheet(rain))


@pytest.mark.parametrize("name", MEASURES)
def test_a_card_says_all_there_is_to_say(name: str, tmp_path: Path) -> None:
    kind, card = MEASURES[name], measure_cards.card(name)
    assert [field for field in kind.model_fields if field != "measure" and f"| `{field}` |" not in card] == []
    assert [fact for fact in kind.facts if f"| {fact} |" not in card] == []
    meanings = words.terms(Policy.__doc__)
    for field in (written.removeprefix("policy.") for written in kind.writes):
        assert meanings[field]
        assert equations.readers(field), f"nothing reads {field}"
    file = tmp_path / "example.yaml"
    file.write_text(measure_cards.example(name))
    scenario = load(str(file))
    assert [measure.measure for measure in scenario.interventions].count(name) == 1


def test_declared_harm_is_what_a_measure_does(tmp_path: Path) -> None:
    """Each measure alone, at once and in full: the harm it raises is the harm its card names."""
    harmful = [name for name in OUTCOMES if name in _harms()]
    quiet = _harm_of(load("no-measures", sets=_short()))
    for name, kind in MEASURES.items():
        file = tmp_path / f"{name}.yaml"
        file.write_text(measure_cards.example(name).replace("extends: baseline", "extends: no-measures"))
        found = _harm_of(load(str(file), sets=_short()))
        raised = {outcome for outcome in harmful if found[outcome] > quiet[outcome]}
        assert set(kind.harms) - INDIRECT <= raised, name
        assert raised - INDIRECT <= set(kind.harms), name


def _harms() -> set[str]:
    return {harm for kind in MEASURES.values() for harm in kind.harms}


def _short() -> tuple[str, ...]:
    return ("scale=100000", "start=2020-10-01", "end=2021-05-31")


def _harm_of(scenario: Any) -> dict[str, float]:
    model = sim.FraudSupplyChain(scenario)
    model.run_model()
    months = model.recorder.monthly()
    return dict(months[months["region"] == "CN"][list(_harms())].sum())


def test_every_parameter_has_a_passport_and_a_reader() -> None:
    scenario = load("card-broken-2020")
    assert set(passports.readers()) == set(scenario.parameters)
    for group, known in passports.groups(scenario).items():
        written = passports.page(group, known)
        for passport in known:
            assert f"\n## {passport.id}\n" in written
            assert passport.meaning in written
    assert "sim.processes.funds.Funds.__init__" in passports.readers()["funds.police_delay_days"]


def test_every_command_and_option_is_on_its_page() -> None:
    written = command_pages.page()
    for name, command in command_pages.commands().items():
        assert f"\n## cardbreak {name}\n" in written
        for option in (opt for param in command.params for opt in param.opts if opt.startswith("--")):
            assert f"`{option}`" in written


def test_the_command_writes_what_it_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sim.cli import guarded

    monkeypatch.chdir(tmp_path)
    asked = ["cardbreak", "odd", "baseline", "--scale", "100000"]
    monkeypatch.setattr(sys, "argv", asked)
    assert guarded() == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# ODD sheet: No card operation\n")
    monkeypatch.setattr(sys, "argv", [*asked, "--out", "sheet.md"])
    assert guarded() == 0
    assert (tmp_path / "sheet.md").read_text(encoding="utf-8") == printed
    capsys.readouterr()
    assert guarded() == 2
    assert capsys.readouterr().err == "sheet.md: exists. Give another --out, or replace it with --force.\n"
    monkeypatch.setattr(sys, "argv", [*asked, "--out", "nowhere/sheet.md"])
    assert guarded() == 2
    assert capsys.readouterr().err.startswith("nowhere/sheet.md: cannot be written")


def test_the_sheet_is_data_too(model: sim.FraudSupplyChain) -> None:
    from dataclasses import asdict

    from sim.views.tables import as_json

    data = json.loads(as_json(asdict(odd.sheet(model))))
    assert data["run"]["scenario"] == "card-broken-2020"
    assert len(data["schedule"]) == len(model.phases)


def test_links_lead_to_the_same_place_in_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        site, "generated", lambda: {site.MEASURE_INDEX: "# M\n", site.PARAMETER_INDEX: "# P\n"}
    )
    pages, files = site.site()
    assert {
        "index.md",
        "docs/model.md",
        "docs/tutorials/first-forecast.md",
        "scenarios/draws/README.md",
    } <= set(pages)
    assert "](generated/parameters/index.md)" in pages["index.md"]
    assert "](../index.md#results-in-pandas-duckdb-and-r)" in pages["docs/studies.md"]
    assert "](../scenarios/experiments/index.md)" in pages["docs/model.md"]
    assert "lone-takedown.yaml" in pages["scenarios/experiments/index.md"]
    assert {"docs/forecast.png", "LICENSE"} <= set(files)
    for name in pages:
        assert name.removesuffix(".md") in pages["index.md"] or name == "index.md"


@pytest.mark.full
def test_the_site_builds_without_a_warning_and_without_a_network(tmp_path: Path) -> None:
    """Skipped where the tools are not installed; `make test-full` installs them."""
    pytest.importorskip("sphinx")
    pages, built = tmp_path / "pages", tmp_path / "html"
    site.lay_out(pages)
    build = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        tmp_path / "cache",
        pages,
        built,
    ]
    done = subprocess.run([str(word) for word in build], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for html in built.rglob("*.html"):
        text = html.read_text(encoding="utf-8")
        loaded = [part for tag in ("<script", "<link", "<img") for part in text.split(tag)[1:]]
        assert [part[:200] for part in loaded if "//" in part.split(">")[0].replace("data:", "")] == [], html
