"""Pages of Markdown as tests read them: fenced blocks, and the prose around them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = {"python", "bash", "yaml", "text"}
EXECUTED = "<!-- executed -->"
"""Stands above a bash block whose cardbreak commands the tests run before the page's Python."""

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its text, the page's line before it."""

    language: str
    text: str
    before: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(found[1], found[2], (text[: found.start()].rstrip("\n").splitlines() or [""])[-1])
        for found in BLOCK.finditer(text)
    ]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return BLOCK.sub("", page.read_text())
