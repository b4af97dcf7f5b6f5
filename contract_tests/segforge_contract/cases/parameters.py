"""The cases that change one parameter of the sample: boundary values, known values, wrong types, odd texts."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from segforge.spec.catalog import Absent, Choices, Gateway, Model, Parameter
from segforge.spec.printable import show
from segforge.spec.values import has_limit, value_violations
from segforge_contract.cases.case import Case, Operation, expected, promised
from segforge_contract.cases.payloads import LONGEST_SENT, base_payload, is_prose, unusual_payload, valid_value
from segforge_contract.cases.requests import payload_request
from segforge_contract.rules.table import type_rule

_HUGE = 10**30
_SEVERAL = 2
_OBLONG = (768, 512)


class Omitted(Enum):
    """The type of OMITTED, which stands for the value of an omitted parameter."""

    OMITTED = "omitted"


OMITTED = Omitted.OMITTED


@dataclass(frozen=True)
class ParameterChange:
    """The new value of one parameter, or OMITTED, and the rule that it tests."""

    rule: str
    value: Any


def payload_case(
    gateway: Gateway, model: Model, operation: Operation, parameter: str | None, change: ParameterChange | None
) -> Case:
    """Returns the case that sends the page's sample with one parameter changed, or unchanged if both are None."""
    payload = base_payload(model)
    if parameter is None or change is None:
        words = "the page's sample"
        if any(payload[name] != value for name, value in model.valid_example.items()):
            words += " without what the page rules out itself"
        return valid_case(gateway, model, operation, payload, words)
    if isinstance(change.value, Omitted):
        del payload[parameter]
        words = f"without {parameter}"
    else:
        payload[parameter] = change.value
        words = f"{parameter} = {show(change.value)}"
    return Case(
        change.rule,
        operation,
        model.slug,
        parameter,
        words,
        payload_request(gateway, model, operation, payload),
        expected(gateway, change.rule, operation),
        payload,
    )


def valid_case(gateway: Gateway, model: Model, operation: Operation, payload: Mapping[str, Any], change: str) -> Case:
    """Returns the case that sends a valid payload."""
    request = payload_request(gateway, model, operation, payload)
    return Case(
        "payload.valid",
        operation,
        model.slug,
        None,
        change,
        request,
        expected(gateway, "payload.valid", operation),
        payload,
    )


def parameter_cases(gateway: Gateway, model: Model, operation: Operation) -> Iterator[Case]:
    """Yields the sample, the required parameters alone, other valid payloads, then each change of each parameter."""
    yield payload_case(gateway, model, operation, None, None)
    required = {p.name: base_payload(model)[p.name] for p in model.parameters if p.required}
    minimal = valid_case(gateway, model, operation, required, "only what is required")
    yield replace(minimal, rule="optional.omitted")
    yield valid_case(gateway, model, operation, unusual_payload(model), "everything said, nothing by default")
    yield from _several_images(gateway, model, operation)
    yield from _oblong_image(gateway, model, operation)
    for parameter in model.parameters:
        for change in parameter_changes(model, parameter):
            if promised(gateway, change.rule):
                yield payload_case(gateway, model, operation, parameter.name, change)


def _several_images(gateway: Gateway, model: Model, operation: Operation) -> Iterator[Case]:
    """Yields a case that asks for two images, on v1 in base64, since a binary body holds one image only."""
    controls = model.returns.controls
    if controls.count is None or (operation == "run" and controls.base64 is None):
        return
    changes: dict[str, Any] = {controls.count: _SEVERAL}
    if operation == "run" and controls.base64 is not None:
        changes[controls.base64] = True
    words = ", ".join(f"{name} = {show(value)}" for name, value in changes.items())
    yield valid_case(gateway, model, operation, {**base_payload(model), **changes}, words)


def _oblong_image(gateway: Gateway, model: Model, operation: Operation) -> Iterator[Case]:
    """Yields a case that asks for an image wider than high; a square image would hide swapped sides."""
    controls = model.returns.controls
    if controls.width is None or controls.height is None:
        return
    sides = {controls.width: _OBLONG[0], controls.height: _OBLONG[1]}
    changes = sides | ({} if controls.size_from_input is None else {controls.size_from_input: False})
    words = ", ".join(f"{name} = {show(value)}" for name, value in changes.items())
    yield valid_case(gateway, model, operation, {**base_payload(model), **changes}, words)


def parameter_changes(model: Model, parameter: Parameter) -> Iterator[ParameterChange]:
    """Yields every change of one parameter. `gate.sound` filters out changes that the specs contradict."""
    yield from _range_changes(model, parameter)
    yield from _exclusive_changes(model, parameter)
    yield from _step_changes(model, parameter)
    yield from _length_changes(model, parameter)
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
    if parameter.type == "number" and not any(value_violations(parameter, 0)):
        yield ParameterChange("range.minus_zero", -0.0)
    boundless = parameter.choices is None and not has_limit(parameter)
    if parameter.type == "integer" and boundless and parameter.name not in _sides(model):
        yield ParameterChange("number.huge", _HUGE)


def _exclusive_changes(model: Model, parameter: Parameter) -> Iterator[ParameterChange]:
    """Yields the exclusive ends themselves, which are not allowed, and values far beyond them."""
    if parameter.exclusive_minimum is not None:
        yield ParameterChange("range.below", parameter.exclusive_minimum)
        yield from _far_below(model, parameter, parameter.exclusive_minimum)
    if parameter.exclusive_maximum is not None:
        yield ParameterChange("range.above", parameter.exclusive_maximum)
        yield from _far_above(model, parameter, parameter.exclusive_maximum)


def _step_changes(model: Model, parameter: Parameter) -> Iterator[ParameterChange]:
    """Yields numbers in the range that are multiples of 1, or of half or a third of the step, but not of the step."""
    step = parameter.multiple_of
    if step is None or step == 1:
        return
    valid = valid_value(model, parameter)
    away = {part for part in (1, step // 2, step // 3) if part}
    for value in (valid + each * sign for each in sorted(away) for sign in (1, -1)):
        if [each.rule for each in value_violations(parameter, value)] == ["range.off_step"]:
            yield ParameterChange("range.off_step", value)


def _length_changes(model: Model, parameter: Parameter) -> Iterator[ParameterChange]:
    """Yields texts at both limits of the length, and one character beyond. Other texts than prose refer to things."""
    if not is_prose(model, parameter):
        return
    shortest, longest = parameter.min_length, parameter.max_length
    if shortest is not None and shortest <= LONGEST_SENT:
        yield ParameterChange("range.at_shortest", "a" * shortest)
        if shortest:
            yield ParameterChange("range.too_short", "a" * (shortest - 1))
    if longest is not None and longest < LONGEST_SENT:
        yield ParameterChange("range.at_longest", "a" * longest)
        yield ParameterChange("range.too_long", "a" * (longest + 1))


def _far_below(model: Model, parameter: Parameter, minimum: float) -> Iterator[ParameterChange]:
    """Yields values that become valid if their sign is lost, and values that overflow."""
    valid = valid_value(model, parameter)
    if -valid < minimum:
        yield ParameterChange("range.below", -valid)
    yield ParameterChange("range.below", -_HUGE if parameter.type == "integer" else -1e308)


def _far_above(model: Model, parameter: Parameter, maximum: float) -> Iterator[ParameterChange]:
    """Yields values that become valid if they are cut to 32 bits, and values that overflow."""
    if parameter.type == "integer":
        valid = int(valid_value(model, parameter))
        yield ParameterChange("range.above", valid + max(1, (int(maximum) - valid) // 2**32 + 1) * 2**32)
    yield ParameterChange("range.above", _HUGE if parameter.type == "integer" else 1e308)


def _sides(model: Model) -> tuple[str | None, ...]:
    """Returns the parameters that set the size of the output. Huge values there would test memory, not the contract."""
    return model.returns.controls.width, model.returns.controls.height, model.returns.controls.count


def _step(parameter: Parameter, bound: float) -> float:
    """Returns the distance to the nearest value outside a bound; for numbers, one that 32-bit floats still resolve."""
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
    """Yields values outside a closed set: a changed word, another case, a trailing space, an empty string."""
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
    """Yields values of every other JSON type. Where possible, a cast would make the value valid."""
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
    """Returns the valid values to send as strings: both booleans, or every known value of a set."""
    if parameter.type == "boolean":
        return (True, False)
    return (valid,) if parameter.choices is None else tuple(dict.fromkeys((valid, *parameter.choices.known)))


def _whole(parameter: Parameter) -> tuple[int, ...]:
    """Returns integers that a cast makes valid: 1 and 0 for a boolean, the numeric strings of a set."""
    if parameter.type == "boolean":
        return (1, 0)
    known = () if parameter.choices is None else parameter.choices.known
    digits = [each for each in known if isinstance(each, str) and each.isascii() and each.isdecimal()]
    return tuple(int(each) for each in digits if str(int(each)) == each) or (1,)


def _fraction(parameter: Parameter, valid: Any) -> Any:
    """Returns a number with a fraction; for an integer, one that int() or round() brings into the range."""
    if parameter.type != "integer":
        return 1.5
    return valid + 0.25 if parameter.maximum is None or valid < parameter.maximum else valid - 0.25


def _truth(parameter: Parameter) -> bool:
    """Returns the boolean that is within the range if it is cast to 1 or 0."""
    return parameter.minimum is None or parameter.minimum > 0 or parameter.maximum is None or parameter.maximum >= 1


def _text_changes(model: Model, parameter: Parameter) -> Iterator[ParameterChange]:
    """Yields odd texts for free text that the limits of its length allow.

    URLs and identities refer to real things, so they keep their values.
    """
    if not is_prose(model, parameter):
        return
    for rule, text in (
        ("text.unicode", "Fuß, кот, 猫, חתול, 🐈"),
        ("text.empty", ""),
        ("text.long", "a cat and " * 1000),
        ("text.control", "a cat\r\n\ton a mat\x00\x1b[31m\x7f"),
    ):
        if not any(value_violations(parameter, text)):
            yield ParameterChange(rule, text)
