"""After a Redis server is killed and restarted on the same port, no request fails and no accepted job is lost."""

import asyncio
import itertools
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import yaml

from segforge_mock.stores.base import StoreError
from segforge_mock.stores.redis import CONNECTIONS, RedisStore
from tests.mock.stores.charger import job

SHIPPED = yaml.safe_load((Path(__file__).parents[3] / "compose.yaml").read_text("utf-8"))["services"]["redis"][
    "command"
]


@pytest.fixture
def port() -> int:
    """A free port: connections over TCP are pooled differently than those over a Unix socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def redis_on(port: int, folder: Path) -> Iterator[None]:
    """A Redis server with the options of compose.yaml, killed at the end."""
    assert shutil.which(SHIPPED[0]), "these tests need redis-server: make redis, or apt-get install redis-server"
    command = [*SHIPPED, "--port", str(port), "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield
        finally:
            process.kill()


def _wait_for(port: int) -> None:
    """Waits at most 10 seconds until the server answers. Not all supported versions of redis-py retry on a refusal."""
    deadline = time.monotonic() + 10
    while True:
        try:
            with redis.Redis(port=port) as client:
                client.ping()
        except redis.ConnectionError:
            assert time.monotonic() < deadline, "redis-server does not start"
            time.sleep(0.02)
        else:
            return


def test_no_request_fails_after_a_restart(port: int, tmp_path: Path) -> None:
    async def run() -> None:
        store = RedisStore(f"redis://127.0.0.1:{port}/0", 1000.0)
        with redis_on(port, tmp_path):
            before = await asyncio.gather(*(store.charge("a", 1) for _ in range(5 * CONNECTIONS)))
        with redis_on(port, tmp_path):
            await asyncio.sleep(0.01)  # starting the server blocked the loop, which now sees that connections ended
            after = await asyncio.gather(*(store.charge("a", 1) for _ in range(5 * CONNECTIONS)))
        assert None not in (*before, *after)
        await store.close()

    asyncio.run(run())


def test_no_accepted_job_is_lost_at_a_kill(port: int, tmp_path: Path) -> None:
    async def run() -> None:
        store = RedisStore(f"redis://127.0.0.1:{port}/0", 10.0**6)
        accepted: list[str] = []
        names = map(str, itertools.count())

        async def submit() -> None:
            while (kept := await store.submit(job(next(names), tenant="a"))) is not None:
                accepted.append(kept.request_id)

        with redis_on(port, tmp_path):
            callers = [asyncio.create_task(submit()) for _ in range(CONNECTIONS)]
            async with asyncio.timeout(30):
                while len(accepted) <= CONNECTIONS:
                    await asyncio.sleep(0.01)
        ends = await asyncio.gather(*callers, return_exceptions=True)
        assert {type(end) for end in ends} == {StoreError}
        with redis_on(port, tmp_path):
            kept = {kept.request_id for kept in await store.jobs("a")}
        await store.close()
        assert len(set(accepted) - kept) == 0

    asyncio.run(run())
