import json
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmind_client import (
    DownloadFailed,
    InferenceFailed,
    InferenceTimeout,
    Job,
    NotFound,
    RequestTimeout,
    Segmind,
    SegmindError,
    _pace,
)
from tests.client.conftest import KEY, Answer, Gateway, json_answer

RESULT = {"status": "COMPLETED", "output": "https://images.test/1.jpeg", "metrics": {"inference_time": 13.06}}


def client_of(answer: Callable[[httpx.Request], httpx.Response]) -> Segmind:
    return Segmind(
        KEY, "http://gateway.test", retries=0, http_client=httpx.Client(transport=httpx.MockTransport(answer))
    )


def states(gateway: Gateway, *records: object) -> None:
    gateway.on("GET", "/v2/requests/r1/status", *(json_answer(record) for record in records))


def submit(client: Segmind) -> Job:
    return client.flux_ipadapter.submit(image="https://host.test/a.png", prompt="a cat")


def test_a_job_is_polled_until_it_is_completed(client: Segmind, gateway: Gateway) -> None:
    gateway.job(slug="flux-ipadapter")
    states(gateway, *({"status": state} for state in ("QUEUED", "PROCESSING", "COMPLETED")))
    gateway.on("GET", "/v2/requests/r1", json_answer(RESULT))
    job = submit(client)
    assert (job.request_id, job.slug) == ("r1", "flux-ipadapter")
    assert [request.method for request in gateway.received] == ["POST"]
    assert job.wait(interval=0) == RESULT
    polls = [request.path for request in gateway.received[1:]]
    assert polls == ["/v2/requests/r1/status"] * 3 + ["/v2/requests/r1"]
    assert {request.headers["x-api-key"] for request in gateway.received} == {KEY}


@pytest.mark.parametrize("odd", [{"status": "completed"}, {"status": "PAUSED"}, {"status": ["COMPLETED"]}, {}, [], "x"])
def test_an_unknown_state_is_still_pending(client: Segmind, gateway: Gateway, odd: object) -> None:
    gateway.job(slug="flux-ipadapter")
    states(gateway, odd, {"status": "COMPLETED"})
    gateway.on("GET", "/v2/requests/r1", json_answer(RESULT))
    assert submit(client).wait(interval=0) == RESULT


@pytest.mark.parametrize("code", [200, 422, 500])
def test_a_failed_job_states_its_reason(client: Segmind, gateway: Gateway, code: int) -> None:
    record = {"status": "FAILED", "error": "Prompt is Mandatory", "metrics": {"queue_time": 0.23}}
    gateway.job(slug="flux-ipadapter")
    gateway.on("GET", "/v2/requests/r1/status", json_answer(record, code))
    gateway.on("GET", "/v2/requests/r1", json_answer(record, code))
    job = submit(client)
    for ask in (job.wait, job.result):
        with pytest.raises(InferenceFailed) as caught:
            ask()
        error = caught.value
        assert (error.detail, error.request_id, error.status) == ("Prompt is Mandatory", "r1", 422)
        assert error.body == record
    assert job.status() == record


def test_a_job_that_fails_between_status_and_result_has_failed(client: Segmind, gateway: Gateway) -> None:
    gateway.job(slug="flux-ipadapter")
    states(gateway, {"status": "COMPLETED"})
    gateway.on("GET", "/v2/requests/r1", json_answer({"status": "FAILED", "error": {"code": 7}}, 422))
    with pytest.raises(InferenceFailed, match=r'\{"code": 7\}'):
        submit(client).wait()


def test_an_expired_job_is_not_found(client: Segmind, gateway: Gateway) -> None:
    gateway.job(slug="flux-ipadapter")
    with pytest.raises(NotFound) as caught:
        submit(client).wait()
    assert caught.value.request_id == "r1"


def test_the_deadline_leaves_a_job_that_can_be_waited_for_again(client: Segmind, gateway: Gateway) -> None:
    gateway.job(slug="flux-ipadapter")
    states(gateway, {"status": "QUEUED"}, {"status": "COMPLETED"})
    gateway.on("GET", "/v2/requests/r1", json_answer(RESULT))
    job = submit(client)
    with pytest.raises(InferenceTimeout, match="QUEUED") as caught:
        job.wait(timeout=0)
    assert caught.value.request_id == "r1"
    assert caught.value.elapsed >= 0
    assert job.wait() == RESULT


def test_a_poll_that_hangs_does_not_outlast_the_deadline() -> None:
    allowed: list[float] = []

    def hang(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"request_id": "r1"})
        allowed.append(request.extensions["timeout"]["read"])
        raise httpx.ReadTimeout("too slow", request=request)

    job = submit(client_of(hang))
    with pytest.raises(InferenceTimeout):
        job.wait(timeout=0)
    with pytest.raises(RequestTimeout):
        job.wait(timeout=60)
    with pytest.raises(RequestTimeout):
        job.wait()
    assert allowed[0] == pytest.approx(1.0, abs=0.1)
    assert 59 < allowed[1] <= 60
    assert allowed[2] == pytest.approx(120, abs=1)


@pytest.mark.parametrize(("timeout", "interval"), [(-1, 1), (1, -1), (float("nan"), 1)])
def test_negative_times_are_rejected(client: Segmind, gateway: Gateway, timeout: float, interval: float) -> None:
    gateway.job(slug="flux-ipadapter")
    job = submit(client)
    with pytest.raises(ValueError, match="from 0 upwards"):
        job.wait(timeout, interval)


@pytest.mark.parametrize("content", [b"\xff\xd8\xff", b'["https://images.test/1.png"]', b"a text"])
def test_a_result_in_another_shape_is_kept(client: Segmind, gateway: Gateway, content: bytes) -> None:
    gateway.job(slug="flux-ipadapter")
    states(gateway, {"status": "COMPLETED"})
    gateway.on("GET", "/v2/requests/r1", Answer(200, content))
    result = submit(client).wait()
    assert result["status"] == "COMPLETED"
    assert result["output"] == (json.loads(content) if content.startswith(b"[") else content)
    assert result["metrics"] == {}


@pytest.mark.parametrize("body", [{}, {"request_id": ""}, {"request_id": None}, {"request_id": 7}, [], "ok"])
def test_a_submit_without_an_id_is_an_error_with_the_body(client: Segmind, gateway: Gateway, body: object) -> None:
    gateway.on("POST", "/v2/flux-ipadapter", json_answer(body))
    with pytest.raises(SegmindError, match="no request_id") as caught:
        submit(client)
    assert caught.value.body == body


def test_urls_of_the_gateway_are_not_requested(client: Segmind, gateway: Gateway) -> None:
    urls = {"status_url": "https://evil.test/status", "response_url": "https://evil.test/", "poll_url": "x"}
    gateway.job(slug="flux-ipadapter", **urls)
    job = submit(client)
    assert (job.status_url, job.response_url) == (urls["status_url"], urls["response_url"])
    assert job.submit_response["poll_url"] == "x"


@given(request_id=st.text(min_size=1) | st.sampled_from([".", "..", "...", "../../v1/x", "a?b#c", "a%2Fb", "\ud800"]))
def test_any_id_is_one_segment_of_the_path(request_id: str) -> None:
    paths: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, content=json.dumps({"request_id": request_id}))
        assert request.url.host == "gateway.test"
        paths.append(request.url.raw_path)
        return httpx.Response(200, json={"status": "QUEUED"})

    client_of(answer).submit_async("flux-img2img").status()
    start, segment, end = paths[0].removeprefix(b"/v2/").split(b"/")
    assert (start, end) == (b"requests", b"status")
    assert unquote_to_bytes(segment) == request_id.encode("utf-8", "surrogatepass")
    assert b"?" not in segment


def outage(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> None:
    """Lets the status route fail like this, then report a completed job. Waits take no time."""
    monkeypatch.setattr(_pace, "sleep", lambda _: None)
    gateway.job(slug="flux-ipadapter")
    gateway.on("GET", "/v2/requests/r1/status", *answers, json_answer({"status": "COMPLETED"}))
    gateway.on("GET", "/v2/requests/r1", *answers, json_answer(RESULT))


JSON = {"Content-Type": "application/json"}
DOWN = (
    json_answer({"error": "down"}, 502),
    json_answer({}, 429),
    Answer(200, b'{"status": "QUEUED"}', JSON, cut=3),
    Answer(200, b'{"sta', JSON),
)


def test_a_wait_survives_an_outage(client: Segmind, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    outage(gateway, monkeypatch, *DOWN * 3)
    assert submit(client).wait(timeout=60) == RESULT
    assert len(gateway.received) == 1 + 2 * (len(DOWN) * 3 + 1)
    outage(gateway, monkeypatch, *DOWN * 3)
    with pytest.raises(SegmindError, match="502"):
        submit(client.with_options(retries=0)).wait(timeout=60)


def test_a_single_request_is_repeated_as_often_as_retries_allows(
    client: Segmind, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage(gateway, monkeypatch, *DOWN * 3)
    with pytest.raises(SegmindError) as caught:
        submit(client).status()
    assert caught.value.attempts == 3


@pytest.mark.parametrize("answer", DOWN[:3])
def test_errors_of_polls_results_and_downloads_name_the_job(
    client: Segmind, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    outage(gateway, monkeypatch, *[answer] * 99)
    job = submit(client)
    for ask in (job.status, job.result, lambda: job.wait(timeout=0.01)):
        with pytest.raises(SegmindError) as caught:
            ask()
        assert (caught.value.request_id, caught.value.model) == ("r1", "flux-ipadapter")
    outage(gateway, monkeypatch)
    gateway.on("GET", "/v2/requests/r1", json_answer({**RESULT, "output": f"{gateway.url}/gone.png"}))
    with pytest.raises(DownloadFailed) as lost:
        job.download()
    assert (lost.value.request_id, lost.value.model) == ("r1", "flux-ipadapter")
