"""Recordings as HAR 1.2, which browsers and debugging proxies read and write, and HAR files as recordings.

HAR has no place for some facts: the bytes of a file in a form, and of other binary request bodies. They are in fields
that begin with an underscore, as HAR allows. Secrets of an imported file are masked like those of recorded traffic.
"""

import base64
import binascii
import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec
from python_multipart.multipart import parse_options_header

from segforge.spec.printable import show
from segforge_mock.http.request import MAX_BODY_BYTES, media_type
from segforge_mock.recordings.bodies import is_json, is_text
from segforge_mock.recordings.folder import MetExchange, RecordingFolder
from segforge_mock.recordings.links import Links
from segforge_mock.recordings.masking import KnownSecrets
from segforge_mock.recordings.recording import MAX_FILE_BYTES, BadRecording, FormPart, Headers, Recording, StoredBody

_EPOCH: Final = "1970-01-01T00:00:00.000Z"
_LEFT_OUT: Final = frozenset({b"host", b"connection", b"content-length", b"transfer-encoding", b"content-encoding"})


class _HarHeader(msgspec.Struct, rename="camel"):
    name: str
    value: str = ""


class _HarParam(msgspec.Struct, rename="camel"):
    name: str
    value: str = ""
    file_name: str | None = None
    content_type: str = ""
    content: str | None = msgspec.field(default=None, name="_base64")


class _HarPostData(msgspec.Struct, rename="camel"):
    mime_type: str = ""
    text: str | None = None
    params: list[_HarParam] = []
    encoding: str = msgspec.field(default="", name="_encoding")


class _HarContent(msgspec.Struct, rename="camel"):
    mime_type: str = ""
    text: str | None = None
    encoding: str = ""
    size: int = 0


class _HarRequest(msgspec.Struct, rename="camel"):
    method: str
    url: str
    headers: list[_HarHeader] = []
    post_data: _HarPostData | None = None


class _HarResponse(msgspec.Struct, rename="camel"):
    status: int
    headers: list[_HarHeader] = []
    content: _HarContent = msgspec.field(default_factory=_HarContent)


class _HarEntry(msgspec.Struct, rename="camel"):
    request: _HarRequest
    response: _HarResponse
    started_date_time: str = _EPOCH
    time: float = 0.0


class _HarLog(msgspec.Struct, rename="camel"):
    entries: list[_HarEntry]


class HarFile(msgspec.Struct, rename="camel"):
    """A HAR file."""

    log: _HarLog


class ImportCount(NamedTuple):
    """The number of imported exchanges, and the skipped ones, counted by reason."""

    number: int
    skipped: Counter[str]


def as_har(recordings: Iterable[Recording]) -> dict[str, Any]:
    """Returns recordings as a HAR file, in the order of their times. Raises OSError and BadRecording."""
    ordered = sorted(recordings, key=lambda one: one.at or _EPOCH)
    entries = [entry for one in ordered for entry in [_entry(one)] * min(one.times, 10_000)]
    creator = {"name": "segforge", "version": version("segforge")}
    return {"log": {"version": "1.2", "creator": creator, "entries": entries}}


def _entry(recording: Recording) -> dict[str, Any]:
    request, answer = recording.request, recording.answer
    body, milliseconds = answer.body.read(), round(recording.seconds * 1000, 3)
    content_type = answer.header("content-type")
    content: dict[str, Any] = {"size": len(body), "mimeType": content_type}
    if is_text(content_type, body):
        content["text"] = body.decode()
    else:
        content |= {"text": base64.b64encode(body).decode(), "encoding": "base64"}
    return {
        "startedDateTime": recording.at or _EPOCH,
        "time": milliseconds,
        "request": {
            "method": request.method,
            "url": recording.url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(request.headers),
            "queryString": [
                {"name": name, "value": value} for name, value in parse_qsl(request.query, keep_blank_values=True)
            ],
            **_post_data(request.header("content-type"), request.body),
            "headersSize": -1,
            "bodySize": -1,
        },
        "response": {
            "status": answer.status,
            "statusText": _phrase(answer.status),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(answer.headers),
            "content": content,
            "redirectURL": answer.header("location"),
            "headersSize": -1,
            "bodySize": len(body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "comment": recording.name,
    }


def _post_data(content_type: str, body: StoredBody) -> dict[str, Any]:
    if body.parts:
        return {"postData": {"mimeType": content_type, "params": [_param(part) for part in body.parts], "text": ""}}
    if body.omitted:
        return {"postData": {"mimeType": content_type, "text": "", "comment": "left out by --small-media"}}
    data = body.read()
    if not data:
        return {}
    if is_text(content_type, data):
        return {"postData": {"mimeType": content_type, "params": [], "text": data.decode()}}
    encoded = {"text": base64.b64encode(data).decode(), "_encoding": "base64"}
    return {"postData": {"mimeType": content_type, "params": [], **encoded}}


def _param(part: FormPart) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": part.name}
    if part.filename is not None:
        shown["fileName"] = part.filename
    if part.media_type:
        shown["contentType"] = part.media_type
    if part.file is None:
        return {**shown, "value": part.text or ""}
    return {**shown, "_base64": base64.b64encode(StoredBody(file=part.file).read()).decode()}


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, values in headers.items() for value in values]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def read_har(file: Path) -> HarFile:
    """Reads a HAR file. Raises BadRecording and OSError."""
    with file.open("rb") as stream:
        raw = stream.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise BadRecording(f"{file} is larger than {MAX_FILE_BYTES} bytes; export fewer requests")
    try:
        return msgspec.json.decode(raw.removeprefix(b"\xef\xbb\xbf"), type=HarFile, strict=False)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadRecording(f"{file} is not a HAR file: {error}; export one from a browser or a proxy") from None


def import_har(
    har: HarFile, folder: RecordingFolder, wanted: Callable[[str], bool], bases: Iterable[str] = ()
) -> ImportCount:
    """Writes the exchanges of a HAR file with `wanted` hosts, and the files that their answers name. Raises OSError."""
    secrets, skipped, bases = KnownSecrets(), Counter[str](), tuple(bases)
    count, files = 0, set[str]()
    for entry in sorted(har.log.entries, key=lambda one: one.started_date_time):
        url = entry.request.url.partition("#")[0]
        try:
            exchange = _exchange(entry, url, secrets, files, wanted, bases)
        except ValueError as error:
            skipped[str(error)] += 1
            continue
        folder.write(exchange)
        files.update(exchange.names)
        count += 1
    return ImportCount(count, skipped)


def _exchange(
    entry: _HarEntry,
    url: str,
    secrets: KnownSecrets,
    files: set[str],
    wanted: Callable[[str], bool],
    bases: tuple[str, ...],
) -> MetExchange:
    """Returns an entry as an exchange. Raises ValueError with the reason to skip it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not (wanted(host) or url in files):
        raise ValueError(f"the host {show(host)[1:-1]}")
    if not 200 <= entry.response.status <= 599:
        raise ValueError("no answer")
    request_headers = [
        (_raw(one.name).lower(), _raw(one.value)) for one in entry.request.headers if one.name[:1] != ":"
    ]
    answer_headers = [
        (_raw(one.name).lower(), _raw(one.value)) for one in entry.response.headers if one.name[:1] != ":"
    ]
    content = entry.response.content
    if content.text is None and content.size > 0:
        raise ValueError("an answer without its content")
    body = _decoded(content.text or "", content.encoding)
    gateway = f"{parts.scheme}://{parts.netloc}"
    request_body = _request_body(entry.request, dict(request_headers).get(b"content-type", b"").decode("latin-1"))
    if len(request_body) > MAX_BODY_BYTES:
        raise ValueError(f"a request body of more than {MAX_BODY_BYTES} bytes")
    names: list[str] = []
    is_file = url in files and not wanted(host)
    if not is_file and is_json(dict(answer_headers).get(b"content-type", b"").decode("latin-1")):
        Links(gateway, bases).localised(body, request_body, "", lambda _, named: names.append(named))
    query = parts.query.encode("latin-1", "replace")
    return MetExchange(
        at=_time(entry.started_date_time),
        seconds=min(max(entry.time, 0.0), 1e9) / 1000,
        gateway=gateway,
        method=entry.request.method,
        path=parts.path or "/",
        query=parts.query,
        request_headers=[header for header in request_headers if header[0] not in _LEFT_OUT],
        request_body=request_body,
        status=entry.response.status,
        answer_headers=[header for header in answer_headers if header[0] not in _LEFT_OUT],
        answer_body=body,
        masking=secrets.masking(request_headers, query),
        file_of=url if url in files else "",
        names=tuple(names),
    )


def _raw(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _decoded(text: str, encoding: str) -> bytes:
    if encoding != "base64":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("content that is not base64") from None


def _request_body(request: _HarRequest, content_type: str) -> bytes:
    data = request.post_data
    if data is None:
        return b""
    if data.text or media_type(content_type) != "multipart/form-data":
        return _decoded(data.text or "", data.encoding)
    boundary = parse_options_header(_raw(content_type))[1].get(b"boundary", b"")
    return b"".join(_form(data.params, boundary)) if boundary and data.params else b""


def _form(params: list[_HarParam], boundary: bytes) -> Iterator[bytes]:
    for param in params:
        name = param.name.replace('"', "%22").encode()
        file = b"" if param.file_name is None else b'; filename="' + param.file_name.replace('"', "%22").encode() + b'"'
        kind = b"" if not param.content_type else b"\r\nContent-Type: " + _raw(param.content_type)
        value = param.value.encode() if param.content is None else _decoded(param.content, "base64")
        yield b'--%b\r\nContent-Disposition: form-data; name="%b"%b%b\r\n\r\n%b\r\n' % (
            boundary,
            name,
            file,
            kind,
            value,
        )
    yield b"--" + boundary + b"--\r\n"


def _time(text: str) -> str:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return _EPOCH
    moment = moment.replace(tzinfo=datetime.UTC) if moment.tzinfo is None else moment.astimezone(datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
