"""The workflow for users: it is valid, has few permissions, and runs a command that segforge has."""

import argparse
import re
import shlex
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from segforge_contract.cli.contract import configure

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "docs" / "contract-workflow.yaml"
WORKFLOWS = [WORKFLOW, *sorted((ROOT / ".github" / "workflows").iterdir())]


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    return document


@pytest.fixture(scope="module")
def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    [job] = workflow["jobs"].values()
    return list(job["steps"])


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflow_is_valid(file: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflow_has_few_permissions(file: Path) -> None:
    text = file.read_text("utf-8")
    document = yaml.safe_load(text)
    assert document["permissions"] in ({}, {"contents": "read"})
    for name, job in document["jobs"].items():
        used = [step.get("uses", "") for step in job["steps"]]
        if "write" in job.get("permissions", {}).values():
            # It runs only git and gh: no code of the project, of its dependencies or of a page.
            assert not [action for action in used if "setup-" in action or "cache" in action], name
            assert not any(
                re.search(r"\b(make|pip|python|segforge|npm|npx)\b", step.get("run", "")) for step in job["steps"]
            )
        for step in job["steps"]:
            # GitHub pastes an expression into a script as text; a variable is safe.
            assert "${{" not in step.get("run", ""), step
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
    for line in re.findall(r"uses: (.+)", text):
        assert re.fullmatch(r"[a-z-]+/[a-z/-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+", line), line


def test_one_version_of_an_action_has_one_hash() -> None:
    pinned: dict[str, set[str]] = {}
    for file in WORKFLOWS:
        for owner, name, hash_, tag in re.findall(
            r"uses: ([\w-]+)/([\w-]+)[\w/-]*@(\w+) # (\S+)", file.read_text("utf-8")
        ):
            pinned.setdefault(f"{owner}/{name} {tag}", set()).add(hash_)
    assert len({hash_ for hashes in pinned.values() for hash_ in hashes}) == len(pinned)


def test_images_named_by_tag_have_a_reason() -> None:
    for name, word in (("Dockerfile", "FROM python:"), ("compose.yaml", "image: redis:")):
        before = (ROOT / name).read_text("utf-8").partition(word)[0]
        assert "digest" in before.rstrip().splitlines()[-1]


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
