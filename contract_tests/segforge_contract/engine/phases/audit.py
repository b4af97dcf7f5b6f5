"""Compares the drop in the balance with the costs that answers stated. A refusal must cost nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from segforge_contract.cases.case import Case
from segforge_contract.checks.answers import Broken
from segforge_contract.checks.balance import TOLERANCE, Account, Balance
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.session import Session

_LOST: Final = "answers were lost, so the costs in answers can't be compared with the balance"


class Audit:
    """The part of a session between two readings of the balance."""

    def __init__(self, session: Session) -> None:
        self.session = session
        session.follower.account = Account(cost=session.follower.account.cost, reading=True)
        self.before = session.follower.balance()
        self.lost = session.lost

    def close(self, cases: Sequence[Case], *, single: bool = False) -> list[Failure]:
        """Reads the balance and compares its drop with the stated costs. Returns the failures.

        `single`: only one call was made, the first of the cases. All jobs must have ended, since some gateways bill at
        the end of a job.
        """
        account, after = self.session.follower.account, self.session.follower.balance()
        self.session.follower.account = Account(cost=account.cost)
        if self.before is None or after is None:
            return []
        failures = list(self._remaining(cases[0], account, after)) if single and not account.tangled else []
        if self.session.lost > self.lost:
            self.session.unsent[_LOST] += 1
            return []
        if account.unknown:
            self.session.unsent["an answer states no cost in numbers, so costs and balance can't be compared"] += 1
        if account.unknown or account.tangled:
            return failures
        self.session.sent.append(replace(cases[0], rule="money.costs_add_up", parameter=None))
        drop = self.before.total - after.total
        if abs(drop - account.spent) <= TOLERANCE:
            return failures
        culprits = list(self._culprits(cases)) if drop > account.spent and self.session.target.loopback else []
        expected, found = f"a drop of {account.spent:.6g} in the balance", f"a drop of {drop:.6g}"
        witness = next((case for case in cases if case.accepted), cases[0])
        return failures + (culprits or [_failure(witness, "money.costs_add_up", expected, found)])

    def _remaining(self, case: Case, account: Account, after: Balance) -> Iterator[Failure]:
        if account.remaining is not None:
            self.session.sent.append(replace(case, rule="money.remaining_agrees"))
            if not after.shows(account.remaining):
                yield _failure(case, "money.remaining_agrees", f"{after.total:.6g} left", f"{account.remaining:.6g}")

    def _culprits(self, cases: Iterable[Case]) -> Iterator[Failure]:
        """Sends the free cases again one by one to find those that are billed."""
        for case in cases:
            if case.accepted:
                continue
            before = self.session.follower.balance()
            self.session.perform(replace(case, request=replace(case.request, copy=1)))
            self.session.settle()
            after = self.session.follower.balance()
            if before is not None and after is not None and before.total - after.total > TOLERANCE:
                rule = "money.failed_job_is_free" if case.starts_job else "money.refusal_is_free"
                yield _failure(case, rule, "an unchanged balance", f"{before.total - after.total:.6g} credits less")


def _failure(case: Case, rule: str, expected: str, found: str) -> Failure:
    return Failure(case, Broken(rule, expected, found), (case.request,))
