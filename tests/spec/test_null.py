"""Null for a parameter of unknown type: no source says whether it is valid."""

from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from segforge.emit.schemas import parameter_schema
from segforge.spec.catalog import Choices, Parameter
from segforge.spec.values import verdict

UNKNOWN = Parameter("extra", "any", required=None, description="")


@pytest.mark.parametrize(
    ("facts", "verdicts"),
    [
        ({}, ("undecided", True)),
        ({"nullable": True}, ("valid", True)),
        ({"default": None}, ("valid", True)),
        ({"choices": Choices(("a",), 2)}, ("undecided", True)),
        ({"choices": Choices(("a",), 1)}, ("wrong", False)),
        ({"any_of": (replace(UNKNOWN, name="text", type="string"),)}, ("wrong", False)),
        ({"type": "string"}, ("wrong", False)),
    ],
)
def test_null_is_undecided_if_no_source_states_the_type(facts: dict[str, Any], verdicts: tuple[str, bool]) -> None:
    part = replace(UNKNOWN, **facts)
    found = verdict(part, None), not list(Draft202012Validator(parameter_schema(part)).iter_errors(None))
    assert found == verdicts
    listed = Parameter("list", "array", required=None, description="", items=part)
    assert verdict(listed, [None]) == verdicts[0]
