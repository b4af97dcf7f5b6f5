"""JSON Schemas (2020-12) of what a model takes, for OpenAPI documents and for datamodel-code-generator."""

from typing import Any

from segforge.spec.catalog import Absent, Model, Parameter
from segforge.spec.printable import show


def request_schema(model: Model) -> dict[str, Any]:
    """The schema of a model's request body. An open enum is `anyOf` its known values and a string."""
    return {
        "type": "object",
        "description": model.description,
        "properties": {parameter.name: parameter_schema(parameter) for parameter in model.parameters},
        "required": [parameter.name for parameter in model.parameters if parameter.required],
    }


def parameter_schema(parameter: Parameter) -> dict[str, Any]:
    """The schema of one parameter."""
    schema: dict[str, Any] = {"description": describe(parameter)}
    types: dict[str, Any] = {"type": [parameter.type, "null"] if parameter.nullable else parameter.type}
    if parameter.format is not None:
        types["format"] = parameter.format
    if parameter.choices is None:
        schema |= types
    else:
        known = [*parameter.choices.known, *([None] if parameter.nullable else [])]
        schema |= {"anyOf": [{**types, "enum": known}, types]} if parameter.choices.open else {**types, "enum": known}
    if parameter.minimum is not None:
        schema["minimum"] = parameter.minimum
    if parameter.maximum is not None:
        schema["maximum"] = parameter.maximum
    if not isinstance(parameter.default, Absent):
        schema["default"] = parameter.default
    return schema


def describe(parameter: Parameter) -> str:
    """The description for people: what it does, the note, and how many values a page leaves unshown."""
    parts = [parameter.description]
    if parameter.note is not None:
        parts.append(parameter.note)
    if parameter.choices is not None and parameter.choices.open:
        noun = "string" if parameter.type == "string" else "value"
        shown, total = len(parameter.choices.known), parameter.choices.total
        parts.append(f"The docs show {shown} of {total} values; any other {noun} is passed on.")
    return " ".join(parts)


def facts(parameter: Parameter) -> str:
    """Default and range in words, such as `Default: 20. Range: 1 to 50.`; empty where the page states neither."""
    parts = []
    if not isinstance(parameter.default, Absent):
        parts.append(f"Default: {show(parameter.default)}.")
    if parameter.minimum is not None and parameter.maximum is not None:
        parts.append(f"Range: {parameter.minimum} to {parameter.maximum}.")
    elif parameter.minimum is not None:
        parts.append(f"Minimum: {parameter.minimum}.")
    elif parameter.maximum is not None:
        parts.append(f"Maximum: {parameter.maximum}.")
    return " ".join(parts)
