"""HTTP/1.1 on a connection: uvicorn's httptools protocol with more limits and a faster path.

Most requests arrive in one piece and are answered without waiting. Such a request needs no ASGI scope, no task and a
single write: it is answered as soon as its last byte is read. All others take uvicorn's path.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from functools import lru_cache, partial
from typing import Any, Final
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, parse_url
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from segforge_mock.http.answers import PLAIN, Answer, RawHeaders
from segforge_mock.http.cycle import LOG, Cycle
from segforge_mock.http.delivery import ABORT, WHOLE
from segforge_mock.http.endpoint import AsgiEndpoint
from segforge_mock.http.request import IncomingRequest, Scope
from segforge_mock.http.stepping import raised, rest_of, returned
from segforge_mock.http.waiting import SMALL_BODY, WAITS, Waits
from segforge_mock.memory import Full, Memory

MAX_HEADER_BYTES: Final = 64 * 2**10
REQUEST_SECONDS: Final = 30.0
KEEP_ALIVE_SECONDS: Final = 75.0
READ_SECONDS: Final = 60.0
_NO_HEADER: Final = -(2**62)
"""Start of the count after the headers. The body has another limit."""
_REMEMBERED_URL: Final = 256
"""The longest URL, in bytes, whose parts are cached."""


class Protocol(HttpToolsProtocol):
    """One connection. Adds limits on a header's size and a request's time, and a way to hang up."""

    _header_bytes = 0
    cycle: Cycle
    """The newest request."""
    _parts: list[bytes] | None = None
    """The body so far of a request that may be answered at once; None if uvicorn's path handles the request."""
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
    """The server's own headers of the last answer; `_default_head` is their text."""
    _default_head = b""

    def __init__(self, *args: Any, endpoint: AsgiEndpoint | None, memory: Memory | None = None, **kwargs: Any) -> None:
        """`endpoint`: the application if it may start outside a task. asyncio.timeout, for example, needs a task.

        `memory`: unread answers count towards it.
        """
        super().__init__(*args, **kwargs)
        self.logger = LOG
        self._endpoint = endpoint
        self._memory = memory or Memory()
        self._waits = Waits()
        self._asgi = {"version": self.asgi_version, "spec_version": "2.3"}
        self._extensions: dict[str, Any] = {ABORT: self._hang_up, WAITS: self._waits}
        self._scope_now = partial(self._new_scope, {**self._extensions, WHOLE: self._write_whole})

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
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade:
            pass  # the request is answered as if it had not asked for another protocol
        except HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
            return
        if self._header_bytes > MAX_HEADER_BYTES:
            self._refuse_headers()
        if self._is_arriving:
            if self.expected_since is None:
                self.expected_since = self.loop.time()
            if self._parts is not None:
                self._begin(more_body=True)

    def on_message_begin(self) -> None:
        """Starts a request."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._header_bytes = 0
        self.idle_since = None
        self._is_arriving = True

    def on_headers_complete(self) -> None:
        """Stops counting the bytes of headers. A request that can't be answered at once takes uvicorn's path."""
        self._header_bytes = _NO_HEADER
        before = self.cycle
        if self._endpoint is None or self.expect_100_continue or not (before is None or before.response_complete):
            self._begin(more_body=True)
        else:
            self._parts = []

    def on_body(self, body: bytes) -> None:
        """Adds a part of the request's body."""
        if self._parts is not None:
            self._parts.append(body)
            return
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.grow(body)
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """Answers a request that arrived in one piece."""
        self._is_arriving = False
        is_in_one_read = self.expected_since is None
        self.expected_since = None
        parts = self._parts
        if parts is not None:
            body = parts[0] if len(parts) == 1 else b"".join(parts)
            if self._endpoint is not None and len(body) <= SMALL_BODY:
                self._parts = None
                self._answer(self._endpoint, body, self._read - len(body) if is_in_one_read else None)
            else:
                self._begin(more_body=False)
            return
        cycle = self.cycle
        cycle.more_body = False
        if self.flow.read_paused and not self.pipeline:
            # A large body paused the reading. Without reading, the server would not notice that the client disconnects.
            self.flow.resume_reading()
        cycle.message_event.set()

    def _begin(self, *, more_body: bool) -> None:
        """Starts the application in a task, with the body so far, or queues the request behind the one before."""
        before = self.cycle
        cycle = self.cycle = self._new_cycle(self._new_scope(self._extensions), more_body=more_body)
        cycle.body, self._parts = b"".join(self._parts or ()), None
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _new_scope(self, extensions: dict[str, Any]) -> Scope:
        """Returns the ASGI scope of the newest request."""
        path, raw_path, query = _target(self.url)
        return {
            "type": "http",
            "asgi": self._asgi,
            "http_version": self.parser.get_http_version(),
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": self.parser.get_method().decode("ascii"),
            "root_path": "",
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
            "extensions": extensions,
        }

    def _new_cycle(self, scope: Scope, *, more_body: bool) -> Cycle:
        return Cycle(
            scope,
            self.transport,
            self.flow,
            self.server_state.default_headers,
            self.on_response_complete,
            keep_alive=self._keeps_alive(name for name, _ in self.headers),
            expects=self.expect_100_continue,
            more_body=more_body,
        )

    def _keeps_alive(self, headers: Iterable[bytes]) -> bool:
        """Returns whether the connection stays open after the answer to the newest request with headers of these names.

        HTTP/1.0 asks for that with a header. It is refused, since the answer would have to repeat the header.
        """
        parser = self.parser
        return parser.should_keep_alive() and (b"connection" not in headers or parser.get_http_version() != "1.0")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._current = cycle
        super()._start_asgi_task(cycle, app)

    def _answer(self, endpoint: AsgiEndpoint, body: bytes, head_bytes: int | None) -> None:
        """Answers the newest request. If that takes time or fails, the rest becomes a task."""
        url = self.url
        path = (_remembered_target if len(url) <= _REMEMBERED_URL else _target)(url)[0]
        method = self.parser.get_method().decode("ascii")
        request = IncomingRequest(method, path, self.headers, body, self.scheme or "http", self._scope_now, head_bytes)
        answering = endpoint.answer(request)
        rest: Coroutine[Any, Any, Answer]
        try:
            rest = rest_of(answering, answering.send(None))
        except StopIteration as done:
            answer: Answer = done.value
            if answer.delivery is PLAIN:
                content = b"" if method == "HEAD" else answer.body
                if self._write(answer.status, answer.headers, content, keep_alive=self._keeps_alive(request.headers)):
                    self.on_response_complete()
                    return
            rest = returned(answer)
        except BaseException as error:
            rest = raised(error)
        cycle = self.cycle = self._new_cycle(request.scope, more_body=False)
        self._start_asgi_task(cycle, lambda scope, _, send: endpoint.finish(rest, scope, send))

    def _write_whole(self, status: int, headers: RawHeaders, body: bytes) -> bool:
        """Writes an answer in one call. Returns False, and writes nothing, if that is not possible."""
        cycle = self._current
        if cycle.disconnected or not self._write(status, headers, body, keep_alive=cycle.keep_alive):
            return False
        cycle.response_started = cycle.response_complete = True
        self.on_response_complete()
        return True

    def _write(self, status: int, headers: RawHeaders, body: bytes, *, keep_alive: bool) -> bool:
        """Writes an answer in one call. Returns False, and writes nothing, if that is not possible."""
        head = _lines(headers)
        if self.flow.write_paused or head.count(b"\n") != len(headers):  # uvicorn finds the bad header and reports it
            return False
        default_headers = self.server_state.default_headers
        if default_headers is not self._default_headers:  # they are renewed once a second
            self._default_headers = default_headers
            self._default_head = _lines(default_headers)
        end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"%b%b%b%b%b" % (STATUS_LINE[status], self._default_head, head, end, body))
        if not keep_alive:
            self.transport.close()
        if len(body) > SMALL_BODY:
            self._count_unread(self.loop.time())
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


def _target(url: bytes) -> tuple[str, bytes, bytes]:
    """Returns the path of a request's URL, the path as it was sent, and the query."""
    parsed = parse_url(url)
    path = parsed.path.decode("ascii")
    return unquote(path) if "%" in path else path, parsed.path, parsed.query or b""


_remembered_target: Final = lru_cache(maxsize=1_024)(_target)
