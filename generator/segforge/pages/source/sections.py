"""Cuts a page into sections: head, code samples, endpoint, parameters, response and status codes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from segforge.pages.source.document import Document, Line

_ENDPOINT = re.compile(r".*API Endpoint$")
_URL = re.compile(
    r"(?:(?P<method>GET|POST|PUT|DELETE)\s{0,20})?(?P<url>https://api\.segmind\.com(?P<path>/[^\s\"'<>]*))"
)
_ROUTE = re.compile(r"(?P<method>GET|POST)\s*(?P<path>/v\d/[A-Za-z0-9_.{}/-]+)")
_PARAMETERS = re.compile(
    r"(?:https?://\S+|.*[\s)\"'])?(Parameters|Request parameters|Request Parameters|Input parameters)"
)
_ATTRIBUTES = re.compile(r"Attributes")
_RESPONSE = re.compile(r"(.*?)(Response Type|Response Format)")
_RETURNS = re.compile(r"Returns\s*:\s*(\S.*)")
_LATER = re.compile(r"(.*?)(Asynchronous requests \(v2\)|Common Error Codes|Status states)")
_ASYNC = re.compile(r".*Asynchronous requests \(v2\).*")
_OLD_END = re.compile(r"To keep track of your credit usage.*")
_CODE: Final = re.compile(r"\s*(?:1(?=[#a-z{]| +\d+ )|import |curl |const |POST\s*/v\d|POST$|# pip |from segmind)")


@dataclass(frozen=True)
class Sections:
    """The sections of a page, as offsets into its text. A section that the page lacks is None."""

    head: tuple[Line, ...]
    code: tuple[int, int]
    endpoint: Line | None
    parameters: tuple[int, int] | None
    complete: bool
    """True if the page has the end of the parameters. False if it was cut off before it."""
    oldest: bool
    """True if the list is called Attributes, as on pages before 2025."""
    returns: Line | None
    v2_section: bool
    after: int
    """The end of the parameters, or the end of the text if it has no parameters."""


def cut(document: Document) -> Sections:
    """Returns the sections of a page."""
    lines = document.lines()
    endpoint = next(
        (
            index
            for index, line in enumerate(lines[:-1])
            if _ENDPOINT.fullmatch(line.text) and _follows_url(lines, index)
        ),
        None,
    )
    start, oldest = _start(lines, endpoint)
    body_end, complete, after = len(document.text), False, len(document.text)
    parameters = None
    if start is not None:
        begin = lines[start].end
        stop = _stop(lines, start + 1, oldest)
        if stop is not None:
            body_end, complete = stop, True
        parameters, after = (begin, max(begin, body_end)), body_end
    code_end = after if start is None else lines[start].start
    if endpoint is not None:
        code_end = lines[endpoint].end - len("API Endpoint")
    head = _head(lines, code_end)
    code_start = head[-1].end if head else 0
    returns = _returns(lines, after if parameters else 0)
    return Sections(
        head,
        (code_start, code_end if not oldest else len(document.text)),
        lines[endpoint + 1] if endpoint is not None else None,
        parameters,
        complete,
        oldest,
        returns,
        any(_ASYNC.fullmatch(line.text) for line in lines if line.start >= after),
        after,
    )


def _follows_url(lines: Sequence[Line], index: int) -> bool:
    return any("https://api." in line.text for line in lines[index + 1 : index + 3])


def _start(lines: Sequence[Line], endpoint: int | None) -> tuple[int | None, bool]:
    """Returns the index of the line before the parameters, and whether the page has the oldest layout."""
    for index in range(0 if endpoint is None else endpoint, len(lines)):
        if _PARAMETERS.fullmatch(lines[index].text):
            return index, False
        if endpoint is None and _ATTRIBUTES.fullmatch(lines[index].text):
            return index, True
    return None, False


def _stop(lines: Sequence[Line], start: int, oldest: bool) -> int | None:
    """Returns the offset at which the parameters end, or None if the page ends first."""
    for index in range(start, len(lines)):
        line = lines[index]
        following = lines[index + 1].text if index + 1 < len(lines) else ""
        match = _RESPONSE.fullmatch(line.text)
        if match and (following.startswith(("Returns", "{", "[", "```")) or (match[1] == "" and not following)):
            return line.start + match.start(2)
        if line.text in ("Asynchronous requests (v2)", "Common Error Codes") or (
            oldest and _OLD_END.fullmatch(line.text)
        ):
            return line.start
        match = _LATER.fullmatch(line.text)
        if (
            match
            and match[2] != "Status states"
            and following.startswith(("Use Async for", "The API returns standard"))
        ):
            return line.start + match.start(2)
    return None


def _head(lines: Sequence[Line], end: int) -> tuple[Line, ...]:
    """Returns the lines before the first code sample."""
    head = []
    for line in lines[:40]:
        if line.start >= end or _CODE.match(line.text):
            break
        head.append(line)
    return tuple(head)


def _returns(lines: Sequence[Line], after: int) -> Line | None:
    for index, line in enumerate(lines):
        if line.start >= after and (match := _RETURNS.fullmatch(line.text)):
            return Line(match[1], line.start + match.start(1))
        if line.text == "RESPONSE" and index + 1 < len(lines) and "/" in lines[index + 1].text:
            return lines[index + 1]
    return None


def urls(document: Document, start: int, end: int) -> list[tuple[str, str, int, int]]:
    """Returns the gateway's URLs and routes between two offsets: method, path, and the path's start and end."""
    matches = [match for pattern in (_URL, _ROUTE) for match in pattern.finditer(document.text, start, end)]
    return [
        (one["method"] or "POST", one["path"], *one.span("path"))
        for one in sorted(matches, key=lambda one: one.start("path"))
    ]
