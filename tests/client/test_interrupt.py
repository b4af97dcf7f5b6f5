"""An exception that ends a wait from outside has the ids of the jobs, which are billed once they are submitted."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from typing import Any

import pytest

from segmind_client import AsyncSegmind, Gathered, InferenceTimeout, Segmind, SegmindError
from tests.client.conftest import KEY, Gateway, json_answer

WAYS = ("run", "wait", "gather", "download", "loop")


def never_ending(gateway: Gateway) -> None:
    for number in (1, 2):
        gateway.job(f"r{number}", f"model-{number}")
        gateway.on("GET", f"/v2/requests/r{number}/status", json_answer({"status": "QUEUED"}))


def blocking(client: Segmind, way: str) -> Any:
    if way == "run":
        return client.run("model-1")
    if way == "gather":
        return client.gather([partial(client.submit_async, "model-1"), partial(client.run, "model-2")])
    if way == "loop":
        return list(client.submit_async("model-1"))
    return getattr(client.submit_async("model-1"), way)()


async def awaiting(client: AsyncSegmind, way: str) -> Any:
    if way == "run":
        return await client.run("model-1")
    if way == "gather":
        return await client.gather([partial(client.submit_async, "model-1"), partial(client.run, "model-2")])
    if way == "loop":
        return [update async for update in await client.submit_async("model-1")]
    return await getattr(await client.submit_async("model-1"), way)()


def check(error: Any, way: str, caplog: pytest.LogCaptureFixture) -> None:
    ids = ("r1", "r2") if way == "gather" else ("r1",)
    assert tuple(sorted(error.request_ids)) == ids
    assert getattr(error, "request_id", None) == (None if way == "gather" else "r1")
    assert error.in_doubt == ()
    assert KEY not in "".join([caplog.text, repr(vars(error)), *getattr(error, "__notes__", [])])
    noted = getattr(error, "__notes__", [])
    assert len(noted) == (1 if sys.version_info >= (3, 11) else 0)
    warned = [record.getMessage() for record in caplog.records if "ended the wait" in record.getMessage()]
    assert len(warned) == 1
    assert all(request_id in text for request_id in ids for text in [*noted, *warned])


@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_names_the_jobs(gateway: Gateway, caplog: pytest.LogCaptureFixture, way: str) -> None:
    never_ending(gateway)
    ended = threading.Event()

    def press() -> None:
        polled = {"/v2/requests/r1/status", *(["/v2/requests/r2/status"] if way == "gather" else [])}
        while not polled <= {request.path for request in gateway.received}:
            time.sleep(0.01)
        if not ended.is_set():
            signal.pthread_kill(main, signal.SIGINT)

    main = threading.main_thread().ident or 0
    threading.Thread(target=press, daemon=True).start()
    with Segmind(KEY, gateway.url) as client, pytest.raises(KeyboardInterrupt) as caught:
        blocking(client, way)
    ended.set()
    check(caught.value, way, caplog)


@pytest.mark.parametrize("way", WAYS)
def test_a_cancelled_task_names_the_jobs(gateway: Gateway, caplog: pytest.LogCaptureFixture, way: str) -> None:
    never_ending(gateway)

    async def cancelled() -> BaseException:
        async with AsyncSegmind(KEY, gateway.url) as client:
            task = asyncio.ensure_future(awaiting(client, way))
            wanted = 2 if way == "gather" else 1
            while sum(request.method == "GET" for request in gateway.received) < wanted:
                await asyncio.sleep(0.01)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                return error
            raise AssertionError("it was not cancelled")

    error = asyncio.run(cancelled())
    if not hasattr(error, "request_ids"):  # Python 3.10 raises a new exception with the first one as its context
        assert sys.version_info < (3, 11)
        assert error.__context__ is not None
        error = error.__context__
    check(error, way, caplog)


def test_a_listener_s_own_error_names_the_job(gateway: Gateway, client: Segmind) -> None:
    never_ending(gateway)

    def listen(record: dict[str, Any]) -> None:
        raise LookupError(record["status"])

    job = client.submit_async("model-1")
    with pytest.raises(LookupError) as caught:
        job.wait(on_update=listen)
    assert vars(caught.value)["request_id"] == "r1"


def test_errors_with_their_own_job_and_ends_without_a_job_are_unchanged(
    gateway: Gateway, client: Segmind, caplog: pytest.LogCaptureFixture
) -> None:
    never_ending(gateway)
    with pytest.raises(InferenceTimeout) as caught:
        client.submit_async("model-1").wait(timeout=0)
    assert not hasattr(caught.value, "request_ids")
    with pytest.raises(TypeError):
        client.gather([1])  # type: ignore[list-item]
    found = client.gather([partial(client.submit_async, "model-1")], timeout=0)
    assert isinstance(found, Gathered)
    assert found.failures[0].request_id == "r1"  # type: ignore[attr-defined]
    assert "ended the wait" not in caplog.text


def test_a_program_that_is_interrupted_shows_the_id(gateway: Gateway) -> None:
    never_ending(gateway)
    # A shell starts a program in the background with SIGINT ignored, and the program's own programs inherit that.
    hears = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{hears}; import segmind_client as s; print(s.Segmind({KEY!r}, {gateway.url!r}).run('model-1'))"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        while not any(request.method == "GET" for request in gateway.received):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        try:
            _, shown = process.communicate(timeout=20)
        finally:
            process.kill()
    assert "KeyboardInterrupt" in shown
    assert ("r1" in shown) is (sys.version_info >= (3, 11))


SENDS = ("run_sync", "submit_async", "run", "gather")


@pytest.fixture
def silent(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """A gateway that receives a call but does not answer until the test ends."""
    over = threading.Event()
    answer = gateway.answer

    def wait(request: Any) -> Any:
        gateway.received.append(request)
        over.wait(10)
        return answer(request)

    monkeypatch.setattr(gateway, "answer", wait)
    monkeypatch.setattr(gateway, "let_go", over.set, raising=False)
    return gateway


def in_doubt(error: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert error.in_doubt == ("model-1",)
    assert error.request_ids == ()
    noted = getattr(error, "__notes__", [])
    assert len(noted) == (1 if sys.version_info >= (3, 11) else 0)
    warned = [record.getMessage() for record in caplog.records if "came before the answers" in record.getMessage()]
    assert len(warned) == 1
    assert all("model-1" in text and "billed" in text for text in [*noted, *warned])
    assert KEY not in caplog.text


@pytest.mark.parametrize("way", SENDS)
def test_a_call_that_is_interrupted_before_its_answer_is_in_doubt(
    silent: Gateway, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    main = threading.main_thread().ident or 0

    def press() -> None:
        while not silent.received:
            time.sleep(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with Segmind(KEY, silent.url) as client, pytest.raises(KeyboardInterrupt) as caught:
        client.gather([partial(client.run, "model-1")]) if way == "gather" else getattr(client, way)("model-1")
    vars(silent)["let_go"]()
    in_doubt(caught.value, caplog)
    assert client.spend.unknown == (0 if way == "gather" else 1)


@pytest.mark.parametrize("way", SENDS)
def test_a_call_that_is_cancelled_before_its_answer_is_in_doubt(
    silent: Gateway, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    async def cancelled() -> BaseException:
        async with AsyncSegmind(KEY, silent.url) as client:
            work = client.gather([partial(client.run, "model-1")]) if way == "gather" else None
            task = asyncio.ensure_future(work or getattr(client, way)("model-1"))
            while not silent.received:
                await asyncio.sleep(0.01)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                return error
            raise AssertionError("it was not cancelled")

    error = asyncio.run(cancelled())
    vars(silent)["let_go"]()
    if not hasattr(error, "in_doubt"):
        assert sys.version_info < (3, 11)
        assert error.__context__ is not None
        error = error.__context__
    in_doubt(error, caplog)


def test_a_refused_call_is_not_in_doubt(gateway: Gateway, client: Segmind) -> None:
    gateway.on("POST", "/v2/model-1", json_answer({"error": "no"}, 400))

    def work() -> None:
        with pytest.raises(SegmindError):
            client.submit_async("model-1")
        raise LookupError("of the caller")

    never_ending(gateway)
    gateway.on("POST", "/v2/model-1", json_answer({"error": "no"}, 400))
    found = client.gather([work, partial(client.submit_async, "model-2")], timeout=0)
    assert isinstance(found, Gathered)
    assert not hasattr(found.failures[0], "in_doubt")
