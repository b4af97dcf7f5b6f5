"""Emits the mock's models of somebody's own specs into a cache, once for each content."""

import hashlib
import shutil
import tempfile
from pathlib import Path

import platformdirs

from segforge.emit.emitters import emit
from segforge.emit.writer import write
from segforge.spec.load import load_catalog
from segforge_mock.served import ServedModels, models_in


def models_of(specs: Path) -> ServedModels:
    """The models of a folder of specs. Raises SpecError where something is wrong with them."""
    catalog = load_catalog(specs)
    artifacts = list(emit(catalog, ["mock"]))
    digest = hashlib.sha256(
        "\0".join(f"{artifact.path}\0{artifact.text}" for artifact in artifacts).encode()
    ).hexdigest()
    folder = Path(platformdirs.user_cache_dir("segforge")) / "mock" / digest[:32]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
            write(Path(fresh), artifacts, ["mock"])
            shutil.copytree(fresh, folder, dirs_exist_ok=True)
    return models_in(folder / "mock" / "segmind_mock")
