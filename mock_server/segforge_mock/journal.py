"""What was asked and answered, for tests to assert on: a ring with a cap for each body, the key masked."""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from segforge_mock.answers import Answer, RawHeaders
from segforge_mock.request import Request

MAX_EXCHANGES: Final = 1_000
MAX_BODY: Final = 16 * 2**10
_SECRET_HEADERS: Final = (b"authorization", b"x-api-key", b"proxy-authorization", b"cookie")


class Exchange(NamedTuple):
    """A request and its answer, kept raw; `as_json` masks what is secret."""

    number: int
    at: float
    method: str
    path: str
    route: str
    slug: str
    scenario: str
    status: int
    request_headers: RawHeaders
    request_body: bytes
    response_headers: RawHeaders
    response_body: bytes

    def as_json(self) -> dict[str, Any]:
        """The exchange as JSON; keys and credentials are replaced by ***, wherever they stand. Status 0: no answer."""
        secrets = [value for name, value in self.request_headers if name in _SECRET_HEADERS and value]
        mask = re.compile(b"|".join(map(re.escape, secrets))) if secrets else None

        def text(raw: bytes) -> str:
            return (mask.sub(b"***", raw) if mask else raw).decode("utf-8", "replace")

        return {
            "number": self.number,
            "at": self.at,
            "method": self.method,
            "path": text(self.path.encode("utf-8", "surrogatepass")),
            "route": self.route,
            "slug": self.slug,
            "scenario": self.scenario or None,
            "status": self.status,
            "request": {
                "headers": {text(name): text(value) for name, value in self.request_headers},
                "body": text(self.request_body),
            },
            "response": {
                "headers": {text(name): text(value) for name, value in self.response_headers},
                "body": text(self.response_body),
            },
        }


_Entry: TypeAlias = tuple[int, float, str, str, tuple[str, str, str], RawHeaders, bytes, Answer]
"""An exchange as it is kept: naming its parts can wait until somebody looks."""
_NO_ANSWER: Final = Answer(0, [], b"")


def _exchange(entry: _Entry) -> Exchange:
    number, at, method, path, place, headers, body, (status, answer_headers, answer_body) = entry
    return Exchange(number, at, method, path, *place, status, headers, body, answer_headers, answer_body)


class Journal:
    """The newest exchanges of one tenant."""

    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque(maxlen=MAX_EXCHANGES)
        self._number = 0
        self._waiting: list[asyncio.Event] = []

    def add(self, at: float, request: Request, place: tuple[str, str, str], answer: Answer | None) -> None:
        """Keep an exchange; `place` is route, slug and scenario, an answer of None was never sent."""
        self._number += 1
        body = request.body if len(request.body) <= MAX_BODY else request.body[:MAX_BODY]
        if answer is None:
            answer = _NO_ANSWER
        elif len(answer.body) > MAX_BODY:
            answer = answer._replace(body=answer.body[:MAX_BODY])
        entry = self._number, at, request.method, request.path, place, request.scope["headers"], body, answer
        self._entries.append(entry)
        for event in self._waiting:
            event.set()

    def matching(self, wanted: Callable[[Exchange], bool]) -> list[Exchange]:
        """The exchanges that a predicate wants, the oldest first."""
        return [exchange for entry in self._entries if wanted(exchange := _exchange(entry))]

    async def wait(self, wanted: Callable[[Exchange], bool], count: int, seconds: float) -> list[Exchange]:
        """Wait until `count` exchanges match, or until the time is over; gives those that do."""
        event, over = asyncio.Event(), False

        def end() -> None:
            nonlocal over
            over = True
            event.set()

        timer = asyncio.get_running_loop().call_later(seconds, end)  # asyncio.timeout needs a task, see `protocol`
        self._waiting.append(event)
        try:
            while len(self.matching(wanted)) < count and not over:
                event.clear()
                await event.wait()
        finally:
            timer.cancel()
            self._waiting.remove(event)
        return self.matching(wanted)

    def clear(self) -> None:
        """Forget all exchanges."""
        self._entries.clear()
