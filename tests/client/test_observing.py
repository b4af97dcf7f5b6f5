"""Logging, and the caller's own clients and transports."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from segforge_mock import Mock, MockTransport, create_app
from segmind_client import AsyncSegmind, Event, JsonResult, MediaResult, Segmind, _log
from tests.client.conftest import KEY, Gateway, json_answer

CALL: Any = {"image": "https://host.test/a.png", "prompt": "a cat"}


@pytest.fixture(autouse=True)
def _logger_as_before() -> Iterator[None]:
    before = _log.LOGGER.level, list(_log.LOGGER.handlers)
    yield
    _log.LOGGER.level, _log.LOGGER.handlers = before


def test_the_log_contains_status_time_and_id(
    client: Segmind, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.on("POST", "/v1/any", json_answer({}, headers={"x-request-id": "id-1"}))
    caplog.set_level(logging.INFO, "segmind_client")
    client.run_sync("any", prompt="a secret plan")
    assert "POST /v1/any (attempt 1): 200, request id-1, after" in caplog.text
    assert "secret plan" not in caplog.text


def test_the_environment_turns_the_log_on() -> None:
    code = (
        "import segmind_client as s; s.Segmind('SG_0123456789abcdef', 'http://127.0.0.1:9', retries=0).run_sync('any')"
    )
    environment = {**os.environ, "SEGMIND_LOG": "Debug"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "DEBUG segmind_client: POST /v1/any (attempt 1)" in run.stderr
    assert KEY not in run.stderr.partition("Traceback")[0]


def test_a_failing_hook_does_not_lose_the_result(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    gateway.on("POST", "/v1/any", json_answer({"text": "paid for"}))

    def broken(event: Event) -> None:
        raise ZeroDivisionError(event.kind)

    with Segmind(KEY, gateway.url, on_event=broken) as client:
        result = client.run_sync("any")
    assert isinstance(result, JsonResult)
    assert result.data == {"text": "paid for"}
    assert "on_event failed at response" in caplog.text


def test_proxies_come_from_the_environment(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", gateway.url)
    gateway.on("POST", "http://gateway.test/v1/any", json_answer({"by": "proxy"}))
    with Segmind(KEY, "http://gateway.test") as client:
        result = client.run_sync("any")
    assert isinstance(result, JsonResult)
    assert result.data == {"by": "proxy"}


def test_the_caller_s_transport_is_used() -> None:
    with Segmind(KEY, "http://mock", transport=MockTransport(create_app(time_scale=0, images="tiny"))) as client:
        assert isinstance(client.flux_ipadapter.run(**CALL), MediaResult)


def test_clients_and_transports_of_the_wrong_type_are_rejected() -> None:
    blocking, asynchronous = httpx.Client(), httpx.AsyncClient()
    with pytest.raises(TypeError, match=r"http_client is a httpx\.Client; expected an httpx\.AsyncClient"):
        AsyncSegmind(KEY, http_client=blocking)  # type: ignore[arg-type]  # the mistake to be caught
    with pytest.raises(TypeError, match=r"transport is a httpx\.AsyncClient; expected an httpx\.BaseTransport"):
        Segmind(KEY, transport=asynchronous)  # type: ignore[arg-type]  # the mistake to be caught
    with pytest.raises(TypeError, match="exclude each other"):
        Segmind(KEY, http_client=blocking, transport=httpx.MockTransport(lambda _: httpx.Response(200)))


def test_the_caller_s_async_client_is_used_and_left_open() -> None:
    async def main(mock: Mock) -> None:
        async with httpx.AsyncClient(headers={"x-team": "blue"}) as own:
            async with AsyncSegmind(mock.key, mock.url, http_client=own) as client:
                await client.flux_ipadapter.run(**CALL)
            assert not own.is_closed
        assert mock.requests[0].headers["x-team"] == "blue"

    with Mock(time_scale=0, images="tiny") as mock:
        asyncio.run(main(mock))


FORKED = """
import os, sys
from segmind_client import Segmind

client = Segmind(sys.argv[1], sys.argv[2])
client.credits()
call = {"image": "https://host.test/a.png", "prompt": "a cat"}
children = []
for start in range(3):
    child = os.fork()
    if not child:
        seeds = range(start * 1000, start * 1000 + 15)
        right = all(client.flux_ipadapter.run(**call, seed=seed).seed == seed for seed in seeds)
        client.close()
        os._exit(0 if right else 1)
    children.append(child)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children], client.credits()["credits"] > 0)
"""


def test_forked_processes_do_not_read_each_other_s_answers() -> None:
    with Mock(time_scale=0, images="tiny") as mock:
        command = [sys.executable, "-W", "error", "-c", FORKED, mock.key, mock.url]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (run.stdout, run.stderr) == ("[0, 0, 0] True\n", "")


LOOPS = """
import asyncio, sys
from segmind_client import AsyncSegmind

client = AsyncSegmind(sys.argv[1], sys.argv[2])
for _ in range(3):
    print(asyncio.run(client.credits())["credits"] > 0)
asyncio.run(client.aclose())
"""


def test_one_client_works_on_one_event_loop_after_the_other() -> None:
    """Runs in a process of its own, because nothing can close the connections of a closed loop."""
    with Mock(time_scale=0, images="tiny") as mock:
        command = [sys.executable, "-c", LOOPS, mock.key, mock.url]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (run.stdout, run.stderr) == ("True\n" * 3, "")


def test_a_client_works_without_an_asyncio_loop() -> None:
    """Nothing depends on asyncio, as under trio."""
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={"credits": 1}))
    call = AsyncSegmind(KEY, "http://mock", transport=answer).credits()
    with pytest.raises(StopIteration) as ended:
        call.send(None)
    assert ended.value.value == {"credits": 1}


def test_a_program_without_logging_sees_no_output(gateway: Gateway) -> None:
    gateway.on("GET", "/v1/get-user-credits", json_answer({}, 502), json_answer({}))
    code = "import sys, segmind_client as s; s.Segmind(*sys.argv[1:]).credits()"
    command = [sys.executable, "-c", code, KEY, gateway.url]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert len(gateway.received) == 2
