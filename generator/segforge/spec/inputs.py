"""The files of a folder of specs as bytes, before anybody knows what they say."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from segforge.spec.load import CHANGELOG_FILE, GATEWAY_FILE, default_specs, model_paths
from segforge.spec.source import read_bytes


@dataclass(frozen=True)
class SpecFile:
    """One file as it was at one moment."""

    path: Path
    raw: bytes

    @property
    def name(self) -> bytes:
        """Its name, in bytes."""
        return self.path.name.encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Inputs:
    """All files that count; `models` in the order of their slugs, which are their names without suffix.

    `schemas`, by which the others are checked, are those of segforge, whatever folder the others are in.
    """

    gateway: SpecFile
    models: tuple[SpecFile, ...]
    changelog: SpecFile | None
    schemas: tuple[SpecFile, ...]

    def digest(self) -> bytes:
        """Stands for all of them, with their names."""
        return _digest([self.gateway, *self.models, *([self.changelog] if self.changelog else []), *self.schemas])

    def shared_digest(self) -> bytes:
        """Stands for what has a say in every model."""
        return _digest([self.gateway, *self.schemas])


def read_inputs(specs: Path) -> Inputs | None:
    """Read a folder of specs; None where there is a file of it that can't be read."""
    changelog = specs / CHANGELOG_FILE
    try:
        return Inputs(
            _read(specs / GATEWAY_FILE),
            tuple(map(_read, sorted(model_paths(specs), key=lambda path: path.stem))),
            _read(changelog) if changelog.exists() else None,
            tuple(map(_read, sorted((default_specs() / "schema").glob("*.json")))),
        )
    except OSError:
        return None


def _digest(files: Iterable[SpecFile]) -> bytes:
    digest = hashlib.sha256()
    for file in files:
        digest.update(b"%d %d " % (len(file.name), len(file.raw)) + file.name + file.raw)
    return digest.digest()


def _read(path: Path) -> SpecFile:
    return SpecFile(path, read_bytes(path))
