"""What a page of a report is made of: sections of paragraphs, tables and pictures. All text is plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup

SAFE_SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class Link:
    """A text that leads somewhere: to a place of the page (``#...``) or to a source on the web."""

    text: str
    href: str

    @property
    def safe(self) -> bool:
        """Whether it may be a link: to the page itself, or by http or https to a host."""
        return self.href.startswith(("#", *SAFE_SCHEMES)) and self.href.isprintable() and " " not in self.href


@dataclass(frozen=True)
class Cell:
    """A cell of a table: text, links or a strip, and a second line `more`; `lang` where not the page's."""

    text: str = ""
    kind: Literal["", "num", "code", "strip"] = ""
    links: Sequence[Link] = ()
    strip: Markup | None = None
    lang: str = ""
    id: str = ""
    more: str = ""


@dataclass(frozen=True)
class Row:
    """A row: the cell that names it, then the others; a sub-heading where there are none."""

    head: Cell
    cells: Sequence[Cell] = ()


@dataclass(frozen=True)
class Grid:
    """A table; `id` is its own in the page, `small` for one of small print."""

    id: str
    caption: str
    headers: Sequence[Cell]
    rows: Sequence[Row]
    note: str = ""
    small: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture with its title, how to read it, its legend, and where its numbers stand."""

    id: str
    title: str
    how: str
    svg: Markup
    legend: Sequence[tuple[Markup, str]] = ()
    numbers: Link | None = None


@dataclass(frozen=True)
class Section:
    """A part of the page: a heading, paragraphs, then tables and pictures."""

    id: str
    title: str
    paragraphs: Sequence[str] = ()
    blocks: Sequence[Grid | Picture] = ()


@dataclass(frozen=True)
class Answer:
    """The first screen: the question, the answer in a sentence, its verdict, and what stands beside it."""

    kicker: str
    question: str
    sentence: str
    verdict: str = ""
    effects: Grid | None = None
    harm: Sequence[str] = ()
    harm_title: str = ""
    caution: Sequence[str] = field(default_factory=list)


def cells(*texts: str, kind: Literal["", "num", "code", "strip"] = "") -> list[Cell]:
    """Cells of one kind."""
    return [Cell(text, kind) for text in texts]
