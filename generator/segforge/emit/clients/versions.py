"""Versions of the clients, read from their CHANGELOG in the output folder and from the new one."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from segforge.emit.artifact import Artifact
from segforge.spec.catalog import Release
from segforge.spec.changes import UNRELEASED, parts, raised

CHANGELOG: Final = "CHANGELOG.md"
"""The name of the file, in the folder of each client."""
_HEADING: Final = re.compile(r"## ([0-9]+\.[0-9]+\.[0-9]+) \((\S+)\)")
_REVIEWED: Final = re.compile(r"\(reviewed [0-9-]+\)")


def releases_in(text: str) -> list[Release]:
    """Parses the releases of a CHANGELOG that `changelog` wrote. Their changes remain Markdown."""
    releases: list[Release] = []
    for line in text.split("\n"):
        if found := _HEADING.fullmatch(line):
            releases.append(Release(found[1], found[2], ()))
        elif releases and line.startswith("- "):
            releases[-1] = Release(releases[-1].version, releases[-1].date, (*releases[-1].changes, line[2:]))
    return releases


def allows_breaking(before: str, after: str) -> bool:
    """Whether a new CHANGELOG announces a breaking change, compared with the one in the output folder.

    The newest version must be raised over the last released one as far as semver requires. If the old CHANGELOG has an
    open version, its entry must also have changed: to that version, or by lines that were removed.
    """
    old, new = releases_in(before), releases_in(after)
    if not new:
        return False
    released = next((one for one in old if one.date != UNRELEASED), None)
    least = raised(released.version, "major") if released else "0.1.0"
    enough = parts(new[0].version) >= parts(least)
    if not old or old[0].date != UNRELEASED:
        return enough
    told = (old[0].version, old[0].changes) != (new[0].version, new[0].changes)
    return told and (enough or bool(set(old[0].changes) - set(new[0].changes)))


def overtaken(out: Path, artifacts: Iterable[Artifact]) -> Release | None:
    """Returns the newest release if it has a date although its clients in the output folder change; None otherwise.

    A change of the review date that clients cite doesn't count.
    """
    texts = {artifact.path: artifact.text for artifact in artifacts}
    for path, text in texts.items():
        newest = releases_in(text)[:1] if path.name == CHANGELOG else []
        if not newest or newest[0].date == UNRELEASED:
            continue
        there = releases_in(_read(out / path))[:1]
        of_client = [other for other in texts if other.parts[0] == path.parts[0] and other != path]
        if [(one.version, one.date) for one in there] == [(newest[0].version, newest[0].date)] and any(
            _REVIEWED.sub("", _read(out / other)) != _REVIEWED.sub("", texts[other]) for other in of_client
        ):
            return newest[0]
    return None


def _read(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.is_file() else ""
