"""What the mock answers: status, headers and body, made from the cases of `specs/gateway.yaml`."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from segforge.spec.catalog import Status, StatusCase
from segforge.spec.printable import fill

Cases: TypeAlias = Mapping[str, tuple[Status, StatusCase]]
"""Each status case under its name, as `Gateway.cases` gives them."""

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]

_JSON: Final = (b"content-type", b"application/json")
_INERT: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
)
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


class Answer(NamedTuple):
    """An HTTP answer as ASGI wants it. `headers` may be added to until it is sent."""

    status: int
    headers: RawHeaders
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON."""
        return self.headers[0] is _JSON

    @property
    def is_image(self) -> bool:
        """Whether the body is a picture."""
        return self.headers[0][1].startswith(b"image/")

    def with_body(self, body: bytes) -> "Answer":
        """The same answer with another body."""
        return Answer(self.status, [self.headers[0], (b"content-length", b"%d" % len(body)), *self.headers[2:]], body)


def json_bytes(data: object, *, alphabetical: bool = False) -> bytes:
    """A JSON body, its keys in the order given or in alphabetical order."""
    return _encode_sorted(data) if alphabetical else _encode(data)


def json_bytes_answer(body: bytes, status: int = 200) -> Answer:
    """An answer with a JSON body that is encoded already."""
    return Answer(status, [_JSON, (b"content-length", b"%d" % len(body))], body)


def json_answer(status: int, data: object, *, alphabetical: bool = False) -> Answer:
    """An answer with a JSON body, its keys in the order given or in alphabetical order."""
    return json_bytes_answer(json_bytes(data, alphabetical=alphabetical), status)


def bytes_answer(media_type: str, body: bytes, status: int = 200) -> Answer:
    """An answer with a body of that media type."""
    return Answer(status, [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body))], body)


def file_answer(media_type: str, body: bytes, status: int = 200) -> Answer:
    """An answer that a browser may open as a page: it is what its media type says, and runs nothing."""
    answer = bytes_answer(media_type, body, status)
    answer.headers.extend(_INERT)
    return answer


def case_answer(cases: Cases, name: str, values: Mapping[str, object] | None = None, **extra: Any) -> Answer:
    """The answer of a named status case; `values` fill its `{placeholders}`, `extra` adds keys to a JSON body."""
    status, case = cases[name]
    if case.html is not None:
        return file_answer("text/html; charset=utf-8", case.html.encode(), status.code)
    return json_answer(status.code, {**fill(case.body, values or {}), **extra})
