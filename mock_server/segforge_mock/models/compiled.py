"""Compiles a model's parameters to a msgspec type that accepts most valid payloads at once."""

from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from segforge.spec.catalog import Model, Parameter
from segforge.spec.values import URI_PATTERN, has_limit

_KEYWORDS: Final = {
    "minimum": "ge",
    "maximum": "le",
    "exclusive_minimum": "gt",
    "exclusive_maximum": "lt",
    "multiple_of": "multiple_of",
    "min_length": "min_length",
    "max_length": "max_length",
}
"""The name in msgspec of each limit of a parameter."""
_TYPES: Final[dict[str, Any]] = {"string": str, "integer": int, "number": float, "boolean": bool}


def request_type(model: Model) -> type[msgspec.Struct] | None:
    """Returns the type of a model's payloads, or None if msgspec can't express every rule of the spec.

    A payload that it accepts breaks no rule. It may refuse valid ones, such as 20.0 for an integer. Parameters that the
    model doesn't have are ignored.
    """
    if not all(map(_is_expressible, model.parameters)):
        return None
    required = [parameter for parameter in model.parameters if parameter.required]
    optional = [parameter for parameter in model.parameters if not parameter.required]
    # Names of parameters need not be identifiers, so the fields have names of their own.
    names = {f"p{index}": parameter.name for index, parameter in enumerate([*required, *optional])}
    fields: list[Any] = [
        (field, _field_type(parameter), *(() if parameter.required else (UNSET,)))
        for field, parameter in zip(names, [*required, *optional], strict=True)
    ]
    return msgspec.defstruct("Payload", fields, rename=names)


def _field_type(parameter: Parameter) -> Any:
    types = [_value_type(parameter)]
    if parameter.nullable:
        types.append(None)
    if not parameter.required:
        types.append(UnsetType)
    return reduce(or_, types)


def _value_type(parameter: Parameter) -> Any:
    if parameter.choices is not None and not parameter.choices.open:
        return Literal[parameter.choices.known]
    limits: dict[str, Any] = {
        keyword: limit for name, keyword in _KEYWORDS.items() if (limit := getattr(parameter, name)) is not None
    }
    if parameter.format == "uri" and parameter.choices is None:
        limits["pattern"] = URI_PATTERN
    plain = _TYPES[parameter.type]
    return Annotated[plain, Meta(**limits)] if limits else plain


def _is_expressible(parameter: Parameter) -> bool:
    """Returns whether msgspec can check all that the spec says of a parameter.

    msgspec takes no name with `"`, a backslash or a control character, no range beyond 64 bits, and no set of anything
    but strings and integers, which then has no range. It rounds large numbers before it checks their step.
    """
    ends = [getattr(parameter, name) for name in ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum")]
    largest = 2**53 if parameter.type == "number" else 2**63 - 1
    known = () if parameter.choices is None or parameter.choices.open else parameter.choices.known
    numbers = [value for value in (*known, *ends) if isinstance(value, int | float)]
    is_plain_set = not has_limit(parameter) and parameter.type in ("string", "integer")
    return (
        parameter.name.isprintable()
        and not {'"', "\\"} & set(parameter.name)
        and all(-largest < number < largest for number in numbers)
        and (parameter.multiple_of is None or parameter.type == "integer")
        and (not known or is_plain_set)
    )
