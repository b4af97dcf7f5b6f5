"""The database of Hypothesis' examples: a folder, or a Redis server that several runners share."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from segforge_contract.errors import Misuse

_REDIS = ("redis", "rediss", "unix")


class Examples(ExampleDatabase):
    """A database with a part for each strategy, since what is kept of another one would make no sense to it.

    `lost` is what it raises when it goes away in the middle of a run. That is passed over: examples are a help, and no
    reason to stop.
    """

    def __init__(self, inner: ExampleDatabase, lost: type[Exception], scope: str = "") -> None:
        super().__init__()
        self._inner = inner
        self._lost = lost
        self._scope = scope

    def scoped(self, scope: str) -> "Examples":
        """The part of that name."""
        return Examples(self._inner, self._lost, scope)

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """See ExampleDatabase."""
        with contextlib.suppress(self._lost):
            yield from self._inner.fetch(self._key(key))

    def save(self, key: bytes, value: bytes) -> None:
        """See ExampleDatabase."""
        with contextlib.suppress(self._lost):
            self._inner.save(self._key(key), value)

    def delete(self, key: bytes, value: bytes) -> None:
        """See ExampleDatabase."""
        with contextlib.suppress(self._lost):
            self._inner.delete(self._key(key), value)

    def _key(self, key: bytes) -> bytes:
        return self._scope.encode() + b"\0" + key


def open_examples(text: str) -> Examples:
    """The database in a folder, or behind `redis://`, `rediss://` or `unix://`. Raises Misuse."""
    if urlsplit(text).scheme not in _REDIS:
        return Examples(DirectoryBasedExampleDatabase(Path(text)), OSError)
    try:
        from hypothesis.extra.redis import RedisExampleDatabase
        from redis import Redis, RedisError
    except ImportError:
        raise Misuse("--database: the client of Redis is missing; pip install 'segforge[redis]'") from None
    try:
        client = Redis.from_url(text, socket_timeout=10)
        client.ping()
    except (RedisError, OSError, ValueError) as error:  # the URL itself is not told: it may hold a password
        raise Misuse(f"--database: no Redis server answers there ({type(error).__name__})") from None
    return Examples(RedisExampleDatabase(client, key_prefix=b"segforge-example:"), RedisError)
