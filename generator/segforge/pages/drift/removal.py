"""Removes what a spec says about a parameter or part that was removed: conditions, controls, sample and quirks.

A statement about the remaining parameters stays, as far as it follows from the old one. Nothing new is stated.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from segforge.spec.lint import names_part
from segforge.spec.yaml_edit import Path, load, remove

_PREMISES: Final = ("when", "when_present")
_CONSEQUENCES: Final = ("requires", "forbids", "forbids_values")


def remove_mentions(text: str, name: str) -> str:
    """Removes a parameter of the request from the sample, the controls and the conditions of a spec."""
    data = load(text)
    if name in data["example"]:
        text = remove(text, ("example", name))
    for control, target in data["returns"].get("controls", {}).items():
        if target == name:
            text = remove(text, ("returns", "controls", control))
    conditions = data.get("conditions", ())
    for index in range(len(conditions) - 1, -1, -1):
        for path in _paths(conditions[index], name):
            text = _without(text, ("conditions", index, *path))
    return _once(text)


def _once(text: str) -> str:
    """Removes conditions that are equal to an earlier one now."""
    conditions = list(load(text).get("conditions", ()))
    for index in range(len(conditions) - 1, -1, -1):
        if conditions[index] in conditions[:index]:
            text = _without(text, ("conditions", index))
    return text


def _paths(condition: Mapping[str, Any], name: str) -> Iterator[Path]:
    """Yields the places to remove within a condition: the empty path for all of it.

    A condition whose premise names the parameter can't apply any more. Without a second choice, or without a
    consequence, a condition says nothing.
    """
    left = {key: [one for one in value if one != name] for key, value in condition.items() if not _is_mark(value)}
    named = [key for key, kept in left.items() if len(kept) < len(condition[key])]
    says = any(left.get(key) for key in _CONSEQUENCES)
    lost = (
        any(key in _PREMISES for key in named)
        or len(left.get("exactly_one_of", "ab")) < 2
        or ("only_when" in left and not (left["only_when"] and left.get("parameters")))
        or (any(key in _CONSEQUENCES for key in left) and not says)
    )
    if named and lost:
        yield ()
        return
    for key in named:
        value = condition[key]
        places = [name] if isinstance(value, Mapping) else [at for at, one in enumerate(value) if one == name][::-1]
        yield from ([(key, place) for place in places] if left[key] else [(key,)])


def _is_mark(value: Any) -> bool:
    return isinstance(value, bool)


def remove_quirks(text: str, before: Mapping[str, Any]) -> str:
    """Removes the quirks of a spec about parts that it had before (`before` are its old parameters) and has no more."""
    data = load(text)
    quirks = data.get("quirks", ())
    for index in range(len(quirks) - 1, -1, -1):
        _, _, place = str(quirks[index]["at"]).partition(".")
        if place and names_part(before, place) and not names_part(data["parameters"], place):
            text = _without(text, ("quirks", index))
    return text


def _without(text: str, path: Path) -> str:
    """Removes a place, and the whole list if it was the only item."""
    return remove(text, path[:1] if len(path) == 2 and len(load(text)[path[0]]) == 1 else path)
