"""The CHANGELOG of a client, from the change log of the specs."""

import re
from collections.abc import Sequence
from typing import Final

from segforge.emit.quoting import markdown, visible
from segforge.spec.catalog import Release

_CODE: Final = re.compile(r"(?<!`)(`[^`]+`)(?!`)")


def changelog(releases: Sequence[Release]) -> str:
    """Returns the releases as Markdown, newest first."""
    sections = [
        "\n".join([f"## {one.version} ({one.date})", "", *(f"- {_line(change)}" for change in one.changes)])
        for one in releases
    ]
    return "\n\n".join(["# Changelog", *sections])


def _line(change: str) -> str:
    """Returns a change as Markdown: code spans are kept, all other text is escaped."""
    pieces = _CODE.split(" ".join(visible(change).split()))
    return "".join(piece if index % 2 else _text(piece) for index, piece in enumerate(pieces))


def _text(piece: str) -> str:
    """Escapes text between code spans, and keeps the spaces around it."""
    bare = piece.strip(" ")
    return piece.replace(bare, markdown(bare)) if bare else piece
