"""Checks the files of a code base: reads each in its language, and judges the uses of the gateway in it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from segforge.spec.finding import Finding
from segforge.spec.inputs import display
from segforge.spec.price import Estimate
from segforge.usage.address import AddressBook
from segforge.usage.files import CodeFile, code_files
from segforge.usage.judge import Judge
from segforge.usage.knowledge import Knowledge
from segforge.usage.languages import READERS
from segforge.usage.shown import Gone, NotReadable, Use

_KEY: Final = re.compile(r"SG_[0-9A-Za-z]{4,}")
_IGNORED: Final = re.compile(r"segforge: *ignore(?:\[([a-z_., ]{1,200})\])?")


@dataclass(frozen=True)
class FoundUse:
    """A call of a known model, or its address: its place, and what a call costs, if a source states it."""

    file: str
    line: int
    column: int
    kind: str
    slug: str
    price: Estimate | None


@dataclass(frozen=True)
class Checked:
    """The result of a check: the findings, the calls of known models, and the files that could not be read."""

    files: int
    findings: tuple[Finding, ...]
    calls: tuple[FoundUse, ...]
    unread: tuple[tuple[str, str], ...]


def check_usage(paths: list[Path], known: Knowledge) -> Checked:
    """Checks the files below paths. Raises SpecError if the spec of a called model has errors."""
    files = 0
    findings: list[Finding] = []
    calls: list[FoundUse] = []
    unread: list[tuple[str, str]] = []
    for file in code_files(paths):
        name = display(file.path.absolute())
        uses, why = _uses(file, known.book)
        if why:
            unread.append((name, why))
            continue
        files += 1
        judge = Judge(known, name)
        findings += _visible(judge.findings(uses), file.text)
        calls += _calls(judge, uses, name)
    return Checked(files, tuple(sorted(set(findings))), tuple(calls), tuple(unread))


def _uses(file: CodeFile, book: AddressBook) -> tuple[list[Use | Gone], str]:
    """Returns the uses in a file, or why it can't be read."""
    if file.why or file.language is None:
        return [], file.why
    try:
        return _without_repeats(READERS[file.language](file.text, book)), ""
    except NotReadable as error:
        return [], str(error)
    except (RecursionError, MemoryError):
        return [], "nested too deeply"


def _without_repeats(uses: Iterable[Use | Gone]) -> list[Use | Gone]:
    """Leaves out the addresses that belong to a visible call, and repeats."""
    found = list(uses)
    called = {(use.slug, use.at) for use in found if isinstance(use, Use) and use.kind != "address"}
    kept: list[Use | Gone] = []
    for use in found:
        if isinstance(use, Use) and use.kind == "address":
            if (use.slug, use.at) in called:
                continue
            called.add((use.slug, use.at))
        kept.append(use)
    return kept


def _visible(findings: Iterable[Finding], text: str) -> Iterator[Finding]:
    """Yields the findings that no comment on their line turns off, with keys masked."""
    lines = text.split("\n")
    for finding in findings:
        line = lines[finding.line - 1] if 0 < finding.line <= len(lines) else ""
        ignored = _IGNORED.search(line) if "segforge" in line else None
        if ignored is None or (ignored[1] and finding.rule not in re.split(r"[, ]+", ignored[1])):
            yield replace(finding, found=_masked(finding.found), mend=_masked(finding.mend))


def _masked(text: str) -> str:
    return _KEY.sub("SG_***", text)


def _calls(judge: Judge, uses: list[Use | Gone], file: str) -> Iterator[FoundUse]:
    for use in uses:
        slug = judge.slug(use) if isinstance(use, Use) else None
        if isinstance(use, Use) and slug is not None:
            yield FoundUse(file, use.call.line, use.call.column, use.kind, slug, judge.price(use, slug))
