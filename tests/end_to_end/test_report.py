"""`cardbreak report` through the command line: a page of each kind of folder, whole, safe and readable."""

from __future__ import annotations

import calendar
import json
import re
import shutil
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from test_study import cardbreak

from sim.console_report import report
from sim.errors import InputError
from sim.observe.store import MANIFEST, MONTHLY, REPORT

SIZE = ["--scale", 5000, "--draws", "none", "--replicates", 2, "--jobs", 1]
EVIL = "<script>alert(1)</script> & \"quoted\" 'title'"
SCENARIO = f"""\
name: evil
title: {json.dumps(EVIL)}
extends: baseline.yaml
interventions:
  - {{measure: opening_suspension, title: "<b>bold</b>", start: 2018-01-20, end: 2018-02-28, outlets: 60000}}
  - {{measure: publicity, start: 2018-02-01, end: 2018-02-28, messages: 900000000, evidence: [F429]}}
"""
SECTIONS = [
    "course", "effects", "harm", "displacement", "trade", "measures", "differences", "parameters", "sources",
    "run-card", "numbers",
]  # fmt: skip
VOID = {"meta", "br", "link", "img", "hr", "input"}


@dataclass
class Page(HTMLParser):
    """A page taken apart: its elements with their attributes, its headings, the text of each table."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    tables: dict[str, str] = field(default_factory=dict)
    text: str = ""
    open: list[str] = field(default_factory=list)
    table: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "table":
            self.table = found["id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.table = "" if tag == "table" else self.table

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if self.table:
            self.tables[self.table] = self.tables.get(self.table, "") + data + " "


def page_of(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of each kind: `made` of compare, `alone` of run, `ahead` of forecast, with a page each."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "evil.yaml").write_text(SCENARIO)
    short = ["--end", "2018-02-28"]
    for command in (
        ["compare", "evil.yaml", *short, "--out", "made"],
        ["run", "baseline", "--end", "2018-01-31", "--out", "alone"],
        ["forecast", "baseline", "--origin", "2018-02-10", "--months", 1, "--out", "ahead"],
    ):
        done = cardbreak(*command, *SIZE, folder=folder)
        assert done.returncode == 0, done.stderr
        assert f"to read: {command[-1]}/{REPORT}" in done.stdout
    return folder


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, Page]:
    """The English page of each folder, and the Chinese one of the comparison under `zh`."""
    done = cardbreak("report", "made", "--lang", "zh", folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "wrote made/report.zh.html\n"
    paths = {name: folder / name / REPORT for name in ("made", "alone", "ahead")}
    return {name: page_of(path) for name, path in (paths | {"zh": folder / "made/report.zh.html"}).items()}


KINDS = ["made", "alone", "ahead", "zh"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_needs_nothing_but_itself(pages: dict[str, Page], kind: str) -> None:
    """No script, no style or picture from elsewhere; only sources are linked, and only by http or https."""
    page = pages[kind]
    assert not {"script", "link", "img", "iframe", "object", "embed", "form"} & {
        tag for tag, _ in page.elements
    }
    for tag, found in page.elements:
        assert not [name for name in found if name.startswith("on") or name in ("src", "srcset", "style-src")]
        for name in ("href", "xlink:href"):
            target = found.get(name, "#")
            assert target.startswith("#") or (tag == "a" and re.match("https?://[^ ]+$", target)), target


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_cannot_see_or_click_reads_it_too(pages: dict[str, Page], kind: str) -> None:
    page = pages[kind]
    by_tag: dict[str, list[dict[str, str]]] = {}
    for tag, found in page.elements:
        by_tag.setdefault(tag, []).append(found)
    assert by_tag["html"][0]["lang"] == ("zh-Hans" if kind == "zh" else "en")
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert all(found.get("scope") in ("col", "row", "colgroup") for found in by_tag["th"])
    assert len(by_tag["caption"]) == len(by_tag["table"])
    ids = [found["id"] for _, found in page.elements if "id" in found]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    for picture in by_tag["svg"]:
        labels = picture.get("aria-labelledby", "").split()
        assert picture.get("aria-hidden") == "true" or (picture["role"] == "img" and len(labels) == 2)
        assert set(labels) <= set(ids)
    assert {found["href"][1:] for found in by_tag["a"] if found["href"].startswith("#")} <= set(ids)
    references = re.findall(
        r"url\(#([^)]+)\)", " ".join(" ".join(found.values()) for _, found in page.elements)
    )
    assert set(references) <= set(ids)


@pytest.mark.parametrize("kind", KINDS)
def test_every_section_is_there_with_what_it_holds_or_lacks(pages: dict[str, Page], kind: str) -> None:
    page = pages[kind]
    there = [found["id"] for tag, found in page.elements if tag == "section"]
    assert there == ["answer", *SECTIONS]
    compared = kind in ("made", "zh")
    assert ("effects-0" in page.tables) == ("harm-table" in page.tables) == compared
    assert ("displacement-table" in page.tables) == ("differences-0" in page.tables) == compared
    assert {"measures-table", "parameters-table", "sources-table", "run-card-table", "grades"} <= set(
        page.tables
    )
    assert ("numbers-ahead" if kind == "ahead" else "numbers-price-gang") in page.tables


def test_titles_from_files_are_text(pages: dict[str, Page], folder: Path) -> None:
    for name, kind in ((REPORT, "made"), ("report.zh.html", "zh")):
        source = (folder / "made" / name).read_text(encoding="utf-8")
        assert "<script" not in source
        assert "<b>" not in source
        assert EVIL in pages[kind].text
        assert "<b>bold</b>" in pages[kind].text


def test_the_answer_is_the_verdict_that_compare_gives(pages: dict[str, Page], folder: Path) -> None:
    import pandas as pd

    effects = pd.read_csv(folder / "made" / "effects.csv")
    row = effects[effects["outcome"] == "cases_registered"].iloc[0]
    assert str(row["verdict"]) in pages["made"].text
    assert str(row["verdict"]) not in pages["zh"].text


def numbers(text: str) -> Counter[str]:
    """The figures of a text, without separators; those of months' names and words for sizes are none."""
    for place, month in enumerate(calendar.month_name[1:], start=1):
        text = re.sub(rf"\b{month}\b", str(place), text)
    sizes = {"m": 6, "bn": 9, "万": 4, "亿": 8}

    def plain(found: re.Match[str]) -> str:
        value = float(found[1].replace(",", "")) * 10 ** sizes[found[2]]
        return f"{value:.0f}"

    text = re.sub(r"(\d[\d,]*\.?\d*) (m\b|bn\b|万|亿)", plain, text)
    return Counter(figure.replace(",", "") for figure in re.findall(r"\d[\d,]*\.?\d*", text))


def test_both_languages_have_the_same_numbers(pages: dict[str, Page]) -> None:
    assert pages["made"].tables.keys() == pages["zh"].tables.keys()
    told = 0
    for name, text in pages["made"].tables.items():
        if name == "parameters-table":  # a unit such as "1/year" is "each year" there
            continue
        assert numbers(text) == numbers(pages["zh"].tables[name]), name
        told += numbers(text).total()
    assert told > 250


def test_a_page_is_not_replaced_unasked_and_is_the_same_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "made" / REPORT).read_bytes()
    with pytest.raises(InputError, match=f"{REPORT}: exists"):
        report(folder / "made", "en", None, force=False, quiet=False)
    report(folder / "made", "en", None, force=True, quiet=False)
    assert (folder / "made" / REPORT).read_bytes() == before
    assert capsys.readouterr().out == f"wrote {folder / 'made' / REPORT}\n"
    for out in (folder / "page.txt", folder / "none" / "page.html"):
        with pytest.raises(InputError):
            report(folder / "made", "en", out, force=False, quiet=True)


def torn(folder: Path, name: str, change: Any) -> Path:
    """A copy of the comparison with one file changed."""
    copy = folder / name
    shutil.copytree(folder / "made", copy)
    (copy / REPORT).unlink()
    change(copy)
    return copy


def manifest_with(**changes: Any) -> Any:
    def change(copy: Path) -> None:
        content = json.loads((copy / MANIFEST).read_text())
        (copy / MANIFEST).write_text(json.dumps(content | changes))

    return change


BROKEN = {
    "no-manifest": (lambda copy: (copy / MANIFEST).unlink(), "is missing"),
    "half-manifest": (lambda copy: (copy / MANIFEST).write_text('{"format":'), "not readable as JSON"),
    "no-seed": (manifest_with(seed="<script>"), "is not as it should be at seed"),
    "no-scenarios": (manifest_with(scenarios=[]), "describes no scenario"),
    "bad-scenario": (manifest_with(scenarios=[{"name": "x"}]), "is not as it should be at scenarios.0.start"),
    "strange": (
        manifest_with(scenarios=[{"name": "other", "start": "2018-01-01", "end": "2018-02-28"}]),
        "holds a scenario that the manifest does not describe",
    ),
    "half-table": (lambda copy: (copy / MONTHLY).write_bytes(b"PAR1"), "is torn"),
    "bad-effects": (lambda copy: (copy / "effects.csv").write_text("scenario,effect\nx,1\n"), "is torn"),
    "endless": (
        lambda copy: (copy / "effects.csv").write_text("x" * (64 * 2**20 + 1)),
        "is larger than 64 MB",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_folder_that_is_wrong_is_one_line(folder: Path, name: str) -> None:
    from sim.report.page import page

    change, what = BROKEN[name]
    copy = torn(folder, name, change)
    with pytest.raises(InputError) as problem:
        page(copy)
    assert len(str(problem.value).splitlines()) == 1
    assert what in str(problem.value)
    shutil.rmtree(copy)


def test_what_is_no_folder_of_results_ends_with_2(folder: Path) -> None:
    (folder / "nothing").mkdir()
    done = cardbreak("report", "nothing", folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_forecast_without_its_scenario_says_so(folder: Path) -> None:
    from sim.report.page import page

    copy = folder / "older"
    shutil.copytree(folder / "ahead", copy)
    (copy / "forecast.json").unlink()
    text = page(copy).decode()
    assert "does not keep the scenario" in text
    assert 'id="parameters-table"' not in text
