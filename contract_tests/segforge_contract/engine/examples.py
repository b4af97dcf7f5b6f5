"""The database of Hypothesis' examples: a folder, or a Redis server that several runners share."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from segforge.extras import install_command
from segforge_contract.errors import Misuse

_REDIS = ("redis", "rediss", "unix")


class Examples(ExampleDatabase):
    """A database with one part for each strategy, which couldn't decode the examples of another.

    `lost` is the error that it raises if it becomes unavailable during a run. The error is ignored, because a run
    doesn't need stored examples.
    """

    def __init__(self, inner: ExampleDatabase, lost: type[Exception], scope: str = "") -> None:
        super().__init__()
        self._inner = inner
        self._lost = lost
        self._scope = scope

    def scoped(self, scope: str) -> "Examples":
        """The part with this name."""
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
    """Opens the database in a folder, or at a `redis://`, `rediss://` or `unix://` URL. Raises Misuse."""
    if urlsplit(text).scheme not in _REDIS:
        return Examples(DirectoryBasedExampleDatabase(Path(text)), OSError)
    try:
        from hypothesis.extra.redis import RedisExampleDatabase
        from redis import Redis, RedisError
    except ImportError:
        raise Misuse(f"--database: the Redis client is not installed; run {install_command('redis')}") from None
    try:
        client = Redis.from_url(text, socket_timeout=10)
        client.ping()
    except (RedisError, OSError, ValueError) as error:  # the message leaves out the URL, which may contain a password
        raise Misuse(f"--database: no Redis server answers at this URL ({type(error).__name__})") from None
    return Examples(RedisExampleDatabase(client, key_prefix=b"segforge-example:"), RedisError)
