"""The history of requests and answers, for tests to assert on. Bodies are truncated and secrets are masked.

A request is an entry as soon as it has arrived, since its caller may give up before it is answered.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec.structs import replace

from segforge.masking import SECRET_HEADERS, Mask, secrets_of
from segforge_mock.http.answers import NO_ANSWER, Answer, RawHeaders
from segforge_mock.http.request import IncomingRequest
from segforge_mock.memory import Kept, Memory, Shelf

MAX_ENTRIES: Final = 1_000
MAX_BODY: Final = 16 * 2**10
ENTRY_BYTES: Final = 1_950
"""Memory that an entry takes beside its texts: its parts, and the headers that the mock itself adds."""
BLOCK: Final = 25
BLOCK_BYTES: Final = 700
UNCOUNTED_BYTES: Final = 8 * 2**10
HEADER_BYTES: Final = 130
"""Memory that a header takes beside its text."""


class HistoryEntry(NamedTuple):
    """A request and its answer, unmasked; `as_json` masks secrets. Status 0: no answer, `running`: none yet."""

    number: int
    at: float
    method: str
    path: str
    route: str
    slug: str
    scenario: str
    status: int
    running: bool
    request_headers: RawHeaders
    request_body: bytes
    response_headers: RawHeaders
    response_body: bytes

    def as_json(self) -> dict[str, Any]:
        """Returns the entry as JSON, with *** for keys and credentials."""
        mask = Mask(secrets_of(self.request_headers))

        def text(raw: bytes) -> str:
            return mask.raw(raw).decode("utf-8", "replace")

        def shown(headers: RawHeaders) -> dict[str, str]:
            return {
                text(name): "***" if name in SECRET_HEADERS else mask.header(value).decode("utf-8", "replace")
                for name, value in headers
            }

        return {
            "number": self.number,
            "at": self.at,
            "method": self.method,
            "path": text(self.path.encode("utf-8", "surrogatepass")),
            "route": self.route,
            "slug": text(self.slug.encode("utf-8", "surrogatepass")),
            "scenario": self.scenario or None,
            "status": self.status,
            "running": self.running,
            "client": self._header(b"user-agent", mask),
            "traceparent": self._header(b"traceparent", mask),
            "request": {
                "headers": shown(self.request_headers),
                "body": text(self.request_body),
            },
            "response": {
                "headers": shown(self.response_headers),
                "body": text(self.response_body),
            },
        }

    def _header(self, name: bytes, mask: Mask) -> str | None:
        value = dict(self.request_headers).get(name)
        return None if value is None else mask.header(value).decode("utf-8", "replace")


End: TypeAlias = list[tuple[str, Answer]]
"""The scenario and the answer of a request; empty while it runs."""

_Entry: TypeAlias = tuple[int, float, str, str, str, str, RawHeaders, bytes, End]
"""An entry as it is kept; a HistoryEntry is made of it when the history is read."""


def _history_entry(entry: _Entry) -> HistoryEntry:
    number, at, method, path, route, slug, headers, body, end = entry
    scenario, answer = end[0] if end else ("", NO_ANSWER)
    place = (number, at, method, path, route, slug, scenario)
    return HistoryEntry(*place, answer.status, not end, headers, body, answer.headers, answer.body)


class _Block:
    """Consecutive entries of a history, which are counted and dropped together."""

    __slots__ = ("entries", "history")

    def __init__(self, history: "History") -> None:
        self.history = history
        self.entries: list[_Entry] = []


_FULL: Final[list[_Entry]] = [(0, 0.0, "", "", "", "", [], b"", [])] * BLOCK
"""Stands for the entries of a history without a block: there is no room in them, so that the next entry starts one."""


class Histories:
    """The entries of all tenants, in blocks. If the memory is full, the oldest blocks are dropped first."""

    def __init__(self, memory: Memory) -> None:
        self.blocks: Shelf[int, _Block] = Shelf(memory, "history", forget=lambda block: block.history.lose(block))
        self._number = 0

    def new(self) -> "History":
        """Returns an empty history for one tenant."""
        return History(self)

    def new_block(self, history: "History") -> Kept[int, _Block]:
        """Returns an empty block of a history."""
        self._number += 1
        return self.blocks.put(self._number, _Block(history), BLOCK_BYTES)


class History:
    """The newest entries of one tenant. `Histories.new` makes it."""

    __slots__ = ("_blocks", "_entries", "_grow", "_new_block", "_number", "_open", "_shelf", "_uncounted", "_waiting")

    def __init__(self, histories: Histories) -> None:
        self._shelf = histories.blocks
        self._new_block = histories.new_block
        self._grow = histories.blocks.grow
        self._blocks: deque[Kept[int, _Block]] = deque()
        self._uncounted = 0
        """Bytes of the newest entries that the shelf has not counted yet. Counting them in sums is faster."""
        self._open: Kept[int, _Block] | None = None
        """The newest block, or None."""
        self._entries: list[_Entry] = _FULL
        """The entries of the newest block."""
        self._number = 0
        self._waiting: list[asyncio.Event] = []

    def arrive(self, at: float, request: IncomingRequest, route: str, slug: str) -> End:
        """Adds an entry for a request. Pass the returned end to `answered`."""
        self._number = number = self._number + 1
        body, entries = request.body, self._entries
        if len(body) > MAX_BODY:
            body = body[:MAX_BODY]
        if len(entries) == BLOCK:
            entries = self._start_block()
        end: End = []
        entries.append((number, at, request.method, request.path, route, slug, request.raw_headers, body, end))
        for event in self._waiting:
            event.set()
        return end

    def answered(self, end: End, request: IncomingRequest, scenario: str, answer: Answer) -> None:
        """Adds the answer to the entry of a request; `scenario` is a name or "". Counts the memory of the entry."""
        received, sent = len(request.body), len(answer.body)
        if sent > MAX_BODY:
            answer, sent = replace(answer, body=answer.body[:MAX_BODY]), MAX_BODY
        end.append((scenario, answer))
        headers, head = request.raw_headers, request.head_bytes
        if head is None:  # adding them up takes as long as all the rest
            head = sum(len(name) + len(value) for name, value in headers)
        size = self._uncounted + ENTRY_BYTES + HEADER_BYTES * len(headers) + head + 8 * len(request.path) + sent
        size += min(MAX_BODY, received)
        if size > UNCOUNTED_BYTES and self._open is not None:
            self._grow(self._open, size)
            size = 0
        self._uncounted = size
        for event in self._waiting:
            event.set()

    def _start_block(self) -> list[_Entry]:
        """Starts the next block, drops the oldest one if the others hold enough, and returns its empty entries."""
        if len(self._blocks) * BLOCK >= MAX_ENTRIES + BLOCK:
            self._shelf.pop(self._blocks.popleft().key)
        block = self._open = self._new_block(self)
        self._blocks.append(block)
        self._entries = block.thing.entries
        return self._entries

    def lose(self, block: _Block) -> None:
        """Drops the oldest block, since the memory is full."""
        if self._blocks and self._blocks[0].thing is block:
            self._blocks.popleft()
            if not self._blocks:
                self._close()

    def matching(self, wanted: Callable[[HistoryEntry], bool]) -> list[HistoryEntry]:
        """Returns the entries that match a predicate, the oldest first."""
        entries = [entry for kept in self._blocks for entry in kept.thing.entries][-MAX_ENTRIES:]
        return [found for entry in entries if wanted(found := _history_entry(entry))]

    def newest(self, most: int) -> list[HistoryEntry]:
        """Returns at most `most` of the newest entries, the oldest first."""
        found: list[_Entry] = []
        for kept in reversed(self._blocks):
            found = [*kept.thing.entries, *found]
            if len(found) >= most:
                break
        return [_history_entry(entry) for entry in found[-most:]]

    def __len__(self) -> int:
        return min(sum(len(kept.thing.entries) for kept in self._blocks), MAX_ENTRIES)

    def __bool__(self) -> bool:
        """A history is true, even if it is empty."""
        return True

    async def wait(self, wanted: Callable[[HistoryEntry], bool], count: int, seconds: float) -> list[HistoryEntry]:
        """Waits until `count` entries match, at most `seconds`, and returns the matching ones."""
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
        """Drops all entries."""
        while self._blocks:
            self._shelf.pop(self._blocks.popleft().key)
        self._close()

    def _close(self) -> None:
        """Lets the next entry start a block."""
        self._open = None
        self._entries = _FULL
