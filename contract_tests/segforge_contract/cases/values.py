"""Valid values of a parameter or a nested part, made from its facts alone."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from segforge.spec.catalog import Absent, File, Json, Model, Parameter
from segforge.spec.values import has_limit, is_among, verdict

LONGEST_SENT: Final = 100_000
"""The most characters of a text that is sent because of a limit of its length."""
MOST_ITEMS_SENT: Final = 1_000
"""The most items of an array that is sent because of a limit of its size."""

_PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
"""A gray PNG image of one pixel, in base64."""
_SUFFIXES: Final[Mapping[File, str]] = {
    "image": "image.png",
    "video": "video.mp4",
    "audio": "audio.mp3",
    "model3d": "model.glb",
    "any": "image.png",
}


def part_value(part: Parameter, printed: Json = None, *, sample: Json = None, never: tuple[Json, ...] = ()) -> Any:
    """Returns a valid value of a parameter or a part, never null: a printed or a default one, else one made up.

    `never` holds values that are not used. If no value is valid, returns any value of the type.
    """
    last: Any = None
    for value in _candidates(part, printed):
        if value is None or isinstance(value, Absent) or is_among(value, never):
            continue
        last = value
        if verdict(part, value, sample=sample) == "valid":
            return value
    return last


def _candidates(part: Parameter, printed: Json) -> Iterator[Any]:
    yield from (printed, part.default)
    if part.choices is not None:
        yield from part.choices.known
    yield from (part.minimum, part.maximum)
    yield from _within_limits(part)
    yield from _composed(part, printed)
    yield _made_up(part)


def _made_up(part: Parameter) -> Any:
    if part.format == "base64" or (part.file is not None and set(part.accepts) == {"base64"}):
        return _PNG
    if part.file is not None and set(part.accepts) == {"data_uri"}:
        return f"data:image/png;base64,{_PNG}"
    if part.format == "uri" or part.file is not None:
        return f"https://example.com/{_SUFFIXES[part.file or 'image']}"
    plain: dict[str, Any] = {"integer": 1, "number": 1.0, "boolean": False, "array": [], "object": {}}
    return plain.get(part.type, "text")


def _within_limits(part: Parameter) -> Iterator[Any]:
    """Yields values that the limits of a number or a text allow, unless its other facts exclude them."""
    if part.type == "string":
        text = _made_up(part) if part.file or part.format else "text"
        text = text.ljust(min(part.min_length or 0, LONGEST_SENT), "t")
        yield text if part.max_length is None else text[: part.max_length]
    elif has_limit(part) and part.type in ("integer", "number"):
        ends = (part.minimum, part.exclusive_minimum, part.maximum, part.exclusive_maximum)
        low, above, high, below = ends
        step = part.multiple_of or 1
        for end in (low, above, 0 if high is None and below is None else None):
            if end is not None:
                yield from (math.ceil(end / step) * step, (math.floor(end / step) + 1) * step)
        for end in (high, below):
            if end is not None:
                yield from (math.floor(end / step) * step, (math.ceil(end / step) - 1) * step)
        if above is not None and below is not None:
            yield (above + below) / 2


def _composed(part: Parameter, printed: Json) -> Iterator[Any]:
    """Yields values that are made of valid parts: those of the printed value as far as they are valid."""
    for member in part.any_of:
        yield part_value(member, printed)
    if part.type == "array":
        items = printed if isinstance(printed, list) else []
        if part.items is not None:
            items = [part_value(part.items, item, sample=item) for item in items]
            yield sized(part, items or [part_value(part.items)])
        yield sized(part, items)
    elif part.type == "object":
        given = printed if isinstance(printed, Mapping) else {}
        own = {
            one.name: part_value(one, given.get(one.name), sample=given.get(one.name))
            for one in part.properties
            if one.required or one.name in given
        }
        yield {**given, **own}


def sized(part: Parameter, items: list[Any], size: int | None = None) -> list[Any]:
    """Returns a list of items with a valid size, or the given size; items are repeated or cut off."""
    if size is None:
        most = len(items) if part.max_items is None else min(len(items), part.max_items)
        size = max(most, part.min_items or 0)
    size = min(size, MOST_ITEMS_SENT)
    spare = items[-1:] if items else ["text"]
    return (items + spare * (size - len(items)))[:size]


def is_free(part: Parameter) -> bool:
    """Returns whether a string has no format and no set, and stands for no file."""
    return part.type == "string" and part.format is None and part.choices is None and part.file is None


def contradictions(model: Model, name: str) -> tuple[Json, ...]:
    """Returns the values that the page prints for a parameter although it contradicts them, by the spec's quirks."""
    places = {f"{where}.{name}" for where in ("sample", "default", "enum")}
    return tuple(quirk.found for quirk in model.quirks if quirk.at in places)
