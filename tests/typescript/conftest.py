"""The emitted package, built once per run in a folder where Node finds it, and a mock process."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.shared import started

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tests" / "interop" / "node_modules"
COMMITTED = ROOT / "generated" / "typescript"


def node(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs node, or the script of a tool, and returns the completed process."""
    return execute("node", *arguments, cwd=cwd, **environment)


def execute(*command: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command and returns the completed process."""
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def tool(package: str, name: str) -> str:
    """Returns the script of a tool installed in tests/interop."""
    manifest = TOOLS / package / "package.json"
    assert manifest.is_file(), f"no {package}; run: npm ci --prefix tests/interop"
    scripts = json.loads(manifest.read_text("utf-8"))["bin"]
    return str((TOOLS / package / (scripts if isinstance(scripts, str) else scripts[name])).resolve())


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that depends on the package like a user's. The workers of a run share it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "typescript-project"
    with (shared / "typescript-project.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            build(folder.with_suffix(".part"))
            folder.with_suffix(".part").rename(folder)
    return folder


def build(folder: Path, sources: Path = COMMITTED, kinds: Sequence[str] = ("esm", "cjs")) -> None:
    """Builds the kinds of modules like `npm run build`, with all compilations at once."""
    package = folder / "segmind-client"  # not in node_modules yet, where tsc would treat its sources as a dependency
    shutil.copytree(sources, package, ignore=shutil.ignore_patterns("dist", "node_modules"))
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    command = ["node", tool("typescript", "tsc"), "--pretty", "false", "--skipDefaultLibCheck", "-p"]
    running = [
        subprocess.Popen([*command, f"tsconfig.{kind}.json"], cwd=package, stdout=subprocess.PIPE, text=True)
        for kind in kinds
    ]
    for process in running:
        printed, _ = process.communicate()
        assert process.returncode == 0, printed
    if "cjs" in kinds:
        assert node("mark-cjs.mjs", cwd=package).returncode == 0
    (folder / "node_modules").mkdir()
    package.rename(folder / "node_modules" / "segmind-client")
    for installed in ("@types", "undici-types"):
        (folder / "node_modules" / installed).symlink_to(TOOLS / installed)


@pytest.fixture(scope="module")
def mock_url() -> Iterator[str]:
    """The URL of a mock process without delays."""
    with mock_process() as url:
        yield url


@contextmanager
def mock_process(*options: str) -> Iterator[str]:
    """Starts a mock without delays in a process of its own. Yields its URL."""
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", "--time-scale", "0", "--images", "tiny"]
    command += options
    with started(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()
        process.wait(10)
