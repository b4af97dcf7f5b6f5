"""What the proxy tells a recorder: where a request goes, and what came back."""

from typing import NamedTuple, Protocol

from segforge_mock.http.answers import Answer, RawHeaders
from segforge_mock.http.request import IncomingRequest


class Destination(NamedTuple):
    """Where a request goes: the start of the URL, the path and the query.

    `file` is the whole URL of a file on a host other than the upstream, or `""`. Such a host receives no key.
    """

    base: str
    path: str
    query: str
    file: str = ""

    @property
    def url(self) -> str:
        """The URL."""
        return f"{self.base}{self.path}{'?' if self.query else ''}{self.query}"


class Received(NamedTuple):
    """An answer: its head without the headers of the connection, its body as sent, and decompressed (None: unknown)."""

    status: int
    headers: RawHeaders
    body: bytes
    plain: bytes | None


class Listener(Protocol):
    """Is told of every exchange of a proxy."""

    def destination(self, request: IncomingRequest) -> Destination | None:
        """Returns where a request goes, or None if it can't be forwarded."""

    async def keep(
        self, request: IncomingRequest, destination: Destination, received: Received, seconds: float
    ) -> Answer:
        """Keeps an exchange, and returns the answer for the caller."""

    async def close(self) -> None:
        """Releases what the listener holds open."""
