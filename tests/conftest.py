"""Fixtures that all tests share."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from segforge.spec.catalog import Catalog
from segforge.spec.load import default_specs, load_catalog

settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The Catalog of the project's own specs."""
    return load_catalog(default_specs())


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A copy of the project's specs, to break."""
    folder = tmp_path / "specs"
    shutil.copytree(default_specs(), folder)
    return folder
