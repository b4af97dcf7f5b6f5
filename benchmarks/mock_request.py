"""Measures what the microseconds of a request to the mock go to: `python -m benchmarks.mock_request`.

Requests are passed to the server's protocol in this process, without a socket, so the operating system's part and that
of the client are missing. Each figure is the smallest mean of ROUNDS rounds, since other processes only add time. The
clock itself adds about 0.1 microseconds to each part.
"""

import asyncio
import contextlib
import gc
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final
from unittest.mock import patch

import uvicorn
from rich.console import Console
from rich.table import Table
from uvicorn.server import ServerState

from segforge_mock import create_app
from segforge_mock.http.answers import Answer
from segforge_mock.http.protocol import Protocol
from segforge_mock.http.request import IncomingRequest
from segforge_mock.http.server import run
from segforge_mock.models.served import models_of_catalog
from segforge_mock.tenants.history import History
from tests.seeds import seed_catalog

ROUNDS: Final = 400
REQUESTS: Final = 60
PARTS: Final = ("app", "write", "history")
CATALOG: Final = seed_catalog()
PAYLOAD: Final = CATALOG.model("style-transfer").valid_example
JSON: Final = CATALOG.model("flux-dev-finetuned").valid_example


class Wire(asyncio.Transport):
    """Keeps the last answer instead of sending it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""

    def write(self, data: Any) -> None:
        """Keeps an answer."""
        self.sent = data

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Returns an address for both ends."""
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def is_closing(self) -> bool:
        """Returns that the connection is open."""
        return False

    def get_write_buffer_size(self) -> int:
        """Returns that everything was sent."""
        return 0


class Timed:
    """The mock, with the seconds that it, the writing of answers and the history take."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self.app = create_app(models=models_of_catalog(CATALOG), time_scale=0, media="tiny")
        self._answer = self.app.answer

    async def answer(self, request: IncomingRequest) -> Answer:
        """Answers one request."""
        started = time.perf_counter()
        answer = await self._answer(request)
        self.spent["app"] += time.perf_counter() - started
        return answer

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a function that adds its time to a part."""

        def call(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            result = function(*arguments, **named)
            self.spent[part] += time.perf_counter() - started
            return result

        return call

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Measures the parts during the block."""
        with (
            patch.object(self.app, "answer", self.answer),
            patch.object(Protocol, "_write", self.timed("write", Protocol._write)),
            patch.object(History, "arrive", self.timed("history", History.arrive)),
            patch.object(History, "answered", self.timed("history", History.answered)),
        ):
            yield


def request(method: str, path: str, payload: object = None) -> bytes:
    """Returns the bytes of a request with the headers that wrk sends."""
    body = b"" if payload is None else json.dumps(payload).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1:8086", "x-api-key: SG_0123456789abcdef"]
    lines += ["content-type: application/json", f"content-length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def measure(protocol: Protocol, app: Timed, data: bytes) -> tuple[float, dict[str, float]]:
    """Returns the microseconds of a request, and of each part."""
    best, parts = float("inf"), dict[str, float]()
    for _ in range(ROUNDS):
        app.spent.clear()
        started = time.perf_counter()
        for _ in range(REQUESTS):
            protocol.data_received(data)
        seconds = time.perf_counter() - started
        if seconds < best:
            best, parts = seconds, {part: app.spent[part] / REQUESTS * 1e6 for part in PARTS}
    return best / REQUESTS * 1e6, parts


async def main() -> None:
    """Prints the table."""
    timed, wire, state = Timed(), Wire(), ServerState()
    config = uvicorn.Config(
        timed.app, http="httptools", ws="none", lifespan="off", interface="asgi3", log_config=None, proxy_headers=False
    )
    config.load()
    state.default_headers = [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")]
    protocol = Protocol(config, state, {}, endpoint=timed.app, memory=timed.app.memory)
    protocol.connection_made(wire)
    protocol.data_received(request("POST", "/v2/style-transfer", PAYLOAD))
    job = json.loads(wire.sent.partition(b"\r\n\r\n")[2])["request_id"]
    kinds = {
        "v1 JSON": request("POST", "/v1/flux-dev-finetuned", JSON),
        "v1 tiny image": request("POST", "/v1/style-transfer", PAYLOAD),
        "v2 submit": request("POST", "/v2/style-transfer", PAYLOAD),
        "v2 status": request("GET", f"/v2/requests/{job}/status"),
        "invalid body": request("POST", "/v2/style-transfer", {**PAYLOAD, "number_of_images": 11}),
    }
    for data in kinds.values():
        protocol.data_received(data)
    await asyncio.sleep(0.2)  # the first image is drawn in a thread
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    table = Table("request", "all µs", "reads HTTP", "gateway", "history", "writes HTTP")
    with timed.watching():
        for name, data in kinds.items():
            whole, parts = measure(protocol, timed, data)
            reading, gateway = whole - parts["app"] - parts["write"], parts["app"] - parts["history"]
            figures = (whole, reading, gateway, parts["history"], parts["write"])
            table.add_row(name, *(f"{figure:.1f}" for figure in figures))
    Console().print(table)


if __name__ == "__main__":
    work: Callable[[], Awaitable[None]] = main
    run(work)
