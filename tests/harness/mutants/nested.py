"""Faults in nested parts, unions and conditions, which no curated model has. They have a model of their own."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from segforge.spec.build import build_model
from segforge.spec.catalog import Model, Parameter
from segforge.spec.shapes import with_shapes
from segforge.spec.source import SourceFile
from segforge.spec.values import accepts
from tests.harness.mutants.faults import OMITTED, Payload, Repair, lax, picky, reads
from tests.harness.mutants.mutant import NESTED, Mutant
from tests.harness.mutants.original import Fault

URL = "https://example.com/cat.png"
WORDS = {"description": "x"}
DATA: dict[str, Any] = {
    "slug": NESTED,
    "title": "Nested",
    "description": "A model with parts, unions and conditions.",
    "source": {"url": "https://example.com", "reviewed": "2026-11-28"},
    "versions": ["v1", "v2"],
    "returns": {"media": "json"},
    "parameters": {
        "prompt": {"type": "string", "required": True, **WORDS},
        "images": {
            "type": "array",
            "required": False,
            "min_items": 2,
            "max_items": 4,
            "items": {"type": "string", "format": "uri", "file": "image", "required": False, **WORDS},
            **WORDS,
        },
        "elements": {
            "type": "array",
            "required": False,
            "items": {
                "type": "object",
                "required": False,
                "properties": {
                    "tag": {"type": "string", "required": True, **WORDS},
                    "weight": {"type": "number", "required": False, "minimum": 0, "maximum": 1, **WORDS},
                    "kind": {"type": "string", "required": False, "enum": {"known": ["a", "b"], "total": 2}, **WORDS},
                    "box": {
                        "type": "object",
                        "required": False,
                        "properties": {"left": {"type": "integer", "required": True, **WORDS}},
                        **WORDS,
                    },
                },
                **WORDS,
            },
            **WORDS,
        },
        "frame": {
            "type": "object",
            "required": False,
            "properties": {"left": {"type": "integer", "required": False, **WORDS}},
            **WORDS,
        },
        "palette": {
            "required": False,
            "any_of": [
                {
                    "title": "preset",
                    "type": "object",
                    "required": False,
                    "properties": {"name": {"type": "string", "required": True, **WORDS}},
                    **WORDS,
                },
                {
                    "title": "custom",
                    "type": "object",
                    "required": False,
                    "properties": {
                        "members": {
                            "type": "array",
                            "required": True,
                            "items": {"type": "string", "required": False, **WORDS},
                            **WORDS,
                        }
                    },
                    **WORDS,
                },
            ],
            **WORDS,
        },
        "seconds": {"type": "integer", "required": False, "enum": {"known": [4, 8, 12], "total": 3}, **WORDS},
        "mask": {"type": "string", "format": "base64", "file": "image", "required": False, **WORDS},
        "url": {"type": "string", "format": "uri", "file": "image", "required": False, **WORDS},
        "data": {"type": "string", "format": "base64", "file": "image", "required": False, **WORDS},
        "transition": {"type": "string", "required": False, "enum": {"known": ["fade", "cut"], "total": 2}, **WORDS},
        "fade_time": {"type": "integer", "required": False, "minimum": 1, "maximum": 9, **WORDS},
        "first_frame": {"type": "string", "format": "uri", "file": "image", "required": False, **WORDS},
        "last_frame": {"type": "string", "format": "uri", "file": "image", "required": False, **WORDS},
        "references": {"type": "string", "format": "uri", "file": "image", "required": False, **WORDS},
        "quality": {"type": "string", "required": False, "enum": {"known": ["720p", "1080p"], "total": 2}, **WORDS},
        "motion": {"type": "string", "required": False, "enum": {"known": [], "total": None}, **WORDS},
    },
    "conditions": [
        {"exactly_one_of": ["url", "data"]},
        {"only_when": {"transition": ["fade"]}, "parameters": ["fade_time"]},
        {"when_present": ["last_frame"], "requires": ["first_frame"], "forbids": ["references"]},
        {"when": {"seconds": [8]}, "forbids_values": {"quality": ["1080p"]}},
        {"when_present": ["mask"], "forbids": ["images"], "inferred": True},
    ],
    "example": {"prompt": "a cat", "url": URL, "elements": [{"tag": "one"}]},
}


def built(data: dict[str, Any]) -> Model:
    """Returns the model of the data of a spec."""
    source, findings = with_shapes(SourceFile(Path("nested.yaml"), "nested.yaml", data, {}, {}), {})
    assert findings == []
    return build_model(source.data)


MODEL = built(DATA)


def _cast(sent: type, wanted: str, instead: Any = OMITTED) -> Repair:
    """Returns a repair that replaces values of one type that are sent for another one, or omits them."""
    return lambda parameter, value: instead if parameter.type == wanted and type(value) is sent else value


def _items(change: Callable[[list[Any]], Any]) -> Repair:
    """Returns a repair of arrays."""
    return lambda _, value: change(value) if isinstance(value, list) else value


def _elements(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Repair:
    """Returns a repair of the objects in an array."""
    return _items(lambda items: [change(item) if isinstance(item, dict) else item for item in items])


def _clamped(element: dict[str, Any]) -> dict[str, Any]:
    weight = element.get("weight")
    return {**element, "weight": min(max(weight, 0), 1)} if isinstance(weight, int | float) else element


def _folded(element: dict[str, Any]) -> dict[str, Any]:
    kind = element.get("kind")
    return {**element, "kind": kind.lower()} if isinstance(kind, str) else element


def _whole_box(element: dict[str, Any]) -> dict[str, Any]:
    box = element.get("box")
    if not isinstance(box, dict) or not isinstance(box.get("left"), float):
        return element
    return {**element, "box": {**box, "left": int(box["left"])}}


def _without(*names: str, unless: Callable[[Payload], bool]) -> Callable[[], Fault]:
    """Returns a fault that ignores parameters unless a payload meets a condition."""
    return lambda: reads(
        lambda _, payload: (
            payload if unless(payload) else {name: value for name, value in payload.items() if name not in names}
        )
    )


_CASTS: dict[tuple[str, str], tuple[str, Repair]] = {
    ("string", "array"): ("treats a text as a list", _cast(str, "array", [URL, URL])),
    ("integer", "array"): ("ignores an integer for a list", _cast(int, "array")),
    ("number", "array"): ("ignores a number for a list", _cast(float, "array")),
    ("boolean", "array"): ("ignores a boolean for a list", _cast(bool, "array")),
    ("object", "array"): ("ignores an object for a list", _cast(dict, "array")),
    ("string", "object"): ("treats a text as an object", _cast(str, "object", {"left": 1})),
    ("integer", "object"): ("ignores an integer for an object", _cast(int, "object")),
    ("number", "object"): ("ignores a number for an object", _cast(float, "object")),
    ("boolean", "object"): ("ignores a boolean for an object", _cast(bool, "object")),
    ("array", "object"): ("ignores a list for an object", _cast(list, "object")),
}


def _types() -> Iterator[Mutant]:
    for (sent, wanted), (does, repair) in _CASTS.items():
        field = "images" if wanted == "array" else "frame"
        yield _mutant(f"{sent}-to-{wanted}", does, f"type.{sent}_for_{wanted}", lax(repair, field), field)


def _mutant(name: str, does: str, breaks: str, fault: Fault, field: str | None = None) -> Mutant:
    return Mutant(f"nested-{name}", does, breaks, lambda: fault, NESTED, field)


def _parts() -> Iterator[Mutant]:
    for name, does, breaks, repair, field, place in (
        ("items-added", "repeats an item of a list that is too short", "range.too_few",
         _items(lambda items: (items * 2)[: max(2, len(items))]), "images", "images"),
        ("items-cut", "cuts a list that is too long", "range.too_many", _items(lambda items: items[:4]), "images",
         "images"),
        ("last-item-unchecked", "checks the first item only", "type.integer_for_string",
         _items(lambda items: [*items[:1], *items[:1] * (len(items) - 1)]), "images", "images[1]"),
        ("key-filled", "fills in a missing key", "required.missing", _elements(lambda one: {"tag": "x", **one}),
         "elements", "elements[0].tag"),
        ("range-clamped", "clamps a nested number", "range.above", _elements(_clamped), "elements",
         "elements[0].weight"),
        ("set-folded", "accepts a nested value in any case", "enum.unknown", _elements(_folded), "elements",
         "elements[0].kind"),
        ("deep-cast", "cuts the fraction of a number three levels deep", "type.number_for_integer",
         _elements(_whole_box), "elements", "elements[0].box.left"),
        ("set-rounded", "rounds to the next number of a set", "enum.unknown",
         lambda _, value: 8 if value in (6, 10) else value, "seconds", "seconds"),
        ("any-form", "ignores a value of no form", "type.no_member",
         lambda parameter, value: value if accepts(parameter, value) else OMITTED, "palette", "palette"),
    ):  # fmt: skip
        yield _mutant(name, does, breaks, lax(repair, field), place)


def _strict() -> Iterator[Mutant]:
    for name, does, breaks, field, refuses in (
        ("fewest-refused", "refuses the fewest items", "range.at_fewest", "images", lambda value: len(value) == 2),
        ("most-refused", "refuses the most items", "range.at_most", "images", lambda value: len(value) == 4),
        ("form-refused", "refuses one form", "union.each", "palette", lambda value: "members" in value),
    ):
        sent = partial(_sends, refuses)
        yield _mutant(name, does, breaks, picky(sent, field), field)


def _sends(holds: Callable[[Any], bool], _: Model, parameter: Parameter, payload: Payload) -> bool:
    value = payload.get(parameter.name)
    return isinstance(value, list | dict) and holds(value)


def _conditions() -> Iterator[Mutant]:
    def made(name: str, does: str, breaks: str, make: Callable[[], Fault], field: str) -> Mutant:
        return Mutant(f"condition-{name}", does, f"condition.{breaks}", make, NESTED, field)

    def without(payload: Payload, name: str) -> Payload:
        return {key: value for key, value in payload.items() if key != name}

    yield made(
        "none-accepted", "accepts neither of two parameters", "none",
        lambda: reads(lambda _, sent: sent if {"url", "data"} & sent.keys() else {**sent, "url": URL}), "data",
    )  # fmt: skip
    yield made(
        "both-accepted", "ignores the second of two parameters", "several",
        _without("data", unless=lambda sent: "url" not in sent), "data",
    )  # fmt: skip
    yield made(
        "time-without-fade", "ignores a parameter that another one switches off", "only_when",
        _without("fade_time", unless=lambda sent: sent.get("transition") == "fade"), "fade_time",
    )  # fmt: skip
    yield made(
        "last-without-first", "fills in a parameter that another one requires", "requires",
        lambda: reads(lambda _, sent: {"first_frame": URL, **sent} if "last_frame" in sent else sent), "first_frame",
    )  # fmt: skip
    yield made(
        "references-beside-frames", "ignores a parameter that another one excludes", "forbids",
        _without("references", unless=lambda sent: "last_frame" not in sent), "references",
    )  # fmt: skip
    yield made(
        "quality-too-high", "ignores a value that another one excludes", "forbids_value",
        lambda: reads(lambda _, sent: without(sent, "quality") if sent.get("seconds") == 8 else sent), "quality",
    )  # fmt: skip
    yield made(
        "quality-never-high", "refuses a value whatever the others are", "kept",
        lambda: picky(lambda _m, _p, sent: sent.get("quality") == "1080p" and sent.get("seconds") == 4), "quality",
    )  # fmt: skip


def nested_mutants() -> Iterator[Mutant]:
    """Yields the faults of nested parts, unions and conditions."""
    for family in (_parts, _types, _strict, _conditions):
        yield from family()
