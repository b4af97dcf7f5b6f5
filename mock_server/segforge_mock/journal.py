"""What was asked and answered, for tests to assert on: a ring with a cap for each body, the key masked."""

import asyncio
import re
import sys
from collections import deque
from collections.abc import Callable
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

from segforge_mock.answers import Answer, RawHeaders
from segforge_mock.memory import Memory, Shelf
from segforge_mock.request import Request

MAX_EXCHANGES: Final = 1_000
MAX_BODY: Final = 16 * 2**10
ENTRY_BYTES: Final = 1_800
"""What an exchange needs in memory beside its texts: its parts and the headers that the mock itself adds."""
HEADER_BYTES: Final = 130
"""What one header needs beside its text."""
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


class Journals:
    """The exchanges of all tenants, the oldest of which are forgotten first when the memory is full."""

    def __init__(self, memory: Memory) -> None:
        self._entries: Shelf[int, tuple[Journal, _Entry]] = Shelf(memory, "journal", forget=self._forget)
        self._number = 0

    def new(self) -> "Journal":
        """A journal of one tenant."""
        return Journal(self)

    def keep(self, journal: "Journal", entry: _Entry) -> int:
        """Keep an exchange of a journal; gives the number under which it is found."""
        self._number += 1
        _, _, _, path, _, headers, body, answer = entry
        texts = sum(map(len, chain.from_iterable(headers))) + len(body) + len(answer.body) + 2 * sys.getsizeof(path)
        self._entries.put(self._number, (journal, entry), ENTRY_BYTES + HEADER_BYTES * len(headers) + texts)
        return self._number

    def get(self, number: int) -> _Entry | None:
        """The exchange of that number, or None."""
        found = self._entries.get(number)
        return None if found is None else found[1]

    def drop(self, number: int) -> None:
        """Drop an exchange."""
        self._entries.pop(number)

    def _forget(self, number: int, kept: "tuple[Journal, _Entry]") -> None:
        kept[0].lose(number)


class Journal:
    """The newest exchanges of one tenant. Make it with `Journals.new`."""

    def __init__(self, journals: Journals) -> None:
        self._journals = journals
        self._numbers: deque[int] = deque()
        """Where the exchanges are in `journals`, the oldest first."""
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
        if len(self._numbers) == MAX_EXCHANGES:
            self._journals.drop(self._numbers.popleft())
        self._numbers.append(self._journals.keep(self, entry))
        for event in self._waiting:
            event.set()

    def matching(self, wanted: Callable[[Exchange], bool]) -> list[Exchange]:
        """The exchanges that a predicate wants, the oldest first."""
        entries = [entry for number in self._numbers if (entry := self._journals.get(number)) is not None]
        return [exchange for entry in entries if wanted(exchange := _exchange(entry))]

    def lose(self, number: int) -> None:
        """Forget an exchange that the memory has no room for: the oldest one."""
        while self._numbers and self._numbers[0] <= number:
            self._numbers.popleft()

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
        while self._numbers:
            self._journals.drop(self._numbers.popleft())
