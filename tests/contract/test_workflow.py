"""The workflow for users: what it runs, how the key reaches it, and what it keeps. tests/workflows/ tests its form."""

import argparse
import re
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from segforge_contract.cli.contract import configure

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


def test_it_runs_by_schedule_and_by_hand_and_may_only_read(workflow: dict[Any, Any]) -> None:
    assert workflow[True].keys() == {"schedule", "workflow_dispatch"}  # YAML 1.1 reads the key `on` as true
    assert workflow["permissions"] == {"contents": "read"}


def test_the_key_comes_from_the_secrets_and_reaches_one_step(steps: list[dict[str, Any]]) -> None:
    assert WORKFLOW.read_text("utf-8").count("secrets.") == 1
    [step] = [step for step in steps if "SEGMIND_API_KEY" in step.get("env", {})]
    assert step["env"]["SEGMIND_API_KEY"] == "${{ secrets.SEGMIND_API_KEY }}"
    # GitHub pastes an expression into a script as text; a variable is safe.
    assert not any("${{" in step.get("run", "") for step in steps)


def test_command_parses_and_is_free_by_default(steps: list[dict[str, Any]]) -> None:
    [step] = [step for step in steps if "segforge contract" in step.get("run", "")]
    assert "|| '0'" in step["env"]["MAX_SPEND"]
    [line] = re.findall(r"^segforge contract (.*)$", step["run"].replace("\\\n", ""), re.MULTILINE)
    parser = argparse.ArgumentParser(exit_on_error=False)
    configure(parser)
    args = parser.parse_args(shlex.split(line.replace("$MAX_SPEND", "0")))
    assert (args.target, args.max_spend, args.yes) == ("live", Decimal(0), True)
    [upload] = [step for step in steps if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert {file.parent.name for file in (args.junit, args.html, args.json, args.record)} == {upload["with"]["path"]}


def test_failures_are_uploaded_even_if_the_job_fails(steps: list[dict[str, Any]]) -> None:
    after = steps[1 + next(index for index, step in enumerate(steps) if "segforge contract" in step.get("run", "")) :]
    assert [step["uses"].partition("@")[0] for step in after] == ["actions/cache/save", "actions/upload-artifact"]
    assert {step["if"] for step in after} == {"${{ !cancelled() }}"}
    [restored] = [step for step in steps if step.get("uses", "").startswith("actions/cache/restore@")]
    assert restored["with"]["key"] == after[0]["with"]["key"]
