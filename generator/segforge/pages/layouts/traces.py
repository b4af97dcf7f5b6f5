"""Finds the remains of names, labels and values in damaged text: exact text beside one wrong character."""

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
"""A type after a name in the oldest layout, and the text that follows the type."""
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
    """Returns a value as pages print it: JSON, with whole numbers without a decimal point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def is_one_edit(old: str, new: str) -> bool:
    """Returns whether two texts differ in one character that was deleted, doubled or replaced."""
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
    """Returns a pattern for a word in which one character may be deleted, doubled or replaced."""
    pieces = (f"{re.escape(word[:at])}.?.?{re.escape(word[at + 1 :])}" for at in range(len(word)))
    return "|".join([re.escape(word), *pieces])


_VALUE_FOLLOWS: Final = r"\s*[^\w\s\"]?(?=\s*[-+\d\"\[{]|\s*(?:true|false|null))"
_DAMAGED_LABELS: Final = {
    key: re.compile(rf"(?i)(?<![^\W\d_])(?:{'|'.join(map(_fuzzy, long))}){_VALUE_FOLLOWS}")
    for key, labels in _LABELS.items()
    if (long := [one for one in labels if len(one) > 4])
}
"""Patterns of damaged labels before a value. Labels of up to four letters are omitted, as too little would remain."""
_FUZZY_SHORT: Final = "|".join(map(_fuzzy, _SHORT_TYPES))
_FUZZY_FLAG: Final = "|".join(map(_fuzzy, _FLAGS))


def trace(name: str, listing: str, known: Iterable[str]) -> bool:
    """Returns whether a list still contains a parameter's name: on a line, before a flag or type, or damaged.

    Places inside a longer name of `known` don't count.
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
    """Returns whether a name at an offset of a list is part of a longer name there."""
    starts = (at - part.start() for part in re.finditer(re.escape(name), longer))
    return any(start >= 0 and listing.startswith(longer, start) for start in starts)


def headers(listing: str) -> int:
    """Returns how many places in a list look like the start of a parameter: a flag followed by a type."""
    return len(_HEADER.findall(listing))


def _is_line_of(number: str, line: str) -> bool:
    """Returns whether a line contains a number and little else, without an intact label at its start.

    The number may stand there twice: a digit that replaced a letter of the label can be the same one.
    """
    rest = re.split(rf"(?<![\d.]){re.escape(number)}(?![\d.])", line)
    return len(rest) in (2, 3) and len("".join(rest).strip()) < 9 and LABEL.match(line.lstrip()) is None


def residue(text: str, key: str, old: Any) -> str:
    """Returns the reason why a fact may still be in a parameter's text, or an empty string if no trace is left."""
    one_value = key == "enum" and len(old) == 1
    for match in _WORD_AND_VALUE.finditer(text):
        word = match[1].lower()
        if not one_value and any(word == label or is_one_edit(label, word) for label in _LABELS[key]):
            return f"{match[1]!r} may be its label"
    if not one_value and key in _DAMAGED_LABELS and (damaged := _DAMAGED_LABELS[key].search(text)):
        return f"{damaged[0]!r} may be its label"
    if key in ("minimum", "maximum") and _TWO_NUMBERS.search(text):
        return "two numbers that may be the range are still there"
    if key in ("minimum", "maximum") and any(_is_line_of(spelled(old), line) for line in text.splitlines()):
        return f"a line with {spelled(old)} is still there"
    if old == "" and _EMPTY.search(text):
        return '"" is still there'
    values = old["known"] if key == "enum" else [old] if key != "format" else []
    for value in values:
        bare = re.escape(spelled(value).strip('"'))
        quoted = rf'"{bare}(?!\w)|(?<!\w){bare}"' if isinstance(value, str) else rf"(?<![\w.]){bare}(?![\d.])"
        if len(spelled(value)) < 2 and key == "enum":
            return "a single character may be lost"
        if bare and key in ("default", "enum") and re.search(quoted, text):
            return f"{spelled(value)} is still there"
    return ""
