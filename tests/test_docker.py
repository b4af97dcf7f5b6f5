"""The Dockerfile and the compose file. CI has no Docker engine, so they are linted and read, not built."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from segforge.cli import main as segforge

ROOT = Path(__file__).parents[1]


def test_hadolint_reports_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    result = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


def test_everything_that_is_copied_exists_and_reaches_the_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in ignored


def test_the_options_of_the_images_exist(capsys: pytest.CaptureFixture[str]) -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    with pytest.raises(SystemExit):
        segforge(["mock", "--help"])
    text = capsys.readouterr().out
    for option in (word for word in [*compose["services"]["mock"]["command"], "--host", "--port"] if word[:2] == "--"):
        assert option in text
