"""The contract tests' options and the one fixture they share: a gateway to talk to, the mock in this process unless told."""

import os
from collections.abc import Iterable, Iterator

import pytest

from segforge.spec.catalog import Catalog
from segforge.spec.load import default_specs, load_catalog
from segforge_contract.cases import Case
from segforge_contract.command import IN_PROCESS, open_session, open_target
from segforge_contract.report import describe
from segforge_contract.session import Failure, Session, Unreachable
from segforge_contract.target import BadTarget


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--target` and `--yes`."""
    group = parser.getgroup("contract tests")
    group.addoption("--target", default=IN_PROCESS, metavar="URL", help="gateway to test (default: the mock, in process)")
    group.addoption("--yes", action="store_true", help="send requests that may be billed to a host that is not this machine")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a target that can't be used, or that could cost money, before anything is sent."""
    text = config.getoption("--target")
    if text == IN_PROCESS:
        return
    try:
        target = _open(text, load_catalog(default_specs()))
        target.close()
    except BadTarget as error:
        raise pytest.UsageError(f"--target: {error}") from None
    if not target.loopback and not config.getoption("--yes"):
        raise pytest.UsageError(f"--target: requests to {target.base_url} may cost money; add --yes to send them")


class Contract:
    """What a test talks to: it sends cases, and fails with everything that they broke."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def holds(self, cases: Iterable[Case]) -> None:
        """Send cases and follow the jobs that they submit."""
        self._check([failure for case in cases for failure in self.session.perform(case)])

    def job_holds(self, case: Case) -> None:
        """Submit one job and check its whole life, its result included."""
        failures = self.session.perform(case)
        job = self.session.jobs.pop() if self.session.jobs else None
        self._check(failures + (self.session.follow(job) if job is not None else []))
        assert job is not None, "the submit was accepted, and gave no request_id to follow"

    def _check(self, failures: list[Failure]) -> None:
        found = failures + self.session.settle()
        if found:
            header = self.session.catalog.gateway.auth.header
            base_url = self.session.target.base_url
            shown = [describe(failure, base_url, key_header=header) for failure in found[:5]]
            pytest.fail("\n\n".join([*shown, *([f"and {len(found) - 5} more"] if found[5:] else [])]), pytrace=False)


@pytest.fixture(scope="session")
def contract(pytestconfig: pytest.Config) -> Iterator[Contract]:
    """The gateway under test."""
    catalog = load_catalog(default_specs())
    target = _open(pytestconfig.getoption("--target"), catalog)
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


def _open(text: str, catalog: Catalog):  # type: ignore[no-untyped-def]
    return open_target(text, os.environ.get(catalog.gateway.auth.environment), catalog)
