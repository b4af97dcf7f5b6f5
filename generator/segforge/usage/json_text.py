"""JSON that stands as text in code, with the position of each name. Parts that the code doesn't show are NUL."""

import json
import re
from typing import Any, Final

from segforge.usage.shown import UNSEEN, CodeText, Entries, Entry, Position, Shown, number

HIDDEN_PART: Final = "\0"
"""Stands in a text for a part that the code doesn't show."""
_MAX_DEPTH: Final = 40
_TOKEN: Final = re.compile(
    r"""\s*+(?:(?P<text>"(?:[^"\\]|\\.)*+")|(?P<number>-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)"""
    r"""|(?P<word>true|false|null)|(?P<mark>[][{},:])|(?P<hidden>\0++))""",
    re.DOTALL,
)
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}


class _NotJson(Exception):
    pass


def read_json(text: CodeText) -> Shown:
    """Returns the value of a JSON text; UNSEEN if it isn't JSON."""
    reader = _JsonText(text)
    try:
        value = reader.value(0)
        reader.end()
    except (_NotJson, ValueError):
        return UNSEEN
    return value


class _JsonText:
    def __init__(self, text: CodeText) -> None:
        self._text = text
        self._at = self._start = 0

    def value(self, depth: int) -> Shown:
        if depth > _MAX_DEPTH:
            raise _NotJson
        kind, mark = self._next()
        if kind == "text":
            return UNSEEN if HIDDEN_PART in mark else json.loads(mark, strict=False)
        if kind == "number":
            return number(json.loads(mark)) if len(mark) < 40 else UNSEEN
        if kind == "word":
            return _WORDS[mark]  # type: ignore[no-any-return]
        if kind == "hidden":
            return UNSEEN
        if mark == "{":
            return self._object(depth)
        if mark == "[":
            return self._array(depth)
        raise _NotJson

    def _object(self, depth: int) -> Entries:
        opened = self._position()
        entries: list[Entry] = []
        whole = True
        while True:
            kind, mark = self._next()
            if mark == "}":
                return Entries(tuple(entries), opened, whole)
            at = self._position()
            if kind == "hidden":  # a part such as `$EXTRA` may hold any entries
                whole = False
            elif kind == "text":
                self._expect(":")
                value = self.value(depth + 1)
                if HIDDEN_PART in mark:
                    whole = False
                else:
                    entries = [one for one in entries if one.name != json.loads(mark, strict=False)]
                    entries.append(Entry(json.loads(mark, strict=False), value, at))
            else:
                raise _NotJson
            if self._peek() == "}":
                continue
            if self._peek() == "," or kind != "hidden":
                self._expect(",")

    def _array(self, depth: int) -> Shown:
        items: list[Any] = []
        if self._peek() == "]":
            self._next()
            return items
        while True:
            items.append(self.value(depth + 1))
            _, mark = self._next()
            if mark == "]":
                return items
            if mark != ",":
                raise _NotJson

    def end(self) -> None:
        if self._text[self._at :].strip():
            raise _NotJson

    def _peek(self) -> str:
        found = _TOKEN.match(self._text, self._at)
        return found[found.lastgroup or 0] if found else ""

    def _expect(self, wanted: str) -> None:
        if self._next()[1] != wanted:
            raise _NotJson

    def _next(self) -> tuple[str, str]:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise _NotJson
        self._at, self._start = found.end(), found.start(found.lastgroup)
        return found.lastgroup, found[found.lastgroup]

    def _position(self) -> Position:
        """Returns the position of the last token, or that of the text if it doesn't stand in the file as it is."""
        locate = self._text.locate
        return locate(self._start) if locate is not None else self._text.position
