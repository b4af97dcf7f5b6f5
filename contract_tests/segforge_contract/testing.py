"""What a pytest test talks to: a gateway that has to hold, and a failure that says how it did not."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import pytest

from segforge.spec.catalog import Model
from segforge_contract.cases.case import Case, Operation
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.resend import again, repeated_case
from segforge_contract.engine.session import Session
from segforge_contract.errors import Unreachable
from segforge_contract.messages.request import Request
from segforge_contract.reports.report import describe

_SHOWN = 5


class Contract:
    """What a test talks to: it sends cases, and fails with everything that they broke."""

    def __init__(self, session: Session, stop: Callable[[str], NoReturn] = pytest.exit) -> None:
        """`stop` ends the whole run, for a reason; a target that is gone would fail every test that is left."""
        self.session = session
        self.stop = stop

    def holds(self, cases: Iterable[Case]) -> None:
        """Send cases and follow the jobs that they submit."""
        self._check(lambda: [failure for case in cases for failure in self.session.perform(case)])

    def job_holds(self, case: Case) -> None:
        """Submit one job and check its whole life, its result included."""
        self._check(lambda: self.session.perform(case) + self.session.settle(deep=True))

    def lives_hold(self, model: Model, *, max_examples: int) -> None:
        """Let a state machine submit, poll and wait, with several jobs and accounts at once; on this machine alone."""
        if not self.session.target.loopback:
            pytest.skip("the state machine submits more jobs than anybody would pay for")
        from segforge_contract.engine.phases.lives import explore

        self._check(lambda: explore(self.session.accounts(), model, seed=0, max_examples=max_examples))

    def keeps(self, rule: str, model: str | None, operation: Operation, sent: Request | Mapping[str, Any]) -> None:
        """Send a payload, or a request as it is, that has to end as a rule promises, at the cost that it names.

        `operation` is `run` (v1) or `submit` (v2), or a poll: `status`, `result`, `poll`. A rule between several
        answers, or one that needs a situation brought about first, is put to the test with a payload of its own. Raises
        KeyError where the specs know no such rule or model.
        """
        case = repeated_case(self.session.catalog, rule, model, operation, sent)
        self._check(lambda: again(self.session, case))

    def _check(self, send: Callable[[], list[Failure]]) -> None:
        sent, held_back = len(self.session.sent), dict(self.session.unsent)
        try:
            found = send() + self.session.settle()
        except Unreachable as error:
            self.stop(f"the target can't be reached: {error}")
        if found:
            header = self.session.catalog.gateway.auth.header
            base_url = self.session.target.base_url
            shown = [describe(failure, base_url, key_header=header) for failure in found[:_SHOWN]]
            rest = [f"and {len(found) - _SHOWN} more"] if found[_SHOWN:] else []
            pytest.fail("\n\n".join(shown + rest), pytrace=False)
        if len(self.session.sent) == sent and self.session.unsent != held_back:
            changed = [why for why, cases in self.session.unsent.items() if cases != held_back.get(why)]
            pytest.skip("; ".join(changed))
