"""Writing files atomically, so that a reader sees the old content or the new, and the line ends of texts."""

import os
import re
import tempfile
from pathlib import Path
from typing import Final

PART: Final = re.compile(r"\.(.+)\.[a-z0-9_]{8}\.part")
"""Matches the name of an unfinished file by `write_atomically`; the group is the name of the file to be replaced."""


def line_ends(text: str) -> str:
    """Returns the line ends of a text: CR LF if all are, else a line feed."""
    return "\r\n" if 0 < text.count("\n") == text.count("\r\n") else "\n"


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file by replacing it whole; text is written as UTF-8. Makes its folder. Raises OSError.

    A process that is killed meanwhile may leave an unfinished file beside it, whose name matches `PART`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    name = ""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        Path(name).chmod(0o644)
        os.replace(name, path)  # noqa: PTH105 - unlike `rename`, it replaces a file on every system
    except BaseException:
        if name:
            Path(name).unlink(missing_ok=True)
        raise
