"""Bounds of one exchange over HTTP: its time, the size of its headers, and the size of its body.

httpx bounds each read alone. A server that sends one byte a second, or `100 Continue` for ever, is then read for
ever. So the connections here know when their exchange must end.
"""

import math
import ssl
import time
import zlib
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import httpcore

from segforge_contract.errors import NoAnswer

LARGEST_HEAD: Final = 2**20
"""Bytes before the body, with all informational answers."""
_MOST_ENCODINGS: Final = 3
_LEAST_TIMEOUT: Final = 0.001  # seconds; a socket with a timeout of 0 doesn't wait, and one below it is an error
_WINDOWS: Final = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


@dataclass
class Allowance:
    """What one exchange may take: when it must end, and what was received so far.

    `longest` is in seconds, `largest` in bytes of the body, both as sent and decompressed.
    """

    longest: float
    largest: int
    received: int = 0
    in_head: bool = True
    is_last: bool = False
    """Whether the last read or write may take all of the time left, so that its timeout ends the exchange."""

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.longest

    def least(self, timeout: float) -> float:
        """Returns the timeout of one read or write, in seconds: at most the time left. Raises NoAnswer if none is."""
        self.check_time()
        left = self._until - time.monotonic()
        self.is_last = left <= timeout
        return max(min(left, timeout), _LEAST_TIMEOUT)

    def check_time(self) -> None:
        """Raises NoAnswer if no time is left."""
        if time.monotonic() >= self._until:
            raise self.too_late

    @property
    def too_late(self) -> NoAnswer:
        """The error of an exchange that takes too long."""
        return NoAnswer(f"no complete answer after {self.longest:g} s: {self.received} bytes received", slow=True)

    def count(self, data: bytes) -> bytes:
        """Counts bytes from the server. Raises NoAnswer if there are too many before the body."""
        self.received += len(data)
        if self.in_head and self.received > LARGEST_HEAD:
            raise NoAnswer(f"no complete answer: more than {LARGEST_HEAD // 2**20} MiB before the body")
        return data

    def body(self, pieces: Iterable[bytes], encoding: str) -> bytes:
        """Returns the decompressed body, by its Content-Encoding. Raises NoAnswer if it is too large or late."""
        self.in_head, body = False, bytearray()
        for piece in pieces:
            body += piece
            self._check_size(body)
            self.check_time()
        known = [name for name in map(str.strip, encoding.lower().split(",")) if name in _WINDOWS]
        if len(known) > _MOST_ENCODINGS:
            raise NoAnswer(f"no answer: its body is compressed {len(known)} times; expected at most {_MOST_ENCODINGS}")
        whole: bytes | bytearray = body
        for name in reversed(known):
            whole = self._decompressed(whole, name)
            self.check_time()
        return bytes(whole)

    def _decompressed(self, data: bytes | bytearray, name: str) -> bytes:
        for window in (_WINDOWS[name], -zlib.MAX_WBITS):
            try:
                whole = zlib.decompressobj(window).decompress(data, self.largest + 1)
            except zlib.error as error:
                if name == "deflate" and window > 0:  # many servers send it without its header
                    continue
                raise NoAnswer(f"no answer: its body can't be decompressed: {error}") from None
            self._check_size(whole)
            return whole
        return b""

    def _check_size(self, body: bytes | bytearray) -> None:
        if len(body) > self.largest:
            raise NoAnswer(f"no complete answer: the body is larger than {self.largest // 2**20} MiB")


current: ContextVar[Allowance] = ContextVar("current")
"""The allowance of the exchange of this thread."""


class BoundedBackend(httpcore.NetworkBackend):
    """Opens connections whose reads and writes end when their exchange must end."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Opens a connection."""
        return _BoundedStream(self._backend.connect_tcp(host, port, _least(timeout), local_address, socket_options))


class _BoundedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return current.get().count(self._stream.read(max_bytes, _least(timeout)))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _least(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, _least(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _least(timeout: float | None) -> float:
    return current.get().least(math.inf if timeout is None else timeout)
