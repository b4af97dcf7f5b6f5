"""The inputs and outputs of emitters: models, and files with their paths and texts."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Protocol, TypeAlias

from segforge.spec.catalog import Catalog, Gateway, Model


@dataclass(frozen=True)
class Artifact:
    """One file to write, its path relative to the output folder. Its lines end with a line feed only.

    `formatted` is whether ruff would leave it as it is.
    """

    path: PurePosixPath
    text: str
    formatted: bool = False

    @cached_property
    def digest(self) -> str:
        """The SHA-256 digest of the file, in hexadecimal."""
        return sha256(self.text.encode())


@dataclass(frozen=True)
class Generated:
    """All files of some emitters: new ones, and the digests, by path, of files that are current on disk."""

    artifacts: Sequence[Artifact]
    unchanged: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def digests(self) -> dict[str, str]:
        """The digest of each file by its path."""
        return {**self.unchanged, **{str(artifact.path): artifact.digest for artifact in self.artifacts}}


def sha256(data: bytes) -> str:
    """Returns the SHA-256 digest of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Subject:
    """One model as emitters receive it. Their output for it depends on nothing else, so that it can be cached.

    `typescript_name` is its class in TypeScript, which depends on the other models.
    """

    gateway: Gateway
    model: Model
    typescript_name: str


Pieces: TypeAlias = Mapping[str, str]
"""Contributions to an emitter's common files, by names that the emitter chooses."""

Join: TypeAlias = Callable[[Sequence[Pieces]], Iterable[Artifact]]
"""Makes the common files from the pieces of all models, in the Catalog's order."""


@dataclass(frozen=True)
class Part:
    """An emitter's output for one model or for some facts: texts of files by path, and pieces of the common files."""

    files: Mapping[str, str]
    pieces: Pieces = field(default_factory=dict)


class Emitter(Protocol):
    """A module with pure functions. All its files lie in one folder of the output; Python is not yet formatted."""

    def emit_model(self, subject: Subject) -> Part:
        """Returns the output for one model."""

    def fixed_facts(self, catalog: Catalog) -> Any:
        """Returns the facts of `emit_fixed`: few that edits of models change. Their `repr` tells all of them apart."""

    def emit_fixed(self, facts: Any) -> Part:
        """Returns the output for these facts. It depends on nothing else, so that it can be cached."""

    def emit_common(self, catalog: Catalog, fixed: Pieces) -> Join:
        """Prepares all other files, given the pieces of `emit_fixed`.

        The models' pieces arrive later, so all other work is done before.
        """
