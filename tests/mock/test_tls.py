"""A client with a hard-coded host reaches the mock over TLS."""

import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from segforge_mock import MockTransport, create_app
from segforge_mock.http.tls import GATEWAY_HOSTS
from tests.mock.conftest import KEY
from tests.seeds import seed_catalog
from tests.shared import started

DOCS = (Path(__file__).parents[2] / "docs" / "how-to" / "fixed-host.md").read_text("utf-8")
EXAMPLE = seed_catalog().model("style-transfer").valid_example


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port of a mock process with TLS, and the certificate of its authority."""
    authority = tmp_path_factory.mktemp("tls") / "ca.pem"
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", "--tls", str(authority)]
    with started(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        [port] = re.findall(r"https://127\.0\.0\.1:([0-9]+)", process.stdout.readline())
        yield int(port), authority
        process.terminate()
        assert process.wait(10) == 0


@pytest.mark.parametrize("host", GATEWAY_HOSTS)
def test_segmind_s_host_names_are_certified(served: tuple[int, Path], host: str) -> None:
    port, authority = served
    assert "PRIVATE" not in authority.read_text("ascii")
    context = ssl.create_default_context(cafile=str(authority))
    with (
        socket.create_connection(("127.0.0.1", port)) as raw,
        context.wrap_socket(raw, server_hostname=host) as connection,
    ):
        connection.sendall(f"GET /v1/get-user-credits HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    ("variable", "command"),
    [
        ("SSL_CERT_FILE", [sys.executable, "-c", "import httpx, sys; print(httpx.get(sys.argv[1]).text)"]),
        ("REQUESTS_CA_BUNDLE", [sys.executable, "-c", "import requests, sys; print(requests.get(sys.argv[1]).text)"]),
        ("NODE_EXTRA_CA_CERTS", ["node", "-e", "fetch(process.argv[1]).then((r) => r.text()).then(console.log)"]),
        ("--cacert", ["curl", "--silent", "--show-error", "--cacert"]),
    ],
)
def test_clients_trust_the_authority_as_the_docs_say(
    served: tuple[int, Path], variable: str, command: list[str]
) -> None:
    assert variable in DOCS
    port, authority = served
    more = [str(authority)] if variable == "--cacert" else []
    for environment in ({variable: str(authority)}, {}):
        if variable == "--cacert" and not environment:
            command, more = command[:-1], []
        result = subprocess.run(
            [*command, *more, f"https://localhost:{port}/healthz"],
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (result.stdout.strip() == '{"status":"ok"}') == bool(environment), result.stderr


def test_the_docs_redirect_every_host() -> None:
    assert f'echo "127.0.0.1 {" ".join(GATEWAY_HOSTS)}" >> /etc/hosts' in DOCS


@pytest.mark.parametrize(
    ("url", "options", "output", "storage"),
    [
        ("https://api.segmind.com", {}, "https://images.segmind.com", "https://storage.segmind.com"),
        ("https://API.segmind.com:8443", {}, "https://images.segmind.com:8443", "https://storage.segmind.com:8443"),
        ("http://127.0.0.1:8086", {}, "http://127.0.0.1:8086", "http://127.0.0.1:8086"),
        (
            "http://api.segmind.com.evil.test",
            {},
            "http://api.segmind.com.evil.test",
            "http://api.segmind.com.evil.test",
        ),
        ("https://api.segmind.com", {"public_url": "http://m.test"}, "http://m.test", "http://m.test"),
    ],
)
def test_files_are_on_the_gateway_s_hosts(url: str, options: dict[str, str], output: str, storage: str) -> None:
    """Only if the caller reached the mock by a host name of the gateway."""
    transport = MockTransport(create_app(time_scale=0, media="tiny", **options))  # type: ignore[arg-type]
    with httpx.Client(transport=transport, base_url=url, headers={"x-api-key": KEY}) as client:
        job = client.post("/v2/style-transfer", json=EXAMPLE).json()
        assert job["status_url"].startswith(options.get("public_url", url.lower()))
        result = client.get(job["response_url"]).json()
        assert result["output"].startswith(f"{output}/generations/")
        assert result["images"][0]["url"] == result["output"]
        assert client.get(result["output"]).headers["content-type"].startswith("image/")
        stored = client.post("/upload-asset", json={"data_urls": ["data:image/png;base64,eA=="]}).json()
        assert stored["file_urls"][0].startswith(f"{output}/assets/")
        assert stored["urls"][0].startswith(f"{storage}/assets/")
        assert client.get(stored["urls"][0]).content == b"x"


def test_uploads_of_two_keys_are_apart_and_end_with_a_reset() -> None:
    transport = MockTransport(create_app(time_scale=0))
    with httpx.Client(transport=transport, base_url="http://mock") as client:
        body, keys = {"data_urls": ["data:image/png;base64,eA=="]}, [f"SG_{number:016}" for number in range(2)]
        one, two = (
            client.post("/upload-asset", json=body, headers={"x-api-key": key}).json()["urls"][0] for key in keys
        )
        assert one != two
        assert client.post("/_mock/reset", headers={"x-api-key": keys[0]}).status_code == 200
        assert [client.get(url).status_code for url in (one, two)] == [404, 200]
