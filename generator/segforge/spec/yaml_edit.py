"""Edits YAML text, one key or list item at a time, and leaves the rest unchanged.

A new value of an existing key goes through ruamel.yaml's round trip. Keys and items are inserted and removed as whole
lines, so that comments and blank lines around them keep their places.
"""

import re
import textwrap
from collections.abc import Sequence
from typing import Any, TypeAlias

import yaml

from segforge.spec.yaml_text import dump, mapping, round_trip, scalar

Path: TypeAlias = tuple[str | int, ...]


def load(text: str) -> Any:
    """Parses a document with its comments."""
    return round_trip().load(text)


def at(data: Any, path: Path) -> Any:
    """Returns the value at a path. Raises KeyError or IndexError if there is none."""
    for step in path:
        data = data[step]
    return data


def set_value(text: str, path: Path, value: Any) -> str:
    """Replaces the value at an existing path. Returns the new text."""
    data = load(text)
    at(data, path[:-1])[path[-1]] = scalar(value)
    return dump(data)


def rename(text: str, path: Path, name: str) -> str:
    """Renames the key at an existing path. Its value, its place and its comments stay."""
    parent = at(load(text), path[:-1])
    line, column = parent.lc.key(path[-1])
    for token in yaml.scan(text):
        start = token.start_mark
        if isinstance(token, yaml.ScalarToken) and (start.line, start.column) == (line, column):
            made = dump(mapping({name: 0})).rstrip("\n").removesuffix(": 0")
            return text[: start.index] + made + text[token.end_mark.index :]
    raise KeyError(path[-1])


def remove(text: str, path: Path) -> str:
    """Removes a key or list item. Returns the new text; comments inside the item remain as separate lines."""
    data = load(text)
    parent, key = at(data, path[:-1]), path[-1]
    if parent.fa.flow_style() or len(parent) == 1:
        del parent[key]
        if not parent:
            parent.fa.set_flow_style()
        return dump(data)
    lines = text.split("\n")
    first, indent = _line(parent, key)
    last = _end(lines, first, indent, of_key=not isinstance(key, int))
    comments = _comments(text, first, last)
    dashes = lines[first][:indent]
    if not dashes.strip():
        return "\n".join([*lines[:first], *(" " * indent + one for one in comments), *lines[last:]])
    following = next(at for at in range(last, len(lines)) if _is_content(lines[at]))
    left = [*(" " * _depth(dashes) + one for one in comments), *lines[last:following]]
    return "\n".join([*lines[:first], *left, dashes + lines[following][indent:], *lines[following + 1 :]])


def insert(text: str, path: Path, value: Any, before: Sequence[str | int]) -> str:
    """Inserts a key after the last present key of `before`. `value` is ruamel.yaml data or a scalar."""
    data = load(text)
    parent, key = at(data, path[:-1]), path[-1]
    present = [one for one in before if one in parent]
    if parent.fa.flow_style() or not parent:
        parent.insert(len(present), scalar(key), scalar(value))
        return dump(data)
    lines = text.split("\n")
    if present:
        first, indent = _line(parent, present[-1])
        place = _end(lines, first, indent, of_key=True)
    else:
        place, indent = _line(parent, next(iter(parent)))
    made = dump(mapping({str(key): scalar(value)})).rstrip("\n").split("\n")
    dashes = lines[place][:indent] if not present else ""
    if dashes.strip():  # the first key of an item shares its line with the dash
        own = [dashes + made[0], *(" " * indent + line if line else line for line in made[1:])]
        return "\n".join([*lines[:place], *own, " " * indent + lines[place][indent:], *lines[place + 1 :]])
    return "\n".join([*lines[:place], *[" " * indent + line if line else line for line in made], *lines[place:]])


def sync_list(text: str, path: Path, wanted: Sequence[Any]) -> str:
    """Makes a list hold these values. Values that it already has keep their lines."""
    have = list(at(load(text), path))
    for index in range(len(have) - 1, -1, -1):
        if have[index] not in wanted and len(have) > 1:
            text = remove(text, (*path, index))
            del have[index]
    for index, value in enumerate(wanted):
        if value not in have:
            text = insert_item(text, path, min(index, len(have)), value)
            have.insert(min(index, len(have)), value)
    for index in range(len(have) - 1, -1, -1):
        if have[index] not in wanted:
            text = remove(text, (*path, index))
            del have[index]
    return text


def insert_item(text: str, path: Path, index: int, value: Any) -> str:
    """Inserts a list item. `value` is ruamel.yaml data or a scalar."""
    data = load(text)
    items = at(data, path)
    if items.fa.flow_style() or not items:
        if not items:
            items.fa.set_block_style()
        items.insert(index, scalar(value))
        return dump(data)
    lines = text.split("\n")
    first, indent = _line(items, max(index - 1, 0))
    place = _end(lines, first, indent, of_key=False) if index else first
    made = textwrap.dedent(dump([scalar(value)])).strip().split("\n")
    return "\n".join([*lines[:place], *[" " * indent + line for line in made], *lines[place:]])


def _line(parent: Any, key: str | int) -> tuple[int, int]:
    """Returns the line, from 0, on which a key or list item starts, and its indentation."""
    if isinstance(key, int):
        line, column = parent.lc.item(key)
        return int(line), int(column) - 2
    line, column = parent.lc.key(key)
    return int(line), int(column)


def _end(lines: Sequence[str], first: int, indent: int, *, of_key: bool) -> int:
    """Returns the line after the value of a key or list item. Comments and blank lines below it don't count.

    The dashes of a list may be as deep as the key that holds the list.
    """
    last = first + 1
    for number in range(first + 1, len(lines)):
        bare = lines[number].lstrip(" ")
        deeper = _depth(lines[number]) > indent
        if bare and _depth(lines[number]) == indent and of_key:
            deeper = bare == "-" or bare.startswith("- ")
        if _is_content(lines[number]) and not deeper:
            break
        if bare and deeper:
            last = number + 1
    return last


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _is_content(line: str) -> bool:
    """Returns whether a line is neither blank nor a comment."""
    bare = line.lstrip(" ")
    return bool(bare) and not bare.startswith("#")


def _comments(text: str, first: int, last: int) -> list[str]:
    """Returns the comments on some lines, each from its `#` on."""
    scalars = [
        (token.start_mark.index, token.end_mark.index)
        for token in yaml.scan(text)
        if isinstance(token, yaml.ScalarToken)
    ]
    found = []
    start = 0
    for number, line in enumerate(text.split("\n")):
        if first <= number < last:
            for match in re.finditer(r"(?<!\S)#", line):
                index = start + match.start()
                if not any(begin <= index < end for begin, end in scalars):
                    found.append(line[match.start() :])
                    break
        start += len(line) + 1
    return found
