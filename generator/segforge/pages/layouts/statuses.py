"""Reads a page's list of status codes."""

import re
from collections.abc import Iterator
from http import HTTPStatus

from segforge.pages.page import StatusLine
from segforge.pages.source.document import Document, Line

_TITLES = (
    "Bad Request", "Unauthorized", "Payment Required", "Forbidden", "Not Found", "Method Not Allowed", "Not Acceptable",
    "Insufficient Credits", "Gone", "Validation Error", "Rate Limited", "Server Error", "Bad Gateway", "Timeout", "OK",
    "Output Generated", *(status.phrase for status in HTTPStatus),
)  # fmt: skip
_CODE = re.compile(r"[1-5]\d\d")
_OLD = re.compile(r"([1-5]\d\d) - (.+)")


def read_statuses(document: Document, start: int) -> Iterator[StatusLine]:
    """Yields the status codes listed after an offset, in the page's order."""
    lines = document.lines(start)
    begin = next(
        (index for index, line in enumerate(lines) if line.text in ("Common Error Codes", "HTTP Response Codes")), None
    )
    if begin is None:
        return
    index = begin + 1
    while index < len(lines) and lines[index].text != "Attributes":
        found, index = _entry(document, lines, index)
        if found is not None:
            yield found


def _entry(document: Document, lines: list[Line], index: int) -> tuple[StatusLine | None, int]:
    line = lines[index]
    if match := _OLD.fullmatch(line.text):
        title = max((one for one in _TITLES if match[2].startswith(one)), key=len, default=match[2])
        span = document.span(line.start, line.end)
        return StatusLine(int(match[1]), title, match[2].removeprefix(title).strip() or None, span), index + 1
    code = int(line.text) if _CODE.fullmatch(line.text) else None
    at = index + (code is not None)
    if at < len(lines) and lines[at].text in _TITLES:
        meaning = lines[at + 1].text if at + 1 < len(lines) and not _CODE.fullmatch(lines[at + 1].text) else None
        span = document.span(line.start, lines[at].end)
        return StatusLine(code, lines[at].text, meaning, span), at + 1 + (meaning is not None)
    return None, index + 1
