"""Failures are kept as files, sent first in the next run, and deleted once the rule holds."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segforge import Catalog, load_catalog
from segforge.cli import main
from segforge_contract import RULES, Request, plan, run
from segforge_contract.cases.case import under_profile
from segforge_contract.cases.parameters import valid_case
from segforge_contract.checks.answers import Broken
from segforge_contract.engine import resend
from segforge_contract.engine.campaign import RunResult
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.phases.together import at_once
from segforge_contract.engine.resend import repeated_case
from segforge_contract.findings.kept import keep_failures, kept_cases
from tests.contract.campaigns import broken_rules, campaign, session
from tests.contract.serving import serve
from tests.contract.standin import KEY, StandIn
from tests.seeds import seed_specs

SLUG = "flux-img2img"
FAULTS = ("fraction_truncated", "content_type_ignored", "poll_lost", "string_to_boolean")
FOLDER = Path(".segforge", "failures")
SPECS = ("--specs", str(seed_specs()))
REQUEST = {"method": "POST", "path": "/v1/no-such-model-0", "key": "valid", "content_type": None, "body": None}
KEPT = {"rule": "model.unknown", "case": "model.unknown", "model": None, "operation": "run"} | {
    "parameter": None,
    "change": "",
    "specs": "",
}


def again(catalog: Catalog, standin: StandIn) -> RunResult:
    """A campaign that sends kept failures first, and keeps new ones."""
    models = [catalog.model(SLUG)]
    cases, problems = kept_cases(FOLDER, catalog, models)
    assert problems == []
    with session(catalog, standin) as opened:
        outcome = run(plan(catalog, models, max_examples=0, seed=0, first=cases), opened)
    keep_failures(FOLDER, catalog, outcome)
    return outcome


def files() -> list[str]:
    return sorted(file.name.rpartition("-")[0] for file in FOLDER.glob("*.json"))


def test_failures_are_kept_sent_first_and_forgotten(catalog: Catalog) -> None:
    broken = again(catalog, StandIn(catalog, *FAULTS))
    places = {(each.broken.rule, each.case.model or "gateway", each.case.operation) for each in broken.failures}
    assert files() == sorted("-".join(place) for place in places)

    kept, _ = kept_cases(FOLDER, catalog, [catalog.model(SLUG)])
    held = again(catalog, StandIn(catalog))
    sent = [case.name for case in held.sent if RULES[case.rule].outcomes]
    assert sent[: len(kept)] == [case.name for case in kept]
    assert held.failures == ()
    assert files() == []


def test_file_stays_while_it_fails_or_is_not_sent(catalog: Catalog) -> None:
    again(catalog, StandIn(catalog, *FAULTS))
    kept = {file: file.read_bytes() for file in FOLDER.iterdir()}
    again(catalog, StandIn(catalog, *FAULTS))
    assert {file: file.read_bytes() for file in FOLDER.iterdir()} == kept
    keep_failures(FOLDER, catalog, campaign(catalog, StandIn(catalog), "style-transfer"))
    assert {file: file.read_bytes() for file in FOLDER.iterdir()} == kept
    assert kept_cases(FOLDER, catalog, [catalog.model("style-transfer")]) == ([], [])


def test_created_folder_is_ignored_by_git(catalog: Catalog) -> None:
    again(catalog, StandIn(catalog, *FAULTS))
    assert (FOLDER / ".gitignore").read_text("utf-8") == "*\n"


def test_file_kept_under_other_specs_is_deleted(catalog: Catalog, specs: Path) -> None:
    outcome = again(catalog, StandIn(catalog, *FAULTS))
    file = specs / "models" / f"{SLUG}.yaml"
    file.write_text(file.read_text("utf-8").replace("maximum: 50", "maximum: 60"), "utf-8")
    for other in (load_catalog(specs), under_profile(catalog, "observed")):
        cases, problems = kept_cases(FOLDER, other, other.models)
        assert problems == []
        assert {case.model for case in cases} <= {None}
    keep_failures(FOLDER, load_catalog(specs), RunResult((), outcome.sent, 0, 0, 0.0))
    assert all("gateway" in name for name in files())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"rule": "range.above"}',
        "[" * 100_000,
        json.dumps(KEPT),
        json.dumps(KEPT | {"request": REQUEST | {"path": "@evil.invalid/"}}),  # this would send the key to another host
    ],
)
def test_corrupt_file_is_reported_and_skipped(
    catalog: Catalog, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    FOLDER.mkdir(parents=True)
    (FOLDER / "corrupt.json").write_text(text, "utf-8")
    with serve(StandIn(catalog)) as url:
        assert main(["contract", *SPECS, "--target", url, "--models", SLUG, "--max-examples", "0"]) == 0
    [said] = capsys.readouterr().err.splitlines()
    assert "request" in said or "payload" in said or len(text) < 100 or text[0] == "["
    assert said.startswith(f"segforge contract: {FOLDER}/corrupt.json")
    assert (FOLDER / "corrupt.json").exists()


def test_the_command_keeps_and_forgets(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    command = ["contract", *SPECS, "--models", SLUG, "--max-examples", "0", "--target"]
    with serve(StandIn(catalog, "fraction_truncated")) as url:
        assert main([*command, url, "--forget"]) == 1
        assert files() == []
        assert main([*command, url, "--failures", "mine"]) == 1
        assert [file.name for file in Path("mine").glob("type.*-run-*.json")]
        assert main([*command, url]) == 1
    with serve(StandIn(catalog)) as url:
        assert main([*command, url, "--forget"]) == 0
        assert files() != []
        assert main([*command, url]) == 0
        assert files() == []
    assert KEY not in "".join(capsys.readouterr())


def test_unwritable_folder_is_reported(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    Path(".segforge").write_text("a file", "utf-8")
    with serve(StandIn(catalog, "fraction_truncated")) as url:
        assert main(["contract", *SPECS, "--target", url, "--models", SLUG, "--max-examples", "0"]) == 1
    assert "can't keep failures: " in capsys.readouterr().err


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(st.characters()), json_values, max_size=4), st.binary(max_size=30))
def test_kept_case_round_trips(
    catalog: Catalog, tmp_path_factory: pytest.TempPathFactory, payload: dict[str, object], body: bytes
) -> None:
    folder = tmp_path_factory.mktemp("kept") / "failures"
    model = catalog.model(SLUG)
    request = Request("PUT", f"/v1/{SLUG}", "invalid", "text/plain", body)
    cases = [
        valid_case(catalog.gateway, model, "run", payload, "drawn"),
        repeated_case(catalog, "method.not_allowed", SLUG, "run", request),
    ]
    failures = tuple(Failure(case, Broken(case.rule, "", ""), (case.request,)) for case in cases)
    keep_failures(folder, catalog, RunResult(failures, tuple(cases), 0, 0, 0.0))
    found, problems = kept_cases(folder, catalog, [model])
    assert problems == []
    assert sorted(case.rule for case in found) == sorted(case.rule for case in cases)
    assert {case.request for case in found} == {case.request for case in cases}


def test_key_is_never_kept(catalog: Catalog) -> None:
    outcome = again(catalog, StandIn(catalog, "key_in_error", "key_as_id", *FAULTS))
    assert "key.not_echoed" in broken_rules(outcome)
    assert not [file for file in FOLDER.iterdir() if KEY in file.read_text("utf-8")]


def test_crossed_outputs_are_found_again(catalog: Catalog) -> None:
    """Jobs that wait at the same time are needed to show them, also for a model that isn't the first."""
    model = catalog.model("style-transfer")
    crossed = StandIn(catalog, "outputs_swapped")
    with session(catalog, crossed) as opened:
        found = [failure for failure in at_once(opened, model) if failure.broken.rule == "job.result_own"]
        assert found
        keep_failures(FOLDER, catalog, RunResult(tuple(found), (), 0, 0, 0.0))
        cases, _ = kept_cases(FOLDER, catalog, catalog.models)
        assert "job.result_own" in {failure.broken.rule for failure in resend.again(opened, cases[0])}
    planned = plan(catalog, [catalog.model(SLUG), model], max_examples=0, seed=0, first=cases)
    only = replace(planned, cases=tuple(case for case in planned.cases if case in cases))
    for compares in (False, True):  # the file stays until jobs of its model were submitted together and kept the rule
        with session(catalog, StandIn(catalog)) as opened:
            keep_failures(FOLDER, catalog, run(replace(only, draws_valid=compares), opened))
        assert (files() == ["job.result_own-style-transfer-submit"]) != compares
