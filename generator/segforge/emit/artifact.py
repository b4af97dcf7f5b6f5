"""What an emitter is given and what it gives: a file's path below the output folder, and its text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from segforge.spec.catalog import Catalog, Gateway, Model

if TYPE_CHECKING:
    from segforge.emit.datamodels import RequestType

Kind: TypeAlias = Literal["typed_dict", "struct"]
"""What a request type is: a TypedDict for clients, a msgspec.Struct for the mock."""


@dataclass(frozen=True)
class Artifact:
    """One file to write. Its text ends with a line end and has no carriage returns."""

    path: PurePosixPath
    text: str


@dataclass(frozen=True)
class Subject:
    """One model as the emitters take it: by itself, so that what they make of it depends on no other model.

    `typescript_name` is its class in TypeScript, which does depend on the other models; `types` are its request types,
    of the kinds that the emitters in use ask for.
    """

    gateway: Gateway
    model: Model
    typescript_name: str
    types: "Mapping[Kind, RequestType]"


@dataclass(frozen=True)
class ModelPart:
    """What an emitter makes of one model: whole files by their paths, and, by name, its pieces of the common files."""

    files: Mapping[str, str]
    pieces: Mapping[str, str] = field(default_factory=dict)


class Emitter(Protocol):
    """A module with two pure functions; all paths lie below one folder of the output. Python is not yet formatted."""

    def emit_model(self, subject: Subject) -> ModelPart:
        """What one model adds."""

    def emit_common(self, catalog: Catalog, pieces: Sequence[Mapping[str, str]]) -> Iterable[Artifact]:
        """The files that all models share; `pieces` are those of each of the Catalog's models, in its order."""
