"""Pages of other origins can't use the admin API: a real Chromium, and each of its requests alone."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segforge_mock import BadSetting, Mock, MockTransport, create_app
from tests.typescript.conftest import TOOLS, execute
from tests.typescript.test_behaviour import elsewhere

SCRIPT = Path(__file__).with_name("other_origins.mjs")
KEY = "SG_00000000000000aa"


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, media="tiny", allow_hosts=["mock.test"]) as mock:
        yield mock


@elsewhere
def test_no_page_of_another_origin_reads_or_changes_anything(mock: Mock, tmp_path: Path) -> None:
    keyless = mock.app.tenants.get(b"")
    with httpx.Client(base_url=mock.url) as client:
        client.put("/_mock/credits", json={"credits": 7})
        client.post("/_mock/clock", json={"advance": 100})
        client.get("/v1/secret")
        # Where it believes to be on AWS Lambda, the package brings the libraries too that Chromium needs.
        machine = {"TMPDIR": str(tmp_path), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x", "TOOLS": str(TOOLS)}
        run = execute("node", str(SCRIPT), cwd=tmp_path, MOCK_URL=mock.url, KEY=KEY, **machine)
        assert run.returncode == 0, run.stderr
        read = json.loads(run.stdout)
        assert read.pop("the mock's own page") == {"set": 200, "credits": {"credits": 3.0}}
        assert read == {name: {} for name in read}
        assert len(read) == 5
        assert client.get("/_mock/credits").json() == {"credits": 7.0}
        assert client.get("/_mock/clock").json()["offset"] == 100
        assert client.get("/_mock/requests").json()[0]["path"] == "/v1/secret"
    assert not keyless.stubs
    assert keyless.policy is None


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    app = create_app(time_scale=0, allow_hosts=["mock.test", "::2"], public_url="https://public.test/x")
    with httpx.Client(transport=MockTransport(app), base_url="http://localhost:8086") as client:
        yield client


OURS = ["localhost", "LOCALHOST:1", "localhost.", "127.0.0.1:8086", "10.1.2.3", "[::1]:8086", "[fe80::1]", "mock:8086", "my_mock", "mock.test:8086", "Mock.Test", "public.test", "api.segmind.com", "[::2]"]  # fmt: skip  # noqa: E501
THEIRS = ["evil.com", "evil.com:8086", "localhost.evil.com", "127.0.0.1.evil.com", "127.0.0.1.nip.io", "evil.com.", "x.mock.test", "mock.test.evil.com", "localhost@evil.com", "[::1].evil.com", "localhost:80:80", "localhost:80/x", "a b", "evil\xe9.com", "256.1.1.1", "segmind.com"]  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("host", OURS)
def test_the_mock_s_own_hosts_are_accepted(client: httpx.Client, host: str) -> None:
    assert client.get("/_mock/clock", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", THEIRS)
def test_another_host_is_refused_only_on_the_admin_api(client: httpx.Client, host: str) -> None:
    raw = {b"host": host.encode("latin-1")}
    refused = client.get("/_mock/clock", headers=raw)
    assert refused.status_code == 403
    assert "--allow-host" in refused.json()["error"]
    assert client.get("/healthz", headers=raw).status_code == 200
    assert client.get("/v1/get-user-credits", headers={**raw, b"x-api-key": KEY.encode()}).status_code == 200


LABEL = st.text("abcxyz0189-", min_size=1, max_size=6)
PORT = st.integers(0, 65_535).map(lambda port: f":{port}") | st.just("")


@given(labels=st.lists(LABEL, min_size=1, max_size=3), end=st.sampled_from(["com", "test", "x"]), port=PORT)
def test_any_name_with_a_dot_is_another_host(client: httpx.Client, labels: list[str], end: str, port: str) -> None:
    host = ".".join([*labels, end])
    expected = 200 if host in ("mock.test", "public.test") else 403
    assert client.get("/_mock/clock", headers={"host": host + port}).status_code == expected


@given(scheme=st.sampled_from(["http", "https", "file", "x"]), host=st.sampled_from(OURS + THEIRS) | LABEL, port=PORT)
def test_any_other_origin_is_refused(client: httpx.Client, scheme: str, host: str, port: str) -> None:
    origin = f"{scheme}://{host.partition(':')[0]}{port}"
    headers = {b"origin": origin.encode("latin-1")}
    expected = 200 if origin.lower() == "http://localhost:8086" else 403
    assert client.get("/_mock/clock", headers=headers).status_code == expected


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "null"}, 403),
        ({"origin": ""}, 200),
        ({"origin": "http://localhost:8086"}, 200),
        ({"origin": "http://localhost"}, 403),
        ({"origin": "http://mock.test"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"host": "localhost", "origin": "http://localhost:80"}, 200),
        ({"host": "localhost:443", "origin": "https://localhost", "x-forwarded-proto": "https"}, 200),
    ],
)
def test_headers_of_a_page_decide_about_a_call(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    answer = client.get("/_mock/clock", headers=headers)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"", 200),
        ({"content-type": "application/json"}, b"{}", 200),
        ({"content-type": "application/json; charset=utf-8"}, b"{}", 200),
        ({"content-type": "text/plain"}, b"{}", 415),
        ({}, b"{}", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"{}", 415),
        ({"content-type": "text/plain; application/json"}, b"{}", 415),
        ({"origin": "http://localhost:8086"}, b"", 415),
        ({"sec-fetch-site": "same-origin"}, b"", 415),
        ({"origin": "http://localhost:8086", "content-type": "application/json"}, b"", 200),
    ],
)
def test_a_body_must_be_json_by_its_type(
    client: httpx.Client, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = client.post("/_mock/reset", headers=headers, content=body)
    assert answer.status_code == status
    assert status == 200 or "application/json" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/_mock/reset", "/_mock/", "/%5fmock/reset"])
def test_a_preflight_opens_no_admin_path(client: httpx.Client, path: str) -> None:
    headers = {"origin": "http://evil.com", "access-control-request-method": "POST"}
    answer = client.options(path, headers=headers)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("type_", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "text/plain", "application/javascript", "image/svg+xml+x"])  # fmt: skip  # noqa: E501
def test_an_upload_of_another_type_is_refused(client: httpx.Client, type_: str) -> None:
    files = {"data_urls": [f"data:{type_};base64,eA=="]}
    answer = client.post("/upload-asset", json=files, headers={"x-api-key": KEY})
    assert answer.status_code == 400
    assert type_ in answer.json()["error"]


def is_inert(answer: httpx.Response) -> bool:
    """Returns whether a browser can open the answer without running scripts in the mock's origin."""
    policy = answer.headers.get("content-security-policy", "")
    return answer.headers["x-content-type-options"] == "nosniff" and "sandbox" in policy and "allow" not in policy


def test_answers_are_inert_in_a_browser() -> None:
    with httpx.Client(transport=MockTransport(create_app(time_scale=0)), base_url="http://mock") as client:
        client.headers["x-api-key"] = KEY
        data = base64.b64encode(b"<script>1</script>").decode()
        for type_ in ("image/png", "application/pdf", "video/mp4", "audio/mpeg"):
            uploaded = client.post("/upload-asset", json={"data_urls": [f"data:{type_};base64,{data}"]}).json()["urls"][
                0
            ]
            answer = client.get(uploaded)
            assert answer.headers["content-type"] == type_
            assert answer.headers["content-disposition"] == "attachment"
            assert is_inert(answer)
        job = client.post("/v2/style-transfer", json={"style_image": "http://x", "prompt": "<script>"}).json()
        made = client.get(client.get(job["response_url"]).json()["output"])
        assert made.headers["content-type"].startswith("image/")
        assert is_inert(made)
        wrong = client.put("/v1/style-transfer")
        assert wrong.headers["content-type"].startswith("text/html")
        assert is_inert(wrong)
        assert is_inert(client.get("/metrics"))


@pytest.mark.parametrize("host", ["http://x.test", "x.test:1", "x test", "*.test", "x.test/y"])
def test_a_malformed_host_is_misuse(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    from segforge.cli import main

    with pytest.raises(BadSetting, match="allow_hosts"):
        create_app(allow_hosts=[host])
    assert main(["mock", "--port", "0", "--allow-host", host]) == 2
    assert "--allow-host" in capsys.readouterr().err


@pytest.mark.parametrize("others", [["--no-admin"], ["--workers=2", "--store=sqlite:///x"]])
def test_allow_host_without_an_admin_api_is_misuse(others: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from segforge.cli import main

    assert main(["mock", "--port", "0", "--allow-host", "mock.test", *others]) == 2
    assert "--allow-host" in capsys.readouterr().err
