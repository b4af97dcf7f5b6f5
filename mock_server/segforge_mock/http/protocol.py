"""HTTP/1.1 on a connection: uvicorn's httptools protocol, with the limits that it lacks and a shorter way through it.

Most requests arrive in one piece and are answered without waiting for anything. Such a request needs no task of its
own and one write: the application runs as soon as the last byte is read. All others take uvicorn's way.
"""

import asyncio
import logging
from collections.abc import Coroutine, Generator
from functools import partial
from types import coroutine
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from segforge_mock.http.answers import RawHeaders
from segforge_mock.http.delivery import ABORT, WHOLE
from segforge_mock.http.request import BODY, HEAD
from segforge_mock.http.waiting import SMALL_BODY, WAITS, Waits
from segforge_mock.memory import Full, Memory

MAX_HEADER_BYTES: Final = 64 * 2**10
REQUEST_SECONDS: Final = 30.0
KEEP_ALIVE_SECONDS: Final = 75.0
READ_SECONDS: Final = 60.0
_NO_HEADER: Final = -(2**62)
"""Bytes from here on are no header's: the body has a limit of its own."""


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a record is more than that a request was cancelled, which is how the server stops."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


_LOG: Final = logging.getLogger("segforge_mock")
_LOG.setLevel(logging.ERROR)
_LOG.addFilter(_is_news)


class Protocol(HttpToolsProtocol):
    """One connection. It adds limits on a header's size and on a request's time, and a way to hang up."""

    _header_bytes = 0
    _unstarted: RequestResponseCycle | None = None
    """A request whose headers are here, before its application runs."""
    _current: RequestResponseCycle
    """The request whose application was started last. There is one at a time: pipelined ones wait for their turn."""
    expected_since: float | None = None
    """Since when, on the loop's clock, a request is on its way but not here; None between requests."""
    idle_since: float | None = None
    """Since when, on the loop's clock, the connection waits for its next request; None while there is one."""

    _is_arriving = False
    """Whether a request has begun and is not complete."""
    _read = 0
    """Bytes that arrived last."""
    _in_one_read = False
    """Whether all headers of the request arrived at once."""
    _unread = 0
    """Bytes of answers that the client had not read when they were last counted."""
    _unread_since = 0.0

    def __init__(self, *args: Any, eager: bool, memory: Memory | None = None, **kwargs: Any) -> None:
        """`eager`: whether the application may start outside a task; asyncio.timeout, for one, needs to be in one.

        `memory`: what unread answers count towards.
        """
        super().__init__(*args, **kwargs)
        self.logger = _LOG
        self._eager = eager
        self._memory = memory or Memory()
        self._waits = Waits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start the time in which a request has to arrive."""
        super().connection_made(transport)
        self.expected_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what the request waits for: nobody would read its answer."""
        super().connection_lost(exc)
        self._waits.leave()
        self._memory.give_back(self._unread)
        self._unread = 0

    def data_received(self, data: bytes) -> None:
        """Read what arrived; a request that is not whole yet goes uvicorn's way."""
        self._header_bytes += len(data)
        self._read = len(data)
        super().data_received(data)
        if self._is_arriving and self.expected_since is None:
            self.expected_since = self.loop.time()
        if self._header_bytes > MAX_HEADER_BYTES:
            self._refuse_headers()
        if self._unstarted is not None:
            cycle, self._unstarted = self._unstarted, None
            super()._start_asgi_task(cycle, self.app)

    def on_message_begin(self) -> None:
        """Start a request."""
        super().on_message_begin()
        self._header_bytes = 0
        self.idle_since = None
        self._is_arriving = True
        extensions: dict[str, Any] = {ABORT: self._hang_up, WAITS: self._waits}
        self.scope["extensions"] = extensions

    def on_headers_complete(self) -> None:
        """Stop counting the bytes of headers."""
        self._in_one_read = not self._header_bytes
        self._header_bytes = _NO_HEADER
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._current = cycle
        if self._eager and cycle.more_body and not cycle.waiting_for_100_continue:
            self._unstarted = cycle
        else:
            super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """Answer a request that arrived in one piece."""
        self._is_arriving = False
        self.expected_since = None
        super().on_message_complete()
        if self._unstarted is not None:
            cycle, self._unstarted = self._unstarted, None
            extensions: Any = cycle.scope["extensions"]
            extensions[WHOLE] = self._write_whole
            extensions[BODY] = body = bytes(cycle.body)
            if self._in_one_read:
                self.scope[HEAD] = max(0, self._read - len(body))  # type: ignore[typeddict-unknown-key]
            cycle.body = bytearray()
            if self.flow.read_paused:  # for a large body; the server would not notice a client that disconnects
                self.flow.resume_reading()
            self._run_now(cycle)

    def _run_now(self, cycle: RequestResponseCycle) -> None:
        """Run the application up to where it waits; only what is left then becomes a task."""
        running = cycle.run_asgi(self.app)
        try:
            waiting = running.send(None)
        except StopIteration:
            return
        task = self.loop.create_task(_rest(running, waiting))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _write_whole(self, status: int, headers: RawHeaders, body: bytes) -> bool:
        """Write an answer in one go; gives False where that can't be done, and nothing was written."""
        cycle = self._current
        if self.flow.write_paused or cycle.disconnected:
            return False
        lines = [b"%b: %b\r\n" % header for header in (*cycle.default_headers, *headers)]
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines):  # uvicorn looks into it, and says what is wrong
            return False
        cycle.response_started = cycle.response_complete = True
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[status], head, body))
        if not cycle.keep_alive:
            self.transport.close()
        if len(body) > SMALL_BODY:
            self._count_unread(self.loop.time())
        self.on_response_complete()
        return True

    def _count_unread(self, now: float) -> None:
        """Count what the client has not read yet; hang up if that can't be kept."""
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
        """As in uvicorn, but for a timer for each answer: the server looks at `idle_since` once a second."""
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
        """Hang up on a client that takes too long.

        A request may take REQUEST_SECONDS to arrive, and the next one KEEP_ALIVE_SECONDS to come. A client that has an
        answer to read must have read something in the last READ_SECONDS.
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
        """Close the connection at once; the answer that is missing then is no fault of the application."""
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


@coroutine
def _go_on(running: Coroutine[Any, Any, None], waiting: Any) -> Generator[Any, Any, None]:
    """What is left of a coroutine that ran until it waited for a future: something that a task can await."""
    while True:
        try:
            result = yield waiting
        except BaseException as error:  # a task throws what the future raised, or that it was cancelled
            step = partial(running.throw, error)
        else:
            step = partial(running.send, result)
        try:
            waiting = step()
        except StopIteration:
            return


async def _rest(running: Coroutine[Any, Any, None], waiting: Any) -> None:
    await _go_on(running, waiting)
