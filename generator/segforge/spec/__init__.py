"""Reads, checks, edits and compares the specs, and builds the Catalog from them."""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from segforge.spec.catalog import Catalog, Gateway, Model, Parameter
    from segforge.spec.finding import Finding, SpecError
    from segforge.spec.inputs import default_specs
    from segforge.spec.load import check_specs, load_catalog
    from segforge.spec.values import Violation, violations

__all__ = [
    "Catalog",
    "Finding",
    "Gateway",
    "Model",
    "Parameter",
    "SpecError",
    "Violation",
    "check_specs",
    "default_specs",
    "load_catalog",
    "violations",
]

_HOMES: Final = {
    "Catalog": "catalog",
    "Finding": "finding",
    "Gateway": "catalog",
    "Model": "catalog",
    "Parameter": "catalog",
    "SpecError": "finding",
    "Violation": "values",
    "check_specs": "load",
    "default_specs": "inputs",
    "load_catalog": "load",
    "violations": "values",
}
"""The module that defines each public name."""


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used, so that importing one module of the package loads no other."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
