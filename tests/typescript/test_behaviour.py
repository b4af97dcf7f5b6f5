"""Runs the *.test.mjs files with the built client in Node, Deno, Bun, an edge worker and a browser."""

import json
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from segforge import Catalog
from tests.shared import read_yaml
from tests.tls import served_over_tls
from tests.typescript.conftest import ROOT, TOOLS, execute

HERE = Path(__file__).parent
TABLE = read_yaml((ROOT / "tests" / "conformance" / "client_cases.yaml").read_text("utf-8"))
CASES = TABLE["cases"]

LOSSES = ("drop-before", "drop-after")
"""Scenarios of the mock that close a connection before any part of the answer arrives."""


@dataclass(frozen=True)
class Runtime:
    """A command that runs a file of tests, and the pattern of its count of passed tests."""

    command: tuple[str, ...]
    passed: str


def binary(pattern: str) -> str:
    """Returns the program of this platform, as npm installed it without running install scripts."""
    found = sorted(TOOLS.glob(pattern))
    assert found, f"no {pattern}; run: make setup"
    return str(found[0])


def runtime(name: str) -> Runtime:
    """Returns a JavaScript runtime with node:test."""
    match name:
        case "node":
            return Runtime(("node", "--test", "--test-reporter=tap"), r"^# pass (\d+)$")
        case "deno":
            deno = binary("@deno/*/deno*")
            return Runtime((deno, "test", "--allow-all", "--no-check", "--no-lock"), r"passed \((\d+) steps\)")
        case _:
            return Runtime((binary("@oven/*/bin/bun*"), "test"), r"^ *(\d+) pass$")


def run_tests(name: str, file: str, project: Path, **environment: str) -> int:
    """Runs a file of tests and returns the number of passed tests. Fails with the output if a test fails."""
    for source in HERE.glob("*.mjs"):
        shutil.copy(source, project / source.name)
    command = runtime(name)
    settings = {"DENO_DIR": str(project / "deno"), "RUNTIME": name, **environment}
    run = execute(*command.command, file, cwd=project, **settings)
    printed = run.stdout + run.stderr
    assert run.returncode == 0, printed
    assert not re.findall(
        r"^# (?:skipped|todo) [1-9]|^ *[1-9]\d* (?:skip|todo)$|[1-9]\d* ignored", printed, re.MULTILINE
    )
    return sum(map(int, re.findall(command.passed, printed, re.MULTILINE)))


elsewhere = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="tests/interop installs Deno, Bun, workerd and Chromium for Linux on x86-64 only",
)


@pytest.fixture(params=["node", pytest.param("deno", marks=elsewhere), pytest.param("bun", marks=elsewhere)])
def name(request: pytest.FixtureRequest) -> str:
    """The name of a JavaScript runtime."""
    return str(request.param)


def table(catalog: Catalog) -> str:
    """The cases and the parameters of the models, as JSON."""
    return json.dumps({**TABLE, "examples": {model.slug: model.valid_example for model in catalog.models}})


def test_every_case_of_the_behaviour_table(name: str, project: Path, mock_url: str, catalog: Catalog) -> None:
    passed = run_tests(name, "conformance.test.mjs", project, MOCK_URL=mock_url, CASES=table(catalog))
    assert passed >= len(CASES)


def bundle(project: Path, file: str, made: str, *options: str) -> None:
    """Bundles a file of tests with its imports for a runtime without node:test, which is replaced."""
    for source in HERE.glob("*.*"):
        shutil.copy(source, project / source.name)
    options = ("--bundle", "--conditions=import", "--alias:node:test=./node_test.mjs", f"--outfile={made}", *options)
    run = execute(binary("@esbuild/*/bin/esbuild*"), file, *options, cwd=project)
    assert run.returncode == 0, run.stderr


@elsewhere
def test_every_case_of_the_behaviour_table_in_an_edge_worker(project: Path, mock_url: str, catalog: Catalog) -> None:
    """Runs in Cloudflare's runtime."""
    bundle(project, "worker.mjs", "worker.bundle.mjs", "--format=esm", "--external:node:*")
    settings = {"RUNTIME": "workerd", "MOCK_URL": mock_url, "CASES": table(catalog)}
    run = execute(binary("@cloudflare/workerd-*/bin/workerd*"), "test", "workerd.capnp", cwd=project, **settings)
    assert run.returncode == 0, run.stdout + run.stderr
    (passed,) = re.findall(r"^passed (\d+)$", run.stdout + run.stderr, re.MULTILINE)
    assert int(passed) >= len(CASES)


@elsewhere
def test_the_behaviour_table_in_a_browser(project: Path, mock_url: str, catalog: Catalog) -> None:
    """Skips the cases in which the browser itself repeats a POST after it loses an open connection."""
    replaced = (f"--alias:node:assert/strict={TOOLS / 'assert'}", "--define:process.env=SETTINGS")
    bundle(project, "page.mjs", "page.bundle.js", "--format=iife", "--platform=browser", *replaced)
    settings = {"RUNTIME": "browser", "MOCK_URL": mock_url, "CASES": table(catalog), "TOOLS": str(TOOLS)}
    unpacked = project / "chromium"
    unpacked.mkdir(exist_ok=True)
    # If the package detects AWS Lambda, it also provides the libraries that Chromium needs.
    machine = {"TMPDIR": str(unpacked), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
    run = execute("node", "browser.mjs", cwd=project, **settings, **machine)
    assert run.returncode == 0, run.stderr
    done = json.loads(run.stdout)
    dropped = [case["name"] for case in CASES if _drops_a_post(case)]
    assert {name.partition(" > ")[2] for name in done["failed"]} <= {
        *dropped,
        *(f"{scenario} to {call}" for scenario in LOSSES for call in ("run", "submit")),
    }, done["failed"]
    assert done["passed"] >= len(CASES) - len(dropped) > 50


def _drops_a_post(case: dict[str, Any]) -> bool:
    scenarios = case.get("mock", {}).get("scenarios", [])
    return any(
        rule.get("scenario") in ("drop-before", "drop-after") and rule["route"] in ("run", "submit", "upload")
        for rule in scenarios
    )


def test_signals_costs_files_and_settings(name: str, project: Path, mock_url: str, catalog: Catalog) -> None:
    examples = json.dumps({model.slug: model.valid_example for model in catalog.models})
    assert run_tests(name, "client.test.mjs", project, MOCK_URL=mock_url, EXAMPLES=examples) > 40


def test_batches_survive_kills_and_a_limiter_spaces_requests(name: str, project: Path, mock_url: str) -> None:
    assert run_tests(name, "batch.test.mjs", project, MOCK_URL=mock_url) >= 10


def test_the_key_goes_to_the_configured_origin_only_and_is_shown_nowhere(name: str, project: Path) -> None:
    assert run_tests(name, "leak.test.mjs", project) > 15


def test_errors_name_the_variable_that_may_be_the_cause(name: str, project: Path, tmp_path: Path) -> None:
    (tmp_path / "not.pem").write_text("secret")
    unset = dict.fromkeys(("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "NODE_EXTRA_CA_CERTS"), "")
    with served_over_tls(tmp_path) as url:
        assert run_tests(name, "environment.test.mjs", project, TLS_URL=url, FOLDER=str(tmp_path), **unset) >= 3
