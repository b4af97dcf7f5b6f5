"""Splits the text after a parameter's description into tokens: one default, one list of values, one range."""

import json
import re
from dataclasses import dataclass, field
from typing import Final

from segforge.pages.layouts.numbers import number_of
from segforge.pages.page import CERTAIN, Value

_SPACE = re.compile(r"\s*")
_DEFAULT = re.compile(r"(?i:default)\s*:[ \t]*\n?\s*")
_ALLOWED = re.compile(r"(?i:(?:allowed|possible) values)\s*(?:\((\d{1,6}) total\))?\s*:\s*")
_GROUPED = r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![.,]?\d)"
_PLAIN = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]\d+)?(?![.,]?\d)"
_RANGE = re.compile(rf"(?i:range)\s*:\s*({_GROUPED}|{_PLAIN})\s*(?:-|\u2013|to)\s*({_GROUPED}|{_PLAIN})")
_LABELLED_NUMBER = re.compile(rf"{_GROUPED}|\+{_PLAIN}")
_CURLY = re.compile("\u201c([^\u201c\u201d\n]*)\u201d")
_MORE = re.compile(r"\+\s?(\d{1,6}) more")
_TEXT = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_NUMBERS = re.compile(r"-?\d[-\d.]*(?:[eE][-+]\d+)?")
_WORD = re.compile(r"true|false|null")
_NEST = re.compile(
    r"(?:(?P<items>Array items|Items)|(?P<properties>Object properties|Properties)|(?P<members>One of|Any of))"
    r"\s*:(?=\s|\w|$)"
)
_VALUE_LABEL = re.compile(r"(?P<label>[^\s\"][^\"\n]{0,99}?)[ \t]*\n?[ \t]*(?=\")")
_NO_LABEL = re.compile(r"(?i:required|optional)\s*(?i:string|integer|number|boolean|object|array|any|file|float)|:\s*$")
"""Text that is the start of a parameter, or a label of a fact, and so never the label of a value."""
_AFTER_WORD = re.compile(r"(?=[\s\",|+]|true|false|null|$)")
_AFTER_VALUE = re.compile(r"(?=[\s\",|+]|(?i:range)\s*:|Array items|One of|$)")
_AFTER_TEXT = re.compile(r"[ \t]*(?:\n|$|(?i:range|allowed|possible))")
_COMMA = re.compile(r"\s*[,|]\s*")
_RAW = re.compile(r"[^\n]+")

_QUOTES: Final = "\"'`\u201c\u201d\u2018\u2019"
MAX_VALUES: Final = 5_000
KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}
UNEVEN: Final = "labelled, but spaced unevenly; a blank may have replaced a digit"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Mark:
    """A value with its place in the document's text, its confidence, and the reason for the confidence."""

    value: Value
    start: int
    end: int
    confidence: float = CERTAIN
    why: str = "labelled"


@dataclass
class Values:
    """The facts and open questions that were read, by name, and the offset at which reading stopped."""

    facts: dict[str, Mark] = field(default_factory=dict)
    open: dict[str, tuple[tuple[Value, ...], int, int, str]] = field(default_factory=dict)
    stop: int = 0
    labelled: bool = False
    nests: str = ""
    """What follows: `items`, `properties` or `members`, if the text ends in a label such as `Array items:`."""

    def __bool__(self) -> bool:
        return bool(self.facts or self.open or self.nests)


@dataclass(frozen=True)
class Token:
    """A value as the page prints it: its kind, its value, and its place in the text."""

    kind: str
    value: Value
    start: int
    end: int


class Scan:
    """Collects tokens in the order of the layouts: one default, one list of values, one range."""

    def __init__(self, text: str, end: int, type_: str, *, bare: bool, loose: bool) -> None:
        self.text, self.end, self.type, self.allow_bare, self.loose = text, end, type_, bare, loose
        self.default: Token | None = None
        self.bare: list[Token] = []
        self.allowed: list[Token] = []
        self.labels: list[str] = []
        """The labels of the allowed values. Either all values have one, or none."""
        self.total: Token | None = None
        self.label: Token | None = None
        self.more: Token | None = None
        self.range: tuple[Token, Token] | None = None

    def run(self, start: int) -> Values:
        """Collects tokens from `start` on. Returns where they end, and whether labels or nesting were found."""
        values = Values()
        at = values.stop = start
        while True:
            at = self._blank(at)
            if match := _NEST.match(self.text, at, self.end):
                values.nests = str(match.lastgroup)
                values.stop = match.end()
                return values
            after = self._labelled(at)
            if after is not None:
                values.labelled = values.labelled or self.default is not None or self.label is not None
            elif self.allow_bare:
                after = self._bare(at)
            if after is None or after <= at:
                return values
            at = values.stop = after

    def _blank(self, at: int) -> int:
        match = _SPACE.match(self.text, at, self.end)
        return match.end() if match else at

    def _labelled(self, at: int) -> int | None:
        if self.default is None and not self.bare and (match := _DEFAULT.match(self.text, at, self.end)):
            token = self._curly(match.end()) or self._number(match.end()) or self._value(match.end(), whole=True)
            if token is None or (self.type == "string" and token.kind in ("numbers", "word") and self._goes_on(token)):
                token = self._raw(match.end())
            self.default = token
            return token.end if token else None
        if self.label is None and (match := _ALLOWED.match(self.text, at, self.end)):
            self.label = Token("label", None, match.start(), match.end())
            if match[1]:
                self.total = Token("number", int(match[1]), match.start(1), match.end(1))
            return self._list(match.end())
        if self.range is None and (match := _RANGE.match(self.text, at, self.end)):
            if any(number_of(_spelled(match[i])) is None for i in (1, 2)):
                return None
            low, high = (Token("number", number_of(_spelled(match[i])), match.start(i), match.end(i)) for i in (1, 2))
            self.range = low, high
            return match.end()
        return None

    def _list(self, at: int) -> int:
        stop = at
        while len(self.allowed) < MAX_VALUES and (token := self._entry(self._blank(at))):
            if token.kind == "word" and not _AFTER_WORD.match(self.text, token.end, self.end):
                break
            self.allowed.append(token)
            at = stop = token.end
            comma = _COMMA.match(self.text, at, self.end)
            at = comma.end() if comma else at
        if match := _MORE.match(self.text, self._blank(stop), self.end):
            self.more = Token("number", int(match[1]), match.start(), match.end())
            stop = match.end()
        return stop

    def _entry(self, at: int) -> Token | None:
        """Returns the allowed value at an offset, or None. If the first one has a label, all others need one too."""
        token = self._curly(at) or self._value(at)
        if (token is not None and token.kind == "text" and not self.labels) or (self.allowed and not self.labels):
            return token
        match = _VALUE_LABEL.match(self.text, at, self.end) if self.type.startswith("string") else None
        if match is None or _NO_LABEL.search(match["label"]):
            return None if self.labels else token
        value = self._value(match.end())
        if value is None or value.kind != "text" or not value.value:
            return None if self.labels else token
        self.labels.append(match["label"])
        return value

    def _bare(self, at: int) -> int | None:
        if self.range is not None or self.label is not None or self.more is not None or len(self.bare) > MAX_VALUES:
            return None
        if self.default is None and (match := _MORE.match(self.text, at, self.end)) and self.bare:
            self.more = Token("number", int(match[1]), match.start(), match.end())
            return match.end()
        token = None if self.default is not None else self._value(at)
        if token is None or (token.kind == "word" and (self.bare or not self._word_fits(token))):
            return None
        if token.kind == "numbers" and self.type in ("string", "boolean"):
            return None
        if (
            token.kind in ("numbers", "word")
            and not self.loose
            and not _AFTER_VALUE.match(self.text, token.end, self.end)
        ):
            return None
        if token.kind == "text" and self.type in ("integer", "number", "boolean") and self.bare:
            return None
        self.bare.append(token)
        return token.end

    def _word_fits(self, token: Token) -> bool:
        return token.value is None or self.type == "boolean"

    def _value(self, at: int, *, whole: bool = False) -> Token | None:
        """Returns the JSON value at an offset, or None. Joined numbers are one token of kind `numbers`."""
        text, end = self.text, self.end
        if match := _TEXT.match(text, at, end):
            try:
                return Token("text", json.loads(match[0]), at, match.end())
            except ValueError:
                return Token("text", match[0][1:-1], at, match.end())
        if match := _WORD.match(text, at, end):
            return Token("word", {"true": True, "false": False, "null": None}[match[0]], at, match.end())
        if match := _NUMBERS.match(text, at, end):
            run = match[0].rstrip("-.")
            return Token("numbers", run, at, at + len(run)) if run else None
        if text[at : at + 1] in ("[", "{") and (whole or self.type not in KINDS):
            try:
                value, stop = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                return None
            return Token("tree", value, at, stop) if stop <= end else None
        return None

    def _curly(self, at: int) -> Token | None:
        """Returns the text in curly quotes at an offset, or None. Only used after a label."""
        match = _CURLY.match(self.text, at, self.end)
        return Token("text", match[1], at, match.end()) if match else None

    def _number(self, at: int) -> Token | None:
        """Returns the number with a plus sign or separators at an offset, or None. Only used after a label."""
        match = _LABELLED_NUMBER.match(self.text, at, self.end) if self.type in ("integer", "number") else None
        return Token("numbers", _spelled(match[0]), at, match.end()) if match else None

    def _goes_on(self, token: Token) -> bool:
        """Returns whether an unquoted text continues after a token that looks like a number or a JSON literal."""
        return not self.loose and not _AFTER_TEXT.match(self.text, token.end, self.end)

    def _raw(self, at: int) -> Token | None:
        """Returns the unquoted text after `Default:`, up to the line's end or the next label, or None."""
        match = _RAW.match(self.text, at, self.end)
        if not match or self.type != "string" or self.loose or match[0][0] in _QUOTES:
            return None
        line = re.split(r"(?=(?i:range)\s*:|(?i:allowed values))", match[0], maxsplit=1)[0].rstrip()
        return Token("raw", line, at, at + len(line)) if line else None


def _spelled(text: str) -> str:
    """Returns a number in JSON notation: without a plus sign and thousands separators."""
    return text.replace(",", "").removeprefix("+")
