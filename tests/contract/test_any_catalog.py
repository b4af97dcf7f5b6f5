"""For any model, the contract tests' cases agree with a jsonschema validator made from the same facts."""

import itertools
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from segforge import Catalog
from segforge.spec.catalog import ABSENT, Choices, Controls, Model, Parameter, ParameterType, Returns, Source
from segforge_contract.cases.case import Case, operations
from segforge_contract.engine.phases.drawn import case_strategy
from tests.contract.campaigns import campaign, session
from tests.contract.standin import StandIn

MODELS = 30
NAMES = ("alpha", "beta", "gamma", "delta", "prompt")


@st.composite
def parameters(draw: st.DrawFn, name: str) -> tuple[Parameter, Any]:
    """Draws a parameter and a valid value of it."""
    type_: ParameterType = draw(st.sampled_from(get_args(ParameterType)))
    parameter = Parameter(name, type_, draw(st.booleans()), "What it does.", nullable=draw(st.booleans()))
    values: st.SearchStrategy[Any] = st.booleans() if type_ == "boolean" else st.text(max_size=8)
    if type_ in ("integer", "number"):
        whole = st.integers(-50, 50)
        low, high = sorted(draw(st.tuples(*[whole if type_ == "integer" else whole | st.floats(-50, 50)] * 2)))
        bounded = draw(st.tuples(st.booleans(), st.booleans()))
        parameter = replace(parameter, minimum=low if bounded[0] else None, maximum=high if bounded[1] else None)
        values = st.sampled_from((low, high))
    unbounded = parameter.minimum is None and parameter.maximum is None
    if type_ in ("string", "integer") and unbounded and draw(st.booleans()):
        known = tuple(draw(st.lists(values, min_size=1, max_size=4, unique=True)))
        parameter = replace(parameter, choices=Choices(known, len(known) + draw(st.integers(0, 2))))
        values = st.sampled_from(known)
    defaults = st.just(ABSENT) | values
    return replace(parameter, default=draw(st.none() | defaults if parameter.nullable else defaults)), draw(values)


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Draws any model whose page doesn't contradict itself."""
    drawn = [draw(parameters(name)) for name in NAMES[: draw(st.integers(1, len(NAMES)))]]
    controls = Controls(prompt="prompt" if any(p.name == "prompt" and p.type == "string" for p, _ in drawn) else None)
    return Model(
        slug="any-model",
        title="Any",
        description="Any.",
        source=Source("https://example.com", "2026-11-21"),
        versions=draw(st.sampled_from((("v1",), ("v2",), ("v1", "v2")))),
        returns=Returns("json", controls=controls),
        parameters=tuple(parameter for parameter, _ in drawn),
        example={parameter.name: value for parameter, value in drawn if draw(st.booleans())},
    )


@pytest.fixture(scope="module")
def drawn(catalog: Catalog) -> list[tuple[Catalog, list[Case]]]:
    """Returns catalogs of one model each, with a valid and an invalid case for each of its operations.

    They are drawn before anything is sent, so that each campaign is a test of its own.
    """
    found: list[tuple[Catalog, list[Case]]] = []

    @settings(max_examples=MODELS, phases=[Phase.generate], database=None)
    @given(model=models(), data=st.data())
    def collect(model: Model, data: st.DataObject) -> None:
        any_catalog = replace(catalog, models=(model,))
        strategies = [
            case_strategy(any_catalog, model, operation, valid=valid)
            for operation, valid in itertools.product(operations(model), (True, False))
        ]
        found.append((any_catalog, [data.draw(strategy) for strategy in strategies]))

    collect()
    return found


@pytest.mark.parametrize("number", range(MODELS))
def test_no_alarm_for_any_specs(drawn: list[tuple[Catalog, list[Case]]], number: int) -> None:
    any_catalog, cases = drawn[number]
    standin = StandIn(any_catalog)
    found = list(campaign(any_catalog, standin).failures)
    with session(any_catalog, standin) as opened:
        for case in cases:
            found += opened.perform(case)
        found += opened.settle()
    assert [(failure.case.name, failure.broken.found) for failure in found] == []
