"""The URLs in answers, which a recording proxy and a replay point to themselves.

URLs of the gateway get the caller's own address, so that polls pass through the mock. A URL of another host, such as
that of an output, becomes a path under PREFIX. Both do the same with the same answer, so a replay under the same
address is byte-identical. A URL that the request contained stays as it is.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

from segforge.environment import is_loopback
from segforge_mock.recordings.masking import Masking

PREFIX: Final = "/_recorded/"
"""The start of the paths of files on other hosts: PREFIX, the scheme, the host and the path."""
MAX_URL: Final = 8_000
_URL: Final = re.compile(
    rb'(?<=")https?:(?://|\\/\\/)(?:[^"\\\s\x00-\x20]|\\/|\\{1,4}u00[0-9a-fA-F]{2}){1,%d}(?=\\{0,7}")' % MAX_URL
)
"""Matches a URL that is a whole text in JSON, also in JSON within a text."""
_ESCAPED: Final = re.compile(rb"\\{1,4}u00([0-9a-fA-F]{2})")


class Links:
    """The links in answers to requests that went to `gateway`. `bases` are other names of the gateway."""

    def __init__(self, gateway: str, bases: Iterable[str] = ()) -> None:
        self._bases = tuple(dict.fromkeys((gateway, *bases)))
        self._is_local = is_loopback(urlsplit(gateway).hostname or "")

    def localised(
        self, body: bytes, request_body: bytes, origin: str, note: Callable[[str, str], None] | None = None
    ) -> bytes:
        """Returns a JSON body with its URLs pointed to `origin`. Calls `note(path, url)` for a file elsewhere."""

        def replace(match: re.Match[bytes]) -> bytes:
            spelled = match[0]
            url = _ESCAPED.sub(lambda code: bytes([int(code[1], 16)]), spelled.replace(b"\\/", b"/")).decode("latin-1")
            own = self.own_path(url)
            if own is not None:
                return f"{origin}{own}".encode("latin-1")
            if spelled in request_body or url.encode("latin-1") in request_body:
                return spelled
            path = self.file_path(url)
            if path is None:
                return spelled
            if note is not None:
                note(path, url)
            return f"{origin}{path}".encode("latin-1")

        return _URL.sub(replace, body) if b"http" in body else body

    def own_path(self, url: str) -> str | None:
        """Returns the path of a URL of the gateway, with its query, or None for another URL."""
        for base in self._bases:
            rest = url.removeprefix(base)
            if rest != url and (not rest or rest[0] in "/?"):
                return rest
        return None

    def file_path(self, url: str) -> str | None:
        """Returns the path under PREFIX of a URL. None if it can't have one, or leads into a private network.

        An answer from elsewhere must not make the proxy request a machine of this network.
        """
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            return None
        if not host or "@" in parts.netloc or parts.fragment or not url.isascii() or not url.isprintable():
            return None
        if not self._is_local and _is_private(host):
            return None
        return mirrored(url)


def mirrored(url: str) -> str:
    """Returns the path under PREFIX of a URL, with its query, without secrets."""
    parts = urlsplit(url)
    rest = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    return f"{PREFIX}{parts.scheme}/{parts.netloc}{Masking(b'').text(rest.encode()).decode()}"


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return is_loopback(host) or "." not in host or host.endswith((".local", ".internal", ".localdomain"))
