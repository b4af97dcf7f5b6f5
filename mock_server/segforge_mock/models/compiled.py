"""Emits the mock's models of somebody's own specs into a cache, once for each content."""

import hashlib
import shutil
import tempfile
from pathlib import Path

import platformdirs

import segforge
from segforge.emit.artifact import Generated
from segforge.emit.manifest import write
from segforge.emit.pipeline import emit
from segforge.spec.load import load_catalog
from segforge_mock.models.served import ServedModels, models_in


def models_of(specs: Path) -> ServedModels:
    """The models of a folder of specs. Raises SpecError where something is wrong with them."""
    folder = Path(platformdirs.user_cache_dir("segforge")) / "mock" / _digest(specs)
    if not folder.is_dir():
        generated = Generated(list(emit(load_catalog(specs), ["mock"])))
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
            write(Path(fresh), generated, ["mock"])
            shutil.copytree(fresh, folder, dirs_exist_ok=True)
    return models_in(folder / "mock" / "segmind_mock")


def _digest(specs: Path) -> str:
    """Stands for the specs and for the code that emits from them, so that no other version's work is served."""
    digest = hashlib.sha256()
    for folder, pattern in ((specs, "**/*.y*ml"), (Path(segforge.__file__).parent, "**/*.*")):
        for path in sorted(folder.glob(pattern)):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:32]
