"""Chats that ask for JSON: the answer fits the schema, whatever the schema is."""

import json
from typing import Any

import httpx
import jsonschema
import pytest

from segforge_mock import Mock

SCHEMAS: dict[str, Any] = {
    "an object": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 18}},
    },
    "arrays": {"type": "array", "minItems": 3, "items": {"type": ["string", "null"], "minLength": 40, "maxLength": 50}},
    "sets": {
        "type": "object",
        "properties": {"a": {"enum": ["x", "y"]}, "b": {"const": 4}, "c": {"anyOf": [{"type": "boolean"}]}},
    },
    "numbers": {"type": "array", "items": {"type": "number", "exclusiveMinimum": -2, "maximum": -0.5}},
    "references": {
        "$ref": "#/$defs/pair",
        "$defs": {"pair": {"properties": {"one": {"type": "string"}}, "required": ["one"]}},
    },
}
HOSTILE: dict[str, Any] = {
    "a reference to itself": {"$ref": "#"},
    "references that double": {
        "$ref": "#/$defs/d0",
        "$defs": {f"d{n}": {"properties": {side: {"$ref": f"#/$defs/d{n + 1}"} for side in "lr"}} for n in range(30)},
    },
    "a long array": {
        "type": "array",
        "minItems": 1e9,
        "items": {"type": "array", "minItems": 1e9, "items": {"type": "string"}},
    },
    "a long text": {"type": "string", "minLength": 1e12},
    "no schema": ["type", None],
    "wrong keywords": {"type": 7, "properties": 3, "enum": {}, "anyOf": [], "$ref": 5},
}


def answer(mock: Mock, wanted: Any, slug: str = "gpt-4o") -> Any:
    """Returns the document in the text of a chat's answer."""
    body = {"messages": [{"role": "user", "content": "Say hi"}], "response_format": wanted}
    sent = httpx.post(f"{mock.url}/v1/{slug}", json=body, headers={"x-api-key": mock.key})
    assert sent.status_code == 200
    return json.loads(sent.json()["choices"][0]["message"]["content"])


@pytest.fixture(scope="module")
def chats() -> Any:
    with Mock(time_scale=0) as mock:
        yield mock


def schema_format(schema: Any) -> Any:
    return {"type": "json_schema", "json_schema": {"name": "made_up", "schema": schema}}


@pytest.mark.parametrize("slug", ["gpt-4o", "deepseek-chat", "gpt-5.5"])
@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_an_answer_fits_its_schema(chats: Mock, schema: Any, slug: str) -> None:
    jsonschema.Draft202012Validator(schema).validate(answer(chats, schema_format(schema), slug))


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_an_answer_is_bounded_for_any_schema(chats: Mock, schema: Any) -> None:
    assert len(json.dumps(answer(chats, schema_format(schema)))) < 100_000


def test_an_answer_is_an_object_without_a_schema(chats: Mock) -> None:
    assert answer(chats, {"type": "json_object"}) == {"answer": "Say hi"}
