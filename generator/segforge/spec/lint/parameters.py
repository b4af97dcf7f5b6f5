"""Rules about parameters: ranges, formats, sets of values, defaults and the page's sample."""

from collections.abc import Iterator, Mapping
from typing import Any

from segforge.spec.catalog import Choices, Parameter
from segforge.spec.finding import Finding
from segforge.spec.lint.rule import each_parameter
from segforge.spec.printable import show
from segforge.spec.source import Location, SourceFile
from segforge.spec.values import type_matches, value_violations


def ranges_make_sense(source: SourceFile) -> Iterator[Finding]:
    """Ranges belong to numbers, are in order, and fit the type."""
    for at, parameter in each_parameter(source):
        ends = {end: parameter[end] for end in ("minimum", "maximum") if end in parameter}
        if ends and parameter["type"] not in ("integer", "number"):
            found = f"a range on a {parameter['type']}"
            yield source.finding(
                (*at, next(iter(ends))), "range.type", found, "a range on a number", "remove it", key=True
            )
            continue
        if len(ends) == 2 and ends["minimum"] > ends["maximum"]:
            found = f"minimum {ends['minimum']} above maximum {ends['maximum']}"
            yield source.finding((*at, "minimum"), "range.order", found, "minimum <= maximum", "swap them")
        for end, value in ends.items():
            if not type_matches(value, parameter["type"]):
                yield source.finding(
                    (*at, end),
                    "range.type",
                    f"{end} {value} of an integer",
                    "a whole number",
                    "change the end or the type",
                )


def formats_fit(source: SourceFile) -> Iterator[Finding]:
    """Formats belong to strings."""
    for at, parameter in each_parameter(source):
        if "format" in parameter and parameter["type"] != "string":
            found = f"format {parameter['format']} on a {parameter['type']}"
            yield source.finding(
                (*at, "format"), "format.type", found, "a string", "change the type or remove the format"
            )


def enums_make_sense(source: SourceFile) -> Iterator[Finding]:
    """Known values are unique, fit the type, and are no more than the total."""
    for at, parameter in each_parameter(source):
        if "enum" not in parameter:
            continue
        known, total = parameter["enum"]["known"], parameter["enum"]["total"]
        unlike = {(type(value), value) for value in known}  # a repeated value is reported separately
        if len(unlike) > total:
            found = f"{len(unlike)} known values of {total}"
            yield source.finding(
                (*at, "enum", "total"),
                "enum.total",
                found,
                "known values no more than the total",
                f"set total: {len(unlike)}",
            )
        seen: list[tuple[type, object]] = []
        for index, value in enumerate(known):
            here = (*at, "enum", "known", index)
            if not type_matches(value, parameter["type"]):
                mend = "quote it" if parameter["type"] == "string" else "change the value or the type"
                yield source.finding(here, "enum.type", show(value), f"a value of type {parameter['type']}", mend)
            if (type(value), value) in seen:
                yield source.finding(here, "enum.duplicate", f"{show(value)} again", "each value once", "remove it")
            seen.append((type(value), value))


def printed_values_are_valid(source: SourceFile) -> Iterator[Finding]:
    """Defaults and known values obey the parameter's own facts."""
    for at, parameter in each_parameter(source):
        if "default" in parameter:
            yield from _invalid_value(source, (*at, "default"), "default", parameter, parameter["default"])
        for index, value in enumerate(parameter.get("enum", {}).get("known", ())):
            if type_matches(value, parameter["type"]):
                yield from _invalid_value(source, (*at, "enum", "known", index), "value", parameter, value)


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
            yield from _invalid_value(source, at, "example", parameters[name], value)
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
    source: SourceFile, at: Location, what: str, parameter: Mapping[str, Any], value: object
) -> Iterator[Finding]:
    """Yields findings about a printed value that its own parameter excludes.

    A wrong type is an error of the spec. A value outside of range, set or format means that the page contradicts
    itself, which is a warning; see `segforge.spec.values` for the consequences.
    """
    for violation in value_violations(_parameter_of(at, parameter), value):
        family = violation.rule.partition(".")[0]
        found, expected = f"{what} {violation.message}", _EXPECTED_VALUES[family]
        mend = (
            "check both on the page. If it prints both, keep them; the value then counts as neither valid nor invalid"
        )
        if family == "null":
            found, mend = f"{what} null", "add nullable: true"
        elif family == "type":
            expected = f"a value of type {parameter['type']}"
            mend = "quote it" if parameter["type"] == "string" else "change the value or the type"
        yield source.finding(at, f"{what}.{family}", found, expected, mend, warning=family not in ("null", "type"))


_EXPECTED_VALUES: Mapping[str, str] = {
    "null": "a parameter that allows null",
    "range": "a value within the range",
    "enum": "one of the known values",
    "format": "a value of the parameter's format",
    "type": "",
}


def _parameter_of(at: Location, data: Mapping[str, Any]) -> Parameter:
    """Returns a Parameter with the facts that decide about values."""
    enum = data.get("enum")
    return Parameter(
        name=str(at[1]),
        type=data["type"],
        required=data["required"],
        description="",
        format=data.get("format") if data["type"] == "string" else None,
        nullable=data.get("nullable", False),
        minimum=data.get("minimum") if data["type"] in ("integer", "number") else None,
        maximum=data.get("maximum") if data["type"] in ("integer", "number") else None,
        choices=Choices(tuple(enum["known"]), enum["total"]) if enum else None,
    )
