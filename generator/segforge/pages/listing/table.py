"""Reads the vendor's list of models: a table of models under a heading for each modality, in Markdown.

Each row states its slug twice (in its own column and in the link to the model's docs) and its modality twice (in its
own column and in the heading). Damage to one of the two is found that way.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

from segforge.pages.source.document import HTML, MAX_BYTES, UNSEEN, PageError
from segforge.spec.catalog import Listing
from segforge.spec.printable import HIDDEN, show

MAX_ROWS: Final = 5_000
"""The known list has about 500 models."""
MAX_LINE: Final = 5_000
"""Characters of a line. Known lines have up to 400."""
MAX_PROBLEMS: Final = 20
"""Problems that are listed one by one."""
MAX_USD: Final = 10_000
"""An average cost above this is not believed. The dearest known model averages 5.29 USD."""
MAX_SECONDS: Final = 86_400
"""An average time above one day is not believed."""

_COLUMNS: Final = ("model", "slug", "modality", "avg cost", "avg latency")
_DESCRIPTION: Final = "description"
_HEADING = re.compile(r"(#{1,6})\s+(.*)")
_PIPE = re.compile(r"(?<!\\)\|")
_DELIMITER = re.compile(r":?-+:?")
_SLUG = re.compile(r"[A-Za-z0-9]+([._-][A-Za-z0-9]+)*")
_LINK = re.compile(r"/models/([^/\s()]+)/llms\.txt")
_FIGURE: Final = r"((?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,40})?)"
_COST = re.compile(rf"\${_FIGURE}")
_TIME = re.compile(rf"{_FIGURE}s")


@dataclass(frozen=True)
class ListedRow:
    """A model of the list, and the line that states it.

    `linked` means that a link names the slug, too. `headed` means that the heading names the modality, too.
    """

    listing: Listing
    line: int
    linked: bool
    headed: bool


@dataclass(frozen=True)
class ModelList:
    """The models of a list in its order, and the parts that could not be read, each with its line."""

    name: str
    rows: tuple[ListedRow, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def by_slug(self) -> dict[str, ListedRow]:
        """The rows by slug."""
        return {row.listing.slug: row for row in self.rows}


class _BadRow(Exception):
    """A row can't be read. The message names the cell, and what was expected."""


@dataclass
class _Reading:
    """The state between two lines: the heading above, the columns of the table, and what was found so far."""

    heading: str | None = None
    columns: tuple[str, ...] | None = None
    awaits_delimiter: bool = False
    after_blank: bool = True
    rows: list[ListedRow] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_list(path: Path) -> ModelList:
    """Reads a saved list. Raises PageError if the file is none: too large, not UTF-8, HTML, or without a table."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PageError(f"{path}: {error.strerror}; check the file") from None
    return list_of_bytes(raw, str(path))


def list_of_bytes(raw: bytes, name: str) -> ModelList:
    """Reads a list, as `read_list`. `name` is its name in messages."""
    if len(raw) > MAX_BYTES:
        raise PageError(f"{name}: more than {MAX_BYTES:,} bytes; expected the vendor's list of models; save it again")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PageError(f"{name}: not UTF-8, at byte {error.start}; save the list again") from None
    if HTML.search(text[:2_000]):
        raise PageError(f"{name}: an HTML page; expected the vendor's list of models as text; download llms.txt")
    reading = _Reading()
    for number, line in enumerate(text.split("\n"), 1):
        _read_line(reading, number, line.strip(" \t\r"))
    if reading.awaits_delimiter:
        reading.problems.append("the end: a table without rows; expected `| --- |` below its header")
    if not reading.rows and not reading.problems:
        raise PageError(f"{name}: no table of models; expected the vendor's list of models, llms.txt; save it again")
    problems = [*reading.problems, *_repeated(reading.rows)]
    more = [f"and {len(problems) - MAX_PROBLEMS:,} more"] if len(problems) > MAX_PROBLEMS else []
    return ModelList(name, tuple(reading.rows), (*problems[:MAX_PROBLEMS], *more))


def _read_line(reading: _Reading, number: int, line: str) -> None:
    """Reads one line. A blank line does not end a table, but lines without pipes after it are no rows."""
    after_blank, reading.after_blank = reading.after_blank, not line
    if not line:
        return
    pipes = len(_PIPE.findall(line[:MAX_LINE]))
    is_heading = line.startswith("#") and not pipes and len(line) <= MAX_LINE  # a row may have lost its first pipe
    heading = _HEADING.fullmatch(line) if is_heading else None
    if heading is not None and not reading.awaits_delimiter:
        reading.heading = _clean(heading[2].rstrip("# ")) if len(heading[1]) == 2 else None
        reading.columns = None
        return
    if not pipes and (reading.columns is None or after_blank) and not reading.awaits_delimiter:
        return
    try:
        _read_cells(reading, number, _cells(line))
    except _BadRow as error:
        reading.awaits_delimiter = False
        reading.problems.append(f"line {number}: {error}")


def _read_cells(reading: _Reading, number: int, cells: Sequence[str]) -> None:
    names = tuple(cell.casefold() for cell in cells)
    if reading.awaits_delimiter:
        reading.awaits_delimiter = False
        if len(cells) != len(reading.columns or ()) or not all(map(_DELIMITER.fullmatch, cells)):
            raise _BadRow("expected `| --- |` with as many cells as the header above")
    elif {"model", "slug"} <= set(names):
        reading.columns = None
        if missing := [name for name in _COLUMNS if names.count(name) != 1]:
            raise _BadRow(f"a header without exactly one column {show(missing[0])}; expected {', '.join(_COLUMNS)}")
        reading.columns, reading.awaits_delimiter = names, True
    elif reading.columns is None:
        raise _BadRow(f"a row outside a table, {show('|'.join(cells), 60)}; expected a header with {_COLUMNS[1]} above")
    elif len(reading.rows) >= MAX_ROWS:
        raise _BadRow(f"more than {MAX_ROWS:,} models")
    else:
        reading.rows.append(_row(reading, number, cells))


def _cells(line: str) -> list[str]:
    """Returns the cells of a row. Raises _BadRow if it doesn't begin and end with a pipe."""
    if len(line) > MAX_LINE:
        raise _BadRow(f"more than {MAX_LINE:,} characters; expected a row of the table")
    if len(line) < 2 or line[0] != "|" or line[-1] != "|" or line.endswith("\\|"):
        raise _BadRow(f"{show(line, 60)}; expected a row that begins and ends with a pipe")
    return [cell.replace("\\|", "|").strip() for cell in _PIPE.split(line[1:-1])]


def _row(reading: _Reading, number: int, cells: Sequence[str]) -> ListedRow:
    """Returns the model of a row. Pipes that a description has unescaped are allowed if the link confirms the row."""
    columns = reading.columns or ()
    extra = len(cells) - len(columns)
    if extra > 0 and _DESCRIPTION in columns:
        at = columns.index(_DESCRIPTION)
        cells = [*cells[:at], "|".join(cells[at : at + extra + 1]), *cells[at + extra + 1 :]]
    if len(cells) != len(columns):
        raise _BadRow(f"{len(cells)} cells; expected {len(columns)}, as the header has")
    values = dict(zip(columns, cells, strict=True))
    slug = values["slug"]
    if len(slug) > 100 or not _SLUG.fullmatch(slug):
        raise _BadRow(f"the slug {show(slug, 60)}; expected letters, digits, and `.`, `_` or `-` between them")
    links = {match for cell in cells for match in _LINK.findall(cell)}
    if links - {slug} or (extra > 0 and not links):
        raise _BadRow(f"the slug {show(slug)} and the link to {show(', '.join(sorted(links)), 60)}; expected the same")
    modality = _text(values["modality"], "modality", 100)
    usd = _figure(_COST, values["avg cost"], "average cost", "$0.103", MAX_USD)
    seconds = _figure(_TIME, values["avg latency"], "average time", "29.5s", MAX_SECONDS)
    listing = Listing(slug, _text(values["model"], "title", 200), modality, usd, seconds)
    return ListedRow(listing, number, bool(links), modality == reading.heading)


def _text(cell: str, what: str, limit: int) -> str:
    text = _clean(cell)
    if not 0 < len(text) <= limit:
        raise _BadRow(f"the {what} {show(text, 60)}; expected 1 to {limit} characters")
    if HIDDEN.search(text):
        raise _BadRow(f"the {what} {show(text, 60)} with hidden characters; expected visible text")
    return text


def _clean(text: str) -> str:
    """Returns a text without zero-width characters, and with single blanks."""
    for one in UNSEEN:
        text = text.replace(one, " " if one == "\u00a0" else "")
    return " ".join(text.split())


def _figure(pattern: re.Pattern[str], cell: str, what: str, example: str, limit: float) -> float | None:
    """Returns a figure with six significant digits, or None for `-`. Raises _BadRow for any other text."""
    if cell == "-":
        return None
    match = pattern.fullmatch(cell)
    if match is None:
        raise _BadRow(f"the {what} {show(cell, 60)}; expected an amount such as {example}, or -")
    value = six_digits(Decimal(match[1]))
    if value > limit:
        raise _BadRow(f"the {what} {show(cell, 60)}; expected at most {limit:,}")
    return value


def six_digits(value: Decimal | float) -> float:
    """Returns a number with six significant digits, as `directory.yaml` holds it."""
    return float(f"{value:.6g}")


def _repeated(rows: Sequence[ListedRow]) -> Iterator[str]:
    first: dict[str, int] = {}
    for row in rows:
        line = first.setdefault(row.listing.slug, row.line)
        if line != row.line:
            yield f"line {row.line}: the slug {show(row.listing.slug)} again, as in line {line}; expected it once"
