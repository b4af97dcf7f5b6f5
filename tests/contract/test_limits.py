"""A gateway that ignores a limit of a parameter, or has a narrower one, breaks the rules of that limit alone."""

from dataclasses import replace
from typing import Any

import pytest

from segforge import Catalog
from segforge.spec.catalog import Model
from segforge_contract import AsgiTarget, open_session, plan, run
from segforge_mock import create_app
from segforge_mock.models.served import models_of_catalog
from tests.contract.campaigns import broken_rules
from tests.contract.test_gate import probe

KEY = "SG_0123456789abcdef"
SIZE: dict[str, Any] = {"type": "integer", "required": False, "description": "x", "default": 64, "multiple_of": 8}
SHARE: dict[str, Any] = {
    "type": "number",
    "required": False,
    "description": "x",
    "default": 0.5,
    "exclusive_minimum": 0,
    "exclusive_maximum": 1,
}
LYRICS: dict[str, Any] = {"type": "string", "required": False, "description": "x", "min_length": 3, "max_length": 40}
MASK: dict[str, Any] = {"type": "string", "required": False, "description": "x", "format": "base64"}
LINK: dict[str, Any] = {"type": "string", "required": False, "description": "x", "format": "uri"}
# The parameter, the limits that the gateway has instead, and the rules that it breaks.
FAULTS: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "no step": ("size", {"multiple_of": None}, {"range.off_step"}),
    "a wider step": ("size", {"multiple_of": 4}, {"range.off_step"}),
    "no lower end": ("share", {"exclusive_minimum": None}, {"range.below"}),
    "an inclusive lower end": ("share", {"exclusive_minimum": None, "minimum": 0}, {"range.below"}),
    "no upper end": ("share", {"exclusive_maximum": None}, {"range.above"}),
    "an inclusive upper end": ("share", {"exclusive_maximum": None, "maximum": 1}, {"range.above"}),
    "no shortest text": ("lyrics", {"min_length": None}, {"range.too_short"}),
    "a longer shortest text": ("lyrics", {"min_length": 4}, {"range.at_shortest"}),
    "no longest text": ("lyrics", {"max_length": None}, {"range.too_long"}),
    "one character more": ("lyrics", {"max_length": 41}, {"range.too_long"}),
    "no base64": ("mask", {"format": None}, {"format.base64"}),
    "no URI": ("link", {"format": None}, {"format.uri"}),
    "one character less": ("lyrics", {"max_length": 39}, {"range.at_longest"}),
}


@pytest.fixture
def model() -> Model:
    return probe(size=SIZE, share=SHARE, lyrics=LYRICS, mask=MASK, link=LINK)


def broken(catalog: Catalog, model: Model, served: Model, *, drawn: int = 0) -> set[str]:
    """Returns the rules that a gateway breaks which serves another model, in tables and `drawn` payloads."""
    models = models_of_catalog(replace(catalog, models=(served,)))
    app = create_app(models=models, time_scale=0, images="tiny", keys=[KEY])
    own = replace(catalog, models=(model,))
    target = AsgiTarget(app, KEY)
    try:
        return broken_rules(run(plan(own, [model], max_examples=drawn, seed=0), open_session(own, target)))
    finally:
        target.close()


def test_a_gateway_with_the_same_limits_breaks_nothing(catalog: Catalog, model: Model) -> None:
    assert broken(catalog, model, model, drawn=20) == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_limit_is_found(catalog: Catalog, model: Model, fault: str) -> None:
    name, limits, rules = FAULTS[fault]
    parameters = tuple(replace(one, **limits) if one.name == name else one for one in model.parameters)
    assert broken(catalog, model, replace(model, parameters=parameters)) - {"payload.valid"} == rules
