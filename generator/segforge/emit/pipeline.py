"""The table of emitters, and the one path from a Catalog to files: emit each model, join what all share, format.

A new output is one module, one template folder and one line in `EMITTERS`. Emitters are imported when they run, since
most runs of `segforge generate` find everything current and end at once.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final, TypeAlias, cast

from segforge.emit.artifact import Artifact, Emitter, ModelPart, Pieces, Subject
from segforge.spec.catalog import Catalog, Gateway, Model

EMITTERS: Final = {
    "openapi": "segforge.emit.openapi.document",
    "python": "segforge.emit.python.client",
    "typescript": "segforge.emit.typescript.client",
    "mock": "segforge.emit.mock.models",
    "bruno": "segforge.emit.bruno.collection",
}
"""The module of each emitter by its name. It implements `Emitter`, and its output is in the folder of that name."""

Parts: TypeAlias = dict[str, ModelPart]
"""The results of the emitters for one model, by emitter name."""

AllPieces: TypeAlias = Mapping[str, Pieces]
"""One model's contributions to the common files, by emitter name."""


def emit(catalog: Catalog, names: Iterable[str]) -> Iterator[Artifact]:
    """Runs the emitters of these names and formats their output. Raises KeyError for a name that isn't in EMITTERS."""
    chosen = list(names)
    return assemble(catalog, chosen, emit_models(catalog.gateway, name_models(catalog.models), chosen))


def assemble(catalog: Catalog, names: Sequence[str], parts: Iterable[Parts]) -> Iterator[Artifact]:
    """Joins the models' parts, in the Catalog's order, into all files, formatted. Every way of generating ends here.

    `parts` is iterated last, so that other processes may still be computing it. A part without files stands for a
    model whose own files are current on disk.
    """
    from segforge.emit.formatting import format_python

    join = emit_common(catalog, names)
    listed = list(parts)
    return format_python([*model_artifacts(listed), *join(list(map(pieces_of, listed)))])


def model_artifacts(parts: Iterable[Parts]) -> list[Artifact]:
    """The models' own files, model by model."""
    return [
        Artifact(PurePosixPath(path), text)
        for of_model in parts
        for part in of_model.values()
        for path, text in part.files.items()
    ]


def pieces_of(parts: Parts) -> AllPieces:
    """One model's contributions to the common files of each emitter."""
    return {name: part.pieces for name, part in parts.items()}


def name_models(models: Iterable[Model]) -> list[tuple[Model, str]]:
    """Pairs each model with its class name in TypeScript."""
    from segforge.emit.typescript.names import class_names

    listed = list(models)
    return list(zip(listed, class_names([model.slug for model in listed]), strict=True))


def emit_models(gateway: Gateway, models: Sequence[tuple[Model, str]], names: Sequence[str]) -> list[Parts]:
    """Runs these emitters on models paired with their class names in TypeScript. Returns parts in the same order."""
    subjects = [Subject(gateway, model, name) for model, name in models]
    return [{name: _emitter(name).emit_model(subject) for name in names} for subject in subjects]


def emit_common(catalog: Catalog, names: Sequence[str]) -> Callable[[Sequence[AllPieces]], list[Artifact]]:
    """Prepares the files that all models share. Returns a function that completes them from each model's pieces."""
    joins = {name: _emitter(name).emit_common(catalog) for name in names}

    def join(pieces: Sequence[AllPieces]) -> list[Artifact]:
        return [artifact for name in names for artifact in joins[name]([of_model[name] for of_model in pieces])]

    return join


def _emitter(name: str) -> Emitter:
    return cast("Emitter", importlib.import_module(EMITTERS[name]))
