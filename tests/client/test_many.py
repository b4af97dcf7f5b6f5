"""Resumed jobs, many jobs at once, and the files of jobs, with both clients on the mock."""

import asyncio
import inspect
import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from segforge_mock import Mock
from segmind_client import (
    AsyncSegmind,
    DownloadFailed,
    InferenceFailed,
    InferenceTimeout,
    JobResult,
    JsonResult,
    MediaResult,
    ResultExpired,
    Segmind,
    SegmindError,
)
from segmind_client._sync.job import pause
from tests.client.conftest import KEY, Answer, Gateway, json_answer

CALL: Any = {"image": "https://host.test/a.png", "prompt": "a cat"}


@pytest.fixture
def ours(mock: Mock) -> Iterator[Segmind]:
    with Segmind(mock.key, mock.url) as client:
        yield client


def test_a_job_is_resumed_by_its_id_or_from_its_text(ours: Segmind) -> None:
    job = ours.flux_ipadapter.submit(**CALL)
    kept = job.to_json()
    assert json.loads(kept) == {"request_id": job.request_id, "slug": "flux-ipadapter"}
    for again in (ours.jobs.resume(job.request_id), ours.jobs.from_json(kept)):
        assert again.request_id == job.request_id
        assert again.wait()["status"] == "COMPLETED"
    assert ours.jobs.from_json(kept).slug == "flux-ipadapter"


@pytest.mark.parametrize("text", ["{}", "[]", "3", '{"request_id": "", "slug": null}', "no json"])
def test_text_that_is_not_a_job_is_rejected(ours: Segmind, text: str) -> None:
    with pytest.raises(ValueError, match=r"job|JSON|value"):
        ours.jobs.from_json(text)


def test_on_update_is_called_when_the_state_changes(ours: Segmind, mock: Mock) -> None:
    mock.job_policy("polls=4")
    seen: list[str] = []
    ours.flux_ipadapter.submit(**CALL).wait(interval=0, on_update=lambda record: seen.append(record["status"]))
    assert seen == ["QUEUED", "PROCESSING", "COMPLETED"]


def test_pauses_grow_end_at_the_typical_time_and_stay_below_the_longest() -> None:
    elapsed, pauses = 0.0, []
    while elapsed < 60:
        pauses.append(pause(elapsed, 24.99, 1.0))
        elapsed += pauses[-1]
    assert pauses[0] == 0.05
    assert max(pauses) == 1.0
    assert any(abs(sum(pauses[:count]) - 24.99) < 1e-6 for count in range(len(pauses)))
    assert all(pause(at, None, 1.0) <= max(0.05, at * 0.15) for at in (0.1, 0.5, 1, 5, 20))
    assert pause(3, None, 0) == 0.05, "an interval of 0 is no reason to poll without pause"


def test_gather_keeps_the_order_and_separates_failures(ours: Segmind, mock: Mock) -> None:
    mock.scenario("job-failed", route="submit", after=1, times=1)
    work: list[Any] = [
        ours.flux_ipadapter.submit(**CALL),
        ours.flux_ipadapter.submit(**CALL),
        partial(ours.flux_ipadapter.run, **CALL),
        partial(ours.flux_ipadapter.submit, **CALL),
        partial(ours.run_sync, "no-such-model"),
    ]
    done = ours.gather(work, concurrency=3, progress=True)
    assert [type(result) for result in done.results] == [JobResult, type(None), MediaResult, JobResult, type(None)]
    assert list(done.failures) == [1, 4]
    assert isinstance(done.failures[1], InferenceFailed)


def test_work_that_is_not_a_function_is_rejected_before_anything_is_sent(ours: Segmind, mock: Mock) -> None:
    result = ours.flux_ipadapter.run(**CALL)
    work: list[Any] = [partial(ours.flux_ipadapter.run, **CALL), result]
    with pytest.raises(
        TypeError, match=r"work\[1\] is a MediaResult; expected a job, or a function .*functools\.partial"
    ):
        ours.gather(work)

    async def main() -> None:
        async with AsyncSegmind(mock.key, mock.url) as client:
            calls: list[Any] = [client.flux_ipadapter.run(**CALL), ours.flux_ipadapter.submit(**CALL)]
            with pytest.raises(TypeError, match=r"work\[0\] is a coroutine; expected"):
                await client.gather(calls)

    asyncio.run(main())
    assert [request.path for request in mock.requests] == ["/v1/flux-ipadapter", "/v2/flux-ipadapter"]


def test_an_interrupt_ends_waiting_threads(ours: Segmind, mock: Mock) -> None:
    mock.job_policy("held")
    polled, timed_out = threading.Event(), threading.Event()

    def interrupted() -> None:
        polled.wait(5)
        raise KeyboardInterrupt

    job = ours.flux_ipadapter.submit(**CALL)

    def waiting() -> None:
        try:
            job.wait(5, on_update=lambda _: polled.set())
        except InferenceTimeout:
            timed_out.set()

    with pytest.raises(KeyboardInterrupt):
        ours.gather([waiting, interrupted], concurrency=2)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("segmind")]
    for thread in threads:
        thread.join(5)
    assert not any(thread.is_alive() for thread in threads)
    assert not timed_out.is_set()


INTERRUPTED = """
import sys
from functools import partial
from segmind_client import Segmind

client = Segmind(sys.argv[1], sys.argv[2])
jobs = [client.flux_ipadapter.submit(image="https://host.test/a.png", prompt="a cat") for _ in range(2)]
print("waiting", flush=True)
try:
    client.gather(jobs, timeout=60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_ends_the_process_immediately(mock: Mock) -> None:
    mock.job_policy("held")
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, mock.key, mock.url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        mock.wait_for(4, timeout=20)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert said == "interrupted\n"
    assert process.returncode == 0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_gather_shows_a_bar_on_a_terminal(ours: Segmind, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, file = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    work: list[Any] = [partial(ours.run_sync, "no-such-model"), lambda: "done"]
    ours.gather(work, concurrency=1, progress=True)
    half, whole = "#" * 15 + " " * 15, "#" * 30
    assert terminal.getvalue() == f"\r[{half}] 1/2, 1 failed\r[{whole}] 2/2, 1 failed\n"
    monkeypatch.setattr(sys, "stderr", file)
    ours.gather(work, concurrency=1, progress=True)
    assert file.getvalue() == "1/2, 1 failed\n2/2, 1 failed\n"


def test_gather_on_an_event_loop(mock: Mock) -> None:
    async def main() -> Any:
        async with AsyncSegmind(mock.key, mock.url) as client:
            jobs = [await client.flux_ipadapter.submit(**CALL) for _ in range(3)]
            return await client.gather([*jobs, partial(client.run_sync, "no-such-model")], concurrency=2)

    done = asyncio.run(main())
    assert [type(result) for result in done.results] == [JobResult] * 3 + [type(None)]
    assert list(done.failures) == [3]


def test_gather_limits_concurrency(mock: Mock) -> None:
    running = most = 0

    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    async def main() -> None:
        async with AsyncSegmind(mock.key, mock.url) as client:
            await client.gather([work] * 9, concurrency=3)

    asyncio.run(main())
    assert most == 3


@pytest.mark.parametrize("kind", [Segmind, AsyncSegmind])
def test_an_error_in_one_call_keeps_the_results_of_the_others(mock: Mock, kind: type[Any]) -> None:
    async def main() -> Any:
        client = kind(mock.key, mock.url)
        unreadable = partial(client.flux_ipadapter.run, image=Path("missing.png"), prompt="a cat")
        work = [partial(client.flux_ipadapter.run, **CALL), unreadable, lambda: 1 / 0, partial(next, iter(()))]
        done = client.gather(work)
        done = await done if inspect.isawaitable(done) else done
        closed = client.aclose() if isinstance(client, AsyncSegmind) else client.close()
        await closed if closed is not None else None
        return done

    done = asyncio.run(main())
    assert [type(result) for result in done.results] == [MediaResult, *[type(None)] * 3]
    assert [type(error) for error in done.failures.values()] == [ValueError, ZeroDivisionError, StopIteration]


def test_an_invalid_concurrency_is_rejected(ours: Segmind) -> None:
    with pytest.raises(ValueError, match="concurrency"):
        ours.gather([], concurrency=0)


@pytest.mark.parametrize("kind", [Segmind, AsyncSegmind])
def test_the_file_of_a_job_is_downloaded_without_the_key(mock: Mock, tmp_path: Path, kind: type[Any]) -> None:
    async def main() -> tuple[MediaResult, Path]:
        client = kind(mock.key, mock.url)
        job = client.flux_ipadapter.submit(**CALL)
        job = await job if inspect.isawaitable(job) else job
        result, path = job.download(), job.save(tmp_path / "image.jpeg")
        if inspect.isawaitable(result):
            result, path = await result, await path
            await client.aclose()
        else:
            client.close()
        return result, path

    result, path = asyncio.run(main())
    assert result.content == path.read_bytes()
    assert result.content.startswith(b"\xff\xd8\xff")
    assert (result.content_type, result.cost, len(result.images)) == (
        "image/jpeg",
        0.074328,
        1,
    )  # the average of the directory
    assert isinstance(result.seed, int)
    downloads = [request for request in mock.requests if request.route == "image"]
    assert len(downloads) == 2
    assert not any("x-api-key" in request.headers for request in downloads)


def completed(gateway: Gateway, record: dict[str, Any]) -> None:
    gateway.job(slug="any")
    gateway.on("GET", "/v2/requests/r1/status", json_answer({"status": "COMPLETED"}))
    gateway.on("GET", "/v2/requests/r1", json_answer({"status": "COMPLETED", **record}))


def test_a_missing_file_leaves_the_record(client: Segmind, gateway: Gateway) -> None:
    completed(gateway, {"output": f"{gateway.url}/gone.png"})
    job = client.submit_async("any")
    with pytest.raises(DownloadFailed, match=r"gone\.png: HTTP status 404"):
        job.download()
    assert job.result().output == f"{gateway.url}/gone.png"


def test_several_files_and_redirects(client: Segmind, gateway: Gateway) -> None:
    urls = [f"{gateway.url}/1.png", f"{gateway.url}/2.png"]
    completed(gateway, {"output": urls[0], "images": [{"url": urls[0]}, {"url": urls[1]}, "odd"], "seed": "7"})
    gateway.on("GET", "/1.png", Answer(302, b"", {"Location": "/moved.png"}))
    gateway.on("GET", "/moved.png", Answer(200, b"one", {"Content-Type": "image/png"}))
    gateway.on("GET", "/2.png", Answer(502), Answer(200, b"two"))
    result = client.submit_async("any").download()
    assert isinstance(result, MediaResult)
    assert (result.images, result.content_type, result.seed) == ((b"one", b"two"), "image/png", 7)
    assert not any("x-api-key" in r.headers for r in gateway.received if r.path.endswith(".png"))


@pytest.mark.parametrize("output", ["a text", {"choices": [1]}, False, 7])
def test_an_output_that_is_not_a_file_is_the_content(client: Segmind, gateway: Gateway, output: object) -> None:
    completed(gateway, {"output": output})
    result = client.submit_async("any").download()
    assert isinstance(result, JsonResult)
    assert result.data == output


def test_a_file_instead_of_the_record_is_the_content(client: Segmind, gateway: Gateway) -> None:
    completed(gateway, {})
    gateway.on("GET", "/v2/requests/r1", Answer(200, b"\x89PNG\r\n\x1a\nrest", {"Content-Type": "image/png"}))
    result = client.submit_async("any").download()
    assert isinstance(result, MediaResult)
    assert (result.content[-4:], result.content_type) == (b"rest", "image/png")


def test_unusual_records_do_not_break_the_result(client: Segmind, gateway: Gateway) -> None:
    completed(gateway, {"metrics": [1], "images": {"a": 1}, "seed": [], "request_id": 3, "new": {"kept": True}})
    result = client.submit_async("any").wait()
    assert (result.metrics, result.cost, result.seed, result.request_id, result.urls) == ({}, None, None, None, ())
    assert result["new"] == {"kept": True}


def test_a_job_expires_after_the_retention(ours: Segmind, mock: Mock) -> None:
    job = ours.flux_ipadapter.submit(**CALL)
    mock.clock.advance(3600)
    for ask in (job.status, job.result, job.wait, job.download):
        with pytest.raises(ResultExpired) as caught:
            ask()
        assert isinstance(caught.value, SegmindError)
        assert (caught.value.request_id, caught.value.model) == (job.request_id, "flux-ipadapter")


def test_the_balance(ours: Segmind, mock: Mock) -> None:
    mock.credits = 7.5
    assert ours.credits()["credits"] == 7.5


def test_options_change_a_copy_that_shares_the_ledger(ours: Segmind) -> None:
    quick = ours.with_options(timeout=0.2, retries=0, headers={"x-mock-scenario": "rate-limited"})
    with pytest.raises(SegmindError) as caught:
        quick.flux_ipadapter.run(**CALL)
    assert (caught.value.status, caught.value.attempts) == (429, 1)
    ours.flux_ipadapter.run(**CALL)
    assert quick.spend is ours.spend
    assert quick.spend.calls == 1
    with pytest.raises(ValueError, match="api_key"):
        Segmind(KEY, headers={"X-API-Key": "another"})
