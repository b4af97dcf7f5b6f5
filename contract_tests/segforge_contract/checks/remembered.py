"""Remembers what a file was found to be, without the file: a gateway may send files of 64 MiB."""

import hashlib
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_MOST: Final = 256


class Remembered(Generic[T]):
    """A function with a cache of its newest values, by the digest of the bytes. Its values are not None."""

    def __init__(self, function: Callable[[bytes], T]) -> None:
        self.__doc__ = function.__doc__
        self._function = function
        self._known: dict[bytes, T] = {}

    def __call__(self, data: bytes) -> T:
        """Returns the value of the function."""
        digest = hashlib.sha256(data).digest()
        value = self._known.get(digest)
        if value is None:
            value = self._function(data)
            while len(self._known) >= _MOST:
                self._known.pop(next(iter(self._known)), None)
            self._known[digest] = value
        return value

    def cache_clear(self) -> None:
        """Forgets all values."""
        self._known.clear()
