"""A target in this process: an ASGI app."""

import asyncio
import contextlib
import copy
import ctypes
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urlsplit

from segforge.spec.printable import one_line
from segforge_contract.errors import NoAnswer
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.base import checked_key, checked_url, read_answer, request_headers

_TRIM_EVERY: Final = 250  # requests; the app encodes files in threads, and each thread keeps the memory that it frees
_ALLOCATION: Final = {-3: 2**18, -8: 2}  # M_MMAP_THRESHOLD in bytes, and M_ARENA_MAX
Message: TypeAlias = MutableMapping[str, Any]

AsgiApp: TypeAlias = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


class AsgiTarget:
    """Calls an ASGI 3 app in this process, without a socket."""

    def __init__(
        self,
        app: AsgiApp,
        key: str,
        *,
        base_url: str = "http://127.0.0.1:8086",
        key_header: str = "x-api-key",
        other_keys: Sequence[str] = (),
    ) -> None:
        """`base_url` is the address that the app sees; curl commands in reports use it.

        `other_keys` are valid too; each belongs to another account.
        """
        self._other_keys = other_keys
        self.base_url, _ = checked_url(base_url)
        self.loopback = True
        self._app = app
        self._key = checked_key(key)
        self._key_header = key_header
        parts = urlsplit(self.base_url)
        self._server = (parts.hostname, parts.port or 80)
        self._host = parts.netloc.encode()
        self._runner = asyncio.Runner()
        self._sent = 0
        _keep_no_freed_memory()

    def send(self, request: Request) -> Response:
        """See `Target`."""
        self._sent += 1
        if self._sent % _TRIM_EVERY == 0:
            _return_freed_memory()
        # Runner.run() installs a signal handler for every call, which takes longer than most answers.
        return self._runner.get_loop().run_until_complete(self._exchange(request))

    def others(self) -> list["AsgiTarget"]:
        """Returns one target for each of the other accounts, all for the same app."""
        targets = [copy.copy(self) for _ in self._other_keys]
        for target, key in zip(targets, self._other_keys, strict=True):
            target._key, target._other_keys = checked_key(key), ()
        return targets

    def send_together(self, requests: Sequence[Request]) -> list[Response | NoAnswer]:
        """Sends requests concurrently. Returns an answer, or the reason for its lack, for each."""

        async def everything() -> list[Response | NoAnswer | BaseException]:
            return await asyncio.gather(*map(self._exchange, requests), return_exceptions=True)

        answers = self._runner.get_loop().run_until_complete(everything())
        return [answer for answer in answers if isinstance(answer, Response | NoAnswer)]

    async def _exchange(self, request: Request) -> Response:
        headers = request_headers(request, self._key_header, self._key)
        if request.body is not None:
            headers["content-length"] = str(len(request.body))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(request.path),
            "raw_path": request.path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", self._host),
                *((name.lower().encode(), value.encode()) for name, value in headers.items()),
            ],
            "client": ("127.0.0.1", 50000),
            "server": self._server,
        }
        complete = asyncio.Event()
        messages: list[Message] = []
        events = iter([{"type": "http.request", "body": request.body or b"", "more_body": False}])

        async def receive() -> Message:
            event = next(events, None)
            if event is None:
                await complete.wait()
                return {"type": "http.disconnect"}
            return event

        async def send(message: Message) -> None:
            messages.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                complete.set()

        started = time.monotonic()
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            raise NoAnswer(f"no answer: the app raised {type(error).__name__}: {one_line(str(error))}") from error
        if not complete.is_set():
            raise NoAnswer("no answer: the app returned before its answer was complete")
        fields = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in messages[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in messages[1:])
        response = read_answer(messages[0]["status"], fields, body, self._key)
        return replace(response, seconds=time.monotonic() - started)

    def close(self) -> None:
        """See `Target`."""
        self._runner.close()


def _keep_no_freed_memory() -> None:
    """Lets large blocks return to the system once they are freed. By default, glibc keeps some of up to 32 MiB."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # only glibc has it
        libc = ctypes.CDLL(None)
        for option, value in _ALLOCATION.items():
            libc.mallopt(option, value)


def _return_freed_memory() -> None:
    with contextlib.suppress(AttributeError, OSError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
