"""Every command and sample of the README works as printed."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from segforge_mock import Mock
from tests.shared import started

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]


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
        "make docs",
        "segforge mock --port 8086",
        "segforge contract --target http://127.0.0.1:8086",
        "segforge generate",
    ]
    assert README.count("\n") <= 50, "the README is one screen"


@pytest.mark.parametrize("target", ["demo", "docs", "test", "help", "setup"])
def test_the_targets_exist(target: str) -> None:
    result = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_mock_starts() -> None:
    with started([sys.executable, "-m", "segforge.cli", "mock", "--port", "0"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("segforge mock: http://127.0.0.1:")


def test_generate_runs() -> None:
    assert run("segforge.cli", "generate").returncode == 0


def test_the_contract_command_runs(mock: Mock) -> None:
    [command] = [command for command in COMMANDS if command.startswith("segforge contract")]
    arguments = command.replace("http://127.0.0.1:8086", mock.url).split()[1:]
    result = run("segforge.cli", *arguments, "--max-examples", "2", "--models", "style-transfer")
    assert result.returncode == 0, result.stdout + result.stderr


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
