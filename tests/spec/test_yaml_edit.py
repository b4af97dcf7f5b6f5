"""Edits of YAML text change one place of the data, and keep all comments."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from segforge.spec.yaml_edit import Path, at, insert, load, remove

SCALARS = st.integers(0, 9) | st.sampled_from(("a", "- b", "# c", "x: y", "two\nlines", ""))
DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3)
    ),
    max_leaves=12,
)


class Indented(yaml.SafeDumper):
    """Writes the dashes of lists deeper than their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)


def paths(data: Any, above: Path = ()) -> Iterator[Path]:
    """Yields the path of every key and item."""
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in pairs:
        yield (*above, key)
        yield from paths(value, (*above, key))


def texts(data: Any) -> Iterator[str]:
    """Yields the data in two styles, with a comment above every third line that starts a key or an item."""
    for dumper in (yaml.SafeDumper, Indented):
        lines = yaml.dump(data, Dumper=dumper, default_style=None, sort_keys=False, width=200).split("\n")
        commented = []
        for number, line in enumerate(lines):
            found = re.match(r"( *)(?:- |[a-d]:)", line)
            commented += [f"{found[1]}# line {number}"] if found and number % 3 == 0 and number else []
            commented.append(line)
        text = "\n".join(commented)
        yield text if yaml.safe_load(text) == data else "\n".join(lines)


def comments(text: str) -> list[str]:
    return sorted(re.findall(r"# line \d+$", text, re.MULTILINE))


def plain(text: str) -> Any:
    return json.loads(json.dumps(load(text)))


@settings(max_examples=20)
@given(data=st.dictionaries(st.sampled_from("abcd"), DATA, min_size=1, max_size=3))
def test_one_place_is_removed_or_added(data: dict[str, Any]) -> None:
    for text in texts(data):
        for path in paths(data):
            wanted = copy.deepcopy(data)
            del at(wanted, path[:-1])[path[-1]]
            made = remove(text, path)
            assert plain(made) == wanted, (text, path)
            if at(wanted, path[:-1]):  # an emptied list or mapping is rewritten on one line
                assert comments(made) == comments(text)
        for path in [(), *paths(data)]:
            if isinstance(parent := at(data, path), dict):
                for before in (list(parent)[:count] for count in range(len(parent) + 1)):
                    wanted = copy.deepcopy(data)
                    at(wanted, path)["new"] = [1, "x"]
                    made = insert(text, (*path, "new"), [1, "x"], before)
                    assert plain(made) == wanted, (text, path, before)
                    assert list(at(load(made), path)).index("new") == len(before)
                    assert comments(made) == comments(text)
