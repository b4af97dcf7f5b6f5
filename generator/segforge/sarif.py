"""Findings as SARIF 2.1.0, the format that code hosts show beside the lines of a change."""

from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from segforge.spec.finding import Finding
from segforge.spec.printable import one_line

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


MOST: Final = 5_000
"""Results of one run that GitHub accepts."""
_MOST_TEXT: Final = 4_000


def sarif_document(
    command: str,
    findings: Iterable[Finding],
    in_words: Callable[[str], str] = lambda rule: rule,
    problems: Iterable[str] = (),
) -> dict[str, Any]:
    """Returns a SARIF log with one run of a command. `in_words` returns a sentence about a rule.

    Lines and columns count from 1, columns in Unicode code points. A finding about a whole file has no region. Each of
    the `problems` is a reason why the run is incomplete. Of more than `MOST` findings, warnings are left out first.
    """
    found = list(findings)
    every = sorted(found, key=lambda finding: finding.severity)[:MOST] if len(found) > MOST else found
    notes = [_note("error", problem) for problem in problems]
    if rest := len(found) - len(every):
        text = f"{rest} more findings are left out; expected at most {MOST:,}; check fewer files"
        notes.append(_note("warning", text))
    rules = sorted({finding.rule for finding in every})
    driver = {
        "name": f"segforge {command}",
        "rules": [{"id": rule, "shortDescription": {"text": one_line(in_words(rule))}} for rule in rules],
    }
    results = [_result(finding, rules.index(finding.rule)) for finding in every]
    run: dict[str, Any] = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    if notes:
        whole = all(note["level"] != "error" for note in notes)
        run["invocations"] = [{"executionSuccessful": whole, "toolExecutionNotifications": notes}]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _note(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": _text(text)}}


def _text(text: str) -> str:
    """Returns a message on one line. SARIF would replace `{0}`, so it doubles braces, and read `[a](b)` as a link."""
    return one_line(text[:_MOST_TEXT]).replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _result(finding: Finding, index: int) -> dict[str, Any]:
    text = f"{finding.found}; expected {finding.expected}; {finding.mend}"
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.file)}}
    if finding.line:
        place["region"] = {"startLine": finding.line, **({"startColumn": finding.column} if finding.column else {})}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": _text(text)},
        "locations": [{"physicalLocation": place}],
    }


def _uri(file: str) -> str:
    """Returns a path as a URI reference; an absolute path as a file URI."""
    path = PurePath(file)
    escaped = quote(path.as_posix().encode("utf-8", "surrogateescape"))
    return f"file://{escaped}" if path.is_absolute() else escaped
