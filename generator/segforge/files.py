"""Writing files atomically: a reader sees the old content or the new, never a part of it."""

import os
import re
import tempfile
from pathlib import Path
from typing import Final

PART: Final = re.compile(r"\.(.+)\.[a-z0-9_]{8}\.part")
"""Matches the name of an unfinished file by `write_atomically`; the group is the name of the file to be replaced."""


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
