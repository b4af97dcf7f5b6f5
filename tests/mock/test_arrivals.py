"""The history has a request as soon as it arrives, with its client's name and trace."""

import concurrent.futures
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from segforge_mock import Mock
from tests.seeds import seed_catalog

EXAMPLE = seed_catalog().model("style-transfer").valid_example
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, media="tiny") as mock:
        yield mock


@pytest.fixture
def admin(mock: Mock) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{mock.url}/_mock", headers={"x-api-key": mock.key}) as client:
        yield client


def post(mock: Mock, path: str, **headers: str) -> httpx.Response:
    return httpx.post(mock.url + path, json=EXAMPLE, headers={"x-api-key": mock.key, **headers}, timeout=10)


def until(found: Any, wanted: object) -> None:
    """Waits until a function returns a value."""
    deadline = time.monotonic() + 5
    while (last := found()) != wanted:
        assert time.monotonic() < deadline, last
        time.sleep(0.005)


@pytest.mark.parametrize("path", ["/v1/style-transfer", "/v2/style-transfer"])
def test_a_running_request_counts_and_is_waited_for(mock: Mock, admin: httpx.Client, path: str) -> None:
    mock.latency(30)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(post, mock, path, traceparent=TRACE)
        [entry] = admin.get("/requests/wait", params={"slug": "style-transfer"}).json()
        assert (entry["status"], entry["running"], entry["traceparent"]) == (0, True, TRACE)
        assert (entry["path"], entry["response"]) == (path, {"headers": {}, "body": ""})
        assert admin.get("/requests/count").json() == {"count": 1}
        assert admin.get("/requests/count", params={"status": "200"}).json() == {"count": 0}
        assert mock.wait_for(1)[0].running
        mock.stop()
        with pytest.raises(httpx.HTTPError):
            answer.result(10)


def test_a_wait_for_an_answer_ends_with_the_answer(mock: Mock, admin: httpx.Client) -> None:
    mock.latency(0.1)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(post, mock, "/v1/style-transfer")
        [entry] = admin.get("/requests/wait", params={"status": "200"}).json()
        assert (entry["status"], entry["running"]) == (200, False)
        assert entry["response"]["headers"]["content-type"] == answer.result(10).headers["content-type"]


def test_a_request_that_its_client_gave_up_on_keeps_its_place(mock: Mock, admin: httpx.Client) -> None:
    mock.scenario("run-failed", after=1)
    mock.latency(30, slug="style-transfer")
    host, port = mock.url.removeprefix("http://").split(":")
    body = b'{"prompt": "a cat"}'
    head = f"POST /v1/style-transfer HTTP/1.1\r\nhost: x\r\nuser-agent: my-app/1\r\nx-api-key: {mock.key}\r\n".encode()
    head += b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head + body)
        assert mock.wait_for(1)[0].client == "my-app/1"
        until(lambda: post(mock, "/v1/nothing").status_code, 500)
    until(lambda: [entry["running"] for entry in admin.get("/requests").json()], [False, False])
    first, second = admin.get("/requests").json()
    assert (first["number"], first["path"], first["status"]) == (1, "/v1/style-transfer", 0)
    assert (second["number"], second["status"]) == (2, 500)


def test_a_clear_forgets_a_running_request_for_good(mock: Mock, admin: httpx.Client) -> None:
    mock.latency(0.2)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(post, mock, "/v1/style-transfer")
        mock.wait_for(1)
        admin.delete("/requests")
        assert answer.result(10).status_code == 200
    assert admin.get("/requests/count").json() == {"count": 0}


def test_refused_bodies_are_in_the_history(mock: Mock) -> None:
    headers = {"x-api-key": mock.key, "content-encoding": "gzip", "user-agent": "packer/2"}
    assert httpx.post(f"{mock.url}/v1/style-transfer", content=b"x", headers=headers).status_code == 415
    [request] = mock.requests
    assert (request.status, request.client, request.traceparent) == (415, "packer/2", None)


def test_a_key_is_masked_in_the_client_s_name_and_trace(mock: Mock) -> None:
    post(mock, "/v1/style-transfer", **{"user-agent": f"app {mock.key}", "traceparent": mock.key})
    [request] = mock.requests
    assert (request.client, request.traceparent) == ("app ***", "***")
