"""What may know what: imports, read from the source, keep to the arrows of the architecture.

All imports count, also those inside functions and for annotations alone, unless a test says otherwise.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"SALib", "matplotlib", "mesa", "networkx", "numba", "numpy", "pandas", "pyarrow", "scipy"}
USES_A_MODEL = tuple(
    f"sim.{name}"
    for name in (
        *("state", "draws", "study", "calibration", "forecast", "views", "bench", "documents"),
        *("cli", "console"),
    )
)
INSIDE_A_MODEL = (
    *(f"sim.{name}" for name in ("kernels", "random", "arrays", "policy", "world", "agents", "processes")),
    *(f"sim.{name}" for name in ("interventions", "scenario", "observe", "model")),
)


@dataclass(frozen=True)
class Import:
    """One imported module, where it is imported, and whether at the import of its importer or later."""

    importer: str
    line: int
    target: str
    at_once: bool


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in (ROOT / "sim").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> tuple[Import, ...]:
    """Every import of every module."""
    return tuple(
        Import(name, line, target, at_once)
        for name, path in modules().items()
        for line, target, at_once in imports_of(path.read_text(encoding="utf-8"), name)
    )


def imports_of(source: str, name: str) -> Iterator[tuple[int, str, bool]]:
    """Line, module, and whether it is imported at once, of each import in a source."""
    waiting: list[tuple[ast.AST, bool]] = [(ast.parse(source), True)]
    while waiting:
        node, at_once = waiting.pop()
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, at_once) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: relative imports hide where an arrow points"
            yield from ((node.lineno, target, at_once) for target in targets(node))
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or for_annotations(node)
        waiting.extend((child, at_once and not later) for child in ast.iter_child_nodes(node))


def targets(node: ast.ImportFrom) -> set[str]:
    """Modules that a ``from`` import loads: ``from sim import random`` loads ``sim.random``."""
    package = node.module or ""
    return {full if (full := f"{package}.{alias.name}") in modules() else package for alias in node.names}


def for_annotations(node: ast.AST) -> bool:
    """Whether a node is ``if TYPE_CHECKING:``, which never runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def within(module: str, *rooms: str) -> bool:
    """Whether a module is one of the rooms or lies in one."""
    return any(module == room or module.startswith(room + ".") for room in rooms)


def arrows(rooms: tuple[str, ...], forbidden: tuple[str, ...]) -> list[str]:
    """The imports from rooms into forbidden ones, as ``importer:line -> target``."""
    return [
        f"{one.importer}:{one.line} -> {one.target}"
        for one in imports()
        if within(one.importer, *rooms) and within(one.target, *forbidden)
    ]


def test_kernels_know_nothing_of_the_model() -> None:
    own = ("sim.kernels",)
    assert [arrow for arrow in arrows(own, ("sim",)) if not within(arrow.split(" -> ")[1], *own)] == []


@pytest.mark.parametrize("leaf", ["sim.policy", "sim.arrays", "sim.world.codes"])
def test_what_rooms_share_depends_on_none_of_them(leaf: str) -> None:
    assert arrows((leaf,), ("sim",)) == []


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("sim.world", ("sim.agents", "sim.processes", "sim.model", "sim.interventions", "sim.observe")),
        ("sim.interventions", ("sim.agents", "sim.processes", "sim.model", "sim.observe")),
        ("sim.agents", ("sim.processes",)),
        ("sim.observe", ("sim.agents", "sim.processes")),
        ("sim.scenario", ("sim.agents", "sim.processes", "sim.model")),
        ("sim.state", ("sim.study", "sim.views", "sim.bench")),
        ("sim.draws", ("sim.experiment", "sim.study", "sim.calibration", "sim.forecast", "sim.views")),
        ("sim.study", ("sim.calibration", "sim.forecast")),
        ("sim.calibration", ("sim.forecast",)),
        ("sim.views", ("sim.model", "sim.agents", "sim.processes", "sim.world", "sim.kernels")),
        ("sim.random", ("sim.world", "sim.agents", "sim.processes", "sim.model")),
    ],
)
def test_arrows_that_must_never_be(room: str, forbidden: tuple[str, ...]) -> None:
    assert arrows((room,), forbidden) == []


@pytest.mark.parametrize("room", INSIDE_A_MODEL)
def test_nothing_of_a_model_knows_who_runs_it(room: str) -> None:
    assert any(within(name, room) for name in modules())
    assert arrows((room,), USES_A_MODEL) == []


def test_nothing_but_the_command_line_knows_the_benchmark() -> None:
    importers = {
        one.importer
        for one in imports()
        if within(one.target, "sim.bench") and not within(one.importer, "sim.bench")
    }
    assert importers == {"sim.cli"}


def test_nothing_but_the_command_line_knows_the_documents() -> None:
    importers = {
        one.importer
        for one in imports()
        if within(one.target, "sim.documents") and not within(one.importer, "sim.documents")
    }
    assert importers == {"sim.cli_documents"}


def test_agents_do_not_know_each_other() -> None:
    """Each kind of agent stands alone; only the population, which creates them, knows gangs and dealers."""
    kinds = ("gang", "dealer", "institutions", "office", "police")
    found = [
        arrow
        for kind in kinds
        for arrow in arrows(
            (f"sim.agents.{kind}",), tuple(f"sim.agents.{other}" for other in kinds if other != kind)
        )
    ]
    assert found == []


def test_nobody_touches_the_private_names_of_another_object() -> None:
    """``_name`` is read and written through ``self`` or ``cls`` alone (``os._exit`` is public)."""
    guilty = []
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
                owner = node.value
                if not (isinstance(owner, ast.Name) and owner.id in {"self", "cls", "os"}):
                    guilty.append(f"{name}:{node.lineno} {ast.unparse(node)}")
    assert guilty == []


def test_the_command_line_answers_before_anything_heavy_is_loaded() -> None:
    """What importing ``sim.cli`` loads, with all that this loads in turn, holds no heavy library."""
    loaded = closure("sim.cli")
    heavy = [
        f"{one.importer}:{one.line} {one.target}"
        for one in imports()
        if one.at_once and one.importer in loaded and one.target.split(".")[0] in HEAVY
    ]
    assert heavy == []


def test_no_module_waits_for_itself() -> None:
    """Imports that happen at once form no circle, so that any module can be imported first."""
    waiting_for_itself = [
        name for name in modules() if any(name in closure(target) for target in loads().get(name, ()))
    ]
    assert waiting_for_itself == []


@cache
def loads() -> dict[str, set[str]]:
    """For each module the modules of the package that it imports at once."""
    found: dict[str, set[str]] = {}
    for one in imports():
        if one.at_once and one.target in modules():
            found.setdefault(one.importer, set()).add(one.target)
    return found


@cache
def closure(module: str) -> frozenset[str]:
    """A module and all that its import loads."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(loads().get(name, ()))
    return frozenset(seen)


def test_imports_are_found_wherever_they_hide() -> None:
    """The reader itself: at the top, in a function, in a class, for annotations, of modules and of names."""
    source = (
        "import numpy.linalg\nfrom sim import random\nif TYPE_CHECKING:\n    from sim.model import Phase\n"
        "class Late:\n    from sim.policy import Policy\n    def run(self):\n        import sim.study.runs\n"
    )
    assert sorted(imports_of(source, "example")) == [
        (1, "numpy.linalg", True),
        (2, "sim.random", True),
        (4, "sim.model", False),
        (6, "sim.policy", True),
        (8, "sim.study.runs", False),
    ]
