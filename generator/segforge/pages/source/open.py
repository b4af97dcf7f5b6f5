"""Opens a saved page, HTML or text, as a Document."""

from pathlib import Path

from segforge.pages.source.document import HTML, MAX_BYTES, Document, PageError, Piece, check_length, ignored, seen
from segforge.pages.source.html import html_document


def read_document(path: Path, name: str | None = None) -> Document:
    """Reads a saved page, HTML or text. Raises PageError if the file is missing, too large or not UTF-8 text.

    `name` replaces the path in messages.
    """
    label = name or str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PageError(f"{label}: {error.strerror or error}; pass a saved docs page") from None
    return document_of(raw, label)


def document_of(raw: bytes, name: str) -> Document:
    """Returns a page from its bytes, HTML or text. Raises PageError if they are too many or not UTF-8 text."""
    if len(raw) > MAX_BYTES:
        raise PageError(
            f"{name}: more than {MAX_BYTES:,} bytes; expected one docs page; save the page without its images"
        )
    if b"\0" in raw[:10_000]:
        raise PageError(f"{name}: binary data; expected HTML or text; save the page as HTML or copy its text")
    try:
        source = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise PageError(f"{name}: byte {error.start} is not UTF-8; save the page as UTF-8") from None
    if source.lstrip()[:1] == "<" and HTML.search(source[:20_000]):
        return html_document(source, name)
    check_length(len(source), name)
    text = source.replace("\r\n", " \n").replace("\r", "\n")
    parts = list(seen(text))
    if len(parts) <= 1:
        return Document(name, "text", text, source)
    pieces, offset = [], 0
    for at, part in parts:
        pieces.append(Piece(offset, at, len(part), exact=True))
        offset += len(part)
    return Document(name, "text", "".join(part for _, part in parts), source, tuple(pieces), None, ignored(text))
