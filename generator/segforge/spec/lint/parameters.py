"""Rules about parameters: ranges, formats, sets of values, defaults and the page's sample."""

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from segforge.spec.build import entry_value, undisputed_parameter
from segforge.spec.catalog import Parameter
from segforge.spec.finding import Finding
from segforge.spec.lint.rule import each_parameter
from segforge.spec.printable import show
from segforge.spec.source import Location, SourceFile
from segforge.spec.values import type_matches, value_violations

_LOWER: Final = ("minimum", "exclusive_minimum")
_UPPER: Final = ("maximum", "exclusive_maximum")
_LENGTHS: Final = ("min_length", "max_length")
_NUMBERS: Final = (*_LOWER, *_UPPER, "multiple_of")
_ITEMS: Final = ("min_items", "max_items")
_TEXTS: Final = ("format", "file", "accepts", *_LENGTHS)
_OF_TYPES: Final = {
    "string": _TEXTS,
    "integer": _NUMBERS,
    "number": _NUMBERS,
    "array": ("items", *_ITEMS),
    "object": ("properties",),
    "any": ("any_of",),
}
"""The facts that parameters of each type alone may have."""


def ranges_make_sense(source: SourceFile) -> Iterator[Finding]:
    """Ranges belong to numbers, have one lower and one upper end, fit the type, and contain a value."""
    for at, parameter in each_parameter(source):
        given = [key for key in _NUMBERS if key in parameter]
        if given and parameter.get("type", "any") not in ("integer", "number"):
            found = f"a range on a {parameter.get('type', 'any')}"
            yield source.finding((*at, given[0]), "range.type", found, "a range on a number", "remove it", key=True)
            continue
        for ends in (_LOWER, _UPPER):
            if all(end in parameter for end in ends):
                found = f"{ends[0]} and {ends[1]}"
                yield source.finding((*at, ends[1]), "range.double", found, "one of them", "remove one", key=True)
        yield from _whole_ends(source, at, parameter)
        yield from _range_order(source, at, parameter)


def _whole_ends(source: SourceFile, at: Location, parameter: Mapping[str, Any]) -> Iterator[Finding]:
    for end in (*_LOWER, *_UPPER):
        if end in parameter and not type_matches(parameter[end], parameter.get("type", "any")):
            found = f"{end} {parameter[end]} of an integer"
            yield source.finding((*at, end), "range.type", found, "a whole number", "change the end or the type")


def _range_order(source: SourceFile, at: Location, parameter: Mapping[str, Any]) -> Iterator[Finding]:
    """Yields a finding if the lower end is above the upper one, or if no value is between them."""
    low, high = (next((end for end in ends if end in parameter), None) for ends in (_LOWER, _UPPER))
    if low is None or high is None:
        return
    if parameter[low] > parameter[high]:
        found = f"{low} {parameter[low]} above {high} {parameter[high]}"
        yield source.finding((*at, low), "range.order", found, f"{low} <= {high}", "swap them")
    elif _is_empty(parameter, low, high):
        found = f"no value between {low} {parameter[low]} and {high} {parameter[high]}"
        if "multiple_of" in parameter:
            found = f"no multiple of {parameter['multiple_of']} between {parameter[low]} and {parameter[high]}"
        yield source.finding((*at, low), "range.empty", found, "at least one allowed value", "correct the ends")


def _is_empty(parameter: Mapping[str, Any], low: str, high: str) -> bool:
    """Returns whether no value is between two ends that are in order."""
    first, last = (Fraction(repr(parameter[end])) for end in (low, high))
    if parameter.get("type", "any") == "number" and "multiple_of" not in parameter:
        return first == last and (low in _LOWER[1:] or high in _UPPER[1:])
    step = parameter.get("multiple_of", 1)
    least = math.ceil(first / step) * step
    if low == "exclusive_minimum" and least == first:
        least += step
    return least > last or (high == "exclusive_maximum" and least == last)


def sizes_make_sense(source: SourceFile) -> Iterator[Finding]:
    """Lengths belong to strings, numbers of items to arrays, and both are in order."""
    for at, parameter in each_parameter(source):
        for (low, high), type_, what in ((_LENGTHS, "string", "length"), (_ITEMS, "array", "number of items")):
            given = [key for key in (low, high) if key in parameter]
            rule = what.split()[0]
            if given and parameter.get("type") != type_:
                found, expected = f"a {what} on a {parameter.get('type')}", f"a {what} on a {type_}"
                yield source.finding((*at, given[0]), f"{rule}.type", found, expected, "remove it", key=True)
            elif len(given) == 2 and parameter[low] > parameter[high]:
                found = f"{low} {parameter[low]} above {high} {parameter[high]}"
                yield source.finding((*at, low), f"{rule}.order", found, f"{low} <= {high}", "swap them")


def parts_fit(source: SourceFile) -> Iterator[Finding]:
    """Items belong to arrays, properties to objects, members to unions, files to strings."""
    types = {"items": "array", "properties": "object", "any_of": "any", "file": "string", "accepts": "string"}
    for at, parameter in each_parameter(source):
        for key, type_ in types.items():
            if key in parameter and parameter.get("type") != type_:
                found = f"{key} on type {parameter.get('type')}"
                mend = "remove the type" if key == "any_of" else f"change the type, or remove {key}"
                yield source.finding((*at, key), "type.parts", found, f"{key} on type {type_}", mend, key=True)


def limits_fit(parameter: Mapping[str, Any]) -> bool:
    """Returns whether the limits in a parameter's data fit its type and each other."""
    source = SourceFile(Path(), "", {"parameters": {"any": parameter}}, {}, {})
    rules = (ranges_make_sense, sizes_make_sense)
    return not any(finding.severity == "error" for rule in rules for finding in rule(source))


def formats_fit(source: SourceFile) -> Iterator[Finding]:
    """Formats belong to strings."""
    for at, parameter in each_parameter(source):
        if "format" in parameter and parameter.get("type") != "string":
            found = f"format {parameter['format']} on a {parameter.get('type', 'any')}"
            yield source.finding(
                (*at, "format"), "format.type", found, "a string", "change the type or remove the format"
            )


def enums_make_sense(source: SourceFile) -> Iterator[Finding]:
    """Known values are unique, fit the type, and are no more than the total, which is unknown if none is known."""
    for at, parameter in each_parameter(source):
        if "enum" not in parameter:
            continue
        known, total = known_values(parameter), parameter["enum"]["total"]
        unlike = {_as_json(value) for value in known}  # a repeated value is reported separately
        if total is not None and len(unlike) > total:
            found, expected = f"{len(unlike)} known values of {total}", "known values no more than the total"
            yield source.finding((*at, "enum", "total"), "enum.total", found, expected, f"set total: {len(unlike)}")
        seen: set[tuple[bool, Any]] = set()
        for index, value in enumerate(known):
            here = (*at, "enum", "known", index)
            if not type_matches(value, parameter.get("type", "any")):
                mend = "quote it" if parameter.get("type") == "string" else "change the value or the type"
                expected = f"a value of type {parameter.get('type', 'any')}"
                yield source.finding(here, "enum.type", show(value), expected, mend)
            if _as_json(value) in seen:
                yield source.finding(here, "enum.duplicate", f"{show(value)} again", "each value once", "remove it")
            seen.add(_as_json(value))


def _as_json(value: Any) -> tuple[bool, Any]:
    """Returns a key that equals those of equal JSON values: 1 equals 1.0, but not true."""
    return isinstance(value, bool), value


def known_values(parameter: Mapping[str, Any]) -> list[Any]:
    """Returns the known values of a parameter's data, without their labels."""
    return list(map(entry_value, parameter.get("enum", {}).get("known", ())))


def printed_values_are_valid(source: SourceFile) -> Iterator[Finding]:
    """Defaults and known values obey the parameter's own facts."""
    for at, parameter in each_parameter(source):
        known = known_values(parameter)
        if "default" not in parameter and not known:
            continue
        built = undisputed(str(at[1]), parameter)
        if "default" in parameter:
            yield from _invalid_value(source, (*at, "default"), "default", built, parameter["default"])
        for index, value in enumerate(known):
            if type_matches(value, built.type):
                yield from _invalid_value(source, (*at, "enum", "known", index), "value", built, value)


def undisputed(name: str, data: Mapping[str, Any]) -> Parameter:
    """Returns the parameter of a parameter's data as far as it can be built, without its disputed values."""
    return undisputed_parameter(name, fitting_facts(data))


def example_is_valid(source: SourceFile) -> Iterator[Finding]:
    """The sample sends known parameters with valid values, and all required ones."""
    parameters = source.data["parameters"]
    for name, value in source.data["example"].items():
        at = ("example", name)
        if name not in parameters:
            yield source.finding(
                at,
                "example.unknown",
                f"{show(name)} in the example",
                "a parameter above",
                "add the parameter",
                key=True,
            )
        else:
            yield from _invalid_value(source, at, "example", undisputed(name, parameters[name]), value)
    for name, parameter in parameters.items():
        if parameter["required"] and name not in source.data["example"]:
            yield source.finding(
                ("example",),
                "example.missing_required",
                f"the example lacks the required parameter {show(name)}",
                "an example that the gateway accepts",
                "keep it if the page's sample lacks it, too; callers must add the parameter",
                key=True,
                warning=True,
            )


def _invalid_value(
    source: SourceFile, at: Location, what: str, parameter: Parameter, value: object
) -> Iterator[Finding]:
    """Yields findings about a printed value that its own parameter excludes.

    A wrong type is an error of the spec, since the client's types would contain it; the page's value belongs to
    `quirks` then. A value outside of range, set or format means that the page contradicts itself, which is a warning;
    see `segforge.spec.values`.
    """
    for violation in value_violations(parameter, value):
        family = violation.rule.partition(".")[0]
        found, expected = f"{what} {violation.message}", _EXPECTED_VALUES[family]
        mend = (
            "check both on the page. If it prints both, keep them; the value then counts as neither valid nor invalid"
        )
        if violation.parameter != parameter.name:
            found = f"{what} at {violation.parameter}: {violation.message}"
        elif family == "null":
            found, mend = f"{what} null", "add nullable: true"
        elif family == "type":
            expected = f"a value of type {parameter.type}"
            mend = "change the value or the type; if the page prints it, move the value to quirks"
            mend = "quote it" if parameter.type == "string" and not isinstance(value, list | dict) else mend
        warning = family not in ("null", "type") or violation.parameter != parameter.name
        yield source.finding(at, f"{what}.{family}", found, expected, mend, warning=warning)


_EXPECTED_VALUES: Mapping[str, str] = {
    "null": "a parameter that allows null",
    "range": "a value within the limits",
    "required": "a value with all required keys",
    "enum": "one of the known values",
    "format": "a value of the parameter's format",
    "type": "a value of the type",
}


def fitting_facts(data: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a parameter's data without the facts that don't fit its type, at any depth. Other rules report those."""
    own = _OF_TYPES.get(data.get("type", "any"), ())
    foreign = {key for keys in _OF_TYPES.values() for key in keys} - set(own)
    kept = {key: value for key, value in data.items() if key not in foreign | {"default"}}
    if "items" in kept:
        kept["items"] = fitting_facts(kept["items"])
    if "properties" in kept:
        kept["properties"] = {name: fitting_facts(part) for name, part in kept["properties"].items()}
    if "any_of" in kept:
        kept["any_of"] = [fitting_facts(member) for member in kept["any_of"]]
    return kept
