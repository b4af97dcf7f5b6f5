"""Recordings: a proxy stores exchanges without keys, and a replay answers with the same bytes, offline."""

import base64
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from segforge_mock import Mock
from segforge_mock.bounds import BadSetting
from segforge_mock.http.endpoint import AsgiEndpoint
from segforge_mock.http.server import BackgroundServer
from segforge_mock.proxy.proxy import Proxy
from segforge_mock.recordings.folder import RecordingFolder, read_folder
from tests.mock.recorded import (
    EXAMPLE,
    JSON,
    MODELS,
    drive,
    essence,
    files,
    gateway,
    local,
    recording,
    sender,
    upstream_of,
)
from tests.shared import started


def test_a_replay_answers_with_the_recorded_bytes_and_polls(tmp_path: Path) -> None:
    with gateway() as mock, recording(mock.url, tmp_path) as url, sender(url, mock.key) as send:
        recorded = drive(send)
    key = "another-key"
    with Mock(key=key, replay=tmp_path, strict_replay=True) as offline, sender(offline.url, key) as send:
        assert [*map(essence, drive(send))] == [*map(essence, recorded)]
        again = drive(send)  # a job that is submitted again starts again; of other answers, the last one stays
        assert [*map(essence, again[3:])] == [*map(essence, recorded[3:])]
        assert essence(again[2]) == essence(recorded[-1])
        offline.reset()
        assert [*map(essence, drive(send))] == [*map(essence, recorded)]
        assert [request.status for request in offline.requests] == [answer.status_code for answer in recorded]


def test_traffic_that_is_recorded_again_leads_to_the_same_names(tmp_path: Path) -> None:
    names = []
    for _ in range(2):
        with gateway() as mock, recording(mock.url, tmp_path) as url, sender(url, mock.key) as send:
            drive(send)
        names.append(sorted(name for name in files(tmp_path) if name.endswith(".yaml")))
    assert names[0] == names[1]
    assert [name for name in names[0] if re.search("[0-9a-f]{8}-[0-9a-f]{4}-", name)] == []


KEY = 'sk/pl\u00e4nted key+\\"7=='
RAW_KEY = KEY.encode("latin-1")
DOCUMENTED_KEY = "SG_feedfacecafebeef"
SIGNED = "https://bucket.s3.amazonaws.com/a.png?X-Amz-Credential=AKIAPLANTED&X-Amz-Signature=beefPLANTED&w=1"


def telltale(scope: Any, _: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Repeats the key of the caller in every spelling, and has secrets of its own."""
    key = dict(scope["headers"])[b"x-api-key"].decode("latin-1")
    everywhere = "".join(f"\\u{ord(letter):04x}" for letter in key)
    encoded = "".join(f"%{byte:02x}" for byte in key.encode("latin-1"))
    shown = json.dumps({"error": f"bad key {key}!", "nested": json.dumps({"key": key}), "signed": SIGNED})
    slashes = json.dumps(key)[1:-1].replace("/", "\\/")
    text = f'{{"slashes": "{slashes}", "all": "{everywhere}", "url": "{encoded}", '
    body = f'{text}"access_token": "eyJPLANTED", "other": "{DOCUMENTED_KEY}", "echo": {shown}}}'.encode()
    own = [("x-debug", key), ("set-cookie", "session=PLANTED"), ("x-auth-token", "tokenPLANTED")]
    if scope["path"].endswith("binary"):
        body = b"\x89PNG\0" + key.encode("latin-1") + key.encode("utf-16-le") + b"\xff"
        return [("content-type", "image/png"), *own], body
    return [*JSON, *own], body


def test_no_file_holds_a_secret_in_any_spelling(tmp_path: Path) -> None:
    sent = {"x-api-key": RAW_KEY, "cookie": "a=cookiePLANTED", "authorization": "Bearer tokenPLANTEDtoo-and-longer"}
    quoted = "sk%2Fpl%e4nted%20key%2B%5C%227%3D%3D"
    with (
        upstream_of(telltale) as upstream,
        recording(upstream, tmp_path) as url,
        httpx.Client(base_url=url, headers=sent) as client,  # type: ignore[arg-type]
    ):
        send = client.request
        send("POST", f"/v1/{quoted}?api_key={quoted}&token=queryPLANTED", json={"prompt": f"with {KEY}"})
        send("POST", "/v1/binary", files={"image": ("a.png", b"\x89" + RAW_KEY), "key": (None, KEY)})
        send("POST", "/v1/ascii", content=json.dumps({"prompt": KEY}), headers={"content-type": "application/json"})
        send("POST", "/v1/long", json={"prompt": "\n" + "x" * 70_000 + KEY + "y" * 70_000 + "%2F" + KEY})
        send("POST", "/v1/text", content=base64.b64encode(RAW_KEY), headers={"content-type": "text/plain"})
        send("POST", "/v1/text", content=RAW_KEY, headers={"content-type": "text/plain"})
    stored = files(tmp_path)
    assert len(stored) >= 6
    escaped = json.dumps(KEY)[1:-1]
    spellings = [
        RAW_KEY,
        KEY.encode(),
        KEY.encode("utf-16-le"),
        escaped.encode(),
        escaped.replace("\\", "\\\\").encode(),
        base64.b64encode(RAW_KEY),
    ]
    for name, content in stored.items():
        for secret in (*spellings, b"PLANTED", DOCUMENTED_KEY.encode(), b"nted", b"pl%C3", b"pl%e4", rb"\u0073\u006b"):
            assert secret not in content, (name, secret, content)
    assert not any("nted" in name for name in stored)


def test_credentials_of_the_upstream_are_not_stored(tmp_path: Path) -> None:
    with (
        upstream_of(lambda _, __: (JSON, b"{}")) as upstream,
        recording(upstream.replace("http://", "http://user:passPLANTED@"), tmp_path) as url,
        sender(url) as send,
    ):
        assert send("GET", "/v1/a").status_code == 200
    assert not any(b"PLANTED" in content for content in files(tmp_path).values())
    [one] = read_folder(tmp_path)
    assert one.gateway == upstream


def test_the_key_of_the_caller_replaces_the_one_that_an_answer_repeats(tmp_path: Path) -> None:
    with (
        upstream_of(telltale) as upstream,
        recording(upstream, tmp_path) as url,
        sender(url, "recorded-key-1") as send,
    ):
        recorded = send("GET", "/v1/x")
    with Mock(replay=tmp_path) as mock, sender(mock.url, "replaying-key-2") as send:
        replayed = send("GET", "/v1/x")
    assert replayed.headers["x-debug"] == "replaying-key-2"
    assert "replaying-key-2!" in replayed.text
    assert "recorded-key-1" not in replayed.text
    assert "recorded-key-1" in recorded.text


ANSWERS: dict[str, tuple[str, bytes, str]] = {
    "/v1/number": (
        "application/json",
        b'{"a":1e-05,"b":[1.0,-0.0,12345678901234567890],"c":"1:1","d":"on","e":"\xc3\xa4\\n x"}',
        "json",
    ),
    "/v1/odd": ("application/json", b'{ "a": 1,\n\t"b": "\\ud800"}', "text"),
    "/v1/deep": ("application/json", b"[" * 60 + b"]" * 60, "text"),
    "/v1/deeper": ("application/json", b"[" * 900 + b"]" * 900, "text"),
    "/v1/twice": ("application/json", b'{"a":1,"a":2}', "text"),
    "/v1/lines": ("text/plain", b"one\r\ntwo\n\n  three \n", "text"),
    "/v1/nul": ("text/plain", b"\x00\x07\xef\xbb\xbf", "text"),
    "/v1/long": ("application/json", json.dumps(["x" * 99] * 1000).encode(), "file"),
    "/v1/bytes": ("application/octet-stream", bytes(range(256)), "file"),
    "/v1/none": ("application/json", b"", ""),
}


def varied(scope: Any, _: bytes) -> tuple[list[tuple[str, str]], bytes]:
    kind, body, _form = ANSWERS[scope["path"]]
    return [("content-type", kind), ("x-two", "1"), ("x-two", "2")], body


def test_any_body_is_stored_in_a_readable_form_and_replayed_to_the_byte(tmp_path: Path) -> None:
    with upstream_of(varied) as upstream, recording(upstream, tmp_path) as url, sender(url) as send:
        assert {path: send("GET", path).content for path in ANSWERS} == {
            path: body for path, (_, body, _) in ANSWERS.items()
        }
    for one in read_folder(tmp_path):
        text = (tmp_path / f"{one.name}.yaml").read_text("utf-8").partition("response:")[2]
        form = ANSWERS[one.request.path][2]
        assert [name for name in ("json", "text", "file") if f"\n  {name}:" in text] == ([form] if form else [])
    with Mock(replay=tmp_path) as mock, sender(mock.url) as send:
        for path, (kind, body, _) in ANSWERS.items():
            answer = send("GET", path)
            assert (answer.content, answer.headers["content-type"]) == (body, kind)
            assert answer.headers.get_list("x-two") == ["1", "2"]


def counting() -> BackgroundServer:
    """Returns a server whose answers count the requests."""
    seen: list[bytes] = []

    def reply(_: Any, body: bytes) -> tuple[list[tuple[str, str]], bytes]:
        seen.append(body)
        return JSON, json.dumps({"at": len(seen), "size": len(body)}).encode()

    return upstream_of(reply)


def test_requests_match_by_meaning_and_the_same_bytes_win(tmp_path: Path) -> None:
    kind = {"content-type": "application/json"}
    with counting() as upstream, recording(upstream, tmp_path) as url, sender(url) as send:
        first = send("POST", "/v1/a?x=1&y=2", content=b'{"p": 1, "q": "a"}', headers=kind)
        exact = send("POST", "/v1/a?x=1&y=2", content=b'{"p": 1.0, "q": "a"}', headers=kind)
        form = send("POST", "/v1/a", files={"image": ("a.png", b"\x89PNG")}, data={"p": "1"})
    with Mock(replay=tmp_path, strict_replay=True) as mock, sender(mock.url) as send:
        assert send("POST", "/v1/a?x=1&y=2", content=b'{"p": 1.0, "q": "a"}', headers=kind).content == exact.content
        assert send("POST", "/v1/a?x=1&y=2", content=b'{"q":"a","p":1}', headers=kind).content == first.content
        assert send("POST", "/v1/a", files={"image": ("a.png", b"\x89PNG")}, data={"p": "1"}).content == form.content
        assert send("POST", "/v1/a", files={"image": ("b.png", b"\x89PNG")}, data={"p": "1"}).status_code == 404
        other = send("POST", "/v1/a?x=1&y=2", content=b'{"q":"b","p":1}', headers=kind)
        assert other.status_code == 404
        assert re.search(r"nearest is post-v1-a-\w+-001\.yaml, which differs in q$", other.json()["error"])
        assert "differs in the query" in send("POST", "/v1/a?x=2&y=2", json={"p": 1, "q": "a"}).json()["error"]
        assert "whose method is POST" in send("GET", "/v1/a").json()["error"]
        assert "of /v1/a" in send("GET", "/v1/ab").json()["error"]
        assert httpx.get(f"{mock.url}/healthz").status_code == 200


def test_a_request_that_was_not_recorded_is_answered_from_the_specs(tmp_path: Path) -> None:
    with gateway() as mock, recording(mock.url, tmp_path) as url, sender(url, mock.key) as send:
        send("GET", "/v1/get-user-credits")
        refused = httpx.get(f"{url}/v1/get-user-credits", headers={"x-api-key": "invalid-key"})
    with Mock(replay=tmp_path, keys=["k"], key="k", time_scale=0, media="tiny") as mock, sender(mock.url, "k") as send:
        assert "x-mock-recording" in send("GET", "/v1/get-user-credits").headers
        assert send("POST", "/v1/style-transfer", json=EXAMPLE).headers["content-type"] == "image/webp"
        other = httpx.get(f"{mock.url}/v1/get-user-credits", headers={"x-api-key": "z"})
        assert (other.status_code, other.content) == (401, refused.content)
        assert "x-mock-recording" in other.headers
        missing = httpx.get(f"{mock.url}/v1/get-user-credits")
        assert (missing.status_code, "x-mock-recording" in missing.headers) == (401, False)
        mock.scenario("rate-limited", times=1)
        assert send("GET", "/v1/get-user-credits").status_code == 429


def recordings_with(folder: Path, **changes: str) -> Path:
    """Writes a recording whose lines are changed, by their first words."""
    lines = {
        "recording": "recording: 1",
        "gateway": "gateway: https://api.segmind.com",
        "request": "request: {method: GET, path: /v1/a}",
        "response": "response: {status: 200, headers: {content-type: text/plain}, text: hello}",
        **changes,
    }
    (folder / "a.yaml").write_text("\n".join(lines.values()), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"response": "response: {status: 200, file: ../secret.txt}"}, "outside of the folder"),
        ({"response": "response: {status: 200, file: /etc/passwd}"}, "outside of the folder"),
        ({"response": "response: {status: 200, file: link}"}, "outside of the folder"),
        ({"response": "response: {status: 200, file: .}"}, "outside of the folder"),
        ({"response": "response: {status: 200, file: gone.png}"}, "gone.png"),
        ({"response": "response: {status: 99}"}, "a.yaml:4"),
        ({"response": "response: {status: 200, json: 1, text: a}"}, "json and text"),
        ({"response": "response: {status: 200, json: 1, spelled: odd}"}, "spelled"),
        ({"response": "response: {status: 200, txt: a}"}, "txt"),
        ({"response": 'response: {status: 200, headers: {a: "b\\r\\nset-cookie: c"}}'}, "header a"),
        ({"request": 'request: {method: GET, path: "/a b"}'}, "path"),
        ({"request": "request: {method: GET, path: v1}"}, "begin with /"),
        ({"request": "request: {method: GET, path: /v1, form: [{name: a}]}"}, "text or file"),
        ({"recording": "recording: 2"}, "found 2"),
        ({"recording": "recording: &a [1, 1]", "x": "x: [" + "*a, " * 60 + "]"}, "alias"),
        ({"recording": "recording: !!python/object/apply:os.system [x]"}, "a.yaml"),
        ({"recording": "{" * 60}, "a.yaml"),
        ({"recording": "recording: " + "1" * 2_000_000}, "1,000,000"),
    ],
)
def test_a_hostile_recording_is_one_clear_error(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(BadSetting, match=r"^replay: ") as caught:
        Mock(replay=recordings_with(folder, **changes))
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["gone", "empty", "file"])
def test_a_folder_without_recordings_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(BadSetting, match=name):
        Mock(replay=tmp_path / name)


def test_an_edited_recording_is_replayed_as_it_is_now(tmp_path: Path) -> None:
    with Mock(replay=recordings_with(tmp_path)) as mock:
        assert httpx.get(f"{mock.url}/v1/a").text == "hello"
        assert httpx.get(f"{mock.url}/v1/a").headers["x-mock-recording"] == "a"


def test_traffic_goes_on_with_one_error_if_a_recording_cannot_be_stored(tmp_path: Path) -> None:
    lines: list[str] = []
    with counting() as upstream, recording(upstream, tmp_path / "r", lines=lines) as url, sender(url) as send:
        assert send("GET", "/v1/a").status_code == 200
        (tmp_path / "r").rename(tmp_path / "moved")
        (tmp_path / "r").write_text("in the way", "utf-8")  # even root can't write here
        assert [send("GET", f"/v1/{name}").json()["at"] for name in "bc"] == [2, 3]
        (tmp_path / "r").unlink()
        (tmp_path / "moved").rename(tmp_path / "r")
        send("GET", "/v1/d")
    assert len(lines) == 2
    assert "--record can't write to" in lines[0]
    assert "2 exchanges" in lines[1]
    assert [one.request.path for one in read_folder(tmp_path / "r")] == ["/v1/a", "/v1/d"]


def test_a_recording_that_was_cut_leaves_no_part(tmp_path: Path) -> None:
    """A process that is killed while it writes leaves an unfinished file, which is never read, and dropped later."""
    recordings_with(tmp_path)
    part = tmp_path / ".b.yaml.abcd1234.part"
    part.write_text("recording:", "utf-8")
    (tmp_path / ".mine.yaml").write_text("other", "utf-8")
    assert [one.name for one in read_folder(tmp_path)] == ["a"]
    RecordingFolder(tmp_path)
    assert (part.exists(), (tmp_path / ".mine.yaml").exists(), (tmp_path / "a.yaml").exists()) == (False, True, True)


def test_equal_answers_in_a_row_are_one_recording(tmp_path: Path) -> None:
    polls: list[int] = []

    def reply(_: Any, _body: bytes) -> tuple[list[tuple[str, str]], bytes]:
        polls.append(1)
        return JSON, b'{"status":"PROCESSING"}' if len(polls) < 4 else b'{"status":"COMPLETED"}'

    with upstream_of(reply) as upstream, recording(upstream, tmp_path) as url, sender(url) as send:
        recorded = [send("GET", "/v2/requests/x/status").text for _ in range(5)]
    assert [one.times for one in read_folder(tmp_path)] == [3, 2]
    with Mock(replay=tmp_path) as mock, sender(mock.url) as send:
        assert [send("GET", "/v2/requests/x/status").text for _ in range(5)] == recorded
        assert send("GET", "/v2/requests/x/status").text == recorded[-1]


def test_small_media_stand_for_large_ones(tmp_path: Path) -> None:
    import io

    from PIL import Image

    with Mock(time_scale=0) as mock, recording(mock.url, tmp_path, small=True) as url, sender(url, mock.key) as send:
        large = send("POST", "/v1/style-transfer", json=EXAMPLE).content
        send("POST", "/v1/style-transfer", json={**EXAMPLE, "prompt": "x" * 100_000})
    assert sum(map(len, files(tmp_path).values())) < len(large) < 10**6
    with Mock(replay=tmp_path, strict_replay=True) as mock, sender(mock.url) as send:
        small = send("POST", "/v1/style-transfer", json=EXAMPLE)
        assert Image.open(io.BytesIO(small.content)).format == "WEBP"
        assert len(small.content) < 500 < len(large)
        assert send("POST", "/v1/style-transfer", json={**EXAMPLE, "prompt": "x" * 100_000}).status_code == 200


def test_files_on_another_host_are_recorded_without_the_key(tmp_path: Path) -> None:
    seen: list[dict[bytes, bytes]] = []

    def storage(scope: Any, _: bytes) -> tuple[list[tuple[str, str]], bytes]:
        seen.append({**dict(scope["headers"]), b"query": scope["query_string"]})
        return [("content-type", "image/png")], b"\x89PNG"

    with upstream_of(storage) as elsewhere:
        signed = f"{elsewhere}/out.png?X-Amz-Signature=PLANTED&b=1"

        def reply(_: Any, _body: bytes) -> tuple[list[tuple[str, str]], bytes]:
            body = json.dumps({"output": json.dumps([{"url": signed}]), "kept": "https://example.com/in.png"})
            return JSON, body.replace("&", "\\u0026").replace("/", "\\/").encode()

        with upstream_of(reply) as upstream, recording(upstream, tmp_path) as url, sender(url) as send:
            answer = send("POST", "/v1/a", json={"image": "https://example.com/in.png"})
            [file] = json.loads(answer.json()["output"])
            assert answer.json()["kept"] == "https://example.com/in.png"
            assert "PLANTED" not in answer.text
            assert send("GET", local(file["url"])).content == b"\x89PNG"
            assert send("GET", local(file["url"]).replace("out", "other")).status_code == 404
        assert [(headers[b"query"], b"x-api-key" in headers) for headers in seen] == [
            (b"X-Amz-Signature=PLANTED&b=1", False)
        ]
    assert not any(b"PLANTED" in content for content in files(tmp_path).values())
    with Mock(replay=tmp_path, strict_replay=True) as mock, sender(mock.url) as send:
        again = send("POST", "/v1/a", json={"image": "https://example.com/in.png"})
        assert again.content == answer.content
        assert send("GET", local(file["url"])).content == b"\x89PNG"


def test_a_compressed_request_is_passed_on_as_it_is_and_recorded_in_plain(tmp_path: Path) -> None:
    body = gzip.compress(b'{"prompt": "planted-key-1"}')
    sent = {"content-encoding": "gzip", "content-type": "application/json"}
    seen: list[tuple[bytes, bytes]] = []

    def reply(scope: Any, received: bytes) -> tuple[list[tuple[str, str]], bytes]:
        seen.append((dict(scope["headers"])[b"content-encoding"], received))
        return [*JSON, ("content-encoding", "gzip")], gzip.compress(b'{"a": "planted-key-1"}')

    with upstream_of(reply) as upstream:
        with BackgroundServer(AsgiEndpoint(Proxy(upstream, MODELS))) as url, sender(url, "planted-key-1") as send:
            assert send("POST", "/v1/a", content=body, headers=sent).json() == {"a": "planted-key-1"}
        with recording(upstream, tmp_path) as url, sender(url, "planted-key-1") as send:
            recorded = send("POST", "/v1/a", content=body, headers=sent)
    assert seen == [(b"gzip", body)] * 2
    assert recorded.json() == {"a": "planted-key-1"}
    [one] = read_folder(tmp_path)
    assert one.request.body.data == b'{"prompt": "***api-key***"}'
    with Mock(replay=tmp_path) as mock, sender(mock.url, "planted-key-1") as send:
        assert send("POST", "/v1/a", content=body, headers=sent).content == recorded.content
        assert send("POST", "/v1/a", json={"prompt": "planted-key-1"}).content == recorded.content
        assert send("POST", "/v1/b", content=body, headers=sent).status_code == 415


def test_a_recorder_that_is_killed_leaves_whole_recordings(tmp_path: Path) -> None:
    with gateway() as mock:
        arguments = ["mock", "--port", "0", "--upstream", mock.url, "--record", str(tmp_path)]
        with started([sys.executable, "-m", "segforge.cli", *arguments], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            with sender(url, mock.key) as send:
                for number in range(10):
                    send("POST", "/v1/style-transfer", json={**EXAMPLE, "seed": number})
                process.kill()
                process.wait()
    assert len(read_folder(tmp_path)) == 10
