"""The web demo in a real browser: it loads without a network, answers, hands out files, and ends.

Pictures of the page are kept in `results/app-screens/`, which is no part of the repository. Without Chromium
or Playwright these tests are skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytest

from sim.scenario import load

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "results" / "app-screens"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PATIENCE = 30_000
"""Milliseconds that anything may take."""

COARSE = 5000
SIZES = ((1280, 800), (1024, 768))

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")


class Server:
    """`cardbreak app` in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        line = [sys.executable, "-m", "sim.cli", "app", "--no-browser", "--scale", str(COARSE), *options]
        self.process = subprocess.Popen(
            line, cwd=folder, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
        self.said: list[str] = []
        self.up = threading.Event()
        self.address = ""
        self._ear = threading.Thread(target=self._listen, daemon=True)
        self._ear.start()
        assert self.up.wait(120), self.said
        assert self.address, self.said

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                self.address = found[0]
                self.up.set()
        self.up.set()

    def end(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(20)
        self._ear.join(5)
        return code

    def close(self) -> None:
        """Leave nothing behind, whatever happened."""
        self.process.kill()
        self.process.wait()
        self._ear.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()


@dataclass
class Heard:
    """What a page asked for and complained about."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def listen(self, page: Any) -> None:
        """Note every request and every error of a page; nothing but loopback is let through."""

        def route(asked: Any) -> None:
            self.requests.append(asked.request.url)
            asked.continue_() if self.is_local(asked.request.url) else asked.abort()

        page.route("**/*", route)
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda one: self.complaints.append(f"failed: {one.url}"))
        page.on("console", lambda one: self.complaints.append(one.text) if one.type == "error" else None)

    @staticmethod
    def is_local(address: str) -> bool:
        """Whether an address lies on this machine, or in the page itself."""
        parts = urlsplit(address)
        return parts.scheme in ("data", "blob") or parts.hostname == "127.0.0.1"

    def check(self) -> None:
        """All of it was local, some of it came, and nobody complained."""
        assert [address for address in self.requests if not self.is_local(address)] == []
        assert any(address.startswith("ws://127.0.0.1") for address in self.requests)
        assert self.complaints == []


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright here: make setup-dev")
    with playwright.sync_playwright() as made:
        browser = made.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("app"))
    yield made
    made.close()


def opened(browser: Any, address: str, heard: Heard, size: tuple[int, int] = SIZES[0]) -> Any:
    """A page in a fresh profile, with its first pictures there."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(PATIENCE)
    heard.listen(page)
    page.goto(address)
    page.wait_for_selector("svg.chart")
    still(page)
    return page


def still(page: Any) -> None:
    """Wait until nothing is simulated any more."""
    page.wait_for_selector(".cb-status:not(.busy)")


def screen(page: Any, name: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png")


def words(page: Any, selector: str) -> list[str]:
    return [str(text) for text in page.locator(selector).all_inner_texts()]


def test_a_lesson_from_the_first_look_to_the_download(chromium: Any, server: Server, tmp_path: Path) -> None:
    heard = Heard()
    page = opened(chromium, server.address, heard)
    assert page.title() == "Two worlds, the same cards"
    drawn = [page.locator(selector).count() for selector in ("svg.chain", "svg.chart", "svg.tiles")]
    assert drawn == [2, 6, 2]
    box = page.locator("svg.chart").first.bounding_box()
    assert box["width"] > 200
    assert box["height"] > 100
    assert page.locator("svg.chart polyline.right").first.bounding_box()["width"] > 100
    screen(page, "first-look")

    # Everything is turned off, by keyboard: both worlds are one.
    before = page.locator("svg.chart").first.get_attribute("aria-label")
    page.locator("#cb-all-dose").focus()
    page.keyboard.press("Home")
    page.wait_for_selector(".cb-each .changed")
    still(page)
    assert "no difference" in words(page, ".cb-figure")[0]
    assert page.locator("svg.chart").first.get_attribute("aria-label") != before
    page.get_by_role("button", name="Back to the scenario").click()
    page.wait_for_function("document.querySelectorAll('.cb-each .changed').length === 0")
    still(page)
    assert page.locator("svg.chart").first.get_attribute("aria-label") == before

    # One measure alone, then a run through the months.
    page.locator(".cb-each summary", has_text="Publicity").click()
    page.locator("#dose-publicity").fill("40")
    page.wait_for_selector(".cb-each .changed")
    still(page)
    page.get_by_role("button", name="To the start").click()
    page.wait_for_function("document.querySelector('.cb-when').innerText === 'Jan 2020'")
    page.get_by_role("button", name="One month on").click()
    page.wait_for_function("document.querySelector('.cb-when').innerText === 'Feb 2020'")
    page.get_by_label("Speed").select_option("8")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('.cb-when').innerText === 'Jun 2020'")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play").wait_for()
    screen(page, "under-way")

    with page.expect_download() as handed:
        page.get_by_role("button", name="Scenario of world B").click()
    file = tmp_path / handed.value.suggested_filename
    handed.value.save_as(file)
    assert load(file).measure("publicity").coverage == pytest.approx(0.4)
    with page.expect_download() as handed:
        page.get_by_role("button", name="Data of this page").click()
    handed.value.save_as(tmp_path / "data.csv")
    table = pd.read_csv(tmp_path / "data.csv")
    assert list(table["world"].unique()) == ["left", "right"]
    assert len(table) == 2 * 24 * 33
    heard.check()
    page.close()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_fits_a_screen_and_can_be_used_without_a_mouse(
    size: tuple[int, int], chromium: Any, server: Server
) -> None:
    heard = Heard()
    page = opened(chromium, server.address, heard, size)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('.cb input, .cb select, .cb button, .cb svg')]
        .filter((one) => !(one.labels && one.labels.length) && !one.getAttribute('aria-label')
          && !one.getAttribute('aria-hidden') && !one.innerText).map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert nameless == []
    seen = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        state = page.evaluate(
            """() => { const one = document.activeElement; return [one.id || one.innerText || one.tagName,
            getComputedStyle(one).outlineStyle]; }"""
        )
        assert state[1] != "none", state
        seen.add(state[0])
    assert {"cb-lesson", "cb-all-dose", "cb-all-begins"} <= seen
    top = page.locator("svg.chain").first.bounding_box()
    assert top["y"] + top["height"] < size[1], "the supply chain is on the first screen"
    screen(page, f"en-{size[0]}")
    heard.check()
    page.close()


def test_it_speaks_chinese_and_ctrl_c_ends_it_while_a_page_is_open(chromium: Any, tmp_path: Path) -> None:
    server, heard = Server(tmp_path, "--lang", "zh"), Heard()
    try:
        page = opened(chromium, server.address, heard, SIZES[1])
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        text = page.locator(".cb").inner_text() + "".join(page.locator("svg text").all_text_contents())
        assert "诈骗团伙" in text
        assert [word for word in ("World", "Openers", "cases", "scenario") if word in text] == []
        screen(page, "zh-1024")
        page.locator("#cb-lesson").select_option("raid")
        page.wait_for_function("document.querySelector('.cb-question h2').innerText.includes('大抓捕')")
        still(page)
        page.wait_for_function("document.querySelectorAll('.cb-measures details[open]').length === 1")
        screen(page, "zh-raid")
        heard.check()
        assert server.end() == 0
        assert server.said[-1] == "cardbreak app: ended"
        assert not any("Traceback" in line for line in server.said)
    finally:
        server.close()
