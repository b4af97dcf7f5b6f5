"""Conditions between the parameters of one payload: which of them it breaks."""

from collections.abc import Iterator, Mapping
from typing import Any

from segforge.spec.catalog import ABSENT, Condition, Model, Scalar
from segforge.spec.printable import show
from segforge.spec.values.equality import is_among


def broken_conditions(
    model: Model, payload: Mapping[str, Any], *, inferred: bool = False
) -> Iterator[tuple[str, str, str]]:
    """Yields rule, parameter and message for each way in which a payload breaks a condition.

    The inferred conditions alone are looked at if `inferred` is true, and else only the others.
    """
    defaults = {one.name: one.default for one in model.parameters if one.default is not ABSENT}
    for condition in model.conditions:
        if condition.inferred is inferred:
            yield from broken_by(condition, payload, defaults)


def broken_by(
    condition: Condition, payload: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Yields rule, parameter and message for each way in which a payload breaks one condition.

    `defaults` are those of the model's parameters; they count if the condition says so.
    """
    yield from _broken(condition, {**defaults, **payload} if condition.with_defaults else payload)


def _broken(condition: Condition, payload: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    sent = [name for name in condition.exactly_one_of if name in payload]
    if condition.exactly_one_of and len(sent) != 1:
        names = ", ".join(condition.exactly_one_of)
        rule = "condition.several" if sent else "condition.none"
        yield rule, (sent or condition.exactly_one_of)[-1], f"exactly one of {names} must be sent"
    if condition.only_when and not _holds(condition.only_when, payload):
        for name in condition.parameters:
            if name in payload:
                yield "condition.only_when", name, f"may be sent only with {in_words(condition.only_when)}"
    if _is_premise(condition) and _applies(condition, payload):
        yield from _broken_consequences(condition, payload)


def _is_premise(condition: Condition) -> bool:
    return bool(condition.when or condition.when_present)


def _applies(condition: Condition, payload: Mapping[str, Any]) -> bool:
    return _holds(condition.when, payload) and all(name in payload for name in condition.when_present)


def _broken_consequences(condition: Condition, payload: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    premise = premise_in_words(condition)
    for name in condition.requires:
        if name not in payload:
            yield "condition.requires", name, f"must be sent with {premise}"
    for name in condition.forbids:
        if name in payload:
            yield "condition.forbids", name, f"must not be sent with {premise}"
    for name, values in condition.forbids_values.items():
        if name in payload and is_among(payload[name], values):
            yield "condition.forbids_value", name, f"{show(payload[name])} must not be sent with {premise}"


def premise_in_words(condition: Condition) -> str:
    """Returns the premise of a condition in words, such as `duration 8 and image`."""
    return " and ".join([*([in_words(condition.when)] if condition.when else []), *condition.when_present])


def in_words(values: Mapping[str, tuple[Scalar, ...]]) -> str:
    """Returns parameters with their values in words, such as `transition "fade" or "wipe"`."""
    return " and ".join(f"{name} {' or '.join(map(show, known))}" for name, known in values.items())


def _holds(values: Mapping[str, tuple[Scalar, ...]], payload: Mapping[str, Any]) -> bool:
    return all(name in payload and is_among(payload[name], known) for name, known in values.items())
