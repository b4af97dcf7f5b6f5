"""JSON Schemas (2020-12) of request bodies."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from segforge.emit.once import once
from segforge.spec.catalog import Absent, Model, Parameter
from segforge.spec.printable import joined, json_visible, show

NOTE: Final = "x-curator-note"
"""The keyword of OpenAPI documents that holds a spec's `note`, which is written for maintainers, not for users."""

LABELS: Final = "x-enum-descriptions"
"""The keyword that holds the labels of an enum's values, in the same order, empty for a value without one.

OpenAPI Generator reads it: https://openapi-generator.tech/docs/templating/#enum
"""

FILE: Final = "x-file"
"""The keyword that holds the kind of file that a text stands for, and the forms in which it may be sent."""

AFFECTS_PRICE: Final = "x-affects-price"
"""The keyword of a parameter that affects the price, as the page says."""

SHAPE: Final = "x-shape"
"""The keyword that holds the name of the shared shape that the facts come from."""

INFERRED: Final = "x-inferred"
"""The keyword that names the facts that were concluded from a sample and that no source states."""

DISPUTED: Final = "x-disputed"
"""The keyword that marks a list of values that the page prints although the other facts exclude them."""

REQUIRED: Final = "x-required"
"""The keyword, with the value `unknown`, of a parameter of which no source says whether it is required."""

BASE64: Final = "^(data:[A-Za-z0-9.+/;=_-]{0,200};base64,)?[A-Za-z0-9+/]*={0,2}$"
"""`segforge.spec.values.BASE64_PATTERN` for JSON Schema."""

DOUBTED_FORMAT: Final = "x-format"
"""The keyword that holds the format of a text in place of `format`, which validators check, if a set decides alone."""

NULL: Final = "x-null"
"""The keyword, with the value `unknown`, of a value of unknown type, of which no source says whether it may be null."""

NOT_NULL: Final = {"not": {"type": "null"}}
"""The schema of any value except null."""


@once(4)  # each client's emitter asks for it
def request_schema_text(model: Model) -> str:
    """Returns the JSON Schema of a model's payload as JSON on one line, without hidden characters."""
    return json_visible(json.dumps(request_schema(model), ensure_ascii=False, separators=(",", ":")))


def request_schema(model: Model) -> dict[str, Any]:
    """Returns the schema of a model's request body. An open enum is `anyOf` its known values and its type."""
    return {"type": "object", "description": model.description, **object_schema(model.parameters)}


def object_schema(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Returns the properties of an object, and the names of those that must be sent."""
    listed = list(parameters)
    return {
        "properties": {one.name: parameter_schema(one) | _unmarked(one) for one in listed},
        "required": [one.name for one in listed if one.required],
    }


def _unmarked(parameter: Parameter) -> dict[str, str]:
    return {REQUIRED: "unknown"} if parameter.required is None else {}


SHOWN_OF_TOTAL: Final = re.compile(
    r"\s*The docs show (\d{1,6}) of (\d{1,6}) values; any other (?:string|value) is sent unchanged\.$"
)
"""The sentence with which `describe` ends the description of an open set, as an import of a document reads it."""

UNKNOWN_TOTAL: Final = "The docs have a set of values, but don't show all of them; any other value is sent unchanged."
"""The sentence with which `describe` ends the description of a set of which nobody knows the number of values."""


KEYWORDS: Final = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusive_minimum": "exclusiveMinimum",
    "exclusive_maximum": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
}
"""The keyword of JSON Schema for each limit of a parameter."""


def parameter_schema(parameter: Parameter) -> dict[str, Any]:
    """Returns the schema of one parameter, with its parts. It accepts disputed values, as the gateway may."""
    text = describe(parameter)
    described: dict[str, Any] = {"description": text} if text else {}
    accepted = _accepted(parameter)
    if parameter.disputed:
        accepted = {"anyOf": [accepted, {DISPUTED: True, "enum": list(parameter.disputed)}]}
    return described | accepted | _remarks(parameter)


def _accepted(parameter: Parameter) -> dict[str, Any]:
    """Returns the keywords that restrict the values of a parameter."""
    schema: dict[str, Any] = {}
    types = _types(parameter)
    if parameter.choices is None or not parameter.choices.known:
        schema |= types
    else:
        known = [*parameter.choices.known, *([None] if parameter.nullable else [])]
        schema |= {"anyOf": [{**types, "enum": known}, types]} if parameter.choices.open else {**types, "enum": known}
    if parameter.choices is not None and parameter.choices.labels:
        schema[LABELS] = [label or "" for label in parameter.choices.labels]
    limits = {keyword: getattr(parameter, name) for name, keyword in KEYWORDS.items()}
    schema |= {keyword: limit for keyword, limit in limits.items() if limit is not None}
    return schema | _parts(parameter)


def _remarks(parameter: Parameter) -> dict[str, Any]:
    """Returns the keywords that don't restrict the values of a parameter."""
    schema: dict[str, Any] = {}
    if parameter.file is not None:
        schema[FILE] = {"kind": parameter.file, **({"accepts": list(parameter.accepts)} if parameter.accepts else {})}
    schema |= {"deprecated": True} if parameter.deprecated else {}
    schema |= {AFFECTS_PRICE: True} if parameter.affects_price else {}
    schema |= {SHAPE: parameter.shape} if parameter.shape is not None else {}
    schema |= {INFERRED: list(parameter.inferred)} if parameter.inferred else {}
    if not isinstance(parameter.default, Absent):
        schema["default"] = parameter.default
    return schema


def _types(parameter: Parameter) -> dict[str, Any]:
    """Returns the keywords about the type and the format of a parameter."""
    if parameter.type == "any":
        if parameter.nullable or parameter.any_of:
            return {}
        return {NULL: "unknown"} if parameter.takes_null else dict(NOT_NULL)
    types: dict[str, Any] = {"type": [parameter.type, "null"] if parameter.nullable else parameter.type}
    if parameter.format == "base64":
        types |= {"contentEncoding": "base64", **({"pattern": BASE64} if parameter.choices is None else {})}
    elif parameter.format is not None:
        types["format" if parameter.choices is None else DOUBTED_FORMAT] = parameter.format
    return types


def _parts(parameter: Parameter) -> dict[str, Any]:
    """Returns the keywords about items, properties and members of a union."""
    parts: dict[str, Any] = {}
    if parameter.type == "array":
        parts["items"] = {} if parameter.items is None else parameter_schema(parameter.items)
    if parameter.properties:
        parts |= object_schema(parameter.properties)
    if parameter.any_of:
        members = [{"title": member.name, **parameter_schema(member)} for member in parameter.any_of]
        parts["anyOf"] = [*members, *([{"type": "null"}] if parameter.nullable else [])]
        if not parameter.nullable and any(member.nullable for member in parameter.any_of):
            parts |= NOT_NULL
    return parts


def describe(parameter: Parameter) -> str:
    """Returns the description for users: the purpose, and how many of the values the docs show.

    The curators' `note` is not part of it; OpenAPI documents hold that under `NOTE`.
    """
    parts = [parameter.description]
    choices = parameter.choices
    if choices is not None and choices.total is None:
        parts.append(UNKNOWN_TOTAL)
    elif choices is not None and choices.open:
        noun = "string" if parameter.type == "string" else "value"
        shown, total = len(choices.known), choices.total
        parts.append(f"The docs show {shown} of {total} values; any other {noun} is sent unchanged.")
    return joined(*parts)


def facts(parameter: Parameter) -> str:
    """Returns default and limits in words, such as `Default: 20. Range: 1 to 50.`; empty if the page states none."""
    parts = []
    if not isinstance(parameter.default, Absent):
        parts.append(f"Default: {show(parameter.default)}.")
    if parameter.minimum is not None and parameter.maximum is not None:
        parts.append(f"Range: {parameter.minimum} to {parameter.maximum}.")
    else:
        parts += _limit("Minimum:", parameter.minimum) + _limit("Maximum:", parameter.maximum)
    parts += _limit("More than", parameter.exclusive_minimum) + _limit("Less than", parameter.exclusive_maximum)
    parts += _limit("A multiple of", parameter.multiple_of)
    for unit, least, most in (
        (" character", parameter.min_length, parameter.max_length),
        (" item", parameter.min_items, parameter.max_items),
    ):
        parts += _limit("At least", least, unit) + _limit("At most", most, unit)
    return " ".join(parts)


def _limit(words: str, limit: float | None, unit: str = "") -> list[str]:
    """Returns a sentence about a limit. A unit is in the singular."""
    return [] if limit is None else [f"{words} {limit}{unit}{'s' if unit and limit != 1 else ''}."]
