"""What the mock answers: status, headers and body, made from the cases of `specs/gateway.yaml`."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec

from segforge.spec.catalog import Status, StatusCase
from segforge.text import fill

Cases: TypeAlias = Mapping[str, tuple[Status, StatusCase]]
"""Each status case under its name, as `Gateway.cases` gives them."""

_JSON = (b"content-type", b"application/json")


class Answer(NamedTuple):
    """An HTTP answer as ASGI wants it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def json_answer(status: int, data: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    return _answer(status, _JSON, msgspec.json.encode(data), headers)


def bytes_answer(media_type: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer of 200 with a body of that media type."""
    return _answer(200, (b"content-type", media_type.encode("ascii")), body, headers)


def case_answer(cases: Cases, name: str, values: Mapping[str, object] | None = None, **extra: Any) -> Answer:
    """The answer of a named status case; `values` fill its `{placeholders}`, `extra` adds keys to a JSON body."""
    status, case = cases[name]
    if case.html is not None:
        return _answer(status.code, (b"content-type", b"text/html; charset=utf-8"), case.html.encode(), None)
    return json_answer(status.code, {**fill(case.body, values or {}), **extra})


def _answer(status: int, content_type: tuple[bytes, bytes], body: bytes, headers: Mapping[str, str] | None) -> Answer:
    listed = [content_type, (b"content-length", b"%d" % len(body))]
    listed.extend((name.encode("ascii"), value.encode("ascii")) for name, value in (headers or {}).items())
    return Answer(status, listed, body)
