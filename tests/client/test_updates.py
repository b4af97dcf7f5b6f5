"""`for update in job`: the changes of a job's state, in the blocking and in the asynchronous client."""

import asyncio
from typing import Any

import pytest

from segmind_client import (
    AsyncSegmind,
    InferenceFailed,
    InferenceTimeout,
    JobUpdate,
    ResultExpired,
    Segmind,
    SegmindError,
    _pace,
)
from tests.client.conftest import KEY, Gateway, json_answer

BOTH = pytest.mark.parametrize("kind", [Segmind, AsyncSegmind])
STATUS = "/v2/requests/r1/status"
QUEUED = {"status": "QUEUED", "metrics": {}}
RUNNING = {"status": "PROCESSING", "metrics": {"queue_time": 0.25}}
DONE = {"status": "COMPLETED", "metrics": {"queue_time": 0.25, "cost": 0.05, "inference_time": 2.0}}


def heard(gateway: Gateway, kind: type[Any], *records: Any, **options: Any) -> tuple[list[JobUpdate], Any]:
    """Returns the updates of a job with these records, and the error that ended the loop."""
    gateway.on("GET", STATUS, *(json_answer(record) for record in records))
    gateway.on("GET", "/v2/requests/r1", json_answer({**DONE, "output": "https://images.test/1.jpeg"}))
    updates: list[JobUpdate] = []
    hear = updates.append

    async def listen() -> None:
        async with AsyncSegmind(KEY, gateway.url) as client:
            job = client.jobs.resume("r1")
            async for update in job.updates(**options) if options else job:
                hear(update)

    def listen_blocking() -> None:
        with Segmind(KEY, gateway.url) as client:
            job = client.jobs.resume("r1")
            for update in job.updates(**options) if options else job:
                hear(update)

    try:
        asyncio.run(listen()) if kind is AsyncSegmind else listen_blocking()
    except SegmindError as error:
        return updates, error
    return updates, None


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the pauses by moves of the clock."""
    skipped = 0.0

    def sleep(seconds: float) -> None:
        nonlocal skipped
        skipped += seconds

    async def async_sleep(seconds: float) -> None:
        sleep(seconds)

    monkeypatch.setattr(_pace, "sleep", sleep)
    monkeypatch.setattr(_pace, "async_sleep", async_sleep)
    monkeypatch.setattr(_pace, "monotonic", lambda: skipped)


@BOTH
def test_each_change_is_an_update_with_times_and_cost(gateway: Gateway, kind: type[Any]) -> None:
    updates, error = heard(gateway, kind, QUEUED, QUEUED, {}, QUEUED, RUNNING, RUNNING, DONE)
    assert error is None
    assert [(update.state, update.queue_time, update.cost) for update in updates] == [
        ("QUEUED", None, None),
        ("PROCESSING", 0.25, None),
        ("COMPLETED", 0.25, 0.05),
    ]
    assert updates[-1].record.urls == ("https://images.test/1.jpeg",)
    times = [update.elapsed for update in updates]
    assert times[0] == 0
    assert times == sorted(set(times))
    assert [request.path for request in gateway.received] == [STATUS] * 7 + ["/v2/requests/r1"]


@BOTH
def test_a_failed_job_is_an_update_and_then_an_error(gateway: Gateway, kind: type[Any]) -> None:
    failed = {"status": "FAILED", "error": "Prompt is Mandatory", "metrics": {"queue_time": 0.2}}
    updates, error = heard(gateway, kind, QUEUED, failed)
    assert [update.state for update in updates] == ["QUEUED", "FAILED"]
    assert isinstance(error, InferenceFailed)
    assert (error.detail, error.request_id) == ("Prompt is Mandatory", "r1")


@BOTH
@pytest.mark.parametrize("timeout", [0, 3])
def test_the_deadline_names_the_job(gateway: Gateway, kind: type[Any], timeout: float) -> None:
    updates, error = heard(gateway, kind, QUEUED, timeout=timeout)
    assert [update.state for update in updates] == ["QUEUED"]
    assert isinstance(error, InferenceTimeout)
    assert error.request_id == "r1"
    assert error.elapsed == timeout
    assert "QUEUED" in error.detail


@BOTH
def test_odd_records_are_updates_too(gateway: Gateway, kind: type[Any]) -> None:
    odd = {"status": ["x"], "metrics": {"queue_time": "soon", "cost": []}}
    updates, error = heard(gateway, kind, odd, {"status": "PAUSED", "metrics": 7}, DONE)
    assert error is None
    assert [(update.state, update.queue_time) for update in updates[:2]] == [("['x']", None), ("PAUSED", None)]
    assert isinstance(heard(gateway, kind)[1], ResultExpired)


def test_a_loop_can_be_left_and_taken_up_again(gateway: Gateway) -> None:
    gateway.on("GET", STATUS, *(json_answer(record) for record in (QUEUED, RUNNING, DONE)))
    gateway.on("GET", "/v2/requests/r1", json_answer({"output": "https://images.test/1.jpeg"}))
    with Segmind(KEY, gateway.url) as client:
        job = client.jobs.resume("r1")
        assert next(iter(job)).state == "QUEUED"
        assert [update.state for update in job] == ["PROCESSING", "COMPLETED"]
        updates = job.updates()
        assert [(update.state, update.record.output) for update in updates] == [
            ("COMPLETED", "https://images.test/1.jpeg")
        ]
        assert list(updates) == []


def test_settings_are_checked_at_once(client: Segmind) -> None:
    for wrong in ({"timeout": -1}, {"interval": float("nan")}):
        with pytest.raises(ValueError, match="expected a number of seconds"):
            client.jobs.resume("r1").updates(**wrong)
