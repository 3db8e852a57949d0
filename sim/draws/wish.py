"""Which draws of the uncertain parameters a study is to use, as options and experiment files say it.

Four words: ``none`` for the point values, ``plausible`` or a number for the shipped table of draws that the
record does not rule out (all of it, or its first ones), ``prior:N`` for draws of the priors, which know
nothing of the record, and ``FILE.parquet`` or ``FILE.parquet:N`` for a table of one's own. What a wish means
for a scenario is found by `sim.draws.plausible`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sim.errors import Fault, InputError

MOST = 999_999_999
SUFFIX = ".parquet"
PRIOR = "prior"


@dataclass(frozen=True)
class DrawsWish:
    """The draws that are asked for.

    ``number`` is None where a whole table is meant; draws of the priors always have one. ``file`` is the
    table of the kind "file".
    """

    kind: Literal["none", "plausible", "prior", "file"]
    number: int | None = None
    file: str = ""

    def __str__(self) -> str:
        """As it is written; `read_wish` reads it back."""
        if self.kind == "plausible":
            return self.kind if self.number is None else str(self.number)
        number = "" if self.number is None else f":{self.number}"
        return f"{self.file or self.kind}{number}"


POINT_VALUES = DrawsWish("none")
PLAUSIBLE = DrawsWish("plausible")
"""The whole shipped table: what `run`, `compare` and `forecast` use where nothing is said."""


def prior(number: int) -> DrawsWish:
    """Draws of the priors."""
    return DrawsWish("prior", number)


def read_wish(text: str) -> DrawsWish:
    """The wish that a text stands for. Raises ValueError with what is allowed."""
    if text in ("none", "plausible"):
        return DrawsWish(text)  # type: ignore[arg-type]
    if number := _number(text):
        return DrawsWish("plausible", number)
    head, colon, tail = text.rpartition(":")
    if head == PRIOR and (number := _number(tail)):
        return prior(number)
    file, number = (head, _number(tail)) if colon and head.endswith(SUFFIX) else (text, None)
    if file.endswith(SUFFIX) and file.isprintable() and (file == text or number):
        return DrawsWish("file", number, file)
    raise ValueError("must be 'none', 'plausible', a whole number from 1 on, prior:N, or FILE.parquet")


def asked(draws: DrawsWish | str | int | None) -> DrawsWish:
    """The wish that a value given in Python stands for; None for the point values. Raises `InputError`."""
    if isinstance(draws, DrawsWish):
        return draws
    try:
        return read_wish("none" if draws is None else str(draws))
    except ValueError as problem:
        raise InputError([Fault("draws", None, "", str(problem), "Give 20, for instance.")]) from None


def _number(text: str) -> int | None:
    """A whole number from 1 on; None where the text is none."""
    right = text.isascii() and text.isdigit() and len(text) <= len(str(MOST))
    return (int(text) or None) if right else None
