"""A target: something that answers requests. The key is added and masked here, and no other module sees it."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Protocol
from urllib.parse import urlsplit

from segforge.spec.printable import show
from segforge_contract.errors import BadTarget
from segforge_contract.messages.request import INVALID_KEY, Request, Response

MASKED_KEY = "$SEGMIND_API_KEY"

USER_AGENT = "segforge-contract"

NO_CONNECTION = "no connection: "
"""How the reason begins where nobody was there to connect to."""


class Target(Protocol):
    """Something that answers requests."""

    base_url: str
    """Scheme, host, port and perhaps a path, without a slash at the end."""
    loopback: bool
    """Whether it runs on this machine, so that a request can't cost money."""

    def send(self, request: Request) -> Response:
        """Send one request, never again by itself, and follow no redirect. Raises NoAnswer and NotSent."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


def request_headers(request: Request, key_header: str, key: str) -> dict[str, str]:
    """The headers that a request goes out with, the key among them if it is to carry one."""
    headers = {"user-agent": USER_AGENT, "accept": "*/*"}
    if request.key != "missing":
        headers[key_header] = key if request.key == "valid" else INVALID_KEY
    if request.content_type is not None:
        headers["content-type"] = request.content_type
    return headers


def read_answer(status: int, headers: Mapping[str, str], body: bytes, key: str) -> Response:
    """An answer as a Response, with the key masked wherever the server echoed it."""
    cut = body.replace(key.encode(), MASKED_KEY.encode())
    if rb"\u00" in cut:  # JSON has a second way to write each character
        cut = _escaped(key).sub(MASKED_KEY.encode(), cut)
    masked = {name.replace(key, MASKED_KEY): value.replace(key, MASKED_KEY) for name, value in headers.items()}
    echoed = cut != body or masked != dict(headers)
    return Response(status, masked, cut, key_echoed=echoed)


@cache
def _escaped(key: str) -> re.Pattern[bytes]:
    """The key where some or all of its characters are escaped as in JSON."""
    letters = (f"(?:{re.escape(letter)}|\\\\u(?i:{ord(letter):04x}))" for letter in key)
    return re.compile("".join(letters).encode())


def checked_key(key: str) -> str:
    """The key, if it can stand in a header. Raises BadTarget, whose message doesn't show it."""
    if not key:
        raise BadTarget("the API key is empty")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise BadTarget("the API key holds a space, a line end or another character that no key has")
    return key


def checked_url(text: str) -> tuple[str, str]:
    """A base URL without its last slash, and its host. Raises BadTarget."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadTarget(f"{show(text)} is no URL: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise BadTarget(
            f"{show(text)} is no URL of a gateway; it looks like http://127.0.0.1:8086 or https://api.segmind.com"
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise BadTarget("the target's URL holds a user, a query or a fragment; give scheme, host and port alone")
    path = parts.path.rstrip("/")
    if path.endswith(("/v1", "/v2")):
        raise BadTarget(f"{show(text)} ends in the version; give it without, as {show(text.rstrip('/')[:-3])}")
    return f"{parts.scheme}://{parts.netloc}{path}", host
