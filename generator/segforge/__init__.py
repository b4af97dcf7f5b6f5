"""segforge: clients, OpenAPI documents, a mock server and contract tests from YAML specs of the Segmind API."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segforge.spec.catalog import Catalog
    from segforge.spec.finding import Finding, SpecError
    from segforge.spec.inputs import default_specs
    from segforge.spec.load import check_specs, load_catalog

__all__ = ["Catalog", "Finding", "SpecError", "check_specs", "default_specs", "load_catalog"]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used, so that `segforge --help` starts at once."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from segforge import spec

    return getattr(spec, name)
