"""Finds what a damaged text leaves of a name, a label or a value: an exact part with one character wrong beside it."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from segforge.pages.layouts.labels import LABEL

_FLAGS: Final = ("required", "optional")
_TYPES: Final = "string|integer|number|boolean|object|array|float|any|file"
_SHORT_TYPES: Final = (
    "enum",
    "str",
    "int",
    "float",
    "number",
    "bool",
    "list",
    "array",
    "dict",
    "object",
    "image",
    "file",
)
_SHORT_HEADER: Final = rf"(?:enum\s*:\s*)?(?:{'|'.join(_SHORT_TYPES[1:])})(?:ing|eger|ean)?(?=\s*(?:[(*]|Affects|$))"
"""The oldest layout's types after a name, and what follows them."""
_HEADER: Final = re.compile(rf"(?:required|optional)\s*(?:{_TYPES})")
_WORD_AND_VALUE: Final = re.compile(r"([^\W\d_]+)\s*[^\w\s\"]?\s*(?=[-+\d\"]|true|false|null)")
_TWO_NUMBERS: Final = re.compile(r"(?<![\w.])-?\d[\d.,]*\s+\S?\s*-?\d")
_LABELS: Final = {
    "default": ("default",),
    "minimum": ("range", "min"),
    "maximum": ("range", "max"),
    "enum": ("allowed", "values", "enum", "total"),
    "format": (),
}


_EMPTY: Final = re.compile(r'(?<![^\s>:])""(?![^\s<])')


def spelled(value: Any) -> str:
    """A value as pages print it: JSON, whole numbers without a point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def is_one_edit(old: str, new: str) -> bool:
    """Whether a text is another one with one character deleted, doubled or replaced."""
    if old == new or abs(len(old) - len(new)) > 1:
        return False
    start = next(
        (at for at, (one, two) in enumerate(zip(old, new, strict=False)) if one != two), min(len(old), len(new))
    )
    if len(old) == len(new):
        return old[start + 1 :] == new[start + 1 :]
    if len(old) > len(new):
        return old[start + 1 :] == new[start:]
    return old[start:] == new[start + 1 :] and new[start] in (new[start - 1 : start], new[start + 1 : start + 2])


def _fuzzy(word: str) -> str:
    """A pattern for a word with one character lost, doubled or replaced."""
    pieces = (f"{re.escape(word[:at])}.?.?{re.escape(word[at + 1 :])}" for at in range(len(word)))
    return "|".join([re.escape(word), *pieces])


_VALUE_FOLLOWS: Final = r"\s*[^\w\s\"]?(?=\s*[-+\d\"\[{]|\s*(?:true|false|null))"
_DAMAGED_LABELS: Final = {
    key: re.compile(rf"(?i)(?<![^\W\d_])(?:{'|'.join(map(_fuzzy, long))}){_VALUE_FOLLOWS}")
    for key, labels in _LABELS.items()
    if (long := [one for one in labels if len(one) > 4])
}
"""Labels with a character that is no letter in them; of short ones, too little would be left."""
_FUZZY_SHORT: Final = "|".join(map(_fuzzy, _SHORT_TYPES))
_FUZZY_FLAG: Final = "|".join(map(_fuzzy, _FLAGS))


def trace(name: str, listing: str, known: Iterable[str]) -> bool:
    """Whether a list still shows a parameter's name: on a line, before a flag or a type, or damaged before a flag.

    Places that belong to a longer name that is `known` do not count.
    """
    own = re.escape(name)
    exact = re.compile(
        rf"(?m)^\s*{own}\s*$|{own}\s*(?:{_FUZZY_FLAG})|{own}\s*.?\s*(?:{_TYPES})\b"
        rf"|^\s*{own}\S?(?:{_FUZZY_SHORT})|{own}.?{_SHORT_HEADER}"
    )
    longer = [one for one in known if one != name and name in one]
    for match in exact.finditer(listing):
        at = listing.index(name, match.start())
        if not any(_covers(one, name, listing, at) for one in longer):
            return True
    damaged = (
        re.compile(rf"(?m)(?<!\w)(?:{_fuzzy(name)})(?:\s*(?:required|optional)|{_SHORT_HEADER})")
        if len(name) > 2
        else None
    )
    return damaged is not None and any(
        not any(match[0].startswith(one) for one in known) for match in damaged.finditer(listing)
    )


def _covers(longer: str, name: str, listing: str, at: int) -> bool:
    """Whether a name that stands at an offset of a list is a part of a longer one there."""
    starts = (at - part.start() for part in re.finditer(re.escape(name), longer))
    return any(start >= 0 and listing.startswith(longer, start) for start in starts)


def headers(listing: str) -> int:
    """How many places of a list look like the beginning of a parameter: a flag with a type after it."""
    return len(_HEADER.findall(listing))


def _is_line_of(number: str, line: str) -> bool:
    """Whether a line holds a number and not much else, under no label that is whole."""
    rest = re.split(rf"(?<![\d.]){re.escape(number)}(?![\d.])", line)
    return len(rest) == 2 and len("".join(rest).strip()) < 9 and LABEL.match(line.lstrip()) is None


def residue(text: str, key: str, old: Any) -> str:
    """Why a fact may not be gone from a parameter's text: what is left of its label or value; empty if nothing is."""
    one_value = key == "enum" and len(old) == 1
    for match in _WORD_AND_VALUE.finditer(text):
        word = match[1].lower()
        if not one_value and any(word == label or is_one_edit(label, word) for label in _LABELS[key]):
            return f"{match[1]!r} may be its label"
    if not one_value and key in _DAMAGED_LABELS and (damaged := _DAMAGED_LABELS[key].search(text)):
        return f"{damaged[0]!r} may be its label"
    if key in ("minimum", "maximum") and _TWO_NUMBERS.search(text):
        return "two numbers that may be the range still stand there"
    if key in ("minimum", "maximum") and any(_is_line_of(spelled(old), line) for line in text.splitlines()):
        return f"a line with {spelled(old)} still stands there"
    if old == "" and _EMPTY.search(text):
        return '"" still stands there'
    values = old["known"] if key == "enum" else [old] if key != "format" else []
    for value in values:
        bare = re.escape(spelled(value).strip('"'))
        quoted = rf'"{bare}(?!\w)|(?<!\w){bare}"' if isinstance(value, str) else rf"(?<![\w.]){bare}(?![\d.])"
        if len(spelled(value)) < 2 and key == "enum":
            return "a single character may be lost"
        if bare and key in ("default", "enum") and re.search(quoted, text):
            return f"{spelled(value)} still stands there"
    return ""
