"""Behaviour of a single shared store: the contents of its file or server, and how it opens."""

import asyncio
import socket
import sqlite3
import stat
import sys
from pathlib import Path

import pytest
import redis as redis_client

from segforge_mock.stores import is_shared, open_store
from segforge_mock.stores.base import KEEP_SECONDS, StoreError
from segforge_mock.stores.memory import MemoryStore
from segforge_mock.stores.redis import RedisStore
from segforge_mock.stores.sqlite import SqliteStore
from tests.mock.stores.charger import charges, job


def test_sqlite_drops_old_entries(tmp_path: Path) -> None:
    async def run() -> None:
        now = [1_000_000.0]
        store = SqliteStore(tmp_path / "jobs.db", 10.0, max_jobs=50, now=lambda: now[0])
        await store.submit(job("old", tenant="old"))
        assert await store.hit("old", 7) == 1
        now[0] += KEEP_SECONDS - 1
        await store.submit(job("young"))
        assert await store.get("old") is not None
        now[0] += 2
        await store.submit(job("new"))
        assert await store.get("old") is None
        assert await store.balance("old") == 10.0
        assert await store.hit("old", 7) == 1
        assert [kept.request_id for kept in await store.jobs("a")] == ["young", "new"]
        await store.close()

    asyncio.run(run())


def test_sqlite_purges_now_and_then(tmp_path: Path) -> None:
    async def run() -> None:
        store = SqliteStore(tmp_path / "jobs.db", 1000.0, max_jobs=200)
        for number in range(401):
            await store.submit(job(str(number)))
        kept = [int(kept.request_id) for kept in await store.jobs("a")]
        assert kept == list(range(200, 401))
        await store.close()

    asyncio.run(run())


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    async def run() -> None:
        store = SqliteStore(tmp_path / "jobs.db", 10.0)
        await store.submit(job())
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        await store.close()
        assert modes == {"jobs.db": 0o600, "jobs.db-wal": 0o600, "jobs.db-shm": 0o600}

    asyncio.run(run())


def test_redis_keys_have_the_prefix_and_an_end(redis_url: str) -> None:
    async def run() -> None:
        store = RedisStore(redis_url, 10.0)
        await store.submit(job())
        await store.count_poll("id")
        await store.set_balance("b", 3)
        await store.hit("a", 5)
        with redis_client.Redis.from_url(redis_url, decode_responses=True) as client:
            seconds = {key: client.ttl(key) for key in client.keys("*")}
            await store.reset("a")
            await store.reset("b")
            assert client.keys("*") == []
        assert len(seconds) == 6
        assert all(key.startswith("segforge:") and 0 < end <= KEEP_SECONDS for key, end in seconds.items())
        assert {end <= 120 for key, end in seconds.items() if ":hits:" in key} == {True}
        await store.close()

    asyncio.run(run())


def test_redis_lists_don_t_keep_the_ids_of_forgotten_jobs(redis_url: str) -> None:
    async def run() -> None:
        store = RedisStore(redis_url, 100.0, max_jobs=3)
        for number in range(20):
            await store.submit(job(str(number)))
        with redis_client.Redis.from_url(redis_url, decode_responses=True) as client:
            [ids] = [client.lrange(key, 0, -1) for key in client.keys("segforge:*:jobs:a")]
        assert ids == ["16", "17", "18", "19"]
        assert [kept.request_id for kept in await store.jobs("a")] == ["17", "18", "19"]
        await store.close()

    asyncio.run(run())


def test_a_restart_of_redis_costs_no_error(redis_url: str) -> None:
    """A client sees that its idle connections are closed and that the server has lost its scripts."""

    async def run() -> None:
        store = RedisStore(redis_url, 10.0)
        assert await store.charge("a", 1) == 9.0
        with redis_client.Redis.from_url(redis_url) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            client.script_flush()
        await asyncio.sleep(0.01)
        assert await store.charge("a", 1) == 8.0
        await store.close()

    asyncio.run(run())


def test_more_callers_than_connections(redis_url: str) -> None:
    async def run() -> None:
        store = RedisStore(redis_url, 1000.0)
        left = await asyncio.gather(*[charges(store, 1, 1.0) for _ in range(500)])
        with redis_client.Redis.from_url(redis_url) as client:
            assert client.info("clients")["connected_clients"] <= 20
        assert sorted(left) == [[number] for number in range(500, 1000)]
        await store.close()

    asyncio.run(run())


def test_stores_are_opened_by_url(tmp_path: Path, redis_url: str) -> None:
    async def run() -> None:
        for url, kind, shared in (
            (None, MemoryStore, False),
            ("memory", MemoryStore, False),
            (f"sqlite:///{tmp_path}/jobs.db", SqliteStore, True),
            (redis_url, RedisStore, True),
        ):
            store = open_store(url, 7.0)
            assert type(store) is kind
            assert is_shared(url) is shared
            assert await store.balance("a") == 7.0
            await store.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("", "something else"),
        ("jobs.db", "something else"),
        ("postgres://me:s3cret@host/db", "postgres"),
        ("me:s3cret@host", "something else"),
        ("http://[s3cret", "something else"),
        ("sqlite:jobs.db", "something else"),
        ("sqlite://jobs.db", "sqlite"),
        ("sqlite:///", "sqlite:///PATH"),
        ("sqlite:///:memory:", "sqlite:///PATH"),
        ("redis://:s3cret/x@localhost", "redis://[[user]:password@]host[:port][/database]"),
        ("redis://host:s3cret", "redis://[[user]:password@]host[:port][/database]"),
        ("redis://me:s3cret@127.0.0.1:1/0?password=s3cret", "redis://127.0.0.1:1/0"),
        ("unix://me:s3cret@/nowhere/redis.sock", "unix:///nowhere/redis.sock"),
        ("sqlite:////nowhere/jobs.db", "/nowhere/jobs.db: No such file or directory"),
        ("sqlite:////", "can't open /"),
    ],
)
def test_a_bad_url_is_one_clear_line(url: str, named: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(url, 1.0)
    message = str(caught.value)
    assert named in message
    assert "s3cret" not in message
    assert "\n" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_server_that_is_no_redis() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://:s3cret@127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(StoreError, match=r"can't use the Redis server at redis://127\.0\.0\.1:\d+: [Tt]imeout"):
            open_store(f"{url}?socket_timeout=0.05", 1.0)


def test_files_that_are_no_store_are_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("not a database\n" * 100)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE jobs (id)")
    db.close()
    older = tmp_path / "older.db"
    asyncio.run(SqliteStore(older, 1.0).close())
    with sqlite3.connect(older) as db:
        db.execute("PRAGMA user_version = 1")
    db.close()
    for path, reason in ((text, "not a database"), (other, "another program"), (older, "another version")):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=reason) as caught:
            open_store(f"sqlite:///{path}", 1.0)
        assert str(path) in str(caught.value)
        assert path.read_bytes() == before


def test_without_the_redis_client_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(StoreError, match=r"pip install 'segforge\[redis\]'"):
        open_store("redis://localhost", 1.0)
