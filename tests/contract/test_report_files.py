"""SARIF, CTRF, Allure and HAR reports, annotations and the summary: valid by their schemas, bounded, and never code."""

import dataclasses
import io
import json
import re
import sys
import uuid
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from segforge import Catalog, default_specs
from segforge.cli import main
from segforge.github import MOST_SUMMARY
from segforge.spec.finding import Finding
from segforge_contract import RULES, Report
from segforge_contract.checks.answers import Broken
from segforge_contract.engine.failure import Failure
from segforge_contract.errors import NoAnswer
from segforge_contract.messages.request import Request, Response
from segforge_contract.reports import allure, ctrf, har, html, junit, sarif
from segforge_contract.reports import json as json_report
from segforge_contract.reports.github import summary
from segforge_contract.reports.github.annotations import AnnotationReporter
from segforge_contract.reports.places import findings
from segforge_contract.reports.text import print_money
from segforge_contract.targets.journal import Exchanged, create
from segforge_contract.targets.ledger import Ledger
from tests.contract.campaigns import reported
from tests.contract.serving import serve
from tests.contract.standin import KEY, StandIn
from tests.contract.test_reports import HOSTILE, saying
from tests.formats import commands_in, violations

SLUG = "flux-img2img"
MODEL = ("--models", SLUG, "--max-examples", "0", "--forget")
FAULTS = ("steps_unbounded", "content_type_ignored", "poll_lost", "malformed_500", "key_in_error")


@pytest.fixture(scope="module")
def broken(catalog: Catalog) -> Report:
    """The report of a gateway that breaks rules about payloads, bare requests, answers and jobs."""
    return dataclasses.replace(reported(catalog, StandIn(catalog, *FAULTS), SLUG), ended=1_800_000_000.5)


def line_at(place: dict[str, Any]) -> str:
    """The line of our own specs that a SARIF location names."""
    uri: str = place["physicalLocation"]["artifactLocation"]["uri"]
    file = default_specs() / uri.partition("/specs/")[2]
    line: int = place["physicalLocation"]["region"]["startLine"]
    return file.read_text("utf-8").splitlines()[line - 1].strip()


def test_sarif_has_the_line_of_the_spec_behind_each_failure(broken: Report) -> None:
    log = json.loads(sarif.render(broken))
    assert violations("sarif", log) == []
    lines = {result["ruleId"]: line_at(result["locations"][0]) for result in log["runs"][0]["results"]}
    assert lines["range.above"] == "maximum: 50"
    assert lines["content_type.invalid"] == "content_types:"
    assert lines["job.poll_url_serves"] == "lifecycle:"
    assert lines["body.malformed"] == "statuses:"
    assert lines["key.not_echoed"] == "auth:"
    assert set(lines) == set(broken.by_rule)


@pytest.mark.parametrize(
    ("rule", "parameter", "line"),
    [
        ("range.below", "steps", "minimum: 1"),
        ("enum.unknown", "sampler_name", "enum:"),
        ("required.missing", "prompt", "required: true"),
        ("null.not_nullable", "prompt", "prompt:"),  # no such fact: the nearest one around it
        ("type.string_for_integer", "steps", "type: integer"),
        ("range.off_step", "steps", "steps:"),
        ("number.huge", "no.such[0].part", "parameters:"),
        ("payload.valid", None, "example:"),
        ("bytes.match_size", None, "returns:"),
        ("optional.omitted", None, "parameters:"),
        ("rate.limited", None, "statuses:"),
        ("headers.typed", None, "headers:"),
    ],
)
def test_each_kind_of_rule_has_its_line(broken: Report, rule: str, parameter: str | None, line: str) -> None:
    first = broken.result.failures[0]
    case = dataclasses.replace(first.case, rule=rule, parameter=parameter, model=SLUG)
    failure = Failure(case, Broken(rule, "x", "y"), first.requests)
    [finding] = findings(dataclasses.replace(broken, result=dataclasses.replace(broken.result, failures=(failure,))))
    text = (default_specs() / finding.file.partition("specs/")[2]).read_text("utf-8").splitlines()[finding.line - 1]
    assert text.strip().startswith(line)


def test_every_rule_of_every_model_has_a_line_in_a_file(whole_catalog: Catalog, broken: Report) -> None:
    first = broken.result.failures[0]
    cases = [dataclasses.replace(first.case, rule=rule, parameter="p", model=None) for rule in RULES]
    for model in whole_catalog.models[::40]:
        cases += [dataclasses.replace(first.case, rule=rule, parameter=None, model=model.slug) for rule in RULES]
    failures = tuple(Failure(case, Broken(case.rule, "x", "y"), first.requests) for case in cases)
    found = list(findings(dataclasses.replace(broken, result=dataclasses.replace(broken.result, failures=failures))))
    assert len(found) == len(failures)
    assert all(finding.line for finding in found)


ARRAY_OF_OBJECTS = re.compile(
    r"^  (\w+):\n(?:    .*\n)*?    items:\n(?:      .*\n)*?      properties:\n        (\w+):", re.MULTILINE
)


def test_a_part_is_found_in_nested_specs(broken: Report) -> None:
    for path in sorted((default_specs() / "models").glob("*.yaml")):
        text = path.read_text("utf-8")
        if match := ARRAY_OF_OBJECTS.search(text):
            break
    else:
        pytest.fail("no model has an array of objects")
    first = broken.result.failures[0]
    case = dataclasses.replace(first.case, rule="text.empty", parameter=f"{match[1]}[0].{match[2]}", model=path.stem)
    failure = Failure(case, Broken("text.empty", "x", "y"), first.requests)
    [finding] = findings(dataclasses.replace(broken, result=dataclasses.replace(broken.result, failures=(failure,))))
    assert finding.line == text[: match.start(2)].count("\n") + 1


def test_ctrf_counts_what_junit_counts(broken: Report) -> None:
    document = json.loads(ctrf.render(broken))
    assert violations("ctrf", document) == []
    found, counts = document["results"], Counter(test["status"] for test in document["results"]["tests"])
    assert found["summary"]["tests"] == len(found["tests"]) == counts.total()
    assert (found["summary"]["passed"], found["summary"]["failed"]) == (counts["passed"], counts["failed"])
    assert found["summary"]["stop"] == 1_800_000_000_500
    [test] = [test for test in found["tests"] if test["name"] == f"range.above {SLUG} run"]
    assert test["status"] == "failed"
    assert test["filePath"].endswith(f"models/{SLUG}.yaml")
    assert "steps = 51" in test["message"]
    assert "curl -sS" in test["trace"]


def test_allure_files_have_the_form_that_allure_reads(broken: Report) -> None:
    files = allure.render(broken)
    documents = {name: json.loads(text) for name, text in files.items() if name.endswith("-result.json")}
    for name, document in documents.items():
        assert name == f"{uuid.UUID(document['uuid'])}-result.json"
        assert document["status"] in ("passed", "failed", "broken", "skipped")
        assert (document["stage"], document["start"] <= document["stop"]) == ("finished", True)
        assert all(isinstance(label["name"] and label["value"], str) for label in document["labels"])
    assert len({document["historyId"] for document in documents.values()}) == len(documents) > 50
    [failed] = [one for one in documents.values() if one["fullName"] == f"segforge/{SLUG}/run/range.above"]
    assert failed["status"] == "failed"
    assert "steps = 51" in failed["statusDetails"]["message"]
    assert allure.render(broken).keys() == files.keys()  # a later run replaces the results of this one


def test_allure_leaves_out_skipped_tests_first(broken: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allure, "MOST", len(broken.by_rule))
    files = allure.render(broken)
    states = Counter(json.loads(text)["status"] for name, text in files.items() if name.endswith(".json"))
    assert states == {"failed": len(broken.by_rule)}


@settings(max_examples=20)
@given(st.text(st.characters(), max_size=60))
@example(HOSTILE)
@example("`` | \n\n# head\n<script>")
def test_any_server_text_is_text_in_every_report(broken: Report, text: str) -> None:
    report = saying(broken, text)
    assert violations("sarif", json.loads(sarif.render(report))) == []
    assert violations("ctrf", json.loads(ctrf.render(report))) == []
    for name, file in allure.render(report).items():
        assert name == "environment.properties" or json.loads(file)
        assert len(file.encode().splitlines()) == 2 or name != "environment.properties"
    page = summary.render(report)
    assert {line[0] for line in page.splitlines() if line} <= set("#|-*`cpCTPhuns0123456789.")
    bare = re.sub(r"(?s)(`+)(?!`).*?(?<!`)\1(?!`)", "", page)
    assert not re.search("[<>\x00-\x08\x1b\u202e\ud800-\udfff]", bare)


def test_no_answer_makes_a_report_large(broken: Report) -> None:
    failure, text = broken.result.failures[0], "x`&" * 1_000_000
    large = Failure(failure.case, Broken(failure.broken.rule, text, text), failure.requests)
    plain = Failure(failure.case, Broken(failure.broken.rule, "x", "y"), failure.requests)
    for form in (allure, ctrf, html, json_report, junit, sarif, summary):
        small, huge = (
            form.render(dataclasses.replace(broken, result=dataclasses.replace(broken.result, failures=(one,))))
            for one in (plain, large)
        )
        assert len(str(huge)) < len(str(small)) + 150_000, form.__name__
    assert large.broken.found.endswith("…")


def test_summary_counts_accepted_calls_and_says_what_they_cost_like_the_terminal(broken: Report) -> None:
    ledger = Ledger(Decimal("2.5"))
    ledger.reserve(1, Decimal("0.05"), Decimal("0.05"))
    ledger.queued(1, "a job that has not ended", None)
    one = dataclasses.replace(broken.result, billed=1)
    page = summary.render(dataclasses.replace(broken, result=one, money=ledger.in_words()))
    terminal = io.StringIO()
    print_money(Console(file=terminal, width=200), ledger, one)
    said = terminal.getvalue().splitlines()[-1]
    assert said.startswith("spent 0 of 2.5 credits by")
    assert said.endswith(", 0.05 reserved for 1 open call")
    assert f"S{said[1:]}." in page.splitlines()
    assert ", 1 call accepted, " in page


def test_summary_shows_each_rule_and_has_a_bound(broken: Report, tmp_path: Path) -> None:
    page = summary.render(broken)
    assert [line.strip("# `") for line in page.splitlines() if line.startswith("### ")] == list(broken.by_rule)
    assert "| `flux-img2img run` | `steps = 51` |" in page
    assert "curl -sS" in page
    many = dataclasses.replace(broken.result, failures=broken.result.failures[:1] * 50_000)
    assert len(summary.render(dataclasses.replace(broken, result=many))) < 20_000
    summary.SummaryReporter(tmp_path / "summary").write(broken)
    assert 1_000 < (tmp_path / "summary").stat().st_size < MOST_SUMMARY


def test_an_early_end_is_stated_by_each_report(broken: Report) -> None:
    report = saying(broken, "the disk is full")
    [invocation] = json.loads(sarif.render(report))["runs"][0]["invocations"]
    assert "the disk is full" in invocation["toolExecutionNotifications"][0]["message"]["text"]
    [error] = [test for test in json.loads(ctrf.render(report))["results"]["tests"] if test["rawStatus"] == "error"]
    assert error["message"] == "the disk is full"
    assert "**Ended early:** `the disk is full`" in summary.render(report)
    noted: list[Finding] = []
    AnnotationReporter(noted).write(report)
    assert noted[-1].rule == "run.incomplete"


EXCHANGES: list[tuple[Request, Response | NoAnswer]] = [
    (
        Request("POST", "/v1/a b?x=1&y=%20", "valid", "application/json", '{"a": "ü"}'.encode()),
        Response(200, {"content-type": "image/png"}, b"\xff\x00"),
    ),
    (Request("GET", "/v1/x", "invalid"), Response(401, {"content-type": "application/json", "x-y": "\ud800\n"}, b"{}")),
    (Request("POST", "/v2/y", "missing", None, b"\xff"), NoAnswer("timed out \x1b[31m")),
    (Request("GET", "/big"), Response(200, {}, b"x" * 2_000_000)),
]


def journal_of(folder: Path, exchanges: list[tuple[Request, Response | NoAnswer]]) -> Path:
    file = folder / "run.jsonl"
    journal = create(file, {"target": "http://127.0.0.1:1"})
    for request, answer in exchanges:
        journal.append(Exchanged(None, 1_800_000_000.25, request, answer))
    journal.close()
    return file


def test_har_holds_each_exchange(broken: Report, tmp_path: Path) -> None:
    report = dataclasses.replace(broken, journal=journal_of(tmp_path, EXCHANGES))
    document = json.loads(har.render(report))
    assert violations("har", document) == []
    first, wrong, silent, big = document["log"]["entries"]
    assert first["startedDateTime"] == "2027-01-15T08:00:00.250+00:00"
    assert first["request"]["url"] == "http://127.0.0.1:1/v1/a%20b?x=1&y=%20"
    assert {"name": "x-api-key", "value": "***"} in first["request"]["headers"]
    assert first["request"]["postData"] == {"mimeType": "application/json", "text": '{"a": "ü"}'}
    assert first["response"]["content"] == {"size": 2, "mimeType": "image/png", "text": "/wA=", "encoding": "base64"}
    assert (wrong["response"]["status"], wrong["request"]["headers"][0]["value"]) == (401, "not-a-key")
    assert silent["response"]["status"] == 0
    assert "timed out" in silent["response"]["comment"]
    assert "2,000,000 bytes are left out" in big["response"]["content"]["comment"]


def test_har_has_a_bound(broken: Report, tmp_path: Path) -> None:
    bodies = [(Request("GET", f"/{number}"), Response(200, {}, b"x" * 1_000_000)) for number in range(40)]
    text = har.render(dataclasses.replace(broken, journal=journal_of(tmp_path, list(bodies))))
    assert len(text) < 40_000_000
    entries = json.loads(text)["log"]["entries"]
    assert sum("text" in entry["response"]["content"] for entry in entries) == 33


ALL = ("json", "html", "junit", "sarif", "ctrf", "allure", "har")


def test_a_run_writes_every_report_without_the_key(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(sys, "stderr", output)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(default_specs().parent))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    options = [text for form in ALL for text in (f"--{form}", str(tmp_path / form))]
    with serve(StandIn(catalog, *FAULTS)) as url:
        code = main(["contract", "--target", url, *options, "--record", str(tmp_path / "record"), *MODEL])
    assert code == 1
    commands = commands_in(output.getvalue())
    assert {command.name for command in commands} == {"error"}
    places = {(command.properties.get("file"), command.properties["title"]) for command in commands}
    assert (f"specs/models/{SLUG}.yaml", "segforge contract: range.above") in places
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path).parts[0] for path in files} == {*ALL, "record", "summary"}
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert KEY not in output.getvalue()
    for form in ("sarif", "ctrf", "har"):
        assert violations(form, json.loads((tmp_path / form).read_bytes())) == []
    assert len(json.loads((tmp_path / "har").read_bytes())["log"]["entries"]) > 50

    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "none"))
    arguments = ["--replay", str(tmp_path / "record"), "--har", str(tmp_path / "again"), "--no-github", *MODEL]
    assert main(["contract", *arguments]) == 1
    assert (tmp_path / "again").read_bytes() == (tmp_path / "har").read_bytes()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sarif", "/proc/report"], "--sarif: can't write /proc/report"),
        (["--allure", "README"], "README is a file"),
        (["--allure", "no/such/folder"], "--allure: can't write"),
        (["--ctrf", "."], "it is a folder"),
        (["--har", "x.har"], "add --record FILE"),
        (["--json", "x", "--sarif", "./x"], "--json and --sarif both name x"),
        (["--json", "x", "--record", "x"], "--json and --record both name x"),
    ],
)
def test_a_report_that_can_not_be_written_ends_the_run_before_it_starts(
    catalog: Catalog,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    Path("README").touch()
    with serve(standin := StandIn(catalog)) as url:
        assert main(["contract", "--target", url, *MODEL, *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert said in err
    assert not standin.seen
