"""The object that a pytest test receives to check rules, and that reports the failures."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import pytest

from segforge.spec.catalog import Model
from segforge_contract.cases.case import Case, Operation
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.resend import again, repeated_case
from segforge_contract.engine.session import Session
from segforge_contract.errors import BadRule, Unreachable
from segforge_contract.messages.request import Request
from segforge_contract.reports.text import describe

_SHOWN = 5


class Contract:
    """Sends cases to the gateway under test, and fails the test with every rule they broke."""

    def __init__(self, session: Session, stop: Callable[[str], NoReturn] = pytest.exit) -> None:
        """`stop` ends the whole run for a reason, since every further test would fail without a target."""
        self.session = session
        self.stop = stop

    def holds(self, cases: Iterable[Case]) -> None:
        """Sends cases and follows the jobs that they submit."""
        self._check(lambda: [failure for case in cases for failure in self.session.perform(case)])

    def job_holds(self, case: Case) -> None:
        """Submits one job and checks its whole life, its result included."""
        self._check(lambda: self.session.perform(case) + self.session.settle(deep=True))

    def lives_hold(self, model: Model, *, max_examples: int) -> None:
        """Lets a state machine submit, poll and wait, with several jobs and accounts. Skipped on another host."""
        if not self.session.target.loopback:
            pytest.skip("the state machine submits too many jobs for a host that may bill them")
        from segforge_contract.engine.phases.lives import explore

        self._check(lambda: explore(self.session.accounts(), model, seed=0, max_examples=max_examples))

    def keeps(self, rule: str, model: str | None, operation: Operation, sent: Request | Mapping[str, Any]) -> None:
        """Sends a payload, or a whole request, and checks that the rule holds and that the cost is as stated.

        `operation` is `run` (v1) or `submit` (v2), or a poll: `status`, `result`, `poll`. A rule that compares several
        answers, or that needs a special situation, is also tested with payloads of its own. Raises KeyError if there
        is no such rule or model.
        """
        case = repeated_case(self.session.catalog, rule, model, operation, sent)
        self._check(lambda: again(self.session, case))

    def _check(self, send: Callable[[], list[Failure]]) -> None:
        sent, held_back = len(self.session.sent), dict(self.session.unsent)
        try:
            found = send() + self.session.settle()
        except BadRule as error:
            self.stop(str(error))
        except Unreachable as error:
            self.stop(f"the target can't be reached: {error}")
        if found:
            header = self.session.catalog.gateway.auth.header
            base_url = self.session.target.base_url
            found.sort(key=lambda failure: failure.broken.rule != failure.case.rule)  # the tested rule comes first
            shown = [describe(failure, base_url, key_header=header) for failure in found[:_SHOWN]]
            rest = [f"and {len(found) - _SHOWN} more"] if found[_SHOWN:] else []
            pytest.fail("\n\n".join(shown + rest), pytrace=False)
        if len(self.session.sent) == sent and self.session.unsent != held_back:
            changed = [why for why, cases in self.session.unsent.items() if cases != held_back.get(why)]
            pytest.skip("; ".join(changed))
