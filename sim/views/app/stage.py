"""The stage: what the page shows and what it can be told, without a browser.

One thread works a session: it simulates month by month, turns what is there into pictures and words, and
hands them out as one plain dict (`notify`). The page tells it what a user does (:meth:`Stage.act`); what is
asked for is noted and taken up between two months, so a slider moved during a run ends that run. Nothing that
comes from the page is trusted: what is unknown is left alone, numbers are held within their bounds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sim.draws.wish import PLAUSIBLE, DrawsWish
from sim.study.lessons import LESSONS, Lesson, Pair, pair_of
from sim.study.session import Past, Session, places
from sim.study.sliders import AS_IS, MOST_MONTHS, Setting, Slider, as_file, changed, sliders
from sim.views.app.chain import chain
from sim.views.app.course import SIDES, Course, course_of, rates
from sim.views.app.figures import figures
from sim.views.app.lines import CHARTS, line_chart
from sim.views.app.text import month_name
from sim.views.app.tiles import places_of, tile_map
from sim.views.languages import words

Content = dict[str, Any]
SPEEDS = (1, 2, 4, 8)
"""Months a second that can be played."""

MOST_RUNS = 99
SHOW_EVERY = 0.2
"""Seconds between two pictures of a run under way."""

LEAD = 3
"""Play begins so many months before the worlds part."""


@dataclass(frozen=True)
class Asked:
    """What a user asks for: a lesson, the number of the run (from 1), how the measures are set."""

    lesson: str
    run: int = 1
    settings: Mapping[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True)
class Offer:
    """What a page offers: lessons, scale, seed and draws of their runs, the language of its words."""

    lessons: tuple[Lesson, ...] = LESSONS
    scale: int = 500
    seed: int = 1
    draws: DrawsWish = PLAUSIBLE
    lang: str = "en"


class Stage:
    """One page's session, its thread and its content.

    Parameters
    ----------
    offer
        What there is to see.
    past
        Where the past of worlds is kept, shared with other pages.
    notify
        Called with the content whenever it has changed, from the stage's own thread.
    """

    def __init__(self, offer: Offer, past: Past, notify: Callable[[Content], None]) -> None:
        self.offer, self.past, self.notify = offer, past, notify
        self.words = words("app", offer.lang)
        self.places = places_of(places(), offer.lang)
        self.content: Content = {}
        self._bell = threading.Condition()
        self._asked = Asked(offer.lessons[0].key)
        self._held: Asked | None = None
        self._pair: Pair | None = None
        self._session: Session | None = None
        self._course = Course((), 0, {}, {})
        self._month, self._playing, self._speed = 10**6, False, 2
        self._next = self._shown = self._began = 0.0
        self._took: float | None = None
        self._error, self._files = "", 0
        self._file: Content | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="cardbreak-stage", daemon=True)

    def open(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """End the work, at the latest after the month that is under way."""
        with self._bell:
            self._closed = True
            self._bell.notify_all()

    def act(self, told: Mapping[str, Any]) -> None:
        """Take what the page tells: a dict with ``name`` and ``value``. What makes no sense is left alone."""
        name, value = told.get("name"), told.get("value")
        deed = getattr(self, f"on_{name}", None) if isinstance(name, str) and name.isidentifier() else None
        if deed is None:
            return
        with self._bell:
            deed(value)
            self._shown = 0.0
            self._bell.notify_all()

    def on_lesson(self, value: Any) -> None:
        """Another question."""
        if value in [lesson.key for lesson in self.offer.lessons]:
            self._asked, self._month, self._playing = Asked(value, self._asked.run), 10**6, False

    def on_run(self, value: Any) -> None:
        """Another run of the same worlds."""
        self._asked = replace(self._asked, run=_whole(value, 1, MOST_RUNS, self._asked.run))

    def on_set(self, value: Any) -> None:
        """A slider: a dict with the ``id`` of a measure or ``*``, and dose (%), begins or ends (months)."""
        if self._pair is None or not isinstance(value, dict):
            return
        settings = dict(self._asked.settings)
        for slider in self._sliders():
            if value.get("id") in (slider.id, "*"):
                settings[slider.id] = _set(settings.get(slider.id, AS_IS), slider, value)
        kept = {name: setting for name, setting in settings.items() if setting != AS_IS}
        self._asked = replace(self._asked, settings=kept)

    def on_reset(self, _: Any) -> None:
        """All measures as in the scenario."""
        self._asked = replace(self._asked, settings={})

    def on_play(self, _: Any) -> None:
        """Play from the month that is shown; from shortly before the parting if that is the last one."""
        if self._shown_month() >= len(self._course.months) - 1:
            self._month = max((self._parting() or 0) - LEAD, 0)
        self._playing, self._next = True, time.monotonic() + 1.0 / self._speed

    def on_pause(self, _: Any) -> None:
        """Stay in the month that is shown."""
        self._playing = False

    def on_step(self, value: Any) -> None:
        """So many months on, or back."""
        self._seek(self._shown_month() + _whole(value, -1000, 1000, 1))

    def on_seek(self, value: Any) -> None:
        """To a month by its number."""
        self._seek(_whole(value, 0, 10**6, self._shown_month()))

    def on_speed(self, value: Any) -> None:
        """Another speed."""
        if value in SPEEDS:
            self._speed = value

    def on_download(self, value: Any) -> None:
        """Hand out a file: ``yaml`` or ``csv``."""
        if self._session is not None and self._pair is not None and value in ("yaml", "csv"):
            self._files += 1
            name = f"cardbreak-{self._asked.lesson}" + ("-b" if value == "yaml" else "")
            text = self._yaml(name) if value == "yaml" else self._csv()
            self._file = {"name": f"{name}.{value}", "text": text, "count": self._files}

    def _seek(self, month: int) -> None:
        self._playing, self._month = False, min(max(month, 0), max(len(self._course.months) - 1, 0))

    # -- the thread ---------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closed:
            try:
                self._work_on()
            except Exception as problem:  # a page that says what went wrong, not one that stands still
                self._give_up(problem)

    def _give_up(self, problem: Exception) -> None:
        """Say what went wrong, and wait for something else to do."""
        with self._bell:
            self._held, self._session, self._playing = self._asked, None, False
        self._error = " ".join(str(problem).split()) or type(problem).__name__
        self.content = self.content | {"status": self._status()}
        self.notify(self.content)
        with self._bell:
            self._bell.wait_for(self._has_news)

    def _work_on(self) -> None:
        with self._bell:
            asked = self._asked
        if asked != self._held:
            self._take_up(asked)
        session = self._session
        if session is not None and not session.finished:
            if over := self._simulate(session):
                self._took = time.monotonic() - self._began
            if over or time.monotonic() - self._shown >= SHOW_EVERY:
                self._tell()
            self._tick()
            return
        if self._tick() or not self._shown:
            self._tell()
        with self._bell:
            if self._shown and not self._has_news():
                wait = max(self._next - time.monotonic(), 0.0) if self._playing else None
                self._bell.wait(wait)

    def _take_up(self, asked: Asked) -> None:
        """Begin what is asked for: other worlds, or another policy in the right one."""
        self._began, self._took, self._error = time.monotonic(), None, ""
        held = self._held
        with self._bell:
            self._held = asked
        if self._pair is None or held is None or asked.lesson != held.lesson:
            lesson = next(one for one in self.offer.lessons if one.key == asked.lesson)
            self._pair = pair_of(lesson, self.offer.scale, self.offer.draws)
            self._session = None
        right = changed(self._pair.right, asked.settings)
        if self._session is None or held is None or asked.run != held.run:
            pair = replace(self._pair, right=right)
            self._session = pair.session(asked.run - 1, self.offer.seed, self.past)
        else:
            self._session.change(right)

    def _simulate(self, session: Session) -> bool:
        """A month more; whether it was the last one."""
        session.advance()
        if session.done and (session.finished or time.monotonic() - self._shown >= SHOW_EVERY):
            self._course = course_of(session.table(), session.months)
        return session.finished

    def _tick(self) -> bool:
        """Go on with playing; whether another month is shown."""
        if not self._playing or time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + 1.0 / self._speed
        if self._month >= len(self._course.months) - 1:
            self._playing = False
            return True
        if self._month >= self._course.done - 1:
            return False
        self._month += 1
        return True

    def _has_news(self) -> bool:
        return self._closed or self._asked != self._held

    # -- what is shown ------------------------------------------------------------------------------------

    def _shown_month(self) -> int:
        return max(min(self._month, self._course.done - 1), 0)

    def _parting(self) -> int | None:
        """The number of the shown month in which the worlds part."""
        day = self._session.parting if self._session is not None else None
        if day is None:
            return None
        inside = [number for number, month in enumerate(self._course.months) if month <= day]
        return inside[-1] if inside else 0

    def _sliders(self) -> list[Slider]:
        assert self._pair is not None
        draw = self._session.draw if self._session is not None else 0
        return sliders(
            self._pair.right, self._pair.bare, self._asked.settings, draw=draw, seed=self.offer.seed
        )

    def _tell(self) -> None:
        self._shown = time.monotonic()
        fresh = self._text() | (self._pictures() if self._course.done else {})
        self.content = self.content | fresh
        self.notify(self.content)

    def _text(self) -> Content:
        """All but the pictures."""
        session, lang = self._session, self.offer.lang
        months = [month_name(month, lang) for month in self._course.months]
        return {
            "lessons": [[lesson.key, self.words[f"q_{lesson.key}"]] for lesson in self.offer.lessons],
            "lesson": self._lesson(),
            "run": self._asked.run,
            "panel": self._panel() if self._pair is not None else [],
            "titles": self._titles(),
            "transport": {
                "months": months,
                "month": self._shown_month(),
                "done": session.done if session is not None else 0,
                "playing": self._playing,
                "speed": self._speed,
                "busy": session is None or not session.finished or self._asked != self._held,
            },
            "status": self._status(),
            "file": self._file,
        }

    def _pictures(self) -> Content:
        course, month, lang = self._course, self._shown_month(), self.offer.lang
        parting = self._parting()
        by_region = {
            side: rates(course, side, month + 1, {place.code: place.adults for place in self.places})
            for side in SIDES
        }
        first, last = month_name(course.months[0], lang), month_name(course.months[month], lang)
        return {
            "chains": [chain(course, side, month, self.words, lang) for side in SIDES],
            "charts": [line_chart(chart, course, month + 1, parting, self.words, lang) for chart in CHARTS],
            "maps": [tile_map(by_region, side, self.places, self.words, lang) for side in SIDES],
            "map_note": self.words["map_note"].format(month=last, first=first),
            "figures": figures(course, month, parting, self.words, lang),
        }

    def _lesson(self) -> Content:
        key = self._asked.lesson
        found = {part: self.words[f"q_{key}_{part}"] for part in ("say", "try", "look")}
        if self._pair is not None:
            names = {"left": self._titles()[0], "right": self._titles()[1]}
            found["say"] = found["say"].format(**names)
        return {"key": key} | found

    def _titles(self) -> list[str]:
        if self._pair is None:
            return ["", ""]
        titles = [scenario.title or scenario.name for scenario in (self._pair.left, self._pair.right)]
        key = f"t_{self._asked.lesson}"
        return [self.words.get(f"{key}_{side}", title) for side, title in zip("ab", titles, strict=True)]

    def _panel(self) -> list[Content]:
        """The measures with their sliders, in words."""
        lang, found = self.offer.lang, []
        for slider in self._sliders():
            setting = self._asked.settings.get(slider.id, AS_IS)
            found.append(
                {
                    "id": slider.id,
                    "title": self._title(slider),
                    "dose": round(setting.dose * 100),
                    "begins": setting.begins,
                    "ends": setting.ends,
                    "begins_from": slider.begins[0],
                    "begins_to": slider.begins[1],
                    "ends_from": slider.ends[0] if slider.ends else None,
                    "ends_to": slider.ends[1] if slider.ends else None,
                    "start": month_name(slider.start, lang),
                    "end": self.words["open_end"] if slider.end is None else month_name(slider.end, lang),
                    "changed": setting != AS_IS,
                }
            )
        return found

    def _title(self, slider: Slider) -> str:
        title = self.words[f"m_{slider.measure}"]
        criterion = slider.id.partition("-")[2]
        about = [self.words[f"c_{criterion}"]] if f"c_{criterion}" in self.words else []
        if 0 < len(slider.regions) <= 3:
            names = {place.code: place.name for place in self.places}
            about += [names.get(code, code) for code in slider.regions]
        return f"{title} ({', '.join(about)})" if about else title

    def _status(self) -> str:
        session = self._session
        if self._error:
            return self.words["failed"].format(error=self._error)
        if session is None:
            return self.words["past"]
        if not session.finished:
            done, whole = session.done, len(session.months)
            return self.words["working"].format(done=done, all=whole) if done else self.words["past"]
        return self.words["ready"].format(seconds=f"{self._took or 0.0:.1f}")

    def _yaml(self, name: str) -> str:
        assert self._pair is not None
        assert self._session is not None
        pair, session = self._pair, self._session
        command = (
            f"cardbreak compare {name}.yaml --baseline {pair.lesson.left} --end {pair.right.end} "
            f"--scale {self.offer.scale} --seed {self.offer.seed} --replicates {session.replicate + 1}"
        )
        about = (
            f"World B of the web demo. The numbers of both worlds, replicate {session.replicate}:\n{command}"
        )
        return as_file(pair.right, self._asked.settings, name, about)

    def _csv(self) -> str:
        assert self._session is not None
        return str(self._session.table().to_csv(index=False, lineterminator="\n"))


def _whole(value: Any, low: int, high: int, other: int) -> int:
    """A whole number within bounds; another one where the value is none."""
    right = isinstance(value, int | float) and not isinstance(value, bool) and value == value
    return min(max(int(min(max(value, -1e9), 1e9)), low), high) if right else other


def _set(setting: Setting, slider: Slider, value: Mapping[str, Any]) -> Setting:
    """A setting with what the page says of it."""
    if "dose" in value:
        setting = replace(setting, dose=_whole(value["dose"], 0, 100, 100) / 100.0)
    if "begins" in value:
        months = _whole(value["begins"], -MOST_MONTHS, MOST_MONTHS, 0)
        setting = replace(setting, begins=min(max(months, slider.begins[0]), slider.begins[1]))
    if "ends" in value and slider.ends is not None:
        setting = replace(setting, ends=_whole(value["ends"], *slider.ends, 0))
    return setting
