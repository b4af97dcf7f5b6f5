"""The fixture with the official SDK, with any HTTP client and with subprocesses, and its history."""

import gc
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import requests
import segmind as official_sdk

from segforge_mock import Mock
from segforge_mock.faults.stubs import Stub
from tests.seeds import seed_catalog

CATALOG = seed_catalog()
EXAMPLE = CATALOG.model("flux-img2img").valid_example


@pytest.fixture
def sdk(segmind_mock: Mock) -> official_sdk.SegmindClient:
    client = official_sdk.SegmindClient(base_url=segmind_mock.base_url)  # reads SEGMIND_API_KEY, which the fixture set
    with client._client:
        yield client


def test_run_and_run_sync(sdk: official_sdk.SegmindClient, segmind_mock: Mock) -> None:
    segmind_mock.job_policy("instant")
    result = sdk.run("flux-img2img", **EXAMPLE)
    assert result["status"] == "COMPLETED"
    assert sdk.run_sync("flux-img2img", **EXAMPLE).headers["content-type"] == "image/jpeg"
    assert [request.route for request in segmind_mock.requests] == ["submit", "status", "result", "run"]
    assert segmind_mock.requests[0].json == EXAMPLE


def test_a_failed_job_raises_with_its_detail(sdk: official_sdk.SegmindClient, segmind_mock: Mock) -> None:
    segmind_mock.job_policy("instant")
    segmind_mock.scenario("job-blocked", times=1)
    with pytest.raises(official_sdk.InferenceFailed) as caught:
        sdk.run("flux-img2img", **EXAMPLE)
    assert caught.value.detail == "Content blocked by the safety check"
    assert caught.value.status_body["status"] == "FAILED"


def test_a_job_that_is_not_done_in_time(sdk: official_sdk.SegmindClient, segmind_mock: Mock) -> None:
    segmind_mock.job_policy("held")
    job = sdk.submit_async("flux-img2img", **EXAMPLE)
    with pytest.raises(official_sdk.InferenceTimeout) as caught:
        job.wait(timeout=0.05, interval=0.02)
    assert caught.value.request_id == job.request_id
    segmind_mock.release()
    assert job.wait(timeout=5, interval=0.02)["status"] == "COMPLETED"


def test_an_expired_job_is_404(sdk: official_sdk.SegmindClient, segmind_mock: Mock) -> None:
    job = sdk.submit_async("flux-img2img", **EXAMPLE)
    segmind_mock.clock.advance(3600)
    with pytest.raises(official_sdk.SegmindError) as caught:
        job.status()
    assert (caught.value.status, caught.value.detail) == (404, f"Request {job.request_id} not found")


def test_urls_lead_back_to_the_mock(sdk: official_sdk.SegmindClient, segmind_mock: Mock) -> None:
    """Dossier, section 13, 4: the SDK sends the key wherever status_url and response_url point."""
    job = sdk.submit_async("flux-img2img", **EXAMPLE)
    assert job.status_url.startswith(f"{segmind_mock.url}/v2/")
    assert job.response_url.startswith(f"{segmind_mock.url}/v2/")


def test_a_call_without_parameters_is_a_json_object(sdk: official_sdk.SegmindClient, segmind_mock: Mock) -> None:
    """Dossier, section 13, 2: the SDK sends `{}` and identifies itself."""
    with pytest.raises(official_sdk.SegmindError, match="required"):
        sdk.run("flux-img2img")
    [request] = segmind_mock.requests
    assert request.body == "{}"
    assert request.headers["x-initiator"] == "SDK-PY"
    assert request.headers["user-agent"] == "segmind-python-sdk/1.3.0"


def test_no_key_is_401(segmind_mock: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dossier, section 13, 2: without a key the SDK sends no header at all."""
    monkeypatch.delenv("SEGMIND_API_KEY")
    client = official_sdk.SegmindClient(base_url=segmind_mock.base_url)
    with client._client, pytest.raises(official_sdk.SegmindError) as caught:
        client.run("flux-img2img", **EXAMPLE)
    assert (caught.value.status, caught.value.detail) == (401, "Missing Authorization or x-api-key in header")


def test_a_refusal_on_a_poll_is_an_error_and_states_are_upper_case(
    sdk: official_sdk.SegmindClient, segmind_mock: Mock
) -> None:
    """Dossier, section 13, 5: COMPLETED and FAILED win over any code, any other failure raises."""
    job = sdk.submit_async("flux-img2img", **EXAMPLE)
    segmind_mock.scenario("upstream-unavailable", route="status", times=1)
    with pytest.raises(official_sdk.SegmindError) as caught:
        job.wait(timeout=5, interval=0.01)
    assert (caught.value.status, caught.value.detail) == (502, "Service temporarily unavailable")
    assert job.wait(timeout=5, interval=0.01)["status"] == "COMPLETED"


def test_credits_through_the_sdk(sdk: official_sdk.SegmindClient, segmind_mock: Mock) -> None:
    segmind_mock.credits = 1.5
    assert sdk._request("GET", "/get-user-credits").json()["credits"] == 1.5


def test_any_http_client_and_the_environment(segmind_mock: Mock) -> None:
    url = f"{os.environ['SEGMIND_BASE_URL']}/v1/flux-img2img"
    headers = {"x-api-key": os.environ["SEGMIND_API_KEY"]}
    with requests.Session() as session:
        first = session.post(url, json=EXAMPLE, headers=headers)
        assert first.content == httpx.post(url, json=EXAMPLE, headers=headers).content
    code = """
import httpx, os
url = os.environ["SEGMIND_BASE_URL"] + "/v1/get-user-credits"
print(httpx.get(url, headers={"x-api-key": os.environ["SEGMIND_API_KEY"]}).status_code)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "200\n"
    assert [request.method for request in segmind_mock.requests] == ["POST", "POST", "GET"]


def test_exactly_one_submit_can_be_asserted(segmind_mock: Mock) -> None:
    headers = {"x-api-key": segmind_mock.key}

    def submit_later() -> None:
        time.sleep(0.05)
        httpx.post(f"{segmind_mock.url}/v2/flux-img2img", json=EXAMPLE, headers=headers)

    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(submit_later)
        [submit] = segmind_mock.wait_for(1, route="submit")
        later.result()
    assert submit.status == 200
    [job] = segmind_mock.jobs
    assert (job.slug, job.payload, job.error) == ("flux-img2img", EXAMPLE, None)
    with pytest.raises(TimeoutError, match=r"2 requests to submit.*0\.01 s.*1$"):
        segmind_mock.wait_for(2, route="submit", timeout=0.01)


def test_a_wait_ends_with_its_time(segmind_mock: Mock) -> None:
    """The result doesn't depend on rounding: a loop's clock is coarser than a timer's seconds."""
    for step in range(200):
        with pytest.raises(TimeoutError, match=r"0$"):
            segmind_mock.wait_for(1, timeout=0.001 + step * 0.00001)


def test_reset_forgets_everything(segmind_mock: Mock) -> None:
    headers = {"x-api-key": segmind_mock.key}
    httpx.post(f"{segmind_mock.url}/v2/flux-img2img", json=EXAMPLE, headers=headers)
    segmind_mock.credits = 1
    segmind_mock.scenario("run-failed")
    segmind_mock.clock.advance(100)
    segmind_mock.reset()
    assert (segmind_mock.requests, segmind_mock.jobs) == ([], [])
    assert segmind_mock.credits > 1
    assert segmind_mock.clock.now == pytest.approx(time.time(), abs=10)
    assert httpx.post(f"{segmind_mock.url}/v1/flux-img2img", json=EXAMPLE, headers=headers).status_code == 200


def test_tenants_do_not_see_each_other(segmind_mock_session: Mock) -> None:
    url = segmind_mock_session.url
    one, two = ({"x-api-key": "SG_1111111111111111"}, {"x-api-key": "SG_1111111111111111", "x-mock-tenant": "two"})
    httpx.post(f"{url}/_mock/rules", json={"scenario": "run-failed"}, headers=one)
    httpx.post(f"{url}/_mock/clock", json={"advance": 5000}, headers=one)
    assert httpx.post(f"{url}/v1/flux-img2img", json=EXAMPLE, headers=one).status_code == 500
    assert httpx.post(f"{url}/v1/flux-img2img", json=EXAMPLE, headers=two).status_code == 200
    counts = [httpx.get(f"{url}/_mock/requests/count", headers=headers).json()["count"] for headers in (one, two)]
    assert counts == [1, 1]
    assert httpx.get(f"{url}/_mock/clock", headers=two).json()["offset"] == 0


def test_the_clock_does_not_go_back(segmind_mock: Mock) -> None:
    with pytest.raises(ValueError, match="back"):
        segmind_mock.clock.advance(-1)


MISTAKES: dict[str, Callable[[Any], object]] = {
    "scenario": lambda mock: mock.scenario("no-such"),
    "route": lambda mock: mock.scenario("run-failed", route="submitt"),
    "slug": lambda mock: mock.scenario("run-failed", slug="flux-img2im"),
    "slug-of-latency": lambda mock: mock.latency(1, slug="nope"),
    "slug-of-status": lambda mock: mock.scenario("run-failed", slug="flux-img2img", route="status"),
    "times": lambda mock: mock.scenario("run-failed", times=-1),
    "every": lambda mock: mock.scenario("run-failed", every=0),
    "after": lambda mock: mock.scenario("run-failed", after=-3),
    "type": lambda mock: mock.scenario("run-failed", times=object()),
    "latency-nan": lambda mock: mock.latency(math.nan),
    "latency-negative": lambda mock: mock.latency(-1),
    "distribution": lambda mock: mock.latency(0.1, "x"),
    "rate-limit": lambda mock: mock.rate_limit(-1),
    "plan": lambda mock: mock.rate_limit("gratis"),
    "profile": lambda mock: mock.profile("x"),
    "policy": lambda mock: mock.job_policy(5),
    "clock-nan": lambda mock: mock.clock.advance(math.nan),
    "clock-far": lambda mock: mock.clock.advance(1e300),
    "clock-text": lambda mock: mock.clock.advance("1"),
    "credits": lambda mock: setattr(mock, "credits", -1),
    "credits-text": lambda mock: setattr(mock, "credits", "x"),
    "credits-nan": lambda mock: setattr(mock, "credits", math.nan),
    "wait-route": lambda mock: mock.wait_for(1, route="submitt"),
    "wait-count": lambda mock: mock.wait_for(1_001),
    "wait-timeout": lambda mock: mock.wait_for(1, timeout=math.nan),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_invalid_setting_raises_at_the_call_and_changes_nothing(mistake: str, segmind_mock_session: Mock) -> None:
    mock = segmind_mock_session
    before = mock.credits, mock.clock.now
    with pytest.raises((ValueError, TypeError)):
        MISTAKES[mistake](mock)
    assert mock.credits == before[0]
    assert mock.clock.now == pytest.approx(before[1], abs=60)
    headers = {"x-api-key": mock.key}
    assert httpx.post(f"{mock.url}/v1/flux-img2img", json=EXAMPLE, headers=headers).status_code == 200


def test_an_error_about_a_misspelt_name_lists_valid_names(segmind_mock: Mock) -> None:
    with pytest.raises(ValueError, match=r"submitt.*run, submit"):
        segmind_mock.scenario("run-failed", route="submitt")  # type: ignore[arg-type]  # a type checker reports it, too
    with pytest.raises(ValueError, match=r"'flux-img2im'.*'flux-img2img'"):
        segmind_mock.scenario("run-failed", slug="flux-img2im")


@pytest.mark.parametrize(
    "options",
    [
        {"time_scale": -1},
        {"time_scale": math.nan},
        {"rate_limit": -1},
        {"profile": "x"},
        {"images": "huge"},
        {"public_url": "foo"},
        {"admin_token": ""},
        {"keys": [""]},
        {"keys": "SG_0123456789abcdef"},
        {"key": ""},
        {"chaos": ""},
        {"job_policy": ""},
        {"stubs": (Stub(scenario="run-failed", every=0),)},
        {"stubs": (Stub(scenario="run-failed", slug="nope"),)},
    ],
    ids=str,
)
def test_an_invalid_option_is_a_value_error(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"(?i)expected"):
        Mock(**options)


def test_with_any_model_a_stub_may_name_any_slug() -> None:
    with Mock(any_model=True, time_scale=0) as mock:
        mock.scenario("run-failed", slug="brand-new")
        url = f"{mock.url}/v1/brand-new"
        assert httpx.post(url, json={}, headers={"x-api-key": mock.key}).status_code == 500


def test_a_plan_limits_the_rate() -> None:
    still = Mock(rate_limit="free", now=lambda: 1_000_000.0)
    with still as mock, httpx.Client(headers={"x-api-key": mock.key}) as client:
        url = f"{mock.url}/v1/get-user-credits"
        assert [client.get(url).status_code for _ in range(61)] == [200] * 60 + [429]
        mock.rate_limit(0)
        assert client.get(url).status_code == 429
        mock.rate_limit("pro")
        assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    ("name", "value", "call"),
    [
        ("job_policy", "held", "mock.job_policy('held')"),
        ("rate_limit", 5, "mock.rate_limit(5)"),
        ("profile", "observed", "mock.profile('observed')"),
        ("clock", 5, "mock.clock.advance(5)"),
        ("job_polisy", "held", "job_polisy"),
    ],
)
def test_a_method_is_not_overwritten_by_mistake(segmind_mock: Mock, name: str, value: object, call: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(call)):
        setattr(segmind_mock, name, value)


def test_a_mock_that_was_not_started_says_so_and_leaves_no_socket() -> None:
    mock = Mock()
    for name in ("credits", "url", "base_url"):
        with pytest.raises(RuntimeError, match="start"):
            getattr(mock, name)
    mock.stop()
    del mock
    gc.collect()  # a ResourceWarning would be an error


def test_no_key_is_kept_with_a_job(segmind_mock: Mock) -> None:
    httpx.post(f"{segmind_mock.url}/v2/flux-img2img", json=EXAMPLE, headers={"x-api-key": segmind_mock.key})
    [job] = segmind_mock._run(segmind_mock.app.store.jobs(segmind_mock.tenant.name))
    assert segmind_mock.key not in repr(job)


def test_only_base_url_leads_to_the_mock(segmind_mock: Mock) -> None:
    """Dossier, section 13, 1: v1 is base_url + slug; v2 replaces base_url's last segment if that begins with v."""
    for base_url in (segmind_mock.base_url, f"{segmind_mock.base_url}/"):
        client = official_sdk.SegmindClient(base_url=base_url)
        with client._client:
            client.run_sync("flux-img2img", **EXAMPLE)
            client.submit_async("flux-img2img", **EXAMPLE)
    assert [request.path for request in segmind_mock.requests] == ["/v1/flux-img2img", "/v2/flux-img2img"] * 2


def test_a_submit_answers_a_json_object_with_what_the_sdk_needs(
    sdk: official_sdk.SegmindClient, segmind_mock: Mock
) -> None:
    """Dossier, section 13, 3: anything but a JSON object with three non-empty keys fails in the SDK."""
    job = sdk.submit_async("flux-img2img", **EXAMPLE)
    assert all((job.request_id, job.status_url, job.response_url))
    assert job.submit_response["status"] == "QUEUED"
    segmind_mock.scenario("malformed-json", times=1)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        sdk.submit_async("flux-img2img", **EXAMPLE)


def test_no_answer_is_a_redirect(segmind_mock: Mock) -> None:
    """Dossier, section 13, 3: the SDK does not follow a redirect, so that slashes must not lead to one."""
    headers = {"x-api-key": segmind_mock.key}
    for path in ("/v2/flux-img2img/", "//v2/flux-img2img", "/v2//flux-img2img"):
        assert httpx.post(segmind_mock.url + path, json=EXAMPLE, headers=headers).status_code == 200


def test_the_result_of_a_failed_job_is_not_needed(sdk: official_sdk.SegmindClient, segmind_mock: Mock) -> None:
    """Dossier, section 13, 6: FAILED is read from the status body alone; COMPLETED fetches the result once."""
    segmind_mock.job_policy("instant")
    segmind_mock.scenario("job-failed", times=1, route="submit")
    with pytest.raises(official_sdk.InferenceFailed, match="Prompt is Mandatory"):
        sdk.submit_async("flux-img2img", **EXAMPLE).wait()
    result = sdk.submit_async("flux-img2img", **EXAMPLE).wait()
    assert result["output"].startswith(segmind_mock.url)
    assert [request.route for request in segmind_mock.requests].count("result") == 1
