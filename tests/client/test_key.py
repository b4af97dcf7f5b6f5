"""The key is sent to the configured host only, and nothing shows it."""

import asyncio
import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator

import httpx
import pytest

import segmind_client
from segmind_client import AsyncSegmind, Segmind, SegmindError
from tests.client.conftest import KEY, Answer, Gateway, json_answer, stand_in

PARAMS = {"image": "https://host.test/a.png", "prompt": "a cat"}


@pytest.fixture
def foreign() -> Iterator[Gateway]:
    """Another host, which must not receive anything."""
    with stand_in() as gateway:
        yield gateway


def test_urls_from_the_gateway_are_not_requested(client: Segmind, gateway: Gateway, foreign: Gateway) -> None:
    urls = dict.fromkeys(("status_url", "response_url", "poll_url"), f"{foreign.url}/v2/requests/r1")
    gateway.job(**urls)
    gateway.on("GET", "/v2/requests/r1/status", json_answer({"status": "COMPLETED", **urls}))
    gateway.on("GET", "/v2/requests/r1", json_answer({"status": "COMPLETED", "output": f"{foreign.url}/1.jpeg"}))
    assert client.run("flux-img2img", prompt="a cat")["status"] == "COMPLETED"
    assert foreign.received == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(gateway: Gateway, foreign: Gateway, status: int) -> None:
    away = Answer(status, b"", {"Location": f"{foreign.url}/v1/flux-img2img"})
    gateway.on("POST", "/v1/flux-img2img", away)
    gateway.on("GET", "/v2/requests/r1/status", away)
    gateway.job()
    with httpx.Client(follow_redirects=True) as careless:
        client = Segmind(KEY, gateway.url, http_client=careless)
        with pytest.raises(SegmindError, match="redirect"):
            client.run_sync("flux-img2img")
        with pytest.raises(SegmindError, match="redirect"):
            client.run("flux-img2img")
    assert foreign.received == []


def test_the_key_is_not_stored_in_the_caller_s_client(gateway: Gateway, foreign: Gateway) -> None:
    gateway.on("POST", "/v1/flux-img2img", json_answer({}))
    with httpx.Client() as own:
        Segmind(KEY, gateway.url, http_client=own).run_sync("flux-img2img")
        own.get(foreign.url)
    assert gateway.received[0].headers["x-api-key"] == KEY
    assert KEY not in str(foreign.received[0].headers)


def leaky(gateway: Gateway) -> None:
    """Lets the gateway quote the key in all answers."""
    said = {"error": f"bad key {KEY}", "status": "FAILED", "request_id": f"r-{KEY}"}
    headers = {"x-request-id": f"id-{KEY}", "Location": f"http://host.test/?key={KEY}"}
    gateway.on("POST", "/v1/flux-img2img", json_answer(said, 401, headers))
    gateway.on("POST", "/v1/page", Answer(405, f"<p>{KEY}</p>".encode(), {"Content-Type": "text/html", **headers}))
    gateway.on("POST", "/v1/bare", Answer(500, KEY.encode(), headers))
    gateway.on("POST", "/v1/redirect", Answer(302, KEY.encode(), headers))
    gateway.on("POST", "/v1/text", json_answer({"echo": KEY}, headers=headers))
    gateway.on("POST", "/v1/cut", Answer(200, f"{KEY} and more".encode(), headers, cut=20))
    gateway.job()
    gateway.on("GET", "/v2/requests/r1/status", json_answer(said, 422, headers))
    gateway.job("r2", slug="odd", status_url=f"http://host.test/{KEY}")
    gateway.on("GET", "/v2/requests/r2/status", json_answer(said, 200, headers))


def shown(error: BaseException) -> str:
    """Returns everything that an error report may show: the chain, the attributes, and the locals of our own frames."""
    frames = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    chain = [error, error.__cause__, error.__context__]
    requests = [getattr(link, "_request", None) for link in chain]
    headers = [dict(request.headers) for request in requests if request is not None]
    ours = frames.partition("segmind_client")[2]
    return "\n".join([ours, str(error), repr(error), str(vars(error)), str(pickle.dumps(error)), *map(str, headers)])


CALLS: dict[str, Callable[[Segmind], object]] = {
    **{
        slug: lambda client, slug=slug: client.run_sync(slug)  # type: ignore[misc]  # the default binds the loop's value
        for slug in ("flux-img2img", "page", "bare", "redirect", "cut", "unknown")
    },
    "failed": lambda client: client.run("flux-img2img"),
    **{
        f"chat with {slug}": lambda client, slug=slug: client.chat_sync(slug, "Hello")  # type: ignore[misc]
        for slug in ("page", "bare", "redirect", "cut")
    },
    "failed chat": lambda client: client.chat("odd", "Hello"),
    "refused chat": lambda client: client.chat("flux-img2img", "Hello"),
    "chat without a text": lambda client: client.chat_sync("text", "Hello").text,
    "failed under 200": lambda client: client.run("odd"),
    "a loop": lambda client: list(client.submit_async("odd")),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_error_shows_the_key(client: Segmind, gateway: Gateway, call: str) -> None:
    leaky(gateway)
    with pytest.raises(SegmindError) as caught:
        CALLS[call](client)
    assert KEY not in shown(caught.value)


def test_transport_errors_do_not_show_the_key() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"refused {request.headers}", request=request)

    with httpx.Client(transport=httpx.MockTransport(refuse)) as http, pytest.raises(SegmindError) as caught:
        Segmind(KEY, http_client=http).run_sync("flux-img2img")
    assert KEY not in shown(caught.value)


def test_requests_that_work_are_logged_without_the_key(
    client: Segmind, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.job()
    gateway.on("POST", "/v1/flux-img2img", json_answer({"ok": True}))
    caplog.set_level(logging.DEBUG)
    client.run_sync("flux-img2img", **PARAMS)
    client.submit_async("flux-img2img", **PARAMS)
    assert "httpcore" in caplog.text
    assert KEY not in caplog.text


def test_no_object_shows_the_key(client: Segmind, gateway: Gateway) -> None:
    gateway.job("r2", slug="odd", status_url=f"http://host.test/{KEY}")
    gateway.on("POST", "/v1/text", json_answer({"echo": KEY}, headers={"x-request-id": KEY}))
    gateway.on(
        "GET", "/v2/requests/r2/status", json_answer({"status": "QUEUED", "echo": KEY, "metrics": {"cost": KEY}})
    )
    job = client.submit_async("odd")
    update = next(iter(job))
    result = client.run_sync("text")
    chats = client.submit_chat("odd", "Hello"), client.chat_sync("text", "Hello")
    for thing in (client, client.flux_img2img, job, update, result, *chats):
        assert KEY not in repr(thing)
        assert KEY not in str(thing)
        assert KEY not in json.dumps(vars(thing), default=repr)
    assert KEY not in str(pickle.dumps([result, chats[1]]))


def test_objects_with_the_key_can_not_be_pickled_or_copied(client: Segmind, gateway: Gateway) -> None:
    gateway.job()
    for thing in (client, client.flux_img2img, client.submit_async("flux-img2img")):
        for twin in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match="API key") as caught:
                twin(thing)
            assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", [f"{KEY}\nx", f"{KEY} x", "clé-0123456789", f"{KEY}\0"])
def test_an_invalid_key_is_rejected_without_showing_it(key: str) -> None:
    with pytest.raises(ValueError, match="characters") as caught:
        Segmind(key)
    assert key not in str(caught.value)
    assert "0123" not in str(caught.value)


def test_spaces_around_a_key_are_removed(gateway: Gateway) -> None:
    gateway.on("POST", "/v1/flux-img2img", json_answer({}))
    with Segmind(f" {KEY}\n", gateway.url) as client:
        client.run_sync("flux-img2img")
    assert gateway.received[0].headers["x-api-key"] == KEY


SAID = f"bad key {KEY}"


def led_astray(gateway: Gateway, foreign: Gateway) -> None:
    """Lets every URL and redirect lead to another host, and all answers quote the key."""
    urls = dict.fromkeys(("status_url", "response_url", "poll_url", "output"), f"{foreign.url}/a.jpeg?key={KEY}")
    headers = {"Location": f"{foreign.url}/?key={KEY}", "x-request-id": KEY, "x-cost": KEY}
    completed = {"status": "COMPLETED", "images": [{"url": f"{foreign.url}/a.jpeg"}], "error": SAID, **urls}
    gateway.job(**{**urls, "message": SAID})
    gateway.on("GET", "/v2/requests/r1/status", json_answer({"error": SAID}, 502, headers), json_answer(completed))
    gateway.on("GET", "/v2/requests/r1", json_answer(completed, headers=headers))
    gateway.on("POST", "/v1/flux-img2img", json_answer({"error": SAID}, 307, headers))
    gateway.on("GET", "/v1/get-user-credits", json_answer({"error": SAID}, 401, headers))
    foreign.on("GET", "/a.jpeg", Answer(302, b"", {"Location": f"{foreign.url}/b.jpeg"}))


@pytest.mark.parametrize("kind", [Segmind, AsyncSegmind])
def test_the_key_does_not_reach_other_hosts_or_debug_logs(
    gateway: Gateway, foreign: Gateway, caplog: pytest.LogCaptureFixture, kind: type[Segmind] | type[AsyncSegmind]
) -> None:
    led_astray(gateway, foreign)
    shown_things: list[object] = []

    async def ask(call: Callable[[], object]) -> None:
        try:
            made = call()
            done = await made if asyncio.iscoroutine(made) else made
        except SegmindError as error:
            shown_things.extend([shown(error), error.request])
        else:
            shown_things.extend([done, repr(getattr(done, "headers", "")), getattr(done, "submit_response", "")])

    async def main() -> None:
        client = kind(KEY, gateway.url, on_event=shown_things.append)
        submitted = client.submit_async("flux-img2img")
        job = submitted if not asyncio.iscoroutine(submitted) else await submitted
        shown_things.extend([job, job.to_json(), client, client.spend, client.jobs, client.flux_img2img])
        calls = [
            job.status,
            job.wait,
            job.result,
            job.download,
            client.credits,
            lambda: client.run_sync("flux-img2img"),
        ]
        for call in calls:
            await ask(call)
        await client.aclose() if isinstance(client, AsyncSegmind) else client.close()

    caplog.set_level(logging.DEBUG)
    asyncio.run(main())
    assert foreign.received
    assert "x-api-key" not in foreign.received[0].headers
    assert KEY not in str(foreign.received)
    assert "httpcore" in caplog.text
    assert KEY not in caplog.text
    assert len(shown_things) > 20
    assert KEY not in str(shown_things)


def test_a_key_in_the_caller_s_client_is_not_sent_with_downloads(gateway: Gateway, foreign: Gateway) -> None:
    gateway.job()
    record = {"status": "COMPLETED", "output": f"{foreign.url}/a.jpeg"}
    gateway.on("GET", "/v2/requests/r1/status", json_answer(record))
    gateway.on("GET", "/v2/requests/r1", json_answer(record))
    foreign.on("GET", "/a.jpeg", Answer(200, b"image"))
    with httpx.Client(headers={"X-API-Key": KEY}) as own:
        assert Segmind(KEY, gateway.url, http_client=own).submit_async("flux-img2img").download().content == b"image"
    assert KEY not in str(foreign.received[0].headers)


@pytest.mark.parametrize(("name", "value"), [("SEGMIND_BASE_URL", "no address"), ("SEGMIND_LOG", "loud")])
def test_errors_about_the_environment_do_not_show_the_key(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    monkeypatch.setenv(name, value)
    calls: list[Callable[[], object]] = [lambda: segmind_client.run("flux-img2img"), lambda: Segmind(f"{KEY}"), Segmind]
    for call in calls:
        with pytest.raises(ValueError, match=name.lower().removeprefix("segmind_") + "|" + name) as caught:
            call()
        frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack[1:]
        assert KEY not in str([frame.locals for frame in frames])


def test_the_attributes_of_a_client_do_not_show_the_key(client: Segmind) -> None:
    assert KEY not in repr(vars(client._transport))
    assert KEY not in repr(vars(client.with_options(timeout=1)._transport))
