"""What the mock reads off a request."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_JSON: Final = "application/json"
MAX_BODY_BYTES: Final = 32 * 2**20
BODY: Final = "segforge.body"
"""The ASGI extension that has the whole body, where it is here before the application runs. Our server has it."""

HEAD: Final = "segforge.head"
"""What a scope has under this name is how many bytes the request had before its body. Our server sets it."""


class Disconnected(Exception):
    """The client left before its request was whole: what came of it is no request."""


class IncomingRequest:
    """A request with its body; header names are lower case, as ASGI gives them."""

    __slots__ = ("body", "headers", "method", "path", "scope")

    def __init__(self, scope: Scope, body: bytes) -> None:
        self.scope = scope
        self.body = body
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])

    def header(self, name: bytes) -> str:
        """A header's value, or "" where the request has none of that name."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def origin(self) -> str:
        """Scheme and authority under which the caller reached the mock, a proxy that ends TLS included."""
        forwarded = self.headers.get(b"x-forwarded-proto")
        scheme = "https" if forwarded == b"https" else self.scope.get("scheme", "http")
        host = self.headers.get(b"host")
        if host:
            return f"{scheme}://{host.decode('latin-1')}"
        server, port = self.scope.get("server") or ("localhost", 80)
        return f"{scheme}://{server}:{port}"

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, in lower case."""
        raw = self.headers.get(b"content-type", b"")
        return _JSON if raw == b"application/json" else raw.decode("latin-1").partition(";")[0].strip().lower()


async def read_body(scope: Scope, receive: Receive, count: Callable[[int], None] | None = None) -> bytes | None:
    """The whole body, or None where it is larger than MAX_BODY_BYTES. Raises Disconnected, and what `count` raises.

    `count` is called with the size of each part that arrives.
    """
    here: bytes | None = (scope.get("extensions") or {}).get(BODY)
    if here is not None:
        if count is not None:
            count(len(here))
        return here
    parts, size, more = [], 0, True
    while more and size <= MAX_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if count is not None:
            count(len(parts[-1]))
        more = message.get("more_body", False)
    return b"".join(parts) if size <= MAX_BODY_BYTES else None
