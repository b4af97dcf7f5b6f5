"""The average cost in the directory affects the clients' limit, the mock's charges and the plan of a campaign."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from segforge import load_catalog
from segforge.cli import main
from segforge.spec.catalog import Model
from tests.seeds import copy_seeds
from tests.typescript.conftest import build, mock_process, node

SLUG, OTHER = "flux-img2img", "style-transfer"
KEY = "SG_0123456789abcdef"


@pytest.fixture
def dear(specs: Path) -> Model:
    """A model that costs half a credit on average, and at most."""
    copy_seeds(specs.parent / "dear", {SLUG: Decimal("0.5"), OTHER: Decimal(0)})
    for name in ("directory.yaml", "gateway.yaml"):
        shutil.copy(specs.parent / "dear" / name, specs / name)
    return load_catalog(specs).model(SLUG)


@pytest.fixture
def generated(dear: Model, specs: Path) -> Path:  # noqa: ARG001 - which changes the specs
    """The files generated from these specs."""
    out = specs.parent / "generated"
    assert main(["generate", "--specs", str(specs), "--out", str(out), "--only", "python", "typescript"]) == 0
    return out


@pytest.fixture
def mock_url(dear: Model, specs: Path) -> Iterator[str]:  # noqa: ARG001 - which changes the specs
    """The URL of a mock of these specs, in a process of its own."""
    with mock_process("--specs", str(specs)) as url:
        yield url


def test_python(dear: Model, generated: Path, mock_url: str) -> None:
    code = f"""
from segmind_client import Segmind, SpendLimit
params = {dict(dear.valid_example)!r}
with Segmind("{KEY}", base_url="{mock_url}", max_spend=0.4) as poor:
    assert poor.flux_img2img.estimate(**params).credits_high == 0.5
    assert poor.style_transfer.estimate().credits_high == 0
    for call in (poor.flux_img2img.run, poor.flux_img2img.submit):
        try:
            call(**params)
        except SpendLimit as error:
            assert "may cost 0.5" in str(error)
        else:
            raise AssertionError("sent beyond the limit")
    assert poor.spend.calls == poor.spend.unknown == 0
with Segmind("{KEY}", base_url="{mock_url}", max_spend=1.2) as client:
    assert client.flux_img2img.run(**params).cost == 0.5
    assert client.flux_img2img.submit(**params).wait().metrics["cost"] == 0.5
    assert "0.5 USD" in type(client.flux_img2img).__doc__
    print(client.spend.credits)
"""
    path = f"{generated / 'python'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "1.0\n", ""), run.stderr


def test_typescript(dear: Model, generated: Path, mock_url: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    build(project, generated / "typescript", kinds=["esm"])
    code = f"""
import assert from "node:assert/strict";
import {{ Segmind, SpendLimit }} from "segmind-client";
const params = {json.dumps(dict(dear.valid_example))};
const options = {{ apiKey: "{KEY}", baseUrl: "{mock_url}" }};
const poor = new Segmind({{ ...options, maxSpend: 0.4 }});
await assert.rejects(poor.fluxImg2img.run(params), SpendLimit);
await assert.rejects(poor.fluxImg2img.submit(params), SpendLimit);
assert.equal(poor.spend.calls + poor.spend.unknown, 0);
const client = new Segmind({{ ...options, maxSpend: 1.2 }});
assert.equal((await client.fluxImg2img.run(params)).cost, 0.5);
assert.equal((await (await client.fluxImg2img.submit(params)).wait()).metrics.cost, 0.5);
console.log(client.spend.credits);
"""
    (project / "cost.mjs").write_text(code, "utf-8")
    run = node("cost.mjs", cwd=project)
    assert (run.returncode, run.stdout, run.stderr) == (0, "1\n", "")


@pytest.mark.usefixtures("dear")
def test_a_plan(specs: Path, mock_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["contract", "--target", mock_url, "--specs", str(specs), "--models", SLUG, "--plan"]
    assert main([*command, "--max-spend", "2"]) == 0
    assert f"{SLUG} 0.5" in capsys.readouterr().out
    assert main([*command, "--max-spend", "0.3"]) == 2
    assert "doesn't cover one call of 0.5 credits" in capsys.readouterr().err
