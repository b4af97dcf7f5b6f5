"""The command `segmind`: its console script as pip writes it, run against the mock."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from segforge_mock import Mock
from segmind_client import ModelInfo, Segmind
from tests.client.conftest import KEY, Gateway, json_answer
from tests.shared import once, started

ROOT: Final = Path(__file__).parents[2]
PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(32)
SLUG: Final = "flux-img2img"
IMAGE: Final = "https://images.test/a.png"
MEANT: Final = ("--prompt", "a cat", "--image", IMAGE)

Done: TypeAlias = subprocess.CompletedProcess[bytes]
Run: TypeAlias = Callable[..., Done]


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script of the distribution, made by the part of pip that does it at an installation."""

    def make(folder: Path) -> None:
        project = tomllib.loads((ROOT / "generated/python/pyproject.toml").read_text("utf-8"))["project"]
        scripts: Any = import_module("pip._vendor.distlib.scripts")
        maker = scripts.ScriptMaker(None, str(folder))
        maker.executable, maker.variants = sys.executable, {""}
        maker.make_multiple([f"{name} = {target}" for name, target in project["scripts"].items()])

    return once(tmp_path_factory, "console-script", make) / "segmind"


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0) as mock:
        yield mock


def environment(url: str, key: str | None = KEY) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SEGMIND_")}
    return kept | {"SEGMIND_BASE_URL": url} | ({} if key is None else {"SEGMIND_API_KEY": key})


@pytest.fixture
def run(script: Path, mock: Mock, tmp_path: Path) -> Run:
    def run(*arguments: str, stdin: bytes = b"", url: str | None = None, key: str | None = KEY) -> Done:
        given = environment(url or mock.url, key)
        command = [str(script), *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=given, input=stdin, capture_output=True, check=False)
        assert b"Traceback" not in done.stderr, done.stderr
        assert KEY.encode() not in done.stdout + done.stderr
        return done

    return run


def succeeded(done: Done) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def refused(done: Done, *words: str) -> None:
    """Checks that a call was refused as misuse, in one line that contains these words."""
    assert done.returncode == 2, done.stderr
    text = done.stderr.decode()
    for word in words:
        assert word in text


def sent(mock: Mock) -> int:
    return len(mock.requests)


def test_a_model_runs_and_its_output_is_saved(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(PNG)
    done = run("run", SLUG, "--prompt", "anime style", "--image", "in.png", "-o", "out.png")
    assert succeeded(done) == "out.png\n"
    assert (tmp_path / "out.png").stat().st_size > 100
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["in.png", "out.png"]
    said = done.stderr.decode()
    assert re.search(r"job \S+ of flux-img2img\n", said)
    assert "COMPLETED" in said
    assert "steps=20" in said  # a required setting that was not passed


@pytest.mark.parametrize("version", ["--v1", "--v2"])
def test_output_goes_to_a_pipe_and_input_comes_from_one(run: Run, version: str) -> None:
    done = run("run", SLUG, "--prompt", "x", "--image", "-", "-o", "-", version, stdin=PNG)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith((b"\xff\xd8", b"\x89PNG"))


def test_parameters_arrive_with_their_types(run: Run, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on("POST", f"/v1/{SLUG}", json_answer({"image": "aGk="}))
    (tmp_path / "more.json").write_text(json.dumps({"extra": {"deep": [1, None]}, "seed": 1}), "utf-8")
    options = [
        "--denoise",
        "1e-1",
        "--steps=7",
        "--seed",
        "-3",
        "--base64",
        "--sampler_name",
        "own",
        "--scheduler=beta",
    ]
    done = run("run", SLUG, *MEANT, *options, "--params", "@more.json", "--v1", "-o", "-", url=gateway.url)
    succeeded(done)
    assert gateway.received[-1].json == {
        "extra": {"deep": [1, None]},
        "seed": -3,
        "denoise": 0.1,
        "image": IMAGE,
        "prompt": "a cat",
        "sampler_name": "own",
        "scheduler": "beta",
        "steps": 7,
        "base64": True,
    }


def test_lists_and_nested_values(run: Run, gateway: Gateway, tmp_path: Path) -> None:
    gateway.job("r1", "flux-2-pro")
    (tmp_path / "in.png").write_bytes(PNG)
    images = ["--image-urls", IMAGE, "--image-urls", "in.png"]
    assert succeeded(run("run", "flux-2-pro", "--prompt", "x", *images, "--detach", url=gateway.url)) == "r1\n"
    first, second = gateway.received[-1].json["image_urls"]
    assert first == IMAGE
    assert second.startswith("data:image/png;base64,")
    messages = [{"role": "user", "content": "hi"}]
    gateway.on("POST", "/v1/gpt-4o", json_answer({"choices": [{"message": {"role": "assistant", "content": "yes"}}]}))
    for value in (json.dumps(messages), "@chat.json", "-"):
        (tmp_path / "chat.json").write_text(json.dumps(messages), "utf-8")
        done = run("run", "gpt-4o", "--messages", value, stdin=json.dumps(messages).encode(), url=gateway.url)
        assert succeeded(done) == "yes\n"
        assert gateway.received[-1].json["messages"] == messages


def test_values_are_checked_before_anything_is_sent(run: Run, mock: Mock) -> None:
    before = sent(mock)
    wrong = ["--denoise", "2", "--steps", "many", "--scheduler", "none", "--base64", "maybe"]
    done = run("run", SLUG, *wrong, "--image", IMAGE, "-o", "x.png", key=None)
    refused(
        done, "range.above", "type.string_for_integer", "enum.unknown", "type.string_for_boolean", "required.missing"
    )
    refused(run("run", SLUG, "--image", "no-such-file.png"), "no-such-file.png", "expected a file, a URL")
    refused(run("run", SLUG, "--no-such", "1"), "--no-such")
    refused(run("run", SLUG, "--params", "[1]"), "--params is not a JSON object")
    refused(run("run", SLUG, "--params", '{"seed": NaN}'), "NaN")
    refused(run("run", SLUG, "--params", "[" * 100_000), "nested too deeply")
    refused(run("run", SLUG, "--prompt", "-", stdin=PNG), "not UTF-8")
    refused(run("run", SLUG, "--prompt", "-", "--image", "-", stdin=b"x"), "--image", "--prompt", "both read")
    refused(run("run", SLUG, *MEANT, "--v1"), "-o FILE")
    refused(run("run", SLUG, *MEANT, "--timeout", "nan"), "--timeout")
    refused(run("run", "flux-img2im"), "flux-img2img")
    refused(run("run", SLUG, *MEANT, key=None), "SEGMIND_API_KEY")
    refused(run("run"), "model is missing")
    refused(run("no-such-command"), "no-such-command")
    assert sent(mock) == before


def test_an_existing_file_is_kept_without_force(run: Run, mock: Mock, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    out.write_text("precious", "utf-8")
    before = sent(mock)
    refused(run("run", SLUG, *MEANT, "-o", "out.png"), "exists", "--force")
    refused(run("run", SLUG, *MEANT, "-o", "."), "is a folder")
    refused(run("run", SLUG, *MEANT, "-o", "no/out.png"), "no folder")
    assert sent(mock) == before
    assert out.read_text("utf-8") == "precious"
    succeeded(run("run", SLUG, *MEANT, "-o", "out.png", "--force"))
    assert out.read_bytes()[:2] == b"\xff\xd8"


def test_a_file_that_appears_during_the_call_is_kept_too(run: Run, gateway: Gateway, tmp_path: Path) -> None:
    """The output has been paid for, so that it goes to another name."""

    class Racing(Gateway):
        def answer(self, request: Any) -> Any:
            (tmp_path / "out.png").write_text("precious", "utf-8")
            return Gateway.answer(self, request)

    gateway.on("POST", f"/v1/{SLUG}", json_answer({"image": ["aGk=", "aG8="]}))
    gateway.__class__ = Racing
    done = run("run", SLUG, *MEANT, "--v1", "-o", "out.png", url=gateway.url)
    assert succeeded(done) == "out-2.png\nout-3.png\n"
    assert (tmp_path / "out.png").read_text("utf-8") == "precious"
    assert (tmp_path / "out-2.png").read_bytes() == b"hi"


def test_the_estimate_sends_nothing_and_needs_no_key(run: Run, mock: Mock) -> None:
    before = sent(mock)
    found = Segmind(KEY).estimate(SLUG)
    assert found is not None
    assert json.loads(succeeded(run("run", SLUG, "--estimate", "--json", key=None))) == vars(found)
    assert f"{found.high:g} USD" in succeeded(run("run", SLUG, "--estimate", key=None))
    refused(run("run", SLUG, *MEANT, "--max-cost", "0.000001"), "may cost")
    assert sent(mock) == before


def test_json_has_the_facts_of_both_versions(run: Run) -> None:
    record = json.loads(succeeded(run("run", SLUG, *MEANT, "--json")))
    assert (record["status"], record["output"].startswith("http")) == ("COMPLETED", True)
    facts = json.loads(succeeded(run("run", SLUG, *MEANT, "--json", "--v1", "-o", "a.jpg")))
    assert facts["files"] == ["a.jpg"]
    assert facts["cost"] > 0


def test_an_output_that_cannot_be_used_or_written_is_not_lost(run: Run, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on("POST", f"/v1/{SLUG}", json_answer({"surprise": "paid for"}))
    done = run("run", SLUG, *MEANT, "--v1", "-o", "out.png", url=gateway.url)
    assert (done.returncode, (tmp_path / "out.png").exists()) == (1, False)
    kept = Path(re.findall(r"the answer is in '(.+)'", done.stderr.decode())[0])
    assert kept.read_bytes() == json.dumps({"surprise": "paid for"}).encode()
    kept.unlink()
    refused(run("run", SLUG, *MEANT, "--v1", "-o", f"{'x' * 300}.png", url=gateway.url), "File name too long")
    assert len(gateway.received) == 1


def test_large_files_are_uploaded_if_asked(run: Run, mock: Mock, tmp_path: Path) -> None:
    (tmp_path / "big.png").write_bytes(PNG + bytes(2_000_000))
    succeeded(run("run", SLUG, "--prompt", "x", "--image", "big.png", "--upload", "-o", "out.jpg"))
    assert any("upload" in request.path for request in mock.requests[-8:])


def test_refusals_of_the_gateway_exit_with_1(run: Run, gateway: Gateway) -> None:
    gateway.on("POST", f"/v2/{SLUG}", json_answer({"error": f"bad key {KEY}\x1b[2J"}, 401))
    done = run("run", SLUG, *MEANT, url=gateway.url)
    assert done.returncode == 1
    assert b"401" in done.stderr
    assert b"\x1b" not in done.stderr
    gateway.job()
    gateway.on("GET", "/v2/requests/r1/status", json_answer({"status": "FAILED", "error": "no face found"}, 422))
    done = run("run", SLUG, *MEANT, url=gateway.url)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"no face found" in done.stderr


def test_jobs_are_found_by_their_id(run: Run, tmp_path: Path) -> None:
    job = succeeded(run("run", SLUG, *MEANT, "--detach")).strip()
    assert succeeded(run("jobs", "status", job)).startswith("COMPLETED (")
    assert json.loads(succeeded(run("jobs", "status", job, "--json")))["status"] == "COMPLETED"
    assert succeeded(run("jobs", "wait", "-", "-o", "a.jpg", "--quiet", stdin=f"{job}\n".encode())) == "a.jpg\n"
    assert succeeded(run("jobs", "fetch", job, "--model", SLUG, "-o", "b.jpg")) == "b.jpg\n"
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


def test_a_job_that_is_unknown_or_still_runs(run: Run, gateway: Gateway) -> None:
    unknown = run("jobs", "wait", "0" * 32)
    assert (unknown.returncode, b"expired" in unknown.stderr or b"not found" in unknown.stderr) == (1, True)
    gateway.on("GET", "/v2/requests/r1/status", json_answer({"status": "PROCESSING"}))
    for action, word in (("fetch", b"is PROCESSING"), ("wait", b"did not end within")):
        done = run("jobs", action, "r1", "--timeout", "0.1", url=gateway.url)
        assert (done.returncode, word in done.stderr) == (1, True), done.stderr
        assert b"segmind jobs wait r1" in done.stderr


def test_a_gateway_that_is_not_reached_is_reported_while_a_job_is_waited_for(run: Run, gateway: Gateway) -> None:
    done = run("jobs", "wait", "r1", "--timeout", "1", url="http://127.0.0.1:9")
    assert done.returncode == 1
    assert b"trying the gateway again: no answer (http://127.0.0.1:9: ConnectError" in done.stderr
    assert done.stderr.count(b"trying") == 1
    assert b"`segmind jobs wait r1`" in done.stderr
    answers = [
        json_answer({"status": "QUEUED"}),
        json_answer({"error": "busy"}, 502),
        json_answer({"status": "COMPLETED"}),
    ]
    gateway.on("GET", "/v2/requests/r1/status", *answers)
    gateway.on("GET", "/v2/requests/r1", json_answer({"status": "COMPLETED", "output": "done"}))
    done = run("jobs", "wait", "r1", "--json", url=gateway.url)
    assert "done" in succeeded(done)
    assert b"trying the gateway again: it answered 502" in done.stderr
    gateway.on("GET", "/v2/requests/r1/status", *answers)
    assert run("jobs", "wait", "r1", "--json", "--quiet", url=gateway.url).stderr == b""


def test_ctrl_c_prints_the_id_and_how_to_resume(script: Path, gateway: Gateway) -> None:
    gateway.job()
    gateway.on("GET", "/v2/requests/r1/status", json_answer({"status": "QUEUED"}))
    command: list[str | Path] = [script, "run", SLUG, *MEANT, "-o", "/dev/null"]
    with started(command, env=environment(gateway.url), stderr=subprocess.PIPE) as process:
        while not any(request.method == "GET" for request in gateway.received):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert f"`segmind jobs wait r1 --model {SLUG} -o FILE`" in said


def test_the_key_is_not_among_the_arguments_that_ps_shows(script: Path, gateway: Gateway) -> None:
    gateway.job()
    gateway.on("GET", "/v2/requests/r1/status", json_answer({"status": "QUEUED"}))
    command: list[str | Path] = [script, "run", SLUG, *MEANT]
    with started(command, env=environment(gateway.url), stderr=subprocess.PIPE) as process:
        while not any(request.method == "GET" for request in gateway.received):
            time.sleep(0.01)
        shown = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        process.kill()
        process.communicate(timeout=20)
    assert f"run {SLUG}" in shown
    assert not any(f"run {SLUG}" in line and KEY in line for line in shown.splitlines())


REFUSED_KEYS: Final = (
    ("run", SLUG, "--api-key", "x"),
    ("run", SLUG, "--api_key=x"),
    ("--api-key", "x", "models", "list"),
    ("models", "list", "--key", "x"),
    ("jobs", "status", "r1", "--token=x"),
    ("run", SLUG, "--prompt", f"my key is {KEY}"),
    ("run", SLUG, KEY),
    (KEY,),
    ("completion", KEY),
    ("jobs", "wait", "SG_ffffffffffffffff"),
)


@pytest.mark.parametrize("arguments", REFUSED_KEYS, ids=lambda each: " ".join(each)[:30])
def test_a_key_in_the_arguments_is_refused_with_the_reason(run: Run, mock: Mock, arguments: tuple[str, ...]) -> None:
    before = sent(mock)
    done = run(*arguments)
    refused(done, "`ps`", "SEGMIND_API_KEY")
    assert b"SG_" not in done.stderr
    assert sent(mock) == before


def test_help_has_the_facts_of_the_schema_and_is_fast(run: Run) -> None:
    text = " ".join(succeeded(run("run", SLUG, "--help", key=None)).split())
    for fact in ("--denoise NUMBER", "At least 0, at most 1", "Default: 0.75", '"sgm_uniform"', "--image FILE"):
        assert fact in text
    for arguments in ((), ("--help",), ("run", "--help"), ("jobs", "--help"), ("models", "--help")):
        assert "usage: segmind" in succeeded(run(*arguments))
    code = f"import sys; from segmind_client._cli.main import main\ntry: main(['run', {SLUG!r}, '--help'])\n"
    code += "finally: print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout.split()
    assert "segmind_client._cli.options" in modules
    assert "httpx" not in modules


def test_every_model_has_help_and_an_option_for_each_parameter(whole_catalog: Any) -> None:
    from segmind_client._cli.options import described
    from segmind_client._cli.run import OWN, parser

    for spec in whole_catalog.models:
        model = described(spec.slug, OWN)
        assert model is not None
        assert [each.name for each in model.parameters] == [each.name for each in spec.parameters]
        assert parser(spec.slug, model).format_help()
        assert all(each.options for each in model.parameters)
        assert len({option for each in model.parameters for option in each.options} | OWN) == len(OWN) + sum(
            len(each.options) for each in model.parameters
        )


def test_models_are_listed_found_and_shown(run: Run) -> None:
    everything: tuple[ModelInfo, ...] = Segmind(KEY).models.list()
    assert len(succeeded(run("models", "list", key=None)).splitlines()) == len(everything)
    assert [each["slug"] for each in json.loads(succeeded(run("models", "search", "face", "swap", "--json")))] == [
        each.slug for each in Segmind(KEY).models.search("face swap")
    ]
    shown = succeeded(run("models", "show", SLUG))
    assert "denoise (required)" in shown
    assert json.loads(succeeded(run("models", "show", SLUG, "--json")))["parameters"]["required"]
    refused(run("models", "list", "--modality", "vdeo"), "expected a medium")
    refused(run("models", "show", "flux-img2im"), "did you mean flux-img2img")


def bash(script: Path, line: str) -> list[str]:
    """Returns what bash would propose for a line."""
    code = (
        'source <(segmind completion bash); COMP_LINE="$1" COMP_POINT=${#1}; _segmind; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = {"PATH": f"{script.parent}:/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", code, "bash", line], env=path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "proposed"), [("segmind run flux-img2", [SLUG]), (f"segmind run {SLUG} --scheduler k", ["karras"])]
)
def test_fish_completes(script: Path, tmp_path: Path, line: str, proposed: list[str]) -> None:
    code = 'segmind completion fish | source; complete -C "$argv[1]"'
    given = {"PATH": f"{script.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(["fish", "-c", code, line], env=given, capture_output=True, text=True, check=False)
    assert done.stdout.split() == proposed


@pytest.mark.parametrize(
    ("line", "proposed"),
    [
        ("segmind mod", ["models"]),
        ("segmind run flux-img2", [SLUG]),
        (f"segmind run {SLUG} --sch", ["--scheduler"]),
        (f"segmind run {SLUG} --scheduler k", ["karras"]),
        (f"segmind run {SLUG} --base64=", ["true", "false"]),
        (f"segmind run {SLUG} --prompt 'a $(touch hacked) ", []),
        ("segmind run flux-dev-finetuned --aspect-ratio 16:", []),
        ("segmind run flux-dev-finetuned --aspect-ratio 9:1", ["16", "19"]),
        ("segmind jobs ", ["status", "wait", "fetch"]),
        ("segmind models show flux-img2", [SLUG]),
        ("segmind completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_bash_completes(script: Path, line: str, proposed: list[str]) -> None:
    assert bash(script, line) == proposed


def test_no_hostile_candidate_is_proposed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from segmind_client._cli.main import main
    from segmind_client._schemas import SCHEMAS

    values = ["good", "$(touch hacked)", "a b", "`x`", "x;y", "*", "\n"]
    schema = {"properties": {"a": {"type": "string", "enum": values}, "--b c": {"type": "string"}, "force": {}}}
    monkeypatch.setitem(SCHEMAS, SLUG, json.dumps(schema))
    assert main(["_complete", "words", "run", SLUG, "--a", ""]) == 0
    assert capsys.readouterr().out == "good\n"
    assert main(["_complete", "words", "run", SLUG, "--"]) == 0
    assert "--param-force" in capsys.readouterr().out


def test_the_commands_of_the_readme_work(run: Run) -> None:
    chapter = (ROOT / "generated/python/README.md").read_text("utf-8").partition("## Command line\n")[2]
    commands = chapter.partition("```sh\n")[2].partition("```")[0].splitlines()
    assert len(commands) == 4
    for command in commands:
        assert succeeded(run(*shlex.split(command)[1:], key=None))
