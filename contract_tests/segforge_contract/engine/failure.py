"""A broken rule, with the case that shows it."""

from collections.abc import Iterable
from dataclasses import dataclass

from segforge_contract.cases.case import Case
from segforge_contract.checks.answers import Broken
from segforge_contract.messages.request import Request


@dataclass(frozen=True)
class Failure:
    """A broken rule, the case that shows it, and the requests that reproduce it."""

    case: Case
    broken: Broken
    requests: tuple[Request, ...]


def failures_of(case: Case, broken: Iterable[Broken], polls: Iterable[Request] = ()) -> list[Failure]:
    """Returns a failure for each rule that a case broke; `polls` are the requests sent after its own."""
    return [Failure(case, each, (case.request, *polls)) for each in broken]
