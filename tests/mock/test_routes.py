"""Printed paths, Bearer, and the routes beside those of models."""

import base64
import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from segforge.spec.finding import SpecError
from segforge_mock import MockTransport, create_app
from segforge_mock.gateway.routing import CONTROL_ROUTES
from segforge_mock.models.own_specs import models_of
from segforge_mock.models.served import packaged_models
from tests.mock.media_models import KEY, app_of, model
from tests.shared import read_yaml

PRINTED = model("printed", "text", paths={"v1": "/v1/models/{slug}", "v2": "/v2/deep/er/{slug}-x"})
CHAT = model("chat", "json", shape="openai_chat", auth=["bearer"])
BEARER = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
def anonymous() -> Iterator[httpx.Client]:
    app = app_of(PRINTED, CHAT)
    with httpx.Client(transport=MockTransport(app), base_url="http://mock") as client:
        yield client


def test_a_printed_path_is_served_beside_the_usual_one(anonymous: httpx.Client) -> None:
    key = {"x-api-key": KEY}
    usual = anonymous.post("/v1/printed", json={}, headers=key)
    for path in ("/v1/models/printed", "/v1//models/printed/"):
        printed = anonymous.post(path, json={}, headers=key)
        assert (printed.status_code, printed.text) == (200, usual.text)
    job = anonymous.post("/v2/deep/er/printed-x", json={}, headers=key)
    assert anonymous.get(job.json()["response_url"], headers=key).json()["output"] == usual.text
    assert anonymous.get("/v1/models/printed", headers=key).status_code == 405
    for path in ("/v1/models/chat", "/v1/models/other", "/v2/models/printed", "/v2/deep/er/printed"):
        assert anonymous.post(path, json={}, headers=key).status_code == 404
    entries = anonymous.get("/_mock/requests?slug=printed&route=run", headers=key).json()
    assert [entry["path"] for entry in entries][:2] == ["/v1/printed", "/v1/models/printed"]


def test_a_usual_path_wins_over_a_printed_one() -> None:
    other = model("other", "text", paths={"v1": "/v1/{slug}-text"})
    text = model("other-text", "text")
    with httpx.Client(transport=MockTransport(app_of(other, text)), base_url="http://mock") as client:
        answer = client.post("/v1/other-text", json={}, headers={"x-api-key": KEY}).text
    assert "model other-text," in answer


def test_bearer_is_accepted_where_the_spec_lists_it(anonymous: httpx.Client) -> None:
    assert anonymous.post("/v1/chat", json={}, headers=BEARER).status_code == 200
    job = anonymous.post("/v2/chat", json={}, headers=BEARER).json()
    for url in (job["status_url"], job["response_url"], job["poll_url"]):
        assert anonymous.get(url, headers=BEARER).json()["status"] == "COMPLETED"
    credits = anonymous.get("/v1/get-user-credits", headers={"x-api-key": KEY}).json()["credits"]
    assert credits < anonymous.get("/v1/get-user-credits", headers={"x-api-key": f"SG_{0:016}"}).json()["credits"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/printed", BEARER),
        ("/v2/printed", BEARER),
        ("/v1/unknown", BEARER),
        ("/v1/chat", {"authorization": "Bearer invalid"}),
        ("/v1/chat", {"authorization": "Bearer"}),
        ("/v1/chat", {"authorization": f"Basic {KEY}"}),
        ("/v1/chat", {"authorization": KEY}),
        ("/v1/chat", {**BEARER, "x-api-key": "invalid"}),
        ("/upload-asset", BEARER),
    ],
    ids=str,
)
def test_bearer_is_refused_elsewhere(anonymous: httpx.Client, path: str, headers: dict[str, str]) -> None:
    response = anonymous.post(path, json={}, headers=headers)
    assert response.status_code == 401
    assert response.json()["error"].startswith("Unauthorized. API key is invalid")


def test_bearer_is_refused_on_routes_without_a_model(anonymous: httpx.Client) -> None:
    for path in ("/v1/get-user-credits", "/v2/requests/unknown/status", "/nowhere"):
        assert anonymous.get(path, headers=BEARER).status_code == 401
    job = anonymous.post("/v2/printed", json={}, headers={"x-api-key": KEY}).json()
    assert anonymous.get(job["status_url"], headers=BEARER).status_code == 401


def test_own_specs_have_printed_paths(specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = specs / "models" / "style-transfer.yaml"
    data = read_yaml(source.read_text("utf-8"))
    shutil.copy(source, specs / "models" / "copy.yaml")
    (specs / "models" / "copy.yaml").write_text(
        yaml.safe_dump({**data, "slug": "copy", "paths": {"v1": "/v1/models/{slug}"}}), "utf-8"
    )
    for _ in range(2):  # the second time from the cache
        app = create_app(models=models_of(specs), time_scale=0, media="tiny")
        with httpx.Client(transport=MockTransport(app), base_url="http://mock") as client:
            response = client.post("/v1/models/copy", json=data["example"], headers={"x-api-key": KEY})
        assert response.headers["content-type"] == "image/webp"
    taken = {**data, "slug": "copy", "paths": {"v2": "/v2/requests/{slug}/status"}}
    (specs / "models" / "copy.yaml").write_text(yaml.safe_dump(taken), "utf-8")
    with pytest.raises(SpecError, match=r"path\.taken"):
        models_of(specs)


def test_every_other_route_of_the_specs_is_served_or_is_one_of_the_gateway_s_own() -> None:
    others = {one.name: one for one in packaged_models().gateway.other_routes}
    apart = {"output_poll", "account_credits", "upload_asset", "model_directory", "model_directory_entry"}
    assert set(others) - apart == set(CONTROL_ROUTES)
    app = create_app(time_scale=0)
    with httpx.Client(transport=MockTransport(app), base_url="http://mock") as client:
        for name in CONTROL_ROUTES:
            one = others[name]
            path = re.sub(r"\{\w+\}", "x", urlsplit(one.url).path)
            without = client.request(one.method, path)
            assert (without.status_code == 401) == ("none" not in one.auth), name
            wrong = client.request("DELETE", path, headers={"x-api-key": KEY})
            assert (wrong.status_code, wrong.headers["allow"]) == (405, one.method)
            entry = client.get("/_mock/requests", headers={"x-api-key": KEY}).json()[-1]
            assert entry["route"] == name


def test_bearer_is_accepted_for_flows(anonymous: httpx.Client) -> None:
    started = anonymous.post("/workflows/6839bf53659263e69c7a567a-v1", json={}, headers=BEARER)
    assert started.json()["status"] == "QUEUED"
    assert anonymous.get(started.json()["poll_url"], headers=BEARER).json()["status"] == "COMPLETED"
    assert anonymous.get(started.json()["poll_url"], headers={"authorization": "Bearer"}).status_code == 401


def test_flows_are_jobs_of_their_own(anonymous: httpx.Client) -> None:
    anonymous.headers["x-api-key"] = KEY
    flow = anonymous.post("/workflows/v2/chat", json={"messages": 1}).json()["request_id"]
    job = anonymous.post("/v2/chat", json={}).json()["request_id"]
    assert anonymous.get(f"/workflows/request/{flow}").json()["output"].startswith("[")
    assert anonymous.get(f"/workflows/request/{job}").status_code == 404
    assert [row["request_id"] for row in rows(anonymous, "request-history")] == [job]
    for body, status in ((b"[]", 400), (b"{", 400)):
        answer = anonymous.post("/workflows/x", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == status
    assert anonymous.post("/workflows/x", content=b"{}").status_code == 406
    anonymous.put("/_mock/credits", json={"credits": 0})
    assert anonymous.post("/workflows/x", json={}).status_code == 406
    anonymous.post("/_mock/clock", json={"advance": 3600})
    assert anonymous.get(f"/workflows/request/{flow}").status_code == 404


def test_a_stub_applies_to_a_flow(anonymous: httpx.Client) -> None:
    anonymous.headers["x-api-key"] = KEY
    stub = {"scenario": "rate-limited", "route": "pixelflow_run", "times": 1}
    assert anonymous.post("/_mock/rules", json=stub).status_code == 200
    assert [anonymous.post("/workflows/x", json={}).status_code for _ in range(2)] == [429, 200]
    video = {"base64": base64.b64encode(b"film").decode(), "media_type": "video/mp4"}
    effects: list[dict[str, Any]] = [{"outputs": [video], "cost": 1.5}, {"error": "No luck", "failed_status": 422}]
    for effect in effects:
        stub = {"route": "pixelflow_run_by_slug", "effect": effect, "times": 1}
        assert anonymous.post("/_mock/rules", json=stub).status_code == 200
    done, failed = (anonymous.post("/workflows/v2/x", json={}).json()["poll_url"] for _ in range(2))
    [output] = json.loads(anonymous.get(done).json()["output"])
    assert output["value"]["type"] == "video"
    assert anonymous.get(output["value"]["data"]).content == b"film"
    answer = anonymous.get(failed)
    assert (answer.status_code, answer.json()["error"]) == (422, "No luck")


def rows(client: httpx.Client, name: str, **query: object) -> list[dict[str, Any]]:
    answer = client.get(f"/inference-request/{name}", params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_the_history_has_a_window_of_days() -> None:
    """Days are in UTC, and both ends count. Each output of a job has a row with the whole cost."""
    start = datetime(2026, 9, 1, 23, 59, tzinfo=UTC).timestamp()
    app = app_of(model("image", "image"), now=lambda: start)
    with httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY}) as client:
        client.post("/v2/image", json={"count": 2})
        client.post("/_mock/clock", json={"advance": 60})
        client.post("/v2/image", json={})
        first, *twice = rows(client, "request-history")
        assert len({row["request_id"] for row in twice}) == 1
        assert len({row["generation_url"] for row in twice}) == 2
        assert (first["model_created"], twice[0]["model_created"]) == (
            "2026-09-02T00:00:00.000Z",
            "2026-09-01T23:59:00.000Z",
        )
        assert rows(client, "request-history", from_date="2026-09-02") == [first]
        assert rows(client, "request-history", from_date="2026-08-02", to_date="2026-09-01") == twice
        assert [row["generation_url"] for row in rows(client, "generations", start_date="2026-09-02")] == [
            first["generation_url"]
        ]
        client.post("/_mock/clock", json={"advance": 8 * 86_400})
        assert rows(client, "request-history") == []
        assert len(rows(client, "generations")) == 3


@pytest.mark.parametrize(
    "query",
    [
        *({"page": page} for page in ("0", "-1", "x", "1.5", "9" * 20, "٣")),
        *({"per_page": number} for number in ("0", "101")),
        *({"from_date": day} for day in ("yesterday", "2026-13-01", "2026-09-01T00:00", "9999-12-31")),
        {"from_date": "2026-01-01", "to_date": "2026-02-01"},
        {"status": "QUEUED"},
        {"sort_by": "x"},
        {"sort_order": "up"},
        {f"x{number}": "1" for number in range(200)},
    ],
    ids=lambda query: str(query)[:40],
)
def test_a_query_that_is_not_valid_is_refused(anonymous: httpx.Client, query: dict[str, str]) -> None:
    answer = anonymous.get("/inference-request/request-history", params=query, headers={"x-api-key": KEY})
    assert answer.status_code == 400
    assert len(answer.json()["error"]) < 300


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_days(anonymous: httpx.Client, day: str) -> None:
    anonymous.headers["x-api-key"] = KEY
    assert rows(anonymous, "request-history", from_date=day, to_date=day) == []
    assert rows(anonymous, "generations", start_date=day, end_date=day) == []


def test_a_file_of_a_form_is_uploaded(anonymous: httpx.Client) -> None:
    url, key = "/inference-request/input-upload", {"x-api-key": KEY}
    answer = anonymous.post(url, files={"file": ("a.png", b"x")}, headers=key)
    found = anonymous.get(answer.json()["file_urls"][0])
    assert (found.content, found.headers["content-type"]) == (b"x", "image/png")
    for files in ({"file": ("a.svg", b"x")}, {"file": ("a", b"x")}, {"other": ("a.png", b"x")}):
        assert anonymous.post(url, files=files, headers=key).status_code == 400
    assert anonymous.post(url, json={}, headers=key).status_code == 406
    broken = key | {"content-type": "multipart/form-data; boundary=x"}
    assert anonymous.post(url, content=b"--x", headers=broken).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/finetune/request/submit", {}),
        ("POST", "/finetune/request/submit", {"name": "x" * 201, "base_model": "x"}),
        ("POST", "/finetune/request/submit", {"name": "x", "base_model": "x", "more": [[]] * 30_000}),
        ("GET", "/finetune/request/details", []),
        ("GET", "/finetune/request/upload/pre-signed-url", {"name": ""}),
        ("PUT", "/finetune/request/access-update", {}),
        ("GET", "/inference-request/recent-generations", None),
        ("GET", "/webhook/inactive", None),
    ],
    ids=str,
)
def test_a_request_that_lacks_its_values_is_refused(
    anonymous: httpx.Client, method: str, path: str, body: object
) -> None:
    answer = anonymous.request(method, path, json=body, headers={"x-api-key": KEY})
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_trainings_are_bounded_and_belong_to_a_key(anonymous: httpx.Client) -> None:
    anonymous.headers["x-api-key"] = KEY
    body = {"name": "x", "base_model": "FLUX"}
    names = [anonymous.post("/finetune/request/submit", json=body).json()["finetune_id"] for _ in range(101)]
    assert [one["id"] for one in anonymous.get("/finetune/request/list").json()] == names[1:]
    assert anonymous.get("/finetune/request/list", headers={"x-api-key": f"SG_{0:016}"}).json() == []
    anonymous.post("/_mock/reset")
    assert anonymous.get("/finetune/request/list").json() == []
