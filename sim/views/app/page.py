"""The page for solara: it hands the stage's content to the template and what a user does to the stage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import solara

from sim.study.session import Past
from sim.views.app.stage import SPEEDS, Content, Offer, Stage
from sim.views.languages import words

HERE = Path(__file__).resolve().parent


class Show:
    """What all pages of this process show: what is on offer, and the past that they share."""

    offer = Offer()
    past = Past()


@solara.component_vue("page.vue", vuetify=False)
def Template(  # noqa: N802 (components of solara are named like classes)
    words: dict[str, str],
    lang: str,
    speeds: list[int],
    lessons: list[Any],
    lesson: dict[str, Any],
    run: int,
    panel: list[Any],
    titles: list[str],
    transport: dict[str, Any],
    status: str,
    file: dict[str, Any] | None,
    chains: list[str],
    charts: list[str],
    maps: list[str],
    map_note: str,
    figures: list[Any],
    honest: str,
    event_act: Callable[[dict[str, Any]], None],
) -> None:
    """The template: each argument is a property there, ``act`` tells what a user did."""


EMPTY: Content = {
    "lessons": [],
    "lesson": {"key": "", "say": "", "try": "", "look": ""},
    "run": 1,
    "panel": [],
    "titles": ["", ""],
    "transport": {"months": [], "month": 0, "done": 0, "playing": False, "speed": 2, "busy": True},
    "status": "",
    "file": None,
    "chains": [],
    "charts": [],
    "maps": [],
    "map_note": "",
    "figures": [],
}
"""What is shown before the first month is there."""


@solara.component
def Page() -> None:  # noqa: N802
    """One page: a stage of its own while it is open."""
    content, set_content = solara.use_state(EMPTY)
    offer = Show.offer
    stage = solara.use_memo(lambda: Stage(offer, Show.past, set_content), [])

    def opened() -> Callable[[], None]:
        stage.open()
        close: Callable[[], None] = stage.close
        return close

    solara.use_effect(opened, [])
    said = words("app", offer.lang)
    solara.Title(said["title"])
    solara.Style(HERE / "page.css")
    Template(
        words=dict(said),
        lang="zh-CN" if offer.lang == "zh" else "en",
        speeds=list(SPEEDS),
        honest=said["honest"].format(scale=offer.scale),
        event_act=stage.act,
        **{name: content.get(name, value) for name, value in EMPTY.items()},
    )


@solara.component
def Layout(children: list[Any]) -> None:  # noqa: N802
    """Nothing around the page."""
    solara.Div(children=children)
