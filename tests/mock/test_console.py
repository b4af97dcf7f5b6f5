"""The console: its files and stream alone, and its main ways in a real Chromium."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from segforge_mock import Mock, MockTransport, create_app
from segforge_mock.console.console import MAX_STREAMS, masked
from tests.mock.conftest import KEY
from tests.seeds import seed_catalog
from tests.shared import started
from tests.typescript.conftest import TOOLS, execute, node, tool
from tests.typescript.test_behaviour import elsewhere

SCRIPT = Path(__file__).with_name("console.mjs")
STATIC = Path(str(files("segforge_mock.console").joinpath("static")))
EXAMPLE = seed_catalog().model("style-transfer").valid_example


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0.001, media="tiny") as mock:
        yield mock


@pytest.fixture
def client(mock: Mock) -> Iterator[httpx.Client]:
    mock.reset()
    with httpx.Client(base_url=mock.url, headers={"x-api-key": mock.key}, timeout=5) as client:
        yield client


def test_the_page_has_a_strict_policy_and_is_cached(client: httpx.Client) -> None:
    assert client.get("/_mock").headers["location"] == "/_mock/"
    page = client.get("/_mock/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    again = client.get("/_mock/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head("/_mock/").content == b""


def test_every_file_that_the_page_loads_is_served(client: httpx.Client) -> None:
    names = {"style.css", "icon.svg", "app.js"}
    for script in STATIC.rglob("*.js"):
        text = script.read_text("utf-8")
        found = re.findall(r"""(?:from|import) ?"([.][^"]+)";""", text)
        names |= {(script.parent / name).resolve().relative_to(STATIC).as_posix() for name in found}
    assert len(names) > 12
    for name in names:
        answer = client.get(f"/_mock/console/{name}")
        assert (answer.status_code, answer.content) == (200, (STATIC / name).read_bytes()), name
    for other in ("vendor", "..%2fconsole.py", "../pages.py", "vendor/README.md", "nothing.js"):
        assert client.get(f"/_mock/console/{other}").status_code == 404, other


@pytest.mark.parametrize(
    "path", ["/_mock/", "/_mock/console/app.js", "/_mock/events", "/_mock/models", "/_mock/tenants"]
)
@pytest.mark.parametrize(
    "header", [{"host": "evil.com"}, {"origin": "http://evil.com"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_foreign_page_gets_nothing(client: httpx.Client, path: str, header: dict[str, str]) -> None:
    assert client.get(path, headers=header).status_code == 403


def test_another_method_is_refused_with_the_one_that_is_expected(client: httpx.Client) -> None:
    refused = client.post("/_mock/models", json={})
    assert refused.status_code == 405
    assert "GET" in refused.json()["error"]
    assert "/_mock/events" in client.get("/_mock/nothing").json()["error"]


def test_with_a_token_only_the_static_files_are_public() -> None:
    app = create_app(time_scale=0, admin_token="open sesame")
    with httpx.Client(transport=MockTransport(app), base_url="http://mock") as client:
        assert client.get("/_mock/").status_code == 200
        for path in ("events", "models", "tenants"):
            assert client.get(f"/_mock/{path}").status_code == 401
            assert client.get(f"/_mock/{path}", headers={"x-mock-token": "open sesame"}).status_code == 200


def test_a_mock_without_an_admin_api_has_no_console() -> None:
    with httpx.Client(transport=MockTransport(create_app(admin=False)), base_url="http://mock") as client:
        assert client.get("/_mock/").status_code == 403
        assert client.get("/_mock/events").status_code == 403


def test_a_model_is_listed_and_described(client: httpx.Client) -> None:
    listed = {one["slug"]: one for one in client.get("/_mock/models").json()}
    assert listed["style-transfer"] == {"slug": "style-transfer", "title": "IPAdapter Style Transfer", "media": "image", "spec": True}  # fmt: skip  # noqa: E501
    facts = client.get("/_mock/models", params={"slug": "style-transfer"}).json()
    assert facts["schema"]["properties"]["number_of_images"]["maximum"] == 10
    assert facts["example"] == EXAMPLE
    unspecified = next(slug for slug, one in listed.items() if not one["spec"])
    assert client.get("/_mock/models", params={"slug": unspecified}).json()["level"] == "listed"
    refused = client.get("/_mock/models", params={"slug": "style-transfr"})
    assert refused.status_code == 400
    assert "style-transfer" in refused.json()["error"]


def test_a_tenant_is_looked_at_by_its_name_and_its_key_is_masked(client: httpx.Client) -> None:
    key = "SG_00000000000000bb"
    client.post("/v1/style-transfer", json={}, headers={"x-api-key": key})
    answer = client.get("/_mock/tenants")
    assert key not in answer.text
    [other] = [one for one in answer.json() if one["key"] == "…00bb"]
    watch = {"x-mock-watch": other["name"]}
    assert [one["status"] for one in client.get("/_mock/requests", headers=watch).json()] == [400]
    assert client.post("/_mock/reset", headers=watch).status_code == 200
    assert client.get("/_mock/requests", headers=watch).json() == []
    assert client.get("/_mock/requests", headers={"x-mock-watch": "0" * 32}).status_code == 400


@pytest.mark.parametrize(("key", "shown"), [(b"", "no key"), (b"x", "a short key"), (b"short-secret-key", "…-key")])
def test_a_key_is_masked(key: bytes, shown: str) -> None:
    assert masked(key) == shown


def read_until(lines: Iterator[str], name: str, wanted: str) -> Any:
    """Returns the data of the next event of a name that contains a text."""
    event = ""
    for line in lines:
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif event == name and line.startswith("data: ") and wanted in line:
            return json.loads(line.removeprefix("data: "))
    raise AssertionError(f"the stream ended without {name} with {wanted}")


def test_the_stream_tells_what_changes(mock: Mock, client: httpx.Client) -> None:
    with client.stream("GET", "/_mock/events") as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-store"
        lines = stream.iter_lines()
        assert read_until(lines, "state", "credits")["offset"] == 0
        mock.job_policy("held")
        assert read_until(lines, "state", "held")["policy"]["held"] is True
        job = mock_submit(mock)
        [summary] = read_until(lines, "requests", "submit")
        assert summary["path"] == "/v2/style-transfer"
        assert "body" not in summary
        [held] = read_until(lines, "jobs", job)
        assert held["status"] == "QUEUED"
        mock.release()
        [ended] = read_until(lines, "jobs", "COMPLETED")
        assert ended["request_id"] == job


def mock_submit(mock: Mock) -> str:
    answer = httpx.post(f"{mock.url}/v2/style-transfer", headers={"x-api-key": mock.key}, json=EXAMPLE)
    return str(answer.json()["request_id"])


def test_a_key_in_a_path_never_reaches_the_stream(mock: Mock, client: httpx.Client) -> None:
    with client.stream("GET", "/_mock/events") as stream:
        lines = stream.iter_lines()
        read_until(lines, "state", "credits")
        httpx.get(f"{mock.url}/v1/{mock.key}", headers={"x-api-key": mock.key})
        [summary] = read_until(lines, "requests", "/v1/")
    assert mock.key not in json.dumps(summary)


def test_a_slow_reader_costs_little_memory(mock: Mock, client: httpx.Client) -> None:
    """A reader that reads nothing, while the tenant sends requests with paths of 4 kB."""
    host, port = mock.url.removeprefix("http://").split(":")
    before = mock.app.memory.in_use
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((host, int(port)))
        slow.sendall(f"GET /_mock/events HTTP/1.1\r\nhost: {host}\r\nx-api-key: {mock.key}\r\n\r\n".encode())
        for number in range(400):
            client.get(f"/v1/{number}{'x' * 4_000}")
        assert mock.app.memory.in_use - before < 2**20
    until = time.monotonic() + 5
    while mock.app.memory.in_use > before:
        assert time.monotonic() < until
        client.get("/healthz")


def test_streams_are_few_and_end_with_their_reader_and_the_server() -> None:
    with Mock(time_scale=0) as mock, httpx.Client(base_url=mock.url) as client:
        streams = [client.send(client.build_request("GET", "/_mock/events"), stream=True) for _ in range(MAX_STREAMS)]
        assert {stream.status_code for stream in streams} == {200}
        readers = [stream.iter_raw() for stream in streams]
        for reader in readers:
            next(reader)
        used = mock.app.memory.in_use
        refused = client.get("/_mock/events")
        assert refused.status_code == 503
        assert str(MAX_STREAMS) in refused.json()["error"]
        readers.pop()
        streams.pop().close()
        until = time.monotonic() + 5
        while client.get("/_mock/tenants").status_code == 200 and mock.app.memory.in_use >= used:
            assert time.monotonic() < until
        with client.stream("GET", "/_mock/events") as stream:
            assert stream.status_code == 200
        began = time.monotonic()
    assert time.monotonic() - began < 1.5, "an open console must not delay the stop of the server"


def test_the_libraries_are_those_of_the_packages() -> None:
    table = (STATIC / "vendor" / "README.md").read_text("utf-8")
    rows = re.findall(r"\| `([\w.]+)` \| (\w+) ([\d.]+) \| `([\w./]+)` \|", table)
    assert sorted(row[0] for row in rows) == sorted(path.name for path in STATIC.glob("vendor/*.js"))
    for name, package, version, path in rows:
        manifest = json.loads((TOOLS / package / "package.json").read_text("utf-8"))
        assert manifest["version"] == version
        original = (TOOLS / package / path).read_text("utf-8").replace('from"preact"', 'from"./preact.js"')
        original = re.sub(r"(?m)^//# sourceMappingURL=.*\n?", "", original)
        assert (STATIC / "vendor" / name).read_text("utf-8").strip() == original.strip()
        licence = (STATIC / "vendor" / f"{package}.LICENSE").read_text("utf-8")
        assert licence == (TOOLS / package / "LICENSE").read_text("utf-8")


def test_the_page_is_type_correct(tmp_path: Path) -> None:
    shutil.copytree(STATIC, tmp_path / "static", ignore=shutil.ignore_patterns("vendor"))
    vendor = tmp_path / "static" / "vendor"
    vendor.mkdir()
    (vendor / "preact.d.ts").write_text('export * from "preact";\n')
    (vendor / "hooks.d.ts").write_text('export * from "preact/hooks";\n')
    (vendor / "htm.d.ts").write_text('export { default } from "htm";\n')
    (tmp_path / "node_modules").symlink_to(TOOLS)
    options = {"noEmit": True, "allowJs": True, "checkJs": True, "strict": True, "noUncheckedIndexedAccess": True}
    modules = {"target": "es2022", "module": "es2022", "moduleResolution": "bundler", "types": [], "skipLibCheck": True}
    lib = {"lib": ["es2022", "dom", "dom.iterable"]}
    config = {"compilerOptions": {**options, **modules, **lib}, "files": ["static/app.js"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))
    run = node(tool("typescript", "tsc"), "--pretty", "false", "-p", ".", cwd=tmp_path)
    assert run.returncode == 0, run.stdout


STANDIN = """
export class Segmind {
  constructor({ baseUrl }) {
    this.url = baseUrl;
  }
  runSync = (slug, body) => this.call("v1", slug, body);
  run = (slug, body) => this.call("v2", slug, body);
  call(version, slug, body) {
    const headers = { "x-api-key": process.env.SEGMIND_API_KEY, "content-type": "application/json" };
    return fetch(`${this.url}/${version}/${slug}`, { method: "POST", headers, body: JSON.stringify(body) });
  }
}
"""


def test_the_images_of_the_docs_are_small() -> None:
    docs = Path(__file__).parents[2] / "docs"
    named = re.findall(r"\]\((console-\w+\.png)\)", (docs / "mock.md").read_text("utf-8"))
    assert sorted(named) == sorted(path.name for path in docs.glob("console-*.png"))
    assert all(0 < (docs / name).stat().st_size < 150_000 for name in named)


def test_the_calls_of_the_docs_exist(client: httpx.Client) -> None:
    page = (Path(__file__).parents[2] / "docs" / "mock.md").read_text("utf-8")
    [section] = re.findall(r"## Console\n(.*?)\n## ", page, re.DOTALL)
    paths = re.findall(r"`GET (/_mock/\S+)`", section)
    assert len(paths) == 4
    for path in paths:
        with client.stream("GET", path.replace("SLUG", "style-transfer")) as answer:
            assert answer.status_code == 200
    assert f"at most {MAX_STREAMS} streams" in section


@pytest.mark.parametrize(("options", "shown"), [([], True), (["--no-admin"], False), (["--admin-token", "x"], True)])
def test_the_start_prints_the_address_of_the_console(options: list[str], shown: bool) -> None:
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", *options]
    with started(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        process.terminate()
        rest = process.stdout.read()
    assert rest == (f"segforge mock: console at {url}/_mock/\n" if shown else "")


HOSTILE = "it's \"quoted\" `ls` $(ls) ${x} \\ \n \u2028\u202e </script> 'ö' \U0001f600"


def snippets(sent: dict[str, str], origin: str, folder: Path) -> dict[str, str]:
    code = f"""
import * as made from {json.dumps((STATIC / "snippets.js").as_uri())};
const [sent, origin] = JSON.parse(process.argv.at(-1));
const texts = Object.entries(made).map(([name, make]) => [name, make(sent, origin)]);
console.log(JSON.stringify(Object.fromEntries(texts)));
"""
    (folder / "run.mjs").write_text(code, "utf-8")
    run = node("run.mjs", json.dumps([sent, origin]), cwd=folder)
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


@pytest.mark.parametrize("route", ["run", "submit", "credits", "upload"])
def test_copied_code_sends_the_same_request(mock: Mock, tmp_path: Path, route: str) -> None:
    """Runs the code for curl and Python; the code for TypeScript runs with a stand-in for the package."""
    payload = {**EXAMPLE, "prompt": HOSTILE, "extra": [1, 2.5, -3e10, True, None, {"a b": {}, "c": []}]}
    body = {"run": payload, "submit": payload, "credits": None, "upload": {"data_urls": [HOSTILE]}}[route]
    path = {"run": "/v1/style-transfer", "submit": "/v2/style-transfer", "credits": "/v1/get-user-credits", "upload": "/upload-asset"}[route]  # fmt: skip  # noqa: E501
    text = "" if body is None else json.dumps(body)
    sent = {"method": "GET" if body is None else "POST", "path": path, "route": route, "slug": "style-transfer", "body": text, "type": "application/json"}  # fmt: skip  # noqa: E501
    made = snippets(sent, mock.url, tmp_path)
    environment = {**os.environ, "SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": mock.url}
    standin = tmp_path / "node_modules" / "segmind-client"
    standin.mkdir(parents=True)
    (standin / "package.json").write_text('{"type": "module", "main": "index.js"}')
    (standin / "index.js").write_text(STANDIN, "utf-8")
    (tmp_path / "code.mjs").write_text(made["typescriptCode"], "utf-8")
    commands = {
        "curl": ["sh", "-c", made["curl"]],
        "python": [sys.executable, "-c", made["pythonCode"]],
        "typescript": ["node", "code.mjs"],
    }
    for name, command in commands.items():
        mock.reset()
        run = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=False, timeout=30)
        assert run.returncode == 0, (name, run.stderr)
        entry = mock.requests[0]
        assert (entry.method, entry.path) == (sent["method"], path), name
        assert (json.loads(entry.body) if entry.body else None) == body, name
        assert KEY not in made["curl"] + made["pythonCode"] + made["typescriptCode"]


@elsewhere
def test_the_main_ways_in_a_browser(tmp_path: Path) -> None:
    """Sends requests, holds and releases a job, plays a scenario, moves the clock; by keyboard; audited by axe-core."""
    with Mock(time_scale=0.001, media="tiny") as mock, Mock(time_scale=0, admin_token="open sesame") as guarded:
        httpx.get(f"{guarded.url}/v1/get-user-credits", headers={"x-api-key": "SG_00000000000000cc"})
        for key in (KEY, audit := "SG_00000000000000dd"):  # so that the page looks at its own key
            httpx.get(f"{mock.url}/v1/get-user-credits", headers={"x-api-key": key})
        machine = {"TMPDIR": str(tmp_path), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x", "TOOLS": str(TOOLS)}
        run = execute(
            "node", str(SCRIPT), cwd=tmp_path, MOCK_URL=mock.url, TOKEN_URL=guarded.url, AUDIT_KEY=audit, **machine
        )
    assert run.returncode == 0, run.stderr
    results = json.loads(run.stdout)
    assert results.pop("audits") == {}
    assert results.pop("problems") == []
    assert results == {
        "image": {"image": {"blob": True, "width": 16}, "base64": True, "job": "generations"},
        "text": {"message": True, "audio": True, "vector": "image/svg+xml", "video": True},
        "jobs": {"bar": True, "state": "FAILED"},
        "controls": {"scenario": results["controls"].get("scenario", results["controls"])},
        "requests": {"shown": True, "ran": False, "elements": 0, "key": False},
        "keyboard": {"sent": True},
        "token": {"stored": True},
        "other": {"other": "This page looks at the key …00cc, which sent requests."},
    }
    assert "Insufficient credits" in results["controls"]["scenario"]
