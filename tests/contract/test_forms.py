"""Multipart forms are sent to models whose page prints them, and only with values that a form holds for sure."""

from dataclasses import replace
from typing import Any

import pytest

from segforge import Catalog
from segforge.spec.catalog import Model
from segforge_contract.cases.case import Case
from segforge_contract.cases.forms import form_of
from segforge_contract.cases.tables import deterministic_cases
from segforge_contract.findings.coverage import Point, coverage
from segforge_mock.gateway.forms import read_form
from tests.contract.test_gate import probe
from tests.contract.test_limits import broken
from tests.harness.mutants.forms import MODEL, ONLY_FORMS

RULE = "content_type.multipart"
SENT = {"prompt": "a cat", "steps": 4, "image": "https://example.com/cat.png"}
LIST: dict[str, Any] = {"type": "array", "items": {"type": "string"}, "description": "x"}
FILE: dict[str, Any] = {"type": "string", "file": "image", "accepts": ["part"], "description": "x", "default": "x"}


def forms(catalog: Catalog, model: Model) -> list[Case]:
    own = replace(catalog, models=(model,))
    return [case for case in deterministic_cases(own, [model]) if case.rule == RULE]


@pytest.mark.parametrize("model", [MODEL, ONLY_FORMS], ids=["beside JSON", "only forms"])
def test_the_sample_is_sent_as_a_form_on_each_version(catalog: Catalog, model: Model) -> None:
    cases = forms(catalog, model)
    assert [(case.operation, case.payload) for case in cases] == [("run", SENT), ("submit", SENT)]
    for case in cases:
        assert case.request.content_type is not None
        assert read_form(model, case.request.content_type, case.request.body or b"") == SENT


def test_a_gateway_that_accepts_forms_breaks_nothing(catalog: Catalog) -> None:
    for model in (MODEL, ONLY_FORMS):
        assert broken(catalog, model, model) == set()


def test_no_form_is_sent_if_no_source_says_that_it_is_valid(catalog: Catalog) -> None:
    optional = probe(tags={**LIST, "required": False, "default": ["a"]}, file={**FILE, "required": False})
    assert [case.payload for case in forms(catalog, replace(optional, encodings=MODEL.encodings))] == [
        {"prompt": "q"}
    ] * 2
    assert forms(catalog, optional) == []
    for needed in ({"tags": {**LIST, "required": True, "default": ["a"]}}, {"file": {**FILE, "required": True}}):
        assert forms(catalog, replace(probe(**needed), encodings=MODEL.encodings)) == []


def test_forms_count_as_covered_only_if_they_are_sent(catalog: Catalog) -> None:
    own = replace(catalog, models=(MODEL,))
    cases = list(deterministic_cases(own, [MODEL]))
    points = {Point(MODEL.slug, "run", None, RULE), Point(MODEL.slug, "submit", None, RULE)}
    assert points <= coverage(own, [MODEL], cases).points.keys()
    others = [case for case in cases if case.rule != RULE]
    assert {point for point in coverage(own, [MODEL], others).missing if point.rule == RULE} == points


def test_a_form_holds_any_text() -> None:
    text = "--segforge-contract-form\r\n--segforge-contract-form-- caf\u00e9 \u2603 \r\n\r\n\0"
    payload = {"prompt": text, "steps": 1, "image": "https://a.test/?q=x%20&y"}
    assert read_form(MODEL, *form_of(payload)) == payload
