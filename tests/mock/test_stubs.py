"""Stubs of every form, the ways to add them, and what they refuse; edits of one job."""

import base64
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segforge_mock import BadSetting, Mock, MockTransport, create_app
from segforge_mock.faults.reading import MAX_FILE, read_script, read_stub
from segforge_mock.faults.scenarios import scenarios
from segforge_mock.faults.stubs import BadStub, RouteName
from segforge_mock.gateway.routing import ROUTES
from segforge_mock.http.answers import json_answer
from segforge_mock.memory import MIB
from segforge_mock.stores.sqlite import SqliteStore
from tests.mock.conftest import KEY
from tests.seeds import seed_catalog

CATALOG = seed_catalog()
KNOWN = scenarios(CATALOG.gateway)
EXAMPLE = CATALOG.model("style-transfer").valid_example
FILE = b"\x89PNG of the test"


@pytest.fixture
def client(mock: Mock) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=mock.url, headers={"x-api-key": mock.key}, timeout=10) as client:
        yield client


def submit(client: httpx.Client) -> dict[str, Any]:
    data: dict[str, Any] = client.post("/v2/style-transfer", json=EXAMPLE).raise_for_status().json()
    return data


def run(client: httpx.Client) -> httpx.Response:
    return client.post("/v1/style-transfer", json=EXAMPLE)


# Forms of answers


@pytest.mark.parametrize(
    ("answer", "status", "media_type", "body"),
    [
        ({"json": {"b": [1, None], "a": "ü"}}, 200, "application/json", '{"b":[1,null],"a":"ü"}'),
        ({"json": None, "status": 201}, 201, "application/json", "null"),
        ({"text": "ü", "status": 418}, 418, "text/plain; charset=utf-8", "ü"),
        ({"text": "<p>", "content_type": "text/html"}, 200, "text/html", "<p>"),
        ({"base64": base64.b64encode(b"bytes").decode()}, 200, "application/octet-stream", "bytes"),
        ({"status": 503}, 503, "application/json", '{"error":"Service Unavailable"}'),
        ({"status": 599}, 599, "application/json", '{"error":"Status 599"}'),
        ({"status": 204}, 204, "application/json", ""),
        ({}, 200, "application/json", "{}"),
    ],
)
def test_an_answer_is_sent_as_stated(
    client: httpx.Client, answer: dict[str, Any], status: int, media_type: str, body: str
) -> None:
    rule = {"route": "credits", "answer": answer, "times": 1}
    assert client.post("/_mock/rules", json=rule).status_code == 200
    found = client.get("/v1/get-user-credits")
    assert (found.status_code, found.headers["content-type"], found.content.decode()) == (status, media_type, body)
    assert client.get("/v1/get-user-credits").json()["credits"] > 0


def test_a_stub_s_answer_has_no_effect_and_an_edit_comes_after_it(client: httpx.Client, mock: Mock) -> None:
    before = mock.credits
    mock.stub("run", answer={"status": 500}, times=1)
    assert run(client).status_code == 500
    assert mock.credits == before
    mock.stub("run", edit={"status": 500, "json": {"error": "lost"}})
    edited = run(client)
    assert (edited.status_code, edited.json(), mock.credits < before) == (500, {"error": "lost"}, True)


def test_headers_are_added_replaced_and_dropped(client: httpx.Client, mock: Mock) -> None:
    stated = {"X-Cost": "9", "content-type": "image/x-own", "Retry-After": "ü"}
    mock.stub("run", edit={"headers": stated, "drop_headers": ["X-Request-Id", "x-none"]})
    headers = run(client).headers
    assert headers.get_list("x-cost") == ["9"]
    assert headers.get_list("content-type") == ["image/x-own"]
    assert headers["retry-after"].encode("latin-1").decode("latin-1") == "ü"
    assert "x-request-id" not in headers
    assert "x-generation-time" in headers


def test_an_answer_without_its_content_type_can_still_be_cut(client: httpx.Client, mock: Mock) -> None:
    mock.stub("credits", scenario="malformed-json", edit={"drop_headers": ["content-type"]})
    whole = client.get("/v1/get-user-credits")
    assert whole.headers.get_list("content-length") == [str(len(whole.content))]
    assert "content-type" not in whole.headers


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@given(target=st.dictionaries(st.sampled_from("abc"), json_values), patch=json_values)
def test_a_patch_is_a_json_merge_patch(target: dict[str, Any], patch: Any) -> None:
    def merged(target: Any, patch: Any) -> Any:
        """The pseudo-code of RFC 7396, section 2."""
        if not isinstance(patch, dict):
            return patch
        result = dict(target) if isinstance(target, dict) else {}
        for name, value in patch.items():
            if value is None:
                result.pop(name, None)
            else:
                result[name] = merged(result.get(name), value)
        return result

    stub = read_stub({"edit": {"patch": patch}}, KNOWN)
    assert stub.edit is not None
    answer = stub.edit.of(json_answer(200, target))
    assert json.loads(answer.body) == merged(target, patch)
    assert dict(answer.headers)[b"content-length"] == b"%d" % len(answer.body)


def test_a_patch_leaves_files_alone(client: httpx.Client, mock: Mock) -> None:
    whole = run(client).content
    mock.stub("run", edit={"patch": {"a": 1}})
    assert run(client).content == whole


# Delays and hangs


def test_a_delay_is_before_or_after_the_effect(mock: Mock) -> None:
    def call() -> None:
        httpx.post(f"{mock.url}/v2/style-transfer", json=EXAMPLE, headers={"x-api-key": mock.key}, timeout=10)

    for after_effect in (True, False):
        mock.reset()
        mock.latency(0.4, route="submit", after_effect=after_effect)
        start = time.monotonic()
        caller = threading.Thread(target=call)
        caller.start()
        while not mock.jobs and time.monotonic() < start + 5:
            time.sleep(0.01)
        seen = time.monotonic() - start
        caller.join()
        assert (seen < 0.3) == after_effect
        assert time.monotonic() - start >= 0.4


@pytest.mark.parametrize(("name", "jobs"), [("hang-before", 0), ("hang-after", 1)])
def test_a_hang_ends_after_its_seconds_or_with_the_server(name: str, jobs: int) -> None:
    with Mock(time_scale=0) as mock, httpx.Client(base_url=mock.url, headers={"x-api-key": mock.key}) as client:
        mock.scenario(name, route="submit", seconds=0.05, times=1)
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/v2/style-transfer", json=EXAMPLE)
        assert len(mock.jobs) == jobs
        mock.scenario(name, route="submit")
        errors: list[str] = []

        def call() -> None:
            try:
                httpx.post(f"{mock.url}/v2/style-transfer", json=EXAMPLE, headers={"x-api-key": mock.key}, timeout=20)
            except httpx.HTTPError as error:
                errors.append(type(error).__name__)

        caller = threading.Thread(target=call)
        caller.start()
        mock.wait_for(2)
        while mock.tenant.waiting == 0:
            time.sleep(0.01)
        start = time.monotonic()
        mock.stop()
        caller.join()
        assert time.monotonic() - start < 1
        assert errors in (["RemoteProtocolError"], ["ReadError"])


def test_a_hang_in_process_is_a_timeout_of_the_client() -> None:
    headers = {"x-api-key": KEY, "x-mock-scenario": "hang-after"}
    transport = MockTransport(create_app(time_scale=0))
    with httpx.Client(transport=transport, headers=headers) as client, pytest.raises(httpx.ReadTimeout):
        client.post("http://mock/v2/style-transfer", json=EXAMPLE, timeout=0.05)


# Files


def script(folder: Path, text: str) -> Path:
    path = folder / "script.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_script_names_files_of_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "frame.png").write_bytes(FILE)
    (tmp_path / "error.html").write_text("<p>down", "utf-8")
    path = script(
        tmp_path,
        """
rules:
  - {route: submit, effect: {outputs: [{file: media/frame.png}]}}
  - {route: run, answer: {status: 502, file: error.html}}
""",
    )
    app = create_app(time_scale=0, stubs=read_script(path, KNOWN))
    with httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY}) as client:
        for _ in range(2):
            result = client.get(submit(client)["response_url"]).json()
            download = client.get(result["output"])
            assert (download.content, download.headers["content-type"]) == (FILE, "image/png")
            refused = run(client)
            assert (refused.status_code, refused.text) == (502, "<p>down")
            assert refused.headers["content-type"].startswith("text/html")
            client.delete("/_mock/rules")
            client.post("/_mock/reset")


@pytest.mark.parametrize(
    "name", ["../secret.txt", "link.txt", "/etc/hostname", "none.png", ".", "pipe", "a\\0b", "big"]
)
def test_a_script_reads_no_other_file(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(folder / "pipe")
    with (folder / "big").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    path = script(folder, f'rules: [{{answer: {{status: 500, file: "{name}"}}}}]')
    with pytest.raises(BadStub, match=r"script\.yaml.*file") as caught:
        read_script(path, KNOWN)
    assert "secret\n" not in str(caught.value)


def test_the_admin_api_reads_no_file(client: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(FILE)
    name = str(tmp_path / "x.png")
    for rule in (
        {"answer": {"file": name}},
        {"edit": {"file": name}},
        {"route": "submit", "effect": {"outputs": [{"file": name}]}},
    ):
        refused = client.post("/_mock/rules", json=rule)
        assert (refused.status_code, "base64" in refused.json()["error"]) == (400, True)
    job = submit(client)["request_id"]
    edit = client.post("/_mock/jobs/edit", json={"request_id": job, "outputs": [{"file": name}]})
    assert (edit.status_code, "base64" in edit.json()["error"]) == (400, True)
    assert client.get("/_mock/rules").json() == []


def test_the_fixture_takes_paths_and_bytes(client: httpx.Client, mock: Mock, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(FILE)
    outputs = [{"file": path}, {"base64": b"more", "media_type": "image/webp", "field": "last_frame_url"}]
    mock.stub("submit", effect={"outputs": outputs})
    result = client.get(submit(client)["response_url"]).json()
    assert client.get(result["output"]).content == FILE
    assert client.get(result["output"]).headers["content-type"] == "video/mp4"
    assert client.get(result["last_frame_url"]).content == b"more"
    with pytest.raises(BadStub, match=r"none\.png"):
        mock.stub("run", answer={"file": tmp_path / "none.png"})


def test_a_text_model_s_stubbed_output_and_an_html_output_are_inert(client: httpx.Client, mock: Mock) -> None:
    output = {"base64": b"<script>", "media_type": "text/html; charset=utf-8"}
    mock.stub("submit", effect={"outputs": [output]})
    download = client.get(client.get(submit(client)["response_url"]).json()["output"])
    assert "sandbox" in download.headers["content-security-policy"]


# Listing, combining, bounds


def test_the_stubs_are_listed_with_their_counts(client: httpx.Client, mock: Mock) -> None:
    mock.scenario("run-failed", route="run", times=1, after=1)
    mock.stub("submit", effect={"outputs": [{"base64": b"x" * 5_000, "media_type": "image/png"}], "cost": 2})
    mock.stub("credits", edit={"patch": {"a": None}})
    for _ in range(3):
        run(client)
    submit(client)
    listed = client.get("/_mock/rules").json()
    assert listed == mock.stubs
    assert [(stub["matched"], stub["applied"]) for stub in listed] == [(3, 1), (1, 1), (0, 0)]
    assert listed[0] == {"scenario": "run-failed", "route": "run", "times": 1, "after": 1, "matched": 3, "applied": 1}
    assert listed[1]["effect"] == {"cost": 2, "outputs": [{"media_type": "image/png", "bytes": 5_000}]}
    assert listed[2]["edit"] == {"patch": {"a": None}}
    mock.clear_scenarios()
    assert mock.stubs == []


def test_a_listed_stub_can_be_added_again(client: httpx.Client, mock: Mock) -> None:
    mock.stub("run", answer={"json": {"a": [1]}, "headers": {"x-a": "b"}}, slug="style-transfer", every=2)
    mock.stub("submit", effect={"error": None, "policy": "polls=2", "outputs": []}, times=3)
    mock.latency(0.0, "uniform", after_effect=True)
    listed = client.get("/_mock/rules").json()
    mock.clear_scenarios()
    for stub in listed:
        fields = {name: value for name, value in stub.items() if name not in ("matched", "applied")}
        assert client.post("/_mock/rules", json=fields).status_code == 200
    assert client.get("/_mock/rules").json() == listed


def test_stubs_win_over_chaos_and_the_first_over_the_next() -> None:
    with Mock(time_scale=0, chaos="run-failed=1") as mock:
        client = httpx.Client(base_url=mock.url, headers={"x-api-key": mock.key})
        with client:
            mock.stub("credits", edit={"headers": {"x-a": "1"}}, times=1)
            mock.stub("credits", answer={"status": 418}, times=1)
            found = [client.get("/v1/get-user-credits") for _ in range(3)]
            assert [answer.status_code for answer in found] == [200, 418, 500]
            assert found[0].headers["x-a"] == "1"


def test_the_routes_of_stubs_are_those_of_the_gateway() -> None:
    assert set(get_args(RouteName)) == set(ROUTES) - {""}


OUTPUT = {"base64": "eA==", "media_type": "a/b"}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "scenario, latency, answer, edit or effect"),
    ({"times": 2}, "scenario, latency, answer, edit or effect"),
    ({"answer": {"status": 99}}, r"answer\.status"),
    ({"answer": {"body": "x"}}, "`body`"),
    ({"answer": {"cost": 1}}, "`cost`"),
    ({"answer": {"patch": {}}}, "`patch`"),
    ({"answer": {"json": 1, "text": "x"}}, "json and text"),
    ({"answer": {"base64": "$$"}}, r"answer\.base64"),
    ({"answer": {"status": 204, "text": "x"}}, r"answer\.text"),
    ({"answer": {"content_type": "text/html"}}, r"answer\.content_type"),
    ({"answer": {"text": "x", "content_type": "a\r\nb: c"}}, r"answer\.content_type"),
    ({"answer": {"headers": {"x": "a\r\nb: c"}}}, "answer.headers.*one line"),
    ({"answer": {"headers": {"x y": "a"}}}, "'x y'"),
    ({"answer": {"headers": {"x": "€"}}}, "Latin-1"),
    ({"answer": {"headers": {"Content-Length": "1"}}}, "content-length"),
    ({"answer": {"headers": {f"x-{n}": "" for n in range(101)}}}, "at most 100"),
    ({"answer": {"headers": {"x": "a" * 9_000}}}, "8192"),
    ({"answer": {}, "scenario": "run-failed"}, "leave out answer or scenario"),
    ({"answer": {}, "scenario": "hang-before"}, "leave out answer or scenario"),
    ({"answer": {}, "effect": {"cost": 1}, "route": "run"}, "leave out effect or answer"),
    ({"scenario": "rate-limited", "effect": {"cost": 1}, "route": "run"}, "leave out effect or scenario"),
    ({"edit": {}}, "changes nothing"),
    ({"edit": {"patch": 1, "json": 1}}, r"edit\.patch"),
    ({"edit": {"drop_headers": ["Transfer-Encoding"]}}, "transfer-encoding"),
    ({"edit": {"patch": {"a": None}, "statuz": 1}}, "`statuz`"),
    ({"effect": {"cost": 1}}, "set route to run or submit"),
    ({"effect": {"cost": 1}, "route": "status"}, "the route status"),
    ({"effect": {}, "route": "run"}, "states nothing"),
    ({"effect": {"cost": -1}, "route": "run"}, r"effect\.cost"),
    ({"effect": {"error": "x"}, "route": "run"}, r"effect\.error"),
    ({"effect": {"policy": "held"}, "route": "run"}, r"effect\.policy"),
    ({"effect": {"expires": 1}, "route": "run"}, r"effect\.expires"),
    ({"effect": {"policy": "soon"}, "route": "submit"}, "polls=N"),
    ({"effect": {"failed_status": 200}, "route": "submit"}, "add error"),
    ({"effect": {"outputs": [{}]}, "route": "submit"}, r"outputs\[0\].*neither"),
    ({"effect": {"outputs": [{"base64": "eA=="}]}, "route": "submit"}, r"outputs\[0\]\.media_type"),
    ({"effect": {"outputs": [{"base64": "eA==", "media_type": "png"}]}, "route": "submit"}, "'png'"),
    (
        {"effect": {"outputs": [{**OUTPUT, "field": "status"}]}, "route": "submit"},
        "status",
    ),
    ({"effect": {"outputs": [{**OUTPUT, "field": "x"}]}, "route": "run"}, r"outputs\[0\]"),
    ({"effect": {"outputs": [OUTPUT], "error": "x"}, "route": "submit"}, "failed job"),
    ({"scenario": "run-failed", "seconds": 2}, "seconds"),
]


@pytest.mark.parametrize(("rule", "message"), REFUSED)
def test_a_field_that_does_not_fit_is_refused_by_name(
    client: httpx.Client, mock: Mock, rule: dict[str, Any], message: str
) -> None:
    refused = client.post("/_mock/rules", json=rule)
    assert refused.status_code == 400
    assert re.search(message, refused.json()["error"]), refused.text
    assert mock.stubs == []


def test_a_deep_json_value_is_refused(client: httpx.Client) -> None:
    for depth in (200, 100_000):
        deep = "[" * depth + "]" * depth
        content = f'{{"edit": {{"patch": {deep}}}}}'
        refused = client.post("/_mock/rules", content=content, headers={"content-type": "application/json"})
        assert refused.status_code in (400, 413)


def test_the_bytes_of_stubs_count_and_are_bounded() -> None:
    with Mock(time_scale=0, max_memory=64) as mock:
        before = mock.app.memory.used
        output = {"base64": b"x" * (3 * MIB), "media_type": "image/png"}
        mock.stub("submit", effect={"outputs": [output]}, times=1)
        assert mock.app.memory.used >= before + 3 * MIB
        mock.stub("run", answer={"text": "y" * MIB})
        with pytest.raises(BadStub, match="--max-memory"):
            mock.stub("submit", effect={"outputs": [output]})
        assert len(mock.stubs) == 2
        with httpx.Client(base_url=mock.url, headers={"x-api-key": mock.key}) as client:
            job = submit(client)
            assert mock.app.memory.used >= before + 6 * MIB
            mock.clear_scenarios()
            assert mock.app.memory.used < before + 4 * MIB
            result = client.get(job["response_url"]).json()
            assert client.get(result["output"]).content == b"x" * (3 * MIB)
    stubs = (read_stub({"answer": {"text": "y" * 3 * MIB}}, KNOWN),)
    with pytest.raises(BadStub, match="eighth"):
        create_app(max_memory=64, stubs=stubs)


def test_an_output_that_was_dropped_is_404(client: httpx.Client, mock: Mock) -> None:
    mock.stub("submit", effect={"outputs": [{"base64": b"gone soon", "media_type": "image/png"}]})
    url = client.get(submit(client)["response_url"]).json()["output"]
    assert client.get(url).status_code == 200
    [files] = [shelf for shelf in mock.app.memory.shelves if shelf.kind == "job_files"]
    while len(files):
        files.forget_oldest()
    assert client.get(url).status_code == 404


def test_a_stubbed_job_survives_a_restart_with_the_files_of_the_script(tmp_path: Path) -> None:
    (tmp_path / "frame.png").write_bytes(FILE)
    path = script(tmp_path, "rules: [{route: submit, times: 1, effect: {cost: 2, outputs: [{file: frame.png}]}}]")
    found: list[tuple[list[Any], list[int]]] = []
    for _ in range(2):
        app = create_app(time_scale=0, stubs=read_script(path, KNOWN), store=SqliteStore(tmp_path / "jobs.db", 100))
        with httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY}) as client:
            if not found:
                jobs = [submit(client)]
                client.post("/_mock/rules", json={"route": "submit", "effect": {"outputs": [{**OUTPUT, "field": "f"}]}})
                jobs.append(submit(client))
            results = [client.get(job["response_url"]).json() for job in jobs]
            downloads = [client.get(url) for url in (results[0]["output"], results[1]["output"], results[1]["f"])]
            found.append((results, [answer.status_code for answer in downloads]))
            assert downloads[0].content == FILE
    assert found[0][0] == found[1][0]
    assert [statuses for _, statuses in found] == [[200, 200, 200], [200, 200, 404]]


# Edits of one job


def test_a_job_is_finished_by_its_id(client: httpx.Client, mock: Mock) -> None:
    mock.job_policy("held")
    one, two = submit(client), submit(client)
    mock.finish_job(one["request_id"])
    states = [client.get(job["status_url"]).json()["status"] for job in (one, two)]
    assert states == ["COMPLETED", "QUEUED"]
    assert client.post("/_mock/jobs/finish", json={"request_id": two["request_id"]}).status_code == 200
    assert client.get(two["status_url"]).json()["status"] == "COMPLETED"


@pytest.mark.parametrize("status", [None, 200])
def test_a_job_is_failed_by_its_id_and_not_billed(client: httpx.Client, mock: Mock, status: int | None) -> None:
    before = mock.credits
    mock.job_policy("held")
    job = submit(client)
    assert mock.credits < before
    stated = {} if status is None else {"failed_status": status}
    body = {"request_id": job["request_id"], "error": "the test says so", **stated}
    assert client.post("/_mock/jobs/fail", json=body).status_code == 200
    failed = client.get(job["status_url"])
    assert (failed.status_code, failed.json()["error"]) == (status or 422, "the test says so")
    assert mock.credits == before
    mock.edit_job(job["request_id"], error=None, cost=1.5)
    assert client.get(job["status_url"]).json()["metrics"]["cost"] == 1.5
    assert mock.credits == before - 1.5
    mock.fail_job(job["request_id"], "again", failed_status=status)
    assert client.get(job["response_url"]).json()["error"] == "again"
    assert mock.credits == before


def test_a_job_is_edited_by_its_id(client: httpx.Client, mock: Mock) -> None:
    job = submit(client)
    body = {
        "request_id": job["request_id"],
        "cost": 0.25,
        "remaining_credits": -1,
        "policy": "polls=2",
        "outputs": [{"base64": base64.b64encode(FILE).decode(), "media_type": "image/png"}],
    }
    before = mock.credits + mock.jobs[0].cost
    assert client.post("/_mock/jobs/edit", json=body).status_code == 200
    assert client.get(job["status_url"]).json()["status"] == "QUEUED"
    metrics = client.get(job["status_url"]).json()["metrics"]
    assert (metrics["cost"], metrics["remaining_credits"], mock.credits) == (0.25, -1, before - 0.25)
    assert client.get(client.get(job["response_url"]).json()["output"]).content == FILE
    mock.edit_job(job["request_id"], expires=0)
    assert client.get(job["status_url"]).status_code == 404
    assert [kept.request_id for kept in mock.jobs] == [job["request_id"]]


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("finish", {}, "request_id"),
        ("finish", {"request_id": "x"}, "'x'"),
        ("finish", {"request_id": None}, "None"),
        ("finish", {"request_id": ..., "error": "x"}, "'error'"),
        ("fail", {"request_id": ...}, "error"),
        ("fail", {"request_id": ..., "error": 1}, "error"),
        ("fail", {"request_id": ..., "error": "x", "failed_status": 7}, "failed_status"),
        ("fail", {"request_id": ..., "error": "x", "cost": 1}, "'cost'"),
        ("edit", {"request_id": ...}, "states nothing"),
        ("edit", {"request_id": ..., "any_body": True}, "any_body"),
        ("edit", {"request_id": ..., "state": "FAILED"}, "state"),
        ("edit", {"request_id": ..., "cost": 1e9}, "balance"),
        ("edit", {"request_id": ..., "policy": "x"}, "polls=N"),
    ],
)
def test_an_edit_that_is_not_valid_is_refused(
    client: httpx.Client, mock: Mock, path: str, body: dict[str, Any], message: str
) -> None:
    mock.credits = 10
    job = submit(client)["request_id"]
    before = mock.jobs
    sent = {name: job if value is ... else value for name, value in body.items()}
    refused = client.post(f"/_mock/jobs/{path}", json=sent)
    assert (refused.status_code, message in refused.json()["error"]) == (400, True), refused.text
    assert mock.jobs == before


def test_the_job_of_another_key_is_unknown(client: httpx.Client, mock: Mock) -> None:
    job = submit(client)["request_id"]
    other = {"x-api-key": "SG_ffffffffffffffff"}
    assert client.post("/_mock/jobs/finish", json={"request_id": job}, headers=other).status_code == 400
    with pytest.raises(BadSetting, match="nope"):
        mock.finish_job("nope")


# The docs


def test_the_script_of_the_docs_does_what_its_comments_say(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/mock.md").read_text("utf-8")
    section = page.partition("## Stubs: any answer")[2].partition("\n## ")[0]
    [text] = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    for name in ("error.html", "film.mp4", "frame.png"):
        (tmp_path / name).write_text(name, "utf-8")
    with Mock(time_scale=0, media="tiny", stubs=read_script(script(tmp_path, text), KNOWN)) as mock:
        client = httpx.Client(base_url=mock.url, headers={"x-api-key": mock.key})
        with client:
            refused = [client.post("/v2/style-transfer", json=EXAMPLE) for _ in range(3)]
            assert [(answer.status_code, answer.headers["retry-after"]) for answer in refused] == [
                (503, "7"),
                (503, "7"),
                (429, "30"),
            ]
            assert client.get("/v1/get-user-credits").json() == {"credits": 12.5}
            failing = submit(client)["status_url"]
            assert client.get(failing).text == "error.html"
            states = [client.get(failing).json() for _ in range(3)]
            assert [state["status"] for state in states] == ["QUEUED", "PROCESSING", "FAILED"]
            assert states[2]["error"] == "Content policy: blocked"
            result = client.get(submit(client)["response_url"]).json()
            metrics = result["metrics"]
            assert (metrics["cost"], metrics["remaining_credits"]) == (1.5, 8.5)
            assert client.get(result["output"]).text == "film.mp4"
            assert client.get(result["last_frame_url"]).status_code == 403
            assert mock.stubs[-1]["applied"] == 5


def test_the_calls_of_the_docs_are_accepted(client: httpx.Client) -> None:
    page = (Path(__file__).parents[2] / "docs/mock.md").read_text("utf-8")
    calls = re.findall(r"`POST /_mock/((?:jobs/(?:finish|fail|edit)|rules))` `(\{.*?\})`", page)
    assert [name for name, _ in calls] == ["rules", "jobs/finish", "jobs/fail", "jobs/edit"]
    job = submit(client)["request_id"]
    for name, body in calls:
        answer = client.post(f"/_mock/{name}", json=json.loads(body.replace('"..."', json.dumps(job))))
        assert answer.status_code == 200, answer.text
