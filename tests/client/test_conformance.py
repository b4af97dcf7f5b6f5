"""Runs tests/conformance/client_cases.yaml against the mock, with the blocking and with the asynchronous client."""

import asyncio
import inspect
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

import segmind_client
from segforge.spec.identifiers import snake_case
from segforge_mock import Mock
from segforge_mock.handle import RecordedRequest
from segmind_client import (
    AsyncSegmind,
    ChatResult,
    Event,
    Gathered,
    JobUpdate,
    MediaResult,
    RateLimited,
    Segmind,
    SegmindError,
    _pace,
)
from tests.seeds import seed_catalog
from tests.shared import read_yaml

TABLE = Path(__file__).parents[1] / "conformance" / "client_cases.yaml"
READ = read_yaml(TABLE.read_text("utf-8"))
CASES, REFUSALS = READ["cases"], READ["refusals"]
CATALOG = seed_catalog()
KEYS = {
    *("name", "call", "model", "messages", "with", "without", "file", "client", "wait", "mock", "expect", "request_id"),
    *("environment", "interrupt", "batch"),
}
PNG = b"\x89PNG\r\n\x1a\n"
CALLS = {"run", "submit", "wait", "updates", "result", "resume", "check", "chat", "chat_sync", "batch"}


@pytest.fixture
def mock(shared_mock: Mock, monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Resets the mock, and replaces the client's waits by moves of its clock and the mock's."""
    shared_mock.reset()
    skipped = 0.0

    def sleep(seconds: float) -> None:
        nonlocal skipped
        skipped += seconds
        shared_mock.clock.advance(seconds)

    async def async_sleep(seconds: float) -> None:
        sleep(seconds)

    monkeypatch.setattr(_pace, "sleep", sleep)
    monkeypatch.setattr(_pace, "async_sleep", async_sleep)
    monkeypatch.setattr(_pace, "monotonic", lambda: time.monotonic() + skipped)
    monkeypatch.setattr(_pace, "now", lambda: time.time() + skipped)
    return shared_mock


@contextmanager
def client_of(case: dict[str, Any], kind: type[Any], mock: Mock, events: list[Event]) -> Iterator[Any]:
    """Creates the client. Settings that the case takes from the environment are not passed as arguments."""
    values = {"SEGMIND_API_KEY": mock.key, "SEGMIND_BASE_URL": mock.url}
    variables = {name: values[name] if text == "mock" else text for name, text in case.get("environment", {}).items()}
    names = dict(zip(values, ("api_key", "base_url"), strict=True))
    arguments = {names[name]: value for name, value in values.items() if name not in variables}
    heard = interrupting(kind, events) if case.get("interrupt") == "answer" else events.append
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        client = kind(**arguments, on_event=heard, **case.get("client", {}))
    yield client
    if isinstance(client, Segmind):
        client.close()


def interrupt(kind: type[Any]) -> None:
    """Ends the current call from outside: as Ctrl-C does, or as a task is cancelled."""
    if kind is Segmind:
        raise KeyboardInterrupt
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


def interrupting(kind: type[Any], events: list[Event]) -> Any:
    """Returns a listener that interrupts the call when the answer to its submit has arrived."""

    def hear(event: Event) -> None:
        events.append(event)
        if (event.kind, event.method) == ("response", "POST"):
            interrupt(kind)

    return hear


def interrupt_pauses(kind: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def pause(seconds: float) -> None:
        interrupt(kind)
        await asyncio.sleep(seconds)

    monkeypatch.setattr(_pace, "sleep", lambda _: interrupt(Segmind))
    monkeypatch.setattr(_pace, "async_sleep", pause)


async def value_of(made: Any) -> Any:
    return await made if inspect.isawaitable(made) else made


def set_up(mock: Mock, wanted: dict[str, Any]) -> None:
    mock.job_policy(wanted.get("job", "instant"))
    for rule in wanted.get("scenarios", ()):
        mock.scenario(rule.pop("scenario"), **rule)
    if "latency" in wanted:
        mock.latency(wanted["latency"])
    if "credits" in wanted:
        mock.credits = wanted["credits"]
    if "profile" in wanted:
        mock.profile(wanted["profile"])


async def perform(case: dict[str, Any], client: Any, mock: Mock, updates: list[JobUpdate]) -> Any:
    """Makes the call of a case. With the blocking client, the awaits do nothing."""
    slug = case.get("model", "flux-img2img")
    if case["call"] in ("chat", "chat_sync"):
        return await value_of(getattr(client, case["call"])(slug, case["messages"], **case.get("with", {})))
    params = {**CATALOG.model(slug).valid_example, **case.get("with", {})}
    params = {name: value for name, value in params.items() if name not in case.get("without", ())}
    params |= {name: PNG + bytes(size - len(PNG)) for name, size in case.get("file", {}).items()}
    model = getattr(client, snake_case(slug))
    if case["call"] == "batch":
        return await run_batch(case, client, mock, partial(model.submit, **params))
    if case["call"] == "check":
        return model.check(**params)
    if case["call"] == "run":
        return await value_of(model.run(**params))
    if case["call"] == "resume":
        job = client.jobs.resume(case["request_id"])
    else:
        job = await value_of(model.submit(**params))
    mock.clock.advance(case.get("mock", {}).get("advance", 0))
    if case["call"] == "submit":
        return job
    if case["call"] == "result":
        return await value_of(job.result())
    if case["call"] == "updates":
        return await looped(job.updates(**case.get("wait", {})), updates)
    return await value_of(job.wait(**case.get("wait", {})))


async def run_batch(case: dict[str, Any], client: Any, mock: Mock, call: Any) -> Gathered:
    """Runs and resumes a batch. Raises its first failure."""
    wanted = case["batch"]
    with TemporaryDirectory() as folder:
        options = {"journal": Path(folder) / "run.jsonl", "concurrency": 1, "max_spend": wanted.get("max_spend")}
        for run in range(wanted["runs"]):
            is_last = run == wanted["runs"] - 1
            timeout = 600 if is_last else wanted.get("wait", 600)
            resend = is_last and wanted.get("resend_in_doubt", False)
            made = client.gather([call] * wanted["calls"], timeout=timeout, resend_in_doubt=resend, **options)
            done: Gathered = await value_of(made)
            mock.clock.advance(case.get("mock", {}).get("advance", 0))
    assert list(done.in_doubt) == case["expect"].get("in_doubt", [])
    for error in done.failures.values():
        raise error
    return done


async def looped(changes: Any, updates: list[JobUpdate]) -> Any:
    """Collects the updates of a loop, and returns the record of the last one."""
    if hasattr(changes, "__anext__"):
        async for update in changes:
            updates.append(update)  # noqa: PERF401 - those before an error count, too
    else:
        for update in changes:
            updates.append(update)  # noqa: PERF402
    return updates[-1].record


async def outcome_of(
    case: dict[str, Any], kind: type[Any], mock: Mock, events: list[Event], updates: list[JobUpdate]
) -> Any:
    try:
        with client_of(case, kind, mock, events) as client:
            try:
                return await perform(case, client, mock, updates)
            finally:
                if isinstance(client, AsyncSegmind):
                    await client.aclose()
    except (SegmindError, ValueError, KeyboardInterrupt, asyncio.CancelledError) as error:
        return error


def within(count: int, wanted: int | list[int]) -> bool:
    low, high = wanted if isinstance(wanted, list) else (wanted, wanted)
    return low <= count <= high


def check_error(error: Any, expect: dict[str, Any]) -> None:
    assert isinstance(error, SegmindError), error
    assert type(error) is getattr(segmind_client, expect["error"]), repr(error)
    assert error.maybe_billed is expect.get("maybe_billed", False)
    if "status" in expect:
        assert error.status == expect["status"]
    if "attempts" in expect:
        assert error.attempts == expect["attempts"]
    assert expect.get("detail", "") in error.detail


def check_outside(error: Any, expect: dict[str, Any]) -> None:
    """Checks an error of the settings, or the exception of an interrupt."""
    if "misuse" in expect:
        assert isinstance(error, ValueError), error
        assert expect["misuse"] in str(error)
        assert "secret" not in str(error)
    else:
        assert isinstance(error, KeyboardInterrupt | asyncio.CancelledError), error


def check_names(error: Any, job: str, events: list[Event]) -> None:
    """Checks that an error has the id of a job. Python 3.10 raises a new CancelledError, whose context has it."""
    assert job in (getattr(error, "request_id", None), getattr(error.__context__, "request_id", None))
    assert any(event.request_id == job for event in events)


def check_result(result: Any, expect: dict[str, Any]) -> None:
    assert not isinstance(result, BaseException), repr(result)
    if expect.get("result") == "media":
        assert isinstance(result, MediaResult)
        assert result.content_type == "image/jpeg"
        assert result.images[0].startswith(b"\xff\xd8\xff")
    elif "result" in expect:
        assert result["status"] == expect["result"]
        assert result.urls
    if "cost" in expect:
        assert result.cost == expect["cost"]
    if "said" in expect:
        assert type(result) is ChatResult
        assert expect["said"] in result.text
        assert result.finish_reason == expect["finish"]
        assert result.usage is not None
        assert result.usage.input_tokens
        assert result.usage.output_tokens


def check_journal(requests: list[RecordedRequest], expect: dict[str, Any]) -> None:
    posts = [request for request in requests if request.method == "POST"]
    gets = [request for request in requests if request.method == "GET"]
    assert within(len(posts), expect["posts"]), posts
    assert within(len(gets), expect.get("gets", [0, 100])), gets
    for name, form in expect.get("sent", {}).items():
        value = json.loads(posts[-1].body)[name]
        assert value.startswith("data:image/png;base64," if form == "data" else "http://127.0.0.1:"), value[:40]
    if "body" in expect:
        assert json.loads(posts[-1].body) == expect["body"]
    if expect.get("repeated"):
        assert len({request.body for request in posts}) == 1


@pytest.mark.parametrize("kind", [Segmind, AsyncSegmind])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
@pytest.mark.filterwarnings("ignore::segmind_client.ModelWarning")
def test_a_client_behaves_as_the_table_states(
    case: dict[str, Any], kind: type[Any], mock: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect, events, updates = case["expect"], list[Event](), list[JobUpdate]()
    set_up(
        mock, {**case.get("mock", {}), "scenarios": [dict(rule) for rule in case.get("mock", {}).get("scenarios", ())]}
    )
    if case.get("interrupt") == "pause":
        interrupt_pauses(kind, monkeypatch)
    outcome = asyncio.run(outcome_of(case, kind, mock, events, updates))
    if "error" in expect:
        check_error(outcome, expect)
    elif "misuse" in expect or "interrupted" in expect:
        check_outside(outcome, expect)
    else:
        check_result(outcome, expect)
    if "names_job" in expect:
        check_names(outcome, mock.jobs[-1].request_id, events)
    if "states" in expect:
        assert [update.state for update in updates] == expect["states"]
    if "violations" in expect:
        found = outcome if isinstance(outcome, tuple) else outcome.violations
        assert [violation.rule for violation in found] == expect["violations"]
    if "latency" in case.get("mock", {}):
        mock.wait_for(1, timeout=5)
    check_journal(mock.requests, expect)
    waits = [event.seconds for event in events if event.kind == "retry"]
    for wait, (low, high) in zip(waits, expect.get("waits", [[0, 61]] * len(waits)), strict=True):
        assert wait is not None
        assert low <= wait <= high


@pytest.mark.parametrize("kind", [Segmind, AsyncSegmind])
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal["name"])
def test_a_client_waits_after_a_refusal(refusal: dict[str, Any], kind: type[Any], mock: Mock) -> None:
    answers = [httpx.Response(429, headers=refusal["headers"], json={}) for _ in range(2)]
    answers.append(httpx.Response(200, json={}))
    events: list[Event] = []

    async def called() -> Any:
        client = kind(mock.key, transport=httpx.MockTransport(lambda _: answers.pop(0)), on_event=events.append)
        try:
            return await value_of(client.run_sync("any"))
        except RateLimited as error:
            return error

    outcome = asyncio.run(called())
    waits = [event.seconds or 0.0 for event in events if event.kind == "retry"]
    for wait, (low, high) in zip(waits, refusal["waits"], strict=True):
        assert low <= wait <= high
    assert isinstance(outcome, RateLimited) is (len(waits) < 2)


def test_the_table_is_well_formed() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)
    for case in CASES:
        assert set(case) <= KEYS, case["name"]
        assert case["call"] in CALLS


AMBIGUOUS = ["drop-before", "drop-during", "drop-after", "run-failed", "upstream-unavailable", "upstream-timeout"]


@pytest.mark.parametrize("kind", [Segmind, AsyncSegmind])
@pytest.mark.parametrize("call", ["run", "wait"])
@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_failure_with_unknown_outcome_causes_no_second_post(
    mock: Mock, name: str, call: str, kind: type[Any]
) -> None:
    mock.scenario(name)
    case = {"call": call, "client": {"retries": 9}}
    error = asyncio.run(outcome_of(case, kind, mock, [], []))
    assert isinstance(error, SegmindError)
    assert error.maybe_billed
    assert [request.method for request in mock.requests] == ["POST"]
