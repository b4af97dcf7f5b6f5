"""Changes a YAML text in place: one key or list item at a time, and nothing else.

Values that stay where they are go through ruamel.yaml's round trip. Keys and items that come or go are whole lines, so
that the comments and blank lines around them stay where they stand.
"""

import re
import textwrap
from collections.abc import Sequence
from typing import Any, TypeAlias

import yaml

from segforge.spec.yaml_text import dump, mapping, round_trip, scalar

Path: TypeAlias = tuple[str | int, ...]


def load(text: str) -> Any:
    """A document with its comments."""
    return round_trip().load(text)


def at(data: Any, path: Path) -> Any:
    """What stands at a path. Raises KeyError or IndexError if nothing does."""
    for step in path:
        data = data[step]
    return data


def set_value(text: str, path: Path, value: Any) -> str:
    """The text with another value at a path that is there."""
    data = load(text)
    at(data, path[:-1])[path[-1]] = scalar(value)
    return dump(data)


def remove(text: str, path: Path) -> str:
    """The text without a key or list item. Comments inside it stay, as lines of their own."""
    data = load(text)
    parent, key = at(data, path[:-1]), path[-1]
    if parent.fa.flow_style() or len(parent) == 1:
        del parent[key]
        if not parent:
            parent.fa.set_flow_style()
        return dump(data)
    lines = text.split("\n")
    first, indent = _line(parent, key)
    last = _end(lines, first, indent)
    kept = [" " * indent + comment for comment in _comments(text, first, last)]
    return "\n".join([*lines[:first], *kept, *lines[last:]])


def insert(text: str, path: Path, value: Any, before: Sequence[str | int]) -> str:
    """The text with a new key, after the last of the keys named; `value` is ruamel.yaml data or a scalar."""
    data = load(text)
    parent, key = at(data, path[:-1]), path[-1]
    present = [one for one in before if one in parent]
    if parent.fa.flow_style() or not parent:
        parent.insert(len(present), scalar(key), scalar(value))
        return dump(data)
    lines = text.split("\n")
    if present:
        first, indent = _line(parent, present[-1])
        place = _end(lines, first, indent)
    else:
        place, indent = _line(parent, next(iter(parent)))
    made = dump(mapping({str(key): scalar(value)})).rstrip("\n").split("\n")
    return "\n".join([*lines[:place], *[" " * indent + line if line else line for line in made], *lines[place:]])


def sync_list(text: str, path: Path, wanted: Sequence[Any]) -> str:
    """The text with a list that holds the values wanted; those that it has keep their lines."""
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
    """The text with a new item of a list; `value` is ruamel.yaml data or a scalar."""
    data = load(text)
    items = at(data, path)
    if items.fa.flow_style() or not items:
        if not items:
            items.fa.set_block_style()
        items.insert(index, scalar(value))
        return dump(data)
    lines = text.split("\n")
    first, indent = _line(items, max(index - 1, 0))
    place = _end(lines, first, indent) if index else first
    made = textwrap.dedent(dump([scalar(value)])).strip().split("\n")
    return "\n".join([*lines[:place], *[" " * indent + line for line in made], *lines[place:]])


def _line(parent: Any, key: str | int) -> tuple[int, int]:
    """The line, from 0, on which a key or list item begins, and its indentation."""
    if isinstance(key, int):
        line, column = parent.lc.item(key)
        return int(line), int(column) - 2
    line, column = parent.lc.key(key)
    return int(line), int(column)


def _end(lines: Sequence[str], first: int, indent: int) -> int:
    """The line after a key's value. Comments and blank lines below it, not indented deeper, belong to what follows."""
    last = first + 1
    for number in range(first + 1, len(lines)):
        bare = lines[number].lstrip(" ")
        depth = len(lines[number]) - len(bare)
        if bare and depth <= indent and not bare.startswith("#"):
            break
        if bare and depth > indent:
            last = number + 1
    return last


def _comments(text: str, first: int, last: int) -> list[str]:
    """The comments on some lines, from `#` on."""
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
