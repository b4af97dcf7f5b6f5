"""Named changes of one parameter: the deterministic table of boundary values, known values and confused types."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from segforge.spec.catalog import Absent, Choices, Model, Parameter
from segforge.spec.values import verdict
from segforge_contract.rules.table import type_rule


class Omitted(Enum):
    """Stands for the value of a parameter that is left out."""

    OMITTED = "omitted"


OMITTED = Omitted.OMITTED


@dataclass(frozen=True)
class ParameterChange:
    """One parameter set to a value, or left out, and the rule that this puts to the test."""

    rule: str
    value: Any


def parameter_changes(model: Model, parameter: Parameter) -> Iterator[ParameterChange]:
    """Every change of one parameter, each value once under each rule; `gate` leaves out the unsound ones."""
    yield from _range_changes(model, parameter)
    yield from _enum_changes(parameter)
    yield from _presence_changes(model, parameter)
    yield from _type_changes(model, parameter)
    yield from _text_changes(model, parameter)


def _range_changes(model: Model, parameter: Parameter) -> Iterator[ParameterChange]:
    if parameter.minimum is not None:
        yield ParameterChange("range.at_minimum", parameter.minimum)
        yield ParameterChange("range.below", parameter.minimum - _step(parameter, parameter.minimum))
        yield from _far_below(model, parameter, parameter.minimum)
    if parameter.maximum is not None:
        yield ParameterChange("range.at_maximum", parameter.maximum)
        yield ParameterChange("range.above", parameter.maximum + _step(parameter, parameter.maximum))
        yield from _far_above(model, parameter, parameter.maximum)
    if parameter.type == "number" and (parameter.minimum or 0) <= 0 <= (parameter.maximum or 0):
        yield ParameterChange("range.minus_zero", -0.0)
    boundless = parameter.minimum is None and parameter.maximum is None and parameter.choices is None
    if parameter.type == "integer" and boundless and parameter.name not in _sides(model):
        yield ParameterChange("number.huge", _HUGE)


def _far_below(model: Model, parameter: Parameter, minimum: float) -> Iterator[ParameterChange]:
    """Values that are valid once their sign is lost, or that overflow."""
    valid = valid_value(model, parameter)
    if -valid < minimum:
        yield ParameterChange("range.below", -valid)
    yield ParameterChange("range.below", -_HUGE if parameter.type == "integer" else -1e308)


def _far_above(model: Model, parameter: Parameter, maximum: float) -> Iterator[ParameterChange]:
    """Values that are valid once they are cut to 32 bits, or that overflow."""
    if parameter.type == "integer":
        valid = int(valid_value(model, parameter))
        yield ParameterChange("range.above", valid + max(1, (int(maximum) - valid) // 2**32 + 1) * 2**32)
    yield ParameterChange("range.above", _HUGE if parameter.type == "integer" else 1e308)


_HUGE = 10**30


def _sides(model: Model) -> tuple[str | None, ...]:
    """What decides a picture's size: a huge one would be no test of the contract but of the model's memory."""
    return model.returns.controls.width, model.returns.controls.height, model.returns.controls.count


def _step(parameter: Parameter, bound: float) -> float:
    """How far the nearest value outside lies; for numbers, what a gateway with 32-bit floats can tell apart."""
    return 1 if parameter.type == "integer" else 1e-6 * max(1.0, abs(bound))


def _enum_changes(parameter: Parameter) -> Iterator[ParameterChange]:
    if parameter.type == "boolean":
        yield from (ParameterChange("boolean.each", value) for value in (True, False))
    if parameter.choices is None:
        return
    for known in parameter.choices.known:
        yield ParameterChange("enum.each", known)
    if not parameter.choices.open:
        for stranger in _strangers(parameter.choices):
            yield ParameterChange("enum.unknown", stranger)


def _strangers(choices: Choices) -> Iterator[object]:
    """Values outside a closed set: a word near a known one, one in other case, one with a space, no word at all."""
    numbers = [value for value in choices.known if isinstance(value, int | float) and not isinstance(value, bool)]
    if numbers:
        yield max(numbers) + 1
    first = next((value for value in choices.known if isinstance(value, str)), None)
    if first is not None:
        yield from (
            value for value in (f"{first}-unknown", first.swapcase(), f"{first} ", "") if value not in choices.known
        )


def _presence_changes(model: Model, parameter: Parameter) -> Iterator[ParameterChange]:
    if parameter.required:
        yield ParameterChange("required.missing", OMITTED)
    elif parameter.name in model.example:
        yield ParameterChange("optional.omitted", OMITTED)
    yield ParameterChange("null.nullable" if parameter.nullable else "null.not_nullable", None)
    if not isinstance(parameter.default, Absent) and parameter.default is not None:
        yield ParameterChange("default.explicit", parameter.default)


def _type_changes(model: Model, parameter: Parameter) -> Iterator[ParameterChange]:
    """One value of every other JSON type, such that it would be valid after a cast wherever one exists."""
    valid = valid_value(model, parameter)
    for sent, value in (
        *(("string", json.dumps(each)) for each in _spelled(parameter, valid)),
        ("number", _fraction(parameter, valid)),
        *(("integer", each) for each in _whole(parameter)),
        ("boolean", _truth(parameter)),
        ("array", [valid]),
        ("object", {"value": valid}),
    ):
        rule = type_rule(sent, parameter.type)
        if rule is not None:
            yield ParameterChange(rule, value)
    if parameter.type == "integer":
        yield ParameterChange("type.whole_for_integer", float(valid))


def _spelled(parameter: Parameter, valid: Any) -> tuple[Any, ...]:
    """The valid values that are sent spelled out: both of a boolean, each known one of a set of numbers."""
    if parameter.type == "boolean":
        return (True, False)
    return (valid,) if parameter.choices is None else tuple(dict.fromkeys((valid, *parameter.choices.known)))


def _whole(parameter: Parameter) -> tuple[int, ...]:
    """The integers that a cast makes a valid value of: a boolean's 1 and 0, the values of a set that are spelled so."""
    if parameter.type == "boolean":
        return (1, 0)
    known = () if parameter.choices is None else parameter.choices.known
    digits = [each for each in known if isinstance(each, str) and each.isascii() and each.isdecimal()]
    return tuple(int(each) for each in digits if str(int(each)) == each) or (1,)


def _text_changes(model: Model, parameter: Parameter) -> Iterator[ParameterChange]:
    """Odd texts for prose. A URL leads to a picture and an identity to a thing, so that they stay as they are."""
    if not is_prose(model, parameter):
        return
    yield ParameterChange("text.unicode", "Fuß, кот, 猫, חתול, 🐈")
    yield ParameterChange("text.empty", "")
    yield ParameterChange("text.long", "a cat and " * 1000)
    yield ParameterChange("text.control", "a cat\r\n\ton a mat\x00\x1b[31m\x7f")


def is_prose(model: Model, parameter: Parameter) -> bool:
    """Whether a parameter takes any text: the prompt, or an optional text without a format."""
    free = parameter.type == "string" and parameter.format is None and parameter.choices is None
    return free and (parameter.name == model.returns.controls.prompt or not parameter.required)


def _fraction(parameter: Parameter, valid: Any) -> Any:
    """A number with a fraction; for an integer one that int() or round() would bring into the range."""
    if parameter.type != "integer":
        return 1.5
    return valid + 0.25 if parameter.maximum is None or valid < parameter.maximum else valid - 0.25


def _truth(parameter: Parameter) -> bool:
    """The boolean that stays within the range once it is taken for 1 or 0."""
    return parameter.minimum is None or parameter.minimum > 0 or parameter.maximum is None or parameter.maximum >= 1


def base_payload(model: Model) -> dict[str, Any]:
    """The payload that every case starts from: the page's sample, and what it lacks of the required parameters.

    A value of the sample that the page itself rules out gives way to a valid one.
    """
    sample = model.valid_example
    return {
        p.name: valid_value(model, p)
        if p.name not in sample or (sample[p.name] is not None and not _is_valid(model, p, sample[p.name]))
        else sample[p.name]
        for p in sorted(model.parameters, key=lambda p: _place(sample, p))
        if p.required or p.name in sample
    }


def _place(sample: dict[str, Any], parameter: Parameter) -> int:
    """Where a parameter stands in a payload: as in the sample, and what it lacks at the end."""
    return list(sample).index(parameter.name) if parameter.name in sample else len(sample)


def valid_value(model: Model, parameter: Parameter) -> Any:
    """A valid value of a parameter that is not null: the sample's or the default, else one made from its type.

    Where the page contradicts itself so that there is none, a value of the parameter's type.
    """
    candidates = [model.valid_example.get(parameter.name), parameter.default]
    if parameter.choices is not None:
        candidates.extend(parameter.choices.known)
    candidates += [parameter.minimum, parameter.maximum]
    known = [value for value in candidates if value is not None and not isinstance(value, Absent)]
    known.append(_MADE_UP.get(parameter.format or parameter.type, "text"))
    return next((value for value in known if _is_valid(model, parameter, value)), known[-1])


def _is_valid(model: Model, parameter: Parameter, value: Any) -> bool:
    return verdict(parameter, value, sample=model.example.get(parameter.name)) == "valid"


def unusual_payload(model: Model) -> dict[str, Any]:
    """A payload that says everything, as little of it as possible by default: what is fine alone may clash together.

    URLs and identities stay as the page prints them, and are left out where it prints none.
    """
    payload = base_payload(model)
    for parameter in model.parameters:
        usual = (payload.get(parameter.name), parameter.default)
        others = (value for value in _alternatives(model, parameter) if value not in usual)
        other = next((value for value in others if _is_valid(model, parameter, value)), None)
        if other is not None:
            payload[parameter.name] = other
    return payload


def _alternatives(model: Model, parameter: Parameter) -> Iterator[Any]:
    """Valid values of a parameter, from the middle of its range: its ends have cases of their own."""
    if parameter.choices is not None:
        yield from parameter.choices.known
    elif parameter.type == "boolean":
        yield from (True, False)
    elif parameter.minimum is not None and parameter.maximum is not None:
        middle = (parameter.minimum + parameter.maximum) / 2
        near = (int(middle), int(middle) + 1) if parameter.type == "integer" else (middle,)
        yield from (value for value in near if parameter.minimum <= value <= parameter.maximum)
    elif parameter.type == "string" and parameter.format is None and not parameter.required:
        yield from (valid_value(model, parameter), "A quiet street")


_MADE_UP: Mapping[str, Any] = {"uri": "https://example.com/picture.png", "integer": 1, "number": 1.0, "boolean": False}
