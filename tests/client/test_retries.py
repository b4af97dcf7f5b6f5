"""Which requests are retried, when, and which never are."""

import time
from email.utils import formatdate

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmind_client import ConnectionFailed, Event, RateLimited, Segmind, SegmindError, _pace
from segmind_client._retry import maybe_billed, retry_after, seconds_before_retry
from segmind_client._wire import Failure, Request, Response
from tests.client.conftest import KEY, Gateway, json_answer

POST, GET = Request("POST", "/v1/any", b"{}", "any"), Request("GET", "/v2/requests/r1")
NOW = 1_700_000_000.0

responses = st.builds(Response, st.integers(100, 599), st.just({}), st.sampled_from([b"", b"{}", b'{"status": 1}']))
failures = st.builds(Failure, st.just("broken"), st.booleans(), st.booleans())


@given(outcome=responses | failures, attempt=st.integers(1, 50))
def test_a_post_is_retried_only_if_nothing_was_done(outcome: Response | Failure, attempt: int) -> None:
    again = seconds_before_retry(POST, outcome, attempt, NOW) is not None
    refused = isinstance(outcome, Response) and outcome.status == 429
    not_sent = isinstance(outcome, Failure) and not outcome.sent
    assert again is (refused or not_sent)
    assert not (again and maybe_billed(POST, outcome))


@given(outcome=responses | failures, attempt=st.integers(1, 50))
def test_backoff_is_capped(outcome: Response | Failure, attempt: int) -> None:
    wait = seconds_before_retry(GET, outcome, attempt, NOW)
    assert wait is None or 0 <= wait <= min(8, 0.5 * 2 ** (attempt - 1))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-rate-limit-reset-at-utc": "2023-11-14T22:13:50Z"}, 30),
        ({"x-rate-limit-reset-at-utc": "2023-11-14 22:13:50"}, 30),
        ({"x-rate-limit-reset-at-utc": "1700000030"}, 30),
        ({"x-rate-limit-reset-at-utc": "1700000030000"}, 30),
        ({"x-rate-limit-reset-at-utc": "2023-11-14T22:13:00Z"}, 0),
        ({"x-rate-limit-reset-at-utc": "2023-11-14T22:13:50Z", "date": formatdate(NOW + 20, usegmt=True)}, 10),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": formatdate(NOW + 9, usegmt=True)}, 9),
        ({"retry-after": formatdate(NOW - 9, usegmt=True)}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"x-rate-limit-reset-at-utc": "later", "retry-after": "3"}, 3),
        ({}, None),
    ],
)
def test_the_time_in_a_429_is_parsed(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(text=st.text() | st.from_regex(r"[0-9.\-: TZ]{0,30}"))
def test_no_header_breaks_the_client(text: str) -> None:
    found = retry_after({"x-rate-limit-reset-at-utc": text, "retry-after": text, "date": text}, NOW)
    assert found is None or found >= 0


HEADERS = st.sampled_from(
    ["0", "0.0", "-1", "-0", "00", "1e-9", "0.001", "soon", "", " ", "9" * 400, "nan", "inf", "1970-01-01T00:00:00Z"]
    + [formatdate(NOW + skew, usegmt=True) for skew in (-9e8, -3600, -1, 0, 0.1, 7200)]
)  # fmt: skip


@given(reset=HEADERS, after=HEADERS, date=HEADERS, attempt=st.integers(1, 50), request=st.sampled_from([POST, GET]))
def test_no_header_of_a_429_removes_the_pause(
    reset: str, after: str, date: str, attempt: int, request: Request
) -> None:
    headers = {"x-rate-limit-reset-at-utc": reset, "retry-after": after, "date": date}
    wait = seconds_before_retry(request, Response(429, headers, b""), attempt, NOW)
    assert wait is not None
    assert wait >= min(8, 0.5 * 2 ** (attempt - 1)) / 2
    assert wait >= (retry_after(headers, NOW) or 0)


@pytest.mark.parametrize("failure", [Failure("x", False, unsendable=True), Failure("x", True, too_large=True)])
def test_a_permanent_failure_is_not_retried(failure: Failure) -> None:
    for request in (GET, POST):
        assert seconds_before_retry(request, failure, 1, NOW) is None


def test_a_refused_call_waits_for_the_stated_time(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(_pace, "sleep", slept.append)
    refusal = json_answer({"error": "slow down"}, 429, {"Retry-After": "7"})
    gateway.on("POST", "/v1/any", refusal, json_answer({"ok": True}))
    with Segmind(KEY, gateway.url) as client:
        client.run_sync("any")
    assert slept == [7.0]


def test_a_wait_beyond_the_deadline_is_not_started(gateway: Gateway) -> None:
    gateway.on("POST", "/v1/any", json_answer({"error": "slow down"}, 429, {"Retry-After": "3600"}))
    start = time.monotonic()
    with Segmind(KEY, gateway.url) as client, pytest.raises(RateLimited) as caught:
        client.run_sync("any")
    assert time.monotonic() - start < 5
    assert (caught.value.retry_after, caught.value.attempts, len(gateway.received)) == (3600.0, 1, 1)


def refusing(error: type[httpx.TransportError]) -> tuple[httpx.Client, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        raise error("no", request=request)

    return httpx.Client(transport=httpx.MockTransport(refuse)), seen


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx.ConnectError, False), (httpx.ConnectTimeout, False), (httpx.PoolTimeout, False),
        (httpx.ProxyError, False), (httpx.ReadError, True), (httpx.WriteError, True),
        (httpx.ReadTimeout, True), (httpx.WriteTimeout, True),
        (httpx.RemoteProtocolError, True), (httpx.LocalProtocolError, False), (httpx.CloseError, True),
    ],
)  # fmt: skip
def test_only_a_post_that_was_not_sent_is_retried(
    monkeypatch: pytest.MonkeyPatch, error: type[httpx.TransportError], sent: bool
) -> None:
    monkeypatch.setattr(_pace, "sleep", lambda _: None)
    http, seen = refusing(error)
    with http, pytest.raises(ConnectionFailed) as caught:
        Segmind(KEY, http_client=http).run_sync("any")
    assert (len(seen), caught.value.attempts, caught.value.maybe_billed) == ((1, 1, True) if sent else (3, 3, False))


def test_errors_show_the_request_without_the_key(gateway: Gateway) -> None:
    gateway.on("POST", "/v1/any", json_answer({"error": "broken"}, 500, {"x-request-id": "id-1"}))
    with Segmind(KEY, gateway.url) as client, pytest.raises(SegmindError) as caught:
        client.run_sync("any", prompt="a cat", image="x" * 5000, note=f"my key is {KEY}")
    error = caught.value
    assert error.request is not None
    assert (error.request.method, error.request.url) == ("POST", f"{gateway.url}/v1/any")
    assert error.request.body["prompt"] == "a cat"
    assert len(error.request.body["image"]) < 100
    assert KEY not in str(error.request)
    assert (error.model, error.attempts, error.maybe_billed) == ("any", 1, True)
    assert str(error) == "500 Server Error: broken (request id-1, may have been billed)"


def test_events_report_each_step(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pace, "sleep", lambda _: None)
    events: list[Event] = []
    gateway.on("POST", "/v1/any", json_answer({}, 429, {"Retry-After": "2"}), json_answer({}))
    with Segmind(KEY, gateway.url, on_event=events.append) as client:
        client.run_sync("any")
    steps = [(event.kind, event.attempt, event.status) for event in events]
    assert steps == [
        ("request", 1, None),
        ("response", 1, 429),
        ("retry", 1, None),
        ("request", 2, None),
        ("response", 2, 200),
    ]
    assert {(event.method, event.path, event.model) for event in events} == {("POST", "/v1/any", "any")}
    assert events[2].seconds == 2.0
