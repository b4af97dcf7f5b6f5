"""A report as Markdown, for the summary of a step of GitHub Actions."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from segforge.github import append_summary
from segforge.spec.printable import code, counted, longest_run, one_line, shortened, show
from segforge_contract.engine.failure import Failure
from segforge_contract.messages.curl import curl
from segforge_contract.reports.report import Report
from segforge_contract.reports.reporter import check_writable
from segforge_contract.reports.text import in_words, spending
from segforge_contract.rules.table import RULES

_SHOWN: Final = 5  # failures of one rule; the step's log and the other reports have more
_MOST_TEXT: Final = 600


@dataclass(frozen=True)
class SummaryReporter:
    """Appends the report to the file that GitHub Actions names."""

    path: Path
    option: str = "GITHUB_STEP_SUMMARY"

    def check(self) -> None:
        """Refuses a path that can't be written. Raises Misuse."""
        check_writable(self.option, self.path)

    def write(self, report: Report) -> None:
        """Appends the report. Raises OSError."""
        append_summary(self.path, render(report))


def render(report: Report) -> str:
    """Returns the report as Markdown. Text from servers and specs is in code spans, so that it can't become markup."""
    lines = ["## Contract tests: all rules held" if report.held else "## Contract tests: not all rules held", ""]
    lines += [f"{code(report.base_url)}: {report.summary}.", "", f"C{in_words(report.coverage)[1:]}.", ""]
    if report.cut_short is not None:
        lines += [f"**Ended early:** {_code(report.cut_short)}", ""]
    lines += [f"- {_code(text)}" for text in report.outdated] + [""] * bool(report.outdated)
    lines += [f"- {count} not sent: {_code(reason)}" for reason, count in report.result.unsent.items()]
    lines += [""] * bool(report.result.unsent)
    if report.money is not None:
        lines += [f"S{spending(report.money)[1:]}.", ""]
    for rule, failures in report.by_rule.items():
        lines += _rule(report, rule, failures)
    return "\n".join(lines) + "\n"


def _rule(report: Report, rule: str, failures: list[Failure]) -> Iterator[str]:
    promise = f"{RULES[rule].promise} ({RULES[rule].source})"
    yield from (f"### {code(rule)}", "", f"The docs promise that {one_line(promise)}.", "")
    yield from ("| where | change | expected | found |", "|---|---|---|---|")
    for failure in failures[:_SHOWN]:
        case, broken = failure.case, failure.broken
        where = " ".join(part for part in (case.model, case.operation) if part)
        yield "| " + " | ".join(map(_code, (where, case.change, broken.expected, broken.found))) + " |"
    if len(failures) > _SHOWN:
        yield f"\n{counted(len(failures) - _SHOWN, 'more failure')} of this rule."
    first = failures[0]
    yield ""
    if first.case.payload is not None:
        yield from (f"Payload: {code(show(dict(first.case.payload), 2_000))}", "")
    for request in first.requests[:_SHOWN]:
        command = one_line(shortened(curl(request, report.base_url, key_header=report.key_header), 4_000))
        fence = "`" * max(3, 1 + longest_run(command))
        yield from (f"{fence}sh", command, fence, "")


def _code(text: str) -> str:
    return code(shortened(text, _MOST_TEXT))
