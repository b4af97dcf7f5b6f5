import copy
import pickle
import socket
from collections.abc import Callable

import httpx
import pytest

import segmind_client
from segforge.spec.identifiers import pascal_case
from segmind_client import (
    ConnectionFailed,
    InferenceFailed,
    InferenceTimeout,
    InsufficientCredits,
    MethodNotAllowed,
    MissingApiKey,
    NotFound,
    RequestTimeout,
    Segmind,
    SegmindError,
)
from tests.client.conftest import KEY, Answer, Gateway, json_answer
from tests.seeds import seed_catalog

GATEWAY = seed_catalog().gateway
CASES = {case.name: (status, case) for status in GATEWAY.statuses if status.code >= 400 for case in status.cases}


def error_of(client: Segmind) -> SegmindError:
    with pytest.raises(SegmindError) as caught:
        client.run_sync("flux-img2img", prompt="a cat")
    return caught.value


def test_there_is_a_class_for_each_documented_status() -> None:
    titles = [status.title for status in GATEWAY.statuses if status.code >= 400]
    assert len(titles) == 13
    assert {pascal_case(title) for title in titles} <= set(segmind_client.__all__)


@pytest.mark.parametrize("name", CASES)
def test_a_documented_case_raises_the_class_of_its_status(client: Segmind, gateway: Gateway, name: str) -> None:
    status, case = CASES[name]
    answer = Answer(status.code, (case.html or "").encode(), {"Content-Type": "text/html"})
    if case.body is not None:
        answer = json_answer(case.body, status.code, {"x-request-id": "id-1"})
    gateway.on("POST", "/v1/flux-img2img", answer)
    error = error_of(client)
    meanings = {name: pascal_case(name) for name in ("content_type.invalid", "value.refused", "team.limit")}
    meanings["credits.insufficient"] = "InsufficientCredits"
    expected = meanings.get(name, pascal_case(status.title))
    assert type(error) is getattr(segmind_client, expected)
    assert error.status == status.code
    if case.body is not None:
        assert (error.detail, error.body, error.request_id) == (case.body["error"], case.body, "id-1")
        assert str(case.body["error"]) in str(error)


def test_an_html_page_is_kept_but_not_quoted(client: Segmind, gateway: Gateway) -> None:
    page = "<!doctype html><title>405</title>"
    gateway.on("POST", "/v1/flux-img2img", Answer(405, page.encode(), {"Content-Type": "text/html"}))
    error = error_of(client)
    assert type(error) is MethodNotAllowed
    assert (error.body, error.detail, str(error)) == (page, "Method Not Allowed", "405 Method Not Allowed")


def test_an_empty_balance_raises_the_same_error_on_both_versions(client: Segmind, gateway: Gateway) -> None:
    refused = {"error": "insufficient Credits. Balance: 0, required: 1"}
    gateway.on("POST", "/v1/flux-img2img", json_answer(refused, 406))
    gateway.on("POST", "/v2/flux-img2img", json_answer(refused, 402))
    with pytest.raises(InsufficientCredits) as first:
        client.run_sync("flux-img2img")
    with pytest.raises(InsufficientCredits) as second:
        client.submit_async("flux-img2img")
    assert (first.value.status, second.value.status) == (406, 402)


@pytest.mark.parametrize("status", [302, 307, 418, 503])
def test_an_undocumented_status_raises_the_base_error(client: Segmind, gateway: Gateway, status: int) -> None:
    answer = Answer(status, b"", {"Location": "/v1/elsewhere"})
    gateway.on("POST", "/v1/flux-img2img", answer)
    error = error_of(client)
    assert (type(error), error.status) == (SegmindError, status)
    assert [request.path for request in gateway.received] == ["/v1/flux-img2img"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"error": {"message": "no"}}, '{"message": "no"}'),
        ({"error": ""}, "Bad Request"),
        ({"message": "no"}, "Bad Request"),
        ([], "Bad Request"),
        (None, "Bad Request"),
    ],
)
def test_an_unusual_body_still_has_a_detail(client: Segmind, gateway: Gateway, body: object, detail: str) -> None:
    gateway.on("POST", "/v1/flux-img2img", json_answer(body, 400))
    assert error_of(client).detail == detail


def test_an_unreachable_gateway_raises_connection_failed() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with Segmind(KEY, url) as client:
            error = error_of(client)
    assert type(error) is ConnectionFailed
    assert url in str(error)
    assert error.status is None


def test_a_broken_answer_raises_connection_failed_and_is_not_retried(client: Segmind, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/flux-img2img", Answer(200, b"\xff\xd8\xff image", {}, cut=3))
    assert type(error_of(client)) is ConnectionFailed
    assert len(gateway.received) == 1


@pytest.mark.parametrize("kind", [httpx.ReadTimeout, httpx.WriteTimeout, httpx.ConnectTimeout, httpx.PoolTimeout])
def test_a_slow_gateway_raises_request_timeout(kind: Callable[..., Exception]) -> None:
    def slow(request: httpx.Request) -> httpx.Response:
        raise kind("slow", request=request)

    with Segmind(KEY, timeout=5, retries=0, http_client=httpx.Client(transport=httpx.MockTransport(slow))) as client:
        error = error_of(client)
    assert type(error) is RequestTimeout
    assert isinstance(error, ConnectionFailed)
    assert "within 5 s" in str(error)


ERRORS = [
    *(
        getattr(segmind_client, pascal_case(status.title))(
            "détail", status=status.code, request_id="id-1", body={"error": ["x"]}
        )
        for status in GATEWAY.statuses
        if status.code >= 400
    ),
    InferenceTimeout("late", request_id="r1", elapsed=1.5),
    ConnectionFailed("refused"),
    RequestTimeout("late"),
    MissingApiKey("no key"),
    SegmindError("odd", status=418, body="text"),
]


@pytest.mark.parametrize("error", ERRORS, ids=[type(error).__name__ for error in ERRORS])
@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_pickle_and_copy(error: SegmindError, twin: Callable[[SegmindError], SegmindError]) -> None:
    copied = twin(error)
    assert type(copied) is type(error)
    assert vars(copied) == vars(error)
    assert (str(copied), repr(copied), copied.args) == (str(error), repr(error), error.args)


def test_errors_have_readable_text() -> None:
    error = NotFound("Model x not found", status=404, request_id="id-1")
    assert str(error) == "404 Not Found: Model x not found (request id-1)"
    assert repr(error) == "NotFound('Model x not found', status=404, request_id='id-1')"
    assert str(InferenceFailed("no", status=422)) == "422 Inference Failed: no"
    assert str(ConnectionFailed("refused")) == "refused"
