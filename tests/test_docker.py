"""The Dockerfile, the compose file and the recipes for Testcontainers: linted and read.

`make container-proof` carries them out, and so does a real engine in the workflow ci.yml.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from segforge.cli import main as segforge
from tests.harness.container import instructions

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


def test_the_image_serves_as_another_user_and_is_asked_for_its_health() -> None:
    last = "FROM" + (ROOT / "Dockerfile").read_text("utf-8").rpartition("FROM")[2]
    found = dict(instructions(last))
    assert found["USER"] == "65534:65534"
    assert f":{found['EXPOSE']}/healthz" in found["HEALTHCHECK"]
    assert f'"--port", "{found["EXPOSE"]}"' in found["ENTRYPOINT"]


def test_the_recipes_use_the_port_and_the_health_check_of_the_image(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/how-to/containers.md").read_text("utf-8")
    recipes = dict(re.findall(r"```(python|typescript)\n(.*?)```", page, re.DOTALL))
    ast.parse(recipes["python"])
    with pytest.raises(SystemExit):
        segforge(["mock", "--help"])
    options = capsys.readouterr().out
    for recipe in recipes.values():
        assert re.search(r"health_?check", recipe, re.IGNORECASE)
        assert set(re.findall(r"\b80[0-9]+\b", recipe)) == {"8086"}
        assert all(option in options for option in re.findall(r"--[a-z-]+", recipe))
