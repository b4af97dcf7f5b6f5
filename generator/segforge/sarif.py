"""Findings as SARIF 2.1.0, the format that code hosts show beside the lines of a change."""

from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from segforge.spec.finding import Finding
from segforge.spec.printable import one_line

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif_document(
    command: str, findings: Iterable[Finding], in_words: Callable[[str], str] = lambda rule: rule
) -> dict[str, Any]:
    """Returns a SARIF log with one run of a command. `in_words` returns a sentence about a rule.

    Lines and columns count from 1, columns in Unicode code points. A finding about a whole file has no region.
    """
    every = list(findings)
    rules = sorted({finding.rule for finding in every})
    driver = {
        "name": f"segforge {command}",
        "rules": [{"id": rule, "shortDescription": {"text": one_line(in_words(rule))}} for rule in rules],
    }
    results = [_result(finding, rules.index(finding.rule)) for finding in every]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, index: int) -> dict[str, Any]:
    text = one_line(f"{finding.found}; expected {finding.expected}; {finding.mend}")
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.file)}}
    if finding.line:
        place["region"] = {"startLine": finding.line, **({"startColumn": finding.column} if finding.column else {})}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def _uri(file: str) -> str:
    """Returns a path as a URI reference; an absolute path as a file URI."""
    path = PurePath(file)
    escaped = quote(path.as_posix().encode("utf-8", "surrogateescape"))
    return f"file://{escaped}" if path.is_absolute() else escaped
