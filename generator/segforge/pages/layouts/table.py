"""Reads a list of parameters from a table of an HTML page."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from segforge.pages.layouts.headers import TYPE
from segforge.pages.layouts.numbers import has_lost_digit, number_of
from segforge.pages.layouts.parameters import with_sample
from segforge.pages.layouts.sample import Sample
from segforge.pages.layouts.tokens import KINDS
from segforge.pages.layouts.values import read_values
from segforge.pages.page import CERTAIN, CONVENTION, LIKELY, Fact, PageParameter, Undecided, Value
from segforge.pages.source.document import Document, Line
from segforge.pages.source.html import CELL
from segforge.spec.printable import show

_COLUMNS: Final = {
    "name": re.compile(r"name|parameter|field|attribute", re.IGNORECASE),
    "type": re.compile(r"(data )?type", re.IGNORECASE),
    "required": re.compile(r"required\??|mandatory|optional/required|required/optional", re.IGNORECASE),
    "default": re.compile(r"default( value)?", re.IGNORECASE),
    "range": re.compile("range|limits|min ?[-/\u2013] ?max", re.IGNORECASE),
    "enum": re.compile(r"(allowed|possible) values|enum|values|options", re.IGNORECASE),
    "description": re.compile(r"description|about|meaning", re.IGNORECASE),
}
_YES = re.compile(r"yes|true|required|✓|✅|✔", re.IGNORECASE)
_NO = re.compile("no|false|optional|-|\u2013|\u2014||✗|❌", re.IGNORECASE)
_NOTHING = frozenset({"", "-", "\u2013", "\u2014", "n/a", "N/A", "none"})
_TYPE = re.compile(TYPE, re.IGNORECASE)
_NUMBER = r"(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)"
_RANGE = re.compile(rf"{_NUMBER}\s*(?:-|\u2013|to)\s*{_NUMBER}")
_TOTAL = re.compile(r"\(?(\d{1,6}) total\)?:?\s*")


@dataclass(frozen=True)
class Table:
    """A table of parameters: the index of the column for each fact, and the rows."""

    columns: dict[str, int]
    rows: tuple[Line, ...]
    width: int
    """The number of cells in the header. A row with more or fewer cells can't be assigned to columns."""


def find_table(document: Document, start: int, end: int) -> Table | None:
    """Returns the first table between two offsets with columns for names and types, or None."""
    lines = document.lines(start, end)
    for index, line in enumerate(lines):
        cells = line.text.split(CELL)
        columns = {
            key: at
            for at, cell in enumerate(cells)
            for key, pattern in _COLUMNS.items()
            if pattern.fullmatch(cell.strip())
        }
        if "name" in columns and "type" in columns:
            rows = [row for row in lines[index + 1 :] if CELL in row.text]
            return Table(columns, tuple(rows), len(cells))
    return None


def read_table(document: Document, table: Table, samples: Sequence[Sample]) -> tuple[PageParameter, ...]:
    """Returns the parameters of a table, one per readable row."""
    return tuple(
        parameter for row in table.rows if (parameter := _parameter(document, table, row, samples)) is not None
    )


def _parameter(document: Document, table: Table, row: Line, samples: Sequence[Sample]) -> PageParameter | None:
    cells = row.text.split(CELL)
    column = {key: cells[at].strip() if at < len(cells) else "" for key, at in table.columns.items()}
    kind = _TYPE.fullmatch(column["type"])
    name = column["name"].removesuffix("*").strip()
    if kind is None or not name or len(cells) != table.width:
        return None
    span = document.span(row.start, row.end)
    facts = {"type": Fact(kind["type"].lower(), span, CERTAIN, "the type column")}
    undecided: dict[str, Undecided] = {}
    if kind["format"]:
        facts["format"] = Fact(kind["format"], span, CERTAIN, "the type column")
    flag = column.get("required")
    if flag is not None and (_YES.fullmatch(flag) or _NO.fullmatch(flag)):
        sure = CERTAIN if flag else LIKELY
        facts["required"] = Fact(bool(_YES.fullmatch(flag)), span, sure, "the column of required parameters")
    elif flag is None and column["name"].endswith("*"):
        facts["required"] = Fact(True, span, CERTAIN, "marked with *")
    else:
        undecided["required"] = Undecided((True, False), span, "no column states it")
    if column.get("description"):
        facts["description"] = Fact(column["description"], span, CERTAIN, "the description column")
    _default(column.get("default", ""), kind["type"].lower(), facts, undecided, document, row)
    _range(column.get("range", ""), facts, undecided, document, row)
    _enum(column.get("enum", ""), kind["type"].lower(), facts, undecided, document, row)
    return with_sample(document, PageParameter(name, span, facts, undecided, text=row.text), samples)


def _default(
    text: str, type_: str, facts: dict[str, Fact], undecided: dict[str, Undecided], document: Document, row: Line
) -> None:
    if text in _NOTHING:
        return
    span = document.span(row.start, row.end)
    try:
        value: Value = json.loads(text)
    except (ValueError, RecursionError):
        if type_ == "string":
            facts["default"] = Fact(text, span, CONVENTION, "the default column, not in quotes")
        else:
            undecided["default"] = Undecided((text,), span, f"not of type {type_}")
        return
    if has_lost_digit(text):
        undecided["default"] = Undecided((), span, "negative zero; a digit may be missing")
    elif type_ == "string" and value is not None and not isinstance(value, str):
        undecided["default"] = Undecided((text, value), span, "a string without quotes, or another type")
    else:
        facts["default"] = Fact(value, span, CERTAIN, "the default column")


def _range(text: str, facts: dict[str, Fact], undecided: dict[str, Undecided], document: Document, row: Line) -> None:
    if text in _NOTHING:
        return
    span = document.span(row.start, row.end)
    text = text.removeprefix("Range:").strip()
    match = _RANGE.fullmatch(text)
    for key, group in (("minimum", 1), ("maximum", 2)):
        value = number_of(match[group].replace(",", "")) if match else None
        if value is None:
            undecided[key] = Undecided((), span, f"the range {show(text)} could not be read")
        else:
            gap = text[match.end(1) : match.start(2)] if match else ""
            even = len(gap.lstrip()) == len(gap.rstrip()) and not any(
                map(has_lost_digit, match.groups() if match else ())
            )
            facts[key] = Fact(value, span, CERTAIN if even else CONVENTION, "the range column")


def _enum(
    text: str, type_: str, facts: dict[str, Fact], undecided: dict[str, Undecided], document: Document, row: Line
) -> None:
    if text in _NOTHING:
        return
    span = document.span(row.start, row.end)
    total = _TOTAL.match(text)
    label = f"Allowed values ({total[1]} total):" if total else "Allowed values:"
    listed = text[total.end() :] if total else text
    default = facts["default"].value if "default" in facts else None
    prefix = f"Default: {json.dumps(default)} " if "default" in facts else ""
    words = f"{prefix}{label} {listed}"
    values = read_values(words, 0, len(words), type_, bare=False)
    if words[values.stop :].strip() or not (set(values.facts) | set(values.open)) & {"enum"}:
        if type_ in KINDS and '"' not in listed and "," in listed:
            known = [part.strip() for part in listed.split(",")]
            undecided["enum"] = Undecided((known,), span, "values without quotes")
        else:
            undecided["enum"] = Undecided((listed,), span, "the values could not be separated")
        return
    for key in ("enum", "enum_total"):
        if key in values.facts:
            facts[key] = Fact(
                values.facts[key].value, span, values.facts[key].confidence, "the column of allowed values"
            )
        if key in values.open:
            undecided[key] = Undecided(values.open[key][0], span, values.open[key][3])
