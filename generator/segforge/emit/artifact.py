"""What an emitter gives: a file's path below the output folder, and its text."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias

from segforge.spec.catalog import Catalog


@dataclass(frozen=True)
class Artifact:
    """One file to write. Its text ends with a line end and has no carriage returns."""

    path: PurePosixPath
    text: str


Emitter: TypeAlias = Callable[[Catalog], Iterable[Artifact]]
"""A pure function of the Catalog; its artifacts lie below one folder of the output."""
