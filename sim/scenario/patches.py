"""Patches: a scenario on the one it extends, and `--set path=value` on both.

Trees of values are merged before anything is typed, and every value keeps the file and line it was written
on, so that a fault in a merged scenario still points at the file that caused it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sim.errors import Fault, InputError, nearest, shown, shown_key
from sim.scenario.measures import identity
from sim.scenario.parameters import Passport
from sim.scenario.source import Node, parse_any

MAX_SET = 10_000
OPTION = "--set"
_PLAIN = ("scale", "start", "end", "rival", "name", "title", "description")
_INDEXED = re.compile(r"(.+)\[(\d+)\]$")


def merged(base: Node, child: Node, faults: list[Fault]) -> Node:
    """`child` laid over `base`: values, single parameters and switches replace, measures append or replace.

    A name in `without` that the base does not have becomes one of the `faults`.
    """
    kept = {key: node for key, node in base.value.items() if key not in ("without", "extends", "name")}
    result = {**kept, **{key: node for key, node in child.value.items() if key != "without"}}
    for table in ("parameters", "adaptation"):
        given = [node for node in (base.get(table), child.get(table)) if node is not None]
        if given:
            result[table] = replace(given[-1], value={k: v for node in given for k, v in node.items()})
    lists = [node for node in (base.get("interventions"), child.get("interventions")) if node is not None]
    if lists:
        result["interventions"] = replace(lists[-1], value=_measures(base, child, faults))
    elif child.get("without"):
        _taken_away(child, {}, faults)
    return replace(child, value=result)


def _measures(base: Node, child: Node, faults: list[Fault]) -> list[Node]:
    own = child.get("interventions")
    before = base.get("interventions")
    items: dict[object, Node] = {_id(item): item for item in (before.elements() if before else ())}
    for name in _taken_away(child, items, faults):
        items.pop(name, None)
    for item in own.elements() if own else ():
        items[_id(item)] = item  # a replaced measure keeps its place
    return list(items.values())


def _id(item: Node) -> object:
    """Key of a measure in a list; an item without an id (a fault, reported later) is its own key."""
    return identity(item) or (item.file, item.line, item.path)


def _taken_away(child: Node, items: Mapping[object, Node], faults: list[Fault]) -> list[str]:
    """Ids of the base's measures that the child does without."""
    without = child.get("without")
    ids = [name for name in items if isinstance(name, str)]
    names: list[str] = []
    for item in without.elements() if without else ():
        if isinstance(item.value, str) and item.value in ids:
            names.append(item.value)
        elif isinstance(item.value, str):
            what = f"the extended scenario has no measure {shown(item.value)}"
            faults.append(item.fault(what, "Name the id of one it has.", nearest(item.value, ids)))
    return names


def patched(root: Node, sets: Iterable[str], passports: Mapping[str, Passport]) -> tuple[Node, list[Fault]]:
    """`root` with patches `path=value` applied in their order, and the faults of patches that could not be.

    Paths: `scale`, `start`, `end`, `rival`, `name`, `title`, `description`; `adaptation.<switch>`;
    `parameters.<id>`, also with `.<entry>` or `[i]` for one number of a table or list;
    `interventions.<id>.<field>`.
    """
    faults: list[Fault] = []
    for text in sets:
        try:
            root = _applied(root, text, passports)
        except InputError as error:
            faults.extend(error.faults)
    return root, faults


def _applied(root: Node, text: str, passports: Mapping[str, Passport]) -> Node:
    path, equals, written = text.partition("=")
    path = path.strip()
    if not equals or not path or len(text) > MAX_SET:
        raise _fault(shown_key(path), "must be path=value", "Write for instance --set scale=500.")
    value = _value(path, written)
    first, _, rest = path.partition(".")
    if path in _PLAIN:
        return _with(root, path, value)
    if first == "parameters" and rest:
        return _with_parameter(root, rest, value, passports)
    if first == "interventions" and rest:
        return _with_field(root, path, rest, value)
    if first == "adaptation" and rest:
        before = root.get("adaptation")
        switches = {**(dict(before.items()) if before else {}), rest: value}
        return _with(root, "adaptation", Node(switches, OPTION, None, "adaptation"))
    names = [*_PLAIN, "parameters.", "interventions.", "adaptation."]
    mend = "Set scale, start, end, rival, parameters.<id>, adaptation.<switch> or interventions.<id>.<field>."
    raise _fault(shown_key(path), "cannot be set", mend, nearest(path, names))


def _fault(key: str, what: str, mend: str, near: str | None = None) -> InputError:
    return InputError([Fault(OPTION, None, key, what, mend, near)])


def _value(path: str, written: str) -> Node:
    """The value as YAML, every part of it marked as coming from the option at `path`."""
    try:
        return _marked(parse_any(written, OPTION), shown_key(path))
    except InputError as error:
        told = [replace(fault, line=None, key=shown_key(path)) for fault in error.faults]
        raise InputError(told) from None


def _marked(node: Node, path: str) -> Node:
    value: Any = node.value
    if isinstance(value, dict):
        value = {key: _marked(part, f"{path}.{shown_key(key)}") for key, part in value.items()}
    elif isinstance(value, list):
        value = [_marked(part, f"{path}[{index}]") for index, part in enumerate(value)]
    return Node(value, OPTION, None, path)


def _with(root: Node, key: str, value: Node) -> Node:
    return replace(root, value={**root.value, key: value})


def _with_parameter(root: Node, name: str, value: Node, passports: Mapping[str, Passport]) -> Node:
    before = root.get("parameters")
    entries = dict(before.items()) if before else {}
    whole, part = _split(name, passports)
    new = value if part is None else _one_number(whole, part, value, entries.get(whole), passports[whole])
    return _with(root, "parameters", Node({**entries, whole: new}, OPTION, None, "parameters"))


def _split(name: str, passports: Mapping[str, Passport]) -> tuple[str, str | int | None]:
    """A parameter's id, and which entry of it is meant; None for the whole."""
    indexed = _INDEXED.fullmatch(name)
    if name not in passports and indexed and indexed[1] in passports and len(indexed[2]) < 6:
        return indexed[1], int(indexed[2])
    whole, _, entry = name.rpartition(".")
    if name not in passports and whole in passports:
        return whole, entry
    return name, None


def _one_number(whole: str, part: str | int, value: Node, before: Node | None, known: Passport) -> Node:
    own = known.value
    if isinstance(part, str) and isinstance(own, Mapping):
        return Node(
            {**(dict(before.items()) if before else {}), part: value}, OPTION, None, f"parameters.{whole}"
        )
    if isinstance(part, int) and isinstance(own, tuple) and part < len(own):
        rest = (
            list(before.elements()) if before else [Node(x, OPTION, None, f"parameters.{whole}") for x in own]
        )
        if part < len(rest):
            rest[part] = value
        return Node(rest, OPTION, None, f"parameters.{whole}")
    raise InputError(
        [value.fault("is no entry of that parameter", "`cardbreak list parameters` shows its shape.")]
    )


def _with_field(root: Node, path: str, rest: str, value: Node) -> Node:
    before = root.get("interventions")
    items = list(before.elements()) if before else []
    name, dot, name_of_field = rest.partition(".")
    ids = [identity(item) for item in items]
    if name not in ids:
        known = [found for found in ids if found]
        mend = (
            f"The scenario has {', '.join(map(shown_key, known))}."
            if known
            else "The scenario has no measures."
        )
        raise _fault(shown_key(path), f"there is no measure {shown(name)}", mend, nearest(name, known))
    if not dot or not name_of_field or name_of_field in ("id", "measure"):
        raise _fault(
            shown_key(path), "must name a field of the measure", "Write interventions.<id>.<field>=value."
        )
    at = ids.index(name)
    if isinstance(items[at].value, dict):
        # The id is written down, since a patch of the criterion would change the one that is derived.
        own = Node(name, items[at].file, items[at].line, items[at].path)
        items[at] = replace(items[at], value={"id": own, **items[at].value, name_of_field: value})
    return _with(root, "interventions", Node(items, OPTION, None, "interventions"))
