"""Promises about the report's words: whole in both languages, true to what ships, with the same figures."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from sim.report.blocks import Link
from sim.report.charts import axis_of, inline
from sim.report.speech import Speech
from sim.study.compare import HARM, verdict
from sim.views.languages import LANGUAGES, words
from sim.views.tables import GROUPS, number

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("report", "names", "parameters")
LATIN = re.compile(r"[A-Za-z]{2,}")


@pytest.fixture(scope="module")
def zh() -> Speech:
    return Speech("zh")


@pytest.mark.parametrize("room", ROOMS)
def test_every_word_is_in_every_language_with_the_same_slots(room: str) -> None:
    spoken = {lang: words(room, lang) for lang in LANGUAGES}
    for key in spoken["en"]:
        slots = [sorted(re.findall(r"\{(\w+)\}", spoken[lang][key])) for lang in LANGUAGES]
        assert slots[0] == slots[1], key


def test_no_word_of_the_report_is_left_unsaid() -> None:
    """Every sentence is asked for somewhere, and everything that is asked for is there."""
    source = "".join(path.read_text() for path in (ROOT / "sim" / "report").glob("*.*"))
    known = {key for key in words("report", "en") if not key.startswith("said.")}
    asked = set(re.findall(r"speech\(\s*[\"']([\w-]+)[\"']", source))
    assert asked <= known
    made = ("grade_", "picture_", "no_effects_", "no_harm_", "no_displacement_", "no_differences_", "how_")
    assert [
        key for key in known if not re.search(f"[\"']{key}[\"']", source) and not key.startswith(made)
    ] == []


def test_names_are_those_of_what_ships() -> None:
    from sim.interventions import MEASURES
    from sim.scenario import load, shipped_scenarios

    names = words("names", "en")
    scenarios = [load(path) for path in shipped_scenarios().values()]
    assert {f"scenario.{one.name}": one.title for one in scenarios} == {
        key: name for key, name in names.items() if key.startswith("scenario.")
    }
    titles = {m.title for one in scenarios for m in one.interventions if m.title}
    assert {key[6:] for key in names if key.startswith("title.")} == titles
    assert all(f"measure.{kind}" in names and f"what.{kind}" in names for kind in MEASURES)
    assert {f"outcome.{name}": label for _, group in GROUPS for name, label in group}.items() <= names.items()


def test_parameters_mean_what_their_passports_say() -> None:
    """A passport that is worded anew needs its Chinese anew."""
    from sim.scenario import load

    passports = load("baseline").parameters.passports
    assert dict(words("parameters", "en")) == {name: one.meaning for name, one in passports.items()}


def test_units_and_fields_have_chinese_words(zh: Speech) -> None:
    from sim.interventions import MEASURES
    from sim.interventions.base import Measure
    from sim.scenario import load

    units = {one.unit for one in load("baseline").parameters.passports.values()}
    assert {unit for unit in units if LATIN.search(zh.said(unit))} == set()
    groups = {name.partition(".")[0] for name in load("baseline").parameters.passports}
    assert {group for group in groups if zh.name(f"group.{group}") is None} == set()
    fields = {name for kind in MEASURES.values() for name in kind.model_fields} - set(Measure.model_fields)
    assert {name for name in fields if zh.name(f"field.{name}") is None} == set()


@pytest.mark.parametrize("outcome", ["cases_registered", "own_account_share", *HARM, "losses_yuan", "gangs"])
@pytest.mark.parametrize("size", [0.0, 1e-3, 37.0, 4321.0, 5.25e6, 3.3e9])
@pytest.mark.parametrize("base", [0.0, 1e4])
def test_every_verdict_is_said_in_chinese(zh: Speech, outcome: str, size: float, base: float) -> None:
    for differences in (np.full(6, size), np.linspace(-size, size, 6), -np.full(3, size) * [1, 1.1, 1.2]):
        mean, low, high = differences.mean(), differences.min(), differences.max()
        english = verdict(outcome, differences, base, float(mean), float(low), float(high))
        assert not LATIN.search(zh.said(english)), english
    assert not LATIN.search(zh.said(verdict(outcome, np.array([size]), base, size, np.nan, np.nan)))


def test_sentences_of_displacement_and_forecasts_are_said_in_chinese(zh: Speech) -> None:
    from sim.forecast.naive import FORECASTERS
    from sim.study.displacement import NOT_TALLIED, NOTHING

    said = [
        NOTHING,
        NOT_TALLIED,
        f"{NOTHING}, as far as 4 replicates tell",
        "nothing moved: elsewhere is identical in every pair",
        "no shift can be told at 12 replicates",
        "elsewhere falls too, 1,290% of the fall here (644 to 3,460%, 4 pairs only)",
        "elsewhere rises instead, 35% of the fall here (4.0 to 61%)",
        "elsewhere rises too, 9.1% of the rise here, in the only pair: no interval",
        *FORECASTERS,
    ]
    assert [text for text in said if LATIN.search(zh.said(text))] == []


def test_what_has_no_pattern_stays_as_it_is(zh: Speech) -> None:
    assert zh.said("a sentence from some file") == "a sentence from some file"
    assert zh.scenario("baseline", "My own baseline") == "My own baseline"
    assert zh.scenario("mine", "No card operation") == "mine" or "No card" in zh.scenario(
        "mine", "No card operation"
    )
    assert zh.scenario("baseline", "No card operation") == "不开展断卡行动"
    assert zh.scenario("x", "No card operation (no-adaptation)") == "不开展断卡行动（黑产不应对）"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (12_210_000.0, "1,221 万"),
        (1_000_000.0, "100 万"),
        (-141_200_000.0, "-1.412 亿"),
        (23_280_000_000.0, "232.8 亿"),
        (4_990_000_000_000.0, "49,900 亿"),
        (999_999.0, "999,999"),
        (-212_000.0, "-212,000"),
        (0.021, "0.021"),
    ],
)
def test_large_numbers_in_chinese_are_the_same_numbers(zh: Speech, value: float, shown: str) -> None:
    assert zh.number(value) == shown
    assert Speech("en").number(value) == number(value)


def test_windows_and_changes_in_words() -> None:
    en = Speech("en")
    assert en.window(date(2021, 7, 1), date(2021, 12, 31)) == "July to December 2021"
    assert en.window(date(2020, 10, 10), date(2021, 10, 11)) == "10 October 2020 to 11 October 2021"
    assert en.fewer_between(-326_423, -97_577) == "97,600 to 326,000 fewer"
    assert en.fewer_between(-20, 45_000) == "20 fewer to 45,000 more"
    assert Speech("zh").window(date(2021, 7, 1), date(2021, 12, 31)) == "2021年7月至12月"


@pytest.mark.parametrize(
    ("href", "safe"),
    [
        ("https://www.gov.cn/a", True),
        ("#source-F001", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://x y", False),
        ("", False),
    ],
)
def test_links_lead_to_sources_or_into_the_page(href: str, safe: bool) -> None:
    assert Link("text", href).safe is safe


def test_a_picture_keeps_its_names_to_itself() -> None:
    svg = (
        b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9">'
        b'<style>*{x:y}</style><defs><path id="m1"/></defs><g id="figure_1" clip-path="url(#p1)">'
        b'<use xlink:href="#m1"/></g><clipPath id="p1"/>'
        b"<text style=\"font: 700 12px 'DejaVu Sans'; text-anchor: end\">1</text></svg>"
    )
    made = str(inline(svg, "picture-a", "A <title>", "about & so on"))
    assert re.findall(r' id="([^"]+)"', made) == [
        "picture-a-title",
        "picture-a-about",
        "picture-a-m1",
        "picture-a-p1",
    ]
    assert "url(#picture-a-p1)" in made
    assert 'href="#picture-a-m1"' in made
    assert "DejaVu" not in made
    assert "<style" not in made
    assert "A &lt;title&gt;" in made


def test_a_scale_holds_nought_and_cuts_what_is_beyond() -> None:
    axis = axis_of([-5.0, -1.0, float("nan")])
    assert (axis.low, axis.high) == (-5.0, 0.0)
    assert axis_of([10.0], most=2.0).high == 2.0
    assert axis.x(-100.0) == axis.x(-5.0) < axis.x(0.0)
    assert axis_of([]).low < 0 < axis_of([]).high
