"""A schema that multiplies in an OpenAPI document spoils only itself, and the work for a document is bounded."""

from typing import Any

import pytest

from segforge.pages.import_openapi import models
from segforge.pages.import_openapi.models import drafts_of, read_models

TEXT = {"type": "string", "description": "A text."}
NEXT = [{"$ref": f"#/components/schemas/B{index + 1}"} for index in range(30)]
BOMBS: dict[str, list[dict[str, Any]]] = {
    "properties": [{"type": "object", "properties": {f"p{n}": one for n in range(8)}} for one in NEXT],
    "items": [
        {"type": "object", "properties": {f"p{n}": {"type": "array", "items": one} for n in range(8)}} for one in NEXT
    ],
    "allOf": [{"allOf": [one] * 8} for one in NEXT],
    "members": [{"anyOf": [one, *({"type": "object", "properties": {"p": one}} for _ in range(7))]} for one in NEXT],
    "long sets": [
        {"type": "object", "properties": {"p": one}, "enum": [{"p": n} for n in range(200_000)]} for one in NEXT
    ],
    "long texts": [{"type": "object", "properties": {"p": one}, "title": "x" * 20_000_000} for one in NEXT],
}
WHOLE = {"$ref": "#/components/schemas/B0"}


def operation(schema: Any, **more: Any) -> dict[str, Any]:
    body = {"content": {"application/json": {"schema": schema}}}
    answer = {"description": "An image.", "content": {"image/png": {}}}
    return {"post": {"requestBody": body, "responses": {"200": answer}, "description": "A model.", **more}}


def body(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def document(bomb: list[dict[str, Any]], paths: dict[str, Any]) -> dict[str, Any]:
    last = body(q=TEXT) if "allOf" in bomb[0] else TEXT
    components = {f"B{index}": one for index, one in enumerate([*bomb, last])}
    return {"openapi": "3.1.0", "info": {}, "paths": paths, "components": {"schemas": components}}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_schema_that_multiplies_is_reported_and_the_rest_is_drafted(bomb: list[dict[str, Any]]) -> None:
    good, bad = body(prompt=TEXT), body(first=TEXT, bomb=WHOLE, last=TEXT)
    paths = {"/v1/a-bad": operation(bad), "/v1/b-good": operation(good), "/v1/c-whole": operation(WHOLE)}
    made = drafts_of(document(bomb, {**paths, "/v1/d-good": operation(good)}), "doc")
    readings, problems = read_models(document(bomb, {**paths, "/v1/d-good": operation(good)}), "doc")
    found = {one.slug: one for one in readings}
    names = {slug: [part.name for part in one.model.parameters] for slug, one in found.items() if one.model is not None}
    assert names == {"a-bad": ["first", "last"], "b-good": ["prompt"], "d-good": ["prompt"]}
    assert [one.model.returns.media for one in readings if one.model is not None] == ["image"] * 3
    place = "#/paths/~1v1~1a-bad/post/requestBody/content/application~1json/schema/properties/bomb"
    assert [line.startswith(f"doc{place}") for line in found["a-bad"].problems] == [True]
    assert found["a-bad"].left_out[0].startswith("bomb (optional")
    assert any(line.startswith("doc#/paths/~1v1~1c-whole/post/requestBody") for line in found["c-whole"].problems)
    assert problems == []
    assert (len(made.made), made.failed) == (3, 1)


def test_a_bomb_outside_the_parameters_spoils_only_its_place() -> None:
    answer = operation(body(prompt=TEXT), responses={"200": WHOLE})
    sample = operation(body(prompt=TEXT))
    sample["post"]["requestBody"]["content"]["application/json"]["examples"] = {"one": WHOLE}
    paths = {"/v1/path": WHOLE, "/v1/answer": answer, "/v1/sample": sample}
    readings, problems = read_models(document(BOMBS["allOf"], paths), "doc")
    assert [(one.slug, one.model is not None, len(one.problems)) for one in readings] == [
        ("answer", True, 1),
        ("sample", True, 1),
    ]
    assert readings[0].problems[0].startswith("doc#/paths/~1v1~1answer/post/responses/200: more than")
    assert readings[1].problems[0].startswith("doc#/paths/~1v1~1sample/post/requestBody/content/")
    assert problems[0].startswith("doc#/paths/~1v1~1path: more than 1,000 schemas")


def test_the_work_for_one_model_and_for_a_document_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = body(**{f"p{index}": WHOLE for index in range(100)})
    paths = {f"/v1/{name}": operation(bad) for name in "abc"} | {"/v1/z": operation(body(prompt=TEXT))}
    monkeypatch.setattr(models, "MAX_MODEL_STEPS", 3_000)
    readings, _ = read_models(document(BOMBS["properties"], paths), "doc")
    assert [one.model is not None for one in readings] == [False, False, False, True]
    assert [sum("in one model (a)" in line for line in readings[0].problems)] == [98]
    monkeypatch.setattr(models, "MAX_DOCUMENT_STEPS", 5_000)
    readings, _ = read_models(document(BOMBS["properties"], paths), "doc")
    assert [one.model for one in readings] == [None] * 4
    place = "doc#/paths/~1v1~1c/post/requestBody: "
    assert [line.removeprefix(place)[:39] for line in readings[2].problems] == [
        "more than 5,000 schemas in the document"
    ]
    assert len(readings[3].problems) == 1
