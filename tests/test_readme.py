"""Every command and sample of the README works as printed."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from segforge_mock import Mock

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
SAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0) as mock:
        yield mock


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", *command]
    path = {"PATH": "/usr/bin:/bin", "SEGMIND_API_KEY": "SG_0123456789abcdef", **environment}
    return subprocess.run(arguments, cwd=ROOT, env=path, capture_output=True, text=True, check=False, timeout=300)


def test_every_command_of_the_readme_is_tested() -> None:
    assert COMMANDS == [
        "make demo",
        "make test",
        "segforge mock --port 8086",
        "segforge contract --target http://127.0.0.1:8086",
        "segforge lint",
        "segforge generate",
        "segforge generate --check",
    ]
    assert len(SAMPLES) == 2


@pytest.mark.parametrize("target", ["demo", "test", "help", "setup"])
def test_the_targets_exist(target: str) -> None:
    result = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_lint_and_generate_run() -> None:
    for command in COMMANDS:
        if command.startswith(("segforge lint", "segforge generate")):
            name, *arguments = command.split()
            result = run(f"{name}.cli", *arguments)
            assert result.returncode == 0, result.stderr


def test_the_contract_command_runs(mock: Mock) -> None:
    [command] = [command for command in COMMANDS if command.startswith("segforge contract")]
    arguments = command.replace("http://127.0.0.1:8086", mock.url).split()[1:]
    result = run("segforge.cli", *arguments, "--max-examples", "2", "--models", "style-transfer")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_client_sample_runs(mock: Mock, tmp_path: Path) -> None:
    sample = SAMPLES[0].replace("http://127.0.0.1:8086", mock.url)
    result = subprocess.run([sys.executable, "-c", sample], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "image.jpeg").read_bytes().startswith(b"\xff\xd8")


def test_the_pytest_sample_passes(tmp_path: Path) -> None:
    (tmp_path / "test_sample.py").write_text(SAMPLES[1], "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sample.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_a_new_model_takes_the_three_commands_of_the_transcript(tmp_path: Path) -> None:
    [transcript] = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for folder in ("specs", "generated"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    own = {"import": ["--out", "specs/models"], "generate": ["--specs", "specs"], "contract": ["--specs", "specs"]}
    for command, printed in re.findall(r"\$ segforge (.*)\n((?:[^$].*\n)+)", transcript):
        name, *arguments = command.replace("examples/", f"{ROOT}/examples/").split()
        full = [sys.executable, "-m", "segforge.cli", name, *arguments, *own[name]]
        result = subprocess.run(full, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
        assert result.returncode == 0, result.stderr
        expected = printed.splitlines()
        assert [*map(shape, result.stdout.splitlines()[-len(expected) :])] == [*map(shape, expected)]


def shape(text: str) -> str:
    """Returns a line of output with its numbers replaced."""
    return re.sub(r"[0-9][0-9.]*", "N", text)


def test_every_link_has_a_target() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    for page in (*pages, *(ROOT / "generated").glob("*/*.md")):
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page}: {link}"


def test_every_file_of_a_recipe_in_contributing_exists() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \|", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 30
    for row in rows:
        first, *others = re.findall(r"`([^`]+)`", row)
        for path in (ROOT / first, *((ROOT / first).parent / other for other in others)):
            assert path.exists(), path
