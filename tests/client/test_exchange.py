"""One request: its deadline, the size limit of a body, proxies and certificates of the environment, and its errors."""

import asyncio
import inspect
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from segmind_client import (
    AsyncSegmind,
    CannotSend,
    ConnectionFailed,
    DownloadFailed,
    RequestTimeout,
    ResponseTooLarge,
    Segmind,
    SegmindError,
)
from tests.client.conftest import KEY, Answer, Gateway, json_answer

Play = Callable[[socket.socket], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: id-1\r\n"
BOTH = pytest.mark.parametrize("kind", [Segmind, AsyncSegmind])


@contextmanager
def playing(play: Play) -> Iterator[str]:
    """Starts a server that reads a request and then runs a function of the test on the connection. Yields its URL."""

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            connection.recv(1 << 16)
            try:
                play(connection)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def call(kind: type[Any], work: Callable[[Any], Any], *given: Any, **options: Any) -> Any:
    """Returns the result of a call of a new client."""

    async def called() -> Any:
        client = kind(*given, **options)
        try:
            made = work(client)
            return await made if inspect.isawaitable(made) else made
        finally:
            closed = client.close() if kind is Segmind else client.aclose()
            if closed is not None:
                await closed

    return asyncio.run(called())


def drip(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"x-more: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.03)


def inform(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        time.sleep(0.03)


def drip_body(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.03)


@BOTH
@pytest.mark.parametrize("play", [drip, inform, drip_body])
def test_the_timeout_covers_the_exchange_to_its_last_byte(kind: type[Any], play: Play) -> None:
    with playing(play) as url:
        start = time.monotonic()
        with pytest.raises(RequestTimeout) as caught:
            call(kind, lambda client: client.run_sync("any"), KEY, url, timeout=0.3)
        assert time.monotonic() - start < 2
    assert caught.value.maybe_billed


@BOTH
def test_the_timeout_holds_through_a_proxy(kind: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with playing(drip) as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.setenv("NO_PROXY", "localhost")
        start = time.monotonic()
        with pytest.raises(RequestTimeout):
            call(kind, lambda client: client.run_sync("any"), KEY, "http://gateway.test", timeout=0.3)
        assert time.monotonic() - start < 2


@BOTH
@pytest.mark.parametrize("path", ["/v1/any", "/v2/requests/r1", "/file"])
def test_a_body_beyond_the_limit_is_an_error_that_names_its_request(
    kind: type[Any], gateway: Gateway, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The limit is small for the test. The compressed body is far below it."""
    monkeypatch.setattr(f"segmind_client.{'_sync' if kind is Segmind else '_aio'}.http.LARGEST", 5000)
    content = zlib.compress(b"0" * 5001)
    large = Answer(200, content, {"Content-Encoding": "deflate", "x-request-id": "id-1"})
    assert len(content) < 100
    gateway.on("GET", "/v2/requests/r1/status", json_answer({"status": "COMPLETED"}))
    gateway.on("GET", "/v2/requests/r1", json_answer({"status": "COMPLETED", "output": f"{gateway.url}/file"}))
    gateway.on("POST" if "v1" in path else "GET", path, large)
    calls = {
        "/v1/any": lambda client: client.run_sync("any"),
        "/file": lambda client: client.jobs.resume("r1").download(),
    }
    with pytest.raises(SegmindError) as caught:
        call(kind, calls.get(path, lambda client: client.jobs.resume("r1").wait()), KEY, gateway.url)
    assert type(caught.value) is (DownloadFailed if path == "/file" else ResponseTooLarge)
    assert caught.value.request_id == ("id-1" if "v1" in path else "r1")
    assert caught.value.maybe_billed is ("v1" in path)
    assert "larger than" in caught.value.detail
    assert [request.path for request in gateway.received].count(path) == 1, "it would be as large again"
    assert all(request.headers["accept-encoding"] == "gzip, deflate" for request in gateway.received)


def test_a_cookie_of_an_answer_is_not_sent_again() -> None:
    with_cookie: list[bool] = []

    def answer(request: httpx.Request) -> httpx.Response:
        with_cookie.append("cookie" in request.headers)
        return httpx.Response(200, json={}, headers={"set-cookie": "of=proxy"})

    client = Segmind(KEY, "http://mock", transport=httpx.MockTransport(answer))
    client.credits()
    client.credits()
    assert with_cookie == [False, False]


def test_the_limit_applies_to_any_body_and_is_generous() -> None:
    piece = bytes(1 << 20)

    class Endless(httpx.SyncByteStream):
        sent = 0

        def __iter__(self) -> Iterator[bytes]:
            while True:
                self.sent += 1
                yield piece

    body = Endless()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
    with Segmind(KEY, transport=transport) as client, pytest.raises(ResponseTooLarge, match="256 MiB"):
        client.run_sync("any")
    assert body.sent == 257


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "deflate,deflate"])
def test_nested_compression_is_rejected(client: Segmind, gateway: Gateway, encoding: str) -> None:
    gateway.on("POST", "/v1/any", Answer(200, b"x", {"Content-Encoding": encoding}))
    with pytest.raises(ConnectionFailed, match="compressed with"):
        client.run_sync("any")


ADDRESSES = ["http://" + "b" * 70, "http://h..x", "http://h:70000", "http://[::1", "http://h\x00.test"]


@BOTH
@pytest.mark.parametrize("url", ADDRESSES)
def test_a_file_at_an_invalid_address_is_not_downloaded(kind: type[Any], gateway: Gateway, url: str) -> None:
    gateway.on("GET", "/v2/requests/r1/status", json_answer({"status": "COMPLETED"}))
    gateway.on("GET", "/v2/requests/r1", json_answer({"status": "COMPLETED", "output": url}))
    with pytest.raises(DownloadFailed) as caught:
        call(kind, lambda client: client.jobs.resume("r1").download(), KEY, gateway.url, retries=0)
    assert caught.value.request_id == "r1"


@BOTH
def test_an_id_that_is_too_long_for_an_address_is_named(kind: type[Any], gateway: Gateway) -> None:
    with pytest.raises(CannotSend, match="too long") as caught:
        call(kind, lambda client: client.jobs.resume("x" * 70_000).wait(), KEY, gateway.url)
    assert caught.value.maybe_billed is False
    assert gateway.received == []


def test_a_deeply_nested_parameter_does_not_break_an_error(client: Segmind, gateway: Gateway) -> None:
    gateway.on("POST", "/v1/any", json_answer({"error": "no"}, 400))
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    with pytest.raises(SegmindError, match="400"):
        client.run_sync("any", deep=deep)


@BOTH
def test_a_closed_client_of_the_caller_is_reported(kind: type[Any]) -> None:
    theirs: Any = httpx.Client() if kind is Segmind else httpx.AsyncClient()
    closed = theirs.close() if kind is Segmind else theirs.aclose()
    if closed is not None:
        asyncio.run(closed)
    with pytest.raises(CannotSend, match="closed"):
        call(kind, lambda client: client.credits(), KEY, http_client=theirs)
