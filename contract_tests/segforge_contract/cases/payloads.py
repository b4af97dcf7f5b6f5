"""The payloads that the cases start from, and a valid value of each parameter."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from segforge.spec.catalog import Model, Parameter
from segforge.spec.values import equal, is_among, verdict
from segforge_contract.cases.settled import OMITTED, settled
from segforge_contract.cases.values import contradictions, is_free, part_value


def base_payload(model: Model) -> dict[str, Any]:
    """Returns the payload that every case starts from: the page's sample plus any missing required parameter.

    A sample value that the page itself rules out is replaced with a valid one. If the sample breaks a condition, as few
    of its parameters as possible are changed.
    """
    return dict(_base_payload(model))


@lru_cache(maxsize=1000)
def _base_payload(model: Model) -> dict[str, Any]:
    sample = model.valid_example
    payload = {
        p.name: valid_value(model, p)
        if p.name not in sample or (sample[p.name] is not None and not is_valid(model, p, sample[p.name]))
        else sample[p.name]
        for p in sorted(model.parameters, key=lambda p: _place(sample, p))
        if p.required or p.name in sample
    }
    return settled(model, payload) or payload


def _place(sample: dict[str, Any], parameter: Parameter) -> int:
    """Returns the position of a parameter in a payload: that of the sample, or the end if the sample lacks it."""
    return list(sample).index(parameter.name) if parameter.name in sample else len(sample)


def valid_value(model: Model, parameter: Parameter) -> Any:
    """Returns a valid value of a parameter, never null: the sample's or the default if valid, else one made up.

    If the page contradicts itself so that no value is valid, returns any value of the parameter's type.
    """
    printed = model.valid_example.get(parameter.name)
    sample = model.example.get(parameter.name)
    return part_value(parameter, printed, sample=sample, never=contradictions(model, parameter.name))


def is_valid(model: Model, parameter: Parameter, value: Any) -> bool:
    """Returns whether the specs call a value of a parameter valid, and don't doubt it."""
    valid = verdict(parameter, value, sample=model.example.get(parameter.name)) == "valid"
    return valid and not is_among(value, contradictions(model, parameter.name))


def changed_payload(model: Model, changes: dict[str, Any]) -> dict[str, Any]:
    """Returns the base payload with some parameters changed, or omitted if their new value is OMITTED.

    If the changes break a condition, other parameters are changed, too, so that the payload keeps it.
    """
    payload = with_changes(base_payload(model), changes)
    return settled(model, payload, fixed=frozenset(changes)) or payload


def with_changes(payload: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Returns a payload with some parameters changed, without those whose new value is OMITTED."""
    return {name: value for name, value in {**payload, **changes}.items() if value is not OMITTED}


def differences(payload: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """Returns the parameters that differ between a payload and another one, with OMITTED for those it lacks."""
    changed = {name: value for name, value in payload.items() if name not in base or not _same(value, base[name])}
    return changed | dict.fromkeys((name for name in base if name not in payload), OMITTED)


def _same(one: Any, two: Any) -> bool:
    return equal(one, two) and repr(one) == repr(two)  # 1 equals 1.0, and yet it is another payload


def sets_output(model: Model, payload: Mapping[str, Any]) -> bool:
    """Returns whether a payload sets a property of the output, such as its format, to another value than the sample."""
    controls, base = model.returns.controls, _base_payload(model)
    names = (controls.format, controls.width, controls.height, controls.size, controls.count, controls.duration)
    return any(name is not None and payload.get(name) != base.get(name) for name in names)


def unusual_payload(model: Model) -> dict[str, Any]:
    """Returns a payload that sends every parameter, with as few defaults as possible: some values clash only together.

    URLs and identities keep the values that the page prints, and are omitted if it prints none. Parameters that a
    condition excludes are omitted, too.
    """
    return dict(_unusual_payload(model))


@lru_cache(maxsize=1000)
def _unusual_payload(model: Model) -> dict[str, Any]:
    payload = base_payload(model)
    for parameter in model.parameters:
        usual = (payload.get(parameter.name), parameter.default)
        others = (value for value in _alternatives(model, parameter) if not is_among(value, usual))
        other = next((value for value in others if is_valid(model, parameter, value)), None)
        if other is not None:
            payload[parameter.name] = other
    return settled(model, payload) or payload


def _alternatives(model: Model, parameter: Parameter) -> Iterator[Any]:
    """Yields valid values of a parameter from the middle of its range; the ends have cases of their own.

    A number has a fraction if it may. Width and height differ, since a square would hide swapped sides.
    """
    if parameter.choices is not None:
        yield from parameter.choices.known
    elif parameter.type == "boolean":
        yield from (True, False)
    elif parameter.minimum is not None and parameter.maximum is not None:
        start, length = parameter.minimum, parameter.maximum - parameter.minimum
        near = [start + length * share for share in _shares(model, parameter)]
        if parameter.type == "integer":
            near = [number for value in near for number in (int(value), int(value) + 1)]
        yield from (value for value in near if parameter.minimum <= value <= parameter.maximum)
    elif is_prose(model, parameter) and not parameter.required:
        yield from (valid_value(model, parameter), "A quiet street")
    elif parameter.parts:
        yield from (part_value(one) for one in (parameter, *parameter.any_of))


def _shares(model: Model, parameter: Parameter) -> tuple[float, float]:
    return (0.625, 0.5) if parameter.name == model.returns.controls.height else (0.375, 0.5)


def is_prose(model: Model, parameter: Parameter) -> bool:
    """Returns whether a parameter takes any text: the prompt, or an optional string that refers to nothing else."""
    return is_free(parameter) and (parameter.name == model.returns.controls.prompt or parameter.required is False)
