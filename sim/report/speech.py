"""How the report speaks: its words, names, numbers and sentences in one language.

English is what the results hold: verdicts, notes and titles are written in it by the studies. Another
language says the same by patterns: a sentence of the words file with slots ("cannot be told apart at {n}
replicates") is found in the English text and said with the same slots. So the numbers of all languages are
those that `compare` prints. A text without a pattern stays as it is.
"""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from sim.study.compare import rounded
from sim.views.languages import words
from sim.views.plots import in_words
from sim.views.tables import number as english_number

SAID = "said."
"""What the keys of patterns begin with."""

_SLOT = re.compile(r"\{(\w+)\}")
_LARGE = re.compile(r"(?<![\w.,])([+-]?\d[\d,]*(?:\.\d+)?) (m|bn)\b")
_SIZES = {"m": Decimal(10**6), "bn": Decimal(10**9)}


class Speech:
    """Words and numbers of the report in a language, `en` or `zh`."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._words = words("report", lang)
        self._names = words("names", lang)
        self._english_names = words("names", "en")

    @property
    def html_lang(self) -> str:
        """The language as HTML names it."""
        return {"en": "en", "zh": "zh-Hans"}[self.lang]

    def __call__(self, key: str, **slots: object) -> str:
        """A sentence of the report, its slots filled. Raises KeyError where there is no such sentence."""
        text = self._words[key]
        return _SLOT.sub(lambda slot: str(slots[slot[1]]), text)

    def number(self, value: float, *, sign: bool = False) -> str:
        """A rounded number as `compare` prints it; in Chinese with 万 and 亿 for millions and billions."""
        return self.large(english_number(value, sign=sign)) if math.isfinite(value) else ""

    def about(self, value: float) -> str:
        """A number for a sentence, of two or three figures, as verdicts have it."""
        return self.large(rounded(abs(value)))

    def span(self, low: float, high: float, *, sign: bool = True) -> str:
        """An interval; empty where there is none."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return ""
        return self("to", a=self.number(low, sign=sign), b=self.number(high, sign=sign))

    def large(self, text: str) -> str:
        """A text with its millions and billions as the language writes them."""
        return text if self.lang == "en" else _LARGE.sub(_in_wan, text)

    def said(self, text: str) -> str:
        """A sentence that a study wrote in English, in this language where there is a pattern for it."""
        if self.lang == "en" or not text:
            return text
        for pattern, template in self._patterns:
            if found := pattern.fullmatch(text):
                inner = {name: self.said(part) for name, part in found.groupdict().items()}
                return _SLOT.sub(lambda slot, inner=inner: inner[slot[1]], template)  # type: ignore[misc]
        return self.large(text)

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        english = words("report", "en")
        return [
            (_pattern(english[key]), template)
            for key, template in self._words.items()
            if key.startswith(SAID)
        ]

    def name(self, key: str) -> str | None:
        """The name of something that ships, None where there is none."""
        return self._names.get(key)

    def scenario(self, name: str, title: str) -> str:
        """A scenario as readers know it: its title, translated where it is the shipped one."""
        key = f"scenario.{name}"
        if title and title == self._english_names.get(key):
            return self._names[key]
        return self._variant(title) or name

    def _variant(self, title: str) -> str:
        """A title that a study made of a shipped one, or the user's own as it stands."""
        for known, here in self._titles:
            if title.startswith(known) and title[len(known) : len(known) + 1] in (",", ":", " "):
                return here + self.said(title[len(known) :])
        return title

    @cached_property
    def _titles(self) -> list[tuple[str, str]]:
        """Titles of shipped scenarios in English and in this language, the longest first."""
        titles = {
            text: self._names[key] for key, text in self._english_names.items() if key.startswith("scenario.")
        }
        return sorted(titles.items(), key=lambda title: len(title[0]), reverse=True)

    def measure(self, identifier: str, kind: str, title: str) -> str:
        """A measure as readers know it: its own title, else by its id, else by its kind."""
        if title:
            return self._names.get(f"title.{title}", title)
        by_kind = self._names.get(f"measure.{kind}")
        return self._names.get(f"measure.{identifier}") or (
            f"{by_kind} ({identifier})" if by_kind and identifier != kind else by_kind or in_words(identifier)
        )

    def outcome(self, outcome: str) -> str:
        """An outcome as the tables of effects name it."""
        return self._names.get(f"outcome.{outcome}", outcome.replace("_", " "))

    def day(self, day: date) -> str:
        """A day in words."""
        return self("day", day=day.day, month=self._month(day.month), year=day.year)

    def month(self, day: date) -> str:
        """A month in words."""
        return self("month", month=self._month(day.month), year=day.year)

    def window(self, first: date, last: date) -> str:
        """A span of days in words, by months where it is whole months."""
        if first.day != 1 or last != month_end(last):
            return self("from_to", a=self.day(first), b=self.day(last))
        if (first.year, first.month) == (last.year, last.month):
            return self.month(first)
        if first.year == last.year:
            months = {"a": self._month(first.month), "b": self._month(last.month)}
            return self("months_of_year", year=first.year, **months)
        return self("from_to", a=self.month(first), b=self.month(last))

    def _month(self, month: int) -> str:
        return self("month_names").split()[month - 1]

    def fewer(self, value: float) -> str:
        """A difference in words: so many fewer, or more."""
        return self("fewer" if value < 0 else "more", n=self.about(value))

    def fewer_between(self, low: float, high: float) -> str:
        """An interval of a difference in words, the smaller change first."""
        if low < 0 < high:
            return self("to", a=self.fewer(low), b=self.fewer(high))
        near, far = sorted((abs(low), abs(high)))
        key = "fewer" if high <= 0 else "more"
        return self(key, n=self("to", a=self.about(near), b=self.about(far)))

    def percent(self, share: float, *, sign: bool = False) -> str:
        """A share in percent; empty where there is none."""
        return "" if not math.isfinite(share) else f"{share:+.0%}" if sign else f"{share:.0%}"

    def listed(self, items: Mapping[str, Any] | list[str]) -> str:
        """Items in a row."""
        return self("comma").join(items)


def _in_wan(found: re.Match[str]) -> str:
    """A number of millions or billions in 万 or 亿: the same figures, the point moved."""
    value = Decimal(found[1].replace(",", "")) * _SIZES[found[2]]
    size, word = (Decimal(10**8), "亿") if abs(value) >= 10**8 else (Decimal(10**4), "万")
    shown = f"{(value / size).normalize():,f}"
    return f"{'+' if found[1].startswith('+') else ''}{shown} {word}"


def _pattern(template: str) -> re.Pattern[str]:
    """A sentence with slots as what finds it."""
    parts = _SLOT.split(template)
    slots = [f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(slots), re.DOTALL)


def month_end(day: date) -> date:
    """The last day of a day's month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
