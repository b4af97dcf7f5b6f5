"""The admin API, the history, health, metrics, uploads and CORS."""

import base64
import json
from typing import Any

import httpx
import pytest

from segforge_mock import MockTransport, create_app
from tests.mock.conftest import KEY
from tests.seeds import seed_catalog

EXAMPLE = seed_catalog().model("style-transfer").valid_example


def client_of(**options: Any) -> httpx.Client:
    app = create_app(**{"time_scale": 0, **options})
    return httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY})


def test_stubs_are_added_and_removed(quick: httpx.Client) -> None:
    assert quick.get("/_mock/scenarios").json()["rate-limited"].startswith("429")
    quick.post("/_mock/rules", json={"scenario": "run-failed", "route": "run"})
    assert quick.post("/v1/style-transfer", json=EXAMPLE).status_code == 500
    quick.delete("/_mock/rules")
    assert quick.post("/v1/style-transfer", json=EXAMPLE).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("POST", "rules", {"scenario": "x"}, 400, "rate-limited"),
        ("POST", "rules", {}, 400, "scenario"),
        ("POST", "rules", [], 400, "object"),
        ("POST", "rules", {"scenario": "run-failed", "slug": "nope"}, 400, "'nope'"),
        ("POST", "rules", {"scenario": "run-failed", "route": "submitt"}, 400, "submit"),
        ("POST", "rules", {"scenario": "run-failed", "every": 0}, 400, "every"),
        ("POST", "clock", {"advance": 1e300}, 400, "advance"),
        ("PUT", "credits", {"credits": "x"}, 400, "credits"),
        ("PUT", "rate-limit", {"per_minute": "gratis"}, 400, "free"),
        ("PUT", "profile", {"profile": "x"}, 400, "observed"),
        ("POST", "jobs/policy", {"policy": 5}, 400, "polls=N"),
        ("GET", "requests?route=submitt", None, 400, "submit"),
        ("GET", "requests/wait?timeout=61", None, 400, "timeout"),
        ("GET", "requests/wait?timeout=nan", None, 400, "timeout"),
        ("GET", "requests/wait?count=1001", None, 400, "count"),
        ("POST", "clock", {"advance": -1}, 400, "-1"),
        ("POST", "clock", {"advance": True}, 400, "advance"),
        ("POST", "clock", {}, 400, "advance"),
        ("PUT", "credits", {"credits": -1}, 400, "credits"),
        ("PUT", "rate-limit", {"per_minute": -1}, 400, "per_minute"),
        ("POST", "jobs/policy", {"policy": "soon"}, 400, "polls=N"),
        ("POST", "jobs/release", {"request_id": "x"}, 400, "'x'"),
        ("GET", "requests?colour=red", None, 400, "colour"),
        ("GET", "requests/wait?count=x", None, 400, "count"),
        ("GET", "nothing", None, 404, "/_mock/requests"),
        ("GET", "reset", None, 405, "POST"),
    ],
)
def test_an_invalid_call_is_refused_with_a_reason(
    quick: httpx.Client, method: str, path: str, body: object, status: int, text: str
) -> None:
    response = quick.request(method, f"/_mock/{path}", json=body)
    assert response.status_code == status
    assert text in response.json()["error"]


def test_malformed_json_is_400(quick: httpx.Client) -> None:
    assert quick.post("/_mock/rules", content=b"{", headers={"content-type": "application/json"}).status_code == 400


def test_the_history_lists_filters_counts_and_clears(quick: httpx.Client) -> None:
    quick.post("/v2/style-transfer", json=EXAMPLE)
    quick.post("/v1/style-transfer", json={})
    [refused] = quick.get("/_mock/requests", params={"status": "400"}).json()
    assert (refused["route"], refused["slug"], refused["request"]["body"]) == ("run", "style-transfer", "{}")
    assert json.loads(refused["response"]["body"])["violations"]
    assert quick.get("/_mock/requests/count", params={"method": "POST"}).json() == {"count": 2}
    assert len(quick.get("/_mock/requests/wait", params={"count": 2}).json()) == 2
    vain = quick.get("/_mock/requests/wait", params={"count": 3, "timeout": 0.01})
    assert (vain.status_code, len(vain.json()["requests"])) == (504, 2)
    assert [text in vain.json()["error"] for text in ("3 requests", "0.01 s", "found 2")] == [True] * 3
    quick.delete("/_mock/requests")
    assert quick.get("/_mock/requests").json() == []


def test_the_history_masks_keys_and_truncates_bodies(quick: httpx.Client) -> None:
    quick.get("/v1/get-user-credits", headers={"authorization": "Bearer secret-token"})
    quick.post("/v1/style-transfer", json={"prompt": KEY, "filler": "x" * 100_000})
    quick.get(f"/v2/requests/{KEY}")
    text = quick.get("/_mock/requests").text
    assert KEY not in text
    assert "secret-token" not in text
    assert "***" in text
    assert len(text) < 60_000


def test_the_history_keeps_the_newest_entries() -> None:
    with client_of() as client:
        for _ in range(1_100):
            client.get("/v1/get-user-credits")
        assert client.get("/_mock/requests/count").json() == {"count": 1_000}


def test_jobs_clock_credits_and_reset(quick: httpx.Client) -> None:
    quick.post("/_mock/jobs/policy", json={"policy": "held"})
    job = quick.post("/v2/style-transfer", json=EXAMPLE).json()
    [listed] = quick.get("/_mock/jobs").json()
    assert (listed["request_id"], listed["status"], listed["payload"]) == (job["request_id"], "QUEUED", EXAMPLE)
    assert quick.post("/_mock/jobs/release", json={}).json() == {"released": [job["request_id"]]}
    assert quick.get(job["status_url"]).json()["status"] == "COMPLETED"
    assert quick.post("/_mock/clock", json={"advance": 3600}).json()["offset"] == 3600
    assert quick.get(job["status_url"]).status_code == 404
    assert quick.get(quick.get("/_mock/clock").url).json()["offset"] == 3600
    assert quick.put("/_mock/credits", json={"credits": 3.25}).json() == {"credits": 3.25}
    assert quick.get("/_mock/credits").json() == {"credits": 3.25}
    quick.put("/_mock/rate-limit", json={"per_minute": 0})
    assert quick.get("/v1/get-user-credits").status_code == 429
    quick.put("/_mock/rate-limit", json={"per_minute": "free"})
    assert quick.get("/v1/get-user-credits").status_code == 200
    quick.put("/_mock/profile", json={"profile": "observed"})
    quick.post("/_mock/reset")
    assert quick.get("/_mock/jobs").json() == []
    assert quick.get("/v1/get-user-credits").json()["credits"] > 3.25


def test_an_image_outlives_its_job(quick: httpx.Client) -> None:
    job = quick.post("/v2/style-transfer", json=EXAMPLE).json()
    url = quick.get(job["response_url"]).json()["output"]
    quick.post("/_mock/clock", json={"advance": 3600 * 24 * 6})
    assert quick.get(job["response_url"]).status_code == 404
    assert quick.get(url).status_code == 200
    quick.post("/_mock/clock", json={"advance": 3600 * 24})
    assert quick.get(url).status_code == 404


def test_the_admin_api_can_be_closed() -> None:
    with client_of(admin=False) as client:
        assert client.get("/_mock/scenarios").status_code == 403
    with client_of(admin_token="t0ken") as client:
        assert client.get("/_mock/scenarios").status_code == 401
        assert client.get("/_mock/scenarios", headers={"x-mock-token": "t0ken"}).status_code == 200
        assert client.get("/_mock/scenarios", headers={b"x-mock-token": b"\xe9"}).status_code == 401


def test_health_and_metrics(quick: httpx.Client) -> None:
    assert quick.get("/healthz").json() == quick.get("/readyz").json() == {"status": "ok"}
    quick.post("/v1/style-transfer", json={})
    quick.get("/nowhere")
    text = quick.get("/metrics").text
    assert 'segforge_mock_requests_total{route="run",status="400"} 1' in text
    assert 'segforge_mock_requests_total{route="unknown",status="404"} 1' in text


def test_logs_are_json_lines_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    with client_of(log=True) as client:
        client.post("/v1/style-transfer", json={"prompt": "secret"})
    [line] = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/v1/style-transfer", 400)
    assert KEY not in line
    assert "secret" not in line


def test_a_browser_is_let_in(quick: httpx.Client) -> None:
    headers = {"origin": "https://app.example", "access-control-request-method": "POST"}
    preflight = quick.options("/v1/style-transfer", headers={**headers, "access-control-request-headers": "x-api-key"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-headers"] == "x-api-key"
    response = quick.post("/v1/style-transfer", json={}, headers={"origin": "https://app.example"})
    assert response.headers["access-control-allow-origin"] == "https://app.example"


def test_an_upload_is_served_again(quick: httpx.Client) -> None:
    data = "data:image/png;base64," + base64.b64encode(b"\x89PNG bytes").decode()
    answer = quick.post("/upload-asset", json={"data_urls": [data, data]}).json()
    assert answer["file_urls"] == answer["urls"]
    served = httpx.Client(transport=quick._transport).get(answer["file_urls"][0])
    assert (served.content, served.headers["content-type"]) == (b"\x89PNG bytes", "image/png")
    assert quick.get("/assets/unknown.png").status_code == 404


@pytest.mark.parametrize("body", [{}, {"data_urls": []}, {"data_urls": ["https://x"]}, {"data_urls": ["data:image/png;base64,A"]}, []])  # fmt: skip  # noqa: E501
def test_an_upload_that_is_none_is_refused(quick: httpx.Client, body: object) -> None:
    response = quick.post("/upload-asset", json=body)
    assert response.status_code == 400
    assert response.json()["error"]


def test_a_model_without_a_spec_is_served_on_request() -> None:
    with client_of(any_model=True) as client:
        response = client.post("/v1/brand-new", json={"prompt": "a cat", "seed": 3, "nested": [{"x": 1}]})
        assert response.status_code == 200
        assert response.headers["x-mock-model"] == "unlisted"
        assert response.headers["x-seed-value"] == "3"
        job = client.post("/v2/brand-new", json={}).json()
        url = client.get(job["response_url"]).json()["output"]
        assert client.get(url).headers["content-type"] == "image/jpeg"
        assert (
            client.post("/v1/brand-new", content=b"[]", headers={"content-type": "application/json"}).status_code == 400
        )
        assert client.post("/v1/style-transfer", json=EXAMPLE).headers["x-mock-model"] == "complete"


def test_a_public_url_goes_before_the_caller_s_host() -> None:
    with client_of(public_url="https://mock.example/") as client:
        job = client.post("/v2/style-transfer", json=EXAMPLE).json()
        assert job["status_url"] == f"https://mock.example/v2/requests/{job['request_id']}/status"


def test_tiny_images_are_tiny() -> None:
    with client_of(media="tiny") as client:
        assert len(client.post("/v1/style-transfer", json=EXAMPLE).content) < 2_000
