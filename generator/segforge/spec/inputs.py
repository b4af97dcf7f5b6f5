"""The files of a folder of specs: their names, and their bytes before they are parsed."""

import hashlib
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from segforge.options import Misuse
from segforge.spec.source import read_bytes

GATEWAY_FILE = "gateway.yaml"
DIRECTORY_FILE = "directory.yaml"
CHANGELOG_FILE = "changelog.yaml"
MODELS_FOLDER = "models"
SHAPES_FOLDER = "shapes"
PACKAGED = Path(__file__).parents[1] / "specs"
"""The specs in the wheel; not a folder in a checkout."""


def default_specs() -> Path:
    """Returns the folder of segforge's own specs: in the wheel, or in the checkout."""
    return PACKAGED if PACKAGED.is_dir() else Path(__file__).parents[3] / "specs"


def working_specs() -> Path:
    """Returns the folder of specs that commands use by default.

    That is `specs` in the current folder if segforge was installed without a checkout and this folder has a gateway
    file, else segforge's own specs.
    """
    local = Path("specs")
    return local if PACKAGED.is_dir() and (local / GATEWAY_FILE).is_file() else default_specs()


def refuse_packaged(specs: Path, action: str) -> None:
    """Raises Misuse if the folder is part of an installed package, in which nothing must be written."""
    if specs.resolve() == PACKAGED.resolve():
        raise Misuse(
            f"{action} would change the installed package; copy its specs with "
            f"`cp -r {shlex.quote(str(specs))} specs`, and run the command again in this folder"
        )


def model_paths(specs: Path) -> list[Path]:
    """Returns the model files of a folder of specs, sorted."""
    folder = specs / MODELS_FOLDER
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208 - names take less time to sort than paths
    return [folder / name for name in sorted(names) if name.endswith((".yaml", ".yml"))]


def shape_paths(specs: Path) -> list[Path]:
    """Returns the files of shared shapes of a folder of specs, sorted."""
    return sorted((specs / SHAPES_FOLDER).glob("*.yaml"))


def display(path: Path) -> str:
    """Returns the path relative to the current folder, if it lies in it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


@dataclass(frozen=True)
class SpecFile:
    """One file and its bytes when it was read."""

    path: Path
    raw: bytes

    @property
    def name(self) -> bytes:
        """The file's name, as bytes."""
        return self.path.name.encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Inputs:
    """All files that affect the Catalog. `models` are in the order of their slugs, the names without suffix.

    `shapes` are the shared shapes. `schemas` are always those of segforge.
    """

    gateway: SpecFile
    models: tuple[SpecFile, ...]
    changelog: SpecFile | None
    directory: SpecFile | None
    shapes: tuple[SpecFile, ...]
    schemas: tuple[SpecFile, ...]

    def digest(self) -> bytes:
        """Returns a digest of all files with their names."""
        others = [file for file in (self.changelog, self.directory) if file is not None]
        return _digest([self.gateway], self.models, others, self.shapes, self.schemas)

    def shared_digest(self) -> bytes:
        """Returns a digest of the files that affect every model."""
        return _digest([self.gateway], self.shapes, self.schemas)


def read_inputs(specs: Path) -> Inputs | None:
    """Reads the files of a folder of specs. Returns None if a file can't be read."""
    changelog, directory = specs / CHANGELOG_FILE, specs / DIRECTORY_FILE
    try:
        return Inputs(
            _read(specs / GATEWAY_FILE),
            tuple(map(_read, sorted(model_paths(specs), key=attrgetter("stem")))),
            _read(changelog) if changelog.exists() else None,
            _read(directory) if directory.exists() else None,
            tuple(map(_read, shape_paths(specs))),
            tuple(map(_read, sorted((default_specs() / "schema").glob("*.json")))),
        )
    except OSError:
        return None


def _digest(*kinds: Sequence[SpecFile]) -> bytes:
    digest = hashlib.sha256()
    for files in kinds:
        digest.update(b"%d " % len(files))
        for file in files:
            digest.update(b"%d %d " % (len(file.name), len(file.raw)) + file.name + file.raw)
    return digest.digest()


def _read(path: Path) -> SpecFile:
    return SpecFile(path, read_bytes(path))
