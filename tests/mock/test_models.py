"""Payloads are checked by a type compiled from the specs, and a user's own specs are cached."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from segforge import Catalog
from segforge.spec.catalog import Choices, Parameter
from segforge.spec.values import violations
from segforge_mock.models import own_specs
from segforge_mock.models.compiled import compiled
from segforge_mock.models.own_specs import models_of
from tests.catalogs import drawn_models, drawn_payloads

TEXT = Parameter("text", "string", required=None, description="Text.")
URI = Parameter("uri", "string", required=None, description="A URI.", format="uri")


def test_the_compiled_type_checks_every_curated_model_alone(catalog: Catalog) -> None:
    for model in catalog.models:
        found = compiled(model)
        assert found.unchecked == ()
        msgspec.json.decode(json.dumps(model.valid_example).encode(), type=found.type)


@pytest.mark.parametrize("nested", [False, True])
def test_the_compiled_type_accepts_no_payload_that_breaks_a_rule(nested: bool) -> None:
    accepted = 0
    for model in drawn_models(30, nested=nested):
        found = compiled(model)
        checked = [parameter for parameter in model.parameters if parameter not in found.unchecked]
        for payload in drawn_payloads(model, 20) if checked else ():
            try:
                msgspec.json.decode(json.dumps(payload).encode(), type=found.type)
            except msgspec.ValidationError:
                continue
            accepted += 1
            assert violations(checked, payload) == [], (model.slug, payload)
    assert accepted > 20


@pytest.mark.parametrize(
    "parameter",
    [
        Parameter('a"b', "string", required=True, description="A quotation mark."),
        Parameter("a", "integer", required=True, description="Beyond 64 bits.", maximum=2**64),
        Parameter("a", "number", required=True, description="Numbers.", choices=Choices((1, 2.5), 2)),
        Parameter("a", "boolean", required=True, description="One value.", choices=Choices((True,), 1)),
        Parameter("a", "array", required=True, description="A range of any array.", maximum=2),
        Parameter("a", "any", required=True, description="Two kinds of text.", any_of=(TEXT, URI)),
        Parameter("a", "array", required=True, description="A part.", items=replace(TEXT, name='a"b')),
    ],
    ids=lambda parameter: parameter.description,
)
def test_a_rule_that_msgspec_cannot_express_is_left_unchecked(catalog: Catalog, parameter: Parameter) -> None:
    model = replace(catalog.models[0], parameters=(parameter, TEXT))
    assert compiled(model).unchecked == (parameter,)


def test_parts_unions_and_sizes_are_compiled(catalog: Catalog) -> None:
    """A chat's messages need no second check."""
    content = Parameter(
        "content",
        "any",
        required=True,
        description="",
        any_of=(TEXT, Parameter("parts", "array", required=None, description="", items=TEXT, max_items=2)),
    )
    message = Parameter("items", "object", required=None, description="", properties=(content,))
    messages = Parameter("messages", "array", required=True, description="", items=message, min_items=1)
    found = compiled(replace(catalog.models[0], parameters=(messages,)))
    assert found.unchecked == ()
    decoder = msgspec.json.Decoder(found.type)
    for good in ([{"content": "a"}], [{"content": ["a", "b"], "more": 1}]):
        decoder.decode(json.dumps({"messages": good}).encode())
    for bad in ([], [{}], [{"content": None}], [{"content": ["a", "b", "c"]}], [{"content": [1]}], [1], "a"):
        with pytest.raises(msgspec.ValidationError):
            decoder.decode(json.dumps({"messages": bad}).encode())


def test_cached_specs_are_the_same_models(
    specs: Path, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fresh = models_of(specs)

    def fail(*_: Any) -> Any:
        raise AssertionError("the specs were checked again")

    with monkeypatch.context() as patch:
        patch.setattr(own_specs, "valid_data", fail)
        cached = models_of(specs)
    for models in (fresh, cached):
        assert models.gateway == catalog.gateway
        assert [models.get(slug).model for slug in models.slugs] == list(catalog.models)  # type: ignore[union-attr]


def test_changed_specs_and_a_damaged_cache_are_checked_again(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = models_of(specs).slugs
    path = specs / "models" / "style-transfer.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("maximum: 10\n", "maximum: 20000000000000000000000\n"), "utf-8")
    [entry] = (tmp_path / "cache" / "segforge" / "mock").iterdir()
    for _ in range(2):
        models = models_of(specs)
        served = models.get("style-transfer")
        assert models.slugs == before
        assert served is not None
        assert served.model.parameters_by_name["number_of_images"].maximum == 2 * 10**22
    path.write_text(text, "utf-8")
    entry.write_bytes(entry.read_bytes()[:-9])
    assert models_of(specs).slugs == before
