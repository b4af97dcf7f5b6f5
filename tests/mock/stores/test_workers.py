"""Several workers on one store lose nothing and charge nothing twice, whichever process dies."""

import asyncio
import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from segforge import default_specs, load_catalog
from segforge.cli import main
from segforge.spec.price import usual_credits
from segforge_mock.stores import open_store
from segforge_mock.tenants.tenants import name_of
from tests.mock.conftest import KEY
from tests.mock.stores.conftest import Kind, redis_server
from tests.mock.stores.processes import SLUG, Caller, Served, ends_of, serving, submit_until

TENANT = name_of(KEY.encode())

OPENING = 1_000_000_000.0
CATALOG = load_catalog(default_specs())
COST = usual_credits(CATALOG.gateway, CATALOG.model(SLUG))
"""What a call costs."""


def nothing(_: int) -> None:
    pass


async def check(url: str, store_url: str | None, ids: list[str], lost: int) -> None:
    """Every id that a caller got is a job that ends, and every job kept was charged exactly once."""
    assert len(set(ids)) == len(ids)
    assert await ends_of(url, ids) == {"COMPLETED": len(ids)}
    store = open_store(store_url, OPENING)
    kept = await store.jobs(TENANT)
    await store.close()
    assert {job.request_id for job in kept} >= set(ids)
    assert len(ids) <= len(kept) <= len(ids) + lost
    caller = Caller(url)
    balance = (await caller.call("GET", "/v1/get-user-credits"))["credits"]
    await caller.close()
    remaining = [round(OPENING - COST * number, 6) for number in range(1, len(kept) + 1)]
    assert balance == remaining[-1]
    assert sorted(job.remaining_credits for job in kept) == sorted(remaining)


def test_a_thousand_submits_at_once(shared: Kind) -> None:
    async def run(served: Served) -> None:
        ids, lost = await submit_until(served.url, 1000, nothing)
        assert (len(ids), lost) == (1000, 0)
        await check(served.url, shared.url, ids, lost)

    with serving(str(shared.url)) as served:
        asyncio.run(run(served))


def test_a_worker_that_is_killed_loses_nothing(shared: Kind) -> None:
    async def run(served: Served) -> None:
        def kill(taken: int) -> None:
            if taken == 300:
                os.kill(served.workers[0], signal.SIGKILL)

        ids, lost = await submit_until(served.url, 1000, kill)
        assert len(ids) == 1000
        await check(served.url, shared.url, ids, lost)

    with serving(str(shared.url)) as served:
        asyncio.run(run(served))
        assert served.process.stderr is not None
        line = served.process.stderr.readline()
        assert line.startswith(f"segforge mock: worker {served.workers[0]} died (exit code -9), ")


def test_a_server_that_is_killed_loses_nothing(shared: Kind) -> None:
    async def kill_at_work(served: Served) -> tuple[list[str], int]:
        def kill(taken: int) -> None:
            if taken == 300:
                served.kill_all()

        return await submit_until(served.url, 1000, kill, stop=lambda: served.process.returncode is not None)

    with serving(str(shared.url)) as served:
        ids, lost = asyncio.run(kill_at_work(served))
    assert 300 <= len(ids) < 1000
    with serving(str(shared.url)) as served:
        asyncio.run(check(served.url, shared.url, ids, lost))


def test_it_stops_cleanly_with_its_workers(sqlite: Kind) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with serving(str(sqlite.url), 3) as served:
            assert len(set(served.workers)) == 3
            assert httpx.get(f"{served.url}/readyz").status_code == 200
            served.process.send_signal(number)
            out, err = served.process.communicate(timeout=10)
        assert (served.process.returncode, out, err) == (0, "", "")
        assert not any(alive(pid) for pid in served.workers)


def test_workers_don_t_outlive_their_supervisor(sqlite: Kind) -> None:
    with serving(str(sqlite.url)) as served:
        served.process.kill()
        served.process.wait(10)
        deadline = time.monotonic() + 10
        while any(alive(pid) for pid in served.workers):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def alive(pid: int) -> bool:
    """Returns whether a process runs; a zombie, whose parent has ended, doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_redis_that_has_gone_is_a_clear_answer() -> None:
    headers = {"x-api-key": KEY}
    with redis_server() as (url, server), serving(url, 1) as served:
        assert httpx.get(f"{served.url}/readyz").status_code == 200
        server.terminate()
        server.wait(10)
        for path in ("/readyz", "/v1/get-user-credits", "/v2/requests/x", "/_mock/credits", "/generations/x-1.jpg"):
            response = httpx.get(served.url + path, headers=headers)
            assert response.status_code == 503, path
            assert response.json()["error"].startswith("The mock's store failed: Redis: ")
        assert httpx.get(f"{served.url}/healthz").status_code == 200
        served.process.terminate()
        assert served.process.communicate(timeout=10)[1] == ""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--workers", "2"], "--store"),
        (["--workers", "2", "--store", "memory"], "--store"),
        (["--workers", "2", "--store", "sqlite:////nowhere/jobs.db"], "/nowhere/jobs.db"),
        (["--workers", "2", "--store", "sqlite:///jobs.db", "--admin-token", "s3cret"], "--admin-token"),
        (["--workers", "2", "--store", "sqlite:///jobs.db", "--stop-on-eof"], "--stop-on-eof"),
        (["--store", "redis://:s3cret@127.0.0.1:1"], "redis://127.0.0.1:1"),
        (["--store", "jobs.db"], "sqlite:///PATH"),
    ],
)
def test_misuse_is_one_clear_line(arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mock", "--port", "0", *arguments]) == 2
    line = " ".join(capsys.readouterr().err.split("\n"))
    assert line.startswith("segforge mock: ")
    assert named in line
    assert "s3cret" not in line
    assert "Traceback" not in line


@pytest.mark.parametrize("workers", ["0", "65", "-1", "two"])
def test_a_number_of_workers_that_can_t_be(workers: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["mock", "--workers", workers])
    assert exit_.value.code == 2
    assert "from 1 to 64" in capsys.readouterr().err
