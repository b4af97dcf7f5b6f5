"""Finds calls of the gateway in Go: by net/http."""

from collections.abc import Iterator
from typing import Final

from segforge.usage.address import AddressBook
from segforge.usage.script.calls import ScriptCall, addresses_in, calls_in, payload_of
from segforge.usage.script.values import ScriptCode
from segforge.usage.shown import CodeText, Gone, Position, Use, start_of

_REQUESTS: Final = {"NewRequest": 0, "NewRequestWithContext": 1}
"""The functions that make a request, and the place of the method among their arguments."""


def read_go(code: str, book: AddressBook) -> Iterator[Use | Gone]:
    """Yields the uses of the gateway in a code."""
    reader = _Go(ScriptCode(code, "go"), book)
    yield from addresses_in(reader.code, book)
    for call in reader.calls:
        yield from reader.http(call)


class _Go:
    def __init__(self, code: ScriptCode, book: AddressBook) -> None:
        self.code, self._book = code, book
        self.calls = list(calls_in(code))

    def http(self, call: ScriptCall) -> Iterator[Use]:
        """Yields the call of a model that a call makes or sends, if any."""
        arguments = call.arguments
        encoding = ""
        if call.name in _REQUESTS and len(arguments) == _REQUESTS[call.name] + 3:
            verb, address, body = arguments[-3:]
            method = self.code.value(verb)
            names = [self.code.tokens.value(at) for at in range(*verb)]
            if names != ["http", ".", "MethodPost"] and method != "POST":
                return
        elif call.name == "Post" and len(arguments) == 3:
            address, stated, body = arguments
            content_type = self.code.value(stated)
            encoding = content_type.partition(";")[0].strip().lower() if isinstance(content_type, str) else ""
        else:
            return
        url = self.code.value(address)
        slug = self._book.slug(url) if isinstance(url, CodeText) else None
        if slug is None or not isinstance(url, CodeText):
            return
        payload = payload_of(self.code.value(body))
        at = self.code.position(call.first)
        yield Use(slug, url.position, "http", at, payload, encoding=encoding, bearer=self._bearer(call))

    def _bearer(self, call: ScriptCall) -> Position | None:
        """Returns the position of a Bearer token if the code around a request makes no other one and sends no key."""
        tokens = self.code.tokens
        body = tokens.outer[call.opening]
        if body < 0 or call.name not in _REQUESTS:
            return None
        inside = [one for one in self.calls if body < one.opening < tokens.closing.get(body, body)]
        if sum(one.name in _REQUESTS for one in inside) != 1:
            return None
        found: Position | None = None
        for one in inside:
            if one.names[-2:] not in (("Header", "Set"), ("Header", "Add")) or len(one.arguments) != 2:
                continue
            name = self.code.value(one.arguments[0])
            if not isinstance(name, str) or name.lower() == "x-api-key":
                return None
            if name.lower() == "authorization" and start_of(self.code.value(one.arguments[1])).startswith("Bearer "):
                found = self.code.position(one.first)
        return found
