"""The distributions hold what they need, build to the same bytes anywhere, and are built by pinned tools."""

import os
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.dist.build import ROOT, BuildError, build_python
from tests.dist.check import check, check_contents, check_source
from tests.shared import once

PINS = (ROOT / "requirements-dist.txt").read_text("utf-8")
CONSTRAINTS = (ROOT / "constraints.txt").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution of segforge."""
    return once(tmp_path_factory, "distributions", lambda folder: build_python(ROOT, folder))


def test_the_wheel_holds_the_files_of_the_repository_and_no_other(built: Path) -> None:
    [wheel] = built.glob("*.whl")
    check_contents(wheel)


def test_the_source_distribution_builds_the_same_bytes(built: Path) -> None:
    """The bytes don't depend on the folder, on the times of the files or on their modes."""
    [source] = built.glob("*.tar.gz")
    old = os.umask(0o077)
    try:
        check_source(source, built)
    finally:
        os.umask(old)


def test_each_tool_of_a_release_is_pinned_by_hash_at_the_tested_version() -> None:
    pinned = dict(
        re.findall(
            r"^([\w.-]+)==(\S+)(?: ;[^\n]*)? \\\n(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", PINS, re.MULTILINE
        )
    )
    assert set(pinned) == set(re.findall(r"^([\w.-]+)==", PINS, re.MULTILINE)), "run: make dist-pins"
    assert "://" not in PINS
    tested = {
        canonicalize_name(name): version for name, version in re.findall(r"^(\S+)==(\S+)$", CONSTRAINTS, re.MULTILINE)
    }
    assert {name: tested[name] for name in pinned if name in tested} == {n: v for n, v in pinned.items() if n in tested}
    extras = PROJECT["optional-dependencies"]
    needed = {Requirement(each) for each in (*PROJECT["dependencies"], *extras["generate"], *extras["dist"])}
    for requirement in needed - {Requirement("segforge[generate]")}:
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement


def test_a_distribution_that_is_missing_is_reported(tmp_path: Path) -> None:
    (tmp_path / "segforge-0.1.0-py3-none-any.whl").touch()
    with pytest.raises(BuildError, match=r"expected 2 wheels, .* found \(1, 0, 0\)"):
        check(tmp_path)
