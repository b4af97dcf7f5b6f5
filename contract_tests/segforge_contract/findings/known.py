"""Known deviations of the gateway from its docs, and how a run compares with them."""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from segforge.spec.printable import one_line
from segforge_contract.cases.case import Case
from segforge_contract.engine.campaign import RunResult
from segforge_contract.engine.failure import Failure
from segforge_contract.rules.table import RULES

_ON_REFUSALS = ("key.not_echoed", "error.shape", "money.refusal_is_free")
"""The rules about answers that a refusal is enough to test; the others need an accepted request."""


@dataclass(frozen=True)
class Deviation:
    """One known deviation; `where` is its file and line. `observed` is a pattern with * and ?."""

    rule: str
    observed: str
    reason: str
    seen: date
    expires: date
    evidence: str
    where: str
    model: str | None = None
    operation: str | None = None
    parameter: str | None = None

    def covers(self, failure: Failure) -> bool:
        """Whether a failure is this deviation."""
        return (
            failure.broken.rule == self.rule
            and self._in_scope(failure.case)
            and fnmatch.fnmatchcase(one_line(failure.broken.found), self.observed)
        )

    def tested_by(self, case: Case) -> bool:
        """Whether a case would have shown it."""
        if RULES[self.rule].outcomes or RULES[self.rule].family == "house":
            return case.rule == self.rule and self._in_scope(case)
        return self._in_scope(case) and (case.accepted or self.rule in _ON_REFUSALS)

    def _in_scope(self, case: Case) -> bool:
        wanted = (self.model, self.operation, self.parameter)
        found = (case.model, case.operation, case.parameter)
        return all(one is None or one == other for one, other in zip(wanted, found, strict=True))

    @property
    def in_words(self) -> str:
        """The deviation in one line, with its file and line."""
        scope = " ".join(part for part in (self.model, self.operation, self.parameter) if part)
        return one_line(f"{self.where}: {self.rule} {scope}: {self.observed} ({self.reason})")


@dataclass(frozen=True)
class Verdict:
    """A run compared with the known deviations: new and known failures, and the entries to remove or review."""

    new: tuple[Failure, ...]
    known: tuple[Failure, ...]
    gone: tuple[Deviation, ...]
    expired: tuple[Deviation, ...]

    @property
    def holds(self) -> bool:
        """Whether the run showed exactly the known deviations, and none of them expired."""
        return not (self.new or self.gone or self.expired)


def verdict_on(deviations: Sequence[Deviation], result: RunResult, today: date) -> Verdict:
    """Sorts the failures of a run into new and known ones, and finds the deviations that no longer occur.

    A run that ended early doesn't prove that a deviation is gone.
    """
    new: list[Failure] = []
    known: list[Failure] = []
    seen: set[Deviation] = set()
    for failure in result.failures:
        covering = [deviation for deviation in deviations if deviation.covers(failure)]
        seen.update(covering)
        (known if covering else new).append(failure)
    sent = () if result.stopped is not None else result.sent
    tested = [deviation for deviation in deviations if deviation.rule not in result.skipped]
    gone = [deviation for deviation in tested if deviation not in seen and any(map(deviation.tested_by, sent))]
    expired = [deviation for deviation in deviations if deviation.expires < today]
    return Verdict(tuple(new), tuple(known), tuple(gone), tuple(expired))
