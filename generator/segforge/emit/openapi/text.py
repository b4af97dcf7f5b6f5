"""Serializes OpenAPI documents as YAML and JSON, entry by entry, so that shared entries are serialized once.

An entry's text depends only on its value and its depth. So the entries of each model can be cached and joined later.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import StringIO
from typing import Any, Final, TypeAlias

import yaml

from segforge.spec.printable import HIDDEN, json_visible

Location: TypeAlias = tuple[str, ...]
Entries: TypeAlias = Mapping[Location, Sequence[str]]
"""Texts of entries, by the location of the list or mapping that they belong to."""

TAGS: Final = ("tags",)
PATHS: Final = ("paths",)
SCHEMAS: Final = ("components", "schemas")


def yaml_text(document: Mapping[str, Any], pieces: Entries) -> str:
    """Returns the document as YAML with the entries of `pieces`: tags and paths before its own, schemas after."""
    sections = []
    for key, value in document.items():
        if key == "components":
            sections.append("components:\n")
            for kind, named in value.items():
                sections += [f"  {kind}:\n", yaml_entries(named, (key, kind)), *pieces.get((key, kind), ())]
        elif (key,) in (TAGS, PATHS):
            sections += [f"{key}:\n", *pieces.get((key,), ()), yaml_entries(value, (key,))]
        else:
            sections.append(_yaml(json.dumps({key: value})))
    return "".join(sections)


def json_text(document: Mapping[str, Any], pieces: Entries) -> str:
    """Returns the document as JSON, like `yaml_text`."""
    sections = []
    for key, value in document.items():
        if key == "components":
            kinds = [
                _braced(kind, [json_entries(named, (key, kind)), *pieces.get((key, kind), ())], "    ")
                for kind, named in value.items()
            ]
            sections.append(_braced(key, kinds, "  "))
        elif (key,) in (TAGS, PATHS):
            entries = [*pieces.get((key,), ()), json_entries(value, (key,))]
            sections.append(_braced(key, entries, "  ", "[]" if isinstance(value, list) else "{}"))
        else:
            sections.append(json_entries({key: value}, ()))
    return "{\n" + ",\n".join(sections) + "\n}\n"


def yaml_entries(value: Mapping[str, Any] | Sequence[Any], at: Location) -> str:
    """Returns the entries of a list or mapping at a location, as lines of the document."""
    texts = []
    for entry in _apart(value):
        nested = entry
        for key in reversed(at):
            nested = {key: nested}
        texts.append(_yaml(json.dumps(nested), len(at) + 1).split("\n", len(at))[-1])
    return "".join(texts)


def json_entries(value: Mapping[str, Any] | Sequence[Any], at: Location) -> str:
    """Returns entries as JSON, like `yaml_entries`, each on one line, and without a comma at the end."""
    pad = "  " * (len(at) + 1)
    texts = (json.dumps(entry, ensure_ascii=False, separators=(",", ":"))[1:-1] for entry in _apart(value))
    return json_visible(",\n".join(pad + text for text in texts))


def _apart(value: Mapping[str, Any] | Sequence[Any]) -> list[Any]:
    """Splits a mapping into mappings with one key, and a list into lists with one item."""
    return [{key: item} for key, item in value.items()] if isinstance(value, Mapping) else [[item] for item in value]


def _braced(key: str, entries: Sequence[str], pad: str, braces: str = "{}") -> str:
    return f"{pad}{json.dumps(key)}: {braces[0]}\n" + ",\n".join(entries) + f"\n{pad}{braces[1]}"


@lru_cache(maxsize=1024)
def _yaml(text: str, levels: int = 1) -> str:
    """Converts JSON in ASCII to YAML. With a hidden character, all non-ASCII is escaped, as PyYAML can't pick.

    Mappings and lists of scalars are on one line, except the outermost `levels`.
    """
    value = json.loads(text)
    seen = "\\u" not in text or not HIDDEN.search(json.dumps(value, ensure_ascii=False))
    stream = StringIO()
    dumper = SafeTextDumper(stream, sort_keys=False, allow_unicode=seen, width=120)
    node = _node(dumper, value, levels)
    dumper.open()
    dumper.serialize(node)
    dumper.close()
    return stream.getvalue()


_LONGEST_CHAIN: Final = 80
"""Characters of the JSON of collections that are nested on one line."""


def _node(dumper: "SafeTextDumper", value: Any, levels: int) -> yaml.Node:
    """Returns the node of a value, without aliases.

    Mappings and lists of scalars are on one line, below the outermost levels, and so are short ones that contain a
    single scalar at their end, such as the content of a response. Entries of others are on several lines.
    """
    if isinstance(value, str):
        return dumper.represent_text(value)
    if not isinstance(value, dict | list):
        return dumper.represent_data(value)
    values = list(value.values() if isinstance(value, dict) else value)
    parts = [_node(dumper, part, levels - 1) for part in values]
    flow = (levels < 1 or not value) and (
        _is_short_chain(value, parts) or not any(isinstance(part, dict | list) for part in values)
    )
    if isinstance(value, list):
        return yaml.SequenceNode("tag:yaml.org,2002:seq", parts, flow_style=flow)
    keys = map(dumper.represent_text, value)
    return yaml.MappingNode("tag:yaml.org,2002:map", list(zip(keys, parts, strict=True)), flow_style=flow)


def _is_short_chain(value: Any, parts: list[yaml.Node]) -> bool:
    """Returns whether there is a single part, which is on one line and has a single entry itself."""
    if len(parts) != 1 or not isinstance(parts[0], yaml.CollectionNode) or not parts[0].flow_style:
        return False
    return len(parts[0].value) == 1 and len(json.dumps(value)) <= _LONGEST_CHAIN


_NOT_TEXT: Final = re.compile(
    r"[-+]?(?:0[xob][0-9a-f_]*|[0-9][0-9_,]*(?::[0-9_]+)*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?|\.[0-9_]+(?:e[-+]?[0-9]+)?)"
    r"|[-+]?\.(?:inf|nan)|~|=|<<|y|n|yes|no|on|off|true|false|null",
    re.IGNORECASE,
)
"""Text that YAML 1.1 or 1.2 reads as a number, a boolean or null. PyYAML itself quotes timestamps."""


_RESOLVER: Final = yaml.resolver.Resolver()
_TEXT_TAG: Final = "tag:yaml.org,2002:str"


class SafeTextDumper(yaml.CSafeDumper):
    """Quotes text that a YAML reader could read as another type."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Represents text, in single quotes if it could be read as another type. Several lines are a block."""
        style = "'" if _NOT_TEXT.fullmatch(text) else "|" if "\n" in text else None
        return yaml.ScalarNode(_TEXT_TAG, text, style=style)

    def resolve(self, kind: Any, value: Any, implicit: tuple[bool, bool]) -> str:
        """Returns the tag of a node without one, as a reader resolves it. Most nodes occur many times."""
        if kind is yaml.ScalarNode:
            return _plain_tag(value) if implicit[0] else _TEXT_TAG
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]


@lru_cache(maxsize=8192)
def _plain_tag(value: str) -> str:
    return str(_RESOLVER.resolve(yaml.ScalarNode, value, (True, False)))  # type: ignore[no-untyped-call]
