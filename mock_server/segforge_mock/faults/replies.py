"""Answers that a stub states: an answer instead of the gateway's, or changes of the gateway's own."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta
from msgspec.structs import replace

from segforge_mock.bounds import BadSetting
from segforge_mock.http.answers import Answer, RawHeaders, bytes_answer, json_bytes, json_bytes_answer
from segforge_mock.models.normal import MAX_DEPTH, is_deep

MAX_HEADERS: Final = 100
MAX_HEADER: Final = 8 * 2**10
HEADER_BYTES: Final = 250
"""Memory that a header of a stub takes beside its text."""
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OWN: Final = ("connection", "content-length", "transfer-encoding")
"""Headers that delimit an answer on its connection, so that the server alone sets them."""
_EMPTY: Final = (204, 304)
"""Statuses whose answers have no body, by RFC 9110."""


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A body, in at most one of four forms, and headers. JSON is kept encoded.

    `file` is a path; `read_stub` replaces it by the bytes, so that only a stub that was not read has one.
    """

    json: Any = UNSET
    text: str | None = None
    base64: bytes | None = None
    file: str | None = None
    content_type: str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def body(self) -> tuple[str | None, bytes] | None:
        """The media type (None: JSON's) and the bytes of the body, or None if none is stated."""
        if self.json is not UNSET:
            return self.content_type, bytes(self.json)
        if self.text is not None:
            return self.content_type or "text/plain; charset=utf-8", self.text.encode()
        if self.base64 is not None:
            return self.content_type or "application/octet-stream", self.base64
        return None

    @property
    def size(self) -> int:
        """Memory in bytes (an estimate)."""
        body = self.body
        headers = sum(HEADER_BYTES + 4 * len(name) + 4 * len(value) for name, value in self.headers.items())
        return headers + (0 if body is None else 4 * len(body[0] or "") + len(body[1]) * (4 if self.text else 1))

    def check(self, place: str, status: int | None) -> None:
        """Raises BadSetting, with the place, for a body or header that no answer can have."""
        forms = [name for name in ("json", "text", "base64", "file") if getattr(self, name) not in (None, UNSET)]
        if len(forms) > 1:
            raise BadSetting(f"{place}: an answer has one body, found {' and '.join(forms)}; leave out all but one")
        if self.content_type is not None and not forms:
            raise BadSetting(f"{place}.content_type: there is no body; add json, text, base64 or file, or use headers")
        if forms and status in _EMPTY:
            raise BadSetting(f"{place}.{forms[0]}: an answer with status {status} has no body; leave out {forms[0]}")
        if len(self.headers) > MAX_HEADERS:
            raise BadSetting(f"{place}.headers: expected at most {MAX_HEADERS}, found {len(self.headers)}")
        check_header(f"{place}.content_type", "content-type", self.content_type or "")
        for name, value in self.headers.items():
            check_header(f"{place}.headers", name, value)


class Reply(Content, frozen=True):
    """An answer instead of the gateway's: the request has no effect. Without a body, its text is that of the status."""

    status: Annotated[int, Meta(ge=200, le=599)] = 200

    def answer(self) -> Answer:
        """Returns the answer."""
        media_type, body = self.body or (None, self._usual_body())
        answer = json_bytes_answer(body, self.status)
        if media_type is not None:
            answer = bytes_answer(media_type, body, self.status)
        return replace(answer, headers=with_headers(answer.headers, self.headers))

    def _usual_body(self) -> bytes:
        if self.status in _EMPTY:
            return b""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = f"Status {self.status}"
        return json_bytes({"error": phrase} if self.status >= 400 else {})


class Edit(Content, frozen=True):
    """Changes of the gateway's answer, after the request took effect.

    `patch` is a JSON Merge Patch (RFC 7396): it sets members of a JSON body, and null removes one. It does not apply to
    other bodies.
    """

    status: Annotated[int, Meta(ge=200, le=599)] | None = None
    drop_headers: tuple[str, ...] = ()
    patch: Any = UNSET

    @property
    def size(self) -> int:
        """Memory in bytes (an estimate)."""
        dropped = sum(HEADER_BYTES + 4 * len(name) for name in self.drop_headers)
        return super().size + dropped + (0 if self.patch is UNSET else len(bytes(self.patch)))

    def check(self, place: str, status: int | None) -> None:
        """Raises BadSetting, with the place, for a change that does nothing or that no answer can have."""
        super().check(place, status)
        if self == Edit():
            raise BadSetting(f"{place}: changes nothing; expected status, json, text, base64, file, patch or headers")
        if self.patch is not UNSET and self.body is not None:
            raise BadSetting(f"{place}.patch: the body is replaced as a whole; leave out patch or the body")
        if len(self.drop_headers) > MAX_HEADERS:
            raise BadSetting(f"{place}.drop_headers: expected at most {MAX_HEADERS}, found {len(self.drop_headers)}")
        for name in self.drop_headers:
            check_header(f"{place}.drop_headers", name, "")

    def of(self, answer: Answer) -> Answer:
        """Returns an answer with the changes; one that closes the connection stays as it is."""
        if not answer.status:
            return answer
        status, headers, body = answer.status, answer.headers, answer.body
        new = self.body
        if new is not None:
            media_type, body = new
            headers = [(b"content-type", (media_type or "application/json").encode("latin-1")), *headers[1:]]
        elif self.patch is not UNSET and answer.is_json:
            body = _patched(body, bytes(self.patch))
        status = status if self.status is None else self.status
        if status in _EMPTY:
            body = b""
        dropped = {name.lower().encode() for name in self.drop_headers}
        kept = [header for header in with_headers(headers, self.headers) if header[0].lower() not in dropped]
        return Answer(status, kept, answer.body, answer.delivery).with_body(body)


def check_header(place: str, name: str, value: str) -> None:
    """Raises BadSetting, with the place, for a header that an answer can't have."""
    if not _NAME.fullmatch(name):
        raise BadSetting(f"{place}: expected the name of a header, found {name[:100]!r}")
    if name.lower() in _OWN:
        raise BadSetting(f"{place}: the server sets {name.lower()} itself; leave it out")
    if len(value) > MAX_HEADER or not _VALUE.fullmatch(value):
        expected = f"at most {MAX_HEADER} characters of Latin-1 in one line"
        raise BadSetting(f"{place}: expected {expected} as {name}, found {value[:100]!r}")


def with_headers(headers: RawHeaders, stated: Mapping[str, str]) -> RawHeaders:
    """Returns headers with others added. They replace those of the same name, the first of them in its place."""
    changed = list(headers)
    for name, value in stated.items():
        raw = name.lower().encode()
        places = [place for place, (known, _) in enumerate(changed) if known == raw]
        if places:
            changed[places[0]] = raw, value.encode("latin-1")
            changed = [header for place, header in enumerate(changed) if place not in places[1:]]
        else:
            changed.append((raw, value.encode("latin-1")))
    return changed


def encoded(place: str, value: object) -> msgspec.Raw:
    """Returns a JSON value encoded, as a stub keeps it. Raises BadSetting, with the place, if it nests too deeply."""
    if isinstance(value, msgspec.Raw):
        return value
    if is_deep([value]):
        raise BadSetting(f"{place}: expected at most {MAX_DEPTH} levels of arrays and objects")
    return msgspec.Raw(json_bytes(value))


def _patched(body: bytes, patch: bytes) -> bytes:
    return json_bytes(_merged(msgspec.json.decode(body), msgspec.json.decode(patch)))


def _merged(target: Any, patch: Any) -> Any:
    """Returns a value with a JSON Merge Patch applied, as RFC 7396 defines it."""
    if not isinstance(patch, dict):
        return patch
    changed = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            changed.pop(name, None)
        else:
            changed[name] = _merged(changed.get(name), value)
    return changed
