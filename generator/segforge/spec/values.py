"""The values that a parameter accepts: one definition for lint, the mock and the contract tests.

The generated clients can't import it; property tests compare their checks with it in both languages.

A page may contradict itself: it prints a default, a sample or an allowed value that its own range, set or format
excludes. Such a value is *disputed*. Lint warns about it, the mock and the clients accept it, and the contract tests
send it neither as a valid nor as an invalid value.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from segforge.spec.catalog import Model, Parameter, Scalar
from segforge.spec.printable import show

LIMITS: Final[Mapping[str, tuple[str, Callable[[Any, Any], object], str]]] = {
    "minimum": ("range.below", operator.lt, "is below the minimum"),
    "exclusive_minimum": ("range.below", operator.le, "is not above"),
    "maximum": ("range.above", operator.gt, "is above the maximum"),
    "exclusive_maximum": ("range.above", operator.ge, "is not below"),
    "multiple_of": ("range.off_step", operator.mod, "is not a multiple of"),
    "min_length": ("range.too_short", operator.lt, "is shorter than the minimum length"),
    "max_length": ("range.too_long", operator.gt, "is longer than the maximum length"),
}
"""The limits of a parameter: the rule that a value beyond it breaks, the comparison that finds it, and words."""

Verdict: TypeAlias = Literal["valid", "wrong", "undecided"]
"""The specs' judgement of a value. It is undecided if the value is disputed, or an open set may contain it."""


_CHARACTER: Final = r"A-Za-z0-9\-._~!$&'()*+,;="

_ENCODED: Final = "%[0-9A-Fa-f]{2}"


def _run(extra: str) -> str:
    """A pattern of any number of URI characters, possessive, so that it matches in linear time."""
    return f"(?:[{_CHARACTER}{extra}]++|{_ENCODED})*+"


URI_PATTERN: Final = (
    r"^[A-Za-z][A-Za-z0-9+.\-]*+:"
    rf"(?://(?:{_run(':')}@)?(?:\[[0-9A-Fa-f:.]++\]|{_run('')})(?::[0-9]*+)?(?=[/?#]|\Z)|(?!//))"
    rf"{_run(':@/')}(?:\?{_run(':@/?')})?(?:#{_run(':@/?')})?\Z"
)
"""Matches an absolute URI (RFC 3986, appendix A). Needs Python's `re` of 3.11 or later."""

_URI: Final = re.compile(URI_PATTERN)


def fits(value: str, format_: str) -> bool:
    """Returns whether a text has a format. Every text fits an unknown format."""
    return format_ != "uri" or _URI.match(value) is not None


@dataclass(frozen=True)
class Violation:
    """One broken rule: its name, such as `range.below`, the parameter, and a message."""

    rule: str
    parameter: str
    message: str


def type_matches(value: object, type_: str) -> bool:
    """Returns whether a value has a JSON type. As in JSON Schema, 1.0 is an integer and true is not a number."""
    found = json_type(value)
    return found == type_ or (found == "integer" and type_ == "number")


def json_type(value: object) -> str:
    """Returns the JSON type of a value; "integer" for a number without fraction, "infinity" for infinity and NaN."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number" if math.isfinite(value) else "infinity"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def violations(parameters: Iterable[Parameter], payload: Mapping[str, Any], *, formats: bool = True) -> list[Violation]:
    """Returns all violations, in the parameters' order. Unknown keys are ignored, as the gateway does.

    `formats` tells whether formats of texts, such as URI, are checked.
    """
    found: list[Violation] = []
    for parameter in parameters:
        if parameter.name in payload:
            found.extend(value_violations(parameter, payload[parameter.name], formats=formats))
        elif parameter.required:
            found.append(Violation("required.missing", parameter.name, "is required"))
    return found


def value_violations(parameter: Parameter, value: Any, *, formats: bool = True) -> Iterator[Violation]:
    """Yields the violations of one value: of null or type alone, or of range, format and set together.

    A format is checked only if the parameter has no set of values.
    """
    name, found = parameter.name, json_type(value)
    if value is None:
        if not parameter.nullable:
            yield Violation("null.not_nullable", name, "must not be null")
    elif found != parameter.type and (found, parameter.type) != ("integer", "number"):
        yield Violation(f"type.{found}_for_{parameter.type}", name, f"{show(value)} is not of type {parameter.type}")
    elif value not in parameter.disputed:
        yield from _range_violations(parameter, value)
        choices = parameter.choices
        if choices is None:
            if formats and parameter.format is not None and not fits(value, parameter.format):
                yield Violation(f"format.{parameter.format}", name, f"{show(value)} isn't a {parameter.format.upper()}")
        elif not choices.open and value not in choices.known:
            yield Violation("enum.unknown", name, f"{show(value)} is not one of {show(list(choices.known), 300)}")


def _range_violations(parameter: Parameter, value: Any) -> Iterator[Violation]:
    """Yields the violations of the limits of a number, or of a text's length."""
    size = len(value) if isinstance(value, str) else value
    for name, (rule, broken, words) in LIMITS.items():
        limit = getattr(parameter, name)
        if limit is not None and broken(size, limit):
            yield Violation(rule, parameter.name, f"{show(value)} {words} {limit}")


def ends(parameter: Parameter) -> tuple[float | None, float | None]:
    """Returns the lower and the upper end of a range, inclusive or not."""
    low = parameter.minimum if parameter.minimum is not None else parameter.exclusive_minimum
    high = parameter.maximum if parameter.maximum is not None else parameter.exclusive_maximum
    return low, high


def has_limit(parameter: Parameter) -> bool:
    """Returns whether a parameter limits its numbers, or the length of its texts."""
    return any(getattr(parameter, name) is not None for name in LIMITS)


def verdict(parameter: Parameter, value: Any, *, sample: Scalar = None) -> Verdict:
    """Returns the specs' judgement of one value. `sample` is the parameter's value in the page's sample.

    An open set contains a default or sample that the page prints, even if the set doesn't list it.
    """
    if any(value_violations(parameter, value)):
        return "wrong"
    if value is not None:
        choices = parameter.choices
        shown = choices is None or value in (*choices.known, parameter.default, sample)
        if value in parameter.disputed or not shown:
            return "undecided"
    return "valid"


def payload_verdict(model: Model, payload: Mapping[str, Any]) -> Verdict:
    """Returns the specs' judgement of a whole payload: that of its worst value."""
    missing = any(each.required and each.name not in payload for each in model.parameters)
    found = {
        verdict(parameter, payload[parameter.name], sample=model.example.get(parameter.name))
        for parameter in model.parameters
        if parameter.name in payload
    }
    return "wrong" if missing or "wrong" in found else "undecided" if "undecided" in found else "valid"


def disputed(parameter: Parameter, printed: Iterable[Scalar]) -> tuple[Scalar, ...]:
    """Returns the printed values of a parameter that its range, set or format excludes, without duplicates."""
    return tuple(
        dict.fromkeys(
            value
            for value in printed
            if type_matches(value, parameter.type) and any(value_violations(parameter, value))
        )
    )
