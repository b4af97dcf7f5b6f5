"""The workflow that users copy: GitHub takes it, it may do little, and its command is one that segforge has."""

import argparse
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from segforge_contract.command import configure

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "docs" / "contract-workflow.yaml"


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    return document


@pytest.fixture(scope="module")
def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    [job] = workflow["jobs"].values()
    return list(job["steps"])


@pytest.mark.parametrize("file", [WORKFLOW, *(ROOT / ".github" / "workflows").iterdir()], ids=lambda file: file.name)
def test_github_takes_it(file: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_runs_by_schedule_and_by_hand_and_may_only_read(workflow: dict[Any, Any]) -> None:
    assert workflow[True].keys() == {"schedule", "workflow_dispatch"}  # YAML 1.1 reads the key `on` as true
    assert workflow["permissions"] == {"contents": "read"}


def test_the_key_comes_from_the_secrets_and_reaches_one_step(steps: list[dict[str, Any]]) -> None:
    assert WORKFLOW.read_text("utf-8").count("secrets.") == 1
    [step] = [step for step in steps if "SEGMIND_API_KEY" in step.get("env", {})]
    assert step["env"]["SEGMIND_API_KEY"] == "${{ secrets.SEGMIND_API_KEY }}"
    # An expression in a script is pasted into it as text; a variable is not.
    assert not any("${{" in step.get("run", "") for step in steps)


def test_its_command_is_understood_and_free_unless_told_otherwise(steps: list[dict[str, Any]]) -> None:
    [step] = [step for step in steps if "segforge contract" in step.get("run", "")]
    assert "|| '0'" in step["env"]["MAX_SPEND"]
    [line] = re.findall(r"^segforge contract (.*)$", step["run"].replace("\\\n", ""), re.MULTILINE)
    parser = argparse.ArgumentParser(exit_on_error=False)
    configure(parser)
    args = parser.parse_args(shlex.split(line.replace("$MAX_SPEND", "0")))
    assert (args.target, args.max_spend, args.yes) == ("live", "0", True)
    [upload] = [step for step in steps if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert {file.parent.name for file in (args.junit, args.html, args.json, args.record)} == {upload["with"]["path"]}


def test_what_failed_is_kept_though_the_job_fails(steps: list[dict[str, Any]]) -> None:
    after = steps[1 + next(index for index, step in enumerate(steps) if "segforge contract" in step.get("run", "")) :]
    assert [step["uses"].partition("@")[0] for step in after] == ["actions/cache/save", "actions/upload-artifact"]
    assert {step["if"] for step in after} == {"${{ !cancelled() }}"}
    [restored] = [step for step in steps if step.get("uses", "").startswith("actions/cache/restore@")]
    assert restored["with"]["key"] == after[0]["with"]["key"]
