"""Reports of a campaign: text for people, a document for machines. Neither can hold the key, see `exchange`."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rich.console import Console

from segforge.spec.catalog import Model
from segforge.spec.printable import counted, one_line, show
from segforge_contract.engine.campaign import RunResult
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.plan import Plan
from segforge_contract.findings.coverage import Coverage, coverage
from segforge_contract.messages.curl import curl
from segforge_contract.rules.table import RULES

_SHOWN = 3  # failures of one rule that are printed in full


@dataclass(frozen=True)
class Report:
    """What every form of report is made from: what was planned, how it went, and where.

    `money` is what it cost, where there was a cap; `deviations` how it compares to those that are known, if it was held
    against any: then the outcome's failures are the new ones.
    """

    plan: Plan
    outcome: RunResult
    base_url: str
    money: Mapping[str, Any] | None = None
    deviations: Mapping[str, Any] | None = None

    @property
    def held(self) -> bool:
        """Whether the campaign came to its end, nothing broke, and no known deviation has to be looked at again."""
        return not self.outcome.failures and self.cut_short is None and not self.outdated

    @property
    def cut_short(self) -> str | None:
        """Why not all was sent that was to be, in words: the campaign ended early, or the money halted it."""
        halted = None if self.money is None else self.money.get("halted")
        reasons = [self.outcome.stopped, None if halted is None else f"halted: {halted}"]
        told = [reason for reason in reasons if reason is not None]
        return "; ".join(told) if told else None

    @property
    def outdated(self) -> list[str]:
        """The known deviations that no longer occur or are past their date, in words."""
        known = self.deviations or {"gone": [], "expired": []}
        return [f"no longer occurs: {each}" for each in known["gone"]] + [
            f"past its date: {each}" for each in known["expired"]
        ]

    @property
    def key_header(self) -> str:
        """The header that carries the key."""
        return self.plan.catalog.gateway.auth.header

    @cached_property
    def by_rule(self) -> dict[str, list[Failure]]:
        """The failures of each broken rule, in the order of the table."""
        groups: defaultdict[str, list[Failure]] = defaultdict(list)
        for failure in self.outcome.failures:
            groups[failure.broken.rule].append(failure)
        return {name: groups[name] for name in RULES if name in groups}

    @cached_property
    def coverage(self) -> Coverage:
        """What was covered by the cases that were sent."""
        return coverage(self.plan.catalog, self.plan.models, self.outcome.sent)

    @property
    def verdict(self) -> str:
        """The campaign on one line."""
        outcome, broken = self.outcome, len(self.by_rule)
        verdict = "all rules held" if self.cut_short is None else "no rule broken by what was sent"
        if broken:
            verdict = f"{counted(broken, 'rule')} broken, {counted(len(outcome.failures), 'time')}"
        return (
            f"{verdict}: {counted(len(self.plan.models), 'model')}, {counted(len(outcome.sent), 'case')}, "
            f"{counted(outcome.requests, 'request')}, {outcome.billed} billed, {outcome.seconds:.1f} s, "
            f"seed {self.plan.seed}"
        )


def describe(failure: Failure, base_url: str, *, key_header: str = "x-api-key") -> str:
    """A failure in a few lines: what broke where, what was promised and by whom, and how to see it again."""
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


def print_report(out: Console, report: Report) -> None:
    """Print the failures by rule, then how much was covered, then one line that sums up."""
    outcome = report.outcome
    for rule, failures in report.by_rule.items():
        for failure in failures[:_SHOWN]:
            out.print(describe(failure, report.base_url, key_header=report.key_header), style="red", markup=False)
            out.print()
        if len(failures) > _SHOWN:
            rest = f"{rule}: {len(failures) - _SHOWN} more like this, see --html or --json"
            out.print(rest, style="red", markup=False)
            out.print()
    if outcome.stopped is not None:
        out.print(f"stopped early: {one_line(outcome.stopped)}", style="red", markup=False)
    out.print(in_words(report.coverage))
    out.print(report.verdict, style="green" if report.held else "red")


def in_words(found: Coverage) -> str:
    """The coverage on one line."""
    return f"coverage {found.percent:g} %: {found.covered} of {len(found.points)} rules of a parameter or an operation"


def to_json(report: Report) -> dict[str, Any]:
    """The whole outcome as a JSON document, every failure with its curl commands."""
    plan, outcome, found = report.plan, report.outcome, report.coverage
    cases = Counter(case.rule for case in outcome.sent)
    return {
        "target": report.base_url,
        "seed": plan.seed,
        "max_examples": plan.max_examples,
        "models": [model.slug for model in plan.models],
        "held": report.held,
        "stopped": report.cut_short,
        "held_back": dict(outcome.unsent),
        "requests": outcome.requests,
        "billed": outcome.billed,
        "money": None if report.money is None else dict(report.money),
        "deviations": None if report.deviations is None else dict(report.deviations),
        "seconds": round(outcome.seconds, 3),
        "rules": [
            {"name": rule.name, "promise": rule.promise, "source": rule.source}
            # A rule without cases of its own is judged on every answer, or every job, of its kind.
            | {
                "cases": cases[rule.name] or (0 if rule.outcomes else None),
                "broken": len(report.by_rule.get(rule.name, ())),
            }
            for rule in RULES.values()
        ],
        "coverage": {
            "percent": found.percent,
            "covered": found.covered,
            "points": len(found.points),
            "matrix": {model.slug: _matrix_json(found, model) for model in plan.models},
            "missing": [point._asdict() for point in found.missing],
        },
        "failures": [_failure_json(failure, report) for failure in outcome.failures],
    }


def _matrix_json(found: Coverage, model: Model) -> dict[str, dict[str, str]]:
    return {
        parameter.name: {aspect: cell.state for aspect, cell in found.row(model, parameter.name).items()}
        for parameter in model.parameters
    }


def _failure_json(failure: Failure, report: Report) -> dict[str, Any]:
    case, broken = failure.case, failure.broken
    return {
        "rule": broken.rule,
        "case": case.rule,
        "model": case.model,
        "operation": case.operation,
        "parameter": case.parameter,
        "change": case.change,
        "payload": None if case.payload is None else dict(case.payload),
        "expected": broken.expected,
        "found": broken.found,
        "curl": [curl(request, report.base_url, key_header=report.key_header) for request in failure.requests],
    }
