"""SARIF 2.1.0: what code hosts require of a log."""

import json
from pathlib import Path

import pytest

from segforge.cli import main
from segforge.sarif import sarif_document
from segforge.spec.finding import Finding

FINDINGS = [
    Finding("src/a b/ü.py", 3, 7, "range.below", "0 is below", "1 or more", "send 1", "error"),
    Finding("/tmp/x.py", 0, 0, "file.missing", "no file", "a file", "add it", "warning"),
    Finding("c.py", 2, 0, "range.below", "x\n\x1b[31m", "y", "z", "error"),
]


def test_a_log_has_what_the_format_requires() -> None:
    log = sarif_document("check-usage", FINDINGS, str.upper)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    assert log["$schema"].startswith("https://")
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [(rule["id"], rule["shortDescription"]["text"]) for rule in rules] == [
        ("file.missing", "FILE.MISSING"),
        ("range.below", "RANGE.BELOW"),
    ]
    for finding, result in zip(FINDINGS, run["results"], strict=True):
        assert (result["ruleId"], result["level"]) == (finding.rule, finding.severity)
        assert rules[result["ruleIndex"]]["id"] == finding.rule
        assert result["message"]["text"]
        assert "\n" not in result["message"]["text"]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert [place["artifactLocation"]["uri"] for place in places] == ["src/a%20b/%C3%BC.py", "file:///tmp/x.py", "c.py"]
    assert [place.get("region") for place in places] == [{"startLine": 3, "startColumn": 7}, None, {"startLine": 2}]


def test_lint_writes_sarif(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = specs / "models" / "flux-img2img.yaml"
    path.write_text(path.read_text("utf-8").replace("maximum: 50", "maximum: 0"), "utf-8")
    assert main(["lint", "--specs", str(specs), "--format", "sarif"]) == 1
    [run] = json.loads(capsys.readouterr().out)["runs"]
    assert any(result["level"] == "error" for result in run["results"])
    uris = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]}
    assert any(uri.endswith("flux-img2img.yaml") for uri in uris)
