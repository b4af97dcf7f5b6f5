"""Compressed bodies, and hostile upstreams of the proxy: bytes pass unchanged, sizes and times are bounded."""

import contextlib
import gzip
import json
import socketserver
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from segforge_mock import Mock
from segforge_mock.http.endpoint import AsgiEndpoint
from segforge_mock.http.server import BackgroundServer
from segforge_mock.models.served import packaged_models
from segforge_mock.proxy import proxy as upstream
from segforge_mock.proxy.proxy import Proxy
from tests.mock.conftest import KEY
from tests.seeds import seed_catalog

MODELS = packaged_models()
EXAMPLE = json.dumps(seed_catalog().model("style-transfer").valid_example).encode()
JSON = {"content-type": "application/json", "x-api-key": KEY}


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "gzip, gzip", "x"])
@pytest.mark.parametrize("path", ["/v1/style-transfer", "/v2/style-transfer", "/upload-asset", "/_mock/rules"])
def test_a_compressed_body_is_refused_by_its_encoding(quick: httpx.Client, encoding: str, path: str) -> None:
    body = gzip.compress(EXAMPLE)
    answer = quick.post(path, content=body, headers={**JSON, "content-encoding": encoding})
    assert answer.status_code == 415
    assert encoding in answer.json()["error"]
    assert answer.headers["accept-encoding"] == "identity"


def test_a_body_without_encoding_is_read(quick: httpx.Client) -> None:
    for encoding in ("identity", ""):
        headers = {**JSON, "content-encoding": encoding}
        assert quick.post("/v1/style-transfer", content=EXAMPLE, headers=headers).status_code == 200
    assert quick.get("/v1/get-user-credits", headers={"content-encoding": "gzip"}).status_code == 200


@contextmanager
def gateway(answer: Callable[[bytes, Callable[[bytes], None]], None]) -> Iterator[str]:
    """Starts a gateway that receives a request's bytes and a function to send bytes with. Yields its URL."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            received = self.request.recv(65_536)
            head, _, body = received.partition(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
            )
            while len(body) < length:
                body += self.request.recv(65_536)
            with contextlib.suppress(OSError):  # the proxy has hung up
                answer(head + b"\r\n\r\n" + body, self.request.sendall)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def proxied(answer: Callable[[bytes, Callable[[bytes], None]], None]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Starts a proxy in front of such a gateway. Yields its URL and its reports."""
    reports: list[dict[str, Any]] = []
    with gateway(answer) as url, BackgroundServer(AsgiEndpoint(Proxy(url, MODELS, reports.append))) as proxy:
        yield proxy, reports


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, f"content-length: {len(body)}", "connection: close", "", ""])
    return head.encode() + body


@pytest.mark.parametrize(("accepted", "sent"), [("gzip", b"gzip"), ("br, gzip;q=0.5", b"gzip"), ("br", b"identity"), (None, None)])  # fmt: skip  # noqa: E501
def test_the_proxy_forwards_both_bodies_and_both_encodings(accepted: str | None, sent: bytes | None) -> None:
    received: list[bytes] = []
    answer = gzip.compress(b'{"status": "RUNNING"}')

    def respond(request: bytes, send: Callable[[bytes], None]) -> None:
        received.append(request)
        send(whole(answer, "content-type: application/json", "content-encoding: gzip"))

    body = gzip.compress(EXAMPLE)
    with proxied(respond) as (url, reports), httpx.Client() as client:
        client.headers.clear()
        headers = {**JSON, "content-encoding": "gzip"} | ({"accept-encoding": accepted} if accepted else {})
        request = client.build_request("POST", f"{url}/v2/style-transfer", content=body, headers=headers)
        response = client.send(request, stream=True)
        assert b"".join(response.iter_raw()) == answer
        response.close()
    assert response.headers["content-encoding"] == "gzip"
    head, _, passed = received[0].partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert passed == body
    assert lines[b"content-encoding"] == b"gzip"
    assert lines.get(b"accept-encoding") == sent
    assert b"user-agent" not in lines
    assert {report["rule"] for report in reports} == {"job.accepted_keys", "job.first_state"}


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip"])
def test_an_answer_that_cannot_be_decoded_passes_unjudged(encoding: str) -> None:
    answer = whole(b"\x00\x01", "content-type: application/json", f"content-encoding: {encoding}")
    with (
        proxied(lambda _, send: send(answer)) as (url, reports),
        httpx.stream("POST", f"{url}/v2/style-transfer", content=EXAMPLE, headers=JSON) as response,
    ):
        assert b"".join(response.iter_raw()) == b"\x00\x01"
    assert reports == []


@pytest.mark.parametrize("media_type", ["application/json", "image/png"])
@pytest.mark.parametrize("packed", [True, False])
def test_an_endless_answer_is_a_named_502(media_type: str, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "MAX_ANSWER_BYTES", 10**6)
    piece = gzip.compress(bytes(2 * 10**6)) if packed else bytes(65_536)
    encoding = "gzip" if packed else "identity"

    def respond(_: bytes, send: Callable[[bytes], None]) -> None:
        send(f"HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-encoding: {encoding}\r\n\r\n".encode())
        while True:
            send(piece)

    with proxied(respond) as (url, _):
        answer = httpx.post(f"{url}/v1/style-transfer", content=EXAMPLE, headers=JSON)
    assert answer.status_code == 502
    assert "1000000 bytes" in answer.json()["error"]


@pytest.mark.parametrize("packed", [gzip.compress, zlib.compress])
def test_an_answer_within_the_bound_is_judged(packed: Callable[[bytes], bytes]) -> None:
    encoding = "gzip" if packed is gzip.compress else "deflate"
    answer = whole(packed(b'{"status": "FAILED"}'), "content-type: application/json", f"content-encoding: {encoding}")
    with proxied(lambda _, send: send(answer)) as (url, reports):
        response = httpx.get(f"{url}/v2/requests/x/status", headers=JSON)
        assert response.json() == {"status": "FAILED"}
        assert response.headers["x-mock-deviations"] == "job.status_code"
    assert [report["rule"] for report in reports] == ["job.status_code"]


@pytest.mark.parametrize(
    "drip", [b"x-more: x\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n"]
)
def test_a_slow_answer_is_a_named_504(drip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "EXCHANGE_SECONDS", 0.3)
    over = threading.Event()

    def respond(_: bytes, send: Callable[[bytes], None]) -> None:
        if drip.startswith(b"x-"):
            send(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.02):
            send(drip)

    with proxied(respond) as (url, _):
        answer = httpx.post(f"{url}/v1/style-transfer", content=EXAMPLE, headers=JSON)
        over.set()
    assert answer.status_code == 504
    assert "0.3 s" in answer.json()["error"]


def test_bodies_with_too_many_values_pass_unjudged() -> None:
    many = b"[" + b"1," * 50_000 + b"1]"
    with proxied(lambda _, send: send(whole(many, "content-type: application/json"))) as (url, reports):
        assert httpx.post(f"{url}/v2/style-transfer", content=many, headers=JSON).content == many
    assert reports == []


def test_the_proxy_forwards_the_mock_s_refusal_of_gzip() -> None:
    with Mock(time_scale=0) as mock, BackgroundServer(AsgiEndpoint(Proxy(mock.url, MODELS, lambda _: None))) as url:
        headers = {**JSON, "content-encoding": "gzip"}
        assert httpx.post(f"{url}/v1/style-transfer", content=gzip.compress(b"{}"), headers=headers).status_code == 415
