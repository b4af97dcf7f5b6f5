"""The files that name no models depend on their facts alone, all of which the key of their cache tells apart."""

import dataclasses
import sys

import pytest

from segforge import Catalog
from segforge.emit.pipeline import EMITTERS, emit_fixed, fixed_facts
from segforge.emit.quoting import Code
from segforge.spec.catalog import ABSENT
from tests.emit.made_up import made_up_models


def test_facts_with_the_same_repr_lead_to_the_same_files(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts that are built from the text alone have nothing that it doesn't show."""
    wide = dataclasses.replace(catalog, models=(*catalog.models, *made_up_models()))
    facts = fixed_facts(wide, list(EMITTERS))
    modules = [vars(module) for name, module in sys.modules.items() if name.startswith("segforge.")]
    classes = {name: one for each in modules for name, one in each.items() if isinstance(one, type)}
    with monkeypatch.context() as patch:  # a template prints code only, and the places of code never vary
        patch.setattr(Code, "__repr__", lambda code: f"Code({str(code)!r})", raising=False)
        text = repr(facts).replace(repr(ABSENT), "Absent.ABSENT")
    assert emit_fixed(eval(text, classes)) == emit_fixed(facts)


def test_values_of_other_types_or_in_another_order_are_told_apart(catalog: Catalog) -> None:
    gateway = catalog.gateway
    name, first = next(iter(gateway.assumptions.items()))
    assumptions = [
        {**gateway.assumptions, name: dataclasses.replace(first, value=value)} for value in (1, 1.0, "1", "'1'", True)
    ]
    assumptions.append(dict([*gateway.assumptions.items()][::-1]))
    catalogs = [
        dataclasses.replace(catalog, gateway=dataclasses.replace(gateway, assumptions=one)) for one in assumptions
    ]
    found = [{repr(fixed_facts(one, [name])) for one in catalogs} for name in EMITTERS]
    assert [len(texts) for texts in found] == [len(catalogs)] * len(EMITTERS)
