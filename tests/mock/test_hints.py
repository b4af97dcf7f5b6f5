"""Refusals state the likely mistake in a header and in the log, and never a key."""

import json
from typing import Any

import httpx
import pytest

from segforge_mock import MockTransport, create_app
from tests.mock.conftest import KEY
from tests.seeds import seed_catalog

EXAMPLE = seed_catalog().model("style-transfer").valid_example
ID = "2c7f59ea-13f1-402c-9353-915a2b5a2124"


def client_of(**settings: Any) -> httpx.Client:
    app = create_app(**{"time_scale": 0, **settings})
    return httpx.Client(transport=MockTransport(app), base_url="http://mock")


def hint(answer: httpx.Response) -> str:
    """Returns the hint of a refusal. Its body is that of the gateway alone."""
    if answer.headers["content-type"] == "application/json":
        assert list(answer.json()) == ["error"]
    return answer.headers["x-mock-hint"]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/style-transfer", "POST /v1/style-transfer"),
        ("/v1/models/style-transfer", "POST /v1/style-transfer"),
        ("/v1/models/style-transfr", "style-transfer"),
        ("/v1/models/x", "POST /v1/{slug}"),
        ("/v1/v2/style-transfer", "POST /v2/style-transfer? Remove /v1"),
        ("/v1/v2/m", "POST /v2/m? Remove /v1"),
        ("/v1/v1/m", "POST /v1/m? Remove /v1"),
        ("/api/v1/style-transfer", "POST /v1/style-transfer? Remove /api"),
        (f"/v1/v2/requests/{ID}/status", f"GET /v2/requests/{ID}/status? Remove /v1"),
        (f"/v1/requests/{ID}/status", f"GET /v2/requests/{ID}/status or GET /v2/requests/{ID}?"),
        ("/v1/v1/get-user-credits", "GET /v1/get-user-credits? Remove /v1"),
        ("/v1/chat/completions", "in the path, not in the body"),
        ("/nowhere", "POST /v1/{slug}"),
        ("/", "POST /v1/{slug}"),
        ("/a" * 1_000, "1000 parts"),
    ],
)
def test_an_unknown_path(path: str, wanted: str) -> None:
    with client_of() as client:
        answer = client.post(path, json={}, headers={"x-api-key": KEY})
    assert (answer.status_code, answer.json()) == (404, {"error": f"No such route: {path}"})
    assert wanted in hint(answer)


@pytest.mark.parametrize("path", ["/v1/style-transfr", "/v2/style-transfr"])
def test_an_unknown_slug(path: str) -> None:
    with client_of() as client:
        answer = client.post(path, json={}, headers={"x-api-key": KEY})
    assert answer.status_code == 404
    assert "did you mean style-transfer" in hint(answer)


@pytest.mark.parametrize("path", ["/v1/a%0d%0ax-evil: 1", "/%e2%80%ae%0a/é", "/" + "%0a" * 5_000])
def test_hostile_text_in_a_path_can_t_end_the_header(path: str) -> None:
    with client_of() as client:
        answer = client.post(path, json={}, headers={"x-api-key": KEY})
    assert answer.status_code == 404
    assert "x-evil" not in answer.headers
    assert hint(answer).isprintable()
    assert len(hint(answer)) <= 800


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, "no key; send the header x-api-key"),
        ({"api-key": KEY}, "has the header api-key"),
        ({"authorization": f"Bearer {KEY}"}, "Authorization: Bearer ..."),
        ({"authorization": f"Basic {KEY}"}, "Authorization: Basic ..."),
        ({"authorization": KEY}, "Authorization: ..."),
        ({"authorization": f"{KEY} {KEY}"}, "Authorization: ..."),
        ({"x-api-key": f"Bearer {KEY}"}, "the word Bearer"),
        ({"x-api-key": f"{KEY}0"}, "none of those"),
    ],
)
def test_a_key_that_is_missing_or_misplaced(headers: dict[str, str], wanted: str) -> None:
    with client_of(keys=[KEY]) as client:
        answer = client.post("/v1/style-transfer", json=EXAMPLE, headers=headers)
    assert answer.status_code == 401
    assert wanted in hint(answer)
    assert KEY not in hint(answer)


def test_a_key_in_the_query_or_of_another_format() -> None:
    with client_of(key_format="documented") as client:
        in_query = client.post("/v1/style-transfer?api_key=secret-in-query", json=EXAMPLE)
        other = client.post("/v1/style-transfer", json=EXAMPLE, headers={"x-api-key": "sk-test"})
    assert "query has the parameter api_key" in hint(in_query)
    assert "secret-in-query" not in hint(in_query)
    assert "--key-format any" in hint(other)
    with client_of() as client:
        refused = client.post("/v1/style-transfer", json=EXAMPLE, headers={"x-api-key": "invalid"})
    assert "start with invalid" in hint(refused)


def test_a_method_a_type_and_an_encoding() -> None:
    with client_of() as client:
        client.headers["x-api-key"] = KEY
        method = client.get("/v1/style-transfer")
        media_type = client.post("/v1/style-transfer", content=b"{}", headers={"content-type": "text/plain"})
        packed = client.post("/v1/style-transfer", content=b"x", headers={"content-encoding": "gzip"})
    assert (method.status_code, hint(method)) == (405, "this path accepts only POST")
    assert media_type.status_code == 406
    assert "text/plain; send application/json or multipart/form-data" in hint(media_type)
    assert packed.status_code == 415
    assert "without the header content-encoding: gzip" in hint(packed)


def test_an_answer_without_a_mistake_has_no_hint() -> None:
    with client_of() as client:
        client.headers["x-api-key"] = KEY
        answer = client.post("/v1/style-transfer", json=EXAMPLE)
        played = client.post("/v1/style-transfer", json=EXAMPLE, headers={"x-mock-scenario": "auth-invalid"})
    assert (answer.status_code, played.status_code) == (200, 401)
    assert "x-mock-hint" not in answer.headers
    assert "x-mock-hint" not in played.headers


def test_the_log_has_the_hint_and_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    with client_of(log=True) as client:
        client.post("/v1/style-transfer", json=EXAMPLE, headers={"authorization": f"Bearer {KEY}"})
        client.post(f"/{KEY}", json=EXAMPLE, headers={"x-api-key": KEY})
        client.post("/v1/style-transfer", json=EXAMPLE, headers={"x-api-key": KEY})
    lines = capsys.readouterr().err
    assert KEY not in lines
    bearer, misread, answered = map(json.loads, lines.splitlines())
    assert (bearer["status"], "Authorization: Bearer" in bearer["hint"]) == (401, True)
    assert (misread["path"], "POST /v1/{slug}" in misread["hint"]) == ("/***", True)
    assert (answered["status"], answered["hint"]) == (200, None)
