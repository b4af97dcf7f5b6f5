"""One limit in bytes for everything that the mock keeps in its process.

Things are kept on shelves, one for each kind (jobs, journal entries, tenants, ...). A shelf knows the size of each
thing. When all shelves and running requests together pass the limit, the oldest things go first, whatever their kind.
Sizes are estimates that err on the high side. Adding, using and dropping a thing take constant time.
"""

import contextlib
import ctypes
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, TypeVar

import msgspec

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MIB: Final = 2**20
DEFAULT_MIB: Final = 512
MIN_MIB: Final = 64
"""The smallest limit, in MiB. A request body of the largest size and the job that keeps it fit into it."""
MAX_MIB: Final = 2**20
STATE_SHARE: Final = 4
"""Tenants' settings, and balances, may need one in so many bytes of the limit each. They are forgotten last."""
TRIM_BYTES: Final = 32 * MIB
"""After so many freed bytes, unused pages are given back to the system."""
SLACK: Final = 16
"""A thing that was put on a shelf or used so short a time ago, in the memory's time, stays as old as it is."""
KEPT_BYTES: Final = 350
"""What a shelf itself needs for one thing: its place in the order, the record of its size."""


class Full(Exception):
    """Running requests hold the whole memory, so that there is no room for another one."""


class Memory:
    """The limit in bytes, and what counts towards it: the shelves, and what running requests hold (`in_use`)."""

    def __init__(self, limit: int = DEFAULT_MIB * MIB) -> None:
        self.limit = limit
        self.used = 0
        self.in_use = 0
        self.freed = 0
        """Bytes of all that was ever taken off a shelf or given back."""
        self.now = 0
        """The time of a memory: it goes up by one with each thing that is put on a shelf or used."""
        self._trimmed_at = 0
        self.shelves: list[Shelf[Any, Any]] = []
        """Every shelf; a new one adds itself."""

    def hold(self, size: int) -> None:
        """Count bytes that a running request holds. Raises Full, and counts nothing, if they can't fit."""
        if self.in_use + size > self.limit:
            raise Full(
                f"running requests hold {self.in_use} bytes, and {size} more would pass the limit of {self.limit}; "
                "raise --max-memory (max_memory in Python)"
            )
        self.in_use += size
        self.used += size
        if self.used > self.limit:
            self.make_room()

    def give_back(self, size: int) -> None:
        """Stop counting bytes that a running request held."""
        self.in_use -= size
        self.used -= size
        self.freed += size

    def trim(self) -> None:
        """Give the pages of what was forgotten back to the system, once it was much. It takes some milliseconds.

        The C library keeps them, and Python's objects come to lie on others: both together would pass the limit.
        """
        if self.freed - self._trimmed_at > TRIM_BYTES:
            self._trimmed_at = self.freed
            _trim()

    def make_room(self) -> None:
        """Forget the oldest things until the rest fits. Nothing that a running request uses is forgotten."""
        now = self.now
        while self.used > self.limit:
            # The state of tenants goes last: a lost job is a clear 404, a lost balance would be a wrong amount.
            candidates = [shelf for shelf in self.shelves if shelf and shelf.oldest < now]
            if not candidates:
                return
            min(candidates, key=_first_to_go).forget_oldest()


class Kept(msgspec.Struct, Generic[K, V]):
    """A thing on a shelf: its key, its size in bytes, and when it was put there or last used, in the memory's time."""

    key: K
    thing: V
    size: int
    age: int


class Shelf(Generic[K, V]):
    """Things of one kind in the order of their age, the oldest first.

    `most` and `most_bytes` are limits of its own. `forget` is called with each thing that goes for want of room, not
    with those that are taken off. A thing for which `in_use` is true stays. `last`: see Memory.make_room.
    """

    def __init__(
        self,
        memory: Memory,
        kind: str,
        *,
        most: int = sys.maxsize,
        most_bytes: int = sys.maxsize,
        forget: Callable[[V], None] | None = None,
        in_use: Callable[[V], bool] | None = None,
        last: bool = False,
    ) -> None:
        self.kind = kind
        self.size = 0
        self.forgotten = 0
        self.last = last
        self._memory = memory
        self._most = most
        self._most_bytes = most_bytes
        self._forget = forget
        self._in_use = in_use
        self._things: OrderedDict[K, Kept[K, V]] = OrderedDict()
        memory.shelves.append(self)

    def __len__(self) -> int:
        return len(self._things)

    def __contains__(self, key: K) -> bool:
        return key in self._things

    @property
    def oldest(self) -> int:
        """The age of the oldest thing; there must be one."""
        return next(iter(self._things.values())).age

    def get(self, key: K) -> V | None:
        """The thing of that key, or None; its age stays what it is."""
        kept = self._things.get(key)
        return None if kept is None else kept.thing

    def use(self, key: K) -> Kept[K, V] | None:
        """The thing of that key as it is kept, which becomes the newest, or None."""
        kept = self._things.get(key)
        if kept is None:
            return None
        memory = self._memory
        if kept.age < memory.now - SLACK:
            memory.now = kept.age = memory.now + 1
            self._things.move_to_end(key)
        return kept

    def put(self, key: K, thing: V, size: int) -> Kept[K, V]:
        """Keep a thing of that many bytes as the newest; a key that is there already gets the new thing."""
        if key in self._things:
            self.pop(key)
        memory = self._memory
        memory.now += 1
        size += KEPT_BYTES
        kept = self._things[key] = Kept(key, thing, size, memory.now)
        self.size += size
        memory.used += size
        if len(self._things) > self._most:
            self.forget_oldest()
        if self.size > self._most_bytes or memory.used > memory.limit:
            self._make_room()
        return kept

    def grow(self, kept: Kept[K, V], more: int) -> None:
        """Count more bytes for a thing that is kept."""
        memory = self._memory
        kept.size += more
        self.size += more
        memory.used += more
        if self.size > self._most_bytes or memory.used > memory.limit:
            self._make_room()

    def pop(self, key: K) -> V | None:
        """Take a thing off; gives it, or None."""
        kept = self._things.pop(key, None)
        if kept is None:
            return None
        self.size -= kept.size
        self._memory.used -= kept.size
        self._memory.freed += kept.size
        return kept.thing

    def forget_oldest(self) -> None:
        """Forget the oldest thing for want of room; one in use becomes the newest instead."""
        kept = next(iter(self._things.values()))
        if self._in_use is not None and self._in_use(kept.thing):
            self._memory.now = kept.age = self._memory.now + 1
            self._things.move_to_end(kept.key)
            return
        self.pop(kept.key)
        self.forgotten += 1
        if self._forget is not None:
            self._forget(kept.thing)

    def _make_room(self) -> None:
        now = self._memory.now
        while self.size > self._most_bytes and self.oldest < now:
            self.forget_oldest()
        self._memory.make_room()


def _trim() -> None:
    with contextlib.suppress(AttributeError, OSError, TypeError):  # only the C library of GNU has it
        ctypes.CDLL(None).malloc_trim(0)


def _first_to_go(shelf: Shelf[Any, Any]) -> tuple[bool, int]:
    return shelf.last, shelf.oldest


class Hold:
    """What one running request holds: `with Hold(memory) as hold:` counts what it grows by, and gives it back."""

    __slots__ = ("_memory", "_size")

    def __init__(self, memory: Memory, size: int = 0) -> None:
        """Count `size` bytes at once. Raises Full."""
        self._memory = memory
        self._size = 0
        self.grow(size)

    def grow(self, more: int) -> None:
        """Count more bytes. Raises Full."""
        if more:
            self._memory.hold(more)
            self._size += more

    def __enter__(self) -> "Hold":
        return self

    def __exit__(self, *_: object) -> None:
        if self._size:
            self._memory.give_back(self._size)
            self._size = 0
