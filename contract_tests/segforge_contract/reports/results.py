"""The report as results of tests: one for each rule on each operation of a model, and those of the campaign itself."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from segforge.spec.printable import one_line, shortened
from segforge_contract.engine.failure import Failure
from segforge_contract.reports.report import Report
from segforge_contract.reports.text import describe

CAMPAIGN: Final = "campaign"
GATEWAY: Final = "gateway"
_SHOWN: Final = 5  # failures of one result that are described in full
_MOST_TEXT: Final = 20_000


@dataclass(frozen=True)
class RuleResult:
    """How one test ended. `suite` is a model, the gateway or the campaign.

    An error means that the campaign ended early. `message` is one line, and `details` describe the failures in full.
    """

    suite: str
    operation: str | None
    name: str
    state: Literal["passed", "failed", "error", "skipped"]
    message: str = ""
    failures: tuple[Failure, ...] = ()
    details: str = ""


class _Subject(NamedTuple):
    """A rule on an operation of a model, None for the gateway itself."""

    model: str | None
    operation: str
    rule: str


def results(report: Report) -> Iterator[RuleResult]:
    """Yields the results: the planned rules, the others that were tested, then the campaign."""
    sent = dict.fromkeys(_Subject(point.model, point.operation, point.rule) for point in report.coverage.sent)
    broken: defaultdict[_Subject, list[Failure]] = defaultdict(list)
    for failure in report.result.failures:
        broken[_Subject(failure.case.model, failure.case.operation, failure.broken.rule)].append(failure)
    planned = (_Subject(point.model, point.operation, point.rule) for point in report.coverage.points)
    for one in dict.fromkeys([*planned, *sent, *broken]):
        suite = one.model or GATEWAY
        if one in broken:
            yield _failed(suite, one, broken[one], report)
        elif one not in sent:
            yield RuleResult(suite, one.operation, one.rule, "skipped", "no case was sent")
        else:
            yield RuleResult(suite, one.operation, one.rule, "passed")
    if report.cut_short is not None:
        yield RuleResult(CAMPAIGN, None, "runs to its end", "error", report.cut_short)
    if report.deviations is not None:
        outdated = "; ".join(report.outdated)
        state: Literal["failed", "passed"] = "failed" if outdated else "passed"
        yield RuleResult(CAMPAIGN, None, "known deviations are current", state, outdated)


def _failed(suite: str, one: _Subject, failures: list[Failure], report: Report) -> RuleResult:
    first = failures[0]
    words = [describe(each, report.base_url, key_header=report.key_header) for each in failures[:_SHOWN]]
    if len(failures) > _SHOWN:
        words.append(f"and {len(failures) - _SHOWN} more")
    message = shortened(
        f"{first.case.change}: expected {first.broken.expected}, found {first.broken.found}", _MOST_TEXT
    )
    details = "\n\n".join(shortened(text, _MOST_TEXT) for text in words)
    return RuleResult(suite, one.operation, one.rule, "failed", message, tuple(failures), details)


def visible(text: str) -> str:
    """Returns a text whose lines have no hidden characters, for formats that JSON can carry but readers can't see."""
    return "\n".join(map(one_line, text.split("\n")))
