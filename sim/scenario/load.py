"""From a file to a scenario: read it and what it extends, patch, check everything, then build."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import Fault, InputError, nearest, shown
from sim.scenario import folders, measures, passports, patches
from sim.scenario.complaints import as_date, validated
from sim.scenario.parameters import Parameters, Value
from sim.scenario.places import evidence_ids
from sim.scenario.schema import Scenario, ScenarioFile
from sim.scenario.source import Node, read

if TYPE_CHECKING:
    from sim.interventions.base import Measure

MAX_CHAIN = 6


def load(
    path_or_name: str | os.PathLike[str],
    sets: Sequence[str] = (),
    start: date | str | None = None,
    end: date | str | None = None,
) -> Scenario:
    """Load a scenario, checked as a whole.

    Parameters
    ----------
    path_or_name
        A scenario file, or the name of a shipped scenario.
    sets
        Patches `path=value`, applied last and in their order: `scale=500`,
        `parameters.gangs.growth_per_year=0.2`, `interventions.account_cleanup-dormant.accounts=0`.
    start, end
        Clip the run to this window, within the scenario's own. Measures outside it are named in `notes`.

    Raises
    ------
    InputError
        Everything that is wrong with the file, the files it extends, its parameters and the patches.

    Examples
    --------
    >>> load("baseline", sets=["scale=1000"]).scale  # doctest: +SKIP
    1000
    """
    return Reader(path_or_name).scenario(sets, start, end)


class Reader:
    """A scenario file read once, with all that it extends, from which many patched scenarios are built.

    Reading takes most of the time of a load, and a study patches one file hundreds of times. Raises
    `InputError` where a file cannot be read at all.
    """

    def __init__(self, path_or_name: str | os.PathLike[str]) -> None:
        path, file = folders.find(path_or_name)
        self._chain = _chain(path, file)
        self._faults = [fault for root in self._chain for fault in _file_faults(root)]
        self._evidence, self._parameters, self._odd = _surroundings(path.parent)
        self._faults += self._odd
        self._tree = _merged(self._chain, self._faults)

    def scenario(
        self, sets: Sequence[str] = (), start: date | str | None = None, end: date | str | None = None
    ) -> Scenario:
        """The scenario with patches applied, checked as a whole; arguments and errors as for `load`."""
        tree, refused = patches.patched(self._tree, sets, self._parameters.passports)
        built, wrong = measures.built(_elements(tree, "interventions"), self._evidence)
        values, odd = _overrides(tree, self._parameters) if not self._odd else ({}, [])
        head = validated(ScenarioFile, tree, _head(tree))
        faults = [*self._faults, *refused, *wrong, *odd, *_window_faults(tree)]
        faults += head if isinstance(head, list) else []
        if faults or isinstance(head, list):
            raise InputError(_without_echoes(faults))
        first, last = _clipped(head.start, head.end, start, end)
        return Scenario(
            name=head.name,
            title=head.title or head.name,
            description=head.description,
            start=first,
            end=last,
            scale=head.scale,
            rival=head.rival,
            adaptation=head.adaptation,
            parameters=self._parameters.with_(values) if values else self._parameters,
            interventions=tuple(built),
            sources=tuple(root.file for root in self._chain),
            notes=tuple(_notes(built, first, last)),
        )


def _chain(path: Path, file: str) -> list[Node]:
    """The scenario's tree and those it extends, base first."""
    chain: list[Node] = []
    seen: set[Path] = set()
    at: Node | None = None
    while True:
        root = _named(read(path, file, at), path)
        seen.add(path.resolve())
        chain.insert(0, root)
        at = root.get("extends")
        if at is None or not isinstance(at.value, str) or not at.value:
            return chain
        path = folders.find_base(at, path)
        file = folders.display(path)
        if path.resolve() in seen:
            raise InputError([at.fault("extends in a circle", "Let one of the files stand without extends.")])
        if len(chain) >= MAX_CHAIN:
            raise InputError(
                [at.fault(f"is more than {MAX_CHAIN} files deep", "Extend the baseline directly.")]
            )


def _named(root: Node, path: Path) -> Node:
    """The tree with a name; where the file gives none, its own name is the scenario's."""
    if root.get("name") is not None:
        return root
    name = Node(path.stem, root.file, root.line, "name")
    return Node({"name": name, **root.value}, root.file, root.line, root.path)


def _file_faults(root: Node) -> Iterator[Fault]:
    """Faults of one file by itself: its keys and their types, its list of measures as such."""
    head = validated(ScenarioFile, root)
    yield from head if isinstance(head, list) else ()
    interventions = root.get("interventions")
    if interventions is not None:
        yield from measures.list_faults(interventions)
    without = root.get("without")
    if without is not None and without.value and root.get("extends") is None:
        yield without.fault("has nothing to take away from", "Add extends:, or remove without:.")


def _surroundings(folder: Path) -> tuple[frozenset[str] | None, Parameters, list[Fault]]:
    """The evidence table and the parameters of a scenario's folder, and what is wrong with them."""
    evidence: frozenset[str] | None = None
    try:
        evidence = evidence_ids(folder)
        return evidence, passports.parameters(folder), []
    except InputError as error:
        return evidence, Parameters({}), list(error.faults)


def _merged(chain: Sequence[Node], faults: list[Fault]) -> Node:
    """The chain laid over one another; faults of `without` are added to `faults`."""
    tree = chain[0]
    for child in chain[1:]:
        tree = patches.merged(tree, child, faults)
    return tree


def _elements(tree: Node, key: str) -> Iterable[Node]:
    node = tree.get(key)
    return node.elements() if node is not None else ()


def _head(tree: Node) -> dict[str, object]:
    """The plain top of the tree; parameters and measures have their own checks."""
    return {key: node.plain() for key, node in tree.items() if key not in ("parameters", "interventions")}


def _overrides(tree: Node, parameters: Parameters) -> tuple[dict[str, Value], list[Fault]]:
    """The values that the scenario gives parameters, and the faults among them."""
    values: dict[str, Value] = {}
    faults: list[Fault] = []
    given = tree.get("parameters")
    for name, node in given.items() if given is not None else ():
        if name not in parameters.passports:
            near = nearest(name, parameters.passports)
            faults.append(node.fault("is no parameter", "`cardbreak list parameters` names them all.", near))
            continue
        made = passports.override(parameters.passport(name), node)
        if isinstance(made, list):
            faults.extend(made)
        else:
            values[name] = made
    return values, faults


def _window_faults(tree: Node) -> Iterator[Fault]:
    """The run needs a first and a last day, in order."""
    first, last, base = tree.get("start"), tree.get("end"), tree.get("extends")
    for key, node in (("start", first), ("end", last)):
        if node is None and (base is None or isinstance(base.value, str)):  # else that is the fault
            mend = f"Add {key}: year-month-day, or extends: baseline.yaml."
            yield Fault(tree.file, tree.line, key, "is missing", mend)
    if first is not None and last is not None:
        yield from measures.order_faults(first, last)


def _without_echoes(faults: Iterable[Fault]) -> list[Fault]:
    """The faults without repeats: a value is met once in its own file and once in the merged tree."""
    first: dict[tuple[str, int | None, str, str], Fault] = {}
    for fault in faults:
        first.setdefault((fault.file, fault.line, fault.key, fault.what), fault)
    return list(first.values())


def _clipped(first: date, last: date, start: date | str | None, end: date | str | None) -> tuple[date, date]:
    """The window of the run after `--start` and `--end`."""
    since, until = _day(start, "--start") or first, _day(end, "--end") or last
    faults = [
        Fault(
            option,
            None,
            "",
            f"must lie from {first} to {last}, the scenario's own window, got {day}",
            f"To move that window write --set {option[2:]}={day}.",
        )
        for option, day in (("--start", since), ("--end", until))
        if not first <= day <= last
    ]
    if not faults and until < since:
        faults.append(Fault("--end", None, "", f"end {until} lies before start {since}", "Give a later end."))
    if faults:
        raise InputError(faults)
    return since, until


def _day(given: date | str | None, option: str) -> date | None:
    if given is None or isinstance(given, date):
        return given.date() if isinstance(given, datetime) else given
    found = as_date(Node(given, option, None))
    if found is None:
        mend = "Write year-month-day, for instance 2021-02-28."
        raise InputError([Fault(option, None, "", f"must be a calendar date, got {shown(given)}", mend)])
    return found


def _notes(interventions: Iterable[Measure], first: date, last: date) -> Iterator[str]:
    for measure in interventions:
        if measure.start > last or (measure.end is not None and measure.end < first):
            until = measure.end or "open end"
            window = f"({measure.start} to {until}) lies outside the run ({first} to {last})"
            yield f"{measure.id} {window} and does nothing"
