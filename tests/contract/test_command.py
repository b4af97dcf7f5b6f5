"""`segforge contract` on the command line: exit codes, reports and misuse."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from segforge import Catalog
from segforge.cli import main
from tests.contract.serving import serve, unused_url
from tests.contract.standin import KEY, StandIn

MODEL = ("--models", "flux-ipadapter", "--max-examples", "2", "--seed", "7")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)


def test_passing_run_exits_with_0(catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    with serve(StandIn(catalog)) as url:
        assert main(["contract", "--target", url, "--json", str(file), *MODEL]) == 0
    assert "all rules held" in capsys.readouterr().out
    report = json.loads(file.read_text("utf-8"))
    assert (report["held"], report["failures"], report["seed"]) == (True, [], 7)
    assert {rule["broken"] for rule in report["rules"]} == {0}


def test_broken_rule_exits_with_1_and_prints_curl(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    with serve(StandIn(catalog, "steps_unbounded", "key_in_error")) as url:
        assert main(["contract", "--target", url, "--json", str(file), *MODEL]) == 1
    out, err = capsys.readouterr()
    assert "range.above: flux-ipadapter run: num_inference_steps = 76" in out
    assert f"curl -sS -i {url}/v1/flux-ipadapter" in out
    assert "key.not_echoed" in out
    text = file.read_text("utf-8")
    failure = next(each for each in json.loads(text)["failures"] if each["rule"] == "range.above")
    assert failure["payload"]["num_inference_steps"] == 76
    assert failure["parameter"] == "num_inference_steps"
    assert KEY not in out + err + text


def test_profile_option_selects_the_observed_profile(catalog: Catalog) -> None:
    with serve(StandIn(catalog, observed=True)) as url:
        assert main(["contract", "--target", url, *MODEL]) == 1
        assert main(["contract", "--target", url, "--profile", "observed", *MODEL]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "nonsense"], "nonsense"),
        (["--target", "http://127.0.0.1/v1"], "http://127.0.0.1/v1"),
        (["--target", "http://127.0.0.1", "--models", "flux"], 'unknown model "flux"'),
        (["--target", "http://127.0.0.1", "--profile", "none"], "unknown profile none"),
        (["--target", "http://127.0.0.1", "--json", "/no/such/folder/report.json"], "--json"),
        (["--target", "http://127.0.0.1", "--specs", "/no/such/folder"], "no such folder"),
        (["--target", "https://gateway.invalid"], "add --yes"),
        (["--target", "https://gateway.invalid", "--yes"], "can't be reached"),
    ],
)
def test_misuse_exits_with_2_and_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", *MODEL, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err.splitlines()[-1]
    assert "Traceback" not in err


def test_mock_in_process_serves_the_given_specs(specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SEGMIND_API_KEY")
    file = specs / "models" / "flux-img2img.yaml"
    file.write_text(file.read_text("utf-8").replace("maximum: 50", "maximum: 60"), "utf-8")
    arguments = ("--models", "flux-img2img", "--max-examples", "0")
    assert main(["contract", "--target", "mock", "--specs", str(specs), *arguments]) == 0


def test_run_leaves_no_files_in_the_working_directory(catalog: Catalog, tmp_path: Path) -> None:
    here, cache = tmp_path / "here", tmp_path / "cache"
    here.mkdir()
    program = [sys.executable, "-c", "import sys; from segforge.cli import main; sys.exit(main())"]
    with serve(StandIn(catalog)) as url:
        done = subprocess.run(
            [*program, "contract", "--target", url, *MODEL],
            cwd=here,
            env={"SEGMIND_API_KEY": KEY, "XDG_CACHE_HOME": str(cache), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(here.iterdir()) == []


def test_unreachable_target_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "--target", unused_url(), *MODEL]) == 2
    assert "can't be reached" in capsys.readouterr().err


def test_missing_key_exits_with_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("SEGMIND_API_KEY")
    assert main(["contract", "--target", "http://127.0.0.1"]) == 2
    assert "export SEGMIND_API_KEY=" in capsys.readouterr().err


def test_worst_case_is_printed_before_money_can_be_spent(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["contract", "--target", "https://gateway.invalid", "--models", "flux-img2img", "--max-examples", "0"])
        == 2
    )
    announced = capsys.readouterr().err
    assert "Billed: up to 0 " in announced
    assert "at worst" in announced
