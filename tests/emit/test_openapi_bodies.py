"""The schemas of request bodies accept the payloads that the specs accept, with parts, unions and conditions."""

from collections.abc import Iterator
from typing import Any

import jsonschema

from segforge.emit.openapi.bodies import body_schema
from segforge.spec.catalog import Model
from segforge.spec.values import fits, payload_violations
from tests.catalogs import drawn_models, drawn_payloads

FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or fits(value, "uri")


def cases() -> Iterator[tuple[Model, dict[str, Any]]]:
    for model in drawn_models(60, nested=True):
        for payload in (model.valid_example, *drawn_payloads(model, 20)):
            yield model, payload


def test_a_schema_accepts_what_the_specs_accept() -> None:
    seen = set()
    for model, payload in cases():
        validator = jsonschema.Draft202012Validator(body_schema(model, {}), format_checker=FORMATS)
        wrong = [one.rule for one in payload_violations(model, payload)]
        seen |= {rule.partition(".")[0] for rule in wrong} | {"" if not wrong else "x"}
        assert validator.is_valid(payload) == (not wrong), (model.parameters, model.conditions, payload, wrong)
    assert seen >= {"", "x", "condition", "enum", "null", "range", "required", "type"}
