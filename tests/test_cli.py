"""The command line: help, misuse, pipes, and lazy imports."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from segforge.cli import COMMANDS, main


def run(*arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "segforge.cli"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_help_lists_every_command() -> None:
    for arguments in (["--help"], ["-h"], []):
        result = run(*arguments)
        assert result.returncode == 0
        assert all(name in result.stdout for name in COMMANDS)


def test_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"segforge {version('segforge')}\n"
    with pytest.raises(SystemExit):
        main([])
    assert "--version" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([name, "--help"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: segforge {name}")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["lint", "--nonsense"], ["--nonsense"], ["generate", "--spec", "x"]]
)
def test_misuse_is_exit_2_and_one_message(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("usage: segforge")


def test_help_imports_no_library() -> None:
    code = """
import sys
from segforge.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
heavy = {"yaml", "jinja2", "jsonschema", "httpx", "rich", "hypothesis", "msgspec", "uvicorn", "PIL"}
heavy.add("importlib.metadata")
sys.exit(", ".join(heavy & set(sys.modules)) or 0)
"""
    result = run(code=code)
    assert (result.returncode, result.stderr) == (0, "")


def test_piped_output_is_plain_and_a_closed_pipe_is_handled() -> None:
    result = run("lint")
    assert "\x1b" not in result.stdout
    command = f"{sys.executable} -m segforge.cli mock --list-scenarios | head -1"
    piped = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in piped.stderr


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("lint > /dev/full", 2, "segforge lint: [Errno 28] No space left on device"),
        ("lint >&-", 0, ""),
        ("generate --only bruno --check >&-", 0, ""),
        ("generate --only bruno --check > /dev/full", 2, "segforge generate: [Errno 28] No space left on device"),
        ("generate --only bruno --check > /dev/full 2>&1", 2, ""),
        ("lint --specs ''", 2, "an argument is empty"),
        ("lint --specs=", 2, "--specs= is empty"),
        ("generate --jobs 0", 2, "--jobs: expected a whole number from 1, found '0'"),
        ("generate --out /dev/null", 2, "/dev/null is not a folder"),
        ("fetch --timeout -1 https://example.com", 2, "found '-1'"),
    ],
)
def test_shell_mistakes_end_in_one_message(command: str, code: int, message: str) -> None:
    shell = f"{sys.executable} -m segforge.cli {command}"
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert message in done.stderr


def test_output_for_a_locale_without_unicode_is_escaped(tmp_path: Path) -> None:
    page = tmp_path / "h\u00e9.txt"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "segforge.cli", "page", str(page)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "h\\xe9.txt" in done.stderr
