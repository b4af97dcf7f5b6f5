"""A report as files of Allure results, one for each rule on each operation of a model.

The format: https://allurereport.org/docs/how-it-works-test-result-file/
"""

import hashlib
import json
import uuid
from collections.abc import Iterator
from typing import Any, Final

from segforge_contract.reports.report import Report
from segforge_contract.reports.results import RuleResult, results, visible
from segforge_contract.rules.table import RULES

_STATES: Final = {"passed": "passed", "failed": "failed", "error": "broken", "skipped": "skipped"}
MOST: Final = 20_000
"""Files of one report. Skipped tests are left out first, then tests that passed."""
_SPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "segforge contract")


def render(report: Report) -> dict[str, str]:
    """Returns the files by name. A test has the same name in each run, so a later run replaces its result."""
    every = sorted(results(report), key=lambda result: ("failed", "error", "passed", "skipped").index(result.state))
    return dict(_file(result, report) for result in every[:MOST]) | {"environment.properties": _environment(report)}


def _file(result: RuleResult, report: Report) -> tuple[str, str]:
    document = _document(result, report)
    return f"{document['uuid']}-result.json", json.dumps(document, indent=1) + "\n"


def _document(result: RuleResult, report: Report) -> dict[str, Any]:
    parts = ["segforge", result.suite, *([result.operation] if result.operation else []), result.name]
    full_name = "/".join(parts)
    identity = hashlib.md5(full_name.encode("utf-8", "backslashreplace"), usedforsecurity=False).hexdigest()
    start, stop = report.times
    document: dict[str, Any] = {
        "uuid": str(uuid.uuid5(_SPACE, identity)),
        "historyId": identity,
        "testCaseId": identity,
        "fullName": full_name,
        "name": result.name,
        "status": _STATES[result.state],
        "stage": "finished",
        "start": start,
        "stop": stop,
        "labels": list(_labels(result)),
    }
    if result.message or result.details:
        details = {"message": visible(result.message), "trace": visible(result.details)}
        document["statusDetails"] = {key: text for key, text in details.items() if text}
    if result.name in RULES:
        rule = RULES[result.name]
        document["description"] = f"{rule.promise} ({rule.source})"
    return document


def _labels(result: RuleResult) -> Iterator[dict[str, str]]:
    names = {"framework": "segforge", "language": "python", "parentSuite": "segforge contract", "suite": result.suite}
    names |= {"subSuite": result.operation} if result.operation else {}
    names |= {"feature": RULES[result.name].family} if result.name in RULES else {}
    for name, value in names.items():
        yield {"name": name, "value": value}


def _environment(report: Report) -> str:
    """Returns the properties file that Allure shows as the environment. Escapes are those of Java."""
    properties = {"target": report.base_url, "seed": str(report.plan.seed)}
    escaped = ((key, value.replace("\\", "\\\\")) for key, value in properties.items())
    return "".join(f"{key}={' '.join(visible(value).split())}\n" for key, value in escaped)
