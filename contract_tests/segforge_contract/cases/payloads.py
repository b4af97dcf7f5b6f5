"""Payloads and single values that a model page allows."""

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from segforge.spec.catalog import Absent, Model, Parameter
from segforge.spec.values import has_limit, verdict

LONGEST_SENT: Final = 100_000
"""The most characters of a text that is sent because of a limit of its length."""
_MADE_UP: Mapping[str, Any] = {"uri": "https://example.com/image.png", "integer": 1, "number": 1.0, "boolean": False}


def base_payload(model: Model) -> dict[str, Any]:
    """Returns the payload that every case starts from: the page's sample plus any missing required parameter.

    A sample value that the page itself rules out is replaced with a valid one.
    """
    return dict(_base_payload(model))


@lru_cache(maxsize=1000)
def _base_payload(model: Model) -> Mapping[str, Any]:
    sample = model.valid_example
    return {
        p.name: valid_value(model, p)
        if p.name not in sample or (sample[p.name] is not None and not _is_valid(model, p, sample[p.name]))
        else sample[p.name]
        for p in sorted(model.parameters, key=lambda p: _place(sample, p))
        if p.required or p.name in sample
    }


def _place(sample: dict[str, Any], parameter: Parameter) -> int:
    """Returns the position of a parameter in a payload: that of the sample, or the end if the sample lacks it."""
    return list(sample).index(parameter.name) if parameter.name in sample else len(sample)


def valid_value(model: Model, parameter: Parameter) -> Any:
    """Returns a valid value of a parameter, never null: the sample's or the default if valid, else one made up.

    If the page contradicts itself so that no value is valid, returns any value of the parameter's type.
    """
    candidates = [model.valid_example.get(parameter.name), parameter.default]
    if parameter.choices is not None:
        candidates.extend(parameter.choices.known)
    candidates += [parameter.minimum, parameter.maximum, *_within_limits(parameter)]
    known = [value for value in candidates if value is not None and not isinstance(value, Absent)]
    known.append(_MADE_UP.get(parameter.format or parameter.type, "text"))
    return next((value for value in known if _is_valid(model, parameter, value)), known[-1])


def _within_limits(parameter: Parameter) -> Iterator[Any]:
    """Yields values that the limits of a number or a text allow, unless its other facts exclude them."""
    if parameter.type == "string":
        text = "text".ljust(min(parameter.min_length or 0, LONGEST_SENT), "t")
        yield text if parameter.max_length is None else text[: parameter.max_length]
    elif has_limit(parameter) and parameter.type in ("integer", "number"):
        ends = (parameter.minimum, parameter.exclusive_minimum, parameter.maximum, parameter.exclusive_maximum)
        low, above, high, below = ends
        step = parameter.multiple_of or 1
        for end in (low, above, 0 if high is None and below is None else None):
            if end is not None:
                yield from (math.ceil(end / step) * step, (math.floor(end / step) + 1) * step)
        for end in (high, below):
            if end is not None:
                yield from (math.floor(end / step) * step, (math.ceil(end / step) - 1) * step)
        if above is not None and below is not None:
            yield (above + below) / 2


def _is_valid(model: Model, parameter: Parameter, value: Any) -> bool:
    return verdict(parameter, value, sample=model.example.get(parameter.name)) == "valid"


def unusual_payload(model: Model) -> dict[str, Any]:
    """Returns a payload that sends every parameter, with as few defaults as possible: some values clash only together.

    URLs and identities keep the values that the page prints, and are omitted if it prints none.
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
    """Yields valid values of a parameter from the middle of its range; the ends have cases of their own."""
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


def is_prose(model: Model, parameter: Parameter) -> bool:
    """Returns whether a parameter takes any text: the prompt, or an optional string without a format or choices."""
    free = parameter.type == "string" and parameter.format is None and parameter.choices is None
    return free and (parameter.name == model.returns.controls.prompt or not parameter.required)
