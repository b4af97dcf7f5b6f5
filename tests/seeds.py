"""The five seed models: those that most tests use, so that the suite stays fast however many models the specs hold."""

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from segforge import Catalog, default_specs, load_catalog

SEEDS: Final = ("flux-controlnet", "flux-dev-finetuned", "flux-img2img", "flux-ipadapter", "style-transfer")


@cache
def seed_catalog() -> Catalog:
    """Returns the Catalog of the project's own specs with the seed models alone."""
    return only_seeds(whole_catalog())


@cache
def whole_catalog() -> Catalog:
    """Returns the Catalog of all of the project's own specs, which is loaded once for all tests of a worker."""
    return load_catalog(default_specs())


def only_seeds(catalog: Catalog) -> Catalog:
    """Returns a Catalog without all models but the seeds."""
    return replace(catalog, models=tuple(model for model in catalog.models if model.slug in SEEDS))


def copy_seeds(folder: Path) -> Path:
    """Copies the project's specs with the seed models alone to a new folder, and returns it."""
    others = [path.name for path in (default_specs() / "models").iterdir() if path.stem not in SEEDS]
    shutil.copytree(default_specs(), folder, ignore=lambda of, _: others if Path(of).name == "models" else [])
    return folder
