"""The steps of action.yml, run on this machine by the script beside this file. Only the installation is skipped."""

import json
import sys
from pathlib import Path

import httpx
import pytest

from tests.workflows.action import ROOT, definition, running

KEY = "SG_0123456789abcdef"


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """A folder of a runner in which segforge is installed: the environment of the tests."""
    installed = tmp_path / "segforge"
    installed.mkdir()
    (installed / "bin").symlink_to(Path(sys.executable).parent)
    (installed / "installed").touch()
    return tmp_path


def test_the_mock_serves_the_steps_after_it(runner: Path) -> None:
    inputs = {"port": "0", "arguments": "--time-scale\n0\n\n--credits\n12"}
    with running(inputs, runner) as run:
        assert run.code == 0, run.text
        url = run.outputs["url"]
        balance = httpx.get(f"{url}/v1/get-user-credits", headers={"x-api-key": KEY}, timeout=10, trust_env=False)
        assert balance.json()["credits"] == 12
        assert url in run.summary
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_the_contract_is_tested_and_summed_up(runner: Path) -> None:
    inputs = {
        "command": "contract",
        "models": "style-transfer\n flux-ipadapter",
        "reports": "the reports",
        "max-spend": "0",
        "arguments": "--rules\nrange.*\nauth.*",
    }
    with running(inputs, runner) as run:
        assert run.code == 0, run.text
    assert run.outputs["reports"] == "the reports"
    assert "all rules held" in run.summary
    report = json.loads((runner / "work" / "the reports" / "contract.json").read_text("utf-8"))
    assert report["failures"] == []
    assert {file.name for file in (runner / "work" / "the reports").iterdir()} == {
        "contract.html", "contract.json", "contract.xml",
    }  # fmt: skip


def test_the_key_reaches_the_target_and_no_report(runner: Path) -> None:
    with running({"port": "0", "arguments": f"--api-key\n{KEY}"}, runner) as mock:
        inputs = {"command": "contract", "target": mock.outputs["url"], "models": "style-transfer", "api-key": KEY}
        with running({**inputs, "arguments": "--rules\nauth.*"}, runner) as run:
            assert run.code == 0, run.text
    assert KEY not in run.text + run.summary
    assert not [file for file in (runner / "work").rglob("*.*") if KEY in file.read_text("utf-8")]


@pytest.mark.parametrize(
    ("inputs", "code", "words"),
    [
        ({"command": "mokc"}, 2, ["mokc", "mock or contract"]),
        ({"port": "65536"}, 1, ["65536", "did not start"]),
        ({"command": "contract", "models": "no-such-model"}, 2, ["no-such-model"]),
        (
            {"command": "contract", "models": "style-transfer", "api-key": KEY, "target": "$(touch made)"},
            2,
            ["$(touch made)"],
        ),
        ({"arguments": "--port\n`touch made`"}, 1, ["`touch made`", "did not start"]),
    ],
)
def test_a_wrong_input_is_named_and_never_run(
    runner: Path, inputs: dict[str, str], code: int, words: list[str]
) -> None:
    with running(inputs, runner) as run:
        assert run.code == code, run.text
    assert all(word in run.text for word in words), run.text
    assert not list(runner.rglob("made"))


def test_the_docs_list_the_inputs_and_outputs() -> None:
    page = (ROOT / "docs" / "how-to" / "github-action.md").read_text("utf-8")
    rows = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert rows == [*definition()["inputs"], *definition()["outputs"]]
    for name, given in definition()["inputs"].items():
        assert (
            f"`{given['default']}` |" in next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
            or not given["default"]
        )
