"""A saved page as text, with each character traced to its place in the file."""

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
"""Known pages have 3 to 400 kB."""
MAX_TEXT: Final = 500_000
"""The text of known pages, without markup and scripts, has 3,000 to 20,000 characters."""

UNSEEN: Final = {"\u200b": "U+200B", "\u2060": "U+2060", "\ufeff": "U+FEFF", "\u00a0": "U+00A0"}
"""Invisible characters and the non-breaking space, with their codes."""
_UNSEEN = re.compile(r"[\u200b\u2060\ufeff\u00a0]")
_QUOTED_OR_UNSEEN = re.compile(rf'"(?:[^"\\\n]|\\[^\n])*+(?:"|(?P<open>))|{_UNSEEN.pattern}')
HTML: Final = re.compile(
    r"<(!doctype html|html|head|body|main|div|section|article|table|h1|p|script|pre|meta|ul|dl)\b[^>]*>", re.IGNORECASE
)
"""A tag that distinguishes HTML from text."""


class PageError(Exception):
    """The file can't be read as a page. The message names the file, the problem and the remedy."""


@dataclass(frozen=True)
class Line:
    """A line without surrounding blanks: its text, and the offset of the text in the document."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset at which the text ends in the document."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Piece:
    """A stretch of the document's text and its place in the source. `exact` means that the characters are the same."""

    start: int
    source: int
    length: int
    exact: bool


@dataclass(frozen=True)
class Document:
    """A page as text. `kind` is `text` or `html`. `pieces` map the text to the source, in order."""

    name: str
    kind: str
    text: str
    source: str
    pieces: tuple[Piece, ...] = ()
    canonical: str | None = None
    notes: tuple[str, ...] = ()
    """The invisible characters that were ignored, one line for each kind."""
    _starts: list[int] = field(default_factory=list)

    def span(self, start: int, end: int) -> Span:
        """Returns the place in the source file of the text between two offsets."""
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
        """Returns the non-blank lines between two offsets, without surrounding blanks."""
        found = []
        stop = len(self.text) if end is None else end
        for match in re.compile(r"[^\n]+").finditer(self.text, start, stop):
            bare = match[0].strip()
            if bare:
                found.append(Line(bare, match.start() + match[0].index(bare)))
        return found


def problem_of(path: Path, *, folders: bool = False) -> str | None:
    """Returns why a path is not a file (with `folders`: not a file or folder), or None if it is one."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            return f"no file {path}: a circular symbolic link"
        if path.is_symlink():
            return f"no file {path}: a symbolic link to {path.readlink()}, which doesn't exist"
        return f"no file {path}" if isinstance(error, FileNotFoundError) else f"no file {path}: {error.strerror}"
    if stat.S_ISDIR(mode):
        return None if folders else f"no file {path}: it is a folder"
    return None if stat.S_ISREG(mode) else f"no file {path}: neither a file nor a folder"


def _unseen(text: str) -> Iterator[re.Match[str]]:
    """Yields the invisible characters outside double quotes, in linear time.

    A quote without an end quotes nothing, and neither does any later quote of its line.
    """
    for match in _QUOTED_OR_UNSEEN.finditer(text):
        if match["open"] is not None:
            yield from _UNSEEN.finditer(text, match.start(), match.end())
        elif match[0] in UNSEEN:
            yield match


def seen(text: str) -> Iterator[tuple[int, str]]:
    """Yields the parts of a text between invisible characters, each with its offset.

    A non-breaking space becomes a plain space, as a part of its own. Text in double quotes is a value and is kept.
    """
    start = 0
    for match in _unseen(text):
        yield start, text[start : match.start()]
        yield from [(match.start(), " ")] if match[0] == "\u00a0" else []
        start = match.end()
    yield start, text[start:]


def ignored(text: str) -> tuple[str, ...]:
    """Returns the characters that `seen` removes from a text, in words, one line for each kind."""
    counts = Counter(match[0] for match in _unseen(text))
    return tuple(f"{counted(count, f'character {UNSEEN[one]}')} ignored" for one, count in sorted(counts.items()))


def check_length(length: int, name: str) -> None:
    """Raises PageError if a page's text has more than MAX_TEXT characters."""
    if length > MAX_TEXT:
        raise PageError(f"{name}: more than {MAX_TEXT:,} characters of text; expected one docs page; save it again")


def joined(lines: Iterable[Line]) -> str:
    """Returns the lines' text as one line."""
    return " ".join(line.text for line in lines)
