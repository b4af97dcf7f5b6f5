"""What a parameter takes: the one definition that lint, the mock and the contract tests share.

The clients' own checks can't import it; property tests compare them with it in both languages.

A page may contradict itself: it prints a default, a sample or an allowed value that its own range, set or format rules
out. Such a value is *disputed*. Nothing is said against it: lint warns, the mock and the clients accept it, and the
contract tests send it neither as valid nor as wrong.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from segforge.spec.catalog import Model, Parameter, Scalar
from segforge.spec.printable import show

Verdict: TypeAlias = Literal["valid", "wrong", "undecided"]
"""What the specs say of a value. An undecided one is disputed, or a value that an open set may or may not have."""


_CHARACTER: Final = r"A-Za-z0-9\-._~!$&'()*+,;="

_ENCODED: Final = "%[0-9A-Fa-f]{2}"


def _run(extra: str) -> str:
    """Any number of a URI's characters, percent-encoded ones included; possessive, so that it takes linear time."""
    return f"(?:[{_CHARACTER}{extra}]++|{_ENCODED})*+"


URI_PATTERN: Final = (
    r"^[A-Za-z][A-Za-z0-9+.\-]*+:"
    rf"(?://(?:{_run(':')}@)?(?:\[[0-9A-Fa-f:.]++\]|{_run('')})(?::[0-9]*+)?(?=[/?#]|\Z)|(?!//))"
    rf"{_run(':@/')}(?:\?{_run(':@/?')})?(?:#{_run(':@/?')})?\Z"
)
"""An absolute URI with its scheme, as RFC 3986, appendix A, has it. For Python's `re`, 3.11 and later."""

_URI: Final = re.compile(URI_PATTERN)


def fits(value: str, format_: str) -> bool:
    """Whether a text has a format; one that is not known here fits."""
    return format_ != "uri" or _URI.match(value) is not None


@dataclass(frozen=True)
class Violation:
    """One broken rule: its name (such as `range.below`), the parameter, and a sentence for people."""

    rule: str
    parameter: str
    message: str


def type_matches(value: object, type_: str) -> bool:
    """Whether a value has a JSON type. As in JSON Schema, 1.0 is an integer and true is no number."""
    found = json_type(value)
    return found == type_ or (found == "integer" and type_ == "number")


def json_type(value: object) -> str:
    """The JSON type of a decoded value; a number without fraction is an integer. JSON has no infinity and no NaN."""
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
    """All violations in the order of the parameters. Keys that no parameter has are ignored, as the gateway does.

    `formats`: whether the format of texts is checked, such as that of a URI.
    """
    found: list[Violation] = []
    for parameter in parameters:
        if parameter.name in payload:
            found.extend(value_violations(parameter, payload[parameter.name], formats=formats))
        elif parameter.required:
            found.append(Violation("required.missing", parameter.name, "is required"))
    return found


def value_violations(parameter: Parameter, value: Any, *, formats: bool = True) -> Iterator[Violation]:
    """The rules that one value of a parameter breaks: null and type alone, or range, format and set together.

    A set of values says more than a format, which counts only where there is no set.
    """
    name, found = parameter.name, json_type(value)
    if value is None:
        if not parameter.nullable:
            yield Violation("null.not_nullable", name, "must not be null")
    elif found != parameter.type and (found, parameter.type) != ("integer", "number"):
        yield Violation(f"type.{found}_for_{parameter.type}", name, f"{show(value)} is not of type {parameter.type}")
    elif value not in parameter.disputed:
        if parameter.minimum is not None and value < parameter.minimum:
            yield Violation("range.below", name, f"{show(value)} is below the minimum {parameter.minimum}")
        if parameter.maximum is not None and value > parameter.maximum:
            yield Violation("range.above", name, f"{show(value)} is above the maximum {parameter.maximum}")
        choices = parameter.choices
        if choices is None:
            if formats and parameter.format is not None and not fits(value, parameter.format):
                yield Violation(f"format.{parameter.format}", name, f"{show(value)} is no {parameter.format}")
        elif not choices.open and value not in choices.known:
            yield Violation("enum.unknown", name, f"{show(value)} is none of {show(list(choices.known), 300)}")


def verdict(parameter: Parameter, value: Any, *, sample: Scalar = None) -> Verdict:
    """What the specs say of one value of a parameter. `sample` is the value that the page's sample sends.

    A value that a page prints as default or sample is one of an open set's, whether the set shows it or not.
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
    """What the specs say of a whole payload: one wrong value makes it wrong, else an undecided one undecided."""
    missing = any(each.required and each.name not in payload for each in model.parameters)
    found = {
        verdict(parameter, payload[parameter.name], sample=model.example.get(parameter.name))
        for parameter in model.parameters
        if parameter.name in payload
    }
    return "wrong" if missing or "wrong" in found else "undecided" if "undecided" in found else "valid"


def disputed(parameter: Parameter, printed: Iterable[Scalar]) -> tuple[Scalar, ...]:
    """Those of the values printed for a parameter that its range, set or format rules out, each once."""
    return tuple(
        dict.fromkeys(
            value
            for value in printed
            if type_matches(value, parameter.type) and any(value_violations(parameter, value))
        )
    )
