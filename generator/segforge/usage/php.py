"""Finds calls of the gateway in PHP: by curl, Guzzle and the HTTP client of Laravel."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from segforge.usage.address import AddressBook
from segforge.usage.script.calls import ScriptCall, addresses_in, calls_in, payload_of
from segforge.usage.script.scopes import Extent
from segforge.usage.script.values import ScriptCode
from segforge.usage.shown import (
    FORM_ENCODING,
    UNSEEN,
    CodeText,
    Encoded,
    Entries,
    Entry,
    Gone,
    Position,
    Shown,
    Unseen,
    Use,
    bearer_in,
    encoding_in,
    start_of,
)

_OPTIONS: Final = frozenset({"json", "headers", "body", "form_params", "query", "timeout", "multipart", "http_errors"})
_CURL: Final = {
    "CURLOPT_URL": "url",
    "CURLOPT_POSTFIELDS": "body",
    "CURLOPT_HTTPHEADER": "headers",
    "CURLOPT_CUSTOMREQUEST": "method",
}


def read_php(code: str, book: AddressBook) -> Iterator[Use | Gone]:
    """Yields the uses of the gateway in a code."""
    reader = _Php(ScriptCode(code, "php"), book)
    yield from addresses_in(reader.code, book)
    for call in calls_in(reader.code):
        yield from reader.http(call)
        reader.note_curl(call)
    yield from reader.curl()


class _Php:
    def __init__(self, code: ScriptCode, book: AddressBook) -> None:
        self.code, self._book = code, book
        self._handles: dict[tuple[int, str], dict[str, list[Shown]]] = defaultdict(lambda: defaultdict(list))
        self._places: dict[tuple[int, str], Position] = {}

    def http(self, call: ScriptCall) -> Iterator[Use]:
        """Yields the call of a model by an object with the methods `post` or `request`."""
        arguments = list(call.arguments)
        if len(call.names) < 2 or call.name not in ("post", "request") or not arguments:
            return
        if call.name == "request":
            method = self.code.value(arguments.pop(0))
            if not isinstance(method, str) or method.upper() != "POST" or not arguments:
                return
        url = self.code.value(arguments[0])
        slug = self._book.slug(url) if isinstance(url, CodeText) else None
        if slug is None or not isinstance(url, CodeText):
            return
        options = self.code.value(arguments[1]) if len(arguments) > 1 else None
        at = self.code.position(call.first)
        named = isinstance(options, Entries) and any(one.name in _OPTIONS for one in options.entries)
        if isinstance(options, Entries) and named:
            payload = payload_of(options.get("json", "body"))
            yield Use(slug, url.position, "http", at, payload, bearer=bearer_in(options.get("headers") or UNSEEN))
        else:
            yield Use(slug, url.position, "http", at, payload_of(options))

    def note_curl(self, call: ScriptCall) -> None:
        """Notes what a call of curl sets for its handle."""
        first = call.arguments[0] if call.arguments else None
        if call.name == "curl_init":
            target = self.code.tokens.value(call.first - 2) if self.code.tokens.value(call.first - 1) == "=" else ""
            self._set(target, call, "url", first)
        if first is None:
            return
        handle = self.code.tokens.value(first.start) if first.end == first.start + 1 else ""
        if call.name == "curl_setopt" and len(call.arguments) == 3:
            option = _CURL.get(self.code.tokens.value(call.arguments[1].start))
            if option:
                self._set(handle, call, option, call.arguments[2])
        elif call.name == "curl_setopt_array" and len(call.arguments) == 2:
            for name, value in self._options(call.arguments[1]):
                self._set(handle, call, name, value)

    def _options(self, extent: Extent) -> Iterator[tuple[str, Extent]]:
        """Yields the options in an array whose keys are constants of curl."""
        opening = extent.start + (self.code.tokens.value(extent.start) == "array")
        for piece in self.code.split(opening):
            name = _CURL.get(self.code.tokens.value(piece.start))
            if name and self.code.tokens.value(piece.start + 1) == "=>":
                yield name, Extent(piece.start + 2, piece.end)

    def _set(self, handle: str, call: ScriptCall, name: str, value: Extent | None) -> None:
        if handle.startswith("$"):
            found = self.code.scopes.find(handle, call.opening)
            key = (found.scope if found is not None else -1, handle)
            if value is not None:
                self._handles[key][name].append(self.code.value(value))
            self._places.setdefault(key, self.code.position(call.first))

    def curl(self) -> Iterator[Use]:
        """Yields the calls by handles of curl that have one address and one body."""
        for key, options in self._handles.items():
            urls = options["url"]
            url = urls[0] if len(urls) == 1 else UNSEEN
            slug = self._book.slug(url) if isinstance(url, CodeText) else None
            method = options["method"][0] if options["method"] else "POST"
            if slug is None or not isinstance(url, CodeText) or not isinstance(method, str) or method.upper() != "POST":
                continue
            bodies = options["body"]
            payload = payload_of(bodies[0]) if len(bodies) == 1 else None
            headers = _headers(options["headers"], url.position)
            at = self._places[key]
            if bodies and isinstance(bodies[0], Entries):  # curl sends an array as a multipart body
                yield Use(slug, url.position, "http", at, payload, "text", bearer=bearer_in(headers))
                continue
            is_text = len(bodies) == 1 and isinstance(bodies[0], Encoded | str)
            encoding = encoding_in(headers, FORM_ENCODING) if is_text else ""
            yield Use(slug, url.position, "http", at, payload, "json", encoding, bearer_in(headers))


def _headers(stated: list[Shown], at: Position) -> Shown:
    """Returns the headers in a list of lines such as `x-api-key: ...` as an object."""
    if not stated:
        return Entries((), at)
    lines = stated[0] if len(stated) == 1 else UNSEEN
    if not isinstance(lines, list):
        return UNSEEN
    entries: list[Entry] = []
    for line in lines:
        name, colon, rest = start_of(line).partition(":")
        if not colon:
            return UNSEEN
        value: Shown = CodeText(rest.strip(), at) if isinstance(line, str) else Unseen(rest.lstrip())
        place = line.position if isinstance(line, CodeText | Unseen) else None
        entries.append(Entry(name.strip(), value, place or at))
    return Entries(tuple(entries), at)
