"""The npm package `segforge-mock`: its samples in Vitest and Jest, its methods, and the programs that it starts."""

import argparse
import inspect
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import httpx
import pytest

from segforge_mock import Mock
from segforge_mock.arguments import configure
from segforge_mock.handle import Clock
from tests.dist.build import LAUNCHER, build_launcher
from tests.shared import once, started
from tests.typescript.conftest import ROOT, TOOLS, node, tool

SEGFORGE = str(Path(sys.executable).with_name("segforge"))
SAMPLES = dict(
    re.findall(r"^```(ts|js)\n(.*?)^```", (LAUNCHER / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
)
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
START = "const {startMock} = require('segforge-mock'); startMock().then(async (mock) => {%s}).catch((e) => {%s})"
FAILED = "console.error(e.message); process.exitCode = 1"


@pytest.fixture(scope="session")
def tests_of_a_user(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the client, the launcher as it is published, Vitest and Jest."""

    def make(folder: Path) -> None:
        build_launcher(folder)
        [packed] = folder.glob("*.tgz")
        with tarfile.open(packed) as archive:
            archive.extractall(folder / "unpacked", filter="data")
        modules = folder / "node_modules"
        modules.mkdir()
        (folder / "unpacked" / "package").rename(modules / "segforge-mock")
        (modules / "segmind-client").symlink_to(project / "node_modules" / "segmind-client")
        for name in ("jest", "vitest"):
            (modules / name).symlink_to(TOOLS / name)
        (folder / "package.json").write_text('{"private": true, "type": "commonjs"}')
        (folder / "vitest").mkdir()
        (folder / "vitest" / "sample.test.ts").write_text(SAMPLES["ts"])
        (folder / "jest").mkdir()
        (folder / "jest" / "sample.test.js").write_text(SAMPLES["js"])
        shutil.copy(Path(__file__).with_name("launcher.test.mjs"), folder)

    return once(tmp_path_factory, "launcher-project", make)


def test_the_sample_of_vitest_passes(tests_of_a_user: Path) -> None:
    options = ["run", "--dir", "vitest", "--pool", "threads", "--reporter", "verbose"]
    done = node(tool("vitest", "vitest"), *options, cwd=tests_of_a_user, SEGFORGE=SEGFORGE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_sample_of_jest_passes(tests_of_a_user: Path) -> None:
    options = [
        "--rootDir",
        "jest",
        "--watchman=false",
        "--runInBand",
        "--cacheDirectory",
        str(tests_of_a_user / "cache"),
    ]
    done = node(tool("jest", "jest"), *options, cwd=tests_of_a_user, SEGFORGE=SEGFORGE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stderr


def test_each_method_works(tests_of_a_user: Path) -> None:
    done = node("--test", "--test-reporter=tap", "launcher.test.mjs", cwd=tests_of_a_user, SEGFORGE=SEGFORGE)
    assert done.returncode == 0, done.stdout
    assert "# fail 0" in done.stdout


def test_it_has_the_methods_of_the_fixture(tests_of_a_user: Path) -> None:
    code = "console.log(JSON.stringify(Object.getOwnPropertyNames(require('segforge-mock').Mock.prototype)))"
    done = node("--eval", code, cwd=tests_of_a_user)
    methods = {re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name) for name in json.loads(done.stdout)}
    fixture = {name for name, _ in inspect.getmembers(Mock) if not name.startswith("_")}
    assert fixture - methods == {"app", "clock", "key", "start", "tenant", "url"}
    assert methods - fixture == {"constructor", "set_credits"}
    assert {name for name in vars(Clock) if not name.startswith("_")} == {"now", "advance"}


def test_its_options_are_those_of_the_command_line() -> None:
    source = (LAUNCHER / "src" / "launch.ts").read_text("utf-8")
    [body] = re.findall(r"interface MockOptions \{(.*?)^\}", source, re.DOTALL | re.MULTILINE)
    stated = {
        re.sub(r"[A-Z]", lambda found: f"-{found[0].lower()}", name)
        for name in re.findall(r"^  (\w+)\?:", body, re.MULTILINE)
    }
    parser = argparse.ArgumentParser()
    configure(parser)
    known = {option.removeprefix("--") for action in parser._actions for option in action.option_strings}
    assert stated - known == {"command", "key", "set-environment", "start-timeout"}


def test_its_version_is_that_of_segforge() -> None:
    assert json.loads((LAUNCHER / "package.json").read_text("utf-8"))["version"] == VERSION


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("segforge", []),
        ("uvx", ["--from", f"segforge=={VERSION}", "segforge"]),
        ("pipx", ["run", "--spec", f"segforge=={VERSION}", "segforge"]),
    ],
)
def test_it_starts_what_is_installed(tests_of_a_user: Path, tmp_path: Path, program: str, arguments: list[str]) -> None:
    (tmp_path / program).write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/given\nshift {len(arguments)}\nexec {shlex.quote(SEGFORGE)} "$@"\n'
    )
    (tmp_path / program).chmod(0o755)
    (tmp_path / "node").symlink_to(shutil.which("node") or "")
    code = START % ("await mock.credits(); await mock.stop()", FAILED)
    environment = {**os.environ, "PATH": str(tmp_path)}
    environment.pop("SEGFORGE", None)
    command = [str(tmp_path / "node"), "--eval", code]
    subprocess.run(command, cwd=tests_of_a_user, env=environment, check=True, timeout=60)
    assert (tmp_path / "given").read_text().split() == [*arguments, "mock", "--stop-on-eof", "--port=0"]


def test_the_mock_ends_with_a_process_that_is_killed(tests_of_a_user: Path) -> None:
    code = START % ("console.log(mock.url); setInterval(() => {}, 1000)", FAILED)
    environment = {**os.environ, "SEGFORGE": SEGFORGE}
    with started(["node", "--eval", code], cwd=tests_of_a_user, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        url = httpx.URL(process.stdout.readline().strip())
        with socket.create_connection((url.host, url.port or 0), timeout=30) as connection:
            process.send_signal(signal.SIGKILL)
            assert connection.recv(1) == b""
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_mock_that_is_not_stopped_keeps_no_process_alive(tests_of_a_user: Path) -> None:
    done = node("--eval", START % ("await mock.credits()", FAILED), cwd=tests_of_a_user, SEGFORGE=SEGFORGE)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        ("{}", {"PATH": "/nowhere", "SEGFORGE": ""}, ["segforge, uvx, pipx", "pip install segforge==", "SEGFORGE"]),
        ("{}", {"SEGFORGE": "/bin/false"}, ["exit code 1", "before it listened"]),
        ("{profile: 'none'}", {"SEGFORGE": SEGFORGE}, ["exit code 2", "--profile", "documented, observed"]),
        ("{command: ['/bin/cat', '/dev/zero'], startTimeout: 300}", {}, ["exit code 1"]),
        ("{command: ['sh', '-c', 'exec sleep 60'], startTimeout: 50}", {}, ["0.05 s", "startTimeout"]),
    ],
)
def test_a_mock_that_does_not_start_says_why(
    tests_of_a_user: Path, options: str, environment: dict[str, str], words: list[str]
) -> None:
    code = START.replace("startMock()", f"startMock({options})") % ("await mock.stop()", FAILED)
    command = [shutil.which("node") or "", "--eval", code]
    settings = {**os.environ, **environment}
    done = subprocess.run(
        command, cwd=tests_of_a_user, env=settings, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert [word for word in words if word not in done.stderr] == []
    assert "    at " not in done.stderr


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_command_runs_segforge_mock(tests_of_a_user: Path, sent: signal.Signals) -> None:
    script = tests_of_a_user / "node_modules" / "segforge-mock" / "dist" / "bin.js"
    assert os.access(script, os.X_OK)
    environment = {**os.environ, "SEGFORGE": SEGFORGE}
    with started([script, "--port", "0"], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        [url] = re.findall(r"http://\S+", process.stdout.readline())
        assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
        process.send_signal(sent)
        assert process.wait(10) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_the_mock_ends_with_npx(tests_of_a_user: Path) -> None:
    programs = tests_of_a_user / "node_modules" / ".bin"
    programs.mkdir(exist_ok=True)
    (programs / "segforge-mock").symlink_to("../segforge-mock/dist/bin.js")
    command = ["npx", "--no-install", "segforge-mock", "--port", "0"]
    environment = {**os.environ, "SEGFORGE": SEGFORGE}
    with started(command, cwd=tests_of_a_user, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        [found] = re.findall(r"http://\S+", process.stdout.readline())
        url = httpx.URL(found)
        with socket.create_connection((url.host, url.port or 0), timeout=30) as connection:
            process.terminate()
            assert connection.recv(1) == b""


def test_misuse_of_the_command_has_the_exit_code_of_segforge(tests_of_a_user: Path) -> None:
    script = tests_of_a_user / "node_modules" / "segforge-mock" / "dist" / "bin.js"
    misuse = node(str(script), "--no-such", cwd=tests_of_a_user, SEGFORGE=SEGFORGE)
    assert (misuse.returncode, "--no-such" in misuse.stderr) == (2, True)


def test_its_types_need_no_others(tests_of_a_user: Path) -> None:
    (tests_of_a_user / "use.mts").write_text(
        "import { type Mock, type RecordedJob, startMock } from 'segforge-mock';\n"
        "const mock: Mock = await startMock({ timeScale: 0, rateLimit: 'free', media: 'tiny' });\n"
        "const jobs: RecordedJob[] = await mock.jobs();\n"
        "await mock.latency(0.2, 'lognormal', { route: 'submit' });\n"
        "// @ts-expect-error: no such distribution\n"
        "await mock.latency(0.2, 'normal');\n"
        "// @ts-expect-error: no such option\n"
        "await startMock({ noSuch: jobs });\n"
    )
    options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--module", "nodenext", "--target", "es2022"]
    done = node(tool("typescript", "tsc"), *options, "--typeRoots", "none", "use.mts", cwd=tests_of_a_user)
    assert done.returncode == 0, done.stdout
