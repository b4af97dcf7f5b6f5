"""Targets: the headers sent, the answers read, and the URLs and keys rejected."""

from collections.abc import Iterator

import httpx
import pytest

from segforge import Catalog
from segforge_contract import AsgiTarget, BadTarget, HttpTarget, NoAnswer, Request, Response
from segforge_contract.cases.case import Case
from segforge_contract.checks.answers import Broken
from segforge_contract.engine.failure import Failure
from segforge_contract.messages.request import MOST_VALUES, NOT_JSON
from segforge_contract.reports.text import describe
from segforge_contract.targets.base import read_answer, request_headers
from segforge_contract.targets.in_process import AsgiApp, Message
from tests.contract.serving import serve
from tests.contract.standin import KEY, StandIn


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8086",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:port",
        "http://[::1",
        "http://user:secret@127.0.0.1",
        "http://127.0.0.1/?q=1",
        "http://127.0.0.1/#f",
        "http://127.0.0.1/v1",
        "http://127.0.0.1/v2/",
    ],
)
def test_bad_url_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(BadTarget) as caught:
        HttpTarget(url, KEY)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["", f"{KEY}\n", f" {KEY}", "SG_é"])
def test_bad_key_is_refused_and_never_shown(key: str) -> None:
    with pytest.raises(BadTarget) as caught:
        HttpTarget("http://127.0.0.1", key)
    assert not key.strip() or key.strip() not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8086/", True),
        ("http://localhost:8086", True),
        ("http://[::1]:8086", True),
        ("http://127.0.0.2", True),
        ("https://api.segmind.com", False),
        ("http://localhost.example", False),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1.example", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, loopback: bool) -> None:
    target = HttpTarget(url, KEY)
    assert target.loopback is loopback
    assert not target.base_url.endswith("/")
    target.close()


def test_key_is_sent_as_the_request_says() -> None:
    assert request_headers(Request("GET", "/"), "x-api-key", KEY)["x-api-key"] == KEY
    assert "x-api-key" not in request_headers(Request("GET", "/", "missing"), "x-api-key", KEY)
    assert KEY not in request_headers(Request("GET", "/", "invalid"), "x-api-key", KEY).values()


def test_echoed_key_is_noted_and_masked() -> None:
    response = read_answer(400, {"x-debug": f"key={KEY}"}, f'{{"error": "{KEY}"}}'.encode(), KEY)
    assert response.key_echoed
    assert KEY not in repr(response)
    assert response.json == {"error": "$SEGMIND_API_KEY"}


def test_key_echoed_in_json_escapes_is_masked_too() -> None:
    escaped = "".join(f"\\u{ord(letter):04X}" if number % 2 else letter for number, letter in enumerate(KEY))
    response = read_answer(400, {}, f'{{"error": "{escaped}"}}'.encode(), KEY)
    assert (response.key_echoed, response.json) == (True, {"error": "$SEGMIND_API_KEY"})
    assert not read_answer(400, {}, b'{"error": "\\u0053"}', KEY).key_echoed


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": NaN}', b"\xff", b"[" * 100_000])
def test_body_that_is_not_strict_json_is_not_json(body: bytes) -> None:
    assert Response(200, {}, body).json is NOT_JSON


def test_json_of_too_many_values_is_not_read() -> None:
    assert len(Response(200, {}, b"[%s0]" % (b"0," * 100_000)).json) == 100_001
    for value in (b"0,", b"{},", b"[],"):
        assert Response(200, {}, b"[%s0]" % (value * MOST_VALUES)).json is NOT_JSON


def test_answer_in_words_fits_one_line_and_shows_no_control_characters() -> None:
    words = Response(400, {"content-type": "text/\x1b[2J"}, "a\nb\u202e".encode() * 400).in_words
    assert words.isprintable()
    assert len(words) < 600


def test_failure_can_not_forge_a_terminal() -> None:
    hostile = "\x9b2J\u202e\x1b]0;\nall rules held"
    request = Request("POST", "/v1/x", "valid", "application/json", hostile.encode())
    case = Case("range.above", "run", "x", "alpha", hostile, request, (), {"alpha": hostile})
    text = describe(Failure(case, Broken("range.above", "400", hostile), (request,)), "http://127.0.0.1")
    assert all(line.isprintable() for line in text.split("\n"))
    assert not any(line.startswith("all rules held") for line in text.split("\n"))


@pytest.fixture(params=["asgi", "http"])
def target(request: pytest.FixtureRequest, catalog: Catalog) -> Iterator[AsgiTarget | HttpTarget]:
    standin = StandIn(catalog, "redirects")
    if request.param == "asgi":
        asgi = AsgiTarget(standin, KEY)
        yield asgi
        asgi.close()
    else:
        with serve(standin) as url:
            http = HttpTarget(url, KEY)
            yield http
            http.close()


def test_both_targets_answer_alike(target: AsgiTarget | HttpTarget, catalog: Catalog) -> None:
    body = httpx.Request("POST", "http://x", json=catalog.model("flux-img2img").valid_example).content
    good = target.send(Request("POST", "/v1/flux-img2img", "valid", "application/json", body))
    assert (good.status, good.media_type) == (200, "image/jpeg")
    assert good.headers["x-cost"] == "0.05"
    assert target.send(Request("POST", "/v1/flux-img2img", "missing", "application/json", body)).status == 401
    assert target.send(Request("POST", "/v1/flux-img2img", "valid", None, body)).status == 406
    assert target.send(Request("DELETE", "/v1/flux-img2img")).media_type == "text/html"


def test_redirects_are_not_followed(target: AsgiTarget | HttpTarget) -> None:
    answer = target.send(Request("POST", "/v1/flux-img2img", "valid", "application/json", b"{"))
    assert (answer.status, answer.headers["location"]) == (307, "http://elsewhere.invalid/")


async def _raises(*_: object) -> None:
    raise RuntimeError("broken\napp")


async def _says_nothing(*_: object) -> None:
    return


async def _stops_halfway(_scope: Message, _receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]  # typed as an ASGI callable


@pytest.mark.parametrize("app", [_raises, _says_nothing, _stops_halfway])
def test_app_that_does_not_answer_is_no_answer(app: AsgiApp) -> None:
    target = AsgiTarget(app, KEY)
    with pytest.raises(NoAnswer) as caught:
        target.send(Request("GET", "/"))
    assert str(caught.value).isprintable()
    assert not caught.value.refused
    target.close()
