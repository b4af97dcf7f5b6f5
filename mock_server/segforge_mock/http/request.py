"""An HTTP request, as the ASGI server passes it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_JSON: Final = "application/json"
MAX_BODY_BYTES: Final = 32 * 2**20
BODY: Final = "segforge.body"
"""The scope's key for a body that arrived before the application runs. The mock's server sets it."""

HEAD: Final = "segforge.head"
"""The scope's key for the number of bytes before the request's body. The mock's server sets it."""


class Disconnected(Exception):
    """The client disconnected before its request was complete or its answer sent."""


def media_type(content_type: str) -> str:
    """Returns a Content-Type in lower case without its parameters."""
    return content_type.partition(";")[0].strip().lower()


class IncomingRequest:
    """A request with its body. Header names are in lower case, as in ASGI."""

    __slots__ = ("body", "headers", "is_too_large", "method", "path", "scope")

    def __init__(self, scope: Scope, body: bytes | None) -> None:
        """A body of None stands for one of more than MAX_BODY_BYTES, which is not kept."""
        self.scope = scope
        self.is_too_large = body is None
        self.body = body or b""
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])

    def header(self, name: bytes) -> str:
        """Returns a header's value, or "" if the request has no header of that name."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def origin(self) -> str:
        """The scheme and authority that the caller used, even through a proxy that ends TLS."""
        forwarded = self.headers.get(b"x-forwarded-proto")
        scheme = "https" if forwarded == b"https" else self.scope.get("scheme", "http")
        host = self.headers.get(b"host")
        if host:
            return f"{scheme}://{host.decode('latin-1')}"
        server, port = self.scope.get("server") or ("localhost", 80)
        return f"{scheme}://{server}:{port}"

    @property
    def media_type(self) -> str:
        """The Content-Type in lower case, without its parameters."""
        raw = self.headers.get(b"content-type", b"")
        return _JSON if raw == b"application/json" else media_type(raw.decode("latin-1"))


async def read_body(scope: Scope, receive: Receive, count: Callable[[int], None] | None = None) -> bytes | None:
    """Reads the whole body. Returns None if it is larger than MAX_BODY_BYTES.

    Calls `count` with the size of each part that arrives. Raises Disconnected, and what `count` raises.
    """
    here: bytes | None = scope.get(BODY)
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
