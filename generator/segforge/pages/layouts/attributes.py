"""Reads the oldest layout: `Attributes`, then `stepsint ( default: 20 ) Affects Pricing`, `min : 1,`, `max : 50`.

These pages also print `default: 1` for false, 0, an empty string and null, so such a default is undecided.
"""

import json
import re
from collections.abc import Sequence
from typing import Final

from segforge.pages.layouts.labels import LABEL, labelled
from segforge.pages.layouts.numbers import has_lost_digit, number_of
from segforge.pages.layouts.parameters import with_sample
from segforge.pages.layouts.sample import Sample
from segforge.pages.page import CERTAIN, CONVENTION, LIKELY, Fact, PageParameter, Undecided, Value
from segforge.pages.source.document import Document, Line, joined
from segforge.spec.printable import show

_TYPES: Final = {
    "str": "string", "string": "string", "int": "integer", "integer": "integer", "float": "number", "number": "number",
    "bool": "boolean", "boolean": "boolean", "list": "array", "array": "array", "dict": "object", "object": "object",
    "image": "string", "file": "string",
}  # fmt: skip
MAX_HEADER: Final = 3_000
_WORD = "|".join(sorted(_TYPES, key=len, reverse=True))
_HEADER = re.compile(
    rf"(?P<name>\S.*?)\s*(?P<enum>enum\s*:\s*)?(?P<type>{_WORD}|Array)(?P<required>\s*\*)?"
    r"(?:\s*\( default: ?(?P<default>.*?) ?\))?(?P<star>\s*\*)?(?P<pricing>\s*Affects Pricing)?"
)
_BOUND = re.compile(r"(min|max)\s*:\s*(-?\d+(?:\.\d+)?)\s*,?")
_ALLOWED = re.compile(r"Allowed values\s*:\s*(.*)")
_STANDS_FOR: Final[dict[str, tuple[Value, ...]]] = {
    "boolean": (True, False, None),
    "integer": (1, 0, None),
    "number": (1, 0, None),
    "string": ("1", "", None),
}


def read_attributes(document: Document, start: int, end: int, samples: Sequence[Sample]) -> tuple[PageParameter, ...]:
    """Returns the parameters between two offsets of a page in the oldest layout."""
    keys = {key for sample in samples for key in sample.payload}
    blocks: list[tuple[re.Match[str], Line, list[Line]]] = []
    described = True
    for line in document.lines(start, end):
        match = _header(line.text, keys) if described else None
        if match is not None:
            blocks.append((match, line, []))
            described = False
        elif blocks:
            blocks[-1][2].append(line)
            described = True
    return tuple(_parameter(document, match, line, rest, samples) for match, line, rest in blocks)


def _header(text: str, keys: set[str]) -> re.Match[str] | None:
    """Returns the header on a line, or None. Prose that ends in the name of a type is not a header."""
    match = _HEADER.fullmatch(text) if len(text) <= MAX_HEADER else None
    if match is None or _BOUND.fullmatch(text):
        return None
    if match["name"] in keys:
        return match
    return None if re.search(r"\s", match["name"]) else match


def _parameter(
    document: Document, match: re.Match[str], line: Line, rest: list[Line], samples: Sequence[Sample]
) -> PageParameter:
    type_ = _TYPES[match["type"].lower()]
    span = document.span(line.start, line.end)
    star = bool(match["required"] or match["star"])
    facts = {
        "required": Fact(star, span, CERTAIN if star else LIKELY, "marked with *" if star else "not marked with *"),
        "type": Fact(
            type_,
            document.span(line.start + match.start("type"), line.start + match.end("type")),
            LIKELY,
            "joined to the name",
        ),
    }
    if match["pricing"]:
        place = document.span(line.start + match.start("pricing"), line.end)
        facts["affects_price"] = Fact(True, place, CERTAIN, "labelled")
    if match["type"] in ("image", "file"):
        kind = "image" if match["type"] == "image" else "any"
        facts["file"] = Fact(kind, facts["type"].span, LIKELY, "the type")
    if match["enum"]:
        facts["enum_lost"] = Fact(True, facts["type"].span, CERTAIN, "the type is an enum")
    undecided: dict[str, Undecided] = {}
    if match["default"] is not None:
        _default(document, match, line, type_, facts, undecided)
    _details(document, rest, type_, bool(match["enum"]), facts, undecided)
    name = document.span(line.start, line.start + match.end("name"))
    text = document.text[line.start : (rest or [line])[-1].end]
    return with_sample(document, PageParameter(match["name"], name, facts, undecided, text=text), samples)


def _default(
    document: Document,
    match: re.Match[str],
    line: Line,
    type_: str,
    facts: dict[str, Fact],
    undecided: dict[str, Undecided],
) -> None:
    text = match["default"]
    span = document.span(line.start + match.start("default"), line.start + match.end("default"))
    if text == "1":
        why = "pages of this layout also print 1 for false, 0, empty and null"
        undecided["default"] = Undecided(_STANDS_FOR.get(type_, (1, None)), span, why)
        return
    value = _value(text, type_)
    if text in ("None", "null"):
        undecided["default"] = Undecided((None, text), span, "pages of this layout print strings without quotes")
    elif value is None or has_lost_digit(text):
        undecided["default"] = Undecided((text,), span, f"not of type {type_}")
    else:
        facts["default"] = Fact(value, span, LIKELY, "labelled, not in quotes")


def _value(text: str, type_: str) -> Value:
    """Returns the value in a text of this layout, which prints strings without quotes, or None."""
    if type_ in ("integer", "number"):
        return number_of(text)
    if type_ == "boolean":
        return {"true": True, "false": False, "0": False}.get(text.lower())
    if type_ in ("array", "object"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None
    return text


def _details(
    document: Document,
    rest: list[Line],
    type_: str,
    enum: bool,
    facts: dict[str, Fact],
    undecided: dict[str, Undecided],
) -> None:
    """Reads the description, range and allowed values from the lines below a header."""
    bounds: list[tuple[str, Line, Value]] = []
    prose: list[Line] = []
    values: list[Line] = []
    listing = False
    for index, line in enumerate(rest):
        if index and (match := _BOUND.fullmatch(line.text)) and type_ in ("integer", "number"):
            bounds.append((match[1], line, number_of(match[2])))
        elif index and (match := _ALLOWED.fullmatch(line.text)):
            listing = True
            values += [Line(match[1], line.start + match.start(1))] if match[1] else []
        elif listing:
            values.append(line)
        else:
            prose.append(line)
    first = next((index for index in range(1, len(prose)) if LABEL.search(prose[index].text)), len(prose))
    prose, lost = prose[:first], prose[first:]
    if prose:
        facts["description"] = Fact(
            joined(prose), document.span(prose[0].start, prose[-1].end), LIKELY, "the text below"
        )
    _bounds(document, bounds, facts, undecided)
    if listing or enum:
        _allowed(document, values, rest, type_, facts, undecided)
    for line in lost:
        for key in labelled(line.text) or ():
            candidates = (facts.pop(key).value,) if key in facts else ()
            span = document.span(line.start, line.end)
            undecided.setdefault(key, Undecided(candidates, span, f"{show(line.text)} could not be read"))


def _bounds(
    document: Document, bounds: list[tuple[str, Line, Value]], facts: dict[str, Fact], undecided: dict[str, Undecided]
) -> None:
    labels = [label for label, _, _ in bounds]
    for number, (label, line, value) in enumerate(bounds, start=1):
        key = {"min": "minimum", "max": "maximum"}[label]
        span = document.span(line.start, line.end)
        if value is None or has_lost_digit(line.text.partition(":")[2].strip(" ,")):
            undecided[key] = Undecided((), span, f"{show(line.text)} has no number in JSON notation")
        elif labels.count(label) == 1:
            # A digit may have replaced the blank after the colon, or the comma after all bounds but the last.
            uneven = re.search(r":\d", line.text) or (number < len(bounds) and not line.text.rstrip().endswith(","))
            facts[key] = Fact(value, span, CONVENTION if uneven else CERTAIN, "labelled")
    if labels == ["min", "min"]:
        (_, first, low), (_, second, high) = bounds
        why = "two lines are labelled min; the second may mean max"
        undecided["minimum"] = Undecided((low, high), document.span(first.start, first.end), why)
        undecided["maximum"] = Undecided((high,), document.span(second.start, second.end), why)


def _allowed(
    document: Document,
    values: list[Line],
    rest: list[Line],
    type_: str,
    facts: dict[str, Fact],
    undecided: dict[str, Undecided],
) -> None:
    place = (values or rest)[-1:]
    span = document.span(place[0].start, place[0].end) if place else facts["type"].span
    if not values:
        undecided["enum"] = Undecided((), span, "no value follows the label of allowed values")
        return
    texts = [
        part.strip()
        for line in values
        for part in (line.text.split(",") if len(values) == 1 else [line.text.rstrip(",")])
    ]
    known = [_value(text.strip("\"'"), type_) for text in texts if text]
    span = document.span(values[0].start, values[-1].end)
    if not known or any(value is None for value in known):
        undecided["enum"] = Undecided((texts,), span, f"not all values are of type {type_}")
        return
    facts["enum"] = Fact(known, span, CONVENTION, "the lines below `Allowed values`")
    facts["enum_total"] = Fact(len(known), span, CONVENTION, "the number of values shown")
