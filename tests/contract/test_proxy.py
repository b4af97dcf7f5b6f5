"""Requests reach a gateway through the proxy of the environment, over HTTP and in a tunnel."""

import base64
import contextlib
import json
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from segforge_contract import HttpTarget, NoAnswer, Request
from tests.contract.standin import KEY

HOST = "gateway.test"  # no such host exists, so only the proxy can reach it
USER, PASSWORD = "ci", "p@ss word"
CREDENTIALS = "ci:p%40ss%20word"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
ASKED = Request("POST", "/v1/some-model", "valid", "application/json", b'{"prompt": "a cat"}')


class Gateway(BaseHTTPRequestHandler):
    """Returns the headers and the body that it received, as JSON."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        fields = {name.lower(): value for name, value in self.headers.items()}
        answer = json.dumps({"path": self.path, "headers": fields, "body": body.decode()}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Logs nothing."""


class Proxy(socketserver.ThreadingTCPServer):
    """A proxy that asks for credentials. It sends everything to one gateway, whatever the host."""

    daemon_threads = True

    def __init__(self, gateway: int) -> None:
        super().__init__(("127.0.0.1", 0), _Forwarding)
        self.gateway = gateway
        self.heads: list[bytes] = []
        """The head of each request to the proxy."""
        self.carried = bytearray()
        """All bytes that went through tunnels to the gateway."""


class _Forwarding(socketserver.BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        data = bytearray()
        while b"\r\n\r\n" not in data:
            if not (piece := self.request.recv(65536)):
                return
            data += piece
        head, _, rest = bytes(data).partition(b"\r\n\r\n")
        self.server.heads.append(head)
        if f"\r\nproxy-authorization: {BASIC}".lower().encode() not in head.lower():
            self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.server.gateway)) as upstream:
            if head.startswith(b"CONNECT "):
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"proxy-")]
                upstream.sendall(b"\r\n".join(lines).replace(f"http://{HOST}".encode(), b"", 1) + b"\r\n\r\n" + rest)
            self._copy(upstream)

    def _copy(self, upstream: socket.socket) -> None:
        while True:
            for ready in select.select([self.request, upstream], [], [])[0]:
                if not (data := ready.recv(65536)):
                    return
                if ready is upstream:
                    self.request.sendall(data)
                else:
                    self.server.carried += data
                    upstream.sendall(data)


@contextlib.contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def proxied(monkeypatch: pytest.MonkeyPatch, scheme: str, folder: Path, credentials: str) -> Iterator[Proxy]:
    """Runs a gateway, over TLS if the scheme is `https`, and a proxy before it that the environment names."""
    gateway = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    gateway.daemon_threads = True
    if scheme == "https":
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST).configure_cert(context)
        gateway.socket = context.wrap_socket(gateway.socket, server_side=True)
    proxy = Proxy(gateway.server_port)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://{credentials}@127.0.0.1:{proxy.server_address[1]}")
    with running(gateway), running(proxy):
        yield proxy


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_gateway_is_reached_through_a_proxy_with_credentials(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        proxied(monkeypatch, scheme, tmp_path, CREDENTIALS) as proxy,
        contextlib.closing(HttpTarget(f"{scheme}://{HOST}", KEY)) as target,
    ):
        answers = [target.send(ASKED) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    seen = answers[0].json
    assert (seen["path"], seen["body"]) == ("/v1/some-model", '{"prompt": "a cat"}')
    assert (seen["headers"]["host"], seen["headers"]["x-api-key"]) == (HOST, "$SEGMIND_API_KEY")
    assert "proxy-authorization" not in seen["headers"]
    if scheme == "https":
        [head] = proxy.heads  # one tunnel for both requests
        assert head.startswith(f"CONNECT {HOST}:443 ".encode())
        assert KEY.encode() not in head + proxy.carried
    else:
        assert proxy.heads[0].startswith(f"POST http://{HOST}/v1/some-model ".encode())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_that_refuses_the_credentials_is_no_gateway(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        proxied(monkeypatch, scheme, tmp_path, "ci:wrong-secret"),
        contextlib.closing(HttpTarget(f"{scheme}://{HOST}", KEY)) as target,
        pytest.raises(NoAnswer) as raised,
    ):
        target.send(ASKED)
    said = str(raised.value)
    assert raised.value.refused
    assert "407 Proxy Authentication Required" in said
    assert f"(through the proxy in {scheme.upper()}_PROXY)" in said
    assert "wrong-secret" not in said


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_excepted_host_is_not_asked_through_the_proxy(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied(monkeypatch, scheme, tmp_path, CREDENTIALS) as proxy:
        monkeypatch.setenv("NO_PROXY", f"localhost,{HOST}")
        with contextlib.closing(HttpTarget(f"{scheme}://{HOST}", KEY)) as target, pytest.raises(NoAnswer) as raised:
            target.send(ASKED)
    assert raised.value.refused
    assert "proxy" not in str(raised.value)
    assert proxy.heads == []
