"""A real Redis server, and the three stores as the tests open them."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from segforge_mock import Store
from segforge_mock.stores.base import MAX_JOBS
from segforge_mock.stores.memory import MemoryStore
from segforge_mock.stores.redis import RedisStore
from segforge_mock.stores.sqlite import SqliteStore


@pytest.fixture(scope="session")
def redis_socket() -> Iterator[str]:
    """The URL of a Redis server of these tests' own."""
    with redis_server() as (url, _):
        yield url


@contextmanager
def redis_server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Starts a Redis server on a socket with a short path. Yields its URL and process."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail("these tests need redis-server: make redis, or apt-get install redis-server")
    with tempfile.TemporaryDirectory(prefix="segforge-") as folder:
        path = Path(folder, "redis.sock")
        command = [program, "--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no"]
        with subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL) as process:
            try:
                _wait_for(f"unix://{path}")
                yield f"unix://{path}", process
            finally:
                process.terminate()
                process.wait(10)


def _wait_for(url: str) -> None:
    """Waits until the server answers. Its socket exists before it listens."""
    deadline = time.monotonic() + 10
    with redis.Redis.from_url(url) as client:
        while True:
            with suppress(redis.ConnectionError):
                client.ping()
                return
            assert time.monotonic() < deadline, "redis-server does not start"
            time.sleep(0.01)


@pytest.fixture
def redis_url(redis_socket: str) -> str:
    """The URL of a Redis server with nothing in it."""
    flush(redis_socket)
    return redis_socket


def flush(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushall()


@dataclass(frozen=True)
class Kind:
    """A kind of store. Opened twice, one that lasts has the same content."""

    open: Callable[[float, int], Store]
    wipe: Callable[[], None]
    url: str | None

    @property
    def lasts(self) -> bool:
        return self.url is not None

    def store(self, opening_credits: float = 10.0, max_jobs: int = MAX_JOBS) -> Store:
        return self.open(opening_credits, max_jobs)


@pytest.fixture(params=["memory", "sqlite", "redis"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of store."""
    if request.param == "memory":
        return Kind(MemoryStore, lambda: None, None)
    shared: Kind = request.getfixturevalue(request.param)
    return shared


@pytest.fixture(params=["sqlite", "redis"])
def shared(request: pytest.FixtureRequest) -> Kind:
    """Each kind of store that processes can share."""
    kind: Kind = request.getfixturevalue(request.param)
    return kind


@pytest.fixture
def sqlite(tmp_path: Path) -> Kind:
    path = tmp_path / "jobs.db"

    def wipe() -> None:
        for file in tmp_path.glob("jobs.db*"):
            file.unlink()

    return Kind(lambda opening, most: SqliteStore(path, opening, most), wipe, f"sqlite:///{path}")


@pytest.fixture(name="redis")
def redis_kind(redis_url: str) -> Kind:
    return Kind(lambda opening, most: RedisStore(redis_url, opening, most), lambda: flush(redis_url), redis_url)
