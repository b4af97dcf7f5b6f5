"""What a pytest test talks to: a gateway that has to hold, and a failure that says how it did not."""

from collections.abc import Iterable

import pytest

from segforge.spec.catalog import Model
from segforge_contract.cases import Case
from segforge_contract.report import describe
from segforge_contract.session import Failure, Session
from segforge_contract.stateful import explore

_SHOWN = 5


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
        jobs, self.session.jobs = self.session.jobs, []
        self._check(failures + self.session.follow(jobs, deep=True))

    def lives_hold(self, model: Model, *, max_examples: int) -> None:
        """Let a state machine submit, poll and wait, with several jobs and accounts at once."""
        self._check(explore(self.session.accounts(), model, seed=0, max_examples=max_examples))

    def _check(self, failures: list[Failure]) -> None:
        found = failures + self.session.settle()
        if found:
            header = self.session.catalog.gateway.auth.header
            base_url = self.session.target.base_url
            shown = [describe(failure, base_url, key_header=header) for failure in found[:_SHOWN]]
            rest = [f"and {len(found) - _SHOWN} more"] if found[_SHOWN:] else []
            pytest.fail("\n\n".join(shown + rest), pytrace=False)
