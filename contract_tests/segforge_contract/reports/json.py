"""A report as a JSON document, for programs."""

import json
from collections import Counter
from typing import Any

from segforge.spec.catalog import Model
from segforge_contract.engine.failure import Failure
from segforge_contract.findings.coverage import Coverage
from segforge_contract.findings.known import Verdict
from segforge_contract.messages.curl import curl
from segforge_contract.reports.report import Report
from segforge_contract.rules.table import RULES


def render(report: Report) -> str:
    """The JSON document."""
    return json.dumps(_document(report), indent=2) + "\n"


def _document(report: Report) -> dict[str, Any]:
    """The whole report as a JSON object, with the curl commands of every failure."""
    plan, result, found = report.plan, report.result, report.coverage
    cases = Counter(case.rule for case in result.sent if case.rule not in result.skipped)
    return {
        "target": report.base_url,
        "seed": plan.seed,
        "max_examples": plan.max_examples,
        "models": [model.slug for model in plan.models],
        "held": report.held,
        "stopped": report.cut_short,
        "held_back": dict(result.unsent),
        "requests": result.requests,
        "billed": result.billed,
        "money": None if report.money is None else dict(report.money),
        "deviations": None if report.deviations is None else _deviations(report.deviations),
        "seconds": round(result.seconds, 3),
        "rules": [
            {"name": rule.name, "promise": rule.promise, "source": rule.source}
            # A rule without cases of its own is checked on every answer, or every job, of its kind.
            | {
                "cases": cases[rule.name] or (0 if rule.outcomes or rule.name in result.skipped else None),
                "skipped": rule.name in result.skipped,
                "broken": len(report.by_rule.get(rule.name, ())),
            }
            for rule in RULES.values()
        ],
        "coverage": {
            "percent": found.percent,
            "covered": found.covered,
            "points": len(found.points),
            "matrix": {model.slug: _matrix(found, model) for model in plan.models},
            "missing": [point._asdict() for point in found.missing],
            "unknown": {slug: unknown._asdict() for slug, unknown in found.unknown.items()},
        },
        "failures": [_failure(failure, report) for failure in result.failures],
    }


def _deviations(verdict: Verdict) -> dict[str, Any]:
    return {
        "known": len(verdict.known),
        "new": len(verdict.new),
        "gone": [deviation.in_words for deviation in verdict.gone],
        "expired": [deviation.in_words for deviation in verdict.expired],
    }


def _matrix(found: Coverage, model: Model) -> dict[str, dict[str, str]]:
    return {
        place: {aspect: cell.state for aspect, cell in found.row(model, place).items()} for place in found.places(model)
    }


def _failure(failure: Failure, report: Report) -> dict[str, Any]:
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
