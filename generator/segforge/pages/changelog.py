"""Adds to the change log of the specs, from which the clients take their version and their CHANGELOG."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from segforge.pages.yaml_edit import insert_item, load, set_value
from segforge.pages.yaml_text import mapping, scalar, sequence
from segforge.spec.changes import Bump, Change, bump_of, raised, sides
from segforge.text import one_line

UNRELEASED: Final = "unreleased"
"""The day of a version that is still open: it takes in what changes until a person dates it."""
EMPTY: Final = "# yaml-language-server: $schema=schema/changelog.schema.json\nreleases: []\n"

_WORDS: Final = {"breaking": "Breaking", "additive": "Added", "editorial": "Text"}


def add_changes(text: str, changes: Sequence[Change]) -> tuple[str, str]:
    """The text of a `changelog.yaml` with some changes under its open version, and that version.

    The open version is at least what the changes ask for after the newest released one; without one, the version is
    0.1.0. A change that is noted already is not noted again.
    """
    releases = load(text)["releases"]
    is_open = bool(releases) and releases[0]["date"] == UNRELEASED
    version = _next(releases[is_open:], bump_of(changes))
    lines = list(_lines(changes))
    if not is_open:
        made = mapping({"version": scalar(version), "date": UNRELEASED, "changes": sequence(lines, flow=False)})
        return insert_item(text, ("releases",), 0, made), version
    version = max(releases[0]["version"], version, key=_parts)
    text = set_value(text, ("releases", 0, "version"), version)
    noted = list(releases[0]["changes"])
    for line in lines:
        if line not in noted:
            text = insert_item(text, ("releases", 0, "changes"), len(noted), line)
            noted.append(line)
    return text, version


def _next(released: Sequence[dict[str, str]], bump: Bump) -> str:
    return raised(released[0]["version"], bump) if released else "0.1.0"


def _lines(changes: Iterable[Change]) -> Iterator[str]:
    """One line a change, those that break first."""
    for level, word in _WORDS.items():
        for change in changes:
            if change.level == level:
                where = f"{change.subject} {change.at}".strip()
                yield one_line(f"{word}: {where} {change.rule}, {sides(change)}")


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
