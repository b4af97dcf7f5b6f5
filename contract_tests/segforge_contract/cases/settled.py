"""Changes a payload as little as possible, so that it keeps the conditions of its model."""

import json
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from enum import Enum
from functools import lru_cache
from typing import Any, Final, TypeAlias

from segforge.spec.catalog import Condition, Model, Parameter
from segforge.spec.values import broken_conditions, is_among, verdict
from segforge_contract.cases.values import contradictions, part_value

_MOST_TRIES: Final = 300
"""The most payloads that are tried."""
_MOST_VALUES: Final = 12
"""The most values of one parameter that are tried."""

Payload: TypeAlias = Mapping[str, Any]


class Omitted(Enum):
    """The type of OMITTED, which stands for the value of an omitted parameter."""

    OMITTED = "omitted"


OMITTED = Omitted.OMITTED


def settled(
    model: Model, payload: Payload, *, fixed: Collection[str] = (), allowed: tuple[str, str] | None = None
) -> dict[str, Any] | None:
    """Returns the nearest payload that breaks no condition, also no inferred one; None if there is none.

    The parameters in `fixed` keep their values. A condition may break the `allowed` rule at the allowed parameter. The
    values of other parameters are not judged.
    """
    if not model.conditions:
        return dict(payload)
    tried = {_key(payload)}
    queue = deque([dict(payload)])
    while queue:
        found = queue.popleft()
        condition = _broken(model, found, allowed)
        if condition is None:
            return found
        for other in _repaired(model, condition, found, fixed):
            key = _key(other)
            if key not in tried and len(tried) < _MOST_TRIES:
                tried.add(key)
                queue.append(other)
    return None


def _key(payload: Payload) -> str:
    return json.dumps(payload, sort_keys=True, default=repr)


def _broken(model: Model, payload: Payload, allowed: tuple[str, str] | None) -> Condition | None:
    """Returns the first condition that a payload breaks in another way than the allowed one."""
    for condition, alone in _alone(model):
        broken = broken_conditions(alone, payload, inferred=condition.inferred)
        if any((rule, name) != allowed for rule, name, _ in broken):
            return condition
    return None


@lru_cache(maxsize=1000)
def _alone(model: Model) -> tuple[tuple[Condition, Model], ...]:
    """Returns each condition, with a model that has no other one."""
    return tuple((condition, replace(model, conditions=(condition,))) for condition in model.conditions)


def _repaired(model: Model, condition: Condition, payload: Payload, fixed: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yields payloads with one parameter of a condition omitted, or with another valid value."""
    for name in condition.names:
        parameter = model.parameters_by_name.get(name)
        if parameter is None or name in fixed:
            continue
        if name in payload and not parameter.required:
            yield {each: value for each, value in payload.items() if each != name}
        for value in options(model, parameter):
            if name not in payload or not is_among(payload[name], (value,)):
                yield {**payload, name: value}


@lru_cache(maxsize=10_000)
def options(model: Model, parameter: Parameter) -> tuple[Any, ...]:
    """Returns valid values of a parameter: a printed one, those of its set, and those that conditions name."""
    sample, name = model.example.get(parameter.name), parameter.name
    known = () if parameter.choices is None else parameter.choices.known
    named = [
        value
        for condition in model.conditions
        for values in (condition.when, condition.only_when, condition.forbids_values)
        for value in values.get(name, ())
    ]
    never = contradictions(model, name)
    usual = part_value(parameter, model.valid_example.get(name), sample=sample, never=never)
    switch = (True, False) if parameter.type == "boolean" else ()
    found: list[Any] = []
    for value in (usual, *known, *switch, *named, *_others(parameter)):
        if (
            value is not None
            and not is_among(value, (*found, *never))
            and verdict(parameter, value, sample=sample) == "valid"
        ):
            found.append(value)
    return tuple(found[:_MOST_VALUES])


def _others(parameter: Parameter) -> Iterator[Any]:
    """Yields values that are probably none of those that a condition names."""
    if parameter.type == "string" and parameter.choices is None:
        yield part_value(replace(parameter, default="another text"))
    elif parameter.type in ("integer", "number"):
        ends = (parameter.minimum, parameter.maximum, parameter.default)
        numbers = [end for end in ends if isinstance(end, int | float) and not isinstance(end, bool)]
        yield from (number + step for number in (*numbers, 0) for step in (0, 1, 2, -1))
