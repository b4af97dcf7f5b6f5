"""The values that a parameter accepts, at any depth, and the specs' judgement of a payload."""

import json
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from segforge.spec.catalog import Json, Model, Parameter
from segforge.spec.printable import show
from segforge.spec.values.conditions import broken_conditions
from segforge.spec.values.equality import is_among
from segforge.spec.values.formats import fits

LIMITS: Final[Mapping[str, tuple[str, Callable[[Any, Any], object], str]]] = {
    "minimum": ("range.below", operator.lt, "is below the minimum"),
    "exclusive_minimum": ("range.below", operator.le, "is not above"),
    "maximum": ("range.above", operator.gt, "is above the maximum"),
    "exclusive_maximum": ("range.above", operator.ge, "is not below"),
    "multiple_of": ("range.off_step", operator.mod, "is not a multiple of"),
    "min_length": ("range.too_short", operator.lt, "is shorter than the minimum length"),
    "max_length": ("range.too_long", operator.gt, "is longer than the maximum length"),
    "min_items": ("range.too_few", operator.lt, "has fewer items than"),
    "max_items": ("range.too_many", operator.gt, "has more items than"),
}
"""The limits of a parameter: the rule that a value beyond it breaks, the comparison that finds it, and words."""

Verdict: TypeAlias = Literal["valid", "wrong", "undecided"]
"""The specs' judgement of a value. It is undecided if the value is disputed, or an open set may contain it."""


@dataclass(frozen=True)
class Violation:
    """One broken rule: its name, such as `range.below`, the place, such as `images[0].uri`, and a message."""

    rule: str
    parameter: str
    message: str


def type_matches(value: object, type_: str) -> bool:
    """Returns whether a value has a JSON type. As in JSON Schema, 1.0 is an integer and true is not a number."""
    found = json_type(value)
    return found == type_ or (found == "integer" and type_ == "number") or (type_ == "any" and value is not None)


_TYPES: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    str: "string",
    list: "array",
    dict: "object",
}
"""The JSON types of values whose class alone tells them."""


def json_type(value: object) -> str:
    """Returns the JSON type of a value; "integer" for a number without fraction, "infinity" for infinity and NaN."""
    found = _TYPES.get(type(value))
    if found is not None:
        return found
    match value:
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
    """Returns all violations by single parameters, in their order. Unknown keys are ignored, as the gateway does.

    `formats` tells whether formats of texts, such as URI, are checked. The model's conditions are not checked.
    """
    return list(_object_violations(parameters, payload, "", formats=formats))


def payload_violations(model: Model, payload: Mapping[str, Any], *, formats: bool = True) -> list[Violation]:
    """Returns all violations of a payload: those by single parameters, then the model's broken conditions."""
    found = violations(model.parameters, payload, formats=formats)
    return [*found, *(Violation(rule, name, message) for rule, name, message in broken_conditions(model, payload))]


def _object_violations(
    parameters: Iterable[Parameter], value: Mapping[str, Any], prefix: str, *, formats: bool
) -> Iterator[Violation]:
    for parameter in parameters:
        at = prefix + parameter.name
        if parameter.name in value:
            yield from value_violations(parameter, value[parameter.name], formats=formats, at=at)
        elif parameter.required:
            yield Violation("required.missing", at, "is required")


def value_violations(
    parameter: Parameter, value: Any, *, formats: bool = True, at: str | None = None
) -> Iterator[Violation]:
    """Yields the violations of one value: of null or type alone, or of limits, format, set and parts together.

    A format is checked only if the parameter has no set of values. `at` is the place of the value, by default the
    parameter's name. A value of a union breaks one rule, `type.no_member`, if no member accepts it.
    """
    at = parameter.name if at is None else at
    if value is None:
        if not parameter.takes_null:
            yield Violation("null.not_nullable", at, "must not be null")
    elif not type_matches(value, parameter.type):
        found = json_type(value)
        yield Violation(f"type.{found}_for_{parameter.type}", at, f"{show(value)} is not of type {parameter.type}")
    elif not parameter.disputed or not is_among(value, parameter.disputed):
        # A campaign judges millions of values, and most parameters have few facts.
        if parameter.limits:
            yield from _limit_violations(parameter, value, at)
        if parameter.choices is not None or parameter.format is not None:
            yield from _set_violations(parameter, value, at, formats=formats)
        if parameter.items is not None or parameter.properties or parameter.any_of:
            yield from _part_violations(parameter, value, at, formats=formats)


def _limit_violations(parameter: Parameter, value: Any, at: str) -> Iterator[Violation]:
    """Yields the violations of the limits of a number, a text's length, or an array's number of items."""
    if isinstance(value, bool | Mapping):
        return
    size = len(value) if isinstance(value, str | list) else value
    for name, limit in parameter.limits:
        rule, broken, words = LIMITS[name]
        if broken(size, limit):
            yield Violation(rule, at, f"{show(value)} {words} {limit}")


def _set_violations(parameter: Parameter, value: Any, at: str, *, formats: bool) -> Iterator[Violation]:
    choices = parameter.choices
    if choices is None:
        if formats and parameter.format is not None and isinstance(value, str) and not fits(value, parameter.format):
            yield Violation(f"format.{parameter.format}", at, f"{show(value)} isn't a {parameter.format.upper()}")
    elif not choices.open and not is_among(value, choices.known):
        yield Violation("enum.unknown", at, f"{show(value)} is not one of {show(list(choices.known), 300)}")


def _part_violations(parameter: Parameter, value: Any, at: str, *, formats: bool) -> Iterator[Violation]:
    if isinstance(value, list) and parameter.items is not None:
        for index, item in enumerate(value):
            yield from value_violations(parameter.items, item, formats=formats, at=f"{at}[{index}]")
    elif isinstance(value, Mapping):
        yield from _object_violations(parameter.properties, value, f"{at}.", formats=formats)
    if parameter.any_of and not any(accepts(member, value, formats=formats) for member in parameter.any_of):
        titles = ", ".join(member.name for member in parameter.any_of)
        yield Violation("type.no_member", at, f"{show(value)} fits none of {titles}")


def accepts(parameter: Parameter, value: Any, *, formats: bool = True) -> bool:
    """Returns whether a value breaks no rule of a parameter."""
    return next(value_violations(parameter, value, formats=formats), None) is None


def ends(parameter: Parameter) -> tuple[float | None, float | None]:
    """Returns the lower and the upper end of a range, inclusive or not."""
    low = parameter.minimum if parameter.minimum is not None else parameter.exclusive_minimum
    high = parameter.maximum if parameter.maximum is not None else parameter.exclusive_maximum
    return low, high


def has_limit(parameter: Parameter) -> bool:
    """Returns whether a parameter limits its numbers, the length of its texts, or the number of its items."""
    return bool(parameter.limits)


def verdict(parameter: Parameter, value: Any, *, sample: Json = None) -> Verdict:
    """Returns the specs' judgement of one value. `sample` is the parameter's value in the page's sample.

    An open set contains a default or sample that the page prints, even if the set doesn't list it. If no source states
    the type of a value, only a default or sample is known to be valid.
    """
    if not accepts(parameter, value):
        return "wrong"
    return "undecided" if _is_undecided(parameter, value, () if sample is None else (sample,)) else "valid"


def _is_undecided(parameter: Parameter, value: Any, samples: tuple[Json, ...] = ()) -> bool:
    """Returns whether a value that breaks no rule may nevertheless be wrong. `samples` are printed values of it."""
    if value is None and parameter.nullable:
        return False
    if is_among(value, parameter.disputed):
        return True
    is_printed = is_among(value, (parameter.default, *samples))
    choices = parameter.choices
    if choices is not None:
        return not is_printed and not is_among(value, choices.known)
    if parameter.any_of:
        fitting = [member for member in parameter.any_of if accepts(member, value)]
        return all(_is_undecided(member, value, samples) for member in fitting)
    if isinstance(value, list) and parameter.items is not None:
        items = tuple(item for sample in samples if isinstance(sample, list) for item in sample)
        return any(_is_undecided(parameter.items, item, items) for item in value)
    if isinstance(value, Mapping) and parameter.properties:
        return any(
            _is_undecided(part, value[part.name], _samples_at(part.name, samples))
            for part in parameter.properties
            if part.name in value
        )
    return not is_printed and (parameter.type == "any" or (isinstance(value, list | Mapping) and bool(value)))


def _samples_at(name: str, samples: tuple[Json, ...]) -> tuple[Json, ...]:
    return tuple(sample[name] for sample in samples if isinstance(sample, Mapping) and name in sample)


def payload_verdict(model: Model, payload: Mapping[str, Any]) -> Verdict:
    """Returns the specs' judgement of a whole payload: that of its worst value.

    A payload that breaks an inferred condition is undecided.
    """
    if payload_violations(model, payload):
        return "wrong"
    undecided = any(
        verdict(parameter, payload[parameter.name], sample=model.example.get(parameter.name)) == "undecided"
        for parameter in model.parameters
        if parameter.name in payload
    )
    return "undecided" if undecided or any(broken_conditions(model, payload, inferred=True)) else "valid"


def disputed(parameter: Parameter, printed: Iterable[Json]) -> tuple[Json, ...]:
    """Returns the printed values of a parameter that its limits, set, format or parts exclude, without duplicates."""
    wrong = {
        json.dumps(value, sort_keys=True): value
        for value in printed
        if value is not None and type_matches(value, parameter.type) and not accepts(parameter, value)
    }
    return tuple(wrong.values())
