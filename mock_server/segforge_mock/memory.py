"""One limit in bytes for everything that the mock keeps in its process.

Things are kept on shelves, one for each kind (jobs, journal entries, tenants, ...). A shelf knows the size of each
thing. When all shelves and running requests together pass the limit, the oldest things go first, whatever their kind.
Sizes are estimates that err on the high side. Adding, using and dropping a thing take constant time.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MIB: Final = 2**20
DEFAULT_MIB: Final = 512
MIN_MIB: Final = 64
"""The smallest limit, in MiB. A request body of the largest size and the job that keeps it fit into it."""
MAX_MIB: Final = 2**20
STATE_SHARE: Final = 4
"""Tenants' settings and balances have this part of the limit to themselves: one in so many bytes."""
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
        self.now = 0
        """The time of a memory: it goes up by one with each thing that is put on a shelf or used."""
        self.shelves: list[Shelf[Any, Any]] = []

    def add(self, shelf: "Shelf[Any, Any]") -> None:
        """Count a shelf from now on."""
        self.shelves.append(shelf)

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

    def make_room(self) -> None:
        """Forget the oldest things until the rest fits. Nothing that a running request uses is forgotten."""
        now = self.now
        while self.used > self.limit:
            # The state of tenants goes last: a lost job is a clear 404, a lost balance would be a wrong amount.
            candidates = [shelf for shelf in self.shelves if shelf and shelf.oldest <= now]
            if not candidates:
                return
            min(candidates, key=_first_to_go).forget_oldest()


class Shelf(Generic[K, V]):
    """Things of one kind in the order of their age, the oldest first.

    `most` and `most_bytes` are limits of its own. `forgotten` is called with each thing that goes for want of room, not
    with those that are dropped. A thing for which `in_use` is true is not forgotten. `last`: see Memory.make_room.
    """

    def __init__(
        self,
        memory: Memory,
        kind: str,
        *,
        most: int | None = None,
        most_bytes: int | None = None,
        forget: Callable[[K, V], None] | None = None,
        in_use: Callable[[V], bool] | None = None,
        last: bool = False,
    ) -> None:
        self.kind = kind
        self.size = 0
        self.forgotten = 0
        self.last = last
        self._memory = memory
        self._most = most if most is not None else float("inf")
        self._most_bytes = most_bytes if most_bytes is not None else float("inf")
        self._forget = forget
        self._in_use = in_use
        self._things: OrderedDict[K, tuple[V, int, int]] = OrderedDict()
        memory.add(self)

    def __len__(self) -> int:
        return len(self._things)

    def __contains__(self, key: K) -> bool:
        return key in self._things

    @property
    def oldest(self) -> int:
        """When the oldest thing was put here or last used, in the memory's time."""
        return next(iter(self._things.values()))[2]

    def values(self) -> Iterator[V]:
        """The things, the oldest first."""
        return (thing for thing, _, _ in self._things.values())

    def get(self, key: K) -> V | None:
        """The thing of that key, or None; its age stays what it is."""
        found = self._things.get(key)
        return None if found is None else found[0]

    def use(self, key: K) -> V | None:
        """The thing of that key, which becomes the newest, or None."""
        found = self._things.get(key)
        if found is None:
            return None
        memory = self._memory
        memory.now += 1
        self._things[key] = found[0], found[1], memory.now
        self._things.move_to_end(key)
        return found[0]

    def put(self, key: K, thing: V, size: int) -> None:
        """Keep a thing of that many bytes as the newest; a key that is there already gets the new thing."""
        size += KEPT_BYTES
        if key in self._things:
            self.pop(key)
        memory = self._memory
        memory.now += 1
        self._things[key] = thing, size, memory.now
        self.size += size
        memory.used += size
        if len(self._things) > self._most or self.size > self._most_bytes:
            self._keep_own_limits()
        if memory.used > memory.limit:
            memory.make_room()

    def grow(self, key: K, more: int) -> None:
        """Count more bytes for a thing, if it is kept."""
        found = self._things.get(key)
        if found is not None:
            self._things[key] = found[0], found[1] + more, found[2]
            self.size += more
            self._memory.used += more
            self._memory.make_room()

    def pop(self, key: K) -> V | None:
        """Take a thing off; gives it, or None."""
        found = self._things.pop(key, None)
        if found is None:
            return None
        self.size -= found[1]
        self._memory.used -= found[1]
        return found[0]

    def forget_oldest(self) -> None:
        """Forget the oldest thing for want of room; one in use becomes the newest instead."""
        key, (thing, size, _) = next(iter(self._things.items()))
        if self._in_use is not None and self._in_use(thing):
            self.use(key)
            return
        del self._things[key]
        self.size -= size
        self._memory.used -= size
        self.forgotten += 1
        if self._forget is not None:
            self._forget(key, thing)

    def _keep_own_limits(self) -> None:
        now = self._memory.now
        while (len(self._things) > self._most or self.size > self._most_bytes) and self.oldest <= now:
            self.forget_oldest()


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
