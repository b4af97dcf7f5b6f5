"""The files of a folder of specs as bytes, before anybody knows what they say."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from segforge.spec.source import read_bytes

GATEWAY_FILE = "gateway.yaml"
CHANGELOG_FILE = "changelog.yaml"
MODELS_FOLDER = "models"


def default_specs() -> Path:
    """The folder of the specs that travel with segforge: in the wheel, or in the checkout it is installed from."""
    packaged = Path(__file__).parents[1] / "specs"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "specs"


def model_paths(specs: Path) -> list[Path]:
    """The model files of a folder of specs, sorted."""
    return sorted(path for path in (specs / MODELS_FOLDER).glob("*.y*ml") if path.suffix in (".yaml", ".yml"))


def display(path: Path) -> str:
    """The path as a person in this folder would type it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


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
