"""Each switch of a mock server that was written by hand for one product is played by stubs alone, by HTTP."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from segforge_mock import Mock
from tests.seeds import seed_catalog

EXAMPLE = seed_catalog().model("style-transfer").valid_example
BYTES = b"\x00\x00\x00\x18ftypmp42 a film of the test's own"
FRAME = b"\x89PNG a last frame"


class Caller:
    """A client with a key, and the stubs of that key."""

    def __init__(self, mock: Mock) -> None:
        self.mock = mock
        self.http = httpx.Client(base_url=mock.url, headers={"x-api-key": mock.key}, timeout=10)

    def stub(self, **fields: Any) -> None:
        answer = self.http.post("/_mock/rules", json=fields)
        assert answer.status_code == 200, answer.text

    def run(self, **payload: Any) -> httpx.Response:
        return self.http.post("/v1/style-transfer", json={**EXAMPLE, **payload})

    def submit(self) -> httpx.Response:
        return self.http.post("/v2/style-transfer", json=EXAMPLE)

    def job(self) -> dict[str, Any]:
        submitted = self.submit()
        assert submitted.status_code == 200
        data: dict[str, Any] = submitted.json()
        return data

    def result(self) -> dict[str, Any]:
        data: dict[str, Any] = self.http.get(self.job()["response_url"]).json()
        return data


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, media="tiny") as mock:
        yield mock


@pytest.fixture
def caller(mock: Mock) -> Iterator[Caller]:
    mock.reset()
    caller = Caller(mock)
    with caller.http:
        yield caller


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def codes(answers: list[httpx.Response]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_auth_fail(caller: Caller) -> None:
    caller.stub(scenario="auth-invalid")
    assert codes([caller.run(), caller.submit()]) == [401, 401]
    assert "error" in caller.run().json()


def test_validation_fail_with_any_status_and_text(caller: Caller) -> None:
    caller.stub(route="submit", answer={"status": 422, "json": {"error": "prompt: too rude"}})
    refused = caller.submit()
    assert (refused.status_code, refused.json()) == (422, {"error": "prompt: too rude"})
    assert caller.mock.jobs == []


def test_insufficient_credits(caller: Caller) -> None:
    caller.stub(route="submit", scenario="credits-insufficient")
    assert caller.submit().status_code == 406


def test_rate_limit_times_with_a_retry_after(caller: Caller) -> None:
    caller.stub(route="submit", scenario="rate-limited", times=2, edit={"headers": {"Retry-After": "7"}})
    answers = [caller.submit() for _ in range(3)]
    assert codes(answers) == [429, 429, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["7", "7", None]


def test_submit_fail_times(caller: Caller) -> None:
    caller.stub(route="submit", answer={"status": 503}, times=2)
    assert codes([caller.submit() for _ in range(3)]) == [503, 503, 200]
    assert len(caller.mock.jobs) == 1


def test_submit_hang(caller: Caller) -> None:
    caller.stub(route="submit", scenario="hang-after", times=1)
    with pytest.raises(httpx.ReadTimeout):
        caller.http.post("/v2/style-transfer", json=EXAMPLE, timeout=0.2)
    [job] = caller.mock.jobs
    assert job.status == "COMPLETED"
    assert caller.submit().status_code == 200


def test_unknown_slug(caller: Caller) -> None:
    caller.stub(scenario="model-unknown", slug="style-transfer")
    assert codes([caller.run(), caller.submit()]) == [404, 404]
    assert "style-transfer" in caller.run().text


def test_accepts_empty_body(caller: Caller) -> None:
    assert caller.http.post("/v2/style-transfer", json={}).status_code == 400
    caller.stub(route="submit", effect={"any_body": True})
    accepted = caller.http.post("/v2/style-transfer", json={})
    assert accepted.status_code == 200
    output = caller.http.get(accepted.json()["response_url"]).json()["output"]
    assert caller.http.get(output).status_code == 200


def test_status_fail_once(caller: Caller) -> None:
    caller.stub(route="status", answer={"status": 500, "text": "<html>oops"}, times=1)
    url = caller.job()["status_url"]
    first, second = caller.http.get(url), caller.http.get(url)
    assert (first.status_code, first.text, second.json()["status"]) == (500, "<html>oops", "COMPLETED")


def test_processing_hits(caller: Caller) -> None:
    caller.stub(route="submit", effect={"policy": "polls=4"})
    url = caller.job()["status_url"]
    states = [caller.http.get(url).json()["status"] for _ in range(4)]
    assert states == ["QUEUED", "PROCESSING", "PROCESSING", "COMPLETED"]


@pytest.mark.parametrize("text", ["CUDA out of memory", "Content policy: the input was blocked"])
@pytest.mark.parametrize("status", [None, 200])
def test_failed_and_content_policy(caller: Caller, text: str, status: int | None) -> None:
    before = caller.mock.credits
    caller.stub(route="submit", effect={"error": text} | ({} if status is None else {"failed_status": status}))
    job = caller.job()
    for url in (job["status_url"], job["response_url"], job["poll_url"]):
        failed = caller.http.get(url)
        assert failed.status_code == (status or 422)
        assert (failed.json()["status"], failed.json()["error"]) == ("FAILED", text)
    assert caller.mock.credits == before


def test_expired(caller: Caller) -> None:
    caller.stub(route="submit", effect={"expires": 0})
    job = caller.job()
    assert codes([caller.http.get(job["status_url"]), caller.http.get(job["response_url"])]) == [404, 404]
    assert job["request_id"] in caller.http.get(job["status_url"]).text


def test_cost(caller: Caller) -> None:
    before = caller.mock.credits
    for route in ("run", "submit"):
        caller.stub(route=route, effect={"cost": 1.25})
    assert caller.run().headers["x-cost"] == "1.25"
    assert caller.result()["metrics"]["cost"] == 1.25
    assert caller.mock.credits == before - 2.5


def test_remaining_credits(caller: Caller) -> None:
    for route in ("run", "submit"):
        caller.stub(route=route, effect={"remaining_credits": 3.5})
    caller.stub(route="credits", edit={"patch": {"credits": 3.5}})
    assert caller.run().headers["x-remaining-credits"] == "3.5"
    assert caller.result()["metrics"]["remaining_credits"] == 3.5
    assert caller.http.get("/v1/get-user-credits").json() == {"credits": 3.5, "free-credits": 0.0}


def test_upscaled_bytes(caller: Caller) -> None:
    output = {"base64": encoded(BYTES), "media_type": "video/mp4"}
    for route in ("run", "submit"):
        caller.stub(route=route, effect={"outputs": [output]})
    run = caller.run()
    assert (run.content, run.headers["content-type"]) == (BYTES, "video/mp4")
    assert "x-cost" in run.headers
    result = caller.result()
    download = caller.http.get(result["output"])
    assert (download.content, download.headers["content-type"]) == (BYTES, "video/mp4")
    assert result["images"][0]["file_size"] == str(len(BYTES))
    assert result["output"].endswith(".mp4")


def last_frame(**fields: Any) -> dict[str, Any]:
    return {"base64": encoded(FRAME), "media_type": "image/png", "field": "last_frame_url", **fields}


def test_omit_last_frame(caller: Caller) -> None:
    caller.stub(route="submit", effect={"outputs": [last_frame()]})
    caller.stub(route="result", edit={"patch": {"last_frame_url": None}}, after=1)
    assert "last_frame_url" in caller.result()
    omitted = caller.result()
    assert "last_frame_url" not in omitted
    assert caller.http.get(omitted["output"]).status_code == 200


def test_last_frame_bytes(caller: Caller) -> None:
    caller.stub(route="submit", effect={"outputs": [last_frame()]})
    result = caller.result()
    assert caller.http.get(result["last_frame_url"]).content == FRAME
    assert caller.http.get(result["output"]).content not in (FRAME, b"")


def test_last_frame_fail(caller: Caller) -> None:
    caller.stub(route="submit", effect={"outputs": [last_frame(download_status=403)]})
    result = caller.result()
    assert caller.http.get(result["last_frame_url"]).status_code == 403
    assert caller.http.get(result["output"]).status_code == 200
