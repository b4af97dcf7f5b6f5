"""What an emitter is given and what it gives: a file's path below the output folder, and its text."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal, Protocol, TypeAlias

from segforge.spec.catalog import Catalog, Gateway, Model

Kind: TypeAlias = Literal["typed_dict", "struct"]
"""What a request type is: a TypedDict for clients, a msgspec.Struct for the mock."""


@dataclass(frozen=True)
class Artifact:
    """One file to write. Its text ends with a line end and has no carriage returns."""

    path: PurePosixPath
    text: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return sha256(self.text.encode())


@dataclass(frozen=True)
class Generated:
    """All files of some emitters: those that were made, and, by path, the digests of those that are on disk already."""

    artifacts: Sequence[Artifact]
    unchanged: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def digests(self) -> dict[str, str]:
        """The digest of each file by its path."""
        return {**self.unchanged, **{str(artifact.path): artifact.digest for artifact in self.artifacts}}


def sha256(data: bytes) -> str:
    """The digest of a file's bytes."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class RequestType:
    """A model's request type: its name, and the source of a module that defines it, not yet formatted.

    The module may import more than the type needs; formatting drops that. A Struct that could not rule out all that the
    specs do is none: its name is None, and its source is empty.
    """

    name: str
    source: str


@dataclass(frozen=True)
class Subject:
    """One model as the emitters take it: by itself, so that what they make of it depends on no other model.

    `typescript_name` is its class in TypeScript, which does depend on the other models; `types` are its request types,
    of the kinds that the emitters in use ask for.
    """

    gateway: Gateway
    model: Model
    typescript_name: str
    types: Mapping[Kind, RequestType]


Pieces: TypeAlias = Mapping[str, str]
"""What one model adds to an emitter's common files, by names that the emitter gives."""

Join: TypeAlias = Callable[[Sequence[Pieces]], Iterable[Artifact]]
"""Makes the common files of the pieces of each of the Catalog's models, in its order."""


@dataclass(frozen=True)
class ModelPart:
    """What an emitter makes of one model: whole files by their paths, and, by name, its pieces of the common files."""

    files: Mapping[str, str]
    pieces: Pieces = field(default_factory=dict)


class Emitter(Protocol):
    """A module with two pure functions; all paths lie below one folder of the output. Python is not yet formatted."""

    def emit_model(self, subject: Subject) -> ModelPart:
        """What one model adds."""

    def emit_common(self, catalog: Catalog) -> Join:
        """The files that all models share. What needs no pieces is done before they are asked for: they may be late."""
