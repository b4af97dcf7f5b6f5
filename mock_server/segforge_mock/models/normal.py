"""Values of payloads in one form, so that equal payloads lead to the same output, and numbers that are sent as text."""

from collections.abc import Callable
from typing import Any, Final

from segforge.spec.catalog import Json, Parameter
from segforge.spec.values import accepts

MAX_DEPTH: Final = 64
"""Levels of arrays and objects in a payload, without unknown parameters. No page shows more than six."""
_BEYOND_FLOAT: Final = 2**1023
"""Every smaller integer fits into a float. JSON may hold larger ones."""


def may_be_deep(body: bytes) -> bool:
    """Returns whether a JSON body may nest more than MAX_DEPTH levels deep."""
    return body.count(b"[") + body.count(b"{") > MAX_DEPTH


def is_deep(data: Json) -> bool:
    """Returns whether a JSON value nests more than MAX_DEPTH levels deep."""
    level = [data]
    for _ in range(MAX_DEPTH):
        level = [part for value in level for part in _parts(value)]
        if not level:
            return False
    return True


def _parts(value: Json) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def with_numbers(parameter: Parameter, value: Json) -> Json:
    """Returns a value with each text that spells a number as that number, where the spec has a number at any depth."""
    if parameter.any_of:
        if accepts(parameter, value, formats=False):
            return value
        cast = (with_numbers(member, value) for member in parameter.any_of)
        fitting = (
            one for member, one in zip(parameter.any_of, cast, strict=True) if accepts(member, one, formats=False)
        )
        return next(fitting, value)
    if parameter.type in ("integer", "number"):
        return _number(value)
    return _in_parts(parameter, value, with_numbers)


def with_integers(parameter: Parameter, value: Json) -> Json:
    """Returns a valid value with 20.0 as 20, where the spec has an integer at any depth."""
    if parameter.any_of:
        fitting = (member for member in parameter.any_of if accepts(member, value, formats=False))
        member = next(fitting, None)
        return value if member is None else with_integers(member, value)
    if parameter.type == "integer":
        return int(value) if isinstance(value, float) else value
    return _in_parts(parameter, value, with_integers)


def _in_parts(parameter: Parameter, value: Json, change: Callable[[Parameter, Json], Json]) -> Json:
    """Returns an array or an object with its known parts changed."""
    if isinstance(value, list) and parameter.items is not None:
        return [change(parameter.items, item) for item in value]
    if isinstance(value, dict) and parameter.properties:
        known = {part.name: part for part in parameter.properties}
        return {name: change(known[name], part) if name in known else part for name, part in value.items()}
    return value


def canonical(parameter: Parameter, value: Json) -> Json:
    """Returns a value so that 1 and 1.0 are the same: a float for a number, and an integer for other whole ones."""
    if parameter.type != "number":
        return value if parameter.type in ("string", "integer", "boolean") else _canonical(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_whole and abs(value) < _BEYOND_FLOAT else value


def _canonical(value: Json) -> Json:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, dict):
        return {name: _canonical(part) for name, part in value.items()}
    return value


def _number(value: object) -> object:
    """Returns the number that a string spells, as the workers' int() and float() read it; otherwise the value."""
    if not isinstance(value, str):
        return value
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        return number if abs(number) < float("inf") else value
    return value
