"""A proxy that records, the traffic that tests send through it, and servers with answers of their own."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from segforge_mock import Mock
from segforge_mock.http.endpoint import AsgiEndpoint
from segforge_mock.http.server import BackgroundServer
from segforge_mock.models.served import packaged_models
from segforge_mock.proxy.proxy import Proxy
from segforge_mock.recordings.folder import RecordingFolder
from segforge_mock.recordings.recorder import Recorder
from tests.seeds import seed_catalog

EXAMPLE = seed_catalog().model("style-transfer").valid_example
MODELS = packaged_models()
SAME = {"host": "mock.test"}
"""The address of the caller, so that URLs in answers are the same on any port."""


@contextmanager
def recording(upstream: str, folder: Path, *, small: bool = False, lines: list[str] | None = None) -> Iterator[str]:
    """Yields the URL of a proxy that records to a folder."""
    lines = [] if lines is None else lines
    recorder = Recorder(RecordingFolder(folder, small_media=small), upstream, (MODELS.gateway.base_url,), lines.append)
    with BackgroundServer(AsgiEndpoint(Proxy(upstream, MODELS, lambda _: None, recorder=recorder))) as url:
        yield url


Reply = Callable[[Any, bytes], tuple[list[tuple[str, str]], bytes]]
JSON = [("content-type", "application/json")]


def upstream_of(reply: Reply) -> BackgroundServer:
    """Returns a server whose answers `reply(scope, request body)` makes: their headers and bodies."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        headers, body = reply(scope, message["body"])
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    return BackgroundServer(app)


def gateway() -> Mock:
    return Mock(time_scale=0, job_policy="polls=2", media="tiny")


Send = Callable[..., httpx.Response]


@contextmanager
def sender(url: str, key: str | None = Mock().key) -> Iterator[Send]:
    headers = SAME if key is None else {**SAME, "x-api-key": key}
    with httpx.Client(base_url=url, headers=headers) as client:
        yield client.request


def local(url: str) -> str:
    """Returns a URL without its address."""
    return re.sub(r"^http://mock\.test", "", url)


def drive(send: Send) -> list[httpx.Response]:
    """Sends a run, a refusal, a job with all its polls, its file, and two readings of the balance."""
    answers = [
        send("POST", "/v1/style-transfer", json=EXAMPLE),
        send("POST", "/v1/style-transfer", json={"width": "x"}),
        send("GET", "/v1/get-user-credits"),
        job := send("POST", "/v2/style-transfer", json=EXAMPLE),
    ]
    status = "QUEUED"
    while status not in ("COMPLETED", "FAILED"):
        answers.append(send("GET", local(job.json()["status_url"])))
        status = answers[-1].json()["status"]
    answers += [
        result := send("GET", local(job.json()["response_url"])),
        send("GET", local(result.json()["output"])),
        send("GET", "/v1/get-user-credits"),
    ]
    return answers


def essence(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Returns status, body and headers, without those that the proxy or the mock adds."""
    kept = [(n, v) for n, v in answer.headers.items() if n not in ("date", "server") and not n.startswith("x-mock-rec")]
    return answer.status_code, answer.content, sorted(kept)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
