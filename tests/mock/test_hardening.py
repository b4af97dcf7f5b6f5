"""Hostile bytes on a real socket: the answer is 4xx or a closed connection, never 5xx, and the server keeps serving."""

import contextlib
import random
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fuzz_mock import malformed, send
from segforge_mock import Mock
from segforge_mock.http import protocol


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, media="tiny") as mock:
        yield mock


def is_up(mock: Mock) -> bool:
    return httpx.get(f"{mock.url}/healthz").status_code == 200


def post(mock: Mock, body: bytes, **headers: str) -> httpx.Response:
    url = f"{mock.url}/v1/style-transfer"
    return httpx.post(url, content=body, headers={"x-api-key": mock.key, "content-type": "application/json", **headers})


@pytest.mark.parametrize(
    "body",
    [
        b'{"style_image": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"style_image": ' + b'{"a":' * 100_000,
        b'{"style_image": NaN}',
        b'{"width": Infinity}',
        b'{"width": -Infinity}',
        b'{"width": 1e999}',
        b'{"width": ' + b"9" * 10_000 + b"}",
        b'{"style_image": "\xff\xfe"}',
        b'{"style_image": "http://x", "ignored": "\xff"}',
        b'{"style_image": "\\ud800"}',
        b"\x00" * 100,
        b"",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_hostile_body_is_400(mock: Mock, body: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    response = post(mock, body)
    assert response.status_code == 400
    assert response.json()["error"]
    assert capfd.readouterr().err == ""


def test_duplicate_keys_are_one_value(mock: Mock) -> None:
    assert post(mock, b'{"style_image": "http://x", "style_image": "http://y"}').status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../../etc/passwd",
        "/v1/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/generations/../x",
        "/v1/%00",
        "/v1/\u202e",
        "/v2/requests//status",
        "/v2/requests/%ff%fe/status",
        "/generations/" + "a" * 32 + "-99999.jpeg",
        "/assets/..%2f..%2fx",
        "/v1/" + "x" * 5_000,
    ],
)
def test_path_tricks_are_404(mock: Mock, path: str) -> None:
    response = httpx.get(mock.url + path, headers={"x-api-key": mock.key})
    assert response.status_code in (404, 405)
    assert "root:" not in response.text


def test_an_endless_header_is_431(mock: Mock) -> None:
    host, port = mock.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nx-long: ")
        received = b""
        try:
            for _ in range(100):
                connection.sendall(b"a" * 65_536)
                connection.setblocking(False)
                try:
                    received += connection.recv(65_536)
                except BlockingIOError:
                    pass
                finally:
                    connection.settimeout(10)
                if received:
                    break
        except OSError:  # the server hung up, which is as good
            pass
    assert received[:12] in (b"HTTP/1.1 431", b"")
    assert is_up(mock)


def test_a_slow_client_is_disconnected(mock: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.3)
    host, port = mock.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"POST /v1/style-transfer HTTP/1.1\r\ncontent-length: 100\r\n\r\n{")
        start = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""
        assert time.monotonic() - start < 5
    assert is_up(mock)


def test_an_idle_connection_is_kept(mock: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.3)
    with httpx.Client(base_url=mock.url) as client:
        assert client.get("/healthz").status_code == 200
        time.sleep(1.6)
        assert client.get("/healthz").status_code == 200


@given(raw=st.binary(max_size=200) | st.integers().map(lambda seed: malformed(random.Random(seed))))
def test_any_bytes_are_answered_or_dropped(mock: Mock, raw: bytes) -> None:
    status = send(mock.url, raw)
    assert status is None or status < 500


def test_the_server_keeps_serving(mock: Mock) -> None:
    assert is_up(mock)
