"""Reports as files: their contents, their runnable snippets, and the escaping of foreign text."""

import dataclasses
import io
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console
from selectolax.lexbor import LexborHTMLParser

from segforge import Catalog
from segforge.spec.printable import counted
from segforge_contract import Report, plan, run
from segforge_contract.checks.answers import Broken
from segforge_contract.cli.progress import progress_bar
from segforge_contract.engine.failure import Failure
from segforge_contract.findings.known import Deviation, Verdict
from segforge_contract.reports.html import render as to_html
from segforge_contract.reports.junit import render as to_junit
from segforge_contract.reports.test_snippet import as_test
from segforge_contract.reports.text import print_report
from segforge_contract.targets.ledger import Ledger
from tests.contract.campaigns import reported, session
from tests.contract.serving import serve
from tests.contract.standin import KEY, StandIn

SLUG = "flux-img2img"
HOSTILE = "</pre><script>alert(1)</script>\"'`{{ 7 * 7 }}{% for %} ]]> &amp; \x00\x1b[31m\u202e\ud800\uffff\n<b>"


@pytest.fixture(scope="module")
def broken(catalog: Catalog) -> Report:
    """The report of a gateway that breaks a few rules, about payloads, bare requests and jobs."""
    standin = StandIn(catalog, "fraction_truncated", "content_type_ignored", "poll_lost", "malformed_500")
    return reported(catalog, standin, SLUG)


def saying(report: Report, text: str) -> Report:
    """The report with one failure, in which a server, a spec and a payload contain a text wherever they can."""
    failure = next(each for each in report.result.failures if each.case.payload is not None)
    case = dataclasses.replace(failure.case, change=text, payload={text: text})
    hostile = Failure(case, Broken(failure.broken.rule, text, text), failure.requests)
    outcome = dataclasses.replace(report.result, failures=(hostile,), stopped=text, unsent={text: 2})
    return dataclasses.replace(report, result=outcome, base_url=f"http://127.0.0.1/{text}")


def markup(page: str) -> list[tuple[str, list[str]]]:
    """The elements of a page, in order, each with the names of its attributes."""
    root = LexborHTMLParser(page).root
    assert root is not None
    return [(node.tag or "", sorted(node.attributes)) for node in root.traverse()]


@pytest.fixture(scope="module")
def harmless(broken: Report) -> list[tuple[str, list[str]]]:
    """The elements of a page with a text that is a word."""
    return markup(to_html(saying(broken, "harmless")))


@settings(max_examples=30)
@given(st.text(st.characters(), max_size=60))
@example(HOSTILE)
@example("]]>")
def test_no_text_becomes_markup(broken: Report, harmless: list[tuple[str, list[str]]], text: str) -> None:
    assert markup(to_html(saying(broken, text))) == harmless


def test_hostile_text_is_shown_unchanged(broken: Report) -> None:
    page = LexborHTMLParser(to_html(saying(broken, HOSTILE)))
    [found] = [node.text() for node in page.css("dd") if "alert" in node.text()][1:2]
    assert "<script>alert(1)</script>" in found
    assert "{{ 7 * 7 }}" in found
    assert not re.search("[\x00\x1b\u202e\ud800]", page.html or "")
    assert page.css("script, img, iframe, link, object, base") == []


def test_page_loads_no_other_resources(broken: Report) -> None:
    page = to_html(broken)
    assert "default-src 'none'" in page
    assert not re.search(r"@import|url\(|src=|<script", page)
    links = [node.attributes["href"] or "" for node in LexborHTMLParser(page).css("a")]
    assert {link for link in links if not link.startswith("#")} == {f"https://www.segmind.com/models/{SLUG}/api"}


def test_url_of_another_scheme_is_not_linked(catalog: Catalog, broken: Report) -> None:
    model = catalog.model(SLUG)
    model = dataclasses.replace(model, source=dataclasses.replace(model.source, url="javascript:alert(1)"))
    own = dataclasses.replace(catalog, models=(model,))
    page = to_html(dataclasses.replace(broken, plan=dataclasses.replace(broken.plan, catalog=own, models=(model,))))
    assert not any("javascript" in (node.attributes.get("href") or "") for node in LexborHTMLParser(page).css("a"))


def test_page_shows_each_failure_and_marks_its_cell(broken: Report) -> None:
    page = LexborHTMLParser(to_html(broken))
    assert [node.text() for node in page.css("h3")] == list(broken.by_rule)
    text = page.css("main")[0].text()
    assert "steps = 20.25" in text
    assert "model page, section Parameters" in text
    assert f"curl -sS -i {broken.base_url}/v1/{SLUG}" in text
    [row] = [row for row in page.css("tbody tr") if row.css("th")[0].text() == "steps"]
    assert [node.text().strip() for node in row.css("td.broken")] == ["✓✓ ✗ 2"]
    assert KEY not in text


def test_outdated_deviations_fail_every_report(catalog: Catalog) -> None:
    report = reported(catalog, StandIn(catalog), SLUG)
    assert report.held
    day = date(2026, 1, 1)
    gone = Deviation("range.above", "200 *", "seen", day, day, "curl", "deviations.yaml:3", parameter="steps")
    expired = Deviation("enum.each", "400 *", "seen", day, day, "curl", "deviations.yaml:9", parameter="sampler")
    report = dataclasses.replace(report, deviations=Verdict((), (), (gone,), (expired,)))
    assert not report.held
    page = LexborHTMLParser(to_html(report))
    assert page.css("h1")[0].text().strip() == "Known deviations have changed"
    first, second = (node.text() for node in page.css("p.bad"))
    assert "no longer occurs: deviations.yaml:3: range.above steps" in first
    assert "expired: deviations.yaml:9: enum.each sampler" in second
    [failure] = junit(report).iter("failure")
    assert "no longer occurs: deviations.yaml:3: range.above steps" in failure.get("message", "")


def junit(report: Report) -> ElementTree.Element:
    return ElementTree.fromstring(to_junit(report))


def test_junit_has_a_test_case_for_each_rule_on_each_operation(broken: Report) -> None:
    root = junit(broken)
    cases = {(case.get("classname"), case.get("name")): case for case in root.iter("testcase")}
    assert len(cases) == int(root.get("tests", "")) == len(list(root.iter("testcase")))
    assert int(root.get("failures", "")) == len(list(root.iter("failure"))) > 0
    failed = cases[f"segforge.{SLUG}.run", "type.number_for_integer"].find("failure")
    assert failed is not None
    assert "steps = 20.25" in failed.get("message", "")
    assert "curl -sS" in (failed.text or "")
    assert cases[f"segforge.{SLUG}.submit", "range.above"].find("failure") is None
    assert cases[f"segforge.{SLUG}.submit", "job.poll_url_serves"].find("failure") is not None
    assert cases["segforge.gateway.run", "model.unknown"].find("failure") is None


def test_junit_skips_unsent_cases(broken: Report) -> None:
    sent = [case for case in broken.result.sent if not case.accepted]
    root = junit(dataclasses.replace(broken, result=dataclasses.replace(broken.result, sent=tuple(sent))))
    skipped = {case.get("name") for case in root.iter("testcase") if case.find("skipped") is not None}
    assert "range.at_minimum" in skipped
    assert "range.below" not in skipped


@settings(max_examples=30)
@given(st.text(st.characters(), max_size=60))
@example(HOSTILE)
def test_junit_is_well_formed_for_any_server_text(broken: Report, text: str) -> None:
    root = junit(saying(broken, text))
    assert [failure.tag for failure in root.iter("failure")] == ["failure"]
    [error] = root.iter("error")
    printable = re.sub(r"[^ -~]", "", text)
    assert re.sub(r"[^ -~]", "", error.get("message", "")) == printable


def test_terminal_groups_by_rule(broken: Report) -> None:
    out = io.StringIO()
    print_report(Console(file=out, soft_wrap=True), broken)
    shown = [line.partition(":")[0] for line in out.getvalue().splitlines() if re.match(r"[a-z_]+\.[a-z_]+:", line)]
    assert list(dict.fromkeys(shown)) == list(broken.by_rule)
    assert len(shown) < len(broken.result.failures)
    assert out.getvalue().splitlines()[-2].startswith("coverage 100 %")
    assert out.getvalue().splitlines()[-1].startswith(f"{counted(len(broken.by_rule), 'rule')} broken")


def test_page_shows_spending_and_unsent_cases(broken: Report) -> None:
    outcome = dataclasses.replace(broken.result, unsent={"over the cap": 2})
    page = LexborHTMLParser(to_html(dataclasses.replace(broken, result=outcome, money={"spent": "0.5", "cap": "2.5"})))
    text = page.css("main")[0].text()
    assert "2 not sent: over the cap" in text
    assert "0.5 of 2.5 credits spent" in text


def test_progress_counts(catalog: Catalog) -> None:
    planned = plan(catalog, [catalog.model(SLUG)], max_examples=0, seed=0)
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=200)
    with (
        session(catalog, StandIn(catalog, "fraction_truncated")) as opened,
        progress_bar(console, 1, opened, Ledger(Decimal("2.50"))) as progress,
    ):
        outcome = run(planned, opened, progress=progress)
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert re.search(rf"{planned.requests}/1 {len(outcome.failures)} broken [0-9]{{3}} requests", said)
    assert f"{outcome.billed} calls accepted, 0 of 2.5 credits" in said


FAULTS = {
    "type.number_for_integer": "fraction_truncated",
    "content_type.invalid": "content_type_ignored",
    "job.poll_url_serves": "poll_lost",
    "seed.repeats_picture": "seed_unstable",
    "money.costs_add_up": "run_debited_twice",
}
"""Rules of each kind of reproduction, with the faults that break them."""


@pytest.fixture(scope="module")
def reproductions(catalog: Catalog) -> dict[str, str]:
    """The files that reproduce each of these rules, by name, from one gateway with all of the faults."""
    by_rule = reported(catalog, StandIn(catalog, *FAULTS.values()), SLUG).by_rule
    return {f"test_{rule.replace('.', '_')}.py": as_test(by_rule[rule][0]) for rule in FAULTS}


def outcomes(folder: Path, files: dict[str, str], standin: StandIn) -> tuple[dict[str, str], str]:
    """How each file's test ends on a gateway, and all that pytest printed."""
    for name, source in files.items():
        (folder / name).write_text(source, "utf-8")
    with serve(standin) as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--segforge-target", url],
            cwd=folder,
            env={"PATH": "", "SEGMIND_API_KEY": KEY},
            capture_output=True,
            text=True,
            check=False,
        )
    return dict(re.findall(r"^(\S+\.py)::\S+ (\w+) +\[", done.stdout, re.MULTILINE)), done.stdout + done.stderr


@pytest.mark.parametrize(("faults", "ended"), [([*FAULTS.values()], "FAILED"), ([], "PASSED")])
def test_reproductions_fail_on_the_gateway_that_broke_and_pass_on_one_that_holds(
    catalog: Catalog, reproductions: dict[str, str], tmp_path: Path, faults: list[str], ended: str
) -> None:
    assert all(sum(bool(line.strip()) for line in source.splitlines()) <= 5 for source in reproductions.values())
    found, printed = outcomes(tmp_path, reproductions, StandIn(catalog, *faults))
    assert found == dict.fromkeys(reproductions, ended), printed
    assert [rule for rule in FAULTS if rule in printed] == (list(FAULTS) if faults else [])


@given(st.text(), st.binary(max_size=20), st.sampled_from(["POST", "GET"]))
def test_snippet_is_valid_python_for_any_request(broken: Report, text: str, body: bytes, method: str) -> None:
    failure = broken.result.failures[0]
    request = dataclasses.replace(failure.case.request, method=method, path=f"/v1/{text}", body=body)
    case = dataclasses.replace(failure.case, request=request, model=text, payload={text: float("nan")})
    source = as_test(Failure(case, failure.broken, (request,)))
    scope: dict[str, object] = {}
    exec(compile(source, "reproduction", "exec"), scope)
    calls: list[tuple[object, ...]] = []
    [test] = [value for name, value in scope.items() if name.startswith("test_")]
    test(type("Contract", (), {"keeps": lambda _, *sent: calls.append(sent)})())  # type: ignore[operator]
    assert calls == [(case.rule, text, case.operation, dataclasses.replace(request, copy=0))]
