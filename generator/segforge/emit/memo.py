"""A cache on disk of work that is a pure function of its inputs; losing it costs time and nothing else.

An entry is one file, named after a hash of all inputs: the caller's, the source of segforge itself and the installed
distributions with their versions. It starts with a hash of its key and its content, so that an entry that is cut off,
changed or in the wrong place is as good as none.
"""

import hashlib
import os
import sys
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Final

import segforge
from segforge.files import write_atomically

LIMIT: Final = 256 * 2**20
"""How many bytes the entries may take; those that were used longest ago go first."""

_HASH_BYTES: Final = 32


class Memo:
    """The entries in one folder, which is made when the first is kept; without a folder, nothing is ever found."""

    def __init__(self, folder: Path | None, limit: int = LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        self._kept = False

    def key(self, *inputs: bytes) -> str:
        """The name of the work with these inputs, in this order."""
        digest = hashlib.sha256()
        for each in (self._version, *inputs):
            digest.update(len(each).to_bytes(8, "big") + each)
        return digest.hexdigest()

    def __contains__(self, key: str) -> bool:
        """Whether there is an entry, sound or not."""
        return self._folder is not None and (self._folder / key).exists()

    def get(self, key: str) -> bytes | None:
        """What was kept under a key; None where nothing was, or where it is not as it was kept."""
        if self._folder is None:
            return None
        path = self._folder / key
        try:
            raw = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        content = raw[_HASH_BYTES:]
        return content if raw[:_HASH_BYTES] == _checksum(key, content) else None

    def keep(self, key: str, content: bytes) -> None:
        """Keep what the work of a key gave. A folder that can't be written to makes no difference but to time."""
        if self._folder is None:
            return
        try:
            write_atomically(self._folder / key, _checksum(key, content) + content)
        except OSError:
            self._folder = None
        self._kept = True

    def prune(self) -> None:
        """Where this run kept something, remove what was used longest ago until the rest is within the limit."""
        if not self._kept or self._folder is None:
            return
        with os.scandir(self._folder) as found:
            entries = sorted(((entry.stat(), entry.path) for entry in found), key=lambda each: -each[0].st_mtime_ns)
        size = 0
        for stat, path in entries:
            size += stat.st_size
            if size > self._limit:
                Path(path).unlink(missing_ok=True)

    @cached_property
    def _version(self) -> bytes:
        """Stands for all code that has a say in what is generated."""
        digest = hashlib.sha256(sys.version.encode())
        for name in _distributions(sys.path):
            digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
        package = Path(segforge.__file__).parent
        for path in sorted(package.rglob("*")):
            if path.suffix != ".pyc" and path.is_file():
                content = path.read_bytes()
                digest.update(f"{path.relative_to(package)}\0{len(content)}\0".encode() + content)
        return digest.digest()


def _distributions(folders: Iterable[str]) -> list[str]:
    """The installed distributions by their folders' names, which hold their versions."""
    found = []
    for folder in folders:
        try:
            found += [name for name in os.listdir(folder) if name.endswith(".dist-info")]  # noqa: PTH208 - names alone
        except OSError:
            continue
    return sorted(found)


def _checksum(key: str, content: bytes) -> bytes:
    return hashlib.blake2b(content, key=key.encode()[:64], digest_size=_HASH_BYTES).digest()
