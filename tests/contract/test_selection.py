"""`--rules` and `--skip-rules`: which cases are sent, and that a skipped rule is neither broken nor held."""

import json
from pathlib import Path
from typing import Any

import pytest

from segforge import Catalog
from segforge.cli import main
from segforge_contract import RULES, AsgiTarget, open_session, plan, run
from segforge_contract.engine.campaign import RunResult
from segforge_contract.engine.selection import selection
from segforge_contract.findings.coverage import coverage
from segforge_contract.findings.kept import keep_failures
from tests.contract.standin import KEY, StandIn

SLUG = "flux-ipadapter"


def result_of(
    catalog: Catalog, *faults: str, rules: tuple[str, ...] | None = None, skip: tuple[str, ...] = ()
) -> RunResult:
    model = catalog.model(SLUG)
    planned = plan(catalog, [model], max_examples=2, seed=7, chosen=selection(rules, skip))
    target = AsgiTarget(StandIn(catalog, *faults), key=KEY, key_header=catalog.gateway.auth.header)
    try:
        return run(planned, open_session(catalog, target))
    finally:
        target.close()


def broken(result: RunResult) -> set[str]:
    return {failure.broken.rule for failure in result.failures}


def test_only_chosen_rules_are_sent_and_broken(catalog: Catalog) -> None:
    result = result_of(catalog, "steps_unbounded", "key_in_error", rules=("range.*",))
    assert broken(result) == {"range.above"}
    assert {case.rule.partition(".")[0] for case in result.sent} <= {"range", "money"}
    assert result.requests < 250
    assert result.skipped == {name for name in RULES if not name.startswith("range.")}


def test_rules_about_answers_receive_answers(catalog: Catalog) -> None:
    assert broken(result_of(catalog, "steps_unbounded", "key_in_error", rules=("key.*",))) == {"key.not_echoed"}
    assert broken(result_of(catalog, "steps_unbounded", rules=("headers.*", "bytes.*"))) == set()


def test_a_skipped_rule_is_neither_broken_nor_covered(catalog: Catalog) -> None:
    result = result_of(catalog, "steps_unbounded", skip=("range.*", "payload.*"))
    assert broken(result) == set()
    found = coverage(catalog, [catalog.model(SLUG)], result.sent, result.skipped)
    tested = {point.rule for point in found.sent}
    assert {name for name in tested if name.startswith(("range.", "payload."))} == set()
    assert {point.rule for point in found.missing} == {point.rule for point in found.points} & result.skipped


def test_kept_failures_of_skipped_rules_stay(catalog: Catalog, tmp_path: Path) -> None:
    keep_failures(tmp_path, catalog, result_of(catalog, "steps_unbounded", rules=("range.*",)))
    before = sorted(file.name for file in tmp_path.glob("range.above-*.json"))
    keep_failures(tmp_path, catalog, result_of(catalog, skip=("range.*",)))
    assert before
    assert sorted(file.name for file in tmp_path.glob("range.above-*.json")) == before
    keep_failures(tmp_path, catalog, result_of(catalog, rules=("range.*",)))
    assert list(tmp_path.glob("range.above-*.json")) == []


def test_the_summary_and_the_report_show_skipped_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    words = ("--models", SLUG, "--max-examples", "0", "--forget", "--json", str(file))
    assert main(["contract", "--target", "mock", *words, "--rules", "range.*", "--skip-rules", "range.at_*"]) == 0
    out = capsys.readouterr().out
    assert "all tested rules held" in out
    assert f"{len(RULES) - 8} rules skipped" in out
    assert "they count as not tested" in out
    report: dict[str, Any] = json.loads(file.read_text("utf-8"))
    rules = {rule["name"]: rule for rule in report["rules"]}
    assert (rules["range.above"]["skipped"], rules["range.at_maximum"]["skipped"]) == (False, True)
    assert rules["range.at_maximum"]["cases"] == rules["key.not_echoed"]["cases"] == 0
    assert report["coverage"]["percent"] < 50


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rules", "rnage.*"), "did you mean range.*"),
        (("--skip-rules", "range.abov"), "did you mean range.above"),
        (("--rules", "zzz"), "`segforge contract rules`"),
        (("--skip-rules", "*"), "no rule is left"),
    ],
)
def test_a_pattern_without_a_rule_is_misuse(
    options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["contract", "--target", "mock", *options]) == 2
    assert said in capsys.readouterr().err
