"""Rules about the change log: the order and the dates of releases."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from segforge.spec.changes import UNRELEASED
from segforge.spec.finding import Finding
from segforge.spec.printable import show
from segforge.spec.source import Location, SourceFile


def lint_changelog(source: SourceFile) -> list[Finding]:
    """Returns all findings about a change log whose data fits the schema."""
    releases = source.data["releases"]
    pairs = pairwise(enumerate(releases))
    return [*_days(source), *(finding for pair in pairs for finding in _in_order(source, *pair))]


def _days(source: SourceFile) -> Iterator[Finding]:
    """Each release is open or has a valid date, which may be in the future."""
    import datetime

    for index, release in enumerate(source.data["releases"]):
        try:
            datetime.date.fromisoformat("2000-01-01" if release["date"] == UNRELEASED else release["date"])
        except ValueError:
            mend = "write the date of the release"
            at: Location = ("releases", index, "date")
            yield source.finding(at, "changelog.days", show(release["date"]), "a date, YYYY-MM-DD", mend)


def _in_order(
    source: SourceFile, newer: tuple[int, Mapping[str, str]], older: tuple[int, Mapping[str, str]]
) -> Iterator[Finding]:
    """Of two neighbours, the newer release is first, and only the first of all may be open."""
    at: Location = ("releases", older[0])
    one, two = (tuple(map(int, each[1]["version"].split("."))) for each in (newer, older))
    if one == two:
        found, mend = f"version {older[1]['version']} again", "merge the two or raise the newer one"
        yield source.finding((*at, "version"), "changelog.order", found, "each version once", mend)
    elif one < two:
        found = f"version {older[1]['version']} below {newer[1]['version']}"
        yield source.finding(
            (*at, "version"), "changelog.order", found, "the newest version first", "sort the releases"
        )
    if UNRELEASED not in (newer[1]["date"], older[1]["date"]) and newer[1]["date"] < older[1]["date"]:
        found = f"{older[1]['version']} of {older[1]['date']} below {newer[1]['version']} of {newer[1]['date']}"
        mend = "correct one of the dates"
        yield source.finding((*at, "date"), "changelog.days", found, "no release older than the one below it", mend)
    if older[1]["date"] == UNRELEASED:
        mend = "write the date of its release, or merge it with the one above"
        yield source.finding(
            (*at, "date"),
            "changelog.unreleased",
            "unreleased below another",
            "only the newest version unreleased",
            mend,
        )
