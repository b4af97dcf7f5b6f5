"""A test gateway on a real socket with answers set by the test, and a client for it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from segmind_client import Segmind

KEY = "SG_0123456789abcdef"


@dataclass(frozen=True)
class Answer:
    """An answer of the test gateway. `cut` closes the connection after that many bytes of the body."""

    status: int = 200
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass(frozen=True)
class Received:
    """A request as received, with header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def json_answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})


class Gateway:
    """The test gateway: the answers for each method and path (the last one repeats), and the received requests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[Received] = []
        self._answers: dict[tuple[str, str], list[Answer]] = {}

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self._answers[method, path] = list(answers)

    def answer(self, request: Received) -> Answer:
        self.received.append(request)
        answers = self._answers.get((request.method, request.path))
        if not answers:
            return json_answer({"error": f"nothing at {request.path}"}, 404)
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def job(self, request_id: str = "r1", slug: str = "flux-img2img", **urls: str) -> None:
        """Accepts a submit of this model."""
        self.on("POST", f"/v2/{slug}", json_answer({"request_id": request_id, "status": "QUEUED", **urls}))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # one packet an answer: with more, Nagle's algorithm waits 40 ms for an acknowledgement
    gateway: Gateway

    def _respond(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.gateway.answer(Received(self.command, self.path, headers, content))
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.content)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content[: answer.cut])
        self.close_connection = answer.cut is not None

    do_GET = do_POST = _respond  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in http.server
        """Logs nothing."""


@contextmanager
def stand_in() -> Iterator[Gateway]:
    """Starts a gateway on a free port."""

    class Handler(_Handler):
        """A class for each test gateway, because http.server creates the instances."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Handler.gateway = gateway = Gateway(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield gateway
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with stand_in() as gateway:
        yield gateway


@pytest.fixture
def client(gateway: Gateway) -> Iterator[Segmind]:
    with Segmind(KEY, gateway.url) as client:
        yield client


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEGMIND_API_KEY", "SEGMIND_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The client of the models in `tests.client.wide`."""
    from tests.client.wide import imported

    return imported(tmp_path_factory.getbasetemp() / "wide")


@pytest.fixture
def wide_client(wide: Any, gateway: Gateway) -> Iterator[Any]:
    """A client of these models, for the test gateway."""
    with wide.Segmind(KEY, gateway.url) as client:
        yield client
