"""Safe reading of one YAML file into a tree that remembers file, line and key path of every value.

Scenario files come from other people, so reading one must never run code, exhaust memory or hang. The
parser of ruamel.yaml (YAML 1.2) is asked for its stream of events only; the tree is built here, under
bounds on size, depth and number of values. Tags, anchors, aliases and merge keys are refused: none of them
is needed to describe a scenario, and each has been a way to attack a reader of YAML. Problems of form are
collected, so that one reading reports all of them.
"""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from sim.errors import Fault, InputError, shown_key

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16
MAX_VALUES = 20_000
MAX_FAULTS = 50
MAX_INTEGER = 10**18

_INTEGER = re.compile(r"[-+]?[0-9][0-9_]*")
_BASED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
# Quoted parts of the parser's messages may be content of the file; single signs and tokens may be shown.
_QUOTED = re.compile(r"""(['"]).*?(\1|$)""", re.DOTALL)
_OWN_WORD = re.compile(r"'(.|<[a-z ]+>)'")
_CONSTANTS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a file and where it stands; a mapping's entry stands on the line of its key.

    `value` is None, a bool, int, float or str, a list of nodes, or a dict of nodes by key. Calendar dates
    stay text here.
    """

    value: Any
    file: str
    line: int | None
    path: str = ""

    def plain(self) -> Any:
        """The value without its places: nested lists and dicts of plain scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def fault(self, what: str, mend: str = "", nearest: str | None = None) -> Fault:
        """A fault that points here."""
        return Fault(self.file, self.line, self.path, what, mend, nearest)

    def get(self, key: str) -> Node | None:
        """The entry `key` of a mapping; None when this is no mapping or has no such entry."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def items(self) -> Iterator[tuple[str, Node]]:
        """Entries of a mapping; nothing when this is no mapping."""
        return iter(self.value.items() if isinstance(self.value, dict) else ())

    def elements(self) -> Iterator[Node]:
        """Items of a list; nothing when this is no list."""
        return iter(self.value if isinstance(self.value, list) else ())


def read(path: Path, file: str, at: Node | None = None) -> Node:
    """Read the mapping in a YAML file.

    Parameters
    ----------
    path
        Where to read.
    file
        How to name the file in faults: as the user named it.
    at
        The value that asked for this file (an `extends`), which a fault about a missing file points to.

    Raises
    ------
    InputError
        The file is missing, not a regular file, too large, not UTF-8, not one mapping of plain YAML.
    """
    return parse(_text(_bytes(path, file, at), file), file)


def parse(text: str, file: str) -> Node:
    """Read the mapping in YAML `text`; `file` names it in faults. Raises InputError."""
    root = parse_any(text, file)
    if root.value is None:
        raise _refused(
            file, "is empty", "Give at least a name, or extend a shipped scenario: extends: baseline.yaml."
        )
    if not isinstance(root.value, dict):
        kind = "a list" if isinstance(root.value, list) else "a single value"
        raise _refused(
            file,
            f"must be a mapping of keys to values, but is {kind}",
            "Write lines such as 'scale: 100'.",
            root.line,
        )
    return root


def parse_any(text: str, file: str) -> Node:
    """Read any single YAML value from `text`, under the same bounds. Raises InputError."""
    builder = _Builder(file)
    for event in _events(text, file):
        builder.take(event)
    if builder.faults:
        raise InputError(builder.faults)
    return builder.root or Node(None, file, 1)


def _refused(file: str, what: str, mend: str = "", line: int | None = 1) -> InputError:
    return InputError([Fault(file, line, "", what, mend)])


def _bytes(path: Path, file: str, at: Node | None) -> bytes:
    """The content of a regular file, no more than the bound; never waits on a pipe or a device."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:
        reason = f"cannot be read ({_reason(error)})"
        raise InputError([_unreadable(file, reason, at)]) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InputError([_unreadable(file, "is not a regular file but a directory, a pipe or a device", at)])
    with os.fdopen(handle, "rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _refused(
            file, f"is larger than {MAX_BYTES // 1024} KiB", "Keep it short: split it with extends."
        )
    return data


def _unreadable(file: str, reason: str, at: Node | None) -> Fault:
    return at.fault(reason) if at else Fault(file, 1, "", reason, "Name a readable file.")


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or "error").lower() if isinstance(error, OSError) else "not a possible name"


def _text(data: bytes, file: str) -> str:
    """UTF-8 text, with or without a byte-order mark; anything else is refused with its line."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refused(file, "is not UTF-8 text", "Save the file as UTF-8.", line) from None
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise _refused(file, f"holds the control character U+{ord(control[0]):04X}", "Remove it.", line)
    return text


def _events(text: str, file: str) -> Iterator[Event]:
    """The parser's events; what the parser raises on text that is not YAML becomes a fault."""
    stream = iter(YAML(typ="safe", pure=True).parse(text))
    line = 1
    while True:
        try:
            event = next(stream, None)
        except YAMLError as error:
            raise _not_yaml(error, file, line) from None
        except (
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
            AssertionError,
            RecursionError,
            NotImplementedError,
        ):
            # A scanner meets text that its authors did not foresee: that text is not YAML either.
            raise _refused(file, "is not valid YAML here", "Compare with a shipped scenario.", line) from None
        if event is None:
            return
        line = event.start_mark.line + 1
        yield event


def _not_yaml(error: YAMLError, file: str, line: int) -> InputError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark is not None else line
    problem = str(getattr(error, "problem", "") or "") if isinstance(error, MarkedYAMLError) else ""
    if "\\t" in problem:
        return _refused(
            file, "is not valid YAML here: a tab stands where spaces must", "Indent with spaces.", line
        )
    cause = _QUOTED.sub(lambda found: found[0] if _OWN_WORD.fullmatch(found[0]) else "...", problem)
    cause = cause.partition("\n")[0].strip()
    return _refused(
        file,
        "is not valid YAML here" + (f" ({cause})" if cause else ""),
        "Mind colons, quotes, brackets and the indentation.",
        line,
    )


@dataclass
class _Frame:
    """A list or mapping under construction."""

    value: Any
    line: int
    path: str
    key: str | None = None
    key_line: int = 0
    first_lines: dict[str, int] = field(default_factory=dict)


class _Builder:
    """Builds the tree from events with a stack of its own, which no depth of nesting can exhaust."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self.faults: list[Fault] = []
        self.stack: list[_Frame] = []
        self.documents = 0
        self.values = 0

    def take(self, event: Event) -> None:
        """Add one event to the tree."""
        line = event.start_mark.line + 1
        if isinstance(event, DocumentStartEvent):
            self._document(line)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            frame = self.stack.pop()
            self._add(frame.value, frame.line, frame.path)
        elif isinstance(event, AliasEvent):
            self._fault(line, "an alias (*name) is not allowed", "Write the value out.")
            self._scalar_at(line, "", plain=True)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent | ScalarEvent):
            self._content(event, line)

    def _document(self, line: int) -> None:
        self.documents += 1
        if self.documents > 1:
            self._stop(line, "a second document begins", "Keep one scenario a file: remove the line '---'.")

    def _content(self, event: Any, line: int) -> None:
        if event.anchor is not None:
            self._fault(line, "an anchor (&name) is not allowed", "Write the value out where it is needed.")
        if event.tag is not None:
            self._fault(line, "a tag (!name) is not allowed", "Write the plain value without a tag.")
        self.values += 1
        if self.values > MAX_VALUES:
            self._stop(line, f"holds more than {MAX_VALUES} values", "Split the file with extends.")
        if isinstance(event, ScalarEvent):
            self._scalar_at(line, event.value, plain=event.style is None)
        else:
            self._open({} if isinstance(event, MappingStartEvent) else [], line)

    def _open(self, value: Any, line: int) -> None:
        if len(self.stack) >= MAX_DEPTH:
            self._stop(line, f"is nested deeper than {MAX_DEPTH} levels", "Flatten it.")
        if self._expects_key():
            self._fault(line, "a key must be a plain name", "Write 'name: value'.")
        self.stack.append(_Frame(value, *self._place(line)))

    def _scalar_at(self, line: int, text: str, *, plain: bool) -> None:
        if self._expects_key():
            self._take_key(text, line, plain=plain)
            return
        line, path = self._place(line)
        self._add(self._scalar(text, line, path) if plain else text, line, path)

    def _take_key(self, key: str, line: int, *, plain: bool) -> None:
        frame = self.stack[-1]
        if plain and key == "<<":
            self._fault(line, "a merge key (<<) is not allowed", "Write the values out.")
        path = _joined(frame.path, key)
        if key in frame.first_lines:
            self._fault(
                line, f"is given twice, first on line {frame.first_lines[key]}", "Keep one of the two.", path
            )
        frame.first_lines.setdefault(key, line)
        frame.key, frame.key_line = key, line

    def _expects_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def _place(self, line: int) -> tuple[int, str]:
        """Line and path of the value that comes next; a mapping's value takes the line of its key."""
        if not self.stack:
            return line, ""
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            return line, f"{frame.path}[{len(frame.value)}]"
        return (
            (frame.key_line, _joined(frame.path, frame.key)) if frame.key is not None else (line, frame.path)
        )

    def _add(self, value: Any, line: int, path: str) -> None:
        node = Node(value, self.file, line, path)
        if not self.stack:
            self.root = node
        elif isinstance(self.stack[-1].value, list):
            self.stack[-1].value.append(node)
        elif self.stack[-1].key is None:  # a list or mapping used as a key: already a fault
            self.stack[-1].key, self.stack[-1].key_line = "", line
        else:
            self.stack[-1].value.setdefault(self.stack[-1].key, node)
            self.stack[-1].key = None

    def _scalar(self, text: str, line: int, path: str) -> Any:
        """A plain scalar of YAML 1.2, with underscores allowed between digits; dates stay text."""
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INTEGER.fullmatch(text) or _BASED.fullmatch(text):
            return self._integer(text, line, path)
        if _NOT_FINITE.fullmatch(text):
            self._fault(
                line, "must be a finite number, not infinity or 'not a number'", "Give a number.", path
            )
            return None
        return self._float(text, line, path) if _FLOAT.fullmatch(text) else text

    def _integer(self, text: str, line: int, path: str) -> int | None:
        digits = text.replace("_", "")
        number = int(digits, 0 if _BASED.fullmatch(text) else 10) if len(digits) <= 40 else MAX_INTEGER + 1
        if abs(number) <= MAX_INTEGER:
            return number
        self._fault(line, "is a whole number beyond 10^18", "Give a smaller number.", path)
        return None

    def _float(self, text: str, line: int, path: str) -> float | None:
        number = float(text.replace("_", ""))
        if math.isfinite(number):
            return number
        self._fault(line, "is a number too large to hold", "Give a finite number.", path)
        return None

    def _fault(self, line: int, what: str, mend: str, path: str | None = None) -> None:
        self.faults.append(Fault(self.file, line, self._place(line)[1] if path is None else path, what, mend))
        if len(self.faults) >= MAX_FAULTS:
            raise InputError(self.faults)

    def _stop(self, line: int, what: str, mend: str) -> None:
        self._fault(line, what, mend, "")
        raise InputError(self.faults)


def _joined(path: str, key: str | None) -> str:
    name = shown_key(key or "")
    return f"{path}.{name}" if path else name
