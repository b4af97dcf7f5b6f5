"""Paths and keys that only some models have: printed paths, and Bearer."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from segforge_mock import MockTransport, create_app
from segforge_mock.models.own_specs import models_of
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
