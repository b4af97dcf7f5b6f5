"""The drift report as JSON, as text for a terminal, and as Markdown for a pull request."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from segforge.pages.drift.difference import ABSENT, Difference, Drift
from segforge.spec.printable import code, counted, longest_run, one_line, show

COUNTED: Final = ("breaking", "compatible", "editorial", "undecided")
_STYLES = {"breaking": "red", "compatible": "yellow", "editorial": ""}


def as_json(drifts: Sequence[Drift], unread: Sequence[str]) -> dict[str, Any]:
    """Returns the report as a JSON object. `unread` has one line per page that could not be read."""
    return {
        "pages": [
            {
                "page": one.page.name,
                "slug": one.slug,
                "read_whole": one.whole,
                "problems": list(one.page.problems),
                "differences": [difference.to_json() for difference in one.differences],
                "descriptions": [difference.to_json() for difference in one.descriptions],
                "notes": list(one.notes),
                "undecided": list(one.undecided),
            }
            for one in drifts
        ],
        "unread": list(unread),
        "summary": {key: _counts(drifts)[key] for key in COUNTED} | {"pages": len(drifts), "unread": len(unread)},
    }


def as_text(drifts: Sequence[Drift], unread: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yields the lines of the report, each with its style."""
    for drift in drifts:
        for one in drift.differences:
            yield (
                f"{one.page_place}  {one.kind}  {one.rule}  {drift.slug}  {_path(one)}: "
                f"{_change(one)}  ({one.spec_place}){_doubt(one)}",
                _STYLES[one.kind],
            )
        for one in drift.descriptions:
            yield (
                f"{one.page_place}  description  {drift.slug}  {_path(one)}: {_change(one)}",
                "dim",
            )
        for note in drift.notes:
            yield f"{drift.page.name}: {one_line(note)}", "dim"
        for doubt in drift.undecided:
            yield f"{drift.page.name}: {one_line(doubt)}", "yellow"
        for problem in drift.page.problems:
            yield f"{drift.page.name}: not read completely: {one_line(problem)}", "red"
    for text in unread:
        yield text, "red"
    counts = _counts(drifts)
    words = ", ".join(f"{counts[kind]} {kind}" for kind in COUNTED)
    yield (
        f"{counted(len(drifts), 'page')}: {words}",
        "red" if counts["breaking"] else "yellow" if counts.total() else "green",
    )


def as_markdown(drifts: Sequence[Drift], unread: Sequence[str], diff: str = "", refused: Sequence[str] = ()) -> str:
    """Returns the report as Markdown. Text from pages is in code spans, so that it can't become markup."""
    counts = _counts(drifts)
    lines = ["# Changes on the docs pages", ""]
    words = ", ".join(f"**{counts[kind]}** {kind}" for kind in COUNTED)
    lines += [f"{counted(len(drifts), 'page')} read: {words}.", ""]
    for drift in drifts:
        if not drift.differences and drift.whole and not drift.undecided:
            continue
        lines += [f"## {code(drift.slug)}", ""]
        lines += ["| | change | place | spec | page | |", "|---|---|---|---|---|---|"] if drift.differences else []
        for one in drift.differences:
            doubt = "" if one.decided else "needs a decision"
            places = f"{code(str(one.spec_place))} {code(str(one.page_place))}"
            lines.append(
                f"| {one.kind} | {one.rule} | {code(_path(one))} {places} "
                f"| {_cell(one.spec)} | {_cell(one.page)} | {doubt} |"
            )
        lines += ["", *[f"- undecided: {code(doubt)}" for doubt in drift.undecided]]
        lines += [*[f"- not read completely: {code(problem)}" for problem in drift.page.problems], ""]
    descriptions = [one for drift in drifts for one in drift.descriptions]
    if descriptions:
        lines += [
            "## Descriptions that differ",
            "",
            "Specs use their own words. These descriptions share almost no words with the page.",
            "",
        ]
        lines += [
            f"- {code(f'{one.slug} {_path(one)}')}: spec {_cell(one.spec)}, page {_cell(one.page)}"
            for one in descriptions
        ]
        lines.append("")
    for title, texts in (("Not read", unread), ("Not written", refused)):
        if texts:
            lines += [f"## {title}", "", *[f"- {code(text)}" for text in texts], ""]
    if diff:
        fence = "`" * max(3, 1 + longest_run(diff))
        lines += ["## Written", "", f"{fence}diff", diff.rstrip("\n"), fence, ""]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return "" if value is ABSENT else code(show(value, 120))


def _change(one: Difference) -> str:
    sides = [
        f"{side} {'states nothing' if value is ABSENT else show(value)}"
        for side, value in (("spec", one.spec), ("page", one.page))
    ]
    return ", ".join(sides)


def _path(one: Difference) -> str:
    return one_line(one.path)


def _doubt(one: Difference) -> str:
    if one.decided:
        return ""
    return f"  needs a decision{f': {one_line(one.why)}' if one.why else ''}"


def _counts(drifts: Sequence[Drift]) -> Counter[str]:
    """Counts the differences of each kind. `undecided` counts those that need a decision, and facts not compared."""
    counts: Counter[str] = Counter(one.kind for drift in drifts for one in drift.differences)
    counts["undecided"] = sum(
        len(drift.undecided) + sum(not one.decided for one in drift.differences) for drift in drifts
    )
    return counts
