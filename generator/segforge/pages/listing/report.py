"""The changes of a list as JSON, as text for a terminal, and as Markdown for a pull request."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, get_args

from segforge.pages.listing.compare import FIGURES, ListChange, ListDrift, ListKind
from segforge.spec.printable import code, counted, one_line, show

_UNITS: Final = dict(zip((kind for kinds in FIGURES.values() for kind in kinds), 4 * ["USD"] + 4 * ["s"], strict=True))
_STYLES: Final = {"gone": "red", "renamed": "red", "dearer": "red", "modality": "red", "title": ""}


@dataclass(frozen=True)
class ListReport:
    """What is printed: the changes, the day of the list, and what was written or refused.

    `threshold` is the share from which a change of a figure counts.
    """

    drift: ListDrift
    threshold: float
    read: str | None = None
    diff: str = ""
    refused: tuple[str, ...] = ()

    @property
    def counting(self) -> tuple[ListChange, ...]:
        """The changes that count: all but small ones of figures."""
        return tuple(change for change in self.drift.changes if change.is_at_least(self.threshold))

    @property
    def head(self) -> str:
        """The list and the directory in one line, with their days."""
        day = f" of {self.read}" if self.read else ""
        known = self.drift.directory
        return (
            f"{self.drift.listed.name}{day}: {counted(len(self.drift.listed.rows), 'model')}; "
            f"the directory of {known.read} has {len(known.listings)}"
        )

    @property
    def counts(self) -> str:
        """The number of changes of each kind in one line."""
        counts = Counter(change.kind for change in self.counting)
        words = [f"{counts[kind]} {kind}" for kind in get_args(ListKind) if counts[kind]]
        smaller = len(self.drift.changes) - len(self.counting)
        words += [f"{smaller} smaller than {100 * self.threshold:.4g} %"] * bool(smaller)
        words += [counted(len(self.drift.questions), "question")] * bool(self.drift.questions)
        return ", ".join(words) or "no changes"


def list_as_json(report: ListReport) -> dict[str, Any]:
    """Returns the report as a JSON object, with every change."""
    drift = report.drift
    counts = Counter(change.kind for change in drift.changes)
    document = {
        "list": drift.listed.name,
        "read": report.read,
        "directory_read": drift.directory.read,
        "problems": list(drift.problems),
        "changes": [
            {**asdict(change), "meaning": list(change.meaning), "counts": change.is_at_least(report.threshold)}
            for change in drift.changes
        ],
        "summary": {
            "listed": len(drift.listed.rows),
            "known": len(drift.directory.listings),
            **{kind: counts[kind] for kind in get_args(ListKind)},
            "counting": len(report.counting),
            "questions": len(drift.questions),
            "problems": len(drift.problems),
        },
    }
    written = {"diff": report.diff} if report.diff else {}
    return {**document, **written, **({"refused": list(report.refused)} if report.refused else {})}


def list_as_text(report: ListReport) -> Iterator[tuple[str, str]]:
    """Yields the lines of the report, each with its style."""
    for change in report.counting:
        place = "" if change.line is None else f"  (line {change.line})"
        words = f"{change.kind}  {change.slug}  {change_sides(change)}{place}"
        yield one_line(words), _STYLES.get(change.kind, "yellow")
        for text in change.meaning:
            yield one_line(f"    {f'{change.spec}: ' if change.spec else ''}{text}"), "dim"
        if change.question:
            yield one_line(f"    needs a decision: {change.question}"), "yellow"
    for problem in report.drift.problems:
        yield one_line(f"{report.drift.listed.name}: not read completely: {problem}"), "red"
    yield one_line(report.head), ""
    yield report.counts, "red" if report.drift.problems else "yellow" if report.counting else "green"


def list_as_markdown(report: ListReport) -> str:
    """Returns the report as Markdown. Text from the list is in code spans, so that it can't become markup."""
    lines = ["# Changes of the list of models", "", f"{code(report.head)}", "", f"{report.counts}.", ""]
    if report.counting:
        lines += ["| | model | change | what it means | |", "|---|---|---|---|---|"]
    for change in report.counting:
        meaning = "; ".join(code(f"{f'{change.spec}: ' if change.spec else ''}{text}") for text in change.meaning)
        question = f"needs a decision: {code(change.question)}" if change.question else ""
        lines.append(f"| {change.kind} | {code(change.slug)} | {code(change_sides(change))} | {meaning} | {question} |")
    titled = (("Not read completely", report.drift.problems), ("Not written", report.refused))
    for title, texts in titled:
        if texts:
            lines += ["", f"## {title}", "", *[f"- {code(text)}" for text in texts]]
    if report.diff:
        written = [line for line in report.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        lines += ["", f"Written: {counted(len(written), 'line')} of `directory.yaml`."]
    return "\n".join([*lines, ""])


def change_sides(change: ListChange) -> str:
    """Returns the old and the new value of a change, with the unit of a figure."""
    unit = _UNITS.get(change.kind)
    if unit is None:
        return " -> ".join(show(side) for side in (change.old, change.new) if side is not None)
    sides = ("unknown" if side is None else f"{side:g} {unit}" for side in (change.old, change.new))
    return " -> ".join(sides) + ("" if change.share is None else f" ({100 * change.share:+.4g} %)")
