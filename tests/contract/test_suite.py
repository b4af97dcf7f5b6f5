"""The pytest suite in contract_tests/, run as a user runs it, against a gateway of our own."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from segforge.spec.catalog import Catalog
from tests.contract.serving import serve, unused_url
from tests.contract.standin import KEY, StandIn

ROOT = Path(__file__).parents[2]


def suite(*arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "contract_tests", "-q", "-p", "no:xdist", *arguments]
    environment = {"PATH": "", "SEGMIND_API_KEY": KEY} if env is None else dict(env)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_failure_shows_rule_payload_and_curl_and_never_the_key(catalog: Catalog) -> None:
    with serve(StandIn(catalog, "steps_unbounded", "key_in_error")) as url:
        code, output = suite("--target", url, "-k", "rule_holds and flux-ipadapter-run")
    assert code == 1
    assert "range.above: flux-ipadapter run: num_inference_steps = 76" in output
    assert f"curl -sS -i {url}/v1/flux-ipadapter" in output
    assert "test_rule_holds[flux-ipadapter-run-range.above]" in output
    assert "test_rule_holds[flux-ipadapter-run-range.at_maximum]" not in output
    assert KEY not in output


def test_drawn_payload_is_shown_shrunk(catalog: Catalog) -> None:
    with serve(StandIn(catalog, "true_refused")) as url:
        code, output = suite("--target", url, "-k", "test_valid_payload_is_accepted and flux-img2img-run")
    assert code == 1
    assert "payload.valid: flux-img2img run: a drawn payload" in output
    assert '"base64": true' in output
    assert '"seed"' not in output


def test_gateway_that_keeps_the_contract_passes(catalog: Catalog) -> None:
    with serve(StandIn(catalog)) as url:
        code, output = suite("--target", url, "-k", "gateway or flux-img2img")
    assert (code, "failed" in output) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "env", "code", "said"),
    [
        (["--target", "nonsense"], None, 4, "no URL of a gateway"),
        (["--target", "http://127.0.0.1:1"], {}, 4, "no API key"),
        (["--target", "https://gateway.invalid"], None, 4, "add --yes"),
        (["--target", unused_url()], None, 2, "can't be reached"),
    ],
)
def test_misuse_ends_at_once_in_one_line(
    arguments: list[str], env: Mapping[str, str] | None, code: int, said: str
) -> None:
    got, output = suite(*arguments, env=env)
    assert (got, said in output, "Traceback" in output) == (code, True, False)
