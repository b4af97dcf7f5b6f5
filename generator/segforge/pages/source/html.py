"""Converts an HTML page to text, one element per line, and traces each stretch to its place in the source."""

import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from segforge.pages.source.document import Document, PageError, Piece, check_length, ignored, seen

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

MAX_DEPTH: Final = 2_000
"""Real pages have about 40 levels. The parser's time grows with the square of the depth."""
CELL: Final = "\t"
"""The separator between the cells of a table row."""

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_FLAT = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "p", "li",
    "td", "th", "tr", "dt", "dd", "option", "path",
})  # fmt: skip
_HIDDEN = frozenset({
    "script", "style", "noscript", "template", "svg", "head", "iframe", "object", "select", "button", "nav", "footer",
})  # fmt: skip
_WHOLE = frozenset(["p", "h1", "h2", "td", "th", "dd", "pre", "code"])
_MARKUP_END = {"<!--": "-->", "<script": "</script", "<style": "</style"}


def html_document(source: str, name: str) -> Document:
    """Returns an HTML page as a document. Raises PageError if it is nested too deeply or has too much text."""
    _check_depth(source, name)
    from selectolax.lexbor import LexborHTMLParser

    parser = LexborHTMLParser(source)
    root = parser.root
    lines: list[str] = []
    size = 0
    for line in () if root is None else _lines(root):
        lines.append(line)
        size += len(line) + 1
        check_length(size, name)
    trace = _Trace(source)
    parts: list[str] = []
    pieces: list[Piece] = []
    offset = 0
    for raw in lines:
        placed, text = trace.find(raw), "".join(part for _, part in seen(raw))
        if placed is not None and text != raw:
            placed = (placed[0], placed[1], False)
        if placed is not None:
            pieces.append(Piece(offset, *placed))
        parts.append(text)
        offset += len(text) + 1
    canonical = parser.css_first('link[rel="canonical"]')
    address = canonical.attributes.get("href") if canonical is not None else None
    return Document(name, "html", "\n".join(parts), source, tuple(pieces), address, ignored("\n".join(lines)))


def _check_depth(source: str, name: str) -> None:
    depth = 0
    for match in _TAG.finditer(source):
        if match[2].lower() in _FLAT:
            continue
        depth = max(depth - 1, 0) if match[1] else depth + 1
        if depth > MAX_DEPTH:
            line = source.count("\n", 0, match.start()) + 1
            raise PageError(
                f"{name}:{line}: more than {MAX_DEPTH:,} levels of nested elements; expected a docs page; save it again"
            )


def _lines(root: "LexborNode") -> Iterator[str]:
    """Yields the page's text in reading order. A paragraph, heading, code block or table row is one item."""
    stack = [root]
    while stack:
        node = stack.pop()
        tag = node.tag or ""
        if tag == "-text":
            text = _plain(node.text_content or "")
            if text:
                yield text
        elif tag in _HIDDEN:
            continue
        elif tag == "pre":
            yield (node.text(deep=True) or "").strip("\n")
        elif tag == "tr":
            yield CELL.join(_plain(cell.text(deep=True)) for cell in node.iter() if cell.tag in ("td", "th"))
        elif tag in _WHOLE:
            text = _plain(node.text(deep=True))
            if text:
                yield text
        else:
            children = list(node.iter(include_text=True))
            stack.extend(reversed(children))


def _plain(text: str) -> str:
    """Returns the text without the source's line breaks. Keeps blanks within a line, since a value may contain them."""
    return " ".join(filter(None, map(str.strip, text.split("\n")))).replace(CELL, " ")


class _Trace:
    """Finds text in the source, in forward direction only. Markup is skipped."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._segments = list(_segments(source))
        self._next = 0

    def find(self, text: str) -> tuple[int, int, bool] | None:
        """Returns a text's offset and length in the source, and whether both have the same characters, or None."""
        head = text.split(CELL, maxsplit=1)[0].split("\n", maxsplit=1)[0].strip()
        if not head:
            return None
        for index in range(self._next, min(self._next + 400, len(self._segments))):
            start, end = self._segments[index]
            raw = self._source[start:end]
            start += len(raw) - len(raw.lstrip())
            if self._source.startswith(head, start):
                self._next = index + 1
                same = self._source.startswith(text, start)
                return start, len(text) if same else len(head), same
            readable = _plain(html.unescape(raw))
            if readable and (head.startswith(readable) or ("&" in raw and readable.startswith(head))):
                self._next = index + 1
                return start, end - start, False
        return None


def _segments(source: str) -> Iterator[tuple[int, int]]:
    """Yields the stretches of the source that are not markup. Takes one pass, even if a tag or comment is unclosed."""
    at = 0
    while at < len(source):
        opened = source.find("<", at)
        if opened < 0:
            break
        if opened > at:
            yield at, opened
        start = source[opened : opened + 7].lower()
        ending = next((end for begin, end in _MARKUP_END.items() if start.startswith(begin)), ">")
        closed = source.find(ending, opened + 1)
        if closed < 0 and ending != ">":
            return
        at = len(source) if closed < 0 else closed + (len(ending) if ending in (">", "-->") else 0)
    if at < len(source):
        yield at, len(source)
