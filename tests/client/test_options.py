"""Invalid options are rejected with their name. Headers are merged regardless of case."""

import math
from typing import Any

import httpx
import pytest

from segmind_client import AsyncSegmind, Event, Segmind
from tests.client.conftest import KEY, Answer, Gateway, json_answer


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"timeout": None}, TypeError, "timeout is None; expected seconds above 0"),
        ({"timeout": "5"}, TypeError, "timeout is '5'; expected seconds above 0"),
        ({"timeout": math.inf}, ValueError, "timeout is inf; expected seconds above 0, at most 1000000"),
        ({"timeout": math.nan}, ValueError, "timeout is nan"),
        ({"timeout": 1e12}, ValueError, "timeout is 1000000000000.0"),
        ({"timeout": 0}, ValueError, "timeout is 0"),
        ({"retries": None}, TypeError, "retries is None; expected a whole number from 0 upwards"),
        ({"retries": 1.5}, TypeError, "retries is 1.5"),
        ({"retries": -1}, ValueError, "retries is -1"),
        ({"max_spend": "1"}, TypeError, "max_spend is '1'; expected credits from 0 upwards"),
        ({"headers": {"a": 1}}, TypeError, "'a' with a value of type int"),
        ({"headers": {"a": "secret\r\nb: c"}}, ValueError, "headers: the value of 'a'"),
        ({"headers": {"a": "clé"}}, ValueError, "headers: the value of 'a'"),
        ({"headers": {"": "x"}}, ValueError, "headers has the name ''"),
        ({"on_event": 3}, TypeError, "on_event is 3; expected a function"),
        ({"base_url": 5}, TypeError, "base_url is of type int; expected text"),
        ({"api_key": KEY.encode()}, TypeError, "api_key is of type bytes; expected text"),
    ],
)
@pytest.mark.parametrize("client", [Segmind, AsyncSegmind])
def test_an_invalid_option_is_rejected_with_its_name(
    client: type[Any], options: dict[str, Any], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind) as caught:
        client(**{"api_key": KEY, **options})
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_times_of_a_job_and_of_gather_are_checked_first(client: Segmind, gateway: Gateway) -> None:
    gateway.job()
    job = client.submit_async("flux-img2img")
    wrong: list[Any] = [None, "3"]
    slug: Any = 3
    for value in wrong:
        for call in (job.wait, job.download, lambda given: client.gather([job], timeout=given)):
            with pytest.raises(TypeError, match=f"timeout is {value!r}; expected a number of seconds"):
                call(value)
    with pytest.raises(TypeError, match="concurrency is '3'; expected a whole number from 1"):
        client.gather([job], concurrency=wrong[1])
    with pytest.raises(TypeError, match="the slug of a model is 3; expected"):
        client.run(slug)
    with pytest.raises(TypeError, match="request_id is None; expected text"):
        client.jobs.resume(wrong[0])
    assert len(gateway.received) == 1


def test_a_wait_may_be_unlimited(client: Segmind, gateway: Gateway) -> None:
    gateway.job()
    gateway.on("GET", "/v2/requests/r1/status", json_answer({"status": "COMPLETED"}))
    gateway.on("GET", "/v2/requests/r1", json_answer({"status": "COMPLETED", "output": f"{gateway.url}/1.svg"}))
    gateway.on("GET", "/1.svg", Answer(200, b"<svg/>", {"Content-Type": "image/svg+xml"}))
    assert client.submit_async("flux-img2img").download(math.inf).content == b"<svg/>"


class Listener:
    """A listener that is an object."""

    async def __call__(self, event: Event) -> None:
        """Never runs."""


async def listen(event: Any) -> None:
    """Never runs."""


def test_a_coroutine_function_as_a_listener_is_rejected(client: Segmind, gateway: Gateway) -> None:
    for listener in (listen, Listener()):
        with pytest.raises(TypeError, match="on_event is a coroutine function"):
            AsyncSegmind(KEY, on_event=listener)
    gateway.job()
    job = client.submit_async("flux-img2img")
    with pytest.raises(TypeError, match="on_update is a coroutine function"):
        job.wait(on_update=listen)
    assert len(gateway.received) == 1


def test_headers_are_merged_regardless_of_case() -> None:
    sent: list[list[tuple[bytes, bytes]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append([(name.lower(), value) for name, value in request.headers.raw])
        return httpx.Response(200, json={})

    headers = {"User-Agent": "mine/1", "X-Team": "blue"}
    client = Segmind(KEY, "http://mock", headers=headers, transport=httpx.MockTransport(answer))
    client.with_options(headers={"x-team": "red"}).credits()
    assert [value for name, value in sent[0] if name == b"user-agent"] == [b"mine/1"]
    assert [value for name, value in sent[0] if name == b"x-team"] == [b"red"]
