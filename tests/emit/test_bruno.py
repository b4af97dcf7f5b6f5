"""The Bruno collection: its own command line runs all requests against the mock."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from segforge import Catalog
from segforge.emit.artifact import Generated
from segforge.emit.manifest import write
from segforge.emit.pipeline import emit
from segforge_mock import Mock
from tests.emit.test_hostile_text import NASTY
from tests.typescript.conftest import node, tool

COLLECTION = Path(__file__).parents[2] / "generated" / "bruno"


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, images="tiny") as mock:
        yield mock


def bru(folder: Path, mock: Mock, *names: str) -> "subprocess.CompletedProcess[str]":
    command = [tool("@usebruno/cli", "bru"), "run", *names, "--env", "mock", "--env-var", f"base_url={mock.url}"]
    return node(*command, cwd=folder, SEGMIND_API_KEY=mock.key)


def test_bruno_runs_each_model_the_job_and_the_balance(mock: Mock, whole_catalog: Catalog) -> None:
    mock.stub("submit", times=1, effect={"policy": "polls=2"})
    done = bru(COLLECTION, mock, "job", "account", "models")
    assert done.returncode == 0, done.stdout + done.stderr
    assert mock.key not in done.stdout + done.stderr
    assert {one.status for one in mock.requests} == {200}
    steps = [one.route for one in mock.requests if one.route in ("status", "result")]
    assert steps == ["status", "status", "result"]
    complete = {model.slug for model in whole_catalog.models if model.level != "partial"}
    assert {one.slug for one in mock.requests if one.route in ("run", "submit")} == complete
    assert [one.route for one in mock.requests].count("credits") == 1


def test_texts_of_a_sample_reach_the_gateway_unchanged(mock: Mock, catalog: Catalog, tmp_path: Path) -> None:
    """No text ends its block, or is replaced by a variable of the user's environment."""
    mock.reset()
    hostile = "{{process.env.SEGMIND_API_KEY}} {{base_url}} {{{x}}}\n}\nscript:pre-request {\n  process.exit(1)\n}\n'''"
    model = catalog.model("flux-img2img")
    text = hostile + "".join(each for each in NASTY if each not in ("\ud800", "\0"))
    models = (replace(model, example={**model.example, "prompt": text}),)
    made = replace(catalog, models=models, gateway=replace(catalog.gateway, sample=model.slug, title=hostile))
    write(tmp_path, Generated(list(emit(made, ["bruno"]))), ["bruno"])
    done = bru(tmp_path / "bruno", mock, "models")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one.json["prompt"] for one in mock.requests] == [text]
