"""One limit in bytes for everything that the mock keeps in its process.

Things are kept on shelves, one per kind (jobs, history, tenants, ...). A shelf knows the size of each thing. When all
shelves and running requests together exceed the limit, the oldest things of any kind are dropped first. Sizes are
estimates that err on the high side. Adding, using and dropping a thing take constant time.
"""

import contextlib
import ctypes
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from itertools import islice
from typing import Any, Final, Generic, TypeVar

import msgspec

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MIB: Final = 2**20
DEFAULT_MIB: Final = 512
MIN_MIB: Final = 64
"""The smallest limit, in MiB. It has room for the largest request body and the job that keeps it."""
MAX_MIB: Final = 2**20
STATE_SHARE: Final = 4
"""The limit divided by the most that tenants' settings, or balances, may need. They are dropped last."""
TRIM_BYTES: Final = 32 * MIB
"""Freed bytes after which unused pages are returned to the system."""
SLACK: Final = 16
"""Steps of the memory's time within which using a thing again does not change its age."""
KEPT_BYTES: Final = 350
"""Bytes that a shelf needs per thing: its place in the order and its record."""


class Full(Exception):
    """Running requests hold the whole memory. There is no room for another one."""


class Memory:
    """A limit in bytes, and the bytes that count towards it: shelves, and running requests (`in_use`)."""

    def __init__(self, limit: int = DEFAULT_MIB * MIB) -> None:
        self.limit = limit
        self.used = 0
        self.in_use = 0
        self.freed = 0
        """Bytes that were ever taken off a shelf or released."""
        self.now = 0
        """The memory's time: the number of things that were put on a shelf or used."""
        self._trimmed_at = 0
        self.shelves: list[Shelf[Any, Any]] = []
        """All shelves. A new shelf adds itself."""

    def hold(self, size: int) -> None:
        """Counts bytes that a running request holds. Raises Full, and counts nothing, if they don't fit."""
        if self.in_use + size > self.limit:
            raise Full(
                f"running requests hold {self.in_use} bytes; {size} more would exceed the limit of {self.limit}; "
                "raise --max-memory (max_memory in Python)"
            )
        self.in_use += size
        self.used += size
        if self.used > self.limit:
            self.make_room()

    def give_back(self, size: int) -> None:
        """Stops counting bytes that a running request held."""
        self.in_use -= size
        self.used -= size
        self.freed += size

    def trim(self) -> None:
        """Returns freed pages to the system if there are many. Takes some milliseconds.

        The C library keeps freed pages while new objects use others. Both together would exceed the limit.
        """
        if self.freed - self._trimmed_at > TRIM_BYTES:
            self._trimmed_at = self.freed
            _trim()

    def make_room(self) -> None:
        """Drops the oldest things until the rest fits. Things that a running request uses are kept."""
        now = self.now
        while self.used > self.limit:
            # Tenants are dropped last: a lost job is a clear 404, but a lost balance would be a wrong amount.
            candidates = [shelf for shelf in self.shelves if shelf and shelf.oldest < now]
            if not candidates:
                return
            min(candidates, key=_first_to_go).forget_oldest()


class Kept(msgspec.Struct, Generic[K, V]):
    """A thing on a shelf, with its key, its size in bytes, and its last use in the memory's time."""

    key: K
    thing: V
    size: int
    age: int


class _Leaf(Kept[K, V], gc=False):
    """A thing that refers to no shelf, so that the garbage collector need not visit it."""


class Shelf(Generic[K, V]):
    """Things of one kind in the order of their age, the oldest first.

    `most` and `most_bytes` are limits of this shelf. `forget` is called with each thing that is dropped for lack of
    room. A thing for which `in_use` is true is kept. `last`: drop these things last, see `Memory.make_room`. `leaves`:
    the things refer to no shelf, so that the garbage collector need not visit them.
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
        leaves: bool = False,
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
        self._new: type[Kept[K, V]] = _Leaf if leaves else Kept
        self._things: OrderedDict[K, Kept[K, V]] = OrderedDict()
        memory.shelves.append(self)

    def __len__(self) -> int:
        return len(self._things)

    def __contains__(self, key: K) -> bool:
        return key in self._things

    @property
    def oldest(self) -> int:
        """The age of the oldest thing. The shelf must not be empty."""
        return next(iter(self._things.values())).age

    def get(self, key: K) -> V | None:
        """Returns the thing of a key, or None. Does not change its age."""
        kept = self._things.get(key)
        return None if kept is None else kept.thing

    def newest(self, most: int) -> list[tuple[K, V]]:
        """Returns at most `most` keys with their things, the newest first. Does not change their age."""
        return [(kept.key, kept.thing) for kept in islice(reversed(self._things.values()), most)]

    def use(self, key: K) -> Kept[K, V] | None:
        """Returns the record of a key's thing and makes it the newest, or returns None."""
        kept = self._things.get(key)
        if kept is None:
            return None
        memory = self._memory
        if kept.age < memory.now - SLACK:
            memory.now = kept.age = memory.now + 1
            self._things.move_to_end(key)
        return kept

    def put(self, key: K, thing: V, size: int) -> Kept[K, V]:
        """Adds a thing of a size in bytes as the newest. Replaces the key's former thing."""
        if key in self._things:
            self.pop(key)
        memory = self._memory
        memory.now += 1
        size += KEPT_BYTES
        kept = self._things[key] = self._new(key, thing, size, memory.now)
        self.size += size
        memory.used += size
        if len(self._things) > self._most:
            self.forget_oldest()
        if self.size > self._most_bytes or memory.used > memory.limit:
            self._make_room()
        return kept

    def grow(self, kept: Kept[K, V], more: int) -> None:
        """Counts more bytes for a thing on the shelf."""
        memory = self._memory
        kept.size += more
        self.size += more
        memory.used += more
        if self.size > self._most_bytes or memory.used > memory.limit:
            self._make_room()

    def pop(self, key: K) -> V | None:
        """Removes a thing and returns it, or returns None."""
        kept = self._things.pop(key, None)
        if kept is None:
            return None
        self._count_off(kept)
        return kept.thing

    def forget_oldest(self) -> None:
        """Drops the oldest thing for lack of room. A thing in use becomes the newest instead."""
        key, kept = self._things.popitem(last=False)
        if self._in_use is not None and self._in_use(kept.thing):
            self._memory.now = kept.age = self._memory.now + 1
            self._things[key] = kept
            return
        self._count_off(kept)
        self.forgotten += 1
        if self._forget is not None:
            self._forget(kept.thing)

    def _count_off(self, kept: Kept[K, V]) -> None:
        """Stops counting a thing that was taken off the shelf."""
        memory, size = self._memory, kept.size
        self.size -= size
        memory.used -= size
        memory.freed += size

    def _make_room(self) -> None:
        now = self._memory.now
        while self.size > self._most_bytes and self.oldest < now:
            self.forget_oldest()
        self._memory.make_room()


def _trim() -> None:
    with contextlib.suppress(AttributeError, OSError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


def _first_to_go(shelf: Shelf[Any, Any]) -> tuple[bool, int]:
    return shelf.last, shelf.oldest


class HeldBytes:
    """The bytes of one running request: `with HeldBytes(memory) as hold:` counts them and releases them at the end."""

    __slots__ = ("_memory", "_size")

    def __init__(self, memory: Memory, size: int = 0) -> None:
        """Counts `size` bytes immediately. Raises Full."""
        self._memory = memory
        self._size = 0
        self.grow(size)

    def grow(self, more: int) -> None:
        """Counts more bytes. Raises Full."""
        if more:
            self._memory.hold(more)
            self._size += more

    def __enter__(self) -> "HeldBytes":
        return self

    def __exit__(self, *_: object) -> None:
        if self._size:
            self._memory.give_back(self._size)
            self._size = 0
