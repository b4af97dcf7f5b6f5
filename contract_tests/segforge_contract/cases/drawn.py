"""Hypothesis strategies made from the Catalog: valid payloads, and changes of the sample that break one rule."""

import math
import sys
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

from hypothesis import strategies as st

from segforge.spec.catalog import Gateway, Model, Parameter
from segforge.spec.price import seconds_of
from segforge.spec.values import accepts, ends, verdict
from segforge_contract.cases.case import promised
from segforge_contract.cases.changes import ParameterChange, refuses_null
from segforge_contract.cases.gate import is_certain
from segforge_contract.cases.parts import Spot, spots
from segforge_contract.cases.payloads import base_payload, is_prose, valid_value
from segforge_contract.cases.settled import OMITTED, settled
from segforge_contract.cases.values import LONGEST_SENT, MOST_ITEMS_SENT, is_free, part_value, sized
from segforge_contract.rules.table import type_rule

_MOST_OUTPUTS = 10
_MORE_ITEMS = 2
_SEEDS = st.integers(0, 2**31 - 1)
_SIZES = (512, 768, 1024)  # used if the page prints no range; every diffusion model takes them
_LARGEST_SIZE = 512  # large and long outputs take time and cost credits; the tables send each value of a set, and ends

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


@lru_cache(maxsize=100)  # Hypothesis prepares each strategy once
def valid_payloads(model: Model) -> st.SearchStrategy[dict[str, Any]]:
    """Draws payloads that the page allows: all required parameters and any optional ones, all valid.

    A parameter of the sample that no source calls optional is always sent; it keeps the sample's value if no value is
    known to be valid. If a drawn payload breaks a condition, it is changed to keep it.
    """
    base = base_payload(model)
    sure = {p.name for p in model.parameters if p.required or (p.required is None and p.name in base)}
    drawn = _dictionaries({p.name: valid_values(model, p) for p in model.parameters}, sure, base)
    return drawn.map(lambda payload: settled(model, payload) or payload) if model.conditions else drawn


def valid_values(model: Model, parameter: Parameter) -> st.SearchStrategy[Any]:
    """Draws values that the page allows for one parameter."""
    values = _plain_values(model, parameter)
    return st.none() | values if parameter.nullable else values


def _plain_values(model: Model, parameter: Parameter) -> st.SearchStrategy[Any]:
    if parameter.choices is None and parameter.type == "integer":
        return _integers(model, parameter).filter(partial(_is_valid, parameter))
    if parameter.name == model.returns.controls.duration and parameter.choices is not None:
        known = [value for value in parameter.choices.known if _is_valid(parameter, value)]
        return st.just(min(known, key=lambda value: seconds_of(value) or math.inf)) if known else st.nothing()
    if parameter.choices is None and parameter.type == "string":
        return _texts(model, parameter)
    return _part_values(parameter, valid_value(model, parameter))


def _part_values(part: Parameter, usual: Any) -> st.SearchStrategy[Any]:
    """Draws valid values of a parameter or a nested part, never null. `usual` is a valid one, sent for what is free."""
    valid = partial(_is_valid, part)
    if part.choices is not None:
        known = [value for value in part.choices.known if valid(value)]
        return st.sampled_from(known) if known else st.nothing()
    match part.type:
        case "boolean":
            return st.booleans()
        case "integer" | "number" if part.multiple_of is not None:
            return _multiples(part).filter(valid)
        case "integer":
            return _wholes(part).filter(valid)
        case "number":
            return _floats(*ends(part)).filter(valid)
        case "string" if is_free(part) and part.required is False:
            return _prompts(part.min_length or 0, part.max_length)
        case "array" if part.items is not None:
            return _arrays(part, part.items, usual)
        case "object" if part.properties:
            return _objects(part, usual if isinstance(usual, dict) else {})
        case "any" if part.any_of:
            return st.one_of([_part_values(one, part_value(one)) for one in part.any_of]).filter(valid)
    return _only(part, usual)


def _only(part: Parameter, usual: Any) -> st.SearchStrategy[Any]:
    return st.just(usual) if _is_valid(part, usual) else st.nothing()


def _arrays(part: Parameter, items: Parameter, usual: Any) -> st.SearchStrategy[list[Any]]:
    """Draws arrays of a valid size, with two items more than the least at most."""
    least = part.min_items or 0
    most = least + _MORE_ITEMS if part.max_items is None else min(part.max_items, least + _MORE_ITEMS)
    if most < least or least > _MOST_OUTPUTS:
        return _only(part, usual)
    first = usual[0] if isinstance(usual, list) and usual else part_value(items)
    values = _nullable(items, _part_values(items, first))
    return _only(part, usual) if values.is_empty else st.lists(values, min_size=least, max_size=most)


def _objects(part: Parameter, usual: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    drawn = {
        one.name: _nullable(one, _part_values(one, usual[one.name] if one.name in usual else part_value(one)))
        for one in part.properties
    }
    return _dictionaries(drawn, {one.name for one in part.properties if one.required is not False}, usual)


def _dictionaries(
    drawn: dict[str, st.SearchStrategy[Any]], sure: set[str], usual: dict[str, Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """Draws objects with the `sure` keys and some others. A sure key keeps its usual value if it has no valid one."""
    known = {name: values for name, values in drawn.items() if not values.is_empty}
    kept = {name: st.just(value) for name, value in usual.items() if name in sure}
    return st.fixed_dictionaries(
        kept | {name: values for name, values in known.items() if name in sure},
        optional={name: values for name, values in known.items() if name not in sure},
    )


def _nullable(part: Parameter, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values if part.nullable else values


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
            least = int(low) + (parameter.minimum is None)
            return st.integers(least, max(least, min(int(high), _LARGEST_SIZE)))
        sizes = [size for size in _SIZES if _is_valid(parameter, size)]
        return st.sampled_from(sizes or [valid_value(model, parameter)])
    if parameter.name in (model.returns.controls.count, model.returns.controls.duration):
        most = math.inf if high is None else high
        least = int(min(1, most) if low is None else low)
        return st.integers(least, int(min(least + _MOST_OUTPUTS, most)))
    return _multiples(parameter) if parameter.multiple_of is not None else _wholes(parameter)


def _wholes(parameter: Parameter) -> st.SearchStrategy[int]:
    low, high = ends(parameter)
    if low is None and high is None:
        return _SEEDS
    if low is not None and high is not None and int(low) > int(high):
        return st.nothing()
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


@lru_cache(maxsize=100)
def breaking_changes(model: Model, gateway: Gateway) -> st.SearchStrategy[tuple[str, ParameterChange]]:
    """Draws a parameter's name and a change of it, or of one of its nested parts, that breaks one rule.

    Rules about facts that no source states, or that the page contradicts, are left out. Empty if none is left.
    """
    drawn: list[st.SearchStrategy[tuple[str, ParameterChange]]] = []
    for parameter in model.parameters:
        valid, own = valid_value(model, parameter), st.just(parameter.name)
        drawn += [st.tuples(own, change) for change in _breaking(model, parameter.name, parameter, valid, gateway)]
        for spot in spots(parameter, valid):
            changes = _breaking(model, spot.place, spot.part, spot.value, gateway)
            drawn += [st.tuples(own, change.map(partial(_at, spot))) for change in changes]
    return st.one_of(drawn)


def _at(spot: Spot, change: ParameterChange) -> ParameterChange:
    return ParameterChange(change.rule, spot.put(change.value), spot.place, change.value)


def _breaking(
    model: Model, place: str, part: Parameter, valid: Any, gateway: Gateway
) -> Iterator[st.SearchStrategy[ParameterChange]]:
    """Yields changes of a part at a place that break a rule about a certain fact, one strategy for each rule."""
    for rule, values in _wrong_values(part, valid, gateway):
        if is_certain(model, rule, place):
            yield values.map(partial(ParameterChange, rule))


def _wrong_values(part: Parameter, valid: Any, gateway: Gateway) -> Iterator[tuple[str, st.SearchStrategy[Any]]]:
    """Yields each rule that a value can break, with a strategy of such values."""
    yield from _out_of_range(part)
    yield from _out_of_size(part, valid)
    yield from _confused(part, valid, gateway)
    if part.required:
        yield "required.missing", st.just(OMITTED)
    if refuses_null(part):
        yield "null.not_nullable", st.none()
    if part.choices is not None and not part.choices.open and part.type == "string":
        known = frozenset(part.choices.known)
        yield "enum.unknown", st.text(max_size=30).filter(lambda text: text not in known)
    if part.any_of:
        wrong = st.floats(-1e6, 1e6) | st.booleans() | st.lists(st.booleans(), max_size=3)
        yield "type.no_member", wrong.filter(lambda value: not accepts(part, value, formats=False))


def _out_of_size(part: Parameter, valid: Any) -> Iterator[tuple[str, st.SearchStrategy[Any]]]:
    """Yields arrays with too few or too many items."""
    items = valid if isinstance(valid, list) else []
    if part.min_items:
        few = st.integers(0, min(part.min_items, MOST_ITEMS_SENT) - 1)
        yield "range.too_few", few.map(partial(sized, part, items))
    if part.max_items is not None and part.max_items < MOST_ITEMS_SENT:
        many = st.integers(part.max_items + 1, part.max_items + _MORE_ITEMS)
        yield "range.too_many", many.map(partial(sized, part, items))


def _out_of_range(parameter: Parameter) -> Iterator[tuple[str, st.SearchStrategy[Any]]]:
    low, high = ends(parameter)
    if low is not None:
        below: st.SearchStrategy[float] = st.integers(max_value=int(low) - 1)
        if parameter.type == "number":
            below |= _floats(None, max(float(low) - 1e-3, -sys.float_info.max))
        yield "range.below", below
    if high is not None:
        above: st.SearchStrategy[float] = st.integers(min_value=int(high) + 1)
        if parameter.type == "number":
            above |= _floats(min(float(high) + 1e-3, sys.float_info.max), None)
        yield "range.above", above


def _confused(parameter: Parameter, valid: Any, gateway: Gateway) -> Iterator[tuple[str, st.SearchStrategy[Any]]]:
    """Yields values of other types."""
    strategies: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(max_size=30) | st.just(str(valid)),
        "number": st.floats(-1e6, 1e6).filter(lambda value: not value.is_integer()),
        "integer": st.integers(-(10**6), 10**6),
        "boolean": st.booleans(),
        "array": st.lists(st.integers() | st.text(max_size=5), max_size=3),
        "object": st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    }
    for sent, values in strategies.items():
        rule = type_rule(sent, parameter.type)
        if rule is not None and promised(gateway, rule):
            yield rule, values
