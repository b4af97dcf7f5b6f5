"""Finds the places of a spec that name a parameter."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from segforge.spec.yaml_edit import Path


class NamePlace(NamedTuple):
    """A place of a spec that names a parameter: a key, or a text in which `{}` stands for the name."""

    path: Path
    key: bool
    text: str = "{}"


def places_of(data: Any, name: str) -> Iterator[NamePlace]:
    """Yields all places of a spec that name a parameter of the request itself."""
    for section in ("parameters", "example"):
        if name in data[section]:
            yield NamePlace((section, name), key=True)
    for control, target in data["returns"].get("controls", {}).items():
        if target == name:
            yield NamePlace(("returns", "controls", control), key=False)
    for index, condition in enumerate(data.get("conditions", ())):
        for key, value in condition.items():
            if isinstance(value, Mapping) and name in value:
                yield NamePlace(("conditions", index, key, name), key=True)
            elif isinstance(value, list):
                yield from (NamePlace(("conditions", index, key, at_), False) for at_ in _indexes(value, name))
    for index, quirk in enumerate(data.get("quirks", ())):
        start, dot, end = str(quirk["at"]).partition(".")
        if dot and (end == name or end.startswith((f"{name}.", f"{name}["))):
            rest = end[len(name) :].replace("{", "{{").replace("}", "}}")
            yield NamePlace(("quirks", index, "at"), False, f"{start}.{{}}{rest}")


def _indexes(values: Sequence[Any], wanted: str) -> list[int]:
    return [index for index, value in enumerate(values) if value == wanted]
