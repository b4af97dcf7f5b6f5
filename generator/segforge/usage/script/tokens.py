"""Splits code of the C family into tokens. Every pattern is possessive or bounded, so the time is linear."""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["name", "number", "text", "mark", "hidden"]
"""The kind of a token. A `hidden` one is a part of a text that the code doesn't show."""
Dialect: TypeAlias = Literal["javascript", "php", "go"]

_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_COMMENT: Final = r"//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?"
_QUOTES: Final = r"\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?"
_NUMBER: Final = r"0[xXbBoO][0-9a-fA-F_]++n?|[0-9][0-9_]*+(?:\.[0-9_]*+)?(?:[eE][+-]?[0-9]++)?n?|\.[0-9]++"
_MARKS: Final = (
    r"=>|\.\.\.|\?\.|\?\?=?|===?|!==?|<=>|<=|>=|&&=?|\|\|=?|\*\*=?|\+\+|--|[-+*/%.&|^]=|:=|<-|->|::|<<=?|>>>?=?"
    r"|[][{}()<>;,.:?=+*/%&|^~!@#-]"
)
_JAVASCRIPT: Final = re.compile(
    rf"(?P<space>\s++|{_COMMENT})|(?P<number>{_NUMBER})|(?P<quoted>{_QUOTES})|(?P<template>`)"
    rf"|(?P<name>[#$\w]++)|(?P<mark>{_MARKS})",
    re.DOTALL,
)
_REGEX: Final = re.compile(r"/(?:[^/\\\[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n]){0,200}+\]){1,1000}+/[a-z]*+")
_BEFORE_REGEX: Final = frozenset(
    {"return", "typeof", "case", "in", "of", "do", "else", "void", "delete", "await", "yield"}
)
_CHUNK: Final = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))++", re.DOTALL)
_PHP: Final = re.compile(
    rf"(?P<space>\s++|#(?!\[)[^\n]*+|{_COMMENT})|(?P<end>\?>)|(?P<number>{_NUMBER})"
    r"|(?P<heredoc><<<[ \t]*+(?P<quote>['\"]?)(?P<tag>\w++)['\"]?\n)|(?P<raw>'(?:[^'\\]|\\.)*+'?)|(?P<double>\")"
    rf"|(?P<name>\$?[\\\w]++)|(?P<mark>{_MARKS})",
    re.DOTALL,
)
_PHP_CHUNK: Final = re.compile(r"(?:[^\"\\$\{]|\\.|\$(?![\w{])|\{(?!\$))++", re.DOTALL)
_PHP_VARIABLE: Final = re.compile(r"\{(\$\w++)\}|\$\{(\w++)\}|(\$\w++)(?!\[|->)")
_PHP_HIDDEN: Final = re.compile(r"\{\$[^}\n]*+\}?|\$\{[^}\n]*+\}?|\$\w++(?:\[[^\]\n]*+\]|->\w++)?")
_GO: Final = re.compile(
    rf"(?P<space>\s++|{_COMMENT})|(?P<number>{_NUMBER})|(?P<back>`[^`]*+`?)|(?P<quoted>{_QUOTES})"
    rf"|(?P<name>\w++)|(?P<mark>{_MARKS})",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
OPEN: Final = {"(": ")", "[": "]", "{": "}", "${": "}", "`": "`"}


class ScriptToken(NamedTuple):
    """One token and its offset. The value of a text is the text that it stands for; `direct` if without escapes."""

    kind: Kind
    value: str
    at: int
    direct: bool = True


@dataclass(frozen=True)
class Tokens:
    """The tokens of a code. `closing` has the index of the closing token of each opening one, `outer` the opposite."""

    every: tuple[ScriptToken, ...]
    closing: dict[int, int]
    outer: tuple[int, ...]
    """The index of the innermost opening token around each token, or -1."""
    fresh: frozenset[int]
    """The tokens that are the first of a line."""

    def value(self, index: int) -> str:
        """Returns the value of a name or a mark; "" for others and beyond the ends."""
        token = self.every[index] if 0 <= index < len(self.every) else None
        return token.value if token is not None and token.kind in ("name", "mark") else ""


def tokenize(code: str, dialect: Dialect) -> Tokens:
    """Returns the tokens of a code. A text with expressions is `, its parts, and `. An expression is ${, it, and }."""
    made = {"javascript": _javascript, "php": _php, "go": _go}[dialect](code)
    every = tuple(made)
    closing: dict[int, int] = {}
    outer: list[int] = []
    opened: list[int] = []
    for index, token in enumerate(every):
        if token.kind == "mark" and opened and token.value == OPEN.get(every[opened[-1]].value):
            closing[opened.pop()] = index
            outer.append(opened[-1] if opened else -1)
            continue
        outer.append(opened[-1] if opened else -1)
        if token.kind == "mark" and token.value in OPEN:
            opened.append(index)
        elif token.kind == "mark" and token.value in (")", "]", "}"):  # unbalanced: forget what was left open
            while opened and OPEN[every[opened[-1]].value] != token.value:
                opened.pop()
            if opened:
                closing[opened.pop()] = index
    fresh = {0} | {at for at in range(1, len(every)) if code.find("\n", every[at - 1].at, every[at].at) >= 0}
    return Tokens(every, closing, tuple(outer), frozenset(fresh))


def _javascript(code: str) -> Iterator[ScriptToken]:
    at, last = 0, ScriptToken("mark", ";", 0)
    templates: list[int] = []  # for each template that is open, the braces within its expression
    while at < len(code):
        regex = _REGEX.match(code, at) if code[at] == "/" and _may_be_regex(last) else None
        if regex:
            last = ScriptToken("hidden", "", at)
            yield last
        found = regex or _JAVASCRIPT.match(code, at)
        at = found.end() if found else at + 1
        if found is None or regex or found.lastgroup == "space":
            continue
        last = _plain(found)
        if found.lastgroup == "template":
            yield last
            at, opened = yield from _chunks(code, at)
            templates += [0] if opened else []
            continue
        if templates and last.kind == "mark" and last.value in ("{", "}"):
            templates[-1] += 1 if last.value == "{" else -1
            if templates[-1] < 0:
                templates.pop()
                yield last
                at, opened = yield from _chunks(code, at)
                templates += [0] if opened else []
                continue
        yield last


def _chunks(code: str, at: int) -> Generator[ScriptToken, None, tuple[int, bool]]:
    """Yields a template up to its end or its next expression. Returns the offset, and whether an expression opens."""
    found = _CHUNK.match(code, at)
    if found:
        yield _unescaped(found[0], at)
        at = found.end()
    if code.startswith("${", at):
        yield ScriptToken("mark", "${", at)
        return at + 2, True
    yield ScriptToken("mark", "`", at)
    return at + 1, False


def _may_be_regex(last: ScriptToken) -> bool:
    if last.kind == "mark":
        return last.value not in (")", "]", "}", "`", "<")
    return last.kind == "name" and last.value in _BEFORE_REGEX


def _php(code: str) -> Iterator[ScriptToken]:
    at = _php_start(code, 0) if "<?" in code else 0
    while at < len(code):
        found = _PHP.match(code, at)
        if found is None:
            at += 1
            continue
        at = found.end()
        if found.lastgroup == "end":
            yield ScriptToken("mark", ";", found.start())
            at = _php_start(code, at)
        elif found.lastgroup == "double":
            yield ScriptToken("mark", "`", found.start())
            at = yield from _php_text(code, at, len(code))
            yield ScriptToken("mark", "`", at)
            at += 1
        elif found["heredoc"] is not None:
            ended = re.compile(rf"^[ \t]*+{found['tag']}\b", re.MULTILINE).search(code, at)
            end = ended.start() if ended else len(code)
            if found["quote"] == "'":
                yield ScriptToken("text", code[at:end], at)
            else:
                yield ScriptToken("mark", "`", found.start())
                while at < end:  # a double quote doesn't end a here-document
                    at = yield from _php_text(code, at, end)
                    if at < end:
                        yield ScriptToken("text", code[at], at)
                        at += 1
                yield ScriptToken("mark", "`", end)
            at = ended.end() if ended else len(code)
        elif found.lastgroup != "space":
            yield _plain(found)


def _php_start(code: str, at: int) -> int:
    """Returns the offset after the next opening tag."""
    found = re.compile(r"<\?(?:php\b|=)").search(code, at)
    return found.end() if found else len(code)


def _php_text(code: str, at: int, end: int) -> Generator[ScriptToken, None, int]:
    """Yields the parts of a text with variables, up to its quote. Returns the offset of the quote."""
    while at < end and code[at] != '"':
        chunk = _PHP_CHUNK.match(code, at, end)
        variable = _PHP_VARIABLE.match(code, at, end)
        hidden = _PHP_HIDDEN.match(code, at, end)
        if chunk:
            yield _unescaped(chunk[0], at)
            at = chunk.end()
        elif variable:
            name = variable[1] or variable[3] or f"${variable[2]}"
            yield from (ScriptToken("mark", "${", at), ScriptToken("name", name, at), ScriptToken("mark", "}", at))
            at = variable.end()
        else:
            yield ScriptToken("hidden", "", at)
            at = hidden.end() if hidden else at + 1
    return at


def _go(code: str) -> Iterator[ScriptToken]:
    at = 0
    while at < len(code):
        found = _GO.match(code, at)
        at = found.end() if found else at + 1
        if found is not None and found.lastgroup != "space":
            yield _plain(found)


def _plain(found: re.Match[str]) -> ScriptToken:
    """Returns the token of a match that stands alone."""
    text, at = found[0], found.start()
    match found.lastgroup:
        case "quoted":
            return _unescaped(text[1:-1] if len(text) > 1 and text[-1] == text[0] else text[1:], at + 1)
        case "raw":
            inner = text[1:-1] if len(text) > 1 and text[-1] == "'" else text[1:]
            plain = re.sub(r"\\([\\'])", r"\1", inner)
            return ScriptToken("text", plain, at + 1, plain == inner)
        case "back":
            return ScriptToken("text", text.strip("`"), at + 1)
        case "number" | "name":
            return ScriptToken(found.lastgroup, text, at)
        case _:
            return ScriptToken("mark", text, at)


def _unescaped(text: str, at: int) -> ScriptToken:
    if "\\" not in text:
        return ScriptToken("text", text, at)
    return ScriptToken("text", _ESCAPE.sub(_escape, text), at, direct=False)


def _escape(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "ux" and len(code) > 1:
        number = int(code.strip("ux{}"), 16)
        return chr(number) if number < 0x110000 else ""
    return "" if code == "\n" else _ESCAPES.get(code, code)
