"""Updates the change log of the specs, which determines the clients' version and CHANGELOG."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from segforge.spec.changes import UNRELEASED, Bump, Change, parts, raised, reaches_clients
from segforge.spec.sentences import sentence
from segforge.spec.yaml_edit import insert_item, load, remove, set_value, sync_list
from segforge.spec.yaml_text import mapping, scalar, sequence

EMPTY: Final = "# yaml-language-server: $schema=schema/changelog.schema.json\nreleases: []\n"

_WORDS: Final = {"breaking": "Breaking", "additive": "Added", "editorial": "Text"}
_BUMPS: Final[Mapping[str, Bump]] = {"Breaking": "major", "Added": "minor"}
_MADE: Final = re.compile(
    r"(?:Breaking|Added|Text): (?:model (?P<model>\S+) is (?:new|gone)|(?P<subject>\S+): .+"
    r"|(?P<before>\S+) .*[a-z]\.[a-z_]+, .* -> .+)"  # the format of older lines
)


def note_changes(
    text: str, changes: Sequence[Change], subjects: Collection[str], kept: Collection[str] = ()
) -> tuple[str, str]:
    """Updates the text of a `changelog.yaml`. Returns the text and its newest version.

    The open version lists the changes since the last release. Its generated lines about these subjects are replaced,
    except those in `kept`; lines that a person wrote remain. Lines of the newest release are not repeated. The open
    version is the one that its lines require, or a higher one that a person chose. It is 0.1.0 before the first
    release, and is removed if it has no lines.
    """
    releases = load(text)["releases"]
    is_open = bool(releases) and releases[0]["date"] == UNRELEASED
    released = releases[is_open:]
    noted = list(releases[0]["changes"]) if is_open else []
    lines = [line for line in _lines(changes) if not released or line not in released[0]["changes"]]
    left = [line for line in noted if line in lines or line in kept or not _is_made(line, subjects)]
    wanted = [*left, *(line for line in lines if line not in left)]
    if not wanted:
        return remove(text, ("releases", 0)) if is_open else text, released[0]["version"] if released else "0.0.0"
    version = _next(released, wanted)
    if not is_open:
        made = mapping({"version": scalar(version), "date": UNRELEASED, "changes": sequence(wanted, flow=False)})
        return insert_item(text, ("releases",), 0, made), version
    before = str(releases[0]["version"])
    if parts(before) > parts(_next(released, noted)):
        version = max(before, version, key=parts)
    if version != before:
        text = set_value(text, ("releases", 0, "version"), version)
    return sync_list(text, ("releases", 0, "changes"), wanted), version


def _next(released: Sequence[Any], lines: Iterable[str]) -> str:
    """Returns the version that these lines require after the newest release."""
    if not released:
        return "0.1.0"
    asked = {_BUMPS.get(line.partition(":")[0], "patch") for line in lines}
    return raised(released[0]["version"], next(bump for bump in ("major", "minor", "patch") if bump in asked))


def _lines(changes: Iterable[Change]) -> Iterator[str]:
    """Yields one line per change, breaking ones first. Duplicates are omitted: both limits of a range make one line."""
    said = set()
    for level, word in _WORDS.items():
        for change in changes:
            text = sentence(change)
            if change.level == level and reaches_clients(change) and text not in said:
                said.add(text)
                yield f"{word}: {text}"


def _is_made(line: str, subjects: Collection[str]) -> bool:
    if (found := _MADE.fullmatch(line)) is None:
        return False
    return found["model"] is not None or (found["subject"] or found["before"]) in subjects
