"""A report as text on the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from segforge.spec.printable import counted, one_line, show
from segforge_contract.engine.failure import Failure
from segforge_contract.findings.coverage import Coverage
from segforge_contract.messages.curl import curl
from segforge_contract.rules.table import RULES
from segforge_contract.targets.ledger import Ledger

if TYPE_CHECKING:
    from rich.console import Console

    from segforge_contract.engine.campaign import RunResult
    from segforge_contract.findings.known import Verdict
    from segforge_contract.reports.report import Report

_SHOWN = 3  # failures of one rule that are printed in full


def describe(failure: Failure, base_url: str, *, key_header: str = "x-api-key") -> str:
    """A failure in a few lines: the rule and the case, the promise and its source, and how to reproduce it."""
    case, broken = failure.case, failure.broken
    rule = RULES[broken.rule]
    where = " ".join(part for part in (case.model, case.operation) if part)
    lines = [
        f"{rule.name}: {where}: {case.change}",
        f"  promise   {rule.promise} ({rule.source})",
        f"  expected  {broken.expected}",
        f"  found     {broken.found}",
    ]
    if case.payload is not None:
        lines.append(f"  payload   {show(dict(case.payload), 2000)}")
    lines += [f"  curl      {curl(request, base_url, key_header=key_header)}" for request in failure.requests]
    return "\n".join(map(one_line, lines))  # much of it is the server's text


@dataclass(frozen=True)
class TextReporter:
    """Prints the report."""

    out: "Console"
    option: str = "standard output"

    def check(self) -> None:
        """Accepts any console."""

    def write(self, report: "Report") -> None:
        """Prints the report. Raises BrokenPipeError if the reader is gone."""
        print_report(self.out, report)


def print_report(out: "Console", report: "Report") -> None:
    """Prints the failures by rule, the coverage, and a summary in one line."""
    result = report.result
    for rule, failures in report.by_rule.items():
        for failure in failures[:_SHOWN]:
            out.print(describe(failure, report.base_url, key_header=report.key_header), style="red", markup=False)
            out.print()
        if len(failures) > _SHOWN:
            rest = f"{rule}: {len(failures) - _SHOWN} more like this, see --html or --json"
            out.print(rest, style="red", markup=False)
            out.print()
    if result.stopped is not None:
        out.print(f"stopped early: {one_line(result.stopped)}", style="red", markup=False)
    out.print(in_words(report.coverage))
    out.print(report.summary, style="green" if report.held else "red")


def in_words(found: Coverage) -> str:
    """The coverage in one line, and how much is unknown about partial models in another one."""
    covered = f"{found.covered} of {len(found.points)} rules of a parameter or an operation"
    lines = [f"coverage {found.percent:g} %: {covered}"]
    if found.skipped:
        points = sum(point.rule in found.skipped for point in found.points)
        lines.append(f"skipped: {counted(len(found.skipped), 'rule')}, with {points} of them; they count as not tested")
    return "\n".join([*lines, *([_unknown(found)] if found.unknown else [])])


def _unknown(found: Coverage) -> str:
    models = len(found.unknown)
    parameters, untyped, unsure = (sum(column) for column in zip(*found.unknown.values(), strict=True))
    return (
        f"unknown: {models} partial models may have parameters that no source shows; of their {parameters} known ones, "
        f"{untyped} have no known type and {unsure} may be required"
    )


def print_money(out: "Console", ledger: Ledger | None, result: "RunResult") -> None:
    """Prints how many cases were held back and why, and what was spent if there was a cap."""
    for reason, cases in result.unsent.items():
        out.print(f"{cases} not sent: {reason}", style="yellow", markup=False)
    if ledger is not None:
        print_ledger(out, ledger)


def spending(money: Mapping[str, Any]) -> str:
    """What was spent in one line, with the source of that figure, from the totals of a ledger."""
    source = "by the answers (the balance is not reliable)"
    if money["balance_trusted"]:
        seen = Decimal(money["balance_lost"]) >= Decimal(money["stated"])
        source = "by the balance" if seen else "by the answers"
    held = f"{money['held']} reserved for {counted(money['unsettled'], 'open call')}"
    return f"spent {money['spent']} of {money['cap']} credits {source}, {held}"


def print_ledger(out: "Console", ledger: Ledger) -> None:
    """Prints what was spent, and the source of that figure."""
    out.print(spending(ledger.in_words()))
    if ledger.halted is not None:
        out.print(f"halted: {ledger.halted}", style="red", markup=False)


def print_verdict(out: "Console", verdict: "Verdict") -> None:
    """Prints the known deviations that must be removed or changed, then the counts."""
    for deviation in verdict.gone:
        out.print(f"no longer occurs: {deviation.in_words}", style="red", markup=False)
    for deviation in verdict.expired:
        out.print(f"expired on {deviation.expires}: {deviation.in_words}", style="red", markup=False)
    out.print(
        f"deviations: {len(verdict.known)} failures known, {len(verdict.new)} new; "
        f"{len(verdict.gone)} entries no longer occur, {len(verdict.expired)} expired",
        style="green" if verdict.holds else "red",
    )
