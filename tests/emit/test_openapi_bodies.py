"""The schemas of request bodies accept the payloads that the specs accept, with parts, unions and conditions."""

from collections.abc import Iterator
from typing import Any

import jsonschema

from segforge.emit.openapi.bodies import body_schema, form_schema
from segforge.spec.catalog import Model
from segforge.spec.values import fits, payload_violations
from tests.catalogs import drawn_models, drawn_payloads
from tests.mock.media_models import model as made_up

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


def test_bytes_fit_a_form_wherever_a_part_may_be_a_file() -> None:
    file = {"type": "string", "format": "uri", "file": "image", "required": False}
    part = {**file, "accepts": ["url", "part"]}
    union = {
        "any_of": [{"title": "number", "type": "integer"}, {"title": "file", **part}],
        "type": "any",
        "required": False,
    }
    listed = {"type": "array", "required": False, "items": part}
    object_ = {"type": "object", "required": False, "properties": {"inner": part}}
    parameters = {"image": part, "images": listed, "either": union, "unstated": file, "object": object_}
    made = made_up("form", "text", parameters=parameters, encodings=["json", "multipart"])
    body, form = body_schema(made, {}), form_schema(made, {})
    assert form is not None
    validators = [jsonschema.Draft202012Validator(one, format_checker=FORMATS) for one in (body, form)]

    def valid(payload: dict[str, Any]) -> tuple[bool, ...]:
        return tuple(one.is_valid(payload) for one in validators)

    parts: list[dict[str, Any]] = [{"image": "PNG"}, {"images": ["a:1", "PNG"]}, {"either": "PNG"}]
    assert [valid(payload) for payload in parts] == [(False, True)] * 3
    wrong: list[dict[str, Any]] = [{"unstated": "PNG"}, {"object": {"inner": "PNG"}}, {"images": "PNG"}, {"either": []}]
    assert [valid(payload) for payload in wrong] == [(False, False)] * 4
    assert valid({"image": "a:1", "images": ["a:1"], "either": 1, "object": {"inner": "a:1"}}) == (True, True)
    assert form_schema(made_up("plain", "text", parameters={"unstated": file}, encodings=["multipart"]), {}) is None
