"""The table of emitters: a new output is one module, one template folder and one line here.

What emits is imported when something is to be emitted: most runs have nothing to do, and say so at once.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final, NamedTuple, TypeAlias, cast

from segforge.emit.artifact import Artifact, Emitter, Kind, ModelPart, Pieces, Subject
from segforge.spec.catalog import Catalog, Gateway, Model


class Entry(NamedTuple):
    """An emitter's module, an `Emitter`, and the kind of request type that it is given, if any."""

    module: str
    kind: Kind | None = None


EMITTERS: Final = {
    "openapi": Entry("segforge.emit.openapi.document"),
    "python": Entry("segforge.emit.python.client", "typed_dict"),
    "typescript": Entry("segforge.emit.typescript.client"),
    "mock": Entry("segforge.emit.mock.models", "struct"),
}
"""The emitters by their names, which are their folders below the output folder."""

Parts: TypeAlias = dict[str, ModelPart]
"""What the emitters make of one model, by their names."""

AllPieces: TypeAlias = Mapping[str, Pieces]
"""What one model adds to the common files of each emitter, by their names."""


def emit(catalog: Catalog, names: Iterable[str]) -> Iterator[Artifact]:
    """Run the emitters of these names and format what they give. Raises KeyError for a name that is not in EMITTERS."""
    from segforge.emit.formatting import format_python

    chosen = list(names)
    parts = emit_models(catalog.gateway, name_models(catalog.models), chosen)
    join = emit_common(catalog, chosen)
    return format_python([*model_artifacts(parts), *join(list(map(pieces_of, parts)))])


def model_artifacts(parts: Iterable[Parts]) -> list[Artifact]:
    """The files of models, one model after the other."""
    return [
        Artifact(PurePosixPath(path), text)
        for of_model in parts
        for part in of_model.values()
        for path, text in part.files.items()
    ]


def pieces_of(parts: Parts) -> AllPieces:
    """What one model adds to the common files of each emitter."""
    return {name: part.pieces for name, part in parts.items()}


def name_models(models: Iterable[Model]) -> list[tuple[Model, str]]:
    """Each model with its name in TypeScript."""
    from segforge.emit.typescript.client import class_names

    listed = list(models)
    return list(zip(listed, class_names([model.slug for model in listed]), strict=True))


def emit_models(gateway: Gateway, models: Sequence[tuple[Model, str]], names: Sequence[str]) -> list[Parts]:
    """What these emitters make of each model, in their order; each model comes with its name in TypeScript."""
    from segforge.emit.request_types import request_types

    kinds = [kind for name in names if (kind := EMITTERS[name].kind) is not None]
    types = {kind: request_types([model for model, _ in models], kind) for kind in kinds}
    subjects = [
        Subject(gateway, model, name, {kind: types[kind][index] for kind in kinds})
        for index, (model, name) in enumerate(models)
    ]
    return [{name: _emitter(name).emit_model(subject) for name in names} for subject in subjects]


def emit_common(catalog: Catalog, names: Sequence[str]) -> Callable[[Sequence[AllPieces]], list[Artifact]]:
    """What makes the files of these emitters that all models share, of the pieces of each of the Catalog's models."""
    joins = {name: _emitter(name).emit_common(catalog) for name in names}

    def join(pieces: Sequence[AllPieces]) -> list[Artifact]:
        return [artifact for name in names for artifact in joins[name]([of_model[name] for of_model in pieces])]

    return join


def _emitter(name: str) -> Emitter:
    return cast("Emitter", importlib.import_module(EMITTERS[name].module))
