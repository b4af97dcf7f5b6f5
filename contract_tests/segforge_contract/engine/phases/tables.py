"""Sends the cases of the tables by operation, and audits the balance after each operation."""

from collections.abc import Iterator

from segforge_contract.cases.case import Case
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.phases.audit import Audit
from segforge_contract.engine.session import Session


def audited(session: Session, cases: list[Case]) -> Iterator[list[Failure]]:
    """Performs the cases of one operation and audits the balance: first for the sample alone, then for the rest."""
    audit, since = Audit(session), 0
    for index, case in enumerate(cases):
        if not _is_sample(case):
            yield session.perform(case)
            continue
        failures = session.settle() + audit.close(cases[since:index] or [case])
        audit, since = Audit(session), index + 1
        failures += session.perform(case)
        failures += session.settle(deep=True) + audit.close([case], single=True)
        yield failures
        audit = Audit(session)
    yield session.settle() + audit.close(cases[since:] or cases)


def _is_sample(case: Case) -> bool:
    return case.rule == "payload.valid" and case.accepted
