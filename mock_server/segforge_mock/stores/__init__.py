"""Stores, which keep jobs, balances and rate windows; `open_store` opens the one that a URL names."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from segforge_mock.stores.base import Store, StoreError
from segforge_mock.stores.memory import MemoryStore

SQLITE: Final = "sqlite:///"
REDIS_SCHEMES: Final = ("redis", "rediss", "unix")


def open_store(url: str | None, opening_credits: float) -> Store:
    """Opens the store that a URL names: None or `memory`, `sqlite:///PATH` or `redis://...`.

    `sqlite:///jobs.db` is in the working directory, `sqlite:////var/jobs.db` is absolute. `rediss://` is Redis over
    TLS, and `unix://PATH` Redis on a socket. Raises StoreError if the URL is none of these, or the file or server can't
    be used.
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
    raise StoreError(f"store: expected memory, sqlite:///PATH or redis://HOST:PORT/DATABASE, found {found}")


def is_shared(url: str | None) -> bool:
    """Returns whether several processes can use the store that a URL names."""
    return url is not None and url != "memory"


def _path(url: str) -> Path:
    path = url.removeprefix(SQLITE)
    if path in ("", ":memory:"):
        found = path or "no path"
        raise StoreError(f"store: expected sqlite:///PATH, found {found}; use memory for a store without a file")
    return Path(path)


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""
