"""The output for a model doesn't depend on the models before it, even if one is equal but reads differently."""

from dataclasses import replace
from typing import Any

import pytest

from segforge import Catalog
from segforge.emit.pipeline import EMITTERS, Parts, emit_models, name_models
from segforge.spec.catalog import Choices, Gateway, Model, Parameter


def emitted(gateway: Gateway, models: list[Model]) -> list[Parts]:
    return emit_models(gateway, name_models(models), list(EMITTERS))


@pytest.mark.parametrize(
    "values",
    [(1, 1.0, True), (0, -0.0, 0.0, False), ([1], [1.0]), ({"a": 1, "b": 2}, {"b": 2, "a": 1})],
    ids=["one", "zero", "lists", "orders"],
)
def test_equal_models_are_emitted_as_they_read(catalog: Catalog, values: tuple[Any, ...]) -> None:
    first = catalog.models[0]

    def model(value: Any, name: str) -> Model:
        kept = Parameter(name, "any", required=False, description=name, default=value, choices=Choices((value,), 2))
        return replace(first, parameters=(kept,), example={name: value}, conditions=())

    together = [emitted(catalog.gateway, [model(value, "zeta")])[0] for value in values]
    for place, value in enumerate(values):
        name = f"yet{place}"  # of a parameter that equals none before
        [alone] = emitted(catalog.gateway, [model(value, name)])
        assert repr(together[place]) == repr(alone).replace(name, "zeta").replace(f"Yet{place}", "Zeta")


def test_equal_gateways_are_emitted_as_they_read(catalog: Catalog) -> None:
    headers = catalog.gateway.headers
    number = next(header for header in headers if header.type == "number")
    texts = [
        repr(emitted(replace(catalog.gateway, headers=(*headers, replace(number, name="x", example=example))), [model]))
        for model in catalog.models[:1]
        for example in (1, 1.0)
    ]
    assert len(set(texts)) == 2
