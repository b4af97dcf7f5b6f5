"""The nested parts of a parameter, each at its place in a valid value."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from segforge.spec.catalog import Json, Parameter
from segforge_contract.cases.settled import OMITTED
from segforge_contract.cases.values import part_value, sized


@dataclass(frozen=True)
class Spot:
    """A nested part at a place, such as `images[0].uri`, of a valid value of the whole parameter.

    `value` is the part's value there, and `in_sample` tells whether the page's sample has its key, so that it may be
    omitted. `put` returns the value of the whole parameter with another value at the place; OMITTED removes the key.
    `again` marks the last item of an array, whose parts are also those of the first.
    """

    part: Parameter
    place: str
    value: Json
    put: Callable[[Any], Any]
    in_sample: bool = False
    again: bool = False


def spots(parameter: Parameter, value: Json) -> Iterator[Spot]:
    """Yields the nested parts below a value of a parameter. The members of a union have no place of their own."""
    yield from _below(Spot(parameter, parameter.name, value, lambda new: new, in_sample=True))


def _below(spot: Spot) -> Iterator[Spot]:
    part, value = spot.part, spot.value
    if part.type == "array" and part.items is not None and part.max_items != 0:
        yield from _items(spot, part.items, value if isinstance(value, list) else [])
    elif part.type == "object":
        yield from _properties(spot, value if isinstance(value, Mapping) else {})


def _items(spot: Spot, item: Parameter, value: list[Any]) -> Iterator[Spot]:
    """Yields the first item and what is below it, then the last item; arrays are extended to two items if possible."""
    part = spot.part
    items = value or sized(part, [part_value(item)])
    most = part.max_items
    items = sized(part, items, max(len(items), 2 if most is None or most >= 2 else 1))
    for index in sorted({0, len(items) - 1}):

        def put(new: Any, index: int = index) -> Any:
            return spot.put([*items[:index], *([] if new is OMITTED else [new]), *items[index + 1 :]])

        place = f"{spot.place}[{index}]"
        own = Spot(item, place, items[index], put, again=spot.again or index > 0)
        yield own
        yield from _below(replace(own, in_sample=spot.in_sample and bool(value)))


def _properties(spot: Spot, value: Mapping[str, Any]) -> Iterator[Spot]:
    for part in spot.part.properties:

        def put(new: Any, name: str = part.name) -> Any:
            others = {key: kept for key, kept in value.items() if key != name}
            return spot.put(others if new is OMITTED else {**others, name: new})

        known = part.name in value
        own_value = value[part.name] if known else part_value(part)
        own = Spot(part, f"{spot.place}.{part.name}", own_value, put, spot.in_sample and known, spot.again)
        yield own
        yield from _below(own)


def value_at(parameters: tuple[Parameter, ...], payload: Mapping[str, Any], place: str | None) -> Any:
    """Returns the value at a place of a payload, or OMITTED if nothing is there.

    Names may contain dots and brackets, so the place is compared with the places of all values.
    """
    found = (value for at, value in _placed(parameters, payload, "") if at == place)
    return next(found, OMITTED)


def places_in(parameters: tuple[Parameter, ...], payload: Mapping[str, Any]) -> frozenset[str]:
    """Returns the places of all known values in a payload, without the positions of items."""
    return frozenset(anywhere(at) for at, _ in _placed(parameters, payload, ""))


def anywhere(place: str) -> str:
    """Returns a place without the positions of items: `images[].uri` for `images[0].uri`."""
    return re.sub(r"\[\d+\]", "[]", place)


def _placed(parameters: tuple[Parameter, ...], value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for parameter in parameters:
        if parameter.name in value:
            yield from _placed_below(parameter, value[parameter.name], prefix + parameter.name)


def _placed_below(part: Parameter, value: Any, at: str) -> Iterator[tuple[str, Any]]:
    yield at, value
    if isinstance(value, list) and part.items is not None:
        for index, item in enumerate(value):
            yield from _placed_below(part.items, item, f"{at}[{index}]")
    elif isinstance(value, Mapping):
        yield from _placed(part.properties, value, f"{at}.")
