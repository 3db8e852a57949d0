"""What the page shows and takes, without a browser: words, pictures, and whatever a page might send."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sim.draws.wish import POINT_VALUES
from sim.errors import InputError
from sim.interventions import MEASURES
from sim.scenario import load
from sim.scenario.source import read
from sim.study.lessons import LESSONS, OWN, Lesson
from sim.study.session import Past
from sim.views.app.course import course_of, rates
from sim.views.app.lines import CHARTS, line_chart
from sim.views.app.server import Guard, bound
from sim.views.app.stage import Offer, Stage
from sim.views.app.text import change, share, short
from sim.views.languages import LANGUAGES, WORDS, words

LESSON = Lesson("rising", "baseline", "card-broken-2020", date(2020, 8, 1), date(2020, 12, 31))
OTHER = Lesson("outlets", "baseline", "opening-suspension", date(2020, 8, 1), date(2020, 12, 31))
PAST = Past()
FORMAT = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize("file", sorted(WORDS.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_word_is_there_in_every_language_with_the_same_places(file: Path) -> None:
    for key, text in read(file, file.name).plain().items():
        assert set(text) == set(LANGUAGES), key
        places = {tuple(sorted(set(FORMAT.findall(text[lang])))) for lang in LANGUAGES}
        assert len(places) == 1, key
        assert all(text.values()), key


def test_every_lesson_and_measure_has_words() -> None:
    wanted = {f"m_{measure}" for measure in MEASURES}
    for key in [*(lesson.key for lesson in LESSONS), OWN]:
        wanted |= {f"q_{key}", *(f"q_{key}_{part}" for part in ("say", "try", "look"))}
    wanted |= {f"t_{lesson.key}_{side}" for lesson in LESSONS for side in "ab"}
    template = (WORDS.parent / "app" / "page.vue").read_text()
    wanted |= set(re.findall(r"words\.(\w+)", template))
    assert wanted - words("app", "en").keys() == set()


@pytest.mark.parametrize(
    ("number", "en", "zh"),
    [
        (0, "0", "0"),
        (0.083, "0.083", "0.083"),
        (7.25, "7.2", "7.2"),
        (999.6, "1.0k", "1000"),
        (81_320, "81k", "8.1万"),
        (1_230_000, "1.2 m", "123万"),
        (2.31e9, "2.3 bn", "23亿"),
        (float("nan"), "–", "–"),
        (-5000, "−5.0k", "−5000"),
    ],
)
def test_numbers_are_short_in_either_language(number: float, en: str, zh: str) -> None:
    assert (short(number, "en"), short(number, "zh")) == (en, zh)


def test_differences_have_a_sign_and_an_arrow() -> None:
    assert change(64, 100) == "▼ −36%"
    assert change(130, 100) == "▲ +30%"
    assert change(2000, 100) == "▲ ×20"
    assert change(3, 0) == "▲"
    assert change(100, 100) == change(100.2, 100) == change(float("nan"), 3) == ""
    assert share(0.305) == "30%"


class Told:
    """What a stage told, waited for."""

    def __init__(self) -> None:
        self.content: dict[str, Any] = {}
        self.bell = threading.Condition()

    def __call__(self, content: dict[str, Any]) -> None:
        with self.bell:
            self.content = content
            self.bell.notify_all()

    def wait(self, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        with self.bell:
            assert self.bell.wait_for(lambda: bool(self.content) and until(self.content), 60)
            return self.content


def ready(content: dict[str, Any]) -> bool:
    return bool(content.get("charts")) and not content["transport"]["busy"]


@pytest.fixture
def stage() -> Iterator[tuple[Stage, Told]]:
    told = Told()
    made = Stage(Offer((LESSON, OTHER), 5000, 1, POINT_VALUES, "en"), PAST, told)
    made.open()
    try:
        yield made, told
    finally:
        made.close()


def test_a_stage_shows_every_picture_with_words_for_those_who_do_not_see_it(
    stage: tuple[Stage, Told],
) -> None:
    content = stage[1].wait(ready)
    assert [len(content[name]) for name in ("chains", "charts", "maps", "figures")] == [2, len(CHARTS), 2, 4]
    for drawn in (*content["chains"], *content["charts"], *content["maps"]):
        root = ET.fromstring(drawn)
        assert root.get("role") == "img"
        assert "Dec 2020" in drawn or "Beijing" in drawn
        assert "{" not in root.get("aria-label", "{")
    tiles = ET.fromstring(content["maps"][1])
    assert len(tiles.findall("{*}g")) == 31
    assert content["titles"] == ["No card operation", "The whole operation as reported"]
    assert content["transport"]["months"][0] == "Aug 2020"


def test_a_slider_changes_the_right_world_and_only_that(stage: tuple[Stage, Told]) -> None:
    made, told = stage
    before = told.wait(ready)
    made.act({"name": "set", "value": {"id": "*", "dose": 0}})
    after = told.wait(lambda content: ready(content) and all(one["changed"] for one in content["panel"]))
    assert after["chains"][0] == before["chains"][0]
    assert after["chains"][1] != before["chains"][1]
    assert after["figures"][0]["apart"] == "no difference"
    made.act({"name": "reset", "value": None})
    assert (
        told.wait(lambda content: ready(content) and not content["panel"][0]["changed"])["chains"]
        == before["chains"]
    )


def test_downloads_are_the_scenario_and_the_data_of_the_page(
    stage: tuple[Stage, Told], tmp_path: Path
) -> None:
    made, told = stage
    told.wait(ready)
    made.act({"name": "set", "value": {"id": "publicity", "dose": 40}})
    told.wait(lambda content: ready(content) and any(one["dose"] == 40 for one in content["panel"]))
    made.act({"name": "download", "value": "yaml"})
    file = told.wait(lambda content: content["file"] is not None)["file"]
    path = tmp_path / file["name"]
    path.write_text(file["text"])
    assert load(path).measure("publicity").coverage == pytest.approx(0.4)
    assert f"cardbreak compare {path.name} --baseline baseline --end 2020-12-31 --scale 5000" in file["text"]
    made.act({"name": "download", "value": "csv"})
    file = told.wait(lambda content: content["file"]["count"] == 2)["file"]
    (tmp_path / file["name"]).write_text(file["text"])
    table = pd.read_csv(tmp_path / file["name"])
    assert len(table) == 2 * 5 * 33
    course = course_of(table.assign(month=pd.to_datetime(table["month"])), tuple(LESSON_MONTHS))
    label = line_chart(CHARTS[0], course, 5, None, words("app", "en"), "en")
    assert re.findall('aria-label=.([^"]*)', label)[0] in told.content["charts"][0]


LESSON_MONTHS = [date(2020, month, 1) for month in range(8, 13)]


NONSENSE: tuple[dict[str, Any], ...] = (
    {},
    {"name": "work", "value": 1},
    {"name": "__init__", "value": 1},
    {"name": "lesson", "value": "../../etc"},
    {"name": "lesson", "value": ["rising"]},
    {"name": "run", "value": "x"},
    {"name": "run", "value": float("nan")},
    {"name": "set", "value": {"id": "nobody", "dose": 3}},
    {"name": "set", "value": {"id": ["*"], "dose": 3}},
    {"name": "set", "value": {"id": "publicity", "dose": []}},
    {"name": "set", "value": 7},
    {"name": "seek", "value": None},
    {"name": "speed", "value": 1e9},
    {"name": "speed", "value": [2]},
    {"name": "download", "value": "/etc/passwd"},
    {"name": "download", "value": {}},
    {"name": ["set"], "value": 7},
)


def test_what_makes_no_sense_changes_nothing(stage: tuple[Stage, Told]) -> None:
    made, told = stage
    before = told.wait(ready)
    for nonsense in NONSENSE:
        made.act(nonsense)
    time.sleep(0.3)
    same = ("chains", "panel", "lesson", "run", "transport", "file")
    assert {name: told.content[name] for name in same} == {name: before[name] for name in same}


def test_numbers_are_held_within_their_bounds(stage: tuple[Stage, Told]) -> None:
    made, told = stage
    told.wait(ready)
    made.act({"name": "set", "value": {"id": "cluster_campaign", "begins": -1e300, "dose": 1e9}})
    content = told.wait(lambda content: ready(content) and any(one["begins"] for one in content["panel"]))
    moved = next(one for one in content["panel"] if one["id"] == "cluster_campaign")
    assert (moved["begins"], moved["dose"]) == (-12, 100)


def test_play_goes_on_month_by_month_and_stops_at_the_end(stage: tuple[Stage, Told]) -> None:
    made, told = stage
    told.wait(ready)
    made.act({"name": "speed", "value": 8})
    made.act({"name": "seek", "value": 2})
    told.wait(lambda content: content["transport"]["month"] == 2)
    made.act({"name": "play", "value": None})
    told.wait(lambda content: content["transport"]["month"] == 3 and content["transport"]["playing"])
    made.act({"name": "pause", "value": None})
    at = told.wait(lambda content: not content["transport"]["playing"])["transport"]["month"]
    made.act({"name": "play", "value": None})
    end = told.wait(
        lambda content: content["transport"]["month"] == 4 and not content["transport"]["playing"]
    )
    assert at in (3, 4)
    assert end["transport"]["month"] == 4


def test_another_question_and_another_run(stage: tuple[Stage, Told]) -> None:
    made, told = stage
    told.wait(ready)
    made.act({"name": "lesson", "value": "outlets"})
    content = told.wait(lambda content: ready(content) and content["lesson"]["key"] == "outlets")
    assert [one["id"] for one in content["panel"]] == ["opening_suspension"]
    made.act({"name": "run", "value": 2})
    other = told.wait(lambda now: ready(now) and now["run"] == 2 and now["chains"] != content["chains"])
    assert other["panel"][0]["dose"] == 100


def test_a_run_that_fails_is_told_and_another_goes_on() -> None:
    told = Told()
    broken = Lesson("raid", "baseline", "no-such-scenario", date(2020, 8, 1), date(2020, 12, 31))
    made = Stage(Offer((broken, LESSON), 5000, 1, POINT_VALUES, "zh"), PAST, told)
    made.open()
    try:
        assert "no-such-scenario" in told.wait(lambda content: "no-such" in content["status"])["status"]
        made.act({"name": "lesson", "value": "rising"})
        assert told.wait(ready)["titles"][0] == "没有“断卡”行动"
    finally:
        made.close()


def test_rates_are_a_year_of_cases_over_adults() -> None:
    months = pd.to_datetime([f"2020-{month:02d}-01" for month in range(1, 4)])
    rows = [
        {"world": side, "month": month, "region": region, "cases_registered": 10.0 * (k + 1)}
        for side in ("left", "right")
        for k, month in enumerate(months)
        for region in ("BJ", "CN")
    ]
    zero = dict.fromkeys(
        ["sets_needed", "own_account_share", "substitute_share", "cards_gang_stock", "cases_true"], 0.0
    )
    from sim.study.compare import HARM

    zero |= dict.fromkeys([*HARM, "closed_true", "cards_detected", "cards_seized"], 0.0)
    course = course_of(pd.DataFrame([row | zero for row in rows]), tuple(months.date))
    assert rates(course, "left", 2, {"BJ": 1_000_000}) == {"BJ": pytest.approx(15.0 * 12)}


def test_a_port_that_is_taken_is_named() -> None:
    with bound(None) as there, pytest.raises(InputError, match=r"--port: \d+ is taken"):
        bound(there.getsockname()[1])
    assert there.fileno() == -1
    with bound(None) as there:
        assert there.getsockname()[0] == "127.0.0.1"
        assert there.family == socket.AF_INET


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({"host": "127.0.0.1:8000"}, True),
        ({"host": "localhost:8000", "origin": "http://localhost:8000"}, True),
        ({"host": "127.0.0.1:8000", "origin": "https://evil.example"}, False),
        ({"host": "127.0.0.1:8000", "origin": "null"}, False),
        ({"host": "127.0.0.1:8001"}, False),
        ({"host": "evil.example:8000"}, False),
        ({}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_only_this_machine_is_let_in(kind: str, headers: dict[str, str], let_in: bool) -> None:
    heard: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.append("in")

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        heard.append(str(message.get("status", message["type"])))

    scope = {"type": kind, "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}
    asyncio.run(Guard(app, 8000)(scope, receive, send))
    refused = {"http": ["403", "http.response.body"], "websocket": ["websocket.close"]}
    assert heard == (["in"] if let_in else refused[kind])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "0"], "'--port'"),
        (["--lang", "fr"], "'--lang'"),
        (["--scale", "x"], "'--scale'"),
        (["no-such-scenario"], "no-such-scenario"),
        (["baseline"], "two scenarios"),
    ],
    ids=str,
)
def test_wrong_command_lines_end_with_one_line(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sim.cli import guarded

    monkeypatch.setattr(sys, "argv", ["cardbreak", "app", "--no-browser", *arguments])
    assert guarded() == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1


def test_without_the_extra_a_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import PackageNotFoundError

    import sim.console_app as console

    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(console, "distribution", missing)
    with pytest.raises(InputError, match=r"make demo, or pip install 'cardbreak\[app\]'") as told:
        console.show(
            [], port=None, browser=False, lang="en", scale=500, seed=1, draws=POINT_VALUES, quiet=True
        )
    assert len(told.value.faults) == 1
