"""`segforge contract rules` and `explain`: every rule is listed and can be explained, in text and in JSON."""

import json

import pytest

from segforge import Catalog
from segforge.cli import main
from segforge_contract import RULES, plan
from segforge_contract.reports.why import Explanation, explanations


def test_every_rule_is_listed_with_its_promise(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(RULES)
    assert all(line.endswith(rule.promise) for line, rule in zip(lines, RULES.values(), strict=True))


def test_rules_can_be_selected_by_name_and_model_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["contract", "rules", "--rule", "type.", "--models", "flux-dev-finetuned", "--json"]
    assert main(arguments) == 0
    listed = json.loads(capsys.readouterr().out)
    names = [rule["name"] for rule in listed]
    assert "type.string_for_integer" in names
    assert "type.string_for_boolean" not in names  # the model has no boolean parameter
    [whole] = [rule for rule in listed if rule["name"] == "type.string_for_integer"]
    assert {(each["model"], each["parameter"]) for each in whole["cases"]} == {
        ("flux-dev-finetuned", "seed"),
        ("flux-dev-finetuned", "steps"),
    }


def test_observed_profile_lists_other_outcomes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "rules", "--rule", "range.below", "--profile", "observed"]) == 0
    assert "v1 500/400, v2 200" in capsys.readouterr().out


@pytest.fixture(scope="module")
def explained(catalog: Catalog) -> dict[str, Explanation]:
    return {each.rule.name: each for each in explanations(catalog, catalog.models, tuple(RULES))}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_can_be_explained(rule: str, explained: dict[str, Explanation]) -> None:
    explanation = explained[rule]
    assert explanation.why
    assert explanation.rule.source
    assert explanation.example is not None or explanation.rule.family == "relation"
    if explanation.rule.outcomes:
        assert {each.version for each in explanation.expectations} == {"v1", "v2"}
        assert all(each.source for each in explanation.expectations)


def test_counts_are_those_of_the_tables(catalog: Catalog) -> None:
    planned = plan(catalog, catalog.models, max_examples=0, seed=0).cases
    for explanation in explanations(catalog, catalog.models, ("range.below", "auth.missing", "enum.each")):
        sent = sum(case.rule == explanation.rule.name for case in planned)
        assert sum(explanation.cases.values()) >= sent > 0


def test_explanation_names_the_docs_line_and_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "explain", "range.below", "--models", "flux-img2img"]) == 0
    out = capsys.readouterr().out
    assert "Common Error Codes (400" in out
    assert "observed, v2: 200 job.failed" in out
    assert "tests    flux-img2img: denoise, steps" in out
    assert "curl -sS -i https://api.segmind.com/v1/flux-img2img" in out


def test_misspelt_rule_exits_with_2_and_suggests_similar_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", "explain", "range.belwo"]) == 2
    assert "did you mean range.below" in capsys.readouterr().err
    assert main(["contract", "rules", "--rule", "nonsense"]) == 2
    assert "'nonsense'" in capsys.readouterr().err
