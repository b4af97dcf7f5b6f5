"""Opens the store that a URL names."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from segforge_mock.stores.base import MemoryStore, Store, StoreError

SQLITE: Final = "sqlite:///"
REDIS_SCHEMES: Final = ("redis", "rediss", "unix")


def open_store(url: str | None, opening_credits: float) -> Store:
    """The store that a URL names: None or `memory`, `sqlite:///PATH`, or `redis://...`.

    A path is taken as it stands: `sqlite:///jobs.db` is in the working directory, `sqlite:////var/jobs.db` is absolute.
    `rediss://` is Redis over TLS, and `unix://PATH` Redis on a socket. Raises StoreError, whose message never holds a
    password, where the URL is none of these, or the file or server can't be used.
    """
    if url is None or url == "memory":
        return MemoryStore(opening_credits)
    if url.startswith(SQLITE):
        from segforge_mock.stores.sqlite import SqliteStore

        return SqliteStore(_path(url), opening_credits)
    if _scheme(url) in REDIS_SCHEMES:
        from segforge_mock.stores.redis import RedisStore, reach

        reach(url)
        return RedisStore(url, opening_credits)
    found = f"a {_scheme(url)}: URL" if "://" in url and _scheme(url) else "something else"
    raise StoreError(f"not a store: expected memory, sqlite:///PATH or redis://HOST:PORT/DATABASE, found {found}")


def is_shared(url: str | None) -> bool:
    """Whether several processes can use the store that a URL names."""
    return url is not None and url != "memory"


def _path(url: str) -> Path:
    path = url.removeprefix(SQLITE)
    if path in ("", ":memory:"):
        raise StoreError("sqlite:/// names no file; expected sqlite:///PATH, or memory for a store that nobody shares")
    return Path(path)


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""
