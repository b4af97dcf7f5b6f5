"""A request and its answer on a connection: uvicorn's, without the parts that most requests never use."""

import asyncio
import logging
from functools import cached_property
from typing import Any, Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from segforge_mock.http.answers import RawHeaders


def _is_news(record: logging.LogRecord) -> bool:
    """Returns whether a record is worth logging. Cancelled requests are not: the server stops by cancelling."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


LOG: Final = logging.getLogger("segforge_mock")
LOG.setLevel(logging.ERROR)
LOG.addFilter(_is_news)


class Cycle(RequestResponseCycle):
    """One request and its answer. The attributes that start with the same value are those of the class."""

    logger = LOG
    access_logger = LOG
    access_log = False
    disconnected = False
    body: Any = b""
    """The part of the body that `receive` has not returned: bytes, or a bytearray if it arrived in pieces."""
    response_started = False
    response_complete = False
    chunked_encoding = None
    expected_content_length = 0

    def __init__(
        self,
        scope: Any,
        transport: asyncio.Transport,
        flow: FlowControl,
        default_headers: RawHeaders,
        on_response: Any,
        *,
        keep_alive: bool,
        expects: bool,
        more_body: bool,
    ) -> None:
        """`expects`: whether the client waits for 100 before it sends the body. `more_body`: whether more follows."""
        self.scope = scope
        self.transport = transport
        self.flow = flow
        self.default_headers = default_headers
        self.on_response = on_response
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = expects
        self.more_body = more_body

    @cached_property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]
        """Is set if `receive` has something to return. An application that is passed the body doesn't call it."""
        event = asyncio.Event()
        if self.body or not self.more_body:
            event.set()
        return event

    def grow(self, part: bytes) -> None:
        """Adds a part of the body."""
        if not self.body:
            self.body = part
        else:
            if isinstance(self.body, bytes):
                self.body = bytearray(self.body)
            self.body += part
