"""The table of emitters, and the one path from a Catalog to files: emit each model, join what all share, format.

A new output is one module, one template folder and one line in `EMITTERS`. Emitters are imported when they run, since
most runs of `segforge generate` find everything current and end at once.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final, TypeAlias, cast

from segforge.emit.artifact import Artifact, Emitter, Part, Pieces, Subject
from segforge.spec.catalog import Catalog, Gateway, Model

EMITTERS: Final = {
    "openapi": "segforge.emit.openapi.document",
    "python": "segforge.emit.python.client",
    "typescript": "segforge.emit.typescript.client",
    "mock": "segforge.emit.mock.models",
    "bruno": "segforge.emit.bruno.collection",
}
"""The module of each emitter by its name. It implements `Emitter`, and its output is in the folder of that name."""

Parts: TypeAlias = dict[str, Part]
"""The results of the emitters for one model, or for their fixed facts, by emitter name."""

AllPieces: TypeAlias = Mapping[str, Pieces]
"""Contributions to the common files, by emitter name."""


def emit(catalog: Catalog, names: Iterable[str]) -> Iterator[Artifact]:
    """Runs the emitters of these names and formats their output. Raises KeyError for a name that isn't in EMITTERS."""
    chosen = list(names)
    fixed = emit_fixed(fixed_facts(catalog, chosen))
    return assemble(catalog, chosen, fixed, emit_models(catalog.gateway, name_models(catalog.models), chosen))


def assemble(catalog: Catalog, names: Sequence[str], fixed: Parts, parts: Iterable[Parts]) -> Iterator[Artifact]:
    """Joins the models' parts, in the Catalog's order, into all files, formatted. Every way of generating ends here.

    `parts` is iterated last, so that other processes may still be computing it. A part without files, of a model or
    `fixed`, stands for files that are current on disk.
    """
    from segforge.emit.formatting import format_python

    join = emit_common(catalog, names, pieces_of(fixed))
    listed = list(parts)
    return format_python([*_artifacts([fixed, *listed]), *join(list(map(pieces_of, listed)))])


def _artifacts(each: Iterable[Parts]) -> list[Artifact]:
    """The files of all these parts, in their order."""
    return [
        Artifact(PurePosixPath(path), text)
        for parts in each
        for part in parts.values()
        for path, text in part.files.items()
    ]


def pieces_of(parts: Parts) -> AllPieces:
    """The contributions to the common files of each emitter."""
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


def fixed_facts(catalog: Catalog, names: Sequence[str]) -> dict[str, Any]:
    """Returns the facts of each emitter's fixed files."""
    return {name: _emitter(name).fixed_facts(catalog) for name in names}


def emit_fixed(facts: Mapping[str, Any]) -> Parts:
    """Runs the emitters on their facts."""
    return {name: _emitter(name).emit_fixed(of_emitter) for name, of_emitter in facts.items()}


def emit_common(
    catalog: Catalog, names: Sequence[str], fixed: AllPieces
) -> Callable[[Sequence[AllPieces]], list[Artifact]]:
    """Prepares the files that all models share. Returns a function that completes them from each model's pieces."""
    joins = {name: _emitter(name).emit_common(catalog, fixed[name]) for name in names}

    def join(pieces: Sequence[AllPieces]) -> list[Artifact]:
        return [artifact for name in names for artifact in joins[name]([of_model[name] for of_model in pieces])]

    return join


def _emitter(name: str) -> Emitter:
    return cast("Emitter", importlib.import_module(EMITTERS[name]))
