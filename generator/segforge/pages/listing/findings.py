"""The changes of a list as findings about the directory, for SARIF and for annotations."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from segforge.pages.listing.compare import ListChange
from segforge.pages.listing.report import ListReport, change_sides
from segforge.spec.finding import Finding
from segforge.spec.inputs import display
from segforge.spec.source import read_source

_ERRORS: Final = ("gone", "renamed")
"""The changes after which calls of a model fail."""


def list_findings(report: ListReport, file: Path) -> Iterator[Finding]:
    """Yields a finding for each change that counts, at the model's line of the directory file."""
    source, _ = read_source(file, display(file))
    keys = {} if source is None else source.keys
    for change in report.counting:
        line, column = keys.get(("models", change.slug), (0, 0))
        yield _finding(change, display(file), line, column)


def list_problems(report: ListReport) -> list[str]:
    """Returns the reasons why the list is incomplete, or was not written."""
    partly = [f"{report.drift.listed.name}: not read completely: {text}" for text in report.drift.problems]
    return [*partly, *report.refused]


def _finding(change: ListChange, file: str, line: int, column: int) -> Finding:
    mend = change.question or "write it with segforge drift --directory --apply"
    found = f"{change.kind} {change.slug}: {change_sides(change)}"
    rule, expected = f"list.{change.kind}", "the entry of the list"
    return Finding(file, line, column, rule, found, expected, mend, "error" if change.kind in _ERRORS else "warning")
