"""Validation errors of the typed schema, told in plain words and pointed at the line they come from."""

from __future__ import annotations

import datetime
import re
import typing
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sim.errors import Fault, nearest, shown
from sim.scenario.source import Node

Model = TypeVar("Model", bound=BaseModel)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = {"int_type", "int_from_float", "int_parsing", "int_parsing_size"}
_NUMBER = {"float_type", "float_parsing", "finite_number"}
_DATE = {"date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"}
_LIST = {"list_type", "tuple_type", "set_type"}
_MAPPING = {"model_type", "model_attributes_type", "dict_type", "mapping_type", "dataclass_type"}
_KINDS: tuple[tuple[set[str], str, str], ...] = (
    (_WHOLE, "must be a whole number", "Write digits only, for instance 740_000_000."),
    (_NUMBER, "must be a number", "Write a number, for instance 0.25."),
    (_DATE, "must be a calendar date", "Write year-month-day, for instance 2021-02-28."),
    ({"string_pattern_mismatch"}, "must be a plain name", "Use letters, digits, '-' and '_', at most 80."),
    ({"string_type"}, "must be text", "Put it in quotes if it is meant as text."),
    ({"bool_type", "bool_parsing"}, "must be true or false", "Write true or false."),
    (_LIST, "must be a list", "Write [a, b], or one item a line after '- '."),
    (_MAPPING, "must be a mapping", "Write 'key: value' lines."),
)
_BOUNDS = {
    "greater_than_equal": ("ge", "or more"),
    "less_than_equal": ("le", "or less"),
    "greater_than": ("gt", "more than"),
    "less_than": ("lt", "less than"),
}


def validated(model: type[Model], node: Node, plain: dict[str, Any] | None = None) -> Model | list[Fault]:
    """Validate a mapping against a typed model, strictly: text is no number, a boolean is no integer.

    Parameters
    ----------
    model
        The pydantic class.
    node
        The mapping as read, which faults point into.
    plain
        Its plain form, where defaults have been added to it.

    Returns
    -------
    The frozen model, or every fault found.
    """
    given = node.plain() if plain is None else plain
    try:
        return model.model_validate(_dated(given, model), strict=True)
    except ValidationError as error:
        return _one_a_place(_told(model, node, item) for item in error.errors(include_url=False))


def _dated(value: Any, annotation: Any) -> Any:
    """`value` with text that stands where a date is wanted turned into it; all else stays as it is."""
    if isinstance(value, str):
        wanted = annotation is datetime.date or datetime.date in _parts(annotation)
        return (date_of(value) or value) if wanted else value
    if isinstance(value, list):
        parts = (annotation, *_parts(annotation))
        of = [part for part in parts if typing.get_origin(part) in (list, tuple)]
        items = [_dated(item, of[0] if of else None) for item in value]
        return tuple(items) if of and typing.get_origin(of[0]) is tuple else items
    model = _nested(annotation)
    if isinstance(value, dict) and model:
        fields = model.model_fields
        return {
            key: _dated(item, fields[key].annotation if key in fields else None)
            for key, item in value.items()
        }
    return value


def _parts(annotation: Any) -> Iterator[Any]:
    """Everything an annotation is made of, at any depth: of `list[date] | None` list, date and None."""
    for part in typing.get_args(annotation):
        yield part
        yield from _parts(part)


def _one_a_place(faults: Iterator[Fault]) -> list[Fault]:
    """The first fault of each place: the branches of a union otherwise complain one after the other."""
    first: dict[tuple[str, int | None, str], Fault] = {}
    for fault in faults:
        first.setdefault((fault.file, fault.line, fault.key), fault)
    return list(first.values())


def _told(model: type[BaseModel], node: Node, error: Any) -> Fault:
    kind, loc = error["type"], error["loc"]
    place = _locate(node, loc)
    owner, info = _owner(model, loc)
    if kind == "missing":
        return _missing(place, str(loc[-1]), info)
    if kind == "extra_forbidden":
        return _unknown(place, str(loc[-1]), owner)
    if kind in _BOUNDS:
        return _out_of_bounds(place, error, info)
    if kind == "literal_error":
        return one_of(place, _choices(info) or [])
    for kinds, what, mend in _KINDS:
        if kind in kinds:
            return place.fault(f"{what}, got {shown(place.plain())}", mend)
    return _other(place, error)


def _locate(node: Node, loc: Sequence[int | str]) -> Node:
    """The value at pydantic's `loc`, or the nearest one around it; names of union branches are skipped."""
    for step in loc:
        value = node.value
        if isinstance(value, list) and isinstance(step, int) and step < len(value):
            node = value[step]
        node = node.get(step) or node if isinstance(step, str) else node
    return node


def _owner(model: type[BaseModel], loc: Sequence[int | str]) -> tuple[type[BaseModel], FieldInfo | None]:
    """The class that holds the field at `loc`, and the field; both as deep as nested models go."""
    info: FieldInfo | None = None
    for step in loc:
        if isinstance(step, str) and step in model.model_fields:
            info = model.model_fields[step]
        elif isinstance(step, str):
            info = None
        nested = _nested(info.annotation) if info else None
        if nested and step != loc[-1]:
            model = nested
    return model, info


def _nested(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as `list[Total]`, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in typing.get_args(annotation):
        found = _nested(part)
        if found:
            return found
    return None


def _missing(place: Node, name: str, info: FieldInfo | None) -> Fault:
    path = f"{place.path}.{name}" if place.path else name
    wanted = f"Give it: {info.description}" if info and info.description else f"Add a line '{name}: ...'."
    return Fault(place.file, place.line, path, "is missing", wanted)


def _unknown(place: Node, name: str, owner: type[BaseModel]) -> Fault:
    names = list(owner.model_fields)
    known = ", ".join(names)
    return place.fault("is not a known key", f"Remove it, or use one of {known}.", nearest(name, names))


def _out_of_bounds(place: Node, error: Any, info: FieldInfo | None) -> Fault:
    name, words = _BOUNDS[error["type"]]
    limit = _number(error["ctx"][name])
    bound = f"{limit} {words}" if words.startswith("or") else f"{words} {limit}"
    about = f" Meant is: {info.description}" if info and info.description else ""
    return place.fault(
        f"must be {bound}, got {shown(place.plain())}", f"Give a number {_span(info, limit, name)}.{about}"
    )


def _span(info: FieldInfo | None, limit: str, name: str) -> str:
    bounds = {name: limit}
    for constraint in info.metadata if info else ():
        for key in ("ge", "gt", "le", "lt"):
            if getattr(constraint, key, None) is not None:
                bounds[key] = _number(getattr(constraint, key))
    low, high = bounds.get("ge") or bounds.get("gt"), bounds.get("le") or bounds.get("lt")
    if low and high:
        return f"from {low} to {high}"
    return f"from {low} up" if low else f"up to {high}"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)


def _choices(info: FieldInfo | None) -> list[str]:
    return [str(choice) for choice in _literals(info.annotation)] if info else []


def _literals(annotation: Any) -> Iterator[object]:
    if typing.get_origin(annotation) is typing.Literal:
        yield from typing.get_args(annotation)
    else:
        for part in typing.get_args(annotation):
            yield from _literals(part)


def one_of(place: Node, choices: Sequence[str]) -> Fault:
    """A fault for a value that is none of the choices."""
    near = nearest(place.value, choices) if isinstance(place.value, str) else None
    return place.fault(
        f"{shown(place.plain())} is not one of the choices", f"Give one of {', '.join(choices)}.", near
    )


def _other(place: Node, error: Any) -> Fault:
    """A rule of the model's own ("what is wrong. How to mend it"), or a rarer complaint of the schema."""
    cause = error.get("ctx", {}).get("error")
    text = (
        str(cause)
        if error["type"] in ("value_error", "assertion_error") and cause
        else str(error["msg"]).lower()
    )
    what, _, mend = text.partition(". ")
    return place.fault(what.rstrip("."), mend.rstrip(". ") + "." if mend else "")


def as_date(node: Node) -> datetime.date | None:
    """The calendar date a value holds; None when it holds none."""
    return date_of(node.value) if isinstance(node.value, str) else None


def date_of(text: str) -> datetime.date | None:
    """The calendar date in text of the form year-month-day; None when it is none."""
    try:
        return datetime.date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
