"""The drift of pages as findings about the specs, for SARIF and for annotations."""

from collections.abc import Iterator, Sequence

from segforge.pages.drift.difference import ABSENT, Difference, Drift
from segforge.spec.finding import Finding
from segforge.spec.printable import show


def drift_findings(drifts: Sequence[Drift]) -> Iterator[Finding]:
    """Yields a finding for each difference, at its place in the spec, and for each undecided fact of a page.

    Breaking changes are errors, all others are warnings.
    """
    for drift in drifts:
        yield from map(_finding, drift.differences)
        for doubt in drift.undecided:
            yield Finding(
                drift.page.name, 0, 0, "fact.undecided", doubt, "one reading", "read the page and decide", "warning"
            )


def drift_problems(drifts: Sequence[Drift], unread: Sequence[str], refused: Sequence[str]) -> list[str]:
    """Returns the reasons why the drift is incomplete: pages that were not read, and specs that were not written."""
    partly = [f"{drift.page.name}: not read completely: {text}" for drift in drifts for text in drift.page.problems]
    return [*partly, *unread, *refused]


def _finding(one: Difference) -> Finding:
    reason = f": {one.why}" if one.why else ""
    mend = "write it with segforge drift --apply" if one.decided else f"decide by hand{reason}"
    return Finding(
        one.spec_place.file,
        one.spec_place.line,
        one.spec_place.column,
        one.rule,
        f"{one.path}: {_side('the page', one.page)} ({one.page_place})",
        _side("the spec", one.spec),
        mend,
        "error" if one.kind == "breaking" else "warning",
    )


def _side(name: str, value: object) -> str:
    return f"nothing, as {name} states" if value is ABSENT else f"{show(value)}, as {name} states"
