"""No case contradicts the specs: jsonschema, an independent reading of them, agrees with every case."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from segforge import Catalog
from segforge.emit.schemas import request_schema
from segforge.spec.catalog import Model
from segforge.spec.load import build_model
from segforge_contract import RULES
from segforge_contract.cases.case import Case
from segforge_contract.cases.changes import ParameterChange
from segforge_contract.cases.drawn import valid_payloads
from segforge_contract.cases.gate import UNSOUND, is_surely_valid
from segforge_contract.cases.parameters import payload_case, valid_case
from segforge_contract.cases.payloads import base_payload
from segforge_contract.cases.tables import deterministic_cases
from segforge_contract.pytest_plugin import spread
from tests.catalogs import drawn_models
from tests.contract.campaigns import campaign, session
from tests.contract.standin import StandIn
from tests.contract.validation import broken_conditions, wrong_formats

PROMPT = {"type": "string", "required": True, "description": "x"}
CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "empty uri": {"type": "string", "format": "uri", "required": False, "description": "x", "default": ""},
    "default above": {"type": "integer", "required": True, "description": "x", "default": 60, "maximum": 50},
    "value outside": {
        "type": "number", "required": False, "description": "x", "minimum": 1, "enum": {"known": [0.5, 2], "total": 2}
    },
}  # fmt: skip


def probe(**parameters: dict[str, Any]) -> Model:
    """Returns a model with a prompt and these parameters; its sample sends their printed values."""
    printed = {name: data["default"] for name, data in parameters.items() if "default" in data}
    return build_model(
        {
            "slug": "probe",
            "title": "Probe",
            "description": "x",
            "source": {"url": "https://a.test", "reviewed": "2026-11-21"},
            "versions": ["v1", "v2"],
            "returns": {"media": "json"},
            "parameters": {"prompt": PROMPT, **parameters},
            "example": {"prompt": "q", **printed},
        }
    )


def cases(catalog: Catalog, model: Model) -> list[Case]:
    """Returns the parameter cases of a model that have one kind of outcome only."""
    every = deterministic_cases(replace(catalog, models=(model,)), [model])
    return [
        case
        for case in every
        if case.payload is not None and RULES[case.rule].family == "parameter" and not case.undecided
    ]


@pytest.mark.parametrize("nested", [False, True])
def test_jsonschema_agrees_with_every_case(catalog: Catalog, nested: bool) -> None:
    for model in drawn_models(60 if nested else 40, nested=nested):
        schema = Draft202012Validator(request_schema(model))
        for case in cases(catalog, model):
            payload = dict(case.payload or {})
            odd = [*broken_conditions(model, payload), *wrong_formats(model.parameters, payload)]
            valid = schema.is_valid(payload) and not odd
            assert valid is case.accepted, (case.name, payload)


def test_valid_payloads_of_every_model_are_drawn_and_few_are_discarded(whole_catalog: Catalog) -> None:
    @settings(max_examples=15, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(data=st.data())
    def drawn(model: Model, data: st.DataObject) -> None:  # with the health checks of Hypothesis
        payload = data.draw(valid_payloads(model))
        assert is_surely_valid(model, payload) or not is_surely_valid(model, base_payload(model)), model.slug

    for model in (*spread(whole_catalog.models), *drawn_models(40, nested=True)):
        drawn(model)


def test_a_size_above_an_exclusive_end_is_drawn() -> None:
    facts = {"type": "integer", "required": True, "description": "x", "exclusive_minimum": 5000, "maximum": 9000}
    made = probe(size=facts)
    controls = replace(made.returns.controls, width="size")
    model = replace(made, returns=replace(made.returns, controls=controls))

    @settings(max_examples=15, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(valid_payloads(model))
    def drawn(payload: dict[str, Any]) -> None:  # with the health checks of Hypothesis
        assert 5000 < payload["size"] <= 9000

    drawn()


def test_a_value_beyond_32_bits_is_above_the_range(catalog: Catalog) -> None:
    facts = {"type": "integer", "required": False, "description": "x", "default": 42}
    model = probe(seed={**facts, "minimum": 0, "maximum": 9999999999})
    above = [dict(case.payload or {})["seed"] for case in cases(catalog, model) if case.rule == "range.above"]
    assert min(above) > 9999999999
    assert 42 in {value % 2**32 for value in above}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_page_that_contradicts_itself_raises_no_alarm(catalog: Catalog, name: str) -> None:
    model = probe(odd=CONTRADICTIONS[name])
    (parameter,) = (each for each in model.parameters if each.name == "odd")
    assert len(parameter.disputed) == 1
    sent = [dict(case.payload or {}).get("odd") for case in cases(catalog, model)]
    assert not set(parameter.disputed) & {value for value in sent if isinstance(value, str | int | float)}
    any_catalog = replace(catalog, models=(model,))
    assert campaign(any_catalog, StandIn(any_catalog), max_examples=3).failures == ()


def test_an_unsound_case_is_not_sent(catalog: Catalog) -> None:
    model = probe(seed={"type": "integer", "required": False, "description": "x", "minimum": 0, "maximum": 9})
    any_catalog = replace(catalog, models=(model,))
    wrong = payload_case(catalog.gateway, model, "run", "seed", ParameterChange("range.above", 5))
    right = valid_case(catalog.gateway, model, "run", {**base_payload(model), "seed": 10}, "seed = 10")
    with session(any_catalog, StandIn(any_catalog)) as opened:
        assert opened.perform(wrong) + opened.perform_together([right]) == []
        assert (opened.requests, opened.unsent[UNSOUND]) == (0, 2)


SEED_LIKE = {"type": "integer", "required": False, "description": "x", "default": 7}
# The limits of a parameter, and changes that must not be sent, since they are right or wrong for another reason.
AT_THE_EDGE: dict[str, tuple[dict[str, Any], list[tuple[str, Any]]]] = {
    "the range is wider than 32 bits": (
        {"minimum": 0, "maximum": 2**40}, [("range.above", 7 + 2**32)]
    ),
    "the range ends above 32 bits": (
        {"minimum": 0, "maximum": 2**32 + 7}, [("range.above", 7 + 2**32)]
    ),
    "the range excludes what loses its sign": (
        {"minimum": -7, "maximum": 10}, [("range.below", -7)]
    ),
    "a closed set excludes both ends": (
        {"minimum": 0, "maximum": 100, "enum": {"known": [7, 9], "total": 2}},
        [("range.at_minimum", 0), ("range.at_maximum", 100), ("range.minus_zero", 0)],
    ),
    "the step excludes both ends": (
        {"minimum": 1, "maximum": 20, "multiple_of": 7}, [("range.at_minimum", 1), ("range.at_maximum", 20)]
    ),
}  # fmt: skip


@pytest.mark.parametrize("edge", AT_THE_EDGE)
def test_no_limit_is_tested_with_a_value_that_the_specs_judge_otherwise(catalog: Catalog, edge: str) -> None:
    limits, never = AT_THE_EDGE[edge]
    sent = campaign_over(catalog, probe(size=SEED_LIKE | limits))
    sizes = [(case.rule, case.payload["size"]) for case in sent if case.payload and "size" in case.payload]
    assert not [size for size in sizes if size in never]
    beyond = [size for rule, size in sizes if rule in ("range.above", "range.below")]
    assert all(not limits["minimum"] <= size <= limits["maximum"] for size in beyond)


def campaign_over(catalog: Catalog, model: Model) -> tuple[Case, ...]:
    """Tests a gateway that serves this model only. Returns the cases sent; no rule may break."""
    own = replace(catalog, models=(model,))
    result = campaign(own, StandIn(own), model.slug, max_examples=5)
    assert result.failures == ()
    return result.sent


def test_odd_body_is_not_judged_by_defaults_that_it_replaces(catalog: Catalog) -> None:
    """A submit may send a key twice, beside another size than the default one."""
    model = catalog.model("style-transfer")
    default = model.example["width"] + 64
    parameters = (replace(each, default=default) if each.name == "width" else each for each in model.parameters)
    own = replace(catalog, models=(replace(model, parameters=tuple(parameters)),))
    every = deterministic_cases(own, own.models)
    odd = [case for case in every if case.operation == "submit" and case.accepted and case.payload is None]
    assert odd
    with session(own, StandIn(own)) as opened:
        assert [failure for case in odd for failure in opened.perform(case) + opened.settle(deep=True)] == []
