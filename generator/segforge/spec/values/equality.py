"""Equality of JSON values."""

from collections.abc import Iterable, Mapping

from segforge.spec.catalog import Json


def equal(one: Json, two: Json) -> bool:
    """Returns whether two JSON values are equal. As in JSON Schema, 1 equals 1.0, but not true."""
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if isinstance(one, str) or isinstance(two, str):
        return bool(one == two)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(equal, one, two))
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(equal(value, two[key]) for key, value in one.items())
    return bool(one == two)


def is_among(value: Json, known: Iterable[Json]) -> bool:
    """Returns whether a JSON value equals one of the known ones."""
    for one in known:  # noqa: SIM110 - a generator takes twice as long, and this is called most
        if equal(value, one):
            return True
    return False
