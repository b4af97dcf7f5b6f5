"""The properties that the header of a file states."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MediaHeader:
    """Width and height in pixels, the length in seconds, and frames per second; None if the file states none."""

    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    fps: float | None = None


class Damaged(ValueError):
    """A file breaks the rules of its format."""
