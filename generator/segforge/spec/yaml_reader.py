"""Parses YAML into plain data, within limits of size and depth, and records the position of every value.

YAML 1.1 (PyYAML) and YAML 1.2 (editors and other languages) read some unquoted words differently: `1:1` is 61 in one
and text in the other. Such a word is reported as ambiguous.
"""

import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import yaml

from segforge.spec.finding import Finding
from segforge.spec.printable import show

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 24
MAX_NODES: Final = 20_000
MAX_ALIASES: Final = 50

Location: TypeAlias = tuple[str | int, ...]
"""The path to a value in a document: keys and indices."""
_NULL = re.compile(r"~|null|")
_BOOLEAN = re.compile(r"true|false")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+][0-9]+)?")

_CORE_SCHEMA = re.compile(  # YAML 1.2.2, section 10.3.2
    r"~|null|Null|NULL|true|True|TRUE|false|False|FALSE|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN"
)

_NUMBER_LIKE = re.compile(
    r"[-+]?(?:0[xXoObB][0-9a-fA-F_]+|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?)"
)
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: |$)", re.MULTILINE)
_RESOLVER: Any = yaml.resolver.Resolver()
_TEXT_TAG = "tag:yaml.org,2002:str"


class Unreadable(Exception):
    """The file can't be parsed."""

    def __init__(self, line: int, column: int, rule: str, found: str, expected: str, mend: str) -> None:
        super().__init__(found)
        self.line, self.column, self.rule = line, column, rule
        self.found, self.expected, self.mend = found, expected, mend

    def finding(self, name: str) -> Finding:
        """Returns the reason as a finding about the file of that name."""
        return Finding(name, self.line, self.column, self.rule, self.found, self.expected, self.mend)


def decode(raw: bytes) -> str:
    """Decodes the bytes of a file. Raises Unreadable if there are too many, or they aren't UTF-8."""
    if len(raw) > MAX_BYTES:
        raise Unreadable(
            0,
            0,
            "file.too_large",
            f"more than {MAX_BYTES:,} bytes",
            f"at most {MAX_BYTES:,}",
            "put one model in each file; remove anything that is not a fact",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        raise Unreadable(
            line, column, "file.not_utf8", f"byte 0x{raw[error.start]:02x}", "UTF-8 text", "save the file as UTF-8"
        ) from None


@dataclass
class YamlReader:
    """Builds plain data from PyYAML's events in one pass, within limits."""

    name: str
    findings: list[Finding] = field(default_factory=list)
    values: dict[Location, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Location, tuple[int, int]] = field(default_factory=dict)
    _anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    _nodes: int = 0
    _aliases: int = 0

    def read(self, text: str) -> Any:
        """Parses the text of one YAML document into plain data. Raises Unreadable."""
        try:
            events = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
            documents = self._documents(events)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
            if conflict := _conflict(text):
                found, mend = "a merge conflict", "keep one of its sides and remove the marker lines"
                raise Unreadable(conflict, 1, "yaml.syntax", found, "YAML 1.2", mend) from None
            problem = error.problem or error.context or "not YAML"
            mend = (
                "indent with spaces"
                if "\t" in _line(text, line)
                else "quote the text, or correct indentation and brackets"
            )
            raise Unreadable(line, column, "yaml.syntax", problem, "YAML 1.2", mend) from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise Unreadable(
                line,
                0,
                "yaml.character",
                error.reason,
                "printable text",
                "remove the character, or escape it in double quotes",
            ) from None
        if len(documents) != 1:
            raise Unreadable(
                1,
                1,
                "yaml.documents",
                f"{len(documents)} documents",
                "one",
                "put one model in each file, without '---' lines",
            )
        return documents[0]

    def _documents(self, events: Iterator[yaml.Event]) -> list[Any]:
        return [self._value(next(events), events, ()) for event in events if isinstance(event, yaml.DocumentStartEvent)]

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], at: Location) -> Any:
        line, column = _position(event)
        self.values[at] = line, column
        before = self._nodes
        self._count(1, line, column)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line, column)
        if len(at) > MAX_DEPTH:
            raise Unreadable(
                line, column, "yaml.too_deep", f"more than {MAX_DEPTH} levels", "a flat file", "remove the nesting"
            )
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(events, at)
        else:
            value = self._mapping(events, at)
        anchor: str | None = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = value, self._nodes - before
        return value

    def _count(self, nodes: int, line: int, column: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Unreadable(
                line,
                column,
                "yaml.too_many",
                f"more than {MAX_NODES:,} values, aliases expanded",
                "fewer",
                "put one model in each file",
            )

    def _alias(self, event: yaml.AliasEvent, line: int, column: int) -> Any:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise Unreadable(
                line, column, "yaml.aliases", f"more than {MAX_ALIASES} aliases", "fewer", "write the values out"
            )
        if event.anchor not in self._anchors:
            raise Unreadable(
                line,
                column,
                "yaml.alias",
                f"*{event.anchor}",
                "an anchor defined above",
                "write the value out",
            )
        value, nodes = self._anchors[event.anchor]
        self._count(nodes, line, column)
        return value

    def _sequence(self, events: Iterator[yaml.Event], at: Location) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._value(event, events, (*at, len(items))))
        return items

    def _mapping(self, events: Iterator[yaml.Event], at: Location) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._key(event)
            position = _position(event)
            duplicate = key in mapping
            value = self._value(next(events), events, (*at, key))
            if duplicate:
                first = self.keys[(*at, key)][0]
                self._add(
                    *position,
                    "yaml.duplicate_key",
                    f"{show(key)} again",
                    "each key once",
                    f"remove it here or in line {first}",
                )
            else:
                mapping[key] = value
                self.keys[(*at, key)] = position
        return mapping

    def _key(self, event: yaml.Event) -> str:
        line, column = _position(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise Unreadable(
                line, column, "yaml.key", "a key that is not text", "text", "write the key as one word or in quotes"
            )
        if event.value == "<<" and event.implicit[0]:
            raise Unreadable(line, column, "yaml.merge_key", "<<", "plain keys", "write the merged keys out")
        key = self._scalar(event)
        if not isinstance(key, str):
            self._add(
                line,
                column,
                "yaml.key",
                f"the key {event.value}, read as {show(key)}",
                "text",
                f"quote it: {show(event.value)}",
            )
        return str(event.value)

    def _scalar(self, event: yaml.ScalarEvent) -> str | int | float | bool | None:
        text: str = event.value
        line, column = _position(event)
        if event.tag not in (None, "!", _TEXT_TAG):
            self._add(line, column, "yaml.tag", f"the tag {event.tag}", "no tags", "remove the tag")
        if not event.implicit[0]:
            return text
        if _NULL.fullmatch(text):
            return None
        if _BOOLEAN.fullmatch(text):
            return text == "true"
        if _INTEGER.fullmatch(text) and len(text) < 40:
            return int(text)
        if _FLOAT.fullmatch(text):
            return self._float(text, line, column)
        if _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)) != _TEXT_TAG or _CORE_SCHEMA.fullmatch(text):
            self._ambiguous(text, line, column)
        return text

    def _float(self, text: str, line: int, column: int) -> float:
        number = float(text)
        if math.isinf(number) or (number == 0 and re.search("[1-9]", text.lower().partition("e")[0])):
            expected = "a number between 5e-324 and 1.7e+308, or 0, the range of numbers in JSON"
            self._add(line, column, "yaml.number", f"the number {text}", expected, "correct or remove it")
            return math.copysign(min(abs(number), sys.float_info.max), number)
        return number

    def _ambiguous(self, text: str, line: int, column: int) -> None:
        try:
            read_as = show(yaml.load(text, Loader=yaml.CSafeLoader))
        except (yaml.YAMLError, ValueError):
            read_as = "something else"
        decimal = "write it in plain decimal if it is a number, " if _NUMBER_LIKE.fullmatch(text) else ""
        self._add(
            line,
            column,
            "yaml.ambiguous",
            f"the unquoted {show(text)}, which YAML 1.1 reads as {read_as}",
            "text in quotes, true, false, null or a plain decimal number",
            f"{decimal}quote it if it is text: {show(text)}",
        )

    def _add(self, line: int, column: int, rule: str, found: str, expected: str, mend: str) -> None:
        self.findings.append(Finding(self.name, line, column, rule, found, expected, mend))


def _position(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)


def _conflict(text: str) -> int:
    """Returns the line of git's first conflict marker, or 0 if there is none."""
    found = _CONFLICT.search(text) if "<<<<<<<" in text else None
    return text.count("\n", 0, found.start()) + 1 if found else 0


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""
