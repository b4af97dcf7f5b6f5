"""The five seed models: those that most tests use, so that the suite stays fast however many models the specs hold."""

import atexit
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from segforge import Catalog, default_specs, load_catalog
from segforge.spec.catalog import Assumption, Average, Model

COST: Final = 0.05
"""What a call of a seed costs in the tests, in credits and in USD."""
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
    """Returns a Catalog with the seeds alone, each call of which costs 0.05 credits by its average, and at most."""
    gateway, directory = catalog.gateway, catalog.directory
    listings = {slug: replace(listing, usd=COST) for slug, listing in directory.listings.items() if slug in SEEDS}
    assumptions = {**gateway.assumptions, "price_factor": Assumption(1, "inferred")}
    return replace(
        catalog,
        models=tuple(costing(model) for model in catalog.models if model.slug in SEEDS),
        directory=replace(directory, listings=listings),
        gateway=replace(gateway, assumptions=assumptions),
    )


def costing(model: Model, usd: float | None = COST) -> Model:
    """Returns a model with this average cost, or without one."""
    return replace(model, average=None if usd is None else Average("2026-08-19", usd=usd))


@cache
def seed_specs() -> Path:
    """Returns a folder of the project's specs with the seed models alone, which no test changes."""
    folder = tempfile.TemporaryDirectory(prefix="segforge-seeds-")
    atexit.register(folder.cleanup)
    return copy_seeds(Path(folder.name) / "specs")


def copy_seeds(folder: Path, costs: Mapping[str, Decimal] = MappingProxyType({})) -> Path:
    """Copies the project's specs with the seed models alone to a new folder, and returns it.

    Calls cost at most `costs` by slug, in credits, or else the amount above.
    """
    others = [path.name for path in (default_specs() / "models").iterdir() if path.stem not in SEEDS]
    shutil.copytree(default_specs(), folder, ignore=lambda of, _: others if Path(of).name == "models" else [])
    for slug in SEEDS:
        _change(folder / "directory.yaml", rf"(?m)(?<=^  {slug}: ).*usd: [0-9.]+", costs.get(slug, COST))
    _change(folder / "gateway.yaml", r"(?m)(?<=^  price_factor:\n    )value: [0-9.]+", 1)
    return folder


def _change(file: Path, pattern: str, number: object) -> None:
    """Replaces the number at the end of the one match of a pattern."""
    text = file.read_text("utf-8")
    [match] = re.finditer(pattern, text)
    start = match.end() - len(match[0].rpartition(" ")[2])
    file.write_text(f"{text[:start]}{number}{text[match.end() :]}", "utf-8")
