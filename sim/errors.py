"""What is wrong with the user's input, and how to mend it.

Everything a user hands over (a scenario file, a parameter file, a patch on the command line) is checked
completely before anything runs. Each problem becomes one `Fault`, which prints as one line; all faults of
an input travel together in one `InputError`, which the command line turns into exit code 2. No fault quotes
a file at length: only short plain names and numbers are repeated, so that pointing the program at a wrong
file does not print that file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

SHOWN_CHARACTERS = 40
_PLAIN_NAME = re.compile(r"[\w.+\[\]-]+")


@dataclass(frozen=True)
class Fault:
    """One problem of one input: where it is, what is wrong, how to mend it.

    Parameters
    ----------
    file
        The file as the user named it, or an option such as `--set`.
    line
        Line in the file, counted from 1; None where there is no file to point into.
    key
        Path of the key, such as `interventions[0].accounts`; empty for the file as a whole.
    what
        What is wrong, without a full stop: `must be 0 or more, got -3`.
    mend
        How to mend it, a sentence.
    nearest
        The nearest valid name, where the fault is a wrong name.
    """

    file: str
    line: int | None
    key: str
    what: str
    mend: str = ""
    nearest: str | None = None

    def __str__(self) -> str:
        place = escaped(self.file) + (f":{self.line}" if self.line is not None else "")
        key = f" {self.key}:" if self.key else ""
        advice = f" {self.mend}" if self.mend else ""
        hint = f" Did you mean '{self.nearest}'?" if self.nearest else ""
        return escaped(f"{place}:{key} {self.what}.{advice}{hint}")


class InputError(Exception):
    """The user's input is wrong; `faults` says all that is wrong with it, in the order of the lines.

    Examples
    --------
    >>> print(InputError([Fault("x.yaml", 3, "scale", "must be 1 or more, got 0", "Give a whole number.")]))
    x.yaml:3: scale: must be 1 or more, got 0. Give a whole number.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        unique = dict.fromkeys(faults)
        self.faults: tuple[Fault, ...] = tuple(
            sorted(unique, key=lambda fault: (fault.file, fault.line or 0))
        )
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The valid name most like `name`, or None when nothing is like it."""
    name = str(name)[:200]
    pool = {candidate.lower(): candidate for candidate in names}
    longer = [candidate for candidate in pool if len(name) > 3 and candidate.startswith(name.lower())]
    if longer:
        return pool[min(longer, key=len)]
    found = difflib.get_close_matches(name.lower(), list(pool), n=1, cutoff=0.55)
    return pool[found[0]] if found else None


def escaped(text: str) -> str:
    """`text` in one line: control characters and line ends written as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shown(value: object) -> str:
    """A value as a fault may repeat it: numbers and short plain names; of anything else only what it is.

    Examples
    --------
    >>> shown(-3), shown("acount_cleanup"), shown("a sentence from some file")
    ('-3', "'acount_cleanup'", 'text of 25 characters')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)[:SHOWN_CHARACTERS]
    if isinstance(value, str):
        return _shown_text(value)
    return (
        "a list"
        if isinstance(value, list | tuple)
        else "a mapping"
        if isinstance(value, dict)
        else "something else"
    )


def _shown_text(text: str) -> str:
    if not text:
        return "empty text"
    if len(text) <= SHOWN_CHARACTERS and _PLAIN_NAME.fullmatch(text):
        return f"'{text}'"
    return f"text of {len(text)} characters"


def shown_key(key: str) -> str:
    """A key of a file as a fault may repeat it: short plain names as they are, others by length only."""
    if 0 < len(key) <= 60 and _PLAIN_NAME.fullmatch(key):
        return key
    return f"<key of {len(key)} characters>"
