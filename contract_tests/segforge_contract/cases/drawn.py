"""Hypothesis strategies made from the Catalog: valid payloads, and changes of the sample that break one rule."""

import math
import sys
from functools import partial
from typing import Any

from hypothesis import strategies as st

from segforge.spec.catalog import Gateway, Model, Parameter
from segforge.spec.values import ends, verdict
from segforge_contract.cases.case import promised
from segforge_contract.cases.parameters import OMITTED, ParameterChange
from segforge_contract.cases.payloads import LONGEST_SENT, is_prose, valid_value
from segforge_contract.rules.table import type_rule

_MOST_OUTPUTS = 10
_SEEDS = st.integers(0, 2**31 - 1)
_SIZES = (512, 768, 1024)  # used if the page prints no range; every diffusion model takes them
_LARGEST_SIZE = 512  # keeps drawn images fast to generate; the tables send the printed maximum

# Printable text with at least one letter: no page decides empty prompts or control characters.
_PROMPTS = st.builds(
    "{}{}".format,
    st.sampled_from(("cat", "猫", "Κάτα")),
    st.text(st.characters(exclude_categories=("C", "Z")), max_size=60),
)


def _prompts(shortest: int, longest: int | None) -> st.SearchStrategy[str]:
    """Draws prompts of a length; those of no limit are up to 64 characters long."""
    if shortest > LONGEST_SENT:
        return st.nothing()
    return _PROMPTS.map(lambda text: text.ljust(shortest, "t")[:longest])


def valid_payloads(model: Model) -> st.SearchStrategy[dict[str, Any]]:
    """Draws payloads that the page allows: all required parameters and any optional ones, all valid."""
    required = {p.name: valid_values(model, p) for p in model.parameters if p.required}
    optional = {p.name: valid_values(model, p) for p in model.parameters if not p.required}
    optional = {name: values for name, values in optional.items() if not values.is_empty}
    return st.fixed_dictionaries(required, optional=optional)


def valid_values(model: Model, parameter: Parameter) -> st.SearchStrategy[Any]:
    """Draws values that the page allows for one parameter."""
    values = _plain_values(model, parameter)
    return st.none() | values if parameter.nullable else values


def _plain_values(model: Model, parameter: Parameter) -> st.SearchStrategy[Any]:
    valid = partial(_is_valid, parameter)
    if parameter.choices is not None:
        known = [value for value in parameter.choices.known if valid(value)]
        return st.sampled_from(known) if known else st.nothing()
    match parameter.type:
        case "boolean":
            return st.booleans()
        case "integer":
            return _integers(model, parameter).filter(valid)
        case "number":
            return (_floats(*ends(parameter)) if parameter.multiple_of is None else _multiples(parameter)).filter(valid)
        case _:
            return _texts(model, parameter)


def _is_valid(parameter: Parameter, value: Any) -> bool:
    return verdict(parameter, value) == "valid"


def _floats(low: float | None, high: float | None) -> st.SearchStrategy[Any]:
    """Draws finite floats between two bounds. The bounds may be integers that no float represents exactly."""
    ends = [None if end is None else float(end) for end in (low, high)]
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        return st.nothing()
    return st.floats(*ends, allow_nan=False, allow_infinity=False)


def _integers(model: Model, parameter: Parameter) -> st.SearchStrategy[int]:
    low, high = ends(parameter)
    if parameter.name in (model.returns.controls.width, model.returns.controls.height):
        if low is not None and high is not None:
            return st.integers(int(low), max(int(low), min(int(high), _LARGEST_SIZE)))
        sizes = [size for size in _SIZES if _is_valid(parameter, size)]
        return st.sampled_from(sizes or [valid_value(model, parameter)])
    if parameter.name == model.returns.controls.count:  # each output takes time and costs credits
        most = math.inf if high is None else high
        least = int(min(1, most) if low is None else low)
        return st.integers(least, int(min(least + _MOST_OUTPUTS, most)))
    if parameter.multiple_of is not None:
        return _multiples(parameter)
    if low is None and high is None:
        return _SEEDS
    return st.integers(None if low is None else int(low), None if high is None else int(high))


def _multiples(parameter: Parameter) -> st.SearchStrategy[int]:
    """Draws multiples of a parameter's step between its ends."""
    step = parameter.multiple_of or 1
    low, high = ends(parameter)
    least = None if low is None else math.ceil(low / step)
    most = None if high is None else math.floor(high / step)
    if low is None and high is None:
        least, most = 0, 2**31 // step
    if least is not None and most is not None and least > most:
        return st.nothing()
    return st.integers(least, most).map(lambda number: number * step)


def _texts(model: Model, parameter: Parameter) -> st.SearchStrategy[str | None]:
    """Draws free text. URLs and identities refer to real things, so they keep the values that the page prints."""
    if is_prose(model, parameter):
        return _prompts(parameter.min_length or 0, parameter.max_length)
    printed = model.valid_example.get(parameter.name, parameter.default)
    if printed is None and parameter.nullable:
        return st.none()
    return st.just(valid_value(model, parameter))


def breaking_changes(model: Model, gateway: Gateway) -> st.SearchStrategy[tuple[str, ParameterChange]]:
    """Draws a parameter's name and a change of it that breaks one rule."""
    changes = [
        st.tuples(st.just(parameter.name), change)
        for parameter in model.parameters
        for change in _breaking(model, parameter, gateway)
    ]
    return st.one_of(changes)


def _breaking(model: Model, parameter: Parameter, gateway: Gateway) -> list[st.SearchStrategy[ParameterChange]]:
    changes = [*_out_of_range(parameter), *_confused(model, parameter, gateway)]
    if parameter.required:
        changes.append(st.just(ParameterChange("required.missing", OMITTED)))
    if not parameter.nullable:
        changes.append(st.just(ParameterChange("null.not_nullable", None)))
    if parameter.choices is not None and not parameter.choices.open and parameter.type == "string":
        known = frozenset(parameter.choices.known)
        changes.append(
            st.text(max_size=30)
            .filter(lambda text: text not in known)
            .map(lambda text: ParameterChange("enum.unknown", text))
        )
    return changes


def _out_of_range(parameter: Parameter) -> list[st.SearchStrategy[ParameterChange]]:
    low, high = ends(parameter)
    changes: list[st.SearchStrategy[ParameterChange]] = []
    if low is not None:
        below: st.SearchStrategy[float] = st.integers(max_value=int(low) - 1)
        if parameter.type == "number":
            below |= _floats(None, max(float(low) - 1e-3, -sys.float_info.max))
        changes.append(below.map(lambda value: ParameterChange("range.below", value)))
    if high is not None:
        above: st.SearchStrategy[float] = st.integers(min_value=int(high) + 1)
        if parameter.type == "number":
            above |= _floats(min(float(high) + 1e-3, sys.float_info.max), None)
        changes.append(above.map(lambda value: ParameterChange("range.above", value)))
    return changes


def _confused(model: Model, parameter: Parameter, gateway: Gateway) -> list[st.SearchStrategy[ParameterChange]]:
    strategies: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(max_size=30) | st.just(str(valid_value(model, parameter))),
        "number": st.floats(-1e6, 1e6).filter(lambda value: not value.is_integer()),
        "integer": st.integers(-(10**6), 10**6),
        "boolean": st.booleans(),
        "array": st.lists(st.integers() | st.text(max_size=5), max_size=3),
        "object": st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    }
    return [
        values.map(partial(ParameterChange, rule))
        for sent, values in strategies.items()
        if (rule := type_rule(sent, parameter.type)) is not None and promised(gateway, rule)
    ]
