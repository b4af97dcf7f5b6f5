"""The values of expressions, in code that is only known as tokens."""

import re
from collections.abc import Iterator
from typing import Final

from segforge.usage.json_text import HIDDEN_PART
from segforge.usage.script.scopes import Binding, Extent, Scopes
from segforge.usage.script.tokens import Dialect, Tokens, tokenize
from segforge.usage.shown import (
    UNSEEN,
    CodeText,
    Encoded,
    Entries,
    Entry,
    Lines,
    Position,
    Shown,
    Unseen,
    joined,
    merged,
    number,
)

_MAX_DEPTH: Final = 40
_MAX_STEPS: Final = 2_000
_MOST_TOKENS: Final = 10_000_000
"""Tokens that all evaluations of one code look at."""
_MAX_PLACES: Final = 500
"""Places of a name that are looked at for changes of its object."""
_ENCODERS: Final = frozenset({"JSON.stringify", "json_encode", "json.Marshal", "json.MarshalIndent", "Js::encode"})
_WRAPPERS: Final = frozenset(
    {
        "bytes.NewBuffer",
        "bytes.NewBufferString",
        "bytes.NewReader",
        "strings.NewReader",
        "String",
        "string",
        "Object.freeze",
    }
)
_HARMLESS: Final = re.compile(
    r".*(?:stringify|encode|marshal|marshalindent|log|error|info|warn|debug|print_r|printf|println|print|dump|count|len"
    r"|keys|values|entries|post|request|fetch|axios|run|runsync|submit|submitasync|check|setopt|setopt_array|send"
    r"|newbuffer|newbufferstring|newreader|newrequest|newrequestwithcontext|string)",
    re.IGNORECASE,
)
_ACCESS: Final = frozenset({".", "?.", "->", "::"})
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "nil": None}
_JOINS: Final[dict[Dialect, str]] = {"javascript": "+", "php": ".", "go": "+"}


class ScriptCode:
    """A code with its tokens and scopes, which evaluates expressions without executing anything."""

    def __init__(self, code: str, dialect: Dialect) -> None:
        self.dialect = dialect
        self.tokens: Tokens = tokenize(code, dialect)
        self.scopes = Scopes(self.tokens, dialect)
        self._lines = Lines(code)
        self._steps = self._spent = 0

    def position(self, index: int) -> Position:
        """Returns the position of a token."""
        token = self.tokens.every[index]
        return self._lines.position(token.at - (token.kind == "text" and self._is_quoted(index)))

    def _is_quoted(self, index: int) -> bool:
        return self.tokens.value(index - 1) not in ("`", "}")

    def value(self, extent: Extent | None) -> Shown:
        """Returns the value of an expression."""
        self._steps = 0
        return self._value(extent, 0)

    def split(self, start: int, mark: str = ",") -> list[Extent]:
        """Returns the expressions between a bracket and the one that closes it, separated by marks."""
        end = self.tokens.closing.get(start)
        return [] if end is None else list(self._split(Extent(start + 1, end), mark))

    def _split(self, extent: Extent, mark: str) -> Iterator[Extent]:
        first = at = extent.start
        while at < extent.end:
            if self.tokens.every[at].kind == "mark" and self.tokens.every[at].value == mark:
                yield Extent(first, at)
                first = at + 1
            at = self.tokens.closing.get(at, at) + 1
        if first < extent.end:
            yield Extent(first, extent.end)

    def _value(self, extent: Extent | None, depth: int) -> Shown:
        self._steps += 1
        if extent is None or extent.start >= extent.end or depth > _MAX_DEPTH or self._steps > _MAX_STEPS:
            return UNSEEN
        self._spent += extent.end - extent.start
        if self._spent > _MOST_TOKENS:
            return UNSEEN
        if self.dialect == "javascript":
            cast = max(self._mark(extent, "as", "name"), self._mark(extent, "satisfies", "name"))
            extent = extent if cast <= extent.start else Extent(extent.start, cast)
        parts = list(self._split(extent, _JOINS[self.dialect]))
        if len(parts) == 1:
            return self._primary(extent, depth)
        values = [self._primary(part, depth) for part in parts]
        is_text = any(isinstance(value, str) for value in values)
        return joined(values) if is_text else UNSEEN

    def _primary(self, extent: Extent, depth: int) -> Shown:
        start, end = extent
        if start >= end:
            return UNSEEN
        token, value = self.tokens.every[start], self.tokens.value(start)
        single = end == start + 1
        if token.kind == "text":
            return self._text(start) if single else UNSEEN
        if token.kind == "number":
            return _number(token.value) if single else UNSEEN
        if value in ("-", "&", "await") and not single:
            inner = self._primary(Extent(start + 1, end), depth + 1)
            if value != "-":
                return inner
            return -inner if isinstance(inner, int | float) and not isinstance(inner, bool) else UNSEEN
        if self.tokens.closing.get(start) == end - 1:
            return self._enclosed(start, value, depth)
        if token.kind == "name" or value == "[":
            return self._named(extent, depth)
        return UNSEEN

    def _text(self, index: int) -> CodeText:
        token = self.tokens.every[index]
        locate = (lambda offset: self._lines.position(token.at + offset)) if token.direct else None
        return CodeText(token.value, self.position(index), locate)

    def _enclosed(self, start: int, value: str, depth: int) -> Shown:
        """Returns the value of an expression in brackets: a text with expressions, an object, a list."""
        end = self.tokens.closing[start]
        if value == "(":
            return self._value(Extent(start + 1, end), depth + 1)
        if value == "`":
            return self._template(start, end, depth)
        if value == "{" and self.dialect == "javascript":
            return self._object(start, ":", depth)
        if value == "[":
            pieces = self.split(start)
            if self.dialect == "php" and any(self._mark(piece, "=>") >= 0 for piece in pieces):
                return self._object(start, "=>", depth)
            if any(self.tokens.value(piece.start) == "..." for piece in pieces):
                return UNSEEN
            return [self._value(piece, depth + 1) for piece in pieces]
        return UNSEEN

    def _template(self, start: int, end: int, depth: int) -> Shown:
        parts: list[Shown] = []
        at = start + 1
        while at < end:
            token = self.tokens.every[at]
            if token.kind == "text":
                parts.append(self._text(at))
            elif token.kind == "mark" and token.value == "${":
                parts.append(self._value(Extent(at + 1, self.tokens.closing.get(at, at)), depth + 1))
            else:
                parts.append(UNSEEN)
            at = self.tokens.closing.get(at, at) + 1
        if (
            any(isinstance(part, Unseen) for part in parts)
            and isinstance(parts[0], str)
            and parts[0].lstrip()[:1] == "{"
        ):
            text = "".join(part if isinstance(part, str) else HIDDEN_PART for part in parts)  # JSON with hidden parts
            return CodeText(text, self.position(start))
        return joined(parts) if parts else CodeText("", self.position(start))

    def _mark(self, extent: Extent, value: str, kind: str = "mark") -> int:
        """Returns the index of the first token of a value outside of brackets, or -1."""
        at = extent.start
        while at < extent.end:
            if self.tokens.every[at].kind == kind and self.tokens.every[at].value == value:
                return at
            at = self.tokens.closing.get(at, at) + 1
        return -1

    def _object(self, start: int, mark: str, depth: int) -> Entries:
        made = Entries((), self.position(start))
        for piece in self.split(start):
            first = self.tokens.value(piece.start)
            if first == "...":
                made = merged(made, self._value(Extent(piece.start + 1, piece.end), depth + 1))
                continue
            arrow = self._mark(piece, mark)
            name = self._key(piece, arrow)
            if name is None:
                made = merged(made, Entries((), made.position, whole=False))
                continue
            shown = self._value(piece if arrow < 0 else Extent(arrow + 1, piece.end), depth + 1)
            made = merged(made, Entries((Entry(name, shown, self.position(piece.start)),), made.position))
        return made

    def _key(self, piece: Extent, arrow: int) -> str | None:
        """Returns the name of an entry; None if the code doesn't show it."""
        token = self.tokens.every[piece.start]
        if arrow < 0:  # `{name}` in JavaScript; a list has no names
            single = self.dialect == "javascript" and token.kind == "name" and piece.end == piece.start + 1
            return token.value if single else None
        if token.kind == "text" and arrow == piece.start + 1:
            return token.value
        if token.kind == "name" and self.dialect == "javascript" and arrow == piece.start + 1:
            return token.value
        shown = self._value(Extent(piece.start, arrow), _MAX_DEPTH - 5) if self.dialect != "javascript" else UNSEEN
        return str(shown) if isinstance(shown, str) else None

    def _named(self, extent: Extent, depth: int) -> Shown:
        """Returns the value of a name, an attribute, a call of a known function, or a literal of Go."""
        start, end = extent
        word = self.tokens.value(start)
        if end == start + 1:
            return _WORDS[word.lower()] if word.lower() in _WORDS else self._variable(word, start, depth)
        last = self.tokens.value(end - 1)
        if last in ("}", ")") and (opening := self._opening(extent)) >= 0:
            if last == "}":
                return self._go_literal(start, opening, depth) if self.dialect == "go" else UNSEEN
            return self._call("".join(self.tokens.value(at) for at in range(start, opening)), opening, depth)
        names = [self.tokens.value(at) for at in range(start, end)]
        if len(names) == 3 and names[0] in ("this", "$this", "self", "static") and names[1] in _ACCESS:
            return self._value(self.scopes.member(names[2]), depth + 1)
        return UNSEEN

    def _opening(self, extent: Extent) -> int:
        """Returns the bracket that the last token of an expression closes, if no other call or index comes before."""
        at = extent.start
        while at < extent.end:
            closing = self.tokens.closing.get(at)
            if closing == extent.end - 1:
                return at
            if closing is not None and not (self.dialect == "go" and self.tokens.value(at) in ("[", "{")):
                return -1
            at = (closing or at) + 1
        return -1

    def _go_literal(self, start: int, opening: int, depth: int) -> Shown:
        if self.tokens.value(start) == "map":
            return self._object(opening, ":", depth)
        if self.tokens.value(start) == "[":
            return [self._value(piece, depth + 1) for piece in self.split(opening)]
        return self._object(opening, ":", depth) if self._has_text_keys(opening) else UNSEEN

    def _has_text_keys(self, opening: int) -> bool:
        """Returns whether a literal such as `gin.H{"a": 1}` is a map: its keys are texts."""
        return all(self.tokens.every[piece.start].kind == "text" for piece in self.split(opening))

    def _call(self, name: str, opening: int, depth: int) -> Shown:
        arguments = self.split(opening)
        if not arguments:
            return UNSEEN
        first = self._value(arguments[0], depth + 1)
        if name in _ENCODERS:
            return Encoded(first)
        if name in _WRAPPERS or name == "[]byte":
            return first
        if name == "array":
            return self._object(opening, "=>", depth)
        if name in ("fmt.Sprintf", "sprintf") and isinstance(first, CodeText):
            return self._formatted(first, [self._value(one, depth + 1) for one in arguments[1:]])
        return UNSEEN

    def _formatted(self, text: CodeText, values: list[Shown]) -> Shown:
        """Returns a text whose `%s` are replaced by values."""
        pieces = re.split(r"%[sv]", text)
        if "%" in "".join(pieces) or len(pieces) != len(values) + 1:
            return Unseen(pieces[0].partition("%")[0])
        parts: list[Shown] = []
        for piece, value in zip(pieces, [*values, CodeText("", text.position)], strict=True):
            parts += [CodeText(piece, text.position), value]
        return joined(parts)

    def _variable(self, name: str, at: int, depth: int) -> Shown:
        found = self.scopes.find(name, at)
        shown = self._value(found.value, depth + 1) if found is not None else UNSEEN
        if found is None or not isinstance(shown, Entries | list | Encoded):
            return shown
        places = self.scopes.places.get(name, [])
        self._spent += len(places)
        if len(places) > _MAX_PLACES:
            return UNSEEN
        for place in places:
            if place in self.scopes.declared or not self._is_same(name, place, found):
                continue
            changed = self._changed(shown, place, depth)
            if changed is None:
                return UNSEEN
            shown = changed
        return shown

    def _is_same(self, name: str, place: int, found: Binding) -> bool:
        """Returns whether a token stands for a binding, and isn't an attribute or the name of an entry."""
        before, after = self.tokens.value(place - 1), self.tokens.value(place + 1)
        if before in _ACCESS or (after == ":" and before in ("{", ",") and self.dialect == "javascript"):
            return False
        other = self.scopes.find(name, place)
        return other is not None and other.scope == found.scope

    def _changed(self, shown: Shown, place: int, depth: int) -> Shown:
        """Returns an object after what the code does with it at one place; None if anything may have changed."""
        tokens = self.tokens
        before, after = tokens.value(place - 1), tokens.value(place + 1)
        if after in (".", "->"):
            if tokens.value(place + 3) == "(":
                return shown if _HARMLESS.fullmatch(tokens.value(place + 2)) else None
            if tokens.value(place + 3) == "=":
                return self._with(shown, tokens.value(place + 2), place + 2, place + 4, depth)
            return None if tokens.value(place + 3) in (".", "[", "+=", "++") else shown
        if after == "[":
            end = tokens.closing.get(place + 1, place + 1)
            if tokens.value(end + 1) not in ("=", "[", "+=", ".=", "++", "??="):
                return shown
            key = self._value(Extent(place + 2, end), depth + 1)
            is_set = isinstance(key, str) and tokens.value(end + 1) == "="
            return self._with(shown, str(key), place + 2, end + 2, depth) if is_set else None
        around = tokens.outer[place]
        if tokens.value(around) == "(" and around > 0:
            called = tokens.value(around - 1)
            return shown if _HARMLESS.fullmatch(called) else None
        return None if before in ("=", ":=", "return", "&", "delete") else shown

    def _with(self, shown: Shown, key: str, at: int, start: int, depth: int) -> Shown:
        """Returns an object after `object.key = value`, which may be executed or not."""
        if not isinstance(shown, Entries):
            return None
        value = self._value(self.scopes.extent(start), depth + 1)
        if any(entry.name == key for entry in shown.entries):
            kept = tuple(Entry(key, UNSEEN, one.position) if one.name == key else one for one in shown.entries)
            return Entries(kept, shown.position, shown.whole)
        return Entries((*shown.entries, Entry(key, value, self.position(at))), shown.position, whole=False)


def _number(text: str) -> Shown:
    """Returns the value of a number as JavaScript, PHP and Go write it."""
    plain = text.replace("_", "").rstrip("n")
    if len(plain) > 40:
        return UNSEEN
    try:
        return number(int(plain, 0) if re.fullmatch(r"0[xXbBoO].*|[0-9]+", plain) else float(plain))
    except (ValueError, OverflowError):
        return UNSEEN
