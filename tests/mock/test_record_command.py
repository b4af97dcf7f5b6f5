"""`segforge record`: HAR in and out, and drafts of spec facts."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from segforge.cli import main
from segforge_mock import Mock
from segforge_mock.recordings.folder import read_folder
from tests.mock.recorded import EXAMPLE, JSON, drive, essence, files, gateway, recording, sender, upstream_of
from tests.shared import started


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = 0) -> str:
    """Runs `segforge record`, and returns its output, or the error if it fails."""
    assert main(["record", *map(str, arguments)]) == code
    output = capsys.readouterr()
    return output.out if code == 0 else output.err


def test_recordings_as_har_and_back_replay_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with gateway() as mock, recording(mock.url, tmp_path / "a") as url, sender(url, mock.key) as send:
        recorded = drive(send)
        form = {"files": {"style_image": ("ä.png", b"\x89\xff", "image/png")}, "data": {"prompt": "a\nb"}}
        recorded.append(send("POST", "/v1/style-transfer", **form))
    har = tmp_path / "x.har"
    har.write_text(run(capsys, "har", tmp_path / "a"), "utf-8")
    entries = json.loads(har.read_bytes())["log"]["entries"]
    assert [entry["request"]["method"] for entry in entries] == [answer.request.method for answer in recorded]
    assert mock.key not in har.read_text("utf-8")
    assert "imported" in run(capsys, "import", har, tmp_path / "b", "--host", "127.0.0.1")
    assert sorted(files(tmp_path / "a")) == sorted(files(tmp_path / "b"))
    with Mock(key="k", replay=tmp_path / "b", strict_replay=True) as offline, sender(offline.url, "k") as send:
        assert [*map(essence, [*drive(send), send("POST", "/v1/style-transfer", **form)])] == [*map(essence, recorded)]


PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "record-and-replay.md").read_text("utf-8")


def test_the_commands_of_the_docs_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    serving, working = (block.splitlines() for block in blocks)
    monkeypatch.chdir(tmp_path)
    with gateway() as mock:
        for command in serving:
            options = command.replace("https://api.segmind.com", mock.url).split()[1:]
            arguments = [sys.executable, "-m", "segforge.cli", *options, "--port", "0"]
            with started(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ) as process:
                assert process.stdout is not None
                url = process.stdout.readline().split()[-1]
                answer = httpx.get(f"{url}/v1/get-user-credits", headers={"x-api-key": mock.key})
                assert answer.status_code == 200
                process.terminate()
                assert process.communicate(timeout=10)[1] == ""
    assert answer.headers["x-mock-recording"].startswith("get-v1-get-user-credits-")
    assert [line.partition("recordings")[0] for line in working] == [
        "segforge record har ",
        "segforge record import traffic.har ",
        "segforge record draft ",
    ]
    Path("traffic.har").write_text(run(capsys, "har", "recordings"), "utf-8")
    assert "--host" in run(capsys, "import", "traffic.har", "recordings2", code=1)
    assert "0 proposals" in run(capsys, "draft", "recordings")


def test_the_recording_of_the_docs_replays(tmp_path: Path) -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    with Mock(replay=tmp_path, strict_replay=True) as mock:
        answer = httpx.get(f"{mock.url}/v1/get-user-credits", headers={"x-api-key": mock.key})
    assert answer.json() == {"credits": 9.5, "free-credits": 0.0}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--record", "r"], "--upstream"),
        (["--small-media", "--upstream", "http://x"], "--record"),
        (["--strict-replay"], "--replay"),
        (["--replay", "r", "--upstream", "http://x"], "leave out --replay"),
        (["--replay", "r", "--workers", "2", "--store", "sqlite:///x"], "leave out --workers"),
        (["--replay", "gone"], "gone"),
        (["--upstream", "http://x", "--record", "/dev/null/r"], "/dev/null"),
    ],
)
def test_misuse_of_the_options_is_one_clear_error(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mock", "--port", "0", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def entry(url: str, **changes: Any) -> dict[str, Any]:
    request = {"method": "GET", "url": url, "headers": [{"name": "X-API-Key", "value": "planted-key-1"}]}
    content = {"size": 2, "mimeType": "application/json", "text": '{"key": "planted-key-1"}'}
    response = {"status": 200, "headers": [{"name": "content-type", "value": "application/json"}], "content": content}
    return {
        "startedDateTime": "2026-11-01T10:00:00+01:00",
        "time": 5,
        "request": request,
        "response": response,
        **changes,
    }


def har_of(*entries: Any) -> str:
    return json.dumps({"log": {"version": "1.2", "entries": entries}})


def test_an_imported_har_leaves_keys_and_other_hosts_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    no_content = {"status": 200, "headers": [], "content": {"size": 9}}
    text = har_of(
        entry("https://api.segmind.com/v1/get-user-credits?token=planted-token"),
        entry("https://tracker.example.com/planted"),
        entry("https://api.segmind.com/v1/a", response={"status": 0}),
        entry("https://api.segmind.com/v1/b", response=no_content),
        entry("data:text/plain,a"),
    )
    (tmp_path / "x.har").write_text(text, "utf-8")
    printed = run(capsys, "import", tmp_path / "x.har", tmp_path / "r")
    assert "1 exchange imported" in printed
    assert {line for line in printed.splitlines() if "skipped" in line} == {
        "1 skipped: the host tracker.example.com",
        "1 skipped: no answer",
        "1 skipped: an answer without its content",
        "1 skipped: the host ",
    }
    [one] = read_folder(tmp_path / "r")
    assert (one.at, one.seconds, one.key) == ("2026-11-01T09:00:00.000Z", 0.005, "accepted")
    assert not any(b"planted" in content for content in files(tmp_path / "r").values())
    with Mock(replay=tmp_path / "r") as mock:
        answer = httpx.get(f"{mock.url}/v1/get-user-credits?token=other", headers={"x-api-key": "mine-key"})
        assert answer.json() == {"key": "mine-key"}


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("not json", 2, "not a HAR file"),
        ('{"log": {"entries": 3}}', 2, "entries"),
        ("[" * 10_000, 2, "not a HAR file"),
        (har_of(), 1, "--host"),
        (har_of(entry("http://[")), 1, "--host"),
    ],
)
def test_a_har_file_that_is_none_is_one_clear_error(
    text: str, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.har").write_text(text, "utf-8")
    error = run(capsys, "import", tmp_path / "x.har", tmp_path / "r", code=code)
    assert said in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("action", ["har", "draft"])
def test_a_folder_without_recordings_is_misuse(action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no recording" in run(capsys, action, tmp_path, code=2)


def generous(scope: Any, _: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """A gateway that accepts everything, and answers more than its docs say."""
    if scope["path"].startswith("/v1/"):
        return [("content-type", "image/gif"), ("x-cost", "0.5"), ("x-worker", "a7")], b"GIF89a"
    if scope["method"] == "POST":
        urls = dict.fromkeys(("status_url", "response_url", "poll_url"), "x")
        return JSON, json.dumps({**urls, "request_id": "job-00001", "status": "QUEUED"}).encode()
    metrics = {"cost": 0.25, "gpu": "h100"}
    return JSON, json.dumps({"status": "COMPLETED", "output": "x", "last_frame_url": "y", "metrics": metrics}).encode()


def test_a_draft_states_what_was_seen_with_its_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "r"
    with upstream_of(generous) as upstream, recording(upstream, folder) as url, sender(url) as send:
        for _ in range(2):
            send("POST", "/v1/style-transfer", json={**EXAMPLE, "model": "watercolor", "number_of_images": 12})
        send("POST", "/v2/style-transfer", json={**EXAMPLE, "output_format": "gif"})
        send("GET", "/v2/requests/job-00001/status")
        send("GET", "/v2/requests/job-00001")
    before = files(folder)
    found = json.loads(run(capsys, "draft", folder, "--format", "json"))
    assert files(folder) == before
    by_place = {(one["subject"], one["place"]): one for one in found}
    assert set(by_place) == {
        ("gateway", "headers.x-worker"),
        ("style-transfer", "answers.result.last_frame_url"),
        ("style-transfer", "answers.result.metrics.gpu"),
        ("style-transfer", "answers.status.last_frame_url"),
        ("style-transfer", "answers.status.metrics.gpu"),
        ("style-transfer", "answers.status.output"),
        ("style-transfer", "bytes.content_type"),
        ("style-transfer", "parameters.model.enum.known"),
        ("style-transfer", "parameters.number_of_images"),
        ("style-transfer", "parameters.output_format.enum.known"),
        ("style-transfer", "price"),
    }
    enum = by_place["style-transfer", "parameters.model.enum.known"]
    assert '"watercolor"' in enum["seen"]
    assert "high-quality" in enum["stated"]
    [evidence] = enum["evidence"]
    assert re.fullmatch(
        r"post-v1-style-transfer-\w{8}-001\.yaml \(POST /v1/style-transfer, 20\d\d-\d\d-\d\d\)", evidence
    )
    assert (folder / evidence.split()[0]).is_file()
    assert "2 calls cost 0.25 to 0.5 credits" in by_place["style-transfer", "price"]["seen"]
    text = run(capsys, "draft", folder)
    assert text.count("evidence: ") >= len(found)
    assert "take it over by hand" in text


def test_answers_that_match_the_specs_propose_only_their_cost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with gateway() as mock, recording(mock.url, tmp_path) as url, sender(url, mock.key) as send:
        drive(send)
    places = {one["place"] for one in json.loads(run(capsys, "draft", tmp_path, "--format", "json"))}
    assert {"price"} <= places <= {"price", "answers.result.prompt"}
