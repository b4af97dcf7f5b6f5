"""HTTP/1.1 on a connection: uvicorn's httptools protocol with more limits and a faster path.

Most requests arrive in one piece and are answered without waiting. Such a request needs no task and a single write:
the application runs as soon as the last byte is read. All others take uvicorn's path.
"""

import asyncio
from collections.abc import Coroutine, Generator
from functools import partial
from types import coroutine
from typing import Any, Final
from urllib.parse import unquote

from httptools import parse_url
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from segforge_mock.http.answers import RawHeaders
from segforge_mock.http.cycle import LOG, Cycle
from segforge_mock.http.delivery import ABORT, WHOLE
from segforge_mock.http.request import BODY, HEAD
from segforge_mock.http.waiting import SMALL_BODY, WAITS, Waits
from segforge_mock.memory import Full, Memory

MAX_HEADER_BYTES: Final = 64 * 2**10
REQUEST_SECONDS: Final = 30.0
KEEP_ALIVE_SECONDS: Final = 75.0
READ_SECONDS: Final = 60.0
_NO_HEADER: Final = -(2**62)
"""Start of the count after the headers. The body has another limit."""


class Protocol(HttpToolsProtocol):
    """One connection. Adds limits on a header's size and a request's time, and a way to hang up."""

    _header_bytes = 0
    cycle: Cycle
    """The newest request."""
    _unstarted: RequestResponseCycle | None = None
    """A request whose headers have arrived and whose application does not run yet."""
    _current: RequestResponseCycle
    """The request whose application started last. Pipelined requests wait, so that there is one at a time."""
    expected_since: float | None = None
    """The loop's time since which a request is arriving, or None between requests."""
    idle_since: float | None = None
    """The loop's time since which the connection is idle, or None during a request."""

    _is_arriving = False
    """Whether a request has begun and is not complete."""
    _read = 0
    """Bytes of the newest read."""
    _unread = 0
    """Bytes of answers that the client had not read at the last count."""
    _unread_since = 0.0
    _default_headers: RawHeaders | None = None
    """The server's own headers of the last answer, and as bytes in `_default_head`."""
    _default_head = b""

    def __init__(self, *args: Any, eager: bool, memory: Memory | None = None, **kwargs: Any) -> None:
        """`eager`: whether the application may start outside a task. asyncio.timeout, for example, needs a task.

        `memory`: unread answers count towards it.
        """
        super().__init__(*args, **kwargs)
        self.logger = LOG
        self._eager = eager
        self._memory = memory or Memory()
        self._waits = Waits()
        self._asgi = {"version": self.asgi_version, "spec_version": "2.3"}
        self._extensions: dict[str, Any] = {ABORT: self._hang_up, WAITS: self._waits}
        self._whole_extensions = {**self._extensions, WHOLE: self._write_whole}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Starts the time in which a request must arrive."""
        super().connection_made(transport)
        self.expected_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the waits of the request, because the client can't read its answer."""
        super().connection_lost(exc)
        self._waits.leave()
        self._memory.give_back(self._unread)
        self._unread = 0

    def shutdown(self) -> None:
        """Ends the connection when the server stops: immediately if its request only hangs, else after the answer."""
        super().shutdown()
        if self._waits.hanging:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Reads received bytes. A request that is not complete yet takes uvicorn's path."""
        self._header_bytes += len(data)
        self._read = len(data)
        super().data_received(data)
        if self._header_bytes > MAX_HEADER_BYTES:
            self._refuse_headers()
        if self._is_arriving:
            if self.expected_since is None:
                self.expected_since = self.loop.time()
            if self._unstarted is not None:
                cycle, self._unstarted = self._unstarted, None
                super()._start_asgi_task(cycle, self.app)

    def on_message_begin(self) -> None:
        """Starts a request."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._header_bytes = 0
        self.idle_since = None
        self._is_arriving = True

    def on_headers_complete(self) -> None:
        """Makes the scope of the request, or queues it behind the one before. Stops counting the bytes of headers."""
        self._header_bytes = _NO_HEADER
        parser, url = self.parser, parse_url(self.url)
        version, path = parser.get_http_version(), url.path.decode("ascii")
        scope = {
            "type": "http",
            "asgi": self._asgi,
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": parser.get_method().decode("ascii"),
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
            "headers": self.headers,
            "extensions": self._extensions,
        }
        before = self.cycle
        cycle = self.cycle = Cycle(
            scope,
            self.transport,
            self.flow,
            self.server_state.default_headers,
            self.on_response_complete,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            expects=self.expect_100_continue,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """Adds a part of the request's body."""
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.grow(body)
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            if cycle is not self._unstarted:
                cycle.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._current = cycle
        if self._eager and cycle.more_body and not cycle.waiting_for_100_continue:
            self._unstarted = cycle
        else:
            super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """Answers a request that arrived in one piece."""
        self._is_arriving = False
        is_in_one_read = self.expected_since is None
        self.expected_since = None
        cycle = self.cycle
        cycle.more_body = False
        if self.flow.read_paused and not self.pipeline:
            # A large body paused the reading. Without reading, the server would not notice that the client disconnects.
            self.flow.resume_reading()
        if cycle is not self._unstarted:
            cycle.message_event.set()
            return
        self._unstarted = None
        scope: Any = cycle.scope
        scope["extensions"] = self._whole_extensions
        scope[BODY] = body = bytes(cycle.body)
        if is_in_one_read:
            scope[HEAD] = self._read - len(body)
        cycle.body = b""
        self._run_now(cycle)

    def _run_now(self, cycle: Cycle) -> None:
        """Runs the application until it waits. Only the rest, or the report of an error, becomes a task."""
        rest: Coroutine[Any, Any, None]
        running = self.app(cycle.scope, cycle.receive, cycle.send)
        try:
            rest = _rest(running, running.send(None))
        except StopIteration:
            if cycle.response_complete or cycle.disconnected:
                return
            rest = _nothing()
        except BaseException as error:
            rest = _raise(error)
        super()._start_asgi_task(cycle, lambda *_: rest)

    def _write_whole(self, status: int, headers: RawHeaders, body: bytes) -> bool:
        """Writes an answer in one call. Returns False, and writes nothing, if that is not possible."""
        cycle = self._current
        if self.flow.write_paused or cycle.disconnected:
            return False
        head = _lines(headers)
        if head.count(b"\n") != len(headers):  # uvicorn finds the bad header and reports it
            return False
        if cycle.default_headers is not self._default_headers:  # uvicorn renews them once a second
            self._default_headers = cycle.default_headers
            self._default_head = _lines(cycle.default_headers)
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        cycle.response_started = cycle.response_complete = True
        self.transport.write(b"%b%b%b%b%b" % (STATUS_LINE[status], self._default_head, head, end, body))
        if not cycle.keep_alive:
            self.transport.close()
        if len(body) > SMALL_BODY:
            self._count_unread(self.loop.time())
        self.on_response_complete()
        return True

    def _count_unread(self, now: float) -> None:
        """Counts the bytes that the client has not read. Hangs up if the memory has no room for them."""
        unread = self.transport.get_write_buffer_size()
        if unread != self._unread:
            self._memory.give_back(self._unread)
            self._unread, self._unread_since = 0, now
            try:
                self._memory.hold(unread)
            except Full:
                self.transport.abort()
            else:
                self._unread = unread

    def on_response_complete(self) -> None:
        """Like uvicorn's, without a timer per answer: the server checks `idle_since` once a second."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self.idle_since = self.loop.time()

    def hang_up_if_late(self, now: float) -> None:
        """Hangs up on a slow client.

        A request may take REQUEST_SECONDS to arrive, and an idle connection stays open for KEEP_ALIVE_SECONDS. A client
        with an unread answer must read some of it every READ_SECONDS.
        """
        self._count_unread(now)
        if self._unread and self._unread_since < now - READ_SECONDS:
            return self.transport.abort()
        if self.expected_since is not None and self.expected_since < now - REQUEST_SECONDS:
            self.transport.abort()
        elif self.idle_since is not None and self.idle_since < now - KEEP_ALIVE_SECONDS:
            self.transport.close()
        return None

    def _hang_up(self) -> None:
        """Closes the connection immediately, without an error for the missing answer."""
        self._current.disconnected = True
        self.transport.abort()

    def _refuse_headers(self) -> None:
        self._header_bytes = _NO_HEADER
        body = b'{"error":"Request header fields too large"}'
        head = (
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\nconnection: close\r\n"
        )
        self.transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()


def _lines(headers: RawHeaders) -> bytes:
    return b"\r\n".join([*map(b": ".join, headers), b""])


@coroutine
def _go_on(running: Coroutine[Any, Any, None], waiting: Any) -> Generator[Any, Any, None]:
    """Wraps the rest of a coroutine that has run until its first future, so that a task can await it."""
    while True:
        try:
            result = yield waiting
        except BaseException as error:  # a task throws the exception of the future, or its cancellation
            step = partial(running.throw, error)
        else:
            step = partial(running.send, result)
        try:
            waiting = step()
        except StopIteration:
            return


async def _rest(running: Coroutine[Any, Any, None], waiting: Any) -> None:
    await _go_on(running, waiting)


async def _nothing() -> None:
    """Stands for an application that ended without an answer."""


async def _raise(error: BaseException) -> None:
    raise error
