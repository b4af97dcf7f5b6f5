"""Options of the contract tests, and their one fixture: a gateway to talk to, by default the mock in process."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

from segforge.spec.catalog import Catalog
from segforge.spec.load import default_specs, load_catalog
from segforge_contract.session import Unreachable, open_session
from segforge_contract.target import IN_PROCESS, BadTarget, Target, open_target
from segforge_contract.testing import Contract


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--target` and `--yes`."""
    group = parser.getgroup("contract tests")
    group.addoption(
        "--target", default=IN_PROCESS, metavar="URL", help="gateway to test (default: the mock, in process)"
    )
    group.addoption(
        "--yes", action="store_true", help="send requests that may be billed to a host that is not this machine"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a target that can't be used, or that could cost money, before anything is sent."""
    text = config.getoption("--target", IN_PROCESS)
    if text == IN_PROCESS:
        _set_up_hypothesis(Phase.generate, Phase.shrink)
        return
    try:
        target = _open(text, load_catalog(default_specs()))
        target.close()
    except BadTarget as error:
        raise pytest.UsageError(f"--target: {error}") from None
    if not target.loopback and not config.getoption("--yes", False):
        raise pytest.UsageError(f"--target: requests to {target.base_url} may cost money; add --yes to send them")
    # Shrinking means sending more; never by calls that may be billed.
    _set_up_hypothesis(Phase.generate, *([Phase.shrink] if target.loopback else []))


def _set_up_hypothesis(*phases: Phase) -> None:
    settings.register_profile(
        "contract", max_examples=15, deadline=None, derandomize=True, database=None, phases=phases
    )


@pytest.fixture(scope="session")
def contract(pytestconfig: pytest.Config) -> Iterator[Contract]:
    """The gateway under test."""
    catalog = load_catalog(default_specs())
    target = _open(pytestconfig.getoption("--target", IN_PROCESS), catalog)
    try:
        yield Contract(open_session(catalog, target))
    finally:
        target.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """End the run in one line once the target is gone, instead of failing every test that is left."""
    try:
        return (yield)
    except Unreachable as error:
        pytest.exit(f"the target can't be reached: {error}", returncode=2)


def _open(text: str, catalog: Catalog) -> Target:
    return open_target(text, os.environ.get(catalog.gateway.auth.environment), catalog)
