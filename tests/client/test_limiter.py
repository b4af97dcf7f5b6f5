"""Limiters: no request too many, no place unused, over threads, processes and clients."""

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from segforge_mock import Mock
from segmind_client import (
    AsyncSegmind,
    CannotSend,
    FileLimiter,
    Limiter,
    RateLimited,
    RedisLimiter,
    RequestTimeout,
    Segmind,
    _pace,
)
from tests.client.limited import use
from tests.mock.stores.conftest import redis_server

Make = Callable[[int, float], Limiter]


@pytest.fixture(params=["file", "redis"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes limiters that share a file, or a Redis."""
    if request.param == "file":
        yield lambda limit, window: FileLimiter(tmp_path / "limit", limit, window=window)
        return
    with redis_server() as (url, _):
        yield lambda limit, window: RedisLimiter(url, limit, window=window)


def test_processes_that_share_a_limiter_use_the_limit_and_see_no_429(tmp_path: Path) -> None:
    used = use(str(tmp_path / "limit"), processes=4, limit=16, windows=2, speed=60)
    assert set(used.statuses) == {200}
    assert used.share >= 0.95


def test_places_are_a_window_and_its_margin_apart(make: Make) -> None:
    limiters = [make(5, 60), make(5, 60)]
    begin = time.time()
    waits = [limiters[number % 2].reserve(1000) for number in range(15)]
    assert time.time() - begin < 10
    for place, wait in enumerate(waits):
        assert wait == pytest.approx(61 * (place // 5), abs=10)
        assert (wait == 0) is (place < 5)
    assert limiters[0].reserve(1) is None
    assert limiters[0].reserve(1000) == pytest.approx(183, abs=10), "a refused request takes no place"
    assert limiters[0].spacing == pytest.approx(12.2)


def test_a_pause_holds_for_all(make: Make) -> None:
    first, second = make(5, 60), make(5, 60)
    first.pause(300)
    first.pause(7)
    assert second.reserve(10) is None
    assert second.reserve(1000) == pytest.approx(300, abs=10)


def test_threads_share_a_limiter(make: Make) -> None:
    limiter = make(20, 60)
    waits: list[float | None] = []
    threads = [threading.Thread(target=lambda: waits.append(limiter.reserve(1000))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wait != 0 for wait in waits) == [False] * 20 + [True] * 10


@pytest.mark.parametrize("kind", [Segmind, AsyncSegmind])
def test_a_429_pauses_other_clients(mock: Mock, tmp_path: Path, kind: type[Any]) -> None:
    mock.scenario("rate-limited", times=1)
    limiter = FileLimiter(tmp_path / "limit", 60)

    async def called() -> None:
        client = kind(mock.key, mock.url, retries=0, limiter=limiter)
        with suppress(RateLimited):
            made = client.credits()
            await made if inspect.isawaitable(made) else made
        closed = client.aclose() if isinstance(client, AsyncSegmind) else client.close()
        await closed if closed is not None else None

    asyncio.run(called())
    wait = FileLimiter(tmp_path / "limit", 60).reserve(1000)
    assert wait is not None
    assert 0 < wait <= 61


def test_a_call_that_would_wait_too_long_is_not_sent(mock: Mock, tmp_path: Path) -> None:
    limiter = FileLimiter(tmp_path / "limit", 1)
    assert limiter.reserve(0) == 0
    with Segmind(mock.key, mock.url, timeout=5, limiter=limiter) as client:
        begin = time.monotonic()
        with pytest.raises(RequestTimeout, match="limiter lets no request begin within 5 s") as caught:
            client.run_sync("flux-ipadapter")
        assert time.monotonic() - begin < 4
        assert (caught.value.maybe_billed, mock.requests) == (False, [])
        work: list[Any] = [partial(client.submit_async, "flux-ipadapter")]
        done = client.gather(work, journal=tmp_path / "run.jsonl")
        assert isinstance(done.failures[0], RequestTimeout)
        assert done.in_doubt == ()
        assert '"send"' not in (tmp_path / "run.jsonl").read_text()


def test_jobs_are_polled_less_often(mock: Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(_pace, "sleep", waits.append)
    mock.job_policy("polls=4")
    with Segmind(mock.key, mock.url, limiter=FileLimiter(tmp_path / "limit", 610)) as client:
        client.run("flux-ipadapter", image="https://host.test/a.png", prompt="a cat")
        assert waits == pytest.approx([0.2] * 3, rel=0.01)
        waits.clear()
        work: list[Any] = [partial(client.submit_async, "flux-ipadapter", image="https://host.test/a.png", prompt="a")]
        client.gather(work, journal=tmp_path / "run.jsonl", concurrency=4)
        assert waits == pytest.approx([0.8] * 3, rel=0.01)


def test_a_file_that_is_not_of_this_limiter_is_refused(mock: Mock, tmp_path: Path) -> None:
    FileLimiter(tmp_path / "limit", 60)
    whole = (tmp_path / "limit").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:50])
    assert FileLimiter(tmp_path / "cut", 60).reserve(0) == 0
    (tmp_path / "notes").write_text("my notes")
    (tmp_path / "long").write_bytes(whole + b"...")
    refused: list[tuple[Path, int, str]] = [
        (tmp_path / "limit", 50, "of a limiter of 60 requests in 60 s; expected a new file, or .* of 50 requests"),
        (tmp_path / "notes", 60, "not the file of a limiter"),
        (tmp_path / "long", 60, "not the file of a limiter"),
        (tmp_path, 60, "can't limit the requests"),
        (tmp_path / "limit", 0, "per_minute is 0"),
    ]
    for path, limit, said in refused:
        with pytest.raises(ValueError, match=said):
            FileLimiter(path, limit)
    assert (tmp_path / "notes").read_text() == "my notes"
    limiter = FileLimiter(tmp_path / "limit", 60)
    (tmp_path / "limit").write_text("overwritten")
    with Segmind(mock.key, mock.url, limiter=limiter) as client, pytest.raises(CannotSend, match="not the file"):
        client.credits()
    with pytest.raises(TypeError, match="limiter is of type str; expected a FileLimiter"):
        Segmind(mock.key, mock.url, limiter="limit")  # type: ignore[arg-type]


def test_a_redis_that_can_not_be_used_is_told_without_its_address(mock: Mock) -> None:
    limiter = RedisLimiter("redis://:secret@127.0.0.1:9/0", 60)
    assert "secret" not in repr(limiter)
    with Segmind(mock.key, mock.url, limiter=limiter) as client, pytest.raises(CannotSend, match="Redis") as caught:
        client.credits()
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="expected one such as redis://localhost:6379/0") as refused:
        RedisLimiter("http://:secret@host.test", 60)
    assert "secret" not in str(refused.value)
    assert mock.requests == []
