"""docs/how-to/contract-in-ci.md shows what GitHub shows for a failing pull request; this is the run that it shows."""

import io
import json
import re
import sys
from pathlib import Path

import pytest

from segforge import Catalog
from segforge.cli import main
from tests.contract.serving import serve
from tests.contract.standin import KEY, StandIn
from tests.formats import commands_in, violations

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "contract-in-ci.md").read_text("utf-8")
SECTION = PAGE.partition("## On GitHub\n")[2]


def shown(language: str) -> str:
    """The block of that language in the section."""
    [block] = re.findall(rf"```{language}\n(.*?)\n```", SECTION, re.DOTALL)
    return of_any_size(str(block))


def of_any_size(text: str) -> str:
    """The text without the sizes of images, which depend on the version of Pillow."""
    return re.sub(r"\d+ bytes", "693 bytes", text)


def test_the_transcript_of_a_failing_pull_request_is_that_of_a_run(
    catalog: Catalog, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(specs.parent)
    summary = specs.parent / "summary.md"
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(sys, "stderr", output)
    for name, value in (
        ("SEGMIND_API_KEY", KEY),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_WORKSPACE", str(specs.parent)),
        ("GITHUB_STEP_SUMMARY", str(summary)),
    ):
        monkeypatch.setenv(name, value)
    documented = shown("sh").split()
    with serve(StandIn(catalog, "steps_unbounded")) as url:
        command = [url if word == "http://127.0.0.1:8086" else word for word in documented[1:]]
        assert main([*command, "--max-examples", "0", "--seed", "7", "--forget"]) == 1
    plain = of_any_size(output.getvalue().replace(url, "http://127.0.0.1:8086"))
    assert shown("text") in plain.splitlines()
    assert len(commands_in(plain)) == 2
    text = of_any_size(summary.read_text("utf-8").replace(url, "http://127.0.0.1:8086"))
    excerpt = [line for line in shown("markdown").splitlines() if line and line != "…"]
    assert [line for line in text.splitlines() if line in excerpt] == excerpt
    log = json.loads(Path("contract.sarif").read_bytes())
    assert violations("sarif", log) == []
    assert shown("json") == of_any_size(json.dumps(log["runs"][0]["results"][0], indent=2))
    assert (specs / "models" / "flux-img2img.yaml").read_text("utf-8").splitlines()[68].strip() == "maximum: 50"
