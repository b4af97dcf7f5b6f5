"""Everything that a payload does against what the docs allow, each with the name of the rule that it breaks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from segforge.spec.catalog import Parameter
from segforge.spec.formats import fits
from segforge.spec.lint import type_matches
from segforge.text import show


@dataclass(frozen=True)
class Violation:
    """One broken rule: its name (such as `range.below`), the parameter, and a sentence for people."""

    rule: str
    parameter: str
    message: str


def violations(parameters: Iterable[Parameter], payload: Mapping[str, Any], *, formats: bool = True) -> list[Violation]:
    """All violations in the order of the parameters. Keys that no parameter has are ignored, as the gateway does.

    `formats`: whether the format of texts is looked at, such as that of a URI.
    """
    found: list[Violation] = []
    for parameter in parameters:
        if parameter.name in payload:
            found.extend(_value_violations(parameter, payload[parameter.name], formats=formats))
        elif parameter.required:
            found.append(Violation("required.missing", parameter.name, "is required"))
    return found


def _value_violations(parameter: Parameter, value: Any, *, formats: bool) -> Iterator[Violation]:
    name = parameter.name
    if value is None:
        if not parameter.nullable:
            yield Violation("null.not_nullable", name, "must not be null")
    elif not type_matches(value, parameter.type):
        rule = f"type.{json_type(value)}_for_{parameter.type}"
        yield Violation(rule, name, f"{show(value)} is not of type {parameter.type}")
    else:
        if parameter.minimum is not None and value < parameter.minimum:
            yield Violation("range.below", name, f"{value} is below the minimum {parameter.minimum}")
        if parameter.maximum is not None and value > parameter.maximum:
            yield Violation("range.above", name, f"{value} is above the maximum {parameter.maximum}")
        if formats and parameter.format is not None and not fits(value, parameter.format):
            yield Violation(f"format.{parameter.format}", name, f"{show(value)} is no {parameter.format}")
        choices = parameter.choices
        if choices is not None and not choices.open and value not in choices.known:
            yield Violation("enum.unknown", name, f"{show(value)} is none of {show(list(choices.known), 300)}")


def json_type(value: object) -> str:
    """The JSON type of a decoded value; a number without fraction is an integer."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
