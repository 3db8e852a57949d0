"""Reading the parameter files: `parameters/<group>.yaml`, each key a parameter with its passport."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sim.errors import Fault, InputError, nearest, shown
from sim.scenario import folders
from sim.scenario.complaints import one_of, validated
from sim.scenario.parameters import Parameters, Passport, Value, frozen
from sim.scenario.places import evidence_faults, evidence_ids
from sim.scenario.priors import SHAPES, Prior
from sim.scenario.source import Node, read

_NAME = re.compile(r"[a-z][a-z0-9_]*")
MAX_FILES = 100
_cache: dict[tuple[Any, ...], dict[str, Passport]] = {}


class _Written(BaseModel):
    """A passport as it stands in the file; value, range and prior hang together: they are checked by hand."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Any = Field(description="a number, a list of numbers, or numbers by name.")
    prior: Any = None
    unit: str = Field(min_length=1, description="the unit, or '1' for a pure number.")
    range: Any = Field(description="[lowest, highest], with null for no bound.")
    meaning: str = Field(min_length=1, description="a sentence on what the number is.")
    evidence: list[str] | Literal["assumed"] = Field(description="ids of the evidence table, or assumed.")
    grade: Literal["A", "B", "C", "D", "assumed"] = Field(description="A, B, C, D or assumed.")
    moved: str = ""
    integer: bool = False


def parameters(folder: Path) -> Parameters:
    """The parameters for scenarios of a folder: its own `parameters/` if it has one, else the shipped.

    Raises
    ------
    InputError
        Every fault of every parameter file, with file and line.
    """
    shipped = folders.shipped_folder()
    own = folder / "parameters"
    if not os.path.lexists(own) or _same(folder, shipped):
        return Parameters(_passports(shipped))
    found = _passports(folder)
    known = _passports(shipped)
    if known:
        _same_ids(found, known, folder)
    return Parameters(found)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve()
    except (OSError, RuntimeError):
        return False


def _same_ids(found: Mapping[str, Passport], known: Mapping[str, Passport], folder: Path) -> None:
    faults = [
        Fault(
            p.file,
            p.line,
            p.id.partition(".")[2],
            "is no parameter of the model",
            "Remove it.",
            nearest(p.id, known),
        )
        for p in found.values()
        if p.id not in known
    ]
    for missing in known.values():
        if missing.id not in found:
            group, _, key = missing.id.partition(".")
            file = folders.display(folder / "parameters" / f"{group}.yaml")
            faults.append(Fault(file, 1, key, "is missing", "Copy it from the shipped parameters."))
    if faults:
        raise InputError(faults)


def _passports(folder: Path) -> dict[str, Passport]:
    """Passports of a folder; parsed once for each state of its files."""
    files = _files(folder)
    state = tuple((str(path), (found := path.stat()).st_mtime_ns, found.st_size) for path in files)
    evidence = evidence_ids(folder)
    key = (state, evidence)
    if key not in _cache:
        _cache.clear() if len(_cache) > 8 else None
        _cache[key] = _parsed(files, evidence)
    return _cache[key]


def _files(folder: Path) -> list[Path]:
    """The parameter files; one that leads out of the folder is refused unread."""
    inside = folder / "parameters"
    try:
        files = sorted(path for path in inside.iterdir() if path.suffix == ".yaml")
    except FileNotFoundError:
        files = []
    except OSError:
        raise InputError(
            [Fault(folders.display(inside), 1, "", "is not a readable folder", "Copy it again.")]
        ) from None
    outside = [path for path in files if not folders.contained(path, folder)]
    if outside or len(files) > MAX_FILES:
        named = outside or [inside]
        what = (
            "leads out of the scenario's folder; it was not read"
            if outside
            else f"holds over {MAX_FILES} files"
        )
        raise InputError(
            Fault(folders.display(path), 1, "", what, "Put a copy in its place.") for path in named
        )
    return files


def _parsed(files: Iterable[Path], evidence: frozenset[str]) -> dict[str, Passport]:
    passports: dict[str, Passport] = {}
    faults: list[Fault] = []
    for path in files:
        try:
            root = read(path, folders.display(path))
        except InputError as error:
            faults.extend(error.faults)
            continue
        for key, node in root.items():
            made = _passport(path.stem, key, node, evidence)
            faults.extend(made) if isinstance(made, list) else passports.__setitem__(made.id, made)
    if faults:
        raise InputError(faults)
    return passports


def _passport(group: str, key: str, node: Node, evidence: frozenset[str]) -> Passport | list[Fault]:
    if not _NAME.fullmatch(key) or not _NAME.fullmatch(group):
        return [node.fault("must be a plain name", "Use small letters, digits and '_'.")]
    if not isinstance(node.value, dict):
        return [node.fault("must be a passport", "Give value, unit, range, meaning, evidence and grade.")]
    written = validated(_Written, node)
    if isinstance(written, list):
        return written
    faults = list(_faults(node, written, evidence))
    if faults:
        return faults
    span = _span(node.value["range"])
    assert span is not None
    cited = () if written.evidence == "assumed" else tuple(written.evidence)
    return Passport(
        id=f"{group}.{key}",
        value=frozen(written.value),
        unit=written.unit,
        range=span,
        meaning=written.meaning,
        evidence=cited,
        grade=written.grade,
        prior=_prior(node.get("prior"), span),
        integer=written.integer,
        moved=written.moved,
        file=node.file,
        line=node.line,
    )


def _faults(node: Node, written: _Written, evidence: frozenset[str]) -> Iterator[Fault]:
    value, cited = node.value["value"], node.value["evidence"]
    span = _span(node.value["range"])
    if span is None:
        yield node.value["range"].fault(
            "must be two rising numbers", "Write [lowest, highest], null for no bound."
        )
        return
    yield from value_faults(value, span, written.integer, written.unit)
    yield from evidence_faults(cited, evidence)
    assumed = written.evidence == "assumed" or not written.evidence
    if assumed and written.grade != "assumed":
        yield node.value["grade"].fault(
            "must be assumed when no evidence is cited", "Cite evidence or write assumed."
        )
    prior = node.get("prior")
    if prior is not None and prior.value is not None:
        yield from _prior_faults(prior, value, span)


def _span(node: Node) -> tuple[float, float] | None:
    """Lowest and highest value allowed; None when the node does not say."""
    ends = node.plain()
    if (
        not isinstance(ends, list)
        or len(ends) != 2
        or not all(end is None or _is_number(end) for end in ends)
    ):
        return None
    low = -math.inf if ends[0] is None else float(ends[0])
    high = math.inf if ends[1] is None else float(ends[1])
    return (low, high) if low <= high else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_faults(node: Node, span: tuple[float, float], integer: bool, unit: str) -> Iterator[Fault]:
    """Faults of a parameter's value: each part must be a number, in range, whole where it must be."""
    if isinstance(node.value, list | dict):
        parts = node.value.values() if isinstance(node.value, dict) else node.value
        if not parts:
            yield node.fault("holds no number", "Give at least one number.")
        for part in parts:
            yield from _number_faults(part, span, integer, unit)
    else:
        yield from _number_faults(node, span, integer, unit)


def _number_faults(node: Node, span: tuple[float, float], integer: bool, unit: str) -> Iterator[Fault]:
    value = node.value
    if not _is_number(value):
        yield node.fault(f"must be a number, got {shown(node.plain())}", f"Give a number in {unit}.")
    elif not span[0] <= value <= span[1]:
        yield node.fault(
            f"must lie from {span[0]:g} to {span[1]:g}, got {shown(value)}", f"Give a number in {unit}."
        )
    elif integer and value != int(value):
        yield node.fault(f"must be a whole number, got {shown(value)}", f"Give a whole number in {unit}.")


def _prior_faults(prior: Node, value: Node, span: tuple[float, float]) -> Iterator[Fault]:
    if not isinstance(prior.value, dict) or len(prior.value) != 1:
        yield prior.fault("must be one distribution", "Write for instance {uniform: [0.1, 0.3]}.")
        return
    kind, numbers = next(prior.items())
    if kind not in SHAPES:
        yield one_of(Node(kind, numbers.file, numbers.line, prior.path), list(SHAPES))
        return
    wanted = SHAPES[kind].count(",") + 1
    given = numbers.plain()
    if not isinstance(given, list) or len(given) != wanted or not all(map(_is_number, given)):
        yield numbers.fault(f"must be {wanted} numbers", f"Write {kind}: {SHAPES[kind]}.")
        return
    made = _prior(prior, span)
    complaint = made.complaint() if made else None
    if complaint:
        yield numbers.fault(complaint, f"Write {kind}: {SHAPES[kind]} within the range.")
    elif made and not _is_number(value.value):
        yield prior.fault("fits a single number only", "Split the value into parameters of their own.")
    elif made and not made.support[0] <= value.value <= made.support[1]:
        yield value.fault("lies outside its own prior", "Move the value or widen the prior.")


def _prior(node: Node | None, span: tuple[float, float]) -> Prior | None:
    if node is None or node.value is None:
        return None
    kind, numbers = next(node.items())
    return Prior(kind, tuple(float(number) for number in numbers.plain()), *span)


def override(known: Passport, node: Node) -> Value | list[Fault]:
    """The value that a scenario gives a parameter; it must have the parameter's own shape and range."""
    own = known.value
    if isinstance(own, Mapping) and isinstance(node.value, dict):
        strange = [
            part.fault("is no entry of this table", f"Use {', '.join(list(own)[:12])}.", nearest(name, own))
            for name, part in node.items()
            if name not in own
        ]
        faults = strange or list(value_faults(node, known.range, known.integer, known.unit))
        return faults or frozen({**own, **node.plain()})
    if isinstance(own, tuple) != isinstance(node.value, list) or isinstance(own, Mapping) != isinstance(
        node.value, dict
    ):
        shape = f"a list of {len(own)} numbers" if isinstance(own, tuple) else "a table of numbers by name"
        wanted = "a number" if isinstance(own, float) else shape
        return [node.fault(f"must be {wanted}, got {shown(node.plain())}", f"Unit: {known.unit}.")]
    if isinstance(own, tuple) and len(node.value) != len(own):
        return [node.fault(f"must hold {len(own)} numbers, got {len(node.value)}", f"Unit: {known.unit}.")]
    return list(value_faults(node, known.range, known.integer, known.unit)) or frozen(node.plain())
