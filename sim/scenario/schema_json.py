"""The JSON Schema of scenario files, which lets an editor complete and check them while one writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from sim.scenario import folders, measures, passports
from sim.scenario.parameters import Passport
from sim.scenario.places import REGIONS
from sim.scenario.schema import ScenarioFile


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a scenario file: its keys, every parameter, every measure.

    Raises
    ------
    InputError
        A shipped parameter file is wrong.
    """
    schema = ScenarioFile.model_json_schema()
    items = _measures()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "cardbreak scenario"
    schema.pop("required", None)
    schema["$defs"] = items.pop("$defs", {})
    schema["properties"]["interventions"] = {"type": ["array", "null"], "items": items}
    schema["properties"]["parameters"] = _parameters()
    return schema


def _measures() -> dict[str, Any]:
    classes = list(measures.known().values())
    union: Any = reduce(or_, classes) if len(classes) > 1 else classes[0]
    annotated: Any = Annotated[union, Field(discriminator="measure")] if len(classes) > 1 else union
    schema = TypeAdapter(annotated).json_schema()
    for definition in schema.get("$defs", {}).values():
        properties = definition.get("properties", {})
        if "regions" in properties:
            codes = {"type": "array", "items": {"enum": list(REGIONS)}, "minItems": 1}
            properties["regions"] = {"anyOf": [{"const": "all"}, codes], "default": "all"}
        if "id" in definition.get("required", []):  # files may leave the id out
            definition["required"].remove("id")
    return schema


def _parameters() -> dict[str, Any]:
    known = passports.parameters(folders.shipped_folder()).passports
    properties = {name: _parameter(passport) for name, passport in known.items()}
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}


def _parameter(passport: Passport) -> dict[str, Any]:
    number: dict[str, Any] = {"type": "integer" if passport.integer else "number"}
    bounds = dict(zip(("minimum", "maximum"), passport.range, strict=True))
    number |= {key: bound for key, bound in bounds.items() if math.isfinite(bound)}
    text = f"{passport.meaning} Unit: {passport.unit}. Source: {passport.source}."
    if isinstance(passport.value, tuple):
        size = len(passport.value)
        return {"type": "array", "items": number, "minItems": size, "maxItems": size, "description": text}
    if isinstance(passport.value, Mapping):
        entries = dict.fromkeys(passport.value, number)
        return {"type": "object", "properties": entries, "additionalProperties": False, "description": text}
    return {**number, "description": text, "default": passport.value}
