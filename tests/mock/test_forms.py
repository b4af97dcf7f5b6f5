"""Multipart bodies: nested values, files, and their checks."""

from typing import Any

import httpx
import pytest

from segforge_mock.gateway.forms import read_form
from segforge_mock.models.served import Malformed
from tests.mock.media_models import model, serving

MODEL = model(
    "nested",
    "text",
    parameters={
        "images": {"type": "array", "items": {"type": "string", "format": "uri"}, "required": True, "max_items": 3},
        "sizes": {"type": "array", "items": {"type": "integer"}, "required": False},
        "style": {"type": "object", "properties": {"name": {"type": "string", "required": True}}, "required": False},
        "mask": {"type": "string", "format": "base64", "required": False, "accepts": ["base64", "part"]},
        "either": {
            "any_of": [{"title": "name", "type": "string", "max_length": 3}, {"title": "list", "type": "array"}],
            "type": "any",
            "required": False,
        },
        "unknown": {"type": "any", "required": False},
    },
    encodings=["json", "multipart"],
)


@pytest.mark.parametrize(
    ("fields", "files", "read"),
    [
        ({"images": ["a:1", "a:2"]}, {}, {"images": ["a:1", "a:2"]}),
        ({"images": '["a:1", "a:2"]'}, {}, {"images": ["a:1", "a:2"]}),
        ({"images": "a:1"}, {}, {"images": ["a:1"]}),
        ({"images": "a:1", "sizes": ["1", "2"]}, {}, {"images": ["a:1"], "sizes": [1, 2]}),
        ({"images": "a:1", "style": '{"name": "x", "n": 1}'}, {}, {"images": ["a:1"], "style": {"name": "x", "n": 1}}),
        ({"images": "a:1", "either": "[1]"}, {}, {"images": ["a:1"], "either": "[1]"}),
        ({"images": "a:1", "either": "[1, 2]"}, {}, {"images": ["a:1"], "either": [1, 2]}),
        ({"images": "a:1", "unknown": "7"}, {}, {"images": ["a:1"], "unknown": "7"}),
        ({"images": "a:1", "unknown": '{"a": 1}'}, {}, {"images": ["a:1"], "unknown": {"a": 1}}),
        (
            {},
            [("images", ("a b.png", b"1")), ("images", ("c.png", b"2"))],
            {"images": ["file:a%20b.png", "file:c.png"]},
        ),
        (
            {"images": "a:1"},
            [("mask", ("m.png", b"1"))],
            {"images": ["a:1"], "mask": "a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s="},
        ),
    ],
    ids=str,
)
def test_a_form_holds_nested_values_and_files(fields: Any, files: Any, read: dict[str, Any]) -> None:
    request = httpx.Request("POST", "http://mock", data=fields, files=files or {"ignored": ("x", b"")})
    found = read_form(MODEL, request.headers["content-type"], request.read())
    assert isinstance(found, dict)
    assert {name: value for name, value in found.items() if name != "ignored"} == read
    with serving(MODEL) as client:
        assert client.post("/v1/nested", data=fields, files=files or {"ignored": ("x", b"")}).status_code == 200


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({}, "required.missing"),
        ({"images": ["a:1"] * 4}, "range.too_many"),
        ({"images": '["a:1", 2]'}, "type.integer_for_string"),
        ({"images": "not a uri"}, "format.uri"),
        ({"images": "a:1", "style": "{"}, "type.string_for_object"),
        ({"images": "a:1", "style": "{}"}, "required.missing"),
        ({"images": "a:1", "sizes": ["1", "two"]}, "type.string_for_integer"),
        ({"images": "a:1", "either": "a:1:2"}, "type.no_member"),
    ],
    ids=str,
)
def test_a_form_is_checked_like_json(fields: Any, rule: str) -> None:
    with serving(MODEL) as client:
        response = client.post("/v2/nested", data=fields, files={"ignored": ("x", b"")})
    assert response.status_code == 400
    assert [violation["rule"] for violation in response.json()["violations"]] == [rule]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[1,", '{"a": NaN}', "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")]
)
def test_broken_json_in_a_field_stays_text(text: str) -> None:
    with serving(MODEL) as client:
        response = client.post("/v2/nested", data={"images": "a:1", "style": text}, files={"ignored": ("x", b"")})
        assert [violation["rule"] for violation in response.json()["violations"]] == ["type.string_for_object"]


def test_fields_have_the_limits_of_a_json_body() -> None:
    for text in ("[" * 65 + "]" * 65, "[" + "1," * 30_000 + "1]"):
        request = httpx.Request("POST", "http://mock", data={"unknown": text}, files={"ignored": ("x", b"")})
        found = read_form(MODEL, request.headers["content-type"], request.read())
        assert isinstance(found, Malformed) or text.startswith("[[")
        with serving(MODEL) as client:
            response = client.post("/v1/nested", data={"unknown": text}, files={"ignored": ("x", b"")})
        assert response.status_code == 400
        assert "limit of the mock" in response.json()["error"]
