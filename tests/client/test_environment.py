"""Settings, proxies and certificates of the environment, and errors that name the variable."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import segmind_client
from segmind_client import CannotSend, ConnectionFailed, MissingApiKey, Segmind, SegmindError
from segmind_client._environment import Proxies
from tests.client.conftest import KEY, Gateway, json_answer
from tests.client.test_exchange import BOTH, call
from tests.tls import served_over_tls

PROXIES = [f"{kind}_proxy" for kind in ("http", "https", "all", "no")]
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *map(str.upper, PROXIES), *CERTIFICATES):
        monkeypatch.delenv(name, raising=False)


NO_PROXY = "localhost,127.0.0.0/8,::1/128"
"""A value that Docker and others set."""


@BOTH
def test_networks_in_no_proxy_are_respected(kind: type[Any], gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", NO_PROXY)
    gateway.on("POST", "/v1/any", json_answer({"ok": True}))
    assert call(kind, lambda client: client.run_sync("any"), KEY, gateway.url).data == {"ok": True}


@pytest.mark.parametrize(
    ("entry", "covered", "not_covered"),
    [
        ("127.0.0.0/8", ["http://127.9.9.9"], ["http://128.0.0.1", "http://localhost"]),
        ("127.0.0.1/8", ["http://127.9.9.9"], []),
        ("::1/128", ["http://[::1]", "https://[::1]:8443"], ["http://[::2]", "http://0.0.0.1"]),
        ("[::1]", ["http://[::1]:80"], ["http://[::2]"]),
        ("[::1]:8080", ["http://[::1]:8080"], ["http://[::1]"]),
        ("10.0.0.1:8080", ["http://10.0.0.1:8080"], ["http://10.0.0.1"]),
        ("*", ["http://a.test"], []),
        ("a.test", ["http://a.test", "http://b.A.test"], ["http://aa.test", "http://a.test.b"]),
        (".a.test", ["http://b.a.test"], ["http://a.test"]),
        ("*.a.test", ["http://b.a.test"], ["http://a.test"]),
        ("a.test:443", ["https://a.test"], ["http://a.test"]),
        ("http://a.test", ["http://a.test"], ["https://a.test"]),
        ("all://a.test", ["http://a.test"], ["https://b.test"]),
    ],
)
def test_an_entry_of_no_proxy_matches(entry: str, covered: list[str], not_covered: list[str]) -> None:
    proxies = Proxies({"all": "proxy.test:3128"}, ("none.test", entry))
    for url in map(httpx.URL, covered):
        assert proxies.way_to(url.scheme, url.host, url.port) is None, url
    for url in map(httpx.URL, not_covered):
        assert proxies.way_to(url.scheme, url.host, url.port) == "http://proxy.test:3128", url


@given(entry=st.text() | st.from_regex(r"[\[\]0-9a-f:./*%]{0,20}", fullmatch=True))
def test_no_entry_of_no_proxy_breaks_the_client(entry: str) -> None:
    proxies = Proxies({"http": "http://proxy.test"}, (entry,))
    for host in ("a.test", "127.0.0.1", "::1"):
        assert proxies.way_to("http", host, None) in (None, "http://proxy.test")


def test_a_proxy_that_can_t_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "127.0.0.1:9")
    with Segmind(KEY, "http://gateway.test", retries=0) as client, pytest.raises(ConnectionFailed) as caught:
        client.run_sync("any")
    assert "HTTP_PROXY" in caught.value.detail
    assert not caught.value.maybe_billed


def test_an_unneeded_setting_is_not_read(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "nonsense://")
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://")
    monkeypatch.setenv("NO_PROXY", NO_PROXY)
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/none.pem")
    gateway.on("POST", "/v1/any", json_answer({}))
    with Segmind(KEY, gateway.url) as client:
        client.run_sync("any")


# Errors that name the variable


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SEGMIND_API_KEY", "", "there is no API key"),
        ("SEGMIND_API_KEY", " \t", "SEGMIND_API_KEY contains only spaces"),
        ("SEGMIND_API_KEY", "SG_secret SG_secret", "SEGMIND_API_KEY contains characters"),
        ("SEGMIND_API_KEY", "SG_s\u00e9cret", "SEGMIND_API_KEY contains characters"),
        ("SEGMIND_API_KEY", '"SG_secret"', "SEGMIND_API_KEY is enclosed in quotation marks"),
        ("SEGMIND_BASE_URL", "secret.test", "SEGMIND_BASE_URL is not"),
        ("SEGMIND_BASE_URL", " ", "SEGMIND_BASE_URL is not"),
        ("SEGMIND_BASE_URL", "http://user:secret@gateway.test", "SEGMIND_BASE_URL contains a user"),
        ("SEGMIND_LOG", "loud", "SEGMIND_LOG is 'loud'"),
    ],
)
def test_a_setting_with_an_invalid_value_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    monkeypatch.setenv(variable, value)
    with pytest.raises((MissingApiKey, ValueError)) as caught:
        Segmind()
    assert said in str(caught.value)
    assert variable in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_argument_with_an_invalid_value_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    monkeypatch.setenv("SEGMIND_BASE_URL", "http://gateway.test")
    with pytest.raises(MissingApiKey, match="api_key contains only spaces"):
        Segmind(" ")
    with pytest.raises(ValueError, match="base_url is not"):
        Segmind(base_url="gateway.test")


HTTP, HTTPS = "http://gateway.test", "https://gateway.test"


@BOTH
@pytest.mark.parametrize(
    ("variable", "value", "url", "said"),
    [
        ("HTTP_PROXY", "gopher://user:secret@proxy.test", HTTP, "its scheme is 'gopher'"),
        ("http_proxy", "ftp://user:secret@proxy.test", HTTP, "http_proxy can't be used (its scheme is 'ftp'"),
        ("HTTPS_PROXY", "telnet://", HTTPS, "its scheme is 'telnet'"),
        ("HTTPS_PROXY", "http://user:secret@", HTTPS, "HTTPS_PROXY"),
        ("ALL_PROXY", "http://proxy.test:secret", HTTP, "it is not the address of a proxy"),
        ("ALL_PROXY", "user:secret://x", HTTP, "it is not the address of a proxy"),
        ("ALL_PROXY", "socks5://user:secret@proxy.test", HTTP, "pip install 'httpx[socks]'"),
        ("SSL_CERT_FILE", "/nowhere/none.pem", HTTPS, "No such file or directory: '/nowhere/none.pem'"),
        ("SSL_CERT_FILE", "/", HTTPS, "Is a directory"),
        ("SSL_CERT_FILE", __file__, HTTPS, "is not a certificate"),
        ("SSL_CERT_FILE", os.devnull, HTTPS, "is not a certificate"),
        ("SSL_CERT_DIR", "/nowhere", HTTPS, "No such file or directory: '/nowhere'"),
        ("SSL_CERT_DIR", __file__, HTTPS, "Not a directory"),
        ("SSL_CERT_DIR", str(Path(__file__).parent), HTTPS, "OpenSSL finds no certificate"),
        ("SSLKEYLOGFILE", "/nowhere/keys", HTTPS, "a file that this process may write"),
    ],
)
def test_an_unusable_setting_is_named(
    kind: type[Any], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, url: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(CannotSend) as caught:
        call(kind, lambda client: client.run_sync("any"), KEY, url)
    assert f"{variable} can't be used" in caught.value.detail
    assert said in caught.value.detail
    assert "secret" not in str(caught.value)
    assert (caught.value.attempts, caught.value.maybe_billed) == (1, False)


def test_an_entry_of_no_proxy_that_matches_nothing_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test")
    entries = ("10.0.0.0/40", "a b", "http://user:secret@a.test:b")
    fine = ("*.a.test:80", "::1/128", "[::1]:80", "10.0.0.0/8", "*", ".a.test", "all://a.test", "a_b")
    monkeypatch.setenv("NO_PROXY", ", ".join((*entries, *fine)))
    caplog.set_level(logging.WARNING, "segmind_client")
    Segmind(KEY).close()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == len(entries)
    assert all("NO_PROXY" in text for text in said)
    assert "10.0.0.0/40" in said[0]
    assert "secret" not in caplog.text


@pytest.fixture
def https(tmp_path: Path) -> Iterator[str]:
    with served_over_tls(tmp_path) as url:
        yield url


def refused(url: str) -> str:
    with Segmind(KEY, url, retries=0) as stranger, pytest.raises(ConnectionFailed) as caught:
        stranger.credits()
    assert "certificate verify failed" in caught.value.detail
    assert not caught.value.maybe_billed
    return caught.value.detail


def test_certificates_come_from_the_environment(https: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unset = refused(https)
    assert "the package certifi" in unset
    assert "set SSL_CERT_FILE" in unset
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    assert "REQUESTS_CA_BUNDLE is set, but this client does not read it" in refused(https)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    assert f"SSL_CERT_FILE={str(tmp_path / 'other.pem')!r}" in refused(https)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with Segmind(KEY, https, retries=0) as client, pytest.raises(SegmindError) as answered:
        client.credits()
    assert answered.value.status == 501


def test_no_other_module_reads_the_environment() -> None:
    package = Path(str(segmind_client.__file__)).parent
    readers = {path.name for path in package.rglob("*.py") if "os.environ" in path.read_text("utf-8")}
    assert readers == {"_environment.py"}
