"""JSON Schemas (2020-12) of request bodies, for OpenAPI documents and datamodel-code-generator."""

import re
from typing import Any, Final

from segforge.spec.catalog import Absent, Model, Parameter
from segforge.spec.printable import show

NOTE: Final = "x-curator-note"
"""The keyword of OpenAPI documents that holds a spec's `note`, which is written for maintainers, not for users."""


def request_schema(model: Model) -> dict[str, Any]:
    """Returns the schema of a model's request body. An open enum is `anyOf` its known values and its type."""
    return {
        "type": "object",
        "description": model.description,
        "properties": {parameter.name: parameter_schema(parameter) for parameter in model.parameters},
        "required": [parameter.name for parameter in model.parameters if parameter.required],
    }


SHOWN_OF_TOTAL: Final = re.compile(
    r"\s*The docs show (\d{1,6}) of (\d{1,6}) values; any other (?:string|value) is sent unchanged\.$"
)
"""The sentence with which `describe` ends the description of an open set, as an import of a document reads it."""


KEYWORDS: Final = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusive_minimum": "exclusiveMinimum",
    "exclusive_maximum": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "min_length": "minLength",
    "max_length": "maxLength",
}
"""The keyword of JSON Schema for each limit of a parameter."""


def parameter_schema(parameter: Parameter) -> dict[str, Any]:
    """Returns the schema of one parameter."""
    schema: dict[str, Any] = {"description": describe(parameter)}
    types: dict[str, Any] = {"type": [parameter.type, "null"] if parameter.nullable else parameter.type}
    if parameter.format is not None:
        types["format"] = parameter.format
    if parameter.choices is None:
        schema |= types
    else:
        known = [*parameter.choices.known, *([None] if parameter.nullable else [])]
        schema |= {"anyOf": [{**types, "enum": known}, types]} if parameter.choices.open else {**types, "enum": known}
    limits = {keyword: getattr(parameter, name) for name, keyword in KEYWORDS.items()}
    schema |= {keyword: limit for keyword, limit in limits.items() if limit is not None}
    if not isinstance(parameter.default, Absent):
        schema["default"] = parameter.default
    return schema


def with_notes(schema: dict[str, Any], model: Model) -> dict[str, Any]:
    """Returns a copy of a model's request schema that also holds the curators' notes, each under `NOTE`."""
    notes = {parameter.name: {NOTE: parameter.note} for parameter in model.parameters if parameter.note is not None}
    properties = {name: value | notes.get(name, {}) for name, value in schema["properties"].items()}
    own = {} if model.note is None else {NOTE: model.note}
    return {**schema, "properties": properties, **own}


def describe(parameter: Parameter) -> str:
    """Returns the description for users: the purpose, and how many of the values the docs show.

    The curators' `note` is not part of it; OpenAPI documents hold that under `NOTE`.
    """
    parts = [parameter.description]
    if parameter.choices is not None and parameter.choices.open:
        noun = "string" if parameter.type == "string" else "value"
        shown, total = len(parameter.choices.known), parameter.choices.total
        parts.append(f"The docs show {shown} of {total} values; any other {noun} is sent unchanged.")
    return " ".join(parts)


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
    parts += _limit("At least", parameter.min_length, " characters") + _limit(
        "At most", parameter.max_length, " characters"
    )
    return " ".join(parts)


def _limit(words: str, limit: float | None, unit: str = "") -> list[str]:
    return [] if limit is None else [f"{words} {limit}{unit}."]
