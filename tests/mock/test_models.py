"""Payloads are checked by a type compiled from the specs, and a user's own specs are cached."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from segforge import Catalog
from segforge.spec.catalog import Choices, Parameter
from segforge.spec.values import violations
from segforge_mock.models import own_specs
from segforge_mock.models.compiled import request_type
from segforge_mock.models.own_specs import models_of
from tests.catalogs import drawn_models, drawn_payloads


def test_the_compiled_type_accepts_the_sample_of_every_curated_model(catalog: Catalog) -> None:
    for model in catalog.models:
        compiled = request_type(model)
        assert compiled is not None
        msgspec.json.decode(json.dumps(model.valid_example).encode(), type=compiled)


def test_the_compiled_type_accepts_no_payload_that_breaks_a_rule() -> None:
    accepted = 0
    for model in drawn_models(30):
        compiled = request_type(model)
        for payload in drawn_payloads(model, 20) if compiled is not None else ():
            try:
                msgspec.json.decode(json.dumps(payload).encode(), type=compiled)
            except msgspec.ValidationError:
                continue
            accepted += 1
            assert violations(model.parameters, payload) == [], (model.slug, payload)
    assert accepted > 20


@pytest.mark.parametrize(
    "parameter",
    [
        Parameter('a"b', "string", required=True, description="A quotation mark."),
        Parameter("a", "integer", required=True, description="Beyond 64 bits.", maximum=2**64),
        Parameter("a", "number", required=True, description="Numbers.", choices=Choices((1, 2.5), 2)),
        Parameter("a", "boolean", required=True, description="One value.", choices=Choices((True,), 1)),
    ],
    ids=lambda parameter: parameter.description,
)
def test_a_rule_that_msgspec_cannot_express_has_no_compiled_type(catalog: Catalog, parameter: Parameter) -> None:
    assert request_type(dataclasses.replace(catalog.models[0], parameters=(parameter,))) is None


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
