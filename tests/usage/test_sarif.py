"""SARIF 2.1.0: what code hosts require of a log."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segforge.cli import main
from segforge.sarif import MOST, sarif_document
from segforge.spec.finding import Finding
from tests.formats import violations

FINDINGS = [
    Finding("src/a b/ü.py", 3, 7, "range.below", "0 is below", "1 or more", "send 1", "error"),
    Finding("/tmp/x.py", 0, 0, "file.missing", "no file", "a file", "add it", "warning"),
    Finding("c.py", 2, 0, "range.below", "x\n\x1b[31m", "y", "z", "error"),
]


def test_a_log_has_what_the_format_requires() -> None:
    log = sarif_document("check-usage", FINDINGS, str.upper)
    assert violations("sarif", log) == []
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
    log = json.loads(capsys.readouterr().out)
    assert violations("sarif", log) == []
    [run] = log["runs"]
    assert any(result["level"] == "error" for result in run["results"])
    uris = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]}
    assert any(uri.endswith("flux-img2img.yaml") for uri in uris)


@given(st.text(st.characters()))
@example("\ud800\x00{0}[a](http://b)\u202e")
def test_any_text_makes_a_valid_log_without_links_and_placeholders(text: str) -> None:
    log = sarif_document("lint", [Finding("a.yaml", 1, 1, text, text, text, text)], problems=[text])
    assert violations("sarif", json.loads(json.dumps(log))) == []
    [run] = log["runs"]
    shown = run["results"][0]["message"]["text"]
    assert not re.search(r"(?<!\{)\{(?:\{\{)*(?!\{)|\]\(", shown)
    assert len(json.dumps(sarif_document("lint", [Finding("a", 1, 1, "r", text * 10_000, "", "")]))) < 60_000


def test_the_log_of_a_great_many_findings_is_bounded_and_says_so() -> None:
    warnings = [Finding("a.yaml", number, 1, "r", "x", "y", "z", "warning") for number in range(1, MOST + 10)]
    log = sarif_document("lint", [*warnings, replace(warnings[0], severity="error")])
    assert violations("sarif", log) == []
    [run] = log["runs"]
    assert len(run["results"]) == MOST
    assert run["results"][0]["level"] == "error"
    [note] = run["invocations"][0]["toolExecutionNotifications"]
    assert (note["level"], note["message"]["text"].startswith("10 more")) == ("warning", True)
