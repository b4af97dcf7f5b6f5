"""Reads what follows a parameter's description: default, allowed values and range, with labels or without.

A rendering may glue these to each other and to the next parameter's name. What that leaves open is reported as such.
"""

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Final

from segforge.pages.layouts.numbers import is_minus_zero, number_of, splits
from segforge.pages.page import CERTAIN, CONVENTION, LIKELY, Value

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
_NEST = re.compile(r"(?:Array items|Object properties|Items|Properties)\s*:(?=\s|\w)")
_AFTER_WORD = re.compile(r"(?=[\s\",|+]|true|false|null|$)")
_AFTER_VALUE = re.compile(r"(?=[\s\",|+]|(?i:range)\s*:|Array items|$)")
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
UNEVEN: Final = "labelled, but with uneven blanks, one of which may stand for a digit"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Mark:
    """A value with its place in the document's text, how sure it is, and why."""

    value: Value
    start: int
    end: int
    confidence: float = CERTAIN
    why: str = "labelled"


@dataclass
class Values:
    """What was read: facts and open questions by name, and where reading stopped."""

    facts: dict[str, Mark] = field(default_factory=dict)
    open: dict[str, tuple[tuple[Value, ...], int, int, str]] = field(default_factory=dict)
    stop: int = 0
    labelled: bool = False
    nests: bool = False

    def __bool__(self) -> bool:
        return bool(self.facts or self.open or self.nests)


@dataclass(frozen=True)
class _Token:
    kind: str
    value: Value
    start: int
    end: int


def read_values(
    text: str, start: int, end: int, type_: str, sample: Value = None, *, bare: bool = True, loose: bool = True
) -> Values:
    """Read as many values as there are from `start` on.

    `type_` is the parameter's, `sample` its value in the page's sample. `bare` allows values without a label, and
    `loose` those that run into a name.
    """
    scan = _Scan(text, end, type_, bare=bare, loose=loose)
    values = scan.run(start)
    _Meaning(scan, values, type_, sample).settle()
    return values


class _Scan:
    """Collects the tokens: one default, one list of values, one range, in the order that the layouts have."""

    def __init__(self, text: str, end: int, type_: str, *, bare: bool, loose: bool) -> None:
        self.text, self.end, self.type, self.allow_bare, self.loose = text, end, type_, bare, loose
        self.default: _Token | None = None
        self.bare: list[_Token] = []
        self.allowed: list[_Token] = []
        self.total: _Token | None = None
        self.label: _Token | None = None
        self.more: _Token | None = None
        self.range: tuple[_Token, _Token] | None = None

    def run(self, start: int) -> Values:
        values = Values()
        at = values.stop = start
        while True:
            at = self._blank(at)
            if match := _NEST.match(self.text, at, self.end):
                values.nests = True
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
            self.label = _Token("label", None, match.start(), match.end())
            if match[1]:
                self.total = _Token("number", int(match[1]), match.start(1), match.end(1))
            return self._list(match.end())
        if self.range is None and (match := _RANGE.match(self.text, at, self.end)):
            if any(number_of(_spelled(match[i])) is None for i in (1, 2)):
                return None
            low, high = (_Token("number", number_of(_spelled(match[i])), match.start(i), match.end(i)) for i in (1, 2))
            self.range = low, high
            return match.end()
        return None

    def _list(self, at: int) -> int:
        stop = at
        while len(self.allowed) < MAX_VALUES and (
            token := self._curly(self._blank(at)) or self._value(self._blank(at))
        ):
            if token.kind == "word" and not _AFTER_WORD.match(self.text, token.end, self.end):
                break
            self.allowed.append(token)
            at = stop = token.end
            comma = _COMMA.match(self.text, at, self.end)
            at = comma.end() if comma else at
        if match := _MORE.match(self.text, self._blank(stop), self.end):
            self.more = _Token("number", int(match[1]), match.start(), match.end())
            stop = match.end()
        return stop

    def _bare(self, at: int) -> int | None:
        if self.range is not None or self.label is not None or self.more is not None or len(self.bare) > MAX_VALUES:
            return None
        if self.default is None and (match := _MORE.match(self.text, at, self.end)) and self.bare:
            self.more = _Token("number", int(match[1]), match.start(), match.end())
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

    def _word_fits(self, token: _Token) -> bool:
        return token.value is None or self.type == "boolean"

    def _value(self, at: int, *, whole: bool = False) -> _Token | None:
        """A JSON value. Glued numbers are one token of kind `numbers`."""
        text, end = self.text, self.end
        if match := _TEXT.match(text, at, end):
            try:
                return _Token("text", json.loads(match[0]), at, match.end())
            except ValueError:
                return _Token("text", match[0][1:-1], at, match.end())
        if match := _WORD.match(text, at, end):
            return _Token("word", {"true": True, "false": False, "null": None}[match[0]], at, match.end())
        if match := _NUMBERS.match(text, at, end):
            run = match[0].rstrip("-.")
            return _Token("numbers", run, at, at + len(run)) if run else None
        if text[at : at + 1] in ("[", "{") and (whole or self.type not in KINDS):
            try:
                value, stop = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                return None
            return _Token("tree", value, at, stop) if stop <= end else None
        return None

    def _curly(self, at: int) -> _Token | None:
        """A text in the quotes of a word processor; below a label only."""
        match = _CURLY.match(self.text, at, self.end)
        return _Token("text", match[1], at, match.end()) if match else None

    def _number(self, at: int) -> _Token | None:
        """A number with a plus or with thousands separators; below a label, where no string is due."""
        match = _LABELLED_NUMBER.match(self.text, at, self.end) if self.type in ("integer", "number") else None
        return _Token("numbers", _spelled(match[0]), at, match.end()) if match else None

    def _goes_on(self, token: _Token) -> bool:
        """Whether a text without quotes only begins with what looks like a number or a word of JSON."""
        return not self.loose and not _AFTER_TEXT.match(self.text, token.end, self.end)

    def _raw(self, at: int) -> _Token | None:
        """What follows `Default:` unquoted, to the line's end or the next label."""
        match = _RAW.match(self.text, at, self.end)
        if not match or self.type != "string" or self.loose or match[0][0] in _QUOTES:
            return None
        line = re.split(r"(?=(?i:range)\s*:|(?i:allowed values))", match[0], maxsplit=1)[0].rstrip()
        return _Token("raw", line, at, at + len(line)) if line else None


class _Meaning:
    """Decides what the tokens mean, or says that it can't."""

    def __init__(self, scan: _Scan, values: Values, type_: str, sample: Value) -> None:
        self.scan, self.values, self.type, self.sample = scan, values, type_, sample

    def settle(self) -> None:
        if self.scan.range is not None:
            low, high = self.scan.range
            gap = self.scan.text[low.end : high.start]
            sure, why = self._tidy(low.start, high.end)
            numbers = [self.scan.text[one.start : one.end] for one in (low, high)]
            if len(gap.lstrip()) != len(gap.rstrip()) or any(map(is_minus_zero, numbers)):
                sure, why = CONVENTION, UNEVEN
            for key, token in (("minimum", low), ("maximum", high)):
                self.values.facts[key] = Mark(token.value, token.start, token.end, sure, why)
        if self.scan.default is not None:
            self._default(self.scan.default)
        elif self.scan.bare:
            self._unlabelled()
        if self.scan.label is not None:
            self._enum(self.scan.allowed, labelled=True)

    def _default(self, token: _Token) -> None:
        if token.kind == "numbers":
            whole = number_of(token.value)
            if whole is None or is_minus_zero(token.value):
                self._ask("default", (), token, "digits that are no number")
            else:
                self._fact("default", whole, token, *self._tidy(token.start, token.end))
        elif token.kind == "raw":
            self._fact("default", token.value, token, CONVENTION, "labelled, but not in quotes")
        else:
            self._fact("default", token.value, token)

    def _tidy(self, start: int, end: int) -> tuple[float, str]:
        """How sure labelled numbers are: a blank too many beside them may stand for a digit."""
        before, after = self.scan.text[start - 2 : start], self.scan.text[end : end + 1]
        uneven = (before.isspace() and "\n" not in before) or before.endswith(":") or after in (" ", "\t")
        return (CONVENTION, UNEVEN) if uneven else (CERTAIN, "labelled")

    def _unlabelled(self) -> None:
        first, rest = self.scan.bare[0], self.scan.bare[1:]
        if first.kind == "numbers" and not rest:
            self._glued(first)
            return
        if first.kind == "numbers":
            self._numbers([token for token in (first, *rest) if token.kind == "numbers"])
        elif rest or self.scan.more:
            self._several([first, *rest])
        else:
            self._fact("default", first.value, first, LIKELY, "the value after the description")

    def _numbers(self, tokens: list[_Token]) -> None:
        """A default and allowed values; the latter may be glued together."""
        first, last = number_of(tokens[0].value), tokens[-1]
        readings = (
            [one for one in splits(last.value) if first in one and len(set(one)) == len(one)]
            if len(tokens) == 2
            else []
        )
        if len(readings) > 1:
            why = "numbers glued together; where one ends is not to be seen"
            self._fact("default", first, tokens[0], LIKELY, "the value after the description")
            self._ask("enum", tuple(list(one) for one in readings[:8]), last, why)
            self._ask("enum_total", tuple(dict.fromkeys(len(one) for one in readings[:8])), last, why)
            return
        values: list[Value] = list(readings[0]) if readings else [number_of(token.value) for token in tokens[1:]]
        places = [last] * len(values) if readings else tokens[1:]
        self._several(
            [
                replace(token, kind="number", value=value)
                for token, value in zip([tokens[0], *places], [first, *values], strict=True)
            ]
        )

    def _several(self, tokens: list[_Token]) -> None:
        """The first value is the default, the rest are the allowed ones, if the default is among them."""
        first, rest = tokens[0], tokens[1:]
        known = [token.value for token in rest]
        if first.value in known or first.value is None:
            self._fact("default", first.value, first, LIKELY, "the first value, which the list repeats")
            self._enum(rest, labelled=False)
            return
        why = "the first value is not among the others: a default beyond those shown, or a list without a default"
        self._ask("default", (first.value,), first, why)
        whole = _Token("text", None, first.start, tokens[-1].end)
        self._ask("enum", (known, [first.value, *known]) if known else ([first.value],), whole, why)
        more = self.scan.more.value if self.scan.more else 0
        self._ask("enum_total", (len(known) + more, len(known) + 1 + more), whole, why)

    def _glued(self, token: _Token) -> None:
        """Digits without a label: one default, or a default and allowed values glued together."""
        whole = number_of(token.value)
        cuts = splits(token.value)
        too_many = whole is not None and not cuts
        readings = [one for one in cuts if one[0] in one[1:] and len(set(one[1:])) == len(one) - 1]
        if isinstance(self.sample, int | float) and self.scan.more is None:
            readings = [
                one for one in readings if self.sample in one[1:]
            ]  # a list of all allowed values has the sample's
        bounded = (
            self.scan.range is not None
            and whole is not None
            and self.scan.range[0].value <= whole <= self.scan.range[1].value
        )
        alone = not readings and not too_many
        if whole is not None and self.scan.more is None and (alone or self.sample == whole or bounded):
            self._fact(
                "default",
                whole,
                token,
                LIKELY if bounded or self.sample == whole else CONVENTION + 0.1,
                "the value after the description",
            )
            return
        why = "numbers glued together; where one ends is not to be seen"
        self._ask(
            "default",
            tuple(dict.fromkeys([*([] if whole is None else [whole]), *(split[0] for split in readings)])),
            token,
            why,
        )
        lists = [list(split[1:]) for split in readings] or [list(split) for split in splits(token.value)[:8]]
        self._ask("enum", tuple(lists[:8]), token, why)
        more = self.scan.more.value if self.scan.more else 0
        self._ask("enum_total", tuple(dict.fromkeys(len(one) + more for one in lists[:8])), token, why)

    def _enum(self, tokens: list[_Token], *, labelled: bool) -> None:
        where = tokens[0] if tokens else self.scan.label
        if where is None:
            return
        place = replace(where, end=tokens[-1].end if tokens else where.end)
        known = self._known(tokens, place)
        more = self.scan.more.value if self.scan.more else 0
        if known is None:
            if self.scan.total:
                self._fact("enum_total", self.scan.total.value, self.scan.total)
            return
        confidence, why = (CERTAIN, "labelled") if labelled else (LIKELY, "the values after the first one")
        stated = self.scan.total.value if self.scan.total else len(known) + more
        if not known:
            self._ask("enum", (), place, "the page announces allowed values and shows none")
            return
        self._fact("enum", known, place, confidence, why)
        if stated != len(known) + more:
            self._ask("enum_total", (stated, len(known) + more), place, "the total stated is not the number shown")
        else:
            self._fact("enum_total", stated, self.scan.total or self.scan.more or place, confidence, why)

    def _known(self, tokens: list[_Token], place: _Token) -> list[Value] | None:
        """The allowed values; None where digits are glued so that they can't be told apart."""
        if not any(token.kind == "numbers" for token in tokens):
            return [token.value for token in tokens]
        if len(tokens) > 1:
            return [number_of(token.value) if token.kind == "numbers" else token.value for token in tokens]
        total = self.scan.total.value - (self.scan.more.value if self.scan.more else 0) if self.scan.total else None
        default = self.values.facts["default"].value if "default" in self.values.facts else None
        readings = [split for split in splits(tokens[0].value) if len(set(split)) == len(split)]
        readings = [split for split in readings if total is None or len(split) == total]
        if default is not None and self.scan.more is None:
            readings = [split for split in readings if default in split]
        if len(readings) == 1:
            return list(readings[0])
        self._ask(
            "enum",
            tuple(list(split) for split in readings[:8]),
            place,
            "numbers glued together; where one ends is not to be seen",
        )
        if total is None:
            counts = tuple(
                dict.fromkeys(len(split) + (self.scan.more.value if self.scan.more else 0) for split in readings[:8])
            )
            self._ask("enum_total", counts, place, "numbers glued together")
        return None

    def _fact(self, key: str, value: Value, token: _Token, confidence: float = CERTAIN, why: str = "labelled") -> None:
        self.values.facts[key] = Mark(value, token.start, token.end, confidence, why)

    def _ask(self, key: str, candidates: tuple[Value, ...], token: _Token, why: str) -> None:
        self.values.open[key] = candidates, token.start, token.end, why


def _spelled(text: str) -> str:
    """A number as JSON spells it: without a plus and without thousands separators."""
    return text.replace(",", "").removeprefix("+")


def fits(value: Any, type_: str) -> bool:
    """Whether a value has a type as pages name them; true for types that are no scalars, and for null."""
    if value is None:
        return True
    if type_ in ("object", "array") or type_.endswith("[]"):
        return isinstance(value, dict if type_ == "object" else list)
    if type_ not in KINDS:
        return True
    if type_ == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, KINDS[type_]) and (type_ == "boolean" or not isinstance(value, bool))
