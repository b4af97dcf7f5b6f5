"""The Python samples of the docs pages run on the mock with our client and with the official SDK."""

import contextlib
import io

import httpx
import pytest
import segmind as official_sdk

from segforge.spec.catalog import Model
from segforge_mock import Mock
from tests.seeds import seed_catalog

CATALOG = seed_catalog()
V2 = [model for model in CATALOG.models if "v2" in model.versions]

# The sample of the pages with a v2 section, except for its import lines.
SAMPLE = """
import segmind_client as segmind

# Async (v2): submit to the queue and block until COMPLETED.
result = segmind.run(
    {slug!r},
{keywords}
)
print(result["status"])                      # COMPLETED
print(result.get("output"))                  # model output (e.g. media URL)
print(result["metrics"]["inference_time"])   # server compute seconds

# --- Or submit + poll manually (track request_id, control the cadence) ---
from segmind_client import SegmindClient, InferenceFailed, InferenceTimeout

client = SegmindClient()                      # reads SEGMIND_API_KEY
payload = {payload!r}
job = client.submit_async({slug!r}, **payload)
print(job.request_id)                         # available immediately
try:
    result = job.wait(timeout=600, interval=1.0)
except InferenceTimeout as e:
    print("still running:", e.request_id)
except InferenceFailed as e:
    print("failed:", e.detail)
print(result["status"])
"""


@pytest.mark.parametrize("model", V2, ids=lambda model: model.slug)
def test_the_v2_sample_runs_to_completed(segmind_mock: Mock, model: Model) -> None:
    keywords = "\n".join(f"    {name}={value!r}," for name, value in model.example.items())
    sample = SAMPLE.format(slug=model.slug, keywords=keywords, payload=dict(model.example))
    segmind_mock.job_policy("instant")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(sample, "sample", "exec"), {})
    status, output, seconds, request_id, last = printed.getvalue().splitlines()
    assert (status, last) == ("COMPLETED", "COMPLETED")
    assert output.startswith(segmind_mock.url)
    assert float(seconds) > 0
    assert [job.request_id for job in segmind_mock.jobs][1] == request_id
    assert [job.payload for job in segmind_mock.jobs] == [model.example, model.example]


@pytest.mark.parametrize("model", V2, ids=lambda model: model.slug)
def test_the_same_calls_work_with_the_official_sdk(segmind_mock: Mock, model: Model) -> None:
    segmind_mock.job_policy("instant")
    client = official_sdk.SegmindClient(base_url=segmind_mock.base_url)
    with client._client:
        assert client.run(model.slug, **model.example)["status"] == "COMPLETED"
        job = client.submit_async(model.slug, **model.example)
        assert job.wait(timeout=600, interval=1.0)["metrics"]["inference_time"] > 0


def test_the_incomplete_sample_receives_400_and_the_completed_one_200(segmind_mock: Mock) -> None:
    data = dict(CATALOG.model("flux-dev-finetuned").example)
    headers = {"x-api-key": segmind_mock.key, "Content-Type": "application/json"}
    url = f"{segmind_mock.url}/v1/flux-dev-finetuned"
    refused = httpx.post(url, headers=headers, json=data)
    assert refused.status_code == 400
    assert [violation["parameter"] for violation in refused.json()["violations"]] == ["finetune_id"]
    assert "finetune_id" in refused.json()["error"]
    assert httpx.post(url, headers=headers, json={**data, "finetune_id": "mine"}).status_code == 200
