"""The validating proxy: it forwards the upstream's answers and reports differences from the specs."""

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest

from segforge_mock import Mock, MockTransport, create_app
from segforge_mock.gateway.routing import Match
from segforge_mock.http.endpoint import AsgiEndpoint
from segforge_mock.http.server import BackgroundServer
from segforge_mock.models.served import packaged_models
from segforge_mock.proxy.differences import ObservedAnswer, differences
from segforge_mock.proxy.proxy import Proxy
from tests.mock.conftest import KEY
from tests.seeds import seed_catalog
from tests.shared import started

CATALOG = seed_catalog()
EXAMPLE = CATALOG.model("style-transfer").valid_example
MODELS = packaged_models()
ACCEPTED = dict.fromkeys(("request_id", "poll_url", "status_url", "response_url"), "x") | {"status": "QUEUED"}


def test_answers_that_match_the_specs_pass_without_a_report() -> None:
    with Mock(time_scale=0) as mock:
        reports: list[dict[str, Any]] = []
        with BackgroundServer(AsgiEndpoint(Proxy(mock.url, MODELS, reports.append))) as url:
            with httpx.Client(base_url=url, headers={"x-api-key": mock.key}) as client:
                direct = httpx.post(f"{mock.url}/v1/style-transfer", json=EXAMPLE, headers={"x-api-key": mock.key})
                assert client.post("/v1/style-transfer", json=EXAMPLE).content == direct.content
                assert client.post("/v1/style-transfer", json={"width": "x"}).status_code == 400
                job = client.post("/v2/style-transfer", json=EXAMPLE).json()
                for path in ("status", ""):
                    assert client.get(f"/v2/requests/{job['request_id']}/{path}").json()["status"] == "COMPLETED"
                assert client.get("/v2/requests/none").status_code == 404
                assert client.get("/_mock/scenarios").status_code == 200  # the upstream's own, not the proxy's
            assert reports == []
            assert [request.route for request in mock.requests] == [
                "run",
                "run",
                "run",
                "submit",
                "status",
                "result",
                "result",
            ]


def test_differences_are_reported_without_the_key() -> None:
    with Mock(time_scale=0, profile="observed") as mock:
        reports: list[dict[str, Any]] = []
        with (
            BackgroundServer(AsgiEndpoint(Proxy(mock.url, MODELS, reports.append))) as url,
            httpx.Client(base_url=url, headers={"x-api-key": mock.key}) as client,
        ):
            answer = client.post("/v2/style-transfer", json={**EXAMPLE, "width": "wide", "prompt": mock.key})
            assert answer.status_code == 200
            assert answer.headers["x-mock-deviations"] == "type.string_for_integer"
        [report] = reports
        assert report["rule"] == "type.string_for_integer"
        assert report["found"] == "200"
        assert mock.key not in json.dumps(reports)


@pytest.mark.parametrize(
    ("method", "path", "payload"),
    [
        ("POST", "/v1/style-transfer", {"style_image": "https://example.com/a.png"}),
        ("POST", "/v1/style-transfer", {}),
        ("POST", "/v1/nothing", {}),
        ("GET", "/v1/get-user-credits", None),
        ("GET", "/healthz", None),
        ("GET", "/_mock/jobs", None),
    ],
)
def test_the_proxy_answers_like_the_gateway_behind_it(method: str, path: str, payload: object) -> None:
    gateway = create_app(time_scale=0, media="tiny")
    proxy = AsgiEndpoint(Proxy("http://mock", MODELS, lambda _: None, MockTransport(gateway)))
    answers = []
    for app in (proxy, gateway):
        with httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY}) as client:
            answers.append(client.request(method, path, json=payload))
    through, direct = answers
    assert (through.status_code, through.headers["content-type"]) == (
        direct.status_code,
        direct.headers["content-type"],
    )
    assert through.content == direct.content


def test_an_unreachable_upstream_is_502() -> None:
    with BackgroundServer(AsgiEndpoint(Proxy("http://127.0.0.1:9", MODELS))) as url:
        response = httpx.post(f"{url}/v1/style-transfer", json=EXAMPLE, headers={"x-api-key": KEY})
    assert response.status_code == 502


def seen(
    route: str, status: int, body: object, *, request: object = EXAMPLE, media_type: str = "application/json"
) -> ObservedAnswer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    value = "style-transfer" if route in ("run", "submit") else "id"
    return ObservedAnswer(
        Match(route, "POST", value), json.dumps(request).encode(), status, {"content-type": media_type}, content
    )


@pytest.mark.parametrize(
    ("exchange", "rule"),
    [
        (seen("run", 418, {"error": "x"}), "status.documented"),
        (seen("run", 422, {"error": "x", "status": "FAILED"}), "status.documented"),
        (seen("run", 500, {"message": "x"}), "body.error"),
        (seen("run", 400, {"error": "no"}), "payload.valid"),
        (seen("run", 200, b"GIF", media_type="image/gif"), "bytes.content_type"),
        (
            seen("run", 200, b"RIFF", request={**EXAMPLE, "number_of_images": 11}, media_type="image/webp"),
            "range.above",
        ),
        (seen("submit", 200, {**ACCEPTED, "status_url": None}), "job.accepted_keys"),
        (seen("submit", 200, {**ACCEPTED, "status": "STARTED"}), "job.first_state"),
        (seen("status", 200, {"status": "RUNNING"}), "job.known_state"),
        (seen("status", 200, {"status": "FAILED"}), "job.status_code"),
        (seen("result", 422, {"status": "COMPLETED", "error": "x"}), "job.status_code"),
    ],
)
def test_each_difference_has_a_name(exchange: ObservedAnswer, rule: str) -> None:
    assert [difference.rule for difference in differences(MODELS, exchange)] == [rule]


@pytest.mark.parametrize(
    "exchange",
    [
        seen("run", 200, b"RIFF", media_type="image/webp"),
        seen("run", 400, {"error": "x"}, request={"width": "x"}),
        seen("run", 429, {"error": "x"}),
        seen("run", 405, b"<html>", media_type="text/html"),
        seen("submit", 200, ACCEPTED),
        seen("status", 200, {"status": "PROCESSING"}),
        seen("status", 422, {"status": "FAILED", "error": "x"}),
    ],
)
def test_documented_answers_are_no_difference(exchange: ObservedAnswer) -> None:
    assert differences(MODELS, exchange) == []


def test_the_command_forwards_and_has_no_admin_api() -> None:
    with Mock(time_scale=0, profile="observed", admin=False) as mock:
        command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", "--upstream", mock.url]
        with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            assert httpx.get(f"{url}/_mock/scenarios").status_code == 403
            assert httpx.post(f"{url}/v2/style-transfer", json={}, headers={"x-api-key": mock.key}).status_code == 200
            process.terminate()
            _, errors = process.communicate(timeout=10)
    [entry] = [json.loads(line) for line in errors.splitlines()]
    assert entry["rule"] == "required.missing"


@pytest.mark.parametrize("arguments", [["--upstream", "ftp://x"], ["--upstream", "x"], ["--upstream", "http://x", "--admin-token", "t"]])  # fmt: skip  # noqa: E501
def test_an_upstream_that_cannot_be_used_is_misuse(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from segforge.cli import main

    assert main(["mock", "--port", "0", *arguments]) == 2
    assert "--upstream" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--allow-host=x.test", "--any-model", "--api-key=k", "--keys-file=f", "--chaos=run-failed=1", "--job-policy=held", "--log", "--media=tiny", "--profile=observed", "--public-url=http://x", "--rate-limit=5", "--script=f", "--seed=1", "--store=memory", "--time-scale=0", "--workers=2", "--admin-token=t"])  # fmt: skip  # noqa: E501
def test_options_without_an_effect_on_an_upstream_are_misuse(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    from segforge.cli import main

    assert main(["mock", "--port", "0", "--upstream", "http://x", option]) == 2
    assert f"leave out {option.partition('=')[0]}" in " ".join(capsys.readouterr().err.split())


def test_an_app_is_closed() -> None:
    import asyncio

    asyncio.run(create_app().close())
