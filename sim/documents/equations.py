"""Where the numbered equations stand: the docstrings that cite them; and who reads a policy field."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from sim.documents import words

ROOMS = ("sim.agents", "sim.processes", "sim.world", "sim.kernels")
"""Rooms in which equations are carried out."""

DAY = ("sim.agents", "sim.processes", "sim.world", "sim.model")
"""Rooms that read parameters and the policy vector of the day."""

_NUMBER = re.compile(r"(?:\bequations? |[(,;] ?)(4\.\d+)\b")


@dataclass(frozen=True)
class Place:
    """A docstring: module, qualified name (empty for the module's own), and its text in Markdown."""

    module: str
    name: str
    text: str

    @property
    def path(self) -> str:
        """The dotted name."""
        return f"{self.module}.{self.name}" if self.name else self.module


def equations() -> dict[str, list[Place]]:
    """The docstrings that cite each equation, by its number, in the order of the numbers."""
    found: dict[str, list[Place]] = {}
    for module, name, doc in words.documented(ROOMS):
        for number in dict.fromkeys(_NUMBER.findall(doc)):
            place = Place(module, name, " ".join(words.paragraphs(doc)))
            found.setdefault(number, []).append(place)
    return dict(sorted(found.items(), key=lambda item: float(item[0].split(".")[1])))


def readers(field: str) -> list[Place]:
    """The functions of the day that read a field of the policy vector, such as ``cleanups``."""
    found = []
    for module, name, node in words.functions(DAY):
        if any(_reads(inner, field) for inner in ast.walk(node)):
            found.append(Place(module, name, " ".join(words.paragraphs(ast.get_docstring(node)))))
    return found


def _reads(node: ast.AST, field: str) -> bool:
    """Whether a node is ``policy.field`` or ``anything.policy.field``."""
    if not isinstance(node, ast.Attribute) or node.attr != field:
        return False
    owner = node.value
    return (owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")) == "policy"
