"""Links of the repository's pages on the site. On GitHub, the same links lead to the files."""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

INCLUDED: Final[Mapping[str, str]] = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "generated/python/README.md": "clients/python.md",
    "generated/typescript/README.md": "clients/typescript.md",
    "mock_server/npm/README.md": "how-to/vitest.md",
    "SECURITY.md": "explanation/security.md",
    "tests/mutants/kill-matrix.md": "benchmarks/kill-matrix.md",
}
"""Pages that are outside of docs/, by their file, with their place on the site."""

_LINK: Final = re.compile(r"(?<!\\)(\[(?:[^\[\]]|\[[^\[\]]*\])*\])\((?!<|#|[a-z]+:)([^()\s#]+)(#[^()\s]*)?\)")
_FENCE: Final = re.compile(r"^ {0,12}(`{3,}|~{3,})", re.MULTILINE)


@dataclass(frozen=True)
class Origin:
    """The file of a page in the repository, and its place on the site."""

    file: str
    place: str


def relinked(text: str, page: Origin, root: Path, copy: Callable[[str], str]) -> str:
    """Returns the text of a page with its links fit for the site.

    `copy` puts a file that is no page on the site, and returns its place. A link to a folder becomes its words.
    """

    def replaced(match: re.Match[str]) -> str:
        shown, target, anchor = match[1], match[2], match[3] or ""
        file = posixpath.normpath(posixpath.join(posixpath.dirname(page.file), target))
        if (root / file).is_dir():
            return shown[1:-1]
        if file.startswith("docs/"):
            place = file.removeprefix("docs/")
        elif file in INCLUDED:
            place = INCLUDED[file]
        elif (root / file).is_file():
            place = copy(file)
        else:
            return match[0]  # the build reports it
        return f"{shown}({posixpath.relpath(place, posixpath.dirname(page.place) or '.')}{anchor})"

    return "".join(part if is_code else _LINK.sub(replaced, part) for is_code, part in _parts(text))


def _parts(text: str) -> list[tuple[bool, str]]:
    """Splits a text into blocks of code and the text between them."""
    parts, start, opening = [], 0, ""
    for match in _FENCE.finditer(text):
        if not opening:
            parts.append((False, text[start : match.start()]))
            start, opening = match.start(), match[1]
        elif match[1].startswith(opening):
            end = text.find("\n", match.end())
            end = len(text) if end < 0 else end
            parts.append((True, text[start:end]))
            start, opening = end, ""
    return [*parts, (bool(opening), text[start:])]
