"""Proxy and certificate variables never come between a mock and its clients."""

import os

import httpx
import pytest

from segforge.cli import main as segforge
from segforge.environment import BadEnvironment
from segforge_mock import Mock
from segforge_mock.http.endpoint import AsgiEndpoint
from segforge_mock.http.server import BackgroundServer
from segforge_mock.models.served import packaged_models
from segforge_mock.proxy.proxy import Proxy

MODELS = packaged_models()
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
DOCKER = "localhost,127.0.0.0/8,::1/128,10.0.0.0/8"
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize("no_proxy", [None, "example.com", "*", ".local, x"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_fixture_s_environment_bypasses_a_proxy(
    variable: str, no_proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, NOBODY)
    if no_proxy is not None:
        monkeypatch.setenv("NO_PROXY", no_proxy)
    with Mock() as mock:
        for name, value in mock.environment.items():
            monkeypatch.setenv(name, value)
        assert httpx.get(f"{mock.url}/healthz").json() == {"status": "ok"}
    assert (no_proxy or "") in os.environ["NO_PROXY"]


def test_an_environment_without_a_proxy_is_unchanged() -> None:
    with Mock() as mock:
        assert set(mock.environment) == {"SEGMIND_BASE_URL", "SEGMIND_API_KEY"}


def test_the_fixture_works_behind_a_proxy(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    request.getfixturevalue("segmind_mock")
    assert httpx.get(f"{os.environ['SEGMIND_BASE_URL']}/healthz").status_code == 200


@pytest.mark.parametrize("no_proxy", [None, DOCKER, "*", "[", "::1/128", "http://[", "\x7f"])
def test_an_upstream_on_this_machine_needs_no_proxy(no_proxy: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    if no_proxy is not None:
        monkeypatch.setenv("NO_PROXY", no_proxy)
    with Mock() as mock, BackgroundServer(AsgiEndpoint(Proxy(mock.url, MODELS, lambda _: None))) as url:
        assert _get(url, mock.key).status_code == 200


def _get(url: str, key: str) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.get(f"{url}/v1/get-user-credits", headers={"x-api-key": key})


@pytest.mark.parametrize(
    ("host", "no_proxy", "goes_past"),
    [
        ("gateway.test", DOCKER, False),
        ("192.0.2.7", DOCKER, False),
        ("0.0.0.0", DOCKER, False),
        ("0.0.0.0", f"{DOCKER}, 0.0.0.0/8", True),
        ("0.0.0.0", "0.0.0.0", True),
    ],
)
def test_a_remote_upstream_is_reached_through_the_proxy_unless_excluded(
    host: str, no_proxy: str, goes_past: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Mock() as proxy, Mock() as direct:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", no_proxy)
        upstream = f"http://{host}:{httpx.URL(direct.url).port}"
        with BackgroundServer(AsgiEndpoint(Proxy(upstream, MODELS, lambda _: None))) as url:
            assert _get(url, proxy.key).status_code == 200
        assert [len(mock.requests) for mock in (proxy, direct)] == ([0, 1] if goes_past else [1, 0])


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "ftp://user:s3cret@x"),
        ("https_proxy", "http://[s3cret"),
        ("ALL_PROXY", "what is this"),
        ("SSL_CERT_FILE", "/no/such/file.pem"),
    ],
)
def test_a_variable_that_cannot_be_used_is_misuse_by_its_name(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadEnvironment, match=variable):
        Proxy("https://api.segmind.com", MODELS)
    assert segforge(["mock", "--port", "0", "--upstream", "https://api.segmind.com"]) == 2
    printed = capsys.readouterr().err
    assert variable in printed
    assert "user:" not in printed
