"""The coverage matrix counts sent cases, not planned ones."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from segforge import Catalog
from segforge.cli import main
from segforge_contract import plan
from segforge_contract.cases.case import Case
from segforge_contract.findings.coverage import Coverage, coverage
from tests.contract.campaigns import reported
from tests.contract.standin import StandIn

SLUG = "flux-img2img"


def cases(catalog: Catalog) -> tuple[Case, ...]:
    return plan(catalog, [catalog.model(SLUG)], max_examples=0, seed=0).cases


def of(catalog: Catalog, sent: Iterable[Case]) -> Coverage:
    return coverage(catalog, [catalog.model(SLUG)], sent)


def states(found: Coverage, parameter: str) -> dict[str, str]:
    return {aspect: cell.state for aspect, cell in found.row(found.models[0], parameter).items()}


def test_tables_cover_every_side(catalog: Catalog) -> None:
    found = of(catalog, cases(catalog))
    by_answers = {
        "default.omitted_equals_explicit",
        "seed.repeats_picture",
        "seed.changes_picture",
        "prompt.changes_picture",
        "money.costs_add_up",
        "bytes.match_media",
    }
    assert {point.rule for point in found.missing} == by_answers
    whole = {"minimum": "both", "maximum": "both", "presence": "both", "null": "both", "type": "both"}
    assert states(found, "steps") == {**whole, "default": "whole"}
    # The page shows ten of 26 samplers, so an unknown one may be valid.
    assert states(found, "sampler_name")["values"] == "whole"
    assert states(found, "scheduler")["values"] == "both"


def test_refusals_alone_cover_one_side(catalog: Catalog) -> None:
    found = of(catalog, [case for case in cases(catalog) if not case.accepted])
    assert states(found, "steps")["minimum"] == "one"
    assert states(found, "steps")["default"] == "none"
    assert 0 < found.percent < 100


@pytest.mark.parametrize("rule", ["range.above", "range.at_maximum"])
def test_side_counts_once_every_operation_tested_it(catalog: Catalog, rule: str) -> None:
    def sent(*without: str) -> Coverage:
        return of(
            catalog,
            [
                case
                for case in cases(catalog)
                if not (case.parameter == "steps" and case.rule == rule and case.operation in without)
            ],
        )

    assert states(sent("submit"), "steps")["maximum"] == "one"
    assert sent("submit").missing[0].in_words == f"{rule} flux-img2img submit steps"
    assert sent("submit", "run").percent < sent("submit").percent < 100


def test_no_cases_cover_nothing(catalog: Catalog) -> None:
    found = of(catalog, [])
    assert found.percent == 0
    assert {state for parameter in ("steps", "prompt") for state in states(found, parameter).values()} == {"none"}


def test_request_that_tests_two_rules_counts_for_both(catalog: Catalog) -> None:
    sample, *_ = [case for case in cases(catalog) if case.rule == "payload.valid" and case.operation == "run"]
    rules = {point.rule for point in of(catalog, [sample]).sent}
    assert {"payload.valid", "default.explicit", "enum.each"} <= rules  # the sample contains defaults and known values


def test_percentage_below_100_is_not_rounded_up(catalog: Catalog) -> None:
    points = of(catalog, []).points
    sent = dict.fromkeys(list(points)[1:], 1)
    assert Coverage(catalog, (catalog.model(SLUG),), {**points}, sent).percent < 100
    assert Coverage(catalog, (), {}, {}).percent == 100


def test_campaign_covers_everything(catalog: Catalog) -> None:
    assert reported(catalog, StandIn(catalog), SLUG).coverage.percent == 100


def test_only_images_count_as_to_be_compared(catalog: Catalog) -> None:
    image = catalog.model(SLUG)
    compared = {"default.omitted_equals_explicit", "seed.repeats_picture", "seed.changes_picture"}
    video = replace(image, returns=replace(image.returns, media="video", formats=()))
    for model, expected in ((image, compared), (video, set[str]())):
        found = coverage(replace(catalog, models=(model,)), [model], ())
        assert {point.rule for point in found.points} & compared == expected


def test_fail_under_names_a_missing_rule(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def half(*args: object, **options: object) -> object:
        planned = plan(*args, **options)  # type: ignore[arg-type]
        return type(planned)(planned.catalog, planned.models, planned.cases[:50], 0, planned.seed)

    monkeypatch.setattr("segforge_contract.engine.plan.plan", half)
    command = ["contract", "--target", "mock", "--models", SLUG, "--max-examples", "0"]
    assert main([*command, "--fail-under", "5"]) == 0
    assert main([*command, "--fail-under", "99.5"]) == 1
    [said] = capsys.readouterr().err.splitlines()
    assert "--fail-under requires 99.5 %" in said
    assert "no case was sent for" in said


@pytest.mark.parametrize("bound", ["-1", "100.5", "nan", "most"])
def test_fail_under_outside_0_to_100_is_misuse(bound: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["contract", "--target", "mock", f"--fail-under={bound}"])
    assert "expected a number from 0 to 100" in capsys.readouterr().err
