"""The cases that change one parameter of the sample, or one nested part of it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from segforge.spec.catalog import Gateway, Model, Parameter
from segforge.spec.printable import show
from segforge_contract.cases.case import Case, Operation, expected, promised
from segforge_contract.cases.changes import ParameterChange, PartUnderTest, part_changes
from segforge_contract.cases.conditions import condition_changes
from segforge_contract.cases.payloads import (
    base_payload,
    changed_payload,
    differences,
    is_prose,
    unusual_payload,
    valid_value,
    with_changes,
)
from segforge_contract.cases.requests import payload_request
from segforge_contract.cases.settled import OMITTED, settled
from segforge_contract.rules.table import REFUSED, RULES

_SEVERAL = 2
_OBLONG = ((768, 512), (512, 768))
"""Sizes that swapped sides, or one side for both, would change."""
_BESIDE = ("range.", "enum.unknown", "required.missing", "null.", "format.", "type.")
"""The rules of refusals that are also tested beside unusual values of all other parameters; of those about types, one
for each parameter."""
_BESIDE_NOTHING = ("range.", "enum.unknown")
"""The rules of refusals that are also tested without any other optional parameter."""


def payload_case(
    gateway: Gateway, model: Model, operation: Operation, parameter: str | None, change: ParameterChange | None
) -> Case:
    """Returns the case that sends the page's sample with one parameter changed, or unchanged if both are None."""
    if parameter is None or change is None:
        payload = base_payload(model)
        words = "the page's sample"
        if any(name not in payload or payload[name] != value for name, value in model.valid_example.items()):
            words += " without what the page rules out itself"
        return valid_case(gateway, model, operation, payload, words)
    payload = changed_payload(model, {parameter: change.value})
    place, value = (parameter, change.value) if change.place is None else (change.place, change.part)
    return _case(
        gateway, model, operation, change.rule, place, _in_words(model, payload, parameter, place, value), payload
    )


def _case(
    gateway: Gateway, model: Model, operation: Operation, rule: str, place: str, change: str, payload: dict[str, Any]
) -> Case:
    request = payload_request(gateway, model, operation, payload)
    return Case(rule, operation, model.slug, place, change, request, expected(gateway, rule, operation), payload)


def _in_words(model: Model, payload: dict[str, Any], parameter: str, place: str, value: Any) -> str:
    """Returns a change in words, with the other parameters that a condition changes, too."""
    others = {name: each for name, each in differences(payload, base_payload(model)).items() if name != parameter}
    return changes_in_words({place: value, **others})


def changes_in_words(changes: Mapping[str, Any]) -> str:
    """Returns changes of parameters in words, such as `steps = 9, without seed`."""
    words = (f"without {name}" if value is OMITTED else f"{name} = {show(value)}" for name, value in changes.items())
    return ", ".join(words)


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
    """Yields the sample, what is required alone, other valid payloads, then each change and each condition."""
    yield payload_case(gateway, model, operation, None, None)
    minimal = valid_case(gateway, model, operation, _minimal_payload(model), "only what is required")
    yield replace(minimal, rule="optional.omitted")
    yield valid_case(gateway, model, operation, unusual_payload(model), "everything said, nothing by default")
    yield from _several_images(gateway, model, operation)
    yield from _oblong_images(gateway, model, operation)
    for parameter in model.parameters:
        beside: set[str] = set()
        for change in parameter_changes(model, parameter):
            if promised(gateway, change.rule):
                yield payload_case(gateway, model, operation, parameter.name, change)
            rule = "type." if change.rule.startswith("type.") else change.rule
            if change.place is None and rule not in beside and rule.startswith(_BESIDE):
                beside.add(rule)
                yield from _beside_others(gateway, model, operation, parameter, change)
    for rule, name, payload in condition_changes(model):
        changes = differences(payload, base_payload(model)) | ({} if name in payload else {name: OMITTED})
        words = changes_in_words(changes) or "the page's sample"
        yield _case(gateway, model, operation, rule, name, words, payload)


def _minimal_payload(model: Model) -> dict[str, Any]:
    """Returns the base payload without the parameters that the page calls optional, unless a condition needs them."""
    base = base_payload(model)
    optional = {parameter.name for parameter in model.parameters if parameter.required is False}
    minimal = {name: value for name, value in base.items() if name not in optional}
    return settled(model, minimal) or minimal


def _several_images(gateway: Gateway, model: Model, operation: Operation) -> Iterator[Case]:
    """Yields a case that asks for two images, on v1 in base64, since a binary body holds one image only."""
    controls = model.returns.controls
    if controls.count is None or (operation == "run" and controls.base64 is None):
        return
    changes: dict[str, Any] = {controls.count: _SEVERAL}
    if operation == "run" and controls.base64 is not None:
        changes[controls.base64] = True
    yield valid_case(gateway, model, operation, changed_payload(model, changes), changes_in_words(changes))


def _oblong_images(gateway: Gateway, model: Model, operation: Operation) -> Iterator[Case]:
    """Yields cases that ask for a landscape and a portrait; a square image would hide swapped sides."""
    controls = model.returns.controls
    if controls.width is None or controls.height is None:
        return
    for width, height in _OBLONG:
        changes: dict[str, Any] = {controls.width: width, controls.height: height}
        if controls.size_from_input is not None:
            changes[controls.size_from_input] = False
        yield valid_case(gateway, model, operation, changed_payload(model, changes), changes_in_words(changes))


def _beside_others(
    gateway: Gateway, model: Model, operation: Operation, parameter: Parameter, change: ParameterChange
) -> Iterator[Case]:
    """Yields a refusal again with all other parameters said, base64 included, and with none: a rule always holds."""
    if REFUSED not in RULES[change.rule].outcomes or not promised(gateway, change.rule):
        return
    others = [(unusual_payload(model), "beside unusual values")]
    if change.rule.startswith(_BESIDE_NOTHING):
        others.append((_minimal_payload(model), "beside what is required only"))
    changes = {parameter.name: change.value}
    for other, beside in others:
        payload = with_changes(other, changes)
        payload = settled(model, payload, fixed=frozenset(changes)) or payload
        words = f"{changes_in_words(changes)}, {beside}"
        yield _case(gateway, model, operation, change.rule, parameter.name, words, payload)


def parameter_changes(model: Model, parameter: Parameter) -> Iterator[ParameterChange]:
    """Yields every change of one parameter and its parts. `gate.sound` filters out those that the specs contradict."""
    sides = (model.returns.controls.width, model.returns.controls.height, model.returns.controls.count)
    yield from part_changes(
        PartUnderTest(
            parameter,
            valid_value(model, parameter),
            prose=is_prose(model, parameter),
            sizes=parameter.name in sides,
            in_sample=parameter.name in model.example,
        )
    )
