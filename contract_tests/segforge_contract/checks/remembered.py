"""Remembers what a file was found to be, without the file: a gateway may send files of 64 MiB."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Final, TypeVar

T = TypeVar("T")

_MOST: Final = 256


def by_content(function: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """Returns the function with a cache of its newest values, by the digest of the bytes."""
    known: OrderedDict[bytes, T] = OrderedDict()

    @wraps(function)
    def cached(data: bytes) -> T:
        digest = hashlib.sha256(data).digest()
        if digest in known:
            known.move_to_end(digest)
            return known[digest]
        value = known[digest] = function(data)
        if len(known) > _MOST:
            known.popitem(last=False)
        return value

    return cached
