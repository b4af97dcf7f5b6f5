"""`pip install .` into a fresh environment, away from the checkout, gives commands that work."""

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]
KEY = "SG_0123456789abcdef"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that segforge is installed in."""
    folder = tmp_path_factory.mktemp("install")
    venv.create(folder / "venv", with_pip=True)
    bin_ = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    constraints = ROOT / "constraints.txt"
    command: list[str | Path] = [bin_ / "pip", "install", "--quiet", "--constraint", constraints, str(ROOT)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return bin_


def test_lint_mock_and_contract_work(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "SEGMIND_API_KEY": KEY}
    lint = subprocess.run([installed / "segforge", "lint"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (lint.returncode, "5 models, 0 errors, 1 warning" in lint.stdout) == (0, True)
    command: list[str | Path] = [installed / "segforge", "mock", "--port", "0", "--time-scale", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        [url] = re.findall(r"http://\S+", process.stdout.readline())
        assert httpx.get(f"{url}/v1/get-user-credits", headers={"x-api-key": KEY}).status_code == 200
        contract: list[str | Path] = [installed / "segforge", "contract", "--target", url, "--max-examples", "2"]
        contract += ["--html", "report.html"]
        result = subprocess.run(contract, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        suite: list[str | Path] = [installed / "pytest", "--segforge-target", url, "--pyargs", "segforge_contract"]
        suite += ["-q", "-k", "gateway or flux-img2img"]
        tested = subprocess.run(suite, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        process.terminate()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "All rules held" in (tmp_path / "report.html").read_text("utf-8")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert re.search(r"\b[0-9]{2,} passed", tested.stdout)


def test_somebodys_own_specs_are_served(installed: Path, tmp_path: Path) -> None:
    specs = tmp_path / "specs"
    (specs / "models").mkdir(parents=True)
    (specs / "gateway.yaml").write_bytes((ROOT / "specs/gateway.yaml").read_bytes())
    text = (ROOT / "specs/models/style-transfer.yaml").read_text("utf-8").replace("style-transfer", "own-model", 1)
    (specs / "models" / "own-model.yaml").write_text(text.replace("slug: style-transfer", "slug: own-model"), "utf-8")
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command: list[str | Path] = [installed / "segforge", "mock", "--port", "0", "--specs", str(specs)]
    for _ in range(2):  # emitted the first time, found in the cache the second
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            [url] = re.findall(r"http://\S+", process.stdout.readline())
            assert httpx.post(f"{url}/v2/own-model", headers={"x-api-key": KEY}).status_code == 406
            process.terminate()
    assert len(list((tmp_path / "cache" / "segforge" / "mock").iterdir())) == 1
