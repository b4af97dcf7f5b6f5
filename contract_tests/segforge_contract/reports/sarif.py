"""A report as SARIF 2.1.0, which code hosts show beside the lines of the specs."""

import json

from segforge.sarif import sarif_document
from segforge_contract.reports.places import findings
from segforge_contract.reports.report import Report
from segforge_contract.rules.table import RULES


def render(report: Report) -> str:
    """Returns the SARIF log, with a result for each rule, model, operation and parameter that failed."""
    problems = [] if report.cut_short is None else [report.cut_short]
    return json.dumps(sarif_document("contract", findings(report), _in_words, problems), indent=2) + "\n"


def _in_words(rule: str) -> str:
    return RULES[rule].promise if rule in RULES else "a known deviation must occur, and must not have expired"
