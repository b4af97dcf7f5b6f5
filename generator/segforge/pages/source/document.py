"""A saved page as text whose every character is traced back to the file it came from."""

import bisect
import errno
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from segforge.pages.page import Span
from segforge.spec.printable import counted

MAX_BYTES: Final = 4_000_000
"""Pages seen so far have 3 to 400 kB."""
MAX_TEXT: Final = 500_000
"""Their text, without markup and scripts, has 3,000 to 20,000 characters."""

UNSEEN: Final = {"\u200b": "U+200B", "\u2060": "U+2060", "\ufeff": "U+FEFF", "\u00a0": "U+00A0"}
"""Characters that a page shows as nothing, or as a blank, and their codes."""
_UNSEEN = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"|[\u200b\u2060\ufeff\u00a0]')
HTML: Final = re.compile(
    r"<(!doctype html|html|head|body|main|div|section|article|table|h1|p|script|pre|meta|ul|dl)\b[^>]*>", re.IGNORECASE
)
"""A tag that tells HTML from text."""


class PageError(Exception):
    """The file can't be read as a page; the message names the file, what was found and what helps."""


@dataclass(frozen=True)
class Line:
    """A line without its outer blanks: its text and where that starts in the document."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the text ends in the document."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Piece:
    """A stretch of the document's text and where it comes from; `exact` where both have the same characters."""

    start: int
    source: int
    length: int
    exact: bool


@dataclass(frozen=True)
class Document:
    """A page as text. `kind` is text or html; `pieces` trace html's text back, in order."""

    name: str
    kind: str
    text: str
    source: str
    pieces: tuple[Piece, ...] = ()
    canonical: str | None = None
    notes: tuple[str, ...] = ()
    """What was ignored: characters that can't be seen."""
    _starts: list[int] = field(default_factory=list)

    def span(self, start: int, end: int) -> Span:
        """The place in the source file of a stretch of the text."""
        first, last = self._trace(start), max(self._trace(max(end - 1, start), at_end=True), self._trace(start))
        if not self._starts:
            self._starts.extend([0, *(match.end() for match in re.finditer("\n", self.source))])
        line = bisect.bisect_right(self._starts, first)
        return Span(first, last, line, first - self._starts[line - 1] + 1)

    def _trace(self, offset: int, *, at_end: bool = False) -> int:
        if not self.pieces and self.kind == "text":
            return min(offset + at_end, len(self.source))
        index = bisect.bisect_right(self.pieces, offset, key=lambda piece: piece.start) - 1
        if index < 0:
            return 0
        piece = self.pieces[index]
        if piece.exact and offset - piece.start < piece.length:
            return piece.source + offset - piece.start + at_end
        return piece.source + (piece.length if at_end else 0)

    def lines(self, start: int = 0, end: int | None = None) -> list[Line]:
        """The lines between two offsets that are not blank, without their outer blanks."""
        found = []
        stop = len(self.text) if end is None else end
        for match in re.compile(r"[^\n]+").finditer(self.text, start, stop):
            bare = match[0].strip()
            if bare:
                found.append(Line(bare, match.start() + match[0].index(bare)))
        return found


def problem_of(path: Path, *, folders: bool = False) -> str | None:
    """Why a path is no file (or folder, where those are welcome) to read from; None where it is one."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            return f"no file {path}: links that lead in a circle"
        if path.is_symlink():
            return f"no file {path}: a link to {path.readlink()}, which is not there"
        return f"no file {path}" if isinstance(error, FileNotFoundError) else f"no file {path}: {error.strerror}"
    if stat.S_ISDIR(mode):
        return None if folders else f"no file {path}: it is a folder"
    return None if stat.S_ISREG(mode) else f"no file {path}: neither a file nor a folder"


def seen(text: str) -> Iterator[tuple[int, str]]:
    """The parts of a text between characters that can't be seen, each with its offset.

    A blank that does not break becomes a plain one, a part of its own. Text in double quotes is a value, and stays.
    """
    start = 0
    for match in _UNSEEN.finditer(text):
        if match[0] in UNSEEN:
            yield start, text[start : match.start()]
            yield from [(match.start(), " ")] if match[0] == "\u00a0" else []
            start = match.end()
    yield start, text[start:]


def ignored(text: str) -> tuple[str, ...]:
    """What `seen` leaves out of a text, in words."""
    counts = Counter(match[0] for match in _UNSEEN.finditer(text) if match[0] in UNSEEN)
    return tuple(f"{counted(count, f'character {UNSEEN[one]}')} ignored" for one, count in sorted(counts.items()))


def check_length(length: int, name: str) -> None:
    """Raise PageError where a page's text has more characters than any docs page."""
    if length > MAX_TEXT:
        raise PageError(f"{name}: more than {MAX_TEXT:,} characters of text; expected one docs page; save it anew")


def joined(lines: Iterable[Line]) -> str:
    """The lines' text as one line."""
    return " ".join(line.text for line in lines)
