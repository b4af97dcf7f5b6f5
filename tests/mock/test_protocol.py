"""The server on a raw socket: the answer does not depend on how a request arrives or is processed."""

import gc
import itertools
import json
import re
import socket
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from segforge_mock import Mock
from segforge_mock.handle import KEY
from segforge_mock.http import protocol
from tests.seeds import seed_catalog

PAYLOAD = json.dumps(seed_catalog().model("style-transfer").valid_example).encode()
GOES = re.compile(rb"(?im)^(date|x-request-id|x-remaining-credits): .*\r\n|[0-9a-f]{8}-[0-9a-f-]{27}")


def request(method: str, path: str, body: bytes = b"", *headers: str, version: str = "1.1") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "host: mock", f"x-api-key: {KEY}", *headers]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


REQUESTS = {
    "run": request("POST", "/v1/style-transfer", PAYLOAD),
    "submit": request("POST", "/v2/style-transfer", PAYLOAD),
    "refusal": request("POST", "/v2/style-transfer", b'{"number_of_images": 11}'),
    "html": request("PUT", "/v2/style-transfer", PAYLOAD),
    "unknown": request("GET", "/v2/requests/none/status"),
    "health": request("GET", "/healthz"),
    "head": request("HEAD", "/generations/none.png"),
    "origin": request("POST", "/v1/style-transfer", PAYLOAD, "origin: http://page.example"),
    "chunked": request(
        "POST", "/v1/style-transfer", b"", "content-type: application/json", "transfer-encoding: chunked"
    )
    + b"%x\r\n%b\r\n0\r\n\r\n" % (len(PAYLOAD), PAYLOAD),
}
each_request = pytest.mark.parametrize("raw", REQUESTS.values(), ids=REQUESTS)


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, media="tiny") as mock:
        yield mock


@pytest.fixture(scope="module")
def by_tasks() -> Iterator[Mock]:
    """The same mock, with each request in its own task, as in uvicorn."""
    mock = Mock(time_scale=0, media="tiny")
    mock.app.eager = False
    with mock:
        yield mock


def connect(mock: Mock) -> socket.socket:
    host, port = mock.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def exchange(mock: Mock, *pieces: bytes) -> bytes:
    """Returns everything that the server sends, without ids, balance and date, which differ between equal requests."""
    with connect(mock) as connection:
        for piece in pieces:
            connection.sendall(piece)
        connection.sendall(request("GET", "/healthz", b"", "connection: close"))
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    return GOES.sub(b"", received)


@each_request
def test_both_paths_return_the_same_answer(mock: Mock, by_tasks: Mock, raw: bytes) -> None:
    answers = exchange(mock, raw)
    assert answers == exchange(by_tasks, raw)
    assert answers.count(b"HTTP/1.1 ") == 2


@given(cuts=st.lists(st.integers(0, 400), max_size=4), name=st.sampled_from(sorted(REQUESTS)))
def test_an_answer_does_not_depend_on_how_its_request_arrives(mock: Mock, cuts: list[int], name: str) -> None:
    raw = REQUESTS[name]
    places = [0, *sorted(cut % len(raw) for cut in cuts), len(raw)]
    pieces = [raw[start:end] for start, end in itertools.pairwise(places)]
    assert exchange(mock, *pieces) == exchange(mock, raw)


@given(names=st.lists(st.sampled_from(sorted(REQUESTS)), min_size=1, max_size=6))
def test_pipelined_requests_are_answered_in_their_order(mock: Mock, names: list[str]) -> None:
    last = exchange(mock)
    one_by_one = b"".join(exchange(mock, REQUESTS[name]).removesuffix(last) for name in names)
    assert exchange(mock, b"".join(REQUESTS[name] for name in names)) == one_by_one + last


def test_a_waiting_request_is_answered_before_later_ones(mock: Mock) -> None:
    slow = request("POST", "/v1/style-transfer", PAYLOAD, "x-mock-tenant: slow")
    httpx.post(
        f"{mock.url}/_mock/rules",
        json={"latency": {"distribution": "constant", "seconds": 0.1}},
        headers={"x-api-key": mock.key, "x-mock-tenant": "slow"},
    ).raise_for_status()
    received = exchange(mock, slow + REQUESTS["unknown"])
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"404", b"200"]


def test_the_client_may_ask_before_it_sends_its_body(mock: Mock) -> None:
    head, _, body = request("POST", "/v1/style-transfer", PAYLOAD, "expect: 100-continue").partition(b"\r\n\r\n")
    with connect(mock) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "raw",
    [
        request("GET", "/healthz", version="1.0"),
        request("GET", "/healthz", b"", "connection: keep-alive", version="1.0"),
        request("GET", "/healthz", b"", "connection: close"),
    ],
    ids=["HTTP/1.0", "HTTP/1.0 with keep-alive", "close"],
)
def test_a_connection_without_keep_alive_is_closed(mock: Mock, raw: bytes) -> None:
    with connect(mock) as connection:
        connection.sendall(raw)
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert b"\r\nconnection: close\r\n" in received


def test_a_connection_that_stays_idle_is_closed(mock: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "KEEP_ALIVE_SECONDS", 0.2)
    with connect(mock) as connection:
        connection.sendall(REQUESTS["health"])
        assert connection.recv(1_000).startswith(b"HTTP/1.1 200")
        assert connection.recv(1_000) == b""


def test_a_partial_request_has_no_effect() -> None:
    with Mock(time_scale=0, media="tiny") as mock:
        with connect(mock) as connection:
            connection.sendall(request("POST", "/v2/style-transfer", PAYLOAD + b" ")[:-1])
        httpx.get(f"{mock.url}/v2/requests/x/status", headers={"x-api-key": mock.key})
        assert [seen.route for seen in mock.requests] == ["status"]
        assert mock.jobs == []


def test_a_client_that_does_not_read_blocks_only_itself(mock: Mock) -> None:
    """Unread answers don't pile up: the server stops reading from a client that does not read."""
    with connect(mock) as connection:
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            connection.sendall(REQUESTS["run"] * 100_000)
    assert httpx.get(f"{mock.url}/healthz").status_code == 200


def alive() -> int:
    return sum(isinstance(each, RequestResponseCycle) for each in gc.get_objects())


@pytest.mark.parametrize("name", ["run", "submit", "unknown"])
def test_a_request_leaves_no_cycles(mock: Mock, name: str) -> None:
    """Collecting them would take a sixth of the time."""
    host, port = mock.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        gc.collect()
        gc.disable()
        try:
            before = alive()
            for _ in range(50):
                connection.sendall(REQUESTS[name])
                assert connection.recv(65_536).startswith(b"HTTP/1.1 ")
            assert alive() < before + 10
        finally:
            gc.enable()
