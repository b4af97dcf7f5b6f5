"""The payloads that keep or break the conditions of a model, each form of a condition on its own."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from segforge.spec.catalog import Condition, Model, Scalar
from segforge.spec.values import is_among
from segforge_contract.cases.payloads import base_payload, with_changes
from segforge_contract.cases.settled import OMITTED, options, settled

Change: TypeAlias = tuple[str, str, dict[str, Any]]
"""A rule, the parameter that it is about, and the values of some parameters, OMITTED for those to omit."""

_KEPT = "condition.kept"


def condition_changes(model: Model) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yields rule, parameter and payload for each way to keep or to break each condition that the page states.

    A payload that breaks one condition keeps all others. Inferred conditions are neither kept nor broken on purpose.
    """
    for condition in model.conditions:
        if condition.inferred:
            continue
        for rule, name, changes in _changes(model, condition):
            payload = with_changes(base_payload(model), changes)
            allowed = None if rule == _KEPT else (rule, name)
            found = settled(model, payload, fixed=frozenset(changes), allowed=allowed)
            if found is not None:
                yield rule, name, found


def _changes(model: Model, condition: Condition) -> Iterator[Change]:
    yield from _exactly_one(model, condition.exactly_one_of)
    if condition.only_when:
        yield from _only_when(model, condition)
    if condition.when or condition.when_present:
        yield from _premise(model, condition)


def _exactly_one(model: Model, names: tuple[str, ...]) -> Iterator[Change]:
    if not names:
        return
    nothing: dict[str, Any] = dict.fromkeys(names, OMITTED)
    yield "condition.none", names[-1], nothing
    for name in names:
        yield from ((_KEPT, name, {**nothing, name: value}) for value in _some(model, name))
    for one, two in itertools.combinations(names, 2):
        for first, second in itertools.product(_some(model, one), _some(model, two)):
            yield "condition.several", two, {**nothing, one: first, two: second}


def _only_when(model: Model, condition: Condition) -> Iterator[Change]:
    holds = _first(condition.only_when)
    for name in condition.parameters:
        for value in _some(model, name):
            for premise, known in condition.only_when.items():
                yield from ((_KEPT, name, {**holds, premise: each, name: value}) for each in known)
                for other in (*_others(model, premise, known), OMITTED):
                    yield "condition.only_when", name, {**holds, premise: other, name: value}


def _premise(model: Model, condition: Condition) -> Iterator[Change]:
    """Yields payloads of the premise with each consequence kept and broken, and of a premise that doesn't hold.

    Yields nothing if no valid value of a parameter is known that the premise or the consequence needs.
    """
    present = {name: value for name in condition.when_present for value in _some(model, name)}
    holds = {**_first(condition.when), **present}
    required = {name: value for name in condition.requires for value in _some(model, name)}
    if len(present) < len(condition.when_present) or len(required) < len(condition.requires):
        return
    kept = {**required, **dict.fromkeys(condition.forbids, OMITTED)}
    others = {name: [*_others(model, name, known), OMITTED] for name, known in condition.forbids_values.items()}
    kept |= {name: values[0] for name, values in others.items()}
    yield _KEPT, next(iter(holds)), {**kept, **holds}
    for premise, known in condition.when.items():
        yield from ((_KEPT, premise, {**kept, **holds, premise: value}) for value in known[1:])
    broken: list[tuple[str, str, Any]] = [("condition.requires", name, OMITTED) for name in condition.requires]
    broken += [("condition.forbids", name, value) for name in condition.forbids for value in _some(model, name)]
    values = condition.forbids_values.items()
    broken += [("condition.forbids_value", name, value) for name, forbidden in values for value in forbidden]
    for rule, name, value in broken:
        yield rule, name, {**kept, **holds, name: value}
        for premise, instead in _lifted(model, condition):
            yield _KEPT, name, {**kept, **holds, premise: instead, name: value}


def _lifted(model: Model, condition: Condition) -> Iterator[tuple[str, Any]]:
    """Yields changes of one parameter after which the premise no longer holds."""
    for premise, known in condition.when.items():
        yield from ((premise, value) for value in (*_others(model, premise, known)[:1], OMITTED))
    yield from ((premise, OMITTED) for premise in condition.when_present)


def _first(values: Mapping[str, tuple[Scalar, ...]]) -> dict[str, Any]:
    return {name: known[0] for name, known in values.items()}


def _some(model: Model, name: str) -> tuple[Any, ...]:
    """Returns one valid value of a parameter, or none if no value is known to be valid."""
    parameter = model.parameters_by_name.get(name)
    return () if parameter is None else options(model, parameter)[:1]


def _others(model: Model, name: str, known: tuple[Scalar, ...]) -> list[Any]:
    """Returns valid values of a parameter that are not known ones."""
    parameter = model.parameters_by_name.get(name)
    found = () if parameter is None else options(model, parameter)
    return [value for value in found if not is_among(value, known)][:2]
