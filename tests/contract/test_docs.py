"""docs/contract.md documents every option, and its samples work."""

import argparse
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from segforge_contract.cli.contract import COMMANDS, configure
from segforge_contract.pytest_plugin import pytest_addoption

PAGE = (Path(__file__).parents[2] / "docs" / "contract.md").read_text("utf-8")


def test_every_option_of_the_command_is_documented() -> None:
    parser = argparse.ArgumentParser()
    configure(parser)
    options = [action.option_strings[-1] for action in parser._actions if action.dest != "help"]
    assert [option for option in options if f"`{option}" not in PAGE] == []


def test_every_option_of_the_plugin_is_documented() -> None:
    parser = pytest.Parser(_ispytest=True)
    pytest_addoption(parser)
    options = [name for option in parser.getgroup("segforge").options for name in option.names()]
    assert "--segforge-target" in options
    assert [option for option in options if option not in PAGE] == []


def test_every_documented_option_exists() -> None:
    known = {"--pyargs"}
    for configured in (configure, *(import_module(command.module).configure for command in COMMANDS.values())):
        parser = argparse.ArgumentParser()
        configured(parser)
        known |= {name for action in parser._actions for name in action.option_strings}
    documented = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", PAGE))
    assert {option for option in documented if not option.startswith("--segforge-")} - known == set()


def test_the_sample_of_the_fixture_passes(tmp_path: Path) -> None:
    _, sample = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "test_sample.py").write_text(sample, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
