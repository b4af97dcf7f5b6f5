"""A cache on disk for results of pure functions. It can be deleted at any time.

Each entry is one file, named after a hash of all inputs: the caller's, segforge's own source, and names and versions of
the installed distributions. The file starts with a hash of its key and content, so that a truncated, changed or
misplaced entry is ignored.
"""

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final

import segforge
from segforge.files import write_atomically

LIMIT: Final = 256 * 2**20
"""Bytes that all entries may take; `prune` removes the least recently used first."""

_HASH_BYTES: Final = 32


class Memo:
    """The entries in one folder, which is created with the first. Without a folder, nothing is stored."""

    def __init__(self, folder: Path | None, limit: int = LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        self._kept = False

    def key(self, *inputs: bytes) -> str:
        """Returns the key of a result with these inputs, in this order."""
        digest = hashlib.sha256()
        for each in (self._version, *inputs):
            digest.update(len(each).to_bytes(8, "big") + each)
        return digest.hexdigest()

    def __contains__(self, key: str) -> bool:
        """Whether an entry exists, valid or not."""
        return self._folder is not None and (self._folder / key).exists()

    def get(self, key: str) -> bytes | None:
        """Returns the content stored under a key; None if there is none or it was damaged."""
        if self._folder is None:
            return None
        path = os.path.join(self._folder, key)  # noqa: PTH118 - a run reads hundreds of entries
        try:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - faster than Path
                raw = file.read()
            os.utime(path)
        except OSError:
            return None
        content = raw[_HASH_BYTES:]
        return content if raw[:_HASH_BYTES] == _checksum(key, content) else None

    def keep(self, key: str, content: bytes) -> None:
        """Stores the content of a key. If the folder can't be written to, nothing is stored."""
        if self._folder is None:
            return
        try:
            write_atomically(self._folder / key, _checksum(key, content) + content)
        except OSError:
            self._folder = None
        self._kept = True

    def prune(self) -> None:
        """Removes, if this run stored something, the least recently used entries until the rest is within the limit.

        Other runs may remove entries, or the whole folder, at the same time.
        """
        if not self._kept or self._folder is None:
            return
        entries = []
        with suppress(OSError), os.scandir(self._folder) as found:
            for entry in found:
                with suppress(OSError):
                    entries.append((entry.stat(), entry.path))
        size = 0
        for stat, path in sorted(entries, key=lambda each: -each[0].st_mtime_ns):
            size += stat.st_size
            if size > self._limit:
                with suppress(OSError):
                    Path(path).unlink()

    @cached_property
    def _version(self) -> bytes:
        """A digest of all code that can affect results."""
        digest = hashlib.sha256(sys.version.encode())
        for name in _distributions(sys.path):
            digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
        package = Path(segforge.__file__).parent
        for path in sorted(_files(str(package))):
            with open(path, "rb") as file:  # noqa: PTH123 - faster than Path
                content = file.read()
            digest.update(f"{path.removeprefix(str(package))}\0{len(content)}\0".encode() + content)
        return digest.digest()


def _files(folder: str) -> Iterator[str]:
    """The paths of all files below a folder, without compiled ones. It takes a third of the time of `rglob`."""
    for inside, _, names in os.walk(folder):
        yield from (os.path.join(inside, name) for name in names if not name.endswith(".pyc"))  # noqa: PTH118 - faster


def _distributions(folders: Iterable[str]) -> list[str]:
    """The folder names of installed distributions, which contain their versions."""
    found = []
    for folder in folders:
        try:
            found += [name for name in os.listdir(folder) if name.endswith(".dist-info")]  # noqa: PTH208 - names alone
        except OSError:
            continue
    return sorted(found)


def _checksum(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()  # where processors support it, the fastest of its kind
