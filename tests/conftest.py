"""Fixtures for all tests."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from segforge import Catalog
from tests import seeds
from tests.harness.pool import COMMON
from tests.seeds import copy_seeds, seed_catalog
from tests.shared import common

if TYPE_CHECKING:
    from segforge_mock import Mock

# The tests start several hundred Python processes. Without bytecode files, each would compile the packages anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Under GitHub Actions, commands would add annotations to their output, and a summary to the step of the tests.
for _name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(_name, None)

# Hypothesis would compute its tables of characters in each folder from which a test starts a process.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path(__file__).parents[1] / ".hypothesis"))

# A shell starts programs in the background with SIGINT ignored, which the programs that tests interrupt would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_collection_finish() -> None:
    """Keeps the garbage collector from visiting the collected tests and all imported modules again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Uses a temporary cache, so that tests do not read or write the user's cache."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    os.environ[COMMON] = str(common(tmp_path_factory))


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The Catalog of the project's own specs with the seed models alone."""
    return seed_catalog()


@pytest.fixture(scope="session")
def whole_catalog() -> Catalog:
    """The Catalog of all of the project's own specs."""
    return seeds.whole_catalog()


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A copy of the project's specs with the seed models alone, which a test may change."""
    return copy_seeds(tmp_path / "specs")


@pytest.fixture(scope="module")
def shared_mock() -> Iterator["Mock"]:
    """A mock that takes no time, for the tests of a module."""
    from segforge_mock import Mock  # imported late, since most tests need no mock

    with Mock(time_scale=0, media="tiny") as mock:
        yield mock


@pytest.fixture
def mock(shared_mock: "Mock") -> "Mock":
    """The mock of the module, as new."""
    shared_mock.reset()
    return shared_mock
