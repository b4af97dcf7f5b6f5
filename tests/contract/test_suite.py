"""The pytest suite, run like by a user of the installed package, against a test gateway."""

import os
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from segforge import Catalog
from segforge.cli import main
from tests.contract import billing
from tests.contract.serving import serve, unused_url
from tests.contract.standin import KEY, StandIn

IPADAPTER = ("--segforge-models", "flux-ipadapter")
IMG2IMG = ("--segforge-models", "flux-img2img")


def suite(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Runs the suite in a folder. Name models: without them, pytest collects the tests of all."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--pyargs",
        "segforge_contract",
        "-q",
        "-p",
        "no:schemathesis",
        *arguments,
    ]
    tables = {"HYPOTHESIS_STORAGE_DIRECTORY": os.environ["HYPOTHESIS_STORAGE_DIRECTORY"]}
    environment = tables | ({"PATH": "", "SEGMIND_API_KEY": KEY} if env is None else dict(env))
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_failure_shows_rule_payload_and_curl_and_never_the_key(catalog: Catalog, tmp_path: Path) -> None:
    with serve(StandIn(catalog, "steps_unbounded", "key_in_error")) as url:
        code, output = suite(tmp_path, *IPADAPTER, "--segforge-target", url, "-k", "rule_holds and -run-")
    assert code == 1
    assert "range.above: flux-ipadapter run: num_inference_steps = 76" in output
    assert f"curl -sS -i {url}/v1/flux-ipadapter" in output
    assert "test_rule_holds[flux-ipadapter-run-range.above]" in output
    assert "test_rule_holds[flux-ipadapter-run-range.at_maximum]" not in output
    assert KEY not in output


def test_drawn_payload_is_shown_shrunk(catalog: Catalog, tmp_path: Path) -> None:
    with serve(StandIn(catalog, "true_refused")) as url:
        code, output = suite(
            tmp_path, *IMG2IMG, "--segforge-target", url, "-k", "test_valid_payload_is_accepted and img2img-run"
        )
    assert code == 1
    assert "payload.valid: flux-img2img run: a drawn payload" in output
    assert '"base64":true' in output.replace(" ", "")
    assert '"seed"' not in output


def test_gateway_that_keeps_the_contract_passes(catalog: Catalog, tmp_path: Path) -> None:
    with serve(StandIn(catalog)) as url:
        code, output = suite(tmp_path, *IPADAPTER, "--segforge-target", url)
    assert (code, "failed" in output) == (0, False)


def test_cap_of_0_skips_billed_tests(catalog: Catalog, tmp_path: Path) -> None:
    with billing.serve(gateway := billing.Gateway(catalog, billing.Faults())) as url:
        code, output = suite(
            tmp_path, *IPADAPTER, "--segforge-target", url, "--segforge-max-spend", "0", "-rs", "-k", "rule_holds"
        )
    assert (code, gateway.book.entries) == (0, [])
    assert "billed, and the cap is 0" in output


def test_under_a_cap_free_tests_run_first(catalog: Catalog, tmp_path: Path) -> None:
    with billing.serve(gateway := billing.Gateway(catalog, billing.Faults())) as url:
        arguments = ("--segforge-target", url, "--segforge-max-spend", "0.19", "--segforge-models", "style-transfer")
        home = {"PATH": "", "SEGMIND_API_KEY": KEY, "XDG_STATE_HOME": str(tmp_path)}
        _, output = suite(tmp_path, *arguments, "-vv", "-k", "rule_holds", env=home)
    assert gateway.book.billed == Decimal("0.1")  # a third call may cost 0.0771, and that with two readings is not left
    held_back = [line for line in output.splitlines() if "::" in line and " SKIPPED" in line]
    assert held_back
    assert [line for line in held_back if "range.above" in line or "required." in line] == []
    [journal] = tmp_path.glob("segforge/contract/*.jsonl")
    assert main(["contract", "--resume", str(journal)]) == 2


@pytest.mark.parametrize(
    ("arguments", "env", "code", "said"),
    [
        (["--segforge-target", "nonsense"], None, 4, "nonsense"),
        (["--segforge-target", "http://127.0.0.1:1"], {}, 4, "no API key"),
        (["--segforge-target", "https://gateway.invalid"], None, 4, "add --segforge-yes"),
        (["--segforge-target", unused_url()], None, 2, "can't be reached"),
        (["--segforge-max-spend", "2", "--segforge-target", unused_url(), "-n", "2"], None, 4, "can't share a cap"),
        (["--segforge-max-spend", "much"], None, 2, "expected an amount of credits"),
    ],
)
def test_misuse_ends_the_run_with_one_line(
    arguments: list[str], env: Mapping[str, str] | None, code: int, said: str, tmp_path: Path
) -> None:
    got, output = suite(tmp_path, *IPADAPTER, *arguments, env=env)
    assert (got, said in output, "Traceback" in output) == (code, True, False)


def test_workers_share_the_suite(catalog: Catalog, tmp_path: Path) -> None:
    with serve(StandIn(catalog, "steps_unbounded")) as url:
        code, output = suite(tmp_path, *IPADAPTER, "--segforge-target", url, "-n", "2", "-k", "rule_holds and -run-")
    assert (code, output.count("FAILED")) == (1, 1)
    assert "range.above: flux-ipadapter run: num_inference_steps = 76" in output


def test_unreachable_target_ends_the_workers(tmp_path: Path) -> None:
    code, output = suite(tmp_path, *IPADAPTER, "--segforge-target", unused_url(), "-n", "2")
    assert code != 0
    assert "can't be reached" in output
    assert len(output) < 10_000


def test_unused_plugin_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "import sys\n\n\ndef test_own():\n"
        "    own = {name for name in sys.modules if name.startswith(('segforge', 'httpx', 'hypothesis.strategies'))}\n"
        "    plugins = {'segforge_contract', 'segforge_contract.pytest_plugin', 'segforge_mock', "
        "'segforge_mock.pytest_plugin'}\n"
        "    assert own == plugins\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:schemathesis", "test_own.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
