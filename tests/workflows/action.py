"""Runs the steps of action.yml on this machine, as the runner of GitHub does.

`python -m tests.workflows.action command=contract models=style-transfer` runs them with these inputs. The script knows
the few forms of expressions that the action uses, and raises ValueError for any other.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.shared import read_yaml

ROOT = Path(__file__).parents[2]
KNOWN_ACTIONS = {"actions/setup-python": {"python-path": sys.executable}}
"""Their outputs, since a step that uses another action can't run here."""


@dataclass
class Run:
    """A run of the action: the exit code of the last step, its outputs and its job summary, and all text."""

    code: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    text: str = ""


def definition() -> dict[str, Any]:
    """Returns action.yml."""
    document: dict[str, Any] = read_yaml((ROOT / "action.yml").read_text("utf-8"))
    return document


@contextmanager
def running(inputs: Mapping[str, str], folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[Run]:
    """Runs the steps with `folder/work` as the workspace. Processes that they leave behind end with the block."""
    action = definition()
    if unknown := inputs.keys() - action["inputs"].keys():
        raise ValueError(f"action.yml has no input {', '.join(sorted(unknown))}")
    known = {f"inputs.{name}": inputs.get(name, given["default"]) for name, given in action["inputs"].items()}
    (folder / "work").mkdir(parents=True, exist_ok=True)
    run, groups = Run(), list[int]()
    try:
        for step in action["runs"]["steps"]:
            if _holds(step.get("if"), known):
                outputs = _outputs(step, folder, known, variables or {}, run, groups)
                known |= {f"steps.{step.get('id')}.outputs.{name}": value for name, value in outputs.items()}
            if run.code:
                break
        run.outputs = {name: _filled(given["value"], known) for name, given in action["outputs"].items()}
        yield run
    finally:
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGTERM)


def _outputs(
    step: Mapping[str, Any],
    folder: Path,
    known: Mapping[str, str],
    variables: Mapping[str, str],
    run: Run,
    groups: list[int],
) -> dict[str, str]:
    """Runs a step. Returns its outputs."""
    if "uses" in step:
        return KNOWN_ACTIONS[step["uses"].partition("@")[0]]
    if step["shell"] != "bash":
        raise ValueError(f"this script runs only bash, found shell: {step['shell']}")
    files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "script", "log")}
    for file in files.values():
        file.write_text("", "utf-8")
    files["script"].write_text(step["run"], "utf-8")
    environment = {
        **os.environ,
        **variables,
        **{name: _filled(text, known) for name, text in step.get("env", {}).items()},
        **{name: str(file) for name, file in files.items() if name.startswith("GITHUB_")},
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_WORKSPACE": str(folder / "work"),
        "RUNNER_OS": "Linux",
        "RUNNER_TEMP": str(folder),
    }
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(files["script"])]
    with files["log"].open("w") as log:  # not a pipe, which a process in the background would hold open
        process = subprocess.Popen(
            command, cwd=folder / "work", env=environment, stdout=log, stderr=log, start_new_session=True
        )
        groups.append(process.pid)
        run.code = process.wait(timeout=600)
    run.text += files["log"].read_text("utf-8")
    run.summary += files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
    return dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text("utf-8").splitlines())


def _filled(text: str, known: Mapping[str, str]) -> str:
    """Returns a text with its expressions replaced. A step that was skipped has no outputs."""

    def value(found: re.Match[str]) -> str:
        if not re.fullmatch(r"inputs\.[\w-]+|steps\.[\w-]+\.outputs\.[\w-]+", found[1]):
            raise ValueError(f"this script does not know the expression {found[0]}")
        return known[found[1]] if found[1].startswith("inputs.") else known.get(found[1], "")

    return re.sub(r"\$\{\{ *(.*?) *\}\}", value, text)


def _holds(condition: str | None, known: Mapping[str, str]) -> bool:
    if condition is None:
        return True
    found = re.fullmatch(r"(inputs\.[\w-]+) == '([^']*)'", condition)
    if found is None:
        raise ValueError(f"this script does not know the condition {condition}")
    return known[found[1]] == found[2]


def main(arguments: list[str]) -> int:
    """Runs the action with inputs of the form name=value, and prints what it did."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(dict(argument.split("=", 1) for argument in arguments), Path(folder)) as run,
    ):
        print(run.text, *(f"output {name}: {value}" for name, value in run.outputs.items()), run.summary, sep="\n")
    return run.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
