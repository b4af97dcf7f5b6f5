"""A report in the Common Test Report Format (https://ctrf.io), with a test for each rule on each operation."""

import json
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

from segforge_contract.reports.places import locator
from segforge_contract.reports.report import Report
from segforge_contract.reports.results import RuleResult, results, visible
from segforge_contract.rules.table import RULES

_STATES: Final = {"passed": "passed", "failed": "failed", "error": "failed", "skipped": "skipped"}


def render(report: Report) -> str:
    """Returns the JSON document. No test has a duration of its own, since its requests are not sent in one go."""
    locate = locator(report.specs)
    tests = []
    for result in results(report):
        test = _test(result)
        if result.failures:
            place = locate(result.failures[0])
            test |= {"filePath": visible(place.file), **({"line": place.line} if place.line else {})}
        tests.append(test)
    counts = Counter(test["status"] for test in tests)
    summary = {state: counts[state] for state in ("passed", "failed", "skipped", "pending", "other")}
    start, stop = report.times
    document = {
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "timestamp": datetime.fromtimestamp(stop / 1000, UTC).isoformat(timespec="milliseconds"),
        "generatedBy": "segforge",
        "results": {
            "tool": {"name": "segforge contract", "version": version("segforge")},
            "summary": {"tests": len(tests), **summary, "start": start, "stop": stop, "duration": stop - start},
            "tests": tests,
            "environment": {"testEnvironment": visible(report.base_url), "extra": {"seed": report.plan.seed}},
        },
    }
    return json.dumps(document, indent=2) + "\n"


def _test(result: RuleResult) -> dict[str, Any]:
    suite = [result.suite, *([result.operation] if result.operation else [])]
    test: dict[str, Any] = {
        "name": " ".join([result.name, *suite]),
        "status": _STATES[result.state],
        "duration": 0,
        "suite": suite,
        "rawStatus": result.state,
        "type": "contract",
    }
    if result.message:
        test["message"] = visible(result.message)
    if result.details:
        test["trace"] = visible(result.details)
    if result.name in RULES:
        rule = RULES[result.name]
        test |= {"tags": [rule.family], "extra": {"promise": rule.promise, "source": rule.source}}
    return test
