"""The list of measures of a scenario: which measure each item is, and whether it is filled in rightly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sim.errors import Fault, nearest, shown
from sim.scenario.complaints import as_date, validated
from sim.scenario.places import evidence_faults, region_faults
from sim.scenario.source import Node

if TYPE_CHECKING:
    from sim.interventions.base import Measure

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


def known() -> dict[str, type[Measure]]:
    """The classes of measures by name; imported late, because little of this room needs them."""
    from sim.interventions import MEASURES

    return MEASURES


def identity(item: Node) -> str | None:
    """The id of a measure: its `id`, or the measure's name with its criterion; None where it has neither."""
    given, measure, criterion = (_text(item.get(key)) for key in ("id", "measure", "criterion"))
    if given or not measure:
        return given
    return f"{measure}-{criterion}" if criterion else measure


def _text(node: Node | None) -> str | None:
    return node.value if node is not None and isinstance(node.value, str) and node.value else None


def list_faults(items: Node) -> Iterator[Fault]:
    """Faults of the list as such: items that are no mappings, and two items with one id."""
    seen: dict[str, int | None] = {}
    for item in items.elements():
        if not isinstance(item.value, dict):
            yield item.fault(
                f"must be a mapping with the key measure, got {shown(item.plain())}",
                "Write '- measure: account_cleanup' and its keys below.",
            )
            continue
        name = identity(item)
        if name is not None and name in seen:
            yield item.fault(
                f"has the same id as the item on line {seen[name]}, {shown(name)}",
                "Give one of them another id.",
            )
        elif name is not None:
            seen[name] = item.line


def built(items: Iterable[Node], evidence: frozenset[str] | None) -> tuple[list[Measure], list[Fault]]:
    """The measures of a list, validated, and every fault found in it."""
    measures: list[Measure] = []
    faults: list[Fault] = []
    for item in items:
        if isinstance(item.value, dict):
            made = _measure(item, evidence)
            faults.extend(made) if isinstance(made, list) else measures.append(made)
    return measures, faults


def _measure(item: Node, evidence: frozenset[str] | None) -> Measure | list[Fault]:
    classes = known()
    name = item.get("measure")
    if name is None:
        mend = f"Say which measure it is: one of {', '.join(classes)}."
        return [Fault(item.file, item.line, f"{item.path}.measure", "is missing", mend)]
    if not isinstance(name.value, str) or name.value not in classes:
        near = nearest(name.value, classes) if isinstance(name.value, str) else None
        return [
            name.fault(
                f"{shown(name.plain())} is no measure", "`cardbreak list measures` names them all.", near
            )
        ]
    own = list(_own_faults(item, evidence))
    made = validated(classes[name.value], item, _with_id(item))
    if not isinstance(made, list):
        return own or made
    # What is checked here with better words stands before what the schema says about the same key.
    keys = {fault.key for fault in own}
    return [*own, *(fault for fault in made if not _said(item, fault, keys))]


def _said(item: Node, fault: Fault, keys: set[str]) -> bool:
    """Whether one of the faults at `keys` already says what this fault of the schema says."""
    regions = f"{item.path}.regions"
    of_regions = fault.key.startswith(regions) and any(key.startswith(regions) for key in keys)
    of_dates = fault.key == item.path and any(key.endswith((".end", ".announced")) for key in keys)
    return fault.key in keys or of_regions or of_dates


def _with_id(item: Node) -> dict[str, Any]:
    plain: dict[str, Any] = item.plain()
    if "id" not in plain:
        plain["id"] = identity(item)
    return plain


def _own_faults(item: Node, evidence: frozenset[str] | None) -> Iterator[Fault]:
    """What a measure's schema does not know: regions, evidence, the form of an id; and the order of dates."""
    given = item.get("id")
    if given is not None and isinstance(given.value, str) and not _ID.fullmatch(given.value):
        yield given.fault(
            f"must be a plain name, got {shown(given.value)}", "Use letters, digits, '-' and '_'."
        )
    regions = item.get("regions")
    if regions is not None:
        yield from region_faults(regions)
    cited = item.get("evidence")
    if cited is not None and evidence is not None:
        yield from evidence_faults(cited, evidence)
    start, end = item.get("start"), item.get("end")
    if start is not None and end is not None:
        yield from order_faults(start, end)
    yield from _announcement(item.get("announced"), start)


def order_faults(start: Node, end: Node) -> Iterator[Fault]:
    """A fault when both are dates and the end lies before the start."""
    first, last = as_date(start), as_date(end)
    if first and last and last < first:
        place = start if start.line is None and end.line is not None else end  # the later patch is to blame
        yield place.fault(f"end {last} lies before start {first}", "Give an end on or after the start.")


def _announcement(announced: Node | None, start: Node | None) -> Iterator[Fault]:
    told, first = (as_date(node) if node is not None else None for node in (announced, start))
    if announced is not None and told and first and told > first:
        yield announced.fault(
            f"announced {told} lies after start {first}", "Announce on or before the start."
        )
