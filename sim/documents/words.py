"""What the code says of itself: docstrings as Markdown, and what they call each name.

A docstring may define names: a sentence or an item that begins with names in double backticks and a colon, as
in "``kind`` and ``status``: what it is and where it is in its life; ``key``: ...". `terms` reads these.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
"""The folder of the package."""

_SECTION = re.compile(r"^\w+\n-{3,}$", re.MULTILINE)
_ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")
_NAMES = r"(?:``\w+``(?: \([^)]*\))?(?:, | and )?)+"
_ITEM = re.compile(rf"(?:^|(?<=[;.:])\s+)(?={_NAMES}:)")
_TERM = re.compile(rf"({_NAMES}): (.*)", re.DOTALL)


def paragraphs(doc: str | None) -> list[str]:
    """The paragraphs of a docstring in Markdown, each on a line: no sections of numpy's kind, no examples."""
    text = inspect.cleandoc(doc or "")
    section = _SECTION.search(text)
    blocks = re.split(r"\n\s*\n", text[: section.start()] if section else text)
    return [markdown(block) for block in blocks if block.strip() and not block.startswith(">>>")]


def markdown(text: str) -> str:
    """A piece of a docstring on one line, with names as Markdown writes them."""
    text = _ROLE.sub(r"`\1`", text)
    return " ".join(text.replace("``", "`").split())


def text_of(thing: Any) -> str:
    """All that the docstring of a thing says, in one paragraph; empty where it has none of its own."""
    return " ".join(paragraphs(_own_doc(thing)))


def first_of(thing: Any) -> str:
    """The first paragraph of a thing's docstring; empty where it has none."""
    return next(iter(paragraphs(_own_doc(thing))), "")


def _own_doc(thing: Any) -> str | None:
    """The docstring; of a module, class or function, never one that it inherits."""
    doc = getattr(thing, "__doc__", None)
    return doc if isinstance(doc, str) else None


def terms(doc: str | None) -> dict[str, str]:
    """The names that a docstring defines, and what it calls each, in Markdown."""
    found: dict[str, str] = {}
    for block in re.split(r"\n\s*\n", inspect.cleandoc(doc or "")):
        for item in _ITEM.split(" ".join(block.split())):
            defined = _TERM.match(item)
            if defined:
                meaning = markdown(defined[2]).rstrip(" ;.")
                found.update(dict.fromkeys(re.findall(r"``(\w+)``", defined[1]), meaning))
    return found


def named(path: str) -> Any:
    """The thing with a dotted name: a module, or a class, function or method in one.

    Raises AttributeError or ImportError where there is none.
    """
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            thing = getattr(thing, part)
        return thing
    raise ImportError(path)


@cache
def trees() -> Mapping[str, ast.Module]:
    """The parsed source of every module of the package, by dotted name."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def documented(rooms: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Module, qualified name and docstring of all that has one in some rooms, in the order of the source.

    The name of a module itself is empty.
    """
    for module, tree in trees().items():
        if module.startswith(tuple(rooms)):
            yield module, "", ast.get_docstring(tree) or ""
            yield from ((module, name, doc) for name, doc in _within(tree, ""))


def _within(node: ast.AST, owner: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            name = f"{owner}{child.name}"
            if doc := ast.get_docstring(child):
                yield name, doc
            yield from _within(child, f"{name}.")


def functions(rooms: Sequence[str]) -> Iterator[tuple[str, str, ast.FunctionDef]]:
    """Module, qualified name and source of every function and method of some rooms."""
    for module, tree in trees().items():
        if module.startswith(tuple(rooms)):
            yield from ((module, name, node) for name, node in _functions(tree, ""))


def _functions(node: ast.AST, owner: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield f"{owner}{child.name}", child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{owner}{child.name}.")


def said_of(module: str, name: str) -> str:
    """The string that stands below the assignment of a name in a module; empty where none does."""
    body = trees()[module].body
    for node, after in pairwise(body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        assigned = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if assigned and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            return str(after.value.value)
    return ""
