"""`pip install .` into an environment that is not ours: other pins stay, the mock works, and extras install by name."""

import json
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import httpx
import pytest

from segforge.cli import COMMANDS
from tests.shared import once, started

ROOT = Path(__file__).parents[1]
KEY = "SG_0123456789abcdef"
OTHERS = {"ruff": "0.17.4"}
"""What the environment pins: other versions than those that `segforge generate` needs."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def python_in(folder: Path) -> Path:
    return folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def install(environment: Path, *arguments: str) -> None:
    """Install packages at the versions of constraints.txt, except those of OTHERS. The environment has no pip."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    constraints = environment / "constraints.txt"
    constraints.write_text("\n".join(line for line in lines if line.partition("==")[0] not in OTHERS), "utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(python_in(environment)), "install", "--quiet", "--no-compile"]
    command = [*pip, "--constraint", str(constraints), *arguments]
    result = subprocess.run(command, cwd=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def make_base(folder: Path) -> None:
    venv.create(folder)
    install(folder, "--no-deps", *(f"{name}=={version}" for name, version in OTHERS.items()))
    install(folder, "pytest", str(ROOT))


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with pins of its own, pytest, and segforge without an extra."""
    return python_in(once(tmp_path_factory, "base-install", make_base))


@pytest.fixture(scope="session")
def with_contract(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment on top of `base`, into which the command of the message installed [contract]."""

    def make(folder: Path) -> None:
        venv.create(folder)
        [above], [below] = (list(each.glob("**/site-packages")) for each in (folder, base.parents[1]))
        (above / "below.pth").write_text(str(below), "utf-8")
        install(folder, "segforge[contract]")

    return python_in(once(tmp_path_factory, "contract-install", make))


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SEGMIND_API_KEY": KEY}
    command: list[str | Path] = [python, "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_other_pins_stay_and_the_fixture_works(base: Path, tmp_path: Path) -> None:
    (tmp_path / "test_user.py").write_text(
        "import importlib.metadata, os, httpx\n"
        "def test_user(segmind_mock):\n"
        f"    for name, version in {OTHERS}.items():\n"
        "        assert importlib.metadata.version(name) == version\n"
        "    headers = {'x-api-key': os.environ['SEGMIND_API_KEY']}\n"
        "    url = os.environ['SEGMIND_BASE_URL'].removesuffix('/v1')\n"
        "    assert httpx.get(f'{url}/v1/get-user-credits', headers=headers).status_code == 200\n",
        "utf-8",
    )
    result = run(base, tmp_path, "pytest", "-q", "test_user.py")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 passed" in result.stdout


def test_the_mock_serves_curated_specs_and_the_user_s_own(base: Path, tmp_path: Path) -> None:
    lint = run(base, tmp_path, "segforge.cli", "lint")
    assert (lint.returncode, ", 0 errors, " in lint.stdout) == (0, True), lint.stderr
    specs = tmp_path / "specs"
    (specs / "models").mkdir(parents=True)
    (specs / "gateway.yaml").write_bytes((ROOT / "specs/gateway.yaml").read_bytes())
    text = (ROOT / "specs/models/style-transfer.yaml").read_text("utf-8")
    (specs / "models" / "own-model.yaml").write_text(text.replace("slug: style-transfer", "slug: own-model"), "utf-8")
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    own = ["--specs", str(specs)]
    for slug, options in (("style-transfer", []), ("own-model", own), ("own-model", own)):  # once made, once cached
        command: list[str | Path] = [base.with_name("segforge"), "mock", "--port", "0", *options]
        with started(command, cwd=tmp_path, stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            [url] = re.findall(r"http://\S+", process.stdout.readline())
            assert httpx.post(f"{url}/v2/{slug}", headers={"x-api-key": KEY}).status_code == 406
            for file in ("", "console/app.js", "console/vendor/preact.js"):
                assert httpx.get(f"{url}/_mock/{file}").status_code == 200
            process.terminate()


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.extra])
def test_a_command_without_its_extra_says_how_to_get_it(base: Path, tmp_path: Path, name: str) -> None:
    result = run(base, tmp_path, "segforge.cli", name, "--help")
    assert (result.returncode, result.stdout) == (2, "")
    assert f"`segforge {name}`" in result.stderr
    assert f"pip install 'segforge[{COMMANDS[name].extra}]'" in result.stderr
    assert result.stderr.count("\n") == 1


def test_generate_without_its_extra_says_which_versions_it_needs(base: Path, tmp_path: Path) -> None:
    options = ["--specs", str(ROOT / "specs"), "--out", "out", "--no-cache"]
    result = run(base, tmp_path, "segforge.cli", "generate", *options)
    assert (result.returncode, result.stdout) == (2, "")
    assert "`segforge generate`" in result.stderr
    assert "pip install 'segforge[generate]'" in result.stderr
    assert result.stderr.count("\n") == 1
    for other, version in OTHERS.items():
        [needed] = re.findall(rf"{other}==([\w.]+)", "\n".join(EXTRAS["generate"]))
        assert f"{other} is {version} instead of {needed}" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments", [["--segforge-target", "http://127.0.0.1:1"], ["--pyargs", "segforge_contract"], ["test_user.py"]]
)
def test_pytest_without_the_extra_says_how_to_get_it(base: Path, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "test_user.py").write_text("def test_user(segforge_contract):\n    pass\n", "utf-8")
    result = run(base, tmp_path, "pytest", "-q", *arguments)
    output = result.stdout + result.stderr
    assert result.returncode in (2, 4), output
    assert "pip install 'segforge[contract]'" in output
    assert "Traceback" not in output


def test_the_contract_works_once_its_extra_is_installed(with_contract: Path, tmp_path: Path) -> None:
    mock = ["segforge.cli", "mock", "--port", "0", "--time-scale", "0", "--images", "plain"]
    command: list[str | Path] = [with_contract, "-m", *mock]
    with started(command, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        [url] = re.findall(r"http://\S+", process.stdout.readline())
        target = ["contract", "--target", url, "--max-examples", "2", "--models", "style-transfer"]
        result = run(with_contract, tmp_path, "segforge.cli", *target, "--html", "report.html", "--json", "report.json")
        suite = ["--segforge-target", url, "--pyargs", "segforge_contract", "-q", "-k", "gateway or style-transfer-run"]
        tested = run(with_contract, tmp_path, "pytest", *suite)
        process.terminate()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "<html" in (tmp_path / "report.html").read_text("utf-8")
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["failures"] == []
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert re.search(r"\b[0-9]{2,} passed", tested.stdout)


def test_the_base_install_is_small_and_pins_nothing() -> None:
    base = PROJECT["dependencies"]
    assert len(base) <= 12
    assert not [requirement for requirement in base if "==" in requirement]
    for name in OTHERS:
        assert [extra for extra, needed in EXTRAS.items() if any(each.startswith(name) for each in needed)] == [
            "generate"
        ]


def test_the_lowest_versions_are_those_that_are_tested() -> None:
    parts = [PROJECT["dependencies"], *(EXTRAS[extra] for extra in ("contract", "generate", "media", "pages", "redis"))]
    bounds = {re.sub(r"\[.*?\]|[;,].*", "", each) for part in parts for each in part}
    lines = (ROOT / "constraints-lowest.txt").read_text("utf-8").splitlines()
    assert {line for line in lines if line and not line.startswith("#")} == {
        each.replace(">=", "==") for each in bounds
    }
