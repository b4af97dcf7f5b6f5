"""Pages are downloaded from one host, slowly, only if they changed, and within limits."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from segforge.cli import main
from segforge.pages.fetch import FetchError, FetchResult, Limits, fetch, read_index

URL = "https://docs.example/models/{}/api"
Handler = Callable[[httpx.Request], httpx.Response]


def run(
    handler: Handler, store: Path, *slugs: str, limits: Limits | None = None
) -> tuple[list[FetchResult], list[float]]:
    pauses: list[float] = []
    with httpx.Client(transport=httpx.MockTransport(handler)) as client:
        pages = [(slug, URL.format(slug)) for slug in slugs]
        return list(fetch(client, pages, store, limits or Limits(), sleep=pauses.append)), pauses


def site(**answers: httpx.Response) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        return answers.get(
            request.url.path.split("/")[-2] if request.url.path.count("/") > 1 else "robots", httpx.Response(404)
        )

    return handler


def html(text: str, **headers: str) -> httpx.Response:
    return httpx.Response(200, text=text, headers={"content-type": "text/html; charset=utf-8", **headers})


def test_a_page_is_stored_with_date_and_hash_and_requested_by_its_tag(tmp_path: Path) -> None:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.path == "/robots.txt":
            return httpx.Response(404)
        if request.headers.get("if-none-match") == '"1"':
            return httpx.Response(304)
        return html("<p>one</p>", etag='"1"')

    assert run(handler, tmp_path, "one")[0][0].result == "new"
    stored = read_index(tmp_path)["one"]
    assert (tmp_path / stored.file).read_text() == "<p>one</p>"
    assert len(stored.sha256) == 64
    assert len(stored.fetched) == 10
    assert run(handler, tmp_path, "one")[0][0].result == "unchanged"
    assert not any(name.lower() in ("x-api-key", "authorization") for request in asked for name in request.headers)


def test_a_changed_page_replaces_the_old_one(tmp_path: Path) -> None:
    run(site(one=html("old")), tmp_path, "one")
    assert run(site(one=html("old")), tmp_path, "one")[0][0].result == "unchanged"
    assert run(site(one=html("new")), tmp_path, "one")[0][0].result == "changed"
    assert (tmp_path / "one.html").read_text() == "new"


def test_requests_are_separated_by_pauses(tmp_path: Path) -> None:
    _, pauses = run(
        site(one=html("1"), two=html("2"), three=html("3")), tmp_path, "one", "two", "three", limits=Limits(pause=2.5)
    )
    assert pauses == [2.5, 2.5]


REJECTED = {
    "a redirect to another host": (httpx.Response(302, headers={"location": "https://evil.example/x"}), "another host"),
    "a circular redirect": (httpx.Response(302, headers={"location": "/models/one/api"}), "redirects"),
    "too large": (html("x" * 2000), "more than 1,000 bytes"),
    "an image": (httpx.Response(200, content=b"x", headers={"content-type": "image/png"}), "Content-Type image/png"),
    "gone": (httpx.Response(410), "HTTP 410"),
}


@pytest.mark.parametrize(("answer", "message"), REJECTED.values(), ids=REJECTED)
def test_a_response_that_is_not_a_page_is_not_stored(tmp_path: Path, answer: httpx.Response, message: str) -> None:
    ((outcome,), _) = run(site(one=answer), tmp_path, "one", limits=Limits(max_bytes=1000))
    assert outcome.result == "failed"
    assert message in outcome.why
    assert not (tmp_path / "one.html").exists()


def test_a_redirect_on_the_host_is_followed(tmp_path: Path) -> None:
    moved = httpx.Response(301, headers={"location": "/models/two/api"})
    run(site(one=moved, two=html("two")), tmp_path, "one")
    assert (tmp_path / "one.html").read_text() == "two"


def test_a_failed_connection_does_not_stop_the_others(tmp_path: Path) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if "one" in request.url.path:
            raise httpx.ConnectError("refused")
        return html("two")

    assert [one.result for one in run(handler, tmp_path, "one", "two")[0]] == ["failed", "new"]


def test_robots_txt_is_respected(tmp_path: Path) -> None:
    robots = httpx.Response(200, text="User-agent: *\nDisallow: /models/one/")
    assert [
        one.result for one in run(site(robots=robots, one=html("1"), two=html("2")), tmp_path, "one", "two")[0]
    ] == ["failed", "new"]


def test_pages_on_several_hosts_are_rejected(tmp_path: Path) -> None:
    with (
        httpx.Client(transport=httpx.MockTransport(site())) as client,
        pytest.raises(FetchError, match="several hosts"),
    ):
        list(fetch(client, [("a", "https://a.example/a"), ("b", "https://b.example/b")], tmp_path, Limits()))


def test_a_malformed_index_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.json").write_text(json.dumps({"a": {"nonsense": 1}}))
    assert main(["fetch", "http://127.0.0.1:9/models/a/api", "--store", str(tmp_path)]) == 1
    assert "index.json" in capsys.readouterr().err


@pytest.mark.parametrize("given", [[], ["../etc/passwd"], ["https://www.segmind.com/"]])
def test_misuse(given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", *given, "--store", str(tmp_path)]) == 2
    assert "segforge fetch:" in capsys.readouterr().err
