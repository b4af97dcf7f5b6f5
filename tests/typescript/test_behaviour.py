"""What the built client does, by Node's own test runner: the tests are the *.test.mjs files beside this."""

import json
import re
import shutil
from pathlib import Path

import yaml

from segforge.spec.catalog import Catalog
from tests.typescript.conftest import ROOT, node

HERE = Path(__file__).parent
CASES = yaml.safe_load((ROOT / "tests" / "conformance" / "client_cases.yaml").read_text("utf-8"))["cases"]


def run_node_tests(name: str, project: Path, **environment: str) -> int:
    """Run a file of tests in the project; gives how many passed, and fails with what Node printed where one did not."""
    for file in HERE.glob("*.mjs"):
        shutil.copy(file, project / file.name)
    run = node("--test", "--test-reporter=tap", name, cwd=project, **environment)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# skipped 0" in run.stdout
    assert "# todo 0" in run.stdout
    (passed,) = re.findall(r"^# pass (\d+)$", run.stdout, re.MULTILINE)
    return int(passed)


def test_every_case_of_the_behaviour_table(project: Path, mock_url: str, catalog: Catalog) -> None:
    examples = {model.slug: model.valid_example for model in catalog.models}
    cases = json.dumps({"cases": CASES, "examples": examples})
    assert run_node_tests("conformance.test.mjs", project, MOCK_URL=mock_url, CASES=cases) >= len(CASES)


def test_signals_costs_files_and_settings(project: Path, mock_url: str, catalog: Catalog) -> None:
    examples = json.dumps({model.slug: model.valid_example for model in catalog.models})
    assert run_node_tests("client.test.mjs", project, MOCK_URL=mock_url, EXAMPLES=examples) > 40


def test_the_key_goes_to_the_configured_origin_only_and_is_shown_nowhere(project: Path) -> None:
    assert run_node_tests("leak.test.mjs", project) > 15
