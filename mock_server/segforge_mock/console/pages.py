"""The static files of the console. They hold no secret, so they need no token, but they have a strict policy."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

from segforge_mock.http.answers import Answer, RawHeaders
from segforge_mock.http.request import IncomingRequest

PAGE: Final = "/_mock/"
FOLDER: Final = "/_mock/console/"
_TYPES: Final = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""No inline scripts or styles, no request to another host, no frame, and no text that becomes HTML."""
_HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-cache"),  # the browser keeps a copy, and asks whether it is current
)


class _StaticFile(NamedTuple):
    media_type: bytes
    content: bytes
    tag: bytes


def page(request: IncomingRequest) -> Answer | None:
    """Answers a request for the page or one of its files. Returns None for any other request."""
    if request.method not in ("GET", "HEAD"):
        return None
    if request.path == PAGE.removesuffix("/"):
        return Answer(308, [(b"location", PAGE.encode()), (b"content-length", b"0"), *_HEADERS], b"")
    name = "index.html" if request.path == PAGE else request.path.removeprefix(FOLDER)
    found = _static_files().get(name) if request.path == PAGE or request.path.startswith(FOLDER) else None
    if found is None:
        return None
    headers: RawHeaders = [(b"content-type", found.media_type), (b"etag", found.tag), *_HEADERS]
    if found.tag in request.headers.get(b"if-none-match", b""):
        return Answer(304, headers, b"")
    return Answer(200, [headers[0], (b"content-length", b"%d" % len(found.content)), *headers[1:]], found.content)


@cache
def _static_files() -> dict[str, _StaticFile]:
    """Reads all files at the first request, about 100 kB."""
    return dict(_found(files("segforge_mock.console").joinpath("static"), ""))


def _found(folder: Traversable, prefix: str) -> Iterator[tuple[str, _StaticFile]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _found(entry, f"{prefix}{entry.name}/")
            continue
        media_type = _TYPES.get(entry.name[entry.name.rfind(".") :])
        if media_type is not None:
            content = entry.read_bytes()
            yield f"{prefix}{entry.name}", _StaticFile(media_type, content, b'"%b"' % _digest(content))


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest()[:32].encode()
