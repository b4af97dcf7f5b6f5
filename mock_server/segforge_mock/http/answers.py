"""Answers: status, headers and body. Refusals come from the status cases of `specs/gateway.yaml`."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from segforge.spec.catalog import Status, StatusCase
from segforge.spec.printable import fill, one_line

Cases: TypeAlias = Mapping[str, tuple[Status, StatusCase]]
"""The status cases by name, as in `Gateway.cases`."""

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]

_JSON: Final = (b"content-type", b"application/json")
_INERT: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
)
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


class Delivery(NamedTuple):
    """How the server sends an answer. `fault` is a name in `scenarios.FAULTS`, or "" for an answer without a fault.

    A slow body takes `seconds`, and so does an answer that hangs; `wait` waits. `parts` is a body without a known end.
    """

    fault: str = ""
    seconds: float = 0.0
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    parts: AsyncGenerator[bytes, None] | None = None


PLAIN: Final = Delivery()
"""Delivers the whole answer without a delay."""


class Answer(msgspec.Struct):
    """An HTTP answer in ASGI's types. Callers may append to `headers` until it is sent."""

    status: int
    headers: RawHeaders
    body: bytes
    delivery: Delivery = PLAIN

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON."""
        return bool(self.headers) and self.headers[0] == _JSON

    @property
    def is_file(self) -> bool:
        """Whether the body is a file of a run: an image, a video, audio or a 3D model."""
        return self.headers[0][1].startswith((b"image/", b"video/", b"audio/", b"model/"))

    def with_body(self, body: bytes) -> "Answer":
        """Returns a copy with another body."""
        length = b"content-length", b"%d" % len(body)
        headers = [length if header[0] == b"content-length" else header for header in self.headers]
        return replace(self, headers=headers, body=body)


HINT: Final = b"x-mock-hint"
"""The header that tells people the likely mistake in a request that was refused, and how to correct it."""
MAX_HINT: Final = 800

NO_ANSWER: Final = Answer(0, [], b"", Delivery("drop-before"))
"""Closes the connection instead of answering. Its headers are shared: don't append to them."""


def hinted(answer: Answer, text: str) -> Answer:
    """Adds a hint to an answer, and returns it. Characters that a header can't hold are escaped."""
    answer.headers.append((HINT, one_line(text).encode("ascii", "backslashreplace")[:MAX_HINT]))
    return answer


def hint_of(answer: Answer) -> str | None:
    """Returns the hint of an answer, or None."""
    return next((value.decode("ascii") for name, value in answer.headers if name is HINT), None)


def json_bytes(data: object, *, alphabetical: bool = False) -> bytes:
    """Encodes a JSON body, with its keys in their own or in alphabetical order."""
    return _encode_sorted(data) if alphabetical else _encode(data)


def json_bytes_answer(body: bytes, status: int = 200) -> Answer:
    """Returns an answer with an encoded JSON body."""
    return Answer(status, [_JSON, (b"content-length", b"%d" % len(body))], body)


def json_answer(status: int, data: object, *, alphabetical: bool = False) -> Answer:
    """Returns an answer with a JSON body, with its keys in their own or in alphabetical order."""
    body = (_encode_sorted if alphabetical else _encode)(data)
    return Answer(status, [_JSON, (b"content-length", b"%d" % len(body))], body)


def bytes_answer(media_type: str, body: bytes, status: int = 200) -> Answer:
    """Returns an answer with a body of a media type."""
    return Answer(status, [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body))], body)


def file_answer(media_type: str, body: bytes, status: int = 200) -> Answer:
    """Returns an answer that is safe to open in a browser: no sniffing of its type, no scripts."""
    answer = bytes_answer(media_type, body, status)
    answer.headers.extend(_INERT)
    return answer


def case_answer(cases: Cases, name: str, values: Mapping[str, object] | None = None, **extra: Any) -> Answer:
    """Returns the answer of a status case; `values` fill its `{placeholders}`, `extra` adds keys to a JSON body."""
    status, case = cases[name]
    if case.html is not None:
        return file_answer("text/html; charset=utf-8", case.html.encode(), status.code)
    return json_answer(status.code, {**fill(case.body, values or {}), **extra})
