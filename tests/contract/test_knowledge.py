"""No case claims more than the sources of a spec say: partial models, unknown and inferred facts, contradictions."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from segforge import Catalog
from segforge.spec.catalog import Model
from segforge_contract import Report, plan, run
from segforge_contract.cases.case import Case
from segforge_contract.cases.tables import deterministic_cases
from segforge_contract.findings.coverage import coverage
from segforge_contract.reports.text import in_words
from tests.contract.campaigns import session
from tests.contract.standin import BASE_URL, StandIn
from tests.harness.mutants.nested import built

WORDS = {"description": "x"}
STEPS = {"type": "integer", "required": False, "minimum": 1, "maximum": 9, **WORDS}


def model(parameters: dict[str, dict[str, Any]], example: dict[str, Any], **more: Any) -> Model:
    data = {
        "slug": "known",
        "title": "Known",
        "description": "x",
        "source": {"url": "https://example.com", "reviewed": "2026-11-28"},
        "versions": ["v1"],
        "returns": {"media": "json"},
        "parameters": {name: {**WORDS, **facts} for name, facts in parameters.items()},
        "example": example,
    }
    return built(data | more)


def cases(catalog: Catalog, model: Model) -> list[Case]:
    """Returns the decided cases about parameters and payloads."""
    every = deterministic_cases(replace(catalog, models=(model,)), [model])
    return [case for case in every if case.model is not None and case.payload is not None and not case.undecided]


def rules(catalog: Catalog, model: Model, name: str) -> set[str]:
    return {case.rule for case in cases(catalog, model) if case.parameter == name}


PROMPT = {"type": "string", "required": True}


def test_a_sample_shows_that_a_partial_model_needs_nothing_else(catalog: Catalog) -> None:
    facts = {"prompt": PROMPT, "steps": STEPS}
    with_sample = cases(catalog, model(facts, {"prompt": "a cat"}, level="partial"))
    assert {"payload.valid", "range.at_maximum", "range.above"} <= {case.rule for case in with_sample}
    without = cases(catalog, model(facts, {}, level="partial"))
    assert [case.rule for case in without if case.accepted] == []
    assert {"range.above", "required.missing"} <= {case.rule for case in without}


def test_a_partial_model_does_not_say_where_null_is_refused(catalog: Catalog) -> None:
    facts = {"prompt": PROMPT, "steps": STEPS}
    complete = model(facts, {"prompt": "a cat"})
    assert "null.not_nullable" in rules(catalog, complete, "steps")
    assert "null.not_nullable" not in rules(catalog, replace(complete, level="partial"), "steps")


def test_a_parameter_that_may_be_required_is_always_sent_as_in_the_sample(catalog: Catalog) -> None:
    image = {"type": "string", "required": "unknown"}
    facts: dict[str, dict[str, Any]] = {"prompt": PROMPT, "image": image, "steps": STEPS}
    unsure = model(facts, {"prompt": "a cat", "image": "https://example.com/cat.png", "steps": 4})
    sent = cases(catalog, unsure)
    assert all("image" in (case.payload or {}) for case in sent if case.accepted)
    assert {"optional.omitted", "required.missing"} & rules(catalog, unsure, "image") == set()
    assert "optional.omitted" in rules(catalog, unsure, "steps")


def test_an_unknown_type_claims_nothing_but_the_printed_value(catalog: Catalog) -> None:
    odd = model({"prompt": PROMPT, "odd": {"required": False}}, {"prompt": "a cat", "odd": [1, {"a": "b"}]})
    assert rules(catalog, odd, "odd") == {"optional.omitted"}
    sent = [dict(case.payload or {}) for case in cases(catalog, odd) if case.accepted]
    assert all(payload.get("odd", [1, {"a": "b"}]) == [1, {"a": "b"}] for payload in sent)


@pytest.mark.parametrize(
    ("fact", "lost"),
    [
        ("type", {"type.string_for_integer", "type.boolean_for_integer", "type.number_for_integer"}),
        ("maximum", {"range.above", "range.at_maximum"}),
        ("required", {"required.missing"}),
    ],
)
def test_an_inferred_fact_is_not_tested(catalog: Catalog, fact: str, lost: set[str]) -> None:
    facts = {**STEPS, "required": True}
    stated = rules(catalog, model({"prompt": PROMPT, "steps": facts}, {"prompt": "a cat", "steps": 4}), "steps")
    inferred = {**facts, "inferred": [fact]}
    found = rules(catalog, model({"prompt": PROMPT, "steps": inferred}, {"prompt": "a cat", "steps": 4}), "steps")
    refused = {rule for rule in lost if rule != "range.at_maximum"}
    assert refused <= stated
    assert refused & found == set()
    assert "null.not_nullable" in found


def test_a_type_that_the_page_itself_breaks_is_not_tested(catalog: Catalog) -> None:
    quirk = {"at": "sample.seconds", "found": "8", "why": "text for an integer"}
    seconds = {"type": "integer", "required": False, "default": 8, "enum": {"known": [4, 8], "total": 2}}
    odd = model({"prompt": PROMPT, "seconds": seconds}, {"prompt": "a cat", "seconds": "8"}, quirks=[quirk])
    sent = cases(catalog, odd)
    assert "8" not in [(case.payload or {}).get("seconds") for case in sent]
    assert "type.string_for_integer" not in rules(catalog, odd, "seconds")
    assert {"enum.each", "enum.unknown", "type.boolean_for_integer"} <= rules(catalog, odd, "seconds")
    assert any(case.rule == "payload.valid" for case in sent)


def test_a_value_that_a_quirk_doubts_is_never_sent(catalog: Catalog) -> None:
    quirk = {"at": "enum.size", "found": "huge", "why": "the text says there are two sizes"}
    size = {"type": "string", "required": True, "enum": {"known": ["huge", "small", "large"], "total": 3}}
    odd = model({"size": size}, {"size": "huge"}, quirks=[quirk])
    sent = [(case.payload or {}).get("size") for case in cases(catalog, odd) if case.accepted]
    assert "huge" not in sent
    assert {"small", "large"} <= set(sent)


def test_an_inferred_condition_is_neither_kept_nor_broken(catalog: Catalog) -> None:
    facts = {"prompt": PROMPT, "mask": {"type": "boolean", "required": False}, "steps": STEPS}
    condition = {"when_present": ["mask"], "forbids": ["steps"], "inferred": True}
    unsure = model(facts, {"prompt": "a cat"}, conditions=[condition])
    sent = cases(catalog, unsure)
    assert [case.rule for case in sent if case.rule.startswith("condition.")] == []
    assert all({"mask", "steps"} - (case.payload or {}).keys() for case in sent if case.accepted)


def test_coverage_says_how_much_of_a_partial_model_is_unknown(catalog: Catalog) -> None:
    facts: dict[str, dict[str, Any]] = {
        "prompt": PROMPT,
        "odd": {"required": "unknown"},
        "size": {"type": "string", "required": "unknown"},
    }
    partial = model(facts, {"prompt": "a cat"}, level="partial")
    own = replace(catalog, models=(partial,))
    found = coverage(own, [partial], ())
    assert found.unknown == {"known": (3, 1, 2)}
    [first, second] = in_words(found).splitlines()
    assert first.startswith("coverage")
    assert "1 partial models" in second
    assert "1 have no known type and 2 may be required" in second


def test_a_model_whose_medium_was_not_judged_is_not_covered(catalog: Catalog) -> None:
    own = replace(model({"prompt": PROMPT}, {"prompt": "a cat"}), slug="solid")
    solid = replace(own, returns=replace(own.returns, media="model3d"))
    only = replace(catalog, models=(solid,))
    with session(only, StandIn(only)) as opened:  # the stand-in answers JSON that no decoder can judge as a 3D model
        planned = plan(only, [solid], max_examples=0, seed=0)
        result = run(planned, opened)
        report = Report(planned, result, BASE_URL)
    assert Counter(failure.broken.rule for failure in result.failures)["bytes.match_media"] > 0
    without = [case for case in result.sent if case.rule != "bytes.match_media"]
    found = coverage(only, [solid], without)
    assert [point.in_words for point in found.missing] == ["bytes.match_media solid run"]
    assert found.percent < report.coverage.percent == 100
