"""Compiles a model's parameters to a msgspec type that accepts most valid payloads at once."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from segforge.spec.catalog import Model, Parameter
from segforge.spec.values import BASE64_PATTERN, LIMITS, URI_PATTERN, has_limit

_KEYWORDS: Final = {
    "minimum": "ge",
    "maximum": "le",
    "exclusive_minimum": "gt",
    "exclusive_maximum": "lt",
    "multiple_of": "multiple_of",
    "min_length": "min_length",
    "max_length": "max_length",
    "min_items": "min_length",
    "max_items": "max_length",
}
"""The name in msgspec of each limit of a parameter."""
_OF_TYPE: Final = {
    "integer": frozenset({"minimum", "maximum", "exclusive_minimum", "exclusive_maximum", "multiple_of"}),
    "number": frozenset({"minimum", "maximum", "exclusive_minimum", "exclusive_maximum"}),
    "string": frozenset({"min_length", "max_length"}),
    "array": frozenset({"min_items", "max_items"}),
}
"""The limits that msgspec can check, by type. It rounds large numbers before it checks their step."""
_TYPES: Final[dict[str, Any]] = {"string": str, "integer": int, "number": float, "boolean": bool}
_PATTERNS: Final = {"uri": URI_PATTERN, "base64": BASE64_PATTERN}
_NOT_NULL: Final = bool | int | float | str | list | dict
_KINDS: Final = {"integer": "number"}
"""The JSON type that msgspec sees where it differs: it can't choose between an integer and a number with limits."""


def request_type(model: Model) -> type[msgspec.Struct] | None:
    """Returns the type of a model's payloads, or None if msgspec can't express every rule of the spec.

    A payload that it accepts breaks no rule. It may refuse valid ones, such as 20.0 for an integer. Parameters that the
    model doesn't have are ignored.
    """
    if model.conditions or not all(map(_is_expressible, model.parameters)):
        return None
    return _struct(model.parameters)


def _struct(parameters: Iterable[Parameter]) -> type[msgspec.Struct]:
    """Returns the type of an object with these keys, and any others."""
    ordered = sorted(parameters, key=lambda parameter: not parameter.required)
    # Names of parameters need not be identifiers, so the fields have names of their own.
    names = {f"p{index}": parameter.name for index, parameter in enumerate(ordered)}
    fields: list[Any] = [
        (field, _field_type(parameter), *(() if parameter.required else (UNSET,)))
        for field, parameter in zip(names, ordered, strict=True)
    ]
    return msgspec.defstruct("Payload", fields, rename=names)


def _field_type(parameter: Parameter) -> Any:
    return _value_type(parameter) if parameter.required else _value_type(parameter) | UnsetType


def _value_type(parameter: Parameter) -> Any:
    plain = _not_null(parameter)
    return plain | None if parameter.takes_null else plain


def _not_null(parameter: Parameter) -> Any:
    if parameter.any_of:
        return reduce(or_, map(_value_type, parameter.any_of))
    if parameter.choices is not None and not parameter.choices.open:
        return Literal[parameter.choices.known]
    limits: dict[str, Any] = {
        keyword: limit for name, keyword in _KEYWORDS.items() if (limit := getattr(parameter, name)) is not None
    }
    if parameter.format in _PATTERNS and parameter.choices is None:
        limits["pattern"] = _PATTERNS[parameter.format]
    plain = _plain(parameter)
    return Annotated[plain, Meta(**limits)] if limits else plain


def _plain(parameter: Parameter) -> Any:
    if parameter.type == "array":
        return list if parameter.items is None else list[_value_type(parameter.items)]  # type: ignore[misc]
    if parameter.type == "object":
        return _struct(parameter.properties) if parameter.properties else dict
    return _TYPES.get(parameter.type, _NOT_NULL)


def _is_expressible(parameter: Parameter) -> bool:
    """Returns whether msgspec can check all that the spec says of a parameter and its parts.

    msgspec takes no name with `"`, a backslash or a control character, no range beyond 64 bits, and no set of anything
    but strings and integers, which then has no range. It needs different JSON types for the members of a union.
    """
    known = () if parameter.choices is None or parameter.choices.open else parameter.choices.known
    has_plain_set = not has_limit(parameter) and parameter.type in ("string", "integer")
    return (
        parameter.name.isprintable()
        and not {'"', "\\"} & set(parameter.name)
        and _has_expressible_limits(parameter)
        and (parameter.choices is None or parameter.choices.open or (bool(known) and has_plain_set))
        and all(isinstance(value, str) or _fits(value, 2**63 - 1) for value in known)
        and (parameter.format is None or parameter.type == "string")
        and (not parameter.any_of or _has_different_members(parameter))
        and all(map(_is_expressible, parameter.parts))
    )


def _has_expressible_limits(parameter: Parameter) -> bool:
    set_ones = {name for name in LIMITS if getattr(parameter, name) is not None}
    largest = 2**53 if parameter.type == "number" else 2**63 - 1
    return set_ones <= _OF_TYPE.get(parameter.type, set()) and all(
        _fits(getattr(parameter, name), largest) for name in set_ones
    )


def _fits(value: object, largest: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -largest < value < largest


def _has_different_members(parameter: Parameter) -> bool:
    """Returns whether the members of a union alone say what it accepts, and have different JSON types."""
    kinds = [_KINDS.get(member.type, member.type) for member in parameter.any_of]
    is_plain = parameter.choices is None and parameter.items is None and not parameter.properties
    nested = any(kind == "any" for kind in kinds)
    return is_plain and not nested and len(set(kinds)) == len(kinds)
