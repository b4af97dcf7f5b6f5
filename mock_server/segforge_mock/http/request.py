"""An HTTP request, as the ASGI server passes it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from segforge_mock.http.answers import RawHeaders

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_JSON: Final = "application/json"
MAX_BODY_BYTES: Final = 32 * 2**20


class Disconnected(Exception):
    """The client disconnected before its request was complete or its answer sent."""


def media_type(content_type: str) -> str:
    """Returns a Content-Type in lower case without its parameters."""
    return content_type.partition(";")[0].strip().lower()


class IncomingRequest:
    """A request with its body. Header names are in lower case, as in ASGI.

    `raw_headers` are all headers in their order, `headers` the last one of each name. `head_bytes` is the number of
    bytes before the body, or None if nobody counted them. The scope is made when it is first read, since most requests
    never need it.
    """

    __slots__ = (
        "_scope",
        "_scope_of",
        "body",
        "head_bytes",
        "headers",
        "is_too_large",
        "method",
        "path",
        "raw_headers",
        "scheme",
    )

    def __init__(
        self,
        method: str,
        path: str,
        raw_headers: RawHeaders,
        body: bytes | None,
        scheme: str,
        scope_of: Callable[[], Scope],
        head_bytes: int | None = None,
    ) -> None:
        """A body of None stands for one of more than MAX_BODY_BYTES, which is not kept."""
        self.method = method
        self.path = path
        self.raw_headers = raw_headers
        self.headers = dict(raw_headers)
        self.body = body or b""
        self.is_too_large = body is None
        self.scheme = scheme
        self.head_bytes = head_bytes
        self._scope: Scope | None = None
        self._scope_of = scope_of

    @classmethod
    def of(cls, scope: Scope, body: bytes | None) -> "IncomingRequest":
        """Returns the request of an ASGI scope."""
        scheme = scope.get("scheme", "http")
        return cls(scope["method"], scope["path"], scope["headers"], body, scheme, lambda: scope)

    @property
    def scope(self) -> Scope:
        """The ASGI scope."""
        if self._scope is None:
            self._scope = self._scope_of()
        return self._scope

    def header(self, name: bytes) -> str:
        """Returns a header's value, or "" if the request has no header of that name."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def origin(self) -> str:
        """The scheme and authority that the caller used, even through a proxy that ends TLS."""
        forwarded = self.headers.get(b"x-forwarded-proto")
        scheme = "https" if forwarded == b"https" else self.scheme
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


async def read_body(receive: Receive, count: Callable[[int], None] | None = None) -> bytes | None:
    """Reads the whole body. Returns None if it is larger than MAX_BODY_BYTES.

    Calls `count` with the size of each part that arrives. Raises Disconnected, and what `count` raises.
    """
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
