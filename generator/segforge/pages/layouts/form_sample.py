"""Reads the payload of a sample that builds a form line by line: `data['mode'] = "fast"`, `files['image'] = open(...)`.

All lines between the first and the last must be understood, so that no key is lost. Otherwise there is no payload.
"""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from segforge.pages.page import Value

_START: Final = re.compile(r"(?m)^[ \t]*(?:data|payload) ?= ?\{\}[ \t]*$")
_FIELD: Final = re.compile(r"(?:data|payload)\[(?P<quote>[\"'])(?P<name>[^\"'\n]{1,100})(?P=quote)\] ?= ?(?P<value>.+)")
_FILE: Final = re.compile(r"(?:# ?)?files\[(?P<quote>[\"'])(?P<name>[^\"'\n]{1,100})(?P=quote)\] ?= ?.*open\(.*")
_OTHER: Final = re.compile(r"#.*|files ?= ?\{\}|")
_END: Final = re.compile(r"(?:headers|response|if files|with|requests|url|resp|r) ?[=.(:].*|if files:.*")
_FORM_START: Final = re.compile(r"(?m)^[ \t]*(?:const|let|var) (?P<form>\w{1,40}) ?= ?new FormData\(\);?[ \t]*$")
_APPEND: Final = r"{form}\.append\((?P<quote>[\"'])(?P<name>[^\"'\n]{{1,100}})(?P=quote), ?(?P<value>.+)\);?"
_FORM_END: Final = re.compile(r"(?:const|let|var|axios|fetch|await|async|\(async|try|return)\b.*|\(async.*|//.*|")
_STREAM: Final = re.compile(
    r"(?:fs\.createReadStream|open|new File|new Blob)\(.*|\w*[fF]ile\w*(?:\[0\])?|\w*[bB]lob\w*"
)
MAX_LINES: Final = 400


@dataclass(frozen=True)
class FormSample:
    """The payload of a form: the values that it sends as text, each with its place, and the names sent as files.

    `text_only` means that every value of the form is a text, so that the text of a number is no contradiction.
    """

    payload: dict[str, Value]
    start: int
    end: int
    keys: dict[str, tuple[int, int]]
    files: frozenset[str]
    text_only: bool


def read_forms(code: str) -> Iterator[FormSample]:
    """Yields the forms in a page's code. Line numbers must have been replaced by blanks."""
    for match in _START.finditer(code):
        if (made := _python(code, match)) is not None:
            yield made
    for match in _FORM_START.finditer(code):
        if (made := _javascript(code, match)) is not None:
            yield made


def form_starts(code: str) -> set[int]:
    """Returns the offsets of the lines at which forms in Python begin, readable or not."""
    return {match.start() for match in _START.finditer(code)}


def _lines(code: str, at: int) -> Iterator[tuple[int, str]]:
    """Yields the lines from an offset on, each without blanks around it, with its offset."""
    for _ in range(MAX_LINES):
        end = code.find("\n", at)
        raw = code[at : end if end >= 0 else len(code)]
        yield at + len(raw) - len(raw.lstrip()), raw.strip()
        if end < 0:
            return
        at = end + 1


def _python(code: str, match: re.Match[str]) -> FormSample | None:
    payload: dict[str, Value] = {}
    keys: dict[str, tuple[int, int]] = {}
    files: set[str] = set()
    for at, line in _lines(code, match.end() + 1):
        if field := _FIELD.fullmatch(line):
            value = _value(field["value"])
            if value is None or field["name"] in payload:
                return None
            payload[field["name"]], length = value
            keys[field["name"]] = at + field.start("value"), at + field.start("value") + length
        elif file := _FILE.fullmatch(line):
            files.add(file["name"])
        elif _END.fullmatch(line):
            return FormSample(payload, match.start(), at, keys, frozenset(files), text_only=False) if keys else None
        elif not _OTHER.fullmatch(line):
            return None
    return None


def _javascript(code: str, match: re.Match[str]) -> FormSample | None:
    append = re.compile(_APPEND.format(form=match["form"]))
    payload: dict[str, Value] = {}
    keys: dict[str, tuple[int, int]] = {}
    files: set[str] = set()
    for at, line in _lines(code, match.end() + 1):
        if field := append.fullmatch(line):
            value = _value(field["value"])
            if _STREAM.fullmatch(field["value"].strip()):
                files.add(field["name"])
            elif value is None or field["name"] in payload:
                return None
            else:
                payload[field["name"]], length = value
                keys[field["name"]] = at + field.start("value"), at + field.start("value") + length
        elif not _FORM_END.fullmatch(line):
            return None
        elif line:
            return FormSample(payload, match.start(), at, keys, frozenset(files), text_only=True) if keys else None
    return None


def _value(text: str) -> tuple[Value, int] | None:
    """Returns the value of a literal before a comment, and the literal's length, or None if it is none."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
        value = ast.literal_eval(node)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        words = {"true": True, "false": False, "null": None}
        return (words[text.strip()], len(text.strip())) if text.strip() in words else None
    if not isinstance(value, str | int | float | bool | list | dict | None):
        return None
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return None
    return value, len(text.strip().encode()[: node.end_col_offset].decode("utf-8", "ignore"))


def from_text(value: Value, type_: str) -> Value:
    """Returns the value of a form's text for a type: 25 for "25" and integer. Text of another form stays as it is."""
    if type_ not in ("integer", "number", "boolean") or not isinstance(value, str):
        return value
    try:
        made = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return made if isinstance(made, bool) == (type_ == "boolean") and isinstance(made, int | float) else value
