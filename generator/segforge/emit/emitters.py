"""The table of emitters: a new output is one function, one template folder and one line here."""

import importlib
from collections.abc import Iterable, Iterator
from typing import Final

from segforge.emit.artifact import Artifact, Emitter
from segforge.emit.formatting import format_python
from segforge.spec.catalog import Catalog

EMITTERS: Final = {
    "openapi": "segforge.emit.openapi",
    "python": "segforge.emit.python_client",
    "typescript": "segforge.emit.typescript_client",
    "mock": "segforge.emit.mock_models",
}
"""Each emitter's name, which is its folder below the output folder, and the module with its `emit(catalog)`."""


def emit(catalog: Catalog, names: Iterable[str]) -> Iterator[Artifact]:
    """Run the emitters of these names and format what they give. Raises KeyError for a name that is not in EMITTERS."""
    artifacts: list[Artifact] = []
    for name in names:
        emitter: Emitter = importlib.import_module(EMITTERS[name]).emit
        artifacts.extend(emitter(catalog))
    return format_python(artifacts)
