"""The names of the docs pages, the keywords of a call, settings, and the cost of an import."""

import contextlib
import copy
import io
import os
import subprocess
import sys
import traceback

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import segmind_client
from segforge import Catalog
from segforge.spec.catalog import Model
from segforge.spec.identifiers import snake_case
from segforge_contract.pytest_plugin import spread
from segmind_client import AsyncSegmind, CannotSend, MissingApiKey, Segmind, SegmindClient
from tests.client.conftest import KEY, Gateway, json_answer
from tests.seeds import whole_catalog

pytestmark = pytest.mark.filterwarnings("ignore::segmind_client.ModelWarning")  # some of the models are unlisted

MODELS = spread(whole_catalog().models)
JSON_MODELS = [model for model in MODELS if "json" in model.encodings]
QUEUED_MODELS = [model for model in MODELS if "v2" in model.versions]
RESULT = {"status": "COMPLETED", "output": "https://images.test/1.jpeg", "metrics": {"inference_time": 13.06}}

# The sample of the docs pages, except for its import lines.
SAMPLE = """
import segmind_client as segmind

result = segmind.run(
    {slug!r},
    **{payload!r},
)
print(result["status"])
print(result.get("output"))
print(result["metrics"]["inference_time"])

from segmind_client import SegmindClient, InferenceFailed, InferenceTimeout

client = SegmindClient()
payload = {payload!r}
job = client.submit_async({slug!r}, **payload)
print(job.request_id)
try:
    result = job.wait(timeout=600, interval=1.0)
except InferenceTimeout as e:
    print("still running:", e.request_id)
except InferenceFailed as e:
    print("failed:", e.detail)
"""


@pytest.mark.parametrize("model", QUEUED_MODELS, ids=[model.slug for model in QUEUED_MODELS])
@pytest.mark.parametrize("fails", [False, True])
def test_the_sample_of_a_docs_page_runs(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, model: Model, *, fails: bool
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    monkeypatch.setenv("SEGMIND_BASE_URL", f"{gateway.url}/v1")
    gateway.job(slug=model.slug)
    failed = json_answer({"status": "FAILED", "error": "content blocked"}, 422)
    completed = json_answer({"status": "COMPLETED"})
    gateway.on("GET", "/v2/requests/r1/status", completed, *([failed] if fails else []))
    gateway.on("GET", "/v2/requests/r1", json_answer(RESULT))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(SAMPLE.format(slug=model.slug, payload=dict(model.example)), "sample", "exec"), {})
    lines = ["COMPLETED", "https://images.test/1.jpeg", "13.06", "r1"]
    assert printed.getvalue().splitlines() == lines + (["failed: content blocked"] if fails else [])
    submits = [request.json for request in gateway.received if request.method == "POST"]
    assert submits == [model.example, model.example]


def test_the_docs_name_is_the_same_class() -> None:
    assert SegmindClient is Segmind


@pytest.mark.parametrize("call", ["run_sync", "submit_async", "run"])
def test_every_keyword_belongs_to_the_model(
    gateway: Gateway, client: Segmind, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    names = ["self", "slug", "model", "timeout", "interval", "base64", "api_key", "client", "params", "headers"]
    keywords = {name: f"value of {name}" for name in names}
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    monkeypatch.setenv("SEGMIND_BASE_URL", gateway.url)
    gateway.on("POST", "/v1/any", json_answer({}))
    gateway.job(slug="any")
    gateway.on("GET", "/v2/requests/r1/status", json_answer({"status": "COMPLETED"}))
    gateway.on("GET", "/v2/requests/r1", json_answer(RESULT))
    getattr(client, call)("any", **keywords)
    getattr(segmind_client, call)("any", **keywords)
    assert [request.json for request in gateway.received if request.method == "POST"] == [keywords, keywords]


@pytest.mark.parametrize("model", JSON_MODELS, ids=[model.slug for model in JSON_MODELS])
def test_a_model_is_an_attribute_that_sends_its_parameters(gateway: Gateway, client: Segmind, model: Model) -> None:
    gateway.on("POST", f"/v1/{model.slug}", json_answer({model.returns.media: "aGk="}))
    gateway.job(slug=model.slug)
    attribute = getattr(client, snake_case(model.slug))
    assert attribute.slug == model.slug
    for call in ["run", *(["submit"] if "v2" in model.versions else [])]:
        getattr(attribute, call)(**model.valid_example)
        assert gateway.received[-1].json == model.valid_example
        assert gateway.received[-1].headers["content-type"] == "application/json"
    assert hasattr(attribute, "submit") == ("v2" in model.versions)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=5,
)


@given(params=st.dictionaries(st.text(), JSON, max_size=4))
def test_parameters_arrive_as_they_were_given(params: dict[str, object]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert httpx.Response(200, content=request.content).json() == params
        return httpx.Response(200, json={})

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        Segmind(KEY, http_client=http).run_sync("any", **params)


@pytest.mark.parametrize("value", [b"bytes", object(), float("nan"), {1: {2, 3}}])
def test_a_value_that_is_not_json_is_rejected_with_its_name(gateway: Gateway, client: Segmind, value: object) -> None:
    with pytest.raises((TypeError, ValueError), match=r"parameter 'image(\.1)?' can't be sent"):
        client.run_sync("any", prompt="a cat", image=value)
    assert gateway.received == []


def test_an_empty_slug_is_rejected(gateway: Gateway, client: Segmind) -> None:
    with pytest.raises(ValueError, match="slug"):
        client.run_sync("")
    assert gateway.received == []


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v2/", "/proxy", "/proxy/v1"])
def test_the_base_url_takes_a_version_or_a_path(gateway: Gateway, ending: str) -> None:
    with Segmind(KEY, gateway.url + ending) as client, pytest.raises(segmind_client.NotFound):
        client.run_sync("any")
    prefix = "/proxy" if "proxy" in ending else ""
    assert gateway.received[0].path == f"{prefix}/v1/any"
    assert client.base_url == gateway.url + prefix


def test_the_base_url_comes_from_argument_then_environment_then_spec(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Segmind(KEY).base_url == catalog.gateway.base_url
    monkeypatch.setenv("SEGMIND_BASE_URL", "http://mock.test:8086/v1")
    assert Segmind(KEY).base_url == "http://mock.test:8086"
    assert Segmind(KEY, "https://other.test").base_url == "https://other.test"
    monkeypatch.setenv("SEGMIND_BASE_URL", "")
    assert Segmind(KEY).base_url == catalog.gateway.base_url


@pytest.mark.parametrize(
    "url",
    ["host.test", "ftp://host.test", "http://", "http://u:secret@host.test", "http://h.test?k=secret", "http://h:port"],
)
def test_an_invalid_base_url_is_rejected(url: str) -> None:
    with pytest.raises(ValueError, match="base_url") as caught:
        Segmind(KEY, url)
    assert "secret" not in str(caught.value)


def test_without_a_key_the_variable_is_named_before_any_request(gateway: Gateway) -> None:
    for api_key in (None, "", "  "):
        with pytest.raises(MissingApiKey, match="SEGMIND_API_KEY"):
            Segmind(api_key, gateway.url)
    with pytest.raises(MissingApiKey):
        segmind_client.run("flux-img2img")
    assert gateway.received == []


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_an_invalid_timeout_is_rejected(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        Segmind(KEY, timeout=timeout)


def test_the_client_of_another_library_is_rejected_with_its_name() -> None:
    with pytest.raises(TypeError, match=r"http_client is a httpx\.AsyncClient; expected an httpx\.Client"):
        Segmind(KEY, http_client=httpx.AsyncClient())  # type: ignore[arg-type]  # the mistake to be caught


def test_the_caller_s_client_is_used_and_left_open(gateway: Gateway) -> None:
    gateway.on("POST", "/v1/any", json_answer({}))
    with httpx.Client(headers={"x-team": "blue"}) as own:
        with Segmind(KEY, gateway.url, http_client=own) as client:
            client.run_sync("any")
        assert not own.is_closed
    assert gateway.received[0].headers["x-team"] == "blue"


def test_a_closed_client_is_reported(gateway: Gateway) -> None:
    client = Segmind(KEY, gateway.url)
    client.close()
    client.close()
    with pytest.raises(CannotSend, match="closed") as caught:
        client.run_sync("any")
    assert (caught.value.maybe_billed, caught.value.attempts) == (False, 1)
    with pytest.raises(CannotSend, match="closed") as caught:
        client.jobs.resume("r1").wait()
    assert caught.value.request_id == "r1"


def test_the_default_client_follows_the_environment(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.on("POST", "/v1/any", json_answer({}))
    monkeypatch.setenv("SEGMIND_BASE_URL", gateway.url)
    for key in (KEY, "SG_fedcba9876543210"):
        monkeypatch.setenv("SEGMIND_API_KEY", key)
        segmind_client.run_sync("any")
        assert gateway.received[-1].headers["x-api-key"] == key


def modules_after(code: str) -> set[str]:
    """Returns the modules that a fresh interpreter has loaded after running this code."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    environment = {**os.environ, "SEGMIND_API_KEY": KEY}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return set(run.stdout.split())


def test_importing_the_package_imports_nothing_expensive() -> None:
    before, after = modules_after("pass"), modules_after("import segmind_client; dir(segmind_client)")
    assert after - before == {"segmind_client"}


def test_errors_do_not_need_httpx() -> None:
    assert "httpx" not in modules_after("from segmind_client import InferenceFailed, SegmindError")


def test_only_used_models_are_imported() -> None:
    after = modules_after("import segmind_client; segmind_client.Segmind().flux_img2img")
    loaded = {name for name in after if name.startswith(("segmind_client.models.", "segmind_client.types."))}
    assert loaded == {"segmind_client.models.flux_img2img", "segmind_client.types.flux_img2img"}


def test_a_misspelt_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match="did you mean flux_img2img"):
        getattr(Segmind(KEY), "flux_img2mg")  # noqa: B009 - the type checkers know that it does not exist
    assert not hasattr(Segmind(KEY), "_repr_html_")


@pytest.mark.parametrize("client", [Segmind(KEY), AsyncSegmind(KEY)])
def test_a_call_that_a_model_lacks_is_answered_with_the_one_that_it_has(client: Segmind | AsyncSegmind) -> None:
    for call in ("submit", "run_async"):
        with pytest.raises(
            AttributeError, match=rf"no attribute '{call}': its docs show only v1, so use run$"
        ) as caught:
            getattr(client.flux_dev_finetuned, call)
        shown = traceback.format_exception_only(caught.value)
        assert "_submit" not in "".join(shown)  # Python suggests similar names
    with pytest.raises(AttributeError, match=r"no attribute 'sumbit'$"):
        getattr(client.flux_img2img, "sumbit")  # noqa: B009 - the type checkers know that it does not exist
    assert copy.copy(client.flux_img2img).slug == "flux-img2img"


def test_every_public_name_exists() -> None:
    for name in segmind_client.__all__:
        assert getattr(getattr(segmind_client, name), "__name__", name) in (name, "Segmind", "InferenceFailed")
    assert set(segmind_client.__all__) <= set(dir(segmind_client))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = segmind_client.nothing
