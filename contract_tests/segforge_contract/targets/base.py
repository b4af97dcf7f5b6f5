"""The protocol of a target, and the code that adds the key to a request and masks it in an answer."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Protocol
from urllib.parse import urlsplit

from segforge.masking import SHORTEST_IN_TEXT, Mask
from segforge.spec.printable import show
from segforge_contract.errors import BadTarget
from segforge_contract.messages.request import FIXED_KEYS, INVALID_KEY, Request, Response

MASKED_KEY = "$SEGMIND_API_KEY"
MASKED_RECASED = "$RECASED_KEY"
"""Stands for the key in the other case. It reveals the key, so it is masked as well."""
USER_AGENT = "segforge-contract"
NO_CONNECTION = "no connection: "
"""The start of the reason if no connection could be made."""


class Target(Protocol):
    """Answers requests."""

    base_url: str
    """Scheme, host, port and an optional path, without a trailing slash."""
    loopback: bool
    """Whether the target runs on this machine, so requests cost nothing."""

    def send(self, request: Request) -> Response:
        """Sends one request, without retries or redirects. Raises NoAnswer and NotSent."""
        ...

    def close(self) -> None:
        """Closes connections."""
        ...


def request_headers(request: Request, key_header: str, key: str) -> dict[str, str]:
    """Returns the headers to send, with the key that the request asks for."""
    headers = {"user-agent": USER_AGENT, "accept": "*/*"}
    if request.key != "missing":
        wrong = {**FIXED_KEYS, "recased": recased_key(key)}
        headers[key_header] = wrong.get(request.key, key)
    if request.content_type is not None:
        headers["content-type"] = request.content_type
    return headers


def read_answer(status: int, headers: Mapping[str, str], body: bytes, key: str) -> Response:
    """Returns an answer as a Response, with the key masked wherever the server echoed it."""
    mask = _mask(key)
    cut = _without(body, key, MASKED_KEY)
    masked = {
        mask.text(name): mask.header(value.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
        for name, value in headers.items()
    }
    echoed = cut != body or masked != dict(headers)
    recased = recased_key(key)
    if recased != INVALID_KEY:  # a server may quote the key that it refuses
        cut = _without(cut, recased, MASKED_RECASED)
        hidden = _mask(recased, MASKED_RECASED)
        masked = {hidden.text(name): hidden.text(value) for name, value in masked.items()}
    return Response(status, masked, cut, key_echoed=echoed)


def recased_key(key: str) -> str:
    """Returns a key with each letter in the other case, or INVALID_KEY if it has no letter."""
    return key.swapcase() if key.swapcase() != key else INVALID_KEY


def _without(body: bytes, key: str, instead: str) -> bytes:
    cut = _mask(key, instead).raw(body)
    if rb"\u00" in cut and len(key) >= SHORTEST_IN_TEXT:  # JSON can escape each character
        return _escaped(key).sub(instead.encode(), cut)
    return cut


@cache
def _mask(key: str, instead: str = MASKED_KEY) -> Mask:
    return Mask([key.encode()], instead.encode())


@cache
def _escaped(key: str) -> re.Pattern[bytes]:
    """Returns a pattern for the key with any of its characters escaped as in JSON."""
    letters = (f"(?:{re.escape(letter)}|\\\\u(?i:{ord(letter):04x}))" for letter in key)
    return re.compile("".join(letters).encode())


def checked_key(key: str) -> str:
    """Returns the key if it is valid in a header. Raises BadTarget; its message doesn't contain the key."""
    if not key:
        raise BadTarget("the API key is empty; is a shell variable unset?")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise BadTarget(
            "the API key contains a space, a line break or a character that no header allows; copy it again"
        )
    return key


def checked_url(text: str) -> tuple[str, str]:
    """Returns a base URL without its trailing slash, and its host. Raises BadTarget."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadTarget(f"{show(text)} is not a valid URL: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise BadTarget(
            f"{show(text)} is not the URL of a gateway; expected one such as http://127.0.0.1:8086 or https://api.segmind.com"
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise BadTarget("the target's URL contains a user, a query or a fragment; pass scheme, host and port only")
    path = parts.path.rstrip("/")
    if path.endswith(("/v1", "/v2")):
        raise BadTarget(f"{show(text)} ends in an API version; pass it without, as {show(text.rstrip('/')[:-3])}")
    return f"{parts.scheme}://{parts.netloc}{path}", host
