"""One file of the specs: its data with the position of each value, and the findings about its form."""

import errno
import json
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segforge.spec.finding import Finding
from segforge.spec.printable import HIDDEN
from segforge.spec.yaml_reader import MAX_BYTES, Location, Unreadable, YamlReader, decode

__all__ = ["MAX_BYTES", "Location", "SourceFile", "parse_source", "read_bytes", "read_source"]


@dataclass(frozen=True)
class SourceFile:
    """A parsed file: its data, and the position (line and column from 1) of each value and key."""

    path: Path
    name: str
    data: Any
    values: dict[Location, tuple[int, int]]
    keys: dict[Location, tuple[int, int]]

    def finding(
        self,
        location: Location,
        rule: str,
        found: str,
        expected: str,
        mend: str,
        *,
        key: bool = False,
        warning: bool = False,
    ) -> Finding:
        """Returns a finding about the value or key at a location, or about the nearest value around it."""
        positions = self.keys if key else self.values
        while location and location not in positions:
            location, positions = location[:-1], self.values
        line, column = positions.get(location, (1, 1))
        return Finding(self.name, line, column, rule, found, expected, mend, "warning" if warning else "error")


def read_source(path: Path, name: str) -> tuple[SourceFile | None, list[Finding]]:
    """Reads a YAML file. `name` is its name in findings.

    Returns the file, None if it isn't valid YAML, and the findings about its form.
    """
    try:
        raw = read_bytes(path)
    except OSError as error:
        found = str(error.strerror)
        return None, [
            Finding(name, 0, 0, "file.unreadable", found, "a readable file", "check its path and permissions")
        ]
    return parse_source(raw, path, name)


def read_bytes(path: Path) -> bytes:
    """Returns the bytes of a file, at most `MAX_BYTES` + 1. Raises OSError.

    Only regular files are opened, since reading a named pipe or a device may block.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"{'a folder' if stat.S_ISDIR(mode) else 'not a regular file'}", str(path))
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def parse_source(raw: bytes, path: Path, name: str) -> tuple[SourceFile | None, list[Finding]]:
    """Parses a file whose bytes were read already, like `read_source`."""
    try:
        reader = YamlReader(name)
        text = decode(raw)
        data = reader.read(text)
    except Unreadable as refused:
        return None, [refused.finding(name)]
    source = SourceFile(path, name, data, reader.values, reader.keys)
    return source, reader.findings + ([] if raw.isascii() else list(_hidden(text, name)))


def _hidden(text: str, name: str) -> Iterator[Finding]:
    """Yields a warning for each line with hidden characters."""
    start, line = 0, 1
    for match in HIDDEN.finditer(text):
        newlines = text.count("\n", start, match.start())
        if newlines or not start:
            line += newlines
            shown = f"U+{ord(match[0]):04X} ({unicodedata.name(match[0], 'no name')})"
            column = match.start() - text.rfind("\n", 0, match.start())
            mend = f"remove it, or escape it in double quotes, as {json.dumps(match[0])}, if the page has it"
            yield Finding(name, line, column, "text.hidden", shown, "visible text", mend, "warning")
        start = match.end()
