"""The mock as a process on a real socket, with real clients: httpx, the official SDK, the docs pages' own samples."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import segmind as official_sdk

from tests.mock.conftest import KEY
from tests.seeds import seed_catalog
from tests.shared import started

CATALOG = seed_catalog()
V2 = [model.slug for model in CATALOG.models if "v2" in model.versions]


@contextmanager
def official(url: str, key: str) -> Iterator[official_sdk.SegmindClient]:
    """Yields the official SDK's client, and closes it, for which it has no method."""
    client = official_sdk.SegmindClient(api_key=key, base_url=f"{url}/v1")
    with client._client:
        yield client


@pytest.fixture
def sdk(mock_url: str) -> Iterator[official_sdk.SegmindClient]:
    with official(mock_url, KEY) as client:
        yield client


@pytest.mark.parametrize("slug", V2)
def test_the_official_sdk_runs_every_model(sdk: official_sdk.SegmindClient, slug: str) -> None:
    job = sdk.submit_async(slug, **CATALOG.model(slug).valid_example)
    assert job.status()["status"] in ("QUEUED", "PROCESSING")
    result = job.wait(timeout=20, interval=0.02)
    assert result["status"] == "COMPLETED"
    assert result["metrics"]["inference_time"] > 0
    assert httpx.get(result["output"]).headers["content-type"].startswith("image/")
    assert sdk.run_sync(slug, **CATALOG.model(slug).valid_example).headers["content-type"].startswith("image/")


def test_the_official_sdk_sees_refusals(sdk: official_sdk.SegmindClient, mock_url: str) -> None:
    with pytest.raises(official_sdk.SegmindError) as caught:
        sdk.run("flux-img2img", steps=0)
    assert caught.value.status == 400
    assert "steps: 0 is below the minimum 1" in str(caught.value.detail)
    with official(mock_url, "invalid") as stranger, pytest.raises(official_sdk.SegmindError) as caught:
        stranger.run("flux-img2img")
    assert caught.value.status == 401
    with pytest.raises(official_sdk.SegmindError) as caught:
        sdk.run("no-such-model")
    assert caught.value.status == 404


def test_the_page_sample_of_the_finetuned_model_gets_the_400_that_names_the_gap(mock_url: str) -> None:
    model = CATALOG.model("flux-dev-finetuned")
    headers = {"x-api-key": KEY, "Content-Type": "application/json"}
    refused = httpx.post(f"{mock_url}/v1/flux-dev-finetuned", headers=headers, json=dict(model.example))
    assert refused.status_code == 400
    assert "finetune_id" in refused.json()["error"]
    data = {**model.example, "finetune_id": "mine"}
    assert httpx.post(f"{mock_url}/v1/flux-dev-finetuned", headers=headers, json=data).json()["status"] == "Success"


def test_many_callers_at_once(mock_url: str) -> None:
    example = CATALOG.model("style-transfer").example
    ids: list[str] = []

    def submit() -> None:
        with httpx.Client(headers={"x-api-key": KEY}) as client:
            ids.extend(
                client.post(f"{mock_url}/v2/style-transfer", json=example).json()["request_id"] for _ in range(10)
            )

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 80


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_on_a_signal(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", "--time-scale", "0"]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert process.stdout.readline() == f"segforge mock: console at {url}/_mock/\n"
        assert httpx.get(url).status_code == 401
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "segforge.cli", "mock", "--port", port]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert result.returncode == 2
    [line] = result.stderr.splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "--port" in line


@pytest.mark.parametrize(
    "arguments",
    [["--port", "99999"], ["--port", "x"], ["--time-scale", "-1"], ["--time-scale", "nan"], ["--rate-limit", "0"]],
)
def test_bad_arguments_are_misuse(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from segforge.cli import main

    with pytest.raises(SystemExit) as exit_:
        main(["mock", *arguments])
    assert exit_.value.code == 2
    assert arguments[1] in capsys.readouterr().err


TEXT_OPTIONS = ("host", "api-key", "keys-file", "specs", "profile", "public-url", "tls", "upstream", "store", "job-policy", "script", "chaos", "admin-token", "rate-limit")  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("value", ["", " "])
@pytest.mark.parametrize("option", TEXT_OPTIONS)
def test_an_unset_variable_of_the_shell_is_misuse(
    option: str, value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`--host 0.0.0.0 --admin-token "$TOKEN"` must not open the admin API to the network without a token."""
    from segforge.cli import main

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main(["mock", "--port", "0", f"--{option}", value])
    assert exit_.value.code == 2
    error = capsys.readouterr().err
    assert "is empty" in error
    assert "shell" in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--no-admin --admin-token t", "--admin-token"),
        ("--public-url foo", "'foo'"),
        ("--public-url http://[", "'http://['"),
        ("--tls nodir/x.pem", "nodir"),
        ("--chaos nonsense=1 --tls ca.pem", "'nonsense'"),
        ("--keys-file missing --store sqlite:///jobs.db", "missing"),
    ],
)
def test_options_that_cannot_be_used_are_one_message_and_leave_nothing(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from segforge.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["mock", "--port", "0", *arguments.split()]) == 2
    errors = " ".join(capsys.readouterr().err.split())
    assert errors.startswith("segforge mock: ")
    assert message in errors
    assert list(tmp_path.iterdir()) == []


def test_a_users_own_specs_are_served(specs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for path in (specs / "models").iterdir():
        if path.stem != "style-transfer":
            path.unlink()
    path = specs / "models" / "style-transfer.yaml"
    own = (
        path.read_text("utf-8")
        .replace("slug: style-transfer", "slug: my-model")
        .replace("maximum: 10\n", "maximum: 3\n")
    )
    (specs / "models" / "my-model.yaml").write_text(own, "utf-8")
    path.unlink()
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", "--specs", str(specs)]
    with started(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        payload = CATALOG.model("style-transfer").example
        headers = {"x-api-key": KEY}
        assert httpx.post(f"{url}/v1/my-model", json=dict(payload), headers=headers).status_code == 200
        refused = httpx.post(f"{url}/v1/my-model", json={**payload, "number_of_images": 4}, headers=headers)
        assert "maximum 3" in refused.json()["error"]
        listed = httpx.post(f"{url}/v1/style-transfer", json={}, headers=headers)  # the directory names it
        assert (listed.status_code, listed.headers["x-mock-model"]) == (200, "listed")
        assert httpx.post(f"{url}/v1/no-model", json=dict(payload), headers=headers).status_code == 404
        process.terminate()


def test_broken_specs_are_not_served(specs: Path) -> None:
    (specs / "models" / "style-transfer.yaml").write_text("slug: [", "utf-8")
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", "--specs", str(specs)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (result.returncode, result.stdout) == (1, "")
    assert "yaml.syntax" in result.stderr
    assert "Traceback" not in result.stderr
