"""Texts of common files with slots for what each model adds. They are rendered once and filled without a template."""

from collections.abc import Iterator, Sequence
from typing import Final

from segforge.emit.artifact import Pieces
from segforge.emit.quoting import Code

_MARK: Final = "\0"
"""The character around the name of a slot. No file contains it: the filters escape it in texts of specs."""


def slot(name: str) -> Code:
    """Returns the slot of the pieces of that name, which stands on a line of its own."""
    return Code(f"{_MARK}{name}{_MARK}")


def filled(frame: str, pieces: Sequence[Pieces]) -> str:
    """Returns a frame with each slot replaced by the pieces of that name, one after another. Empty pieces are left out.

    A piece ends without a line break, as its slot does.
    """
    return "".join(_parts(frame, pieces))


def _parts(frame: str, pieces: Sequence[Pieces]) -> Iterator[str]:
    for place, text in enumerate(frame.split(_MARK)):
        yield "\n".join(each[text] for each in pieces if each[text]) if place % 2 else text
