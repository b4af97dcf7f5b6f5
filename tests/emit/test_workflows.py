"""The Arazzo document: Redocly CLI accepts it, and runs its workflows against the mock."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from segforge import Catalog
from segforge.emit.artifact import Generated
from segforge.emit.manifest import write
from segforge.emit.pipeline import emit
from segforge.spec.identifiers import pascal_case
from segforge_mock import Mock
from tests.emit.made_up import made_up_models
from tests.shared import read_yaml
from tests.typescript.conftest import node, tool

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tests" / "interop"
NAME = "segmind.arazzo.yaml"
COMMITTED = ROOT / "generated" / "openapi" / NAME


@pytest.fixture(scope="module")
def documents(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documents of the seeds alone, which tools read in a second."""
    folder = tmp_path_factory.mktemp("workflows")
    write(folder, Generated(list(emit(catalog, ["openapi"]))), ["openapi"])
    return folder / "openapi"


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with Mock(time_scale=0, images="tiny") as mock:
        yield mock


def respect(documents: Path, mock: Mock) -> "subprocess.CompletedProcess[str]":
    """Runs the command of docs/tools.md, with the key and the address of the mock."""
    [block] = re.findall(r"```sh\n(redocly respect .*?)```", (ROOT / "docs" / "tools.md").read_text("utf-8"), re.DOTALL)
    _, *command = shlex.split(block.replace("\\\n", "").replace("YOUR_API_KEY", mock.key))
    server = ["--server", f"segmind={mock.url}", "--verbose"]
    return node(tool("@redocly/cli", "redocly"), *command, *server, cwd=documents)


def test_redocly_accepts_the_document(catalog: Catalog, tmp_path: Path) -> None:
    made = replace(catalog, models=made_up_models(), gateway=replace(catalog.gateway, sample=None))
    write(tmp_path, Generated(list(emit(made, ["openapi"]))), ["openapi"])
    made_up = tmp_path / "openapi" / NAME
    done = node(tool("@redocly/cli", "redocly"), "lint", "--format", "stylish", str(COMMITTED), str(made_up), cwd=TOOLS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout


def test_each_model_with_jobs_has_a_workflow_and_its_operations_exist(whole_catalog: Catalog) -> None:
    workflows = read_yaml(COMMITTED.read_text("utf-8"))["workflows"]
    named = {f"job{pascal_case(model.slug)}" for model in whole_catalog.models if "v2" in model.versions}
    assert {workflow["workflowId"] for workflow in workflows} == named | {"followJob"}
    paths = json.loads((COMMITTED.parent / "segmind.json").read_text("utf-8"))["paths"]
    operations = {operation["operationId"] for item in paths.values() for operation in item.values()}
    steps = [step for workflow in workflows for step in workflow["steps"]]
    used = {step["operationId"].rpartition(".")[2] for step in steps if "operationId" in step}
    assert used <= operations
    assert {step["workflowId"] for step in steps if "workflowId" in step} == {"followJob"}


def test_a_workflow_submits_once_polls_and_fetches(documents: Path, mock: Mock) -> None:
    done = respect(documents, mock)
    assert done.returncode == 0, done.stdout + done.stderr
    assert mock.key not in done.stdout + done.stderr
    assert [one.route for one in mock.requests] == ["submit", "status", "result"]
    assert mock.requests[0].json["prompt"] == "anime style"


def test_a_failed_job_ends_its_workflow_without_another_submit(documents: Path, mock: Mock) -> None:
    mock.reset()
    mock.stub("submit", times=1, effect={"error": "blocked", "policy": "polls=2"})
    done = respect(documents, mock)
    assert done.returncode == 1, done.stdout
    assert [(one.route, one.status) for one in mock.requests] == [("submit", 200), ("status", 200), ("status", 422)]
