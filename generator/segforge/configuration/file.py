"""Finds the configuration file, reads it within bounds, and finds the line of each field."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from segforge.masking import SHORTEST_IN_TEXT
from segforge.options import Misuse
from segforge.spec.printable import one_line

KEY_VARIABLE: Final = "SEGMIND_API_KEY"
"""The environment variable that holds the key of the gateway."""
OWN_FILE: Final = "segforge.toml"
SHARED_FILE: Final = "pyproject.toml"
MAX_BYTES: Final = 1024 * 1024
_IN_SHARED: Final = ("tool", "segforge")
_MAX_LOOKS: Final = 200
"""Lines that are tried to find a field. Each try parses the lines before it."""


class BadConfiguration(Misuse):
    """A configuration file can't be used; the message names the file, the line, the field and how to correct it."""


@dataclass(frozen=True)
class ConfigFile:
    """A configuration file. `tables` is its content, in pyproject.toml that of `[tool.segforge]`."""

    path: Path
    text: str
    within: tuple[str, ...]
    tables: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the file start from."""
        return self.path.parent

    def line(self, *field: str) -> int:
        """The line of a field or a table, from 1."""
        return _line_of(self.text, (*self.within, *field))

    def place(self, *field: str) -> str:
        """The file and the line of a field: `segforge.toml:3`."""
        return f"{shown(self.path)}:{self.line(*field)}"


def shown(path: Path) -> str:
    """A path for messages: relative to the working directory if it is below that."""
    try:
        return one_line(str(path.relative_to(Path.cwd())))
    except ValueError:
        return one_line(str(path))


def find(start: Path) -> ConfigFile | None:
    """The configuration file for a folder: the nearest one from there up to the repository's root.

    Outside a repository, only the folder itself is searched. Returns None if there is no file. Raises BadConfiguration.
    """
    folders = [start, *start.parents]
    roots = [index for index, folder in enumerate(folders) if (folder / ".git").exists()]
    for folder in folders[: roots[0] + 1 if roots else 1]:
        own, shared = _read_if_there(folder / OWN_FILE), _read_if_there(folder / SHARED_FILE)
        if own is not None and shared is not None:
            raise BadConfiguration(
                f"{shared.place()}: found [tool.segforge] beside {shown(own.path)}; expected one configuration file "
                "in a folder. Move its fields to the other file, and delete it"
            )
        if own is not None or shared is not None:
            return own or shared
    return None


def read(path: Path) -> ConfigFile:
    """Reads a file that was named. Raises BadConfiguration if it isn't there or has no configuration."""
    found = _read_if_there(path.absolute())
    if found is None:
        wanted = "[tool.segforge]" if path.name == SHARED_FILE else "a TOML file"
        raise BadConfiguration(f"--config: {shown(path)} holds no configuration; expected {wanted}")
    return found


def _read_if_there(path: Path) -> ConfigFile | None:
    if not path.is_file():
        return None
    text = _text(path)
    key = os.environ.get(KEY_VARIABLE, "")
    if len(key) >= SHORTEST_IN_TEXT and key in text and path.name != SHARED_FILE:
        line = text[: text.index(key)].count("\n") + 1
        raise BadConfiguration(
            f"{shown(path)}:{line}: the file holds the API key in {KEY_VARIABLE}; keys must not be in this file. "
            "Remove it"
        )
    shared = path.name == SHARED_FILE
    if shared and "segforge" not in text:
        return None
    data: Any = _parse(path, text)
    for name in _IN_SHARED if shared else ():
        data = data.get(name) if isinstance(data, dict) else None
    if shared and data is None:
        return None
    file = ConfigFile(path, text, _IN_SHARED if shared else (), data if isinstance(data, dict) else {})
    if not isinstance(data, dict):
        raise BadConfiguration(f"{file.place()}: tool.segforge: expected a table; write [tool.segforge.contract]")
    return file


def _text(path: Path) -> str:
    with path.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise BadConfiguration(f"{shown(path)} has more than {MAX_BYTES:,} bytes; expected a small configuration file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadConfiguration(f"{shown(path)}:{line}: a byte is not UTF-8; save the file as UTF-8") from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return _loads(text)
    except RecursionError:
        raise BadConfiguration(f"{shown(path)} is nested too deeply; expected tables of options") from None
    except ValueError as error:
        reason = str(error)
        at = re.search(r"\(at line (\d+), column (\d+)\)|\(at end of document\)", reason)
        line = at[1] if at and at[1] else text.count("\n") + 1 if at else 1
        reason = "a number has too many digits" if "digits" in reason else reason.partition(" (at ")[0]
        raise BadConfiguration(f"{shown(path)}:{line}: not valid TOML: {one_line(reason)}") from None


def _loads(text: str) -> dict[str, Any]:
    import tomllib
    from decimal import Decimal

    return tomllib.loads(text, parse_float=Decimal)


def _line_of(text: str, field: tuple[str, ...]) -> int:
    """The line that adds a field: the last that names it while the lines before it don't have the field yet."""
    lines = text.split("\n")
    found = looks = 0
    for index, line in enumerate(lines):
        if field and field[-1] not in line:
            continue
        looks += 1
        if looks > _MAX_LOOKS:
            break
        try:
            before = _loads("\n".join(lines[:index]))
        except ValueError:  # the line is inside a text or an array
            continue
        if _has(before, field):
            break
        found = index
    return found + 1


def _has(data: object, field: tuple[str, ...]) -> bool:
    for name in field:
        if not isinstance(data, dict) or name not in data:
            return False
        data = data[name]
    return bool(field)
