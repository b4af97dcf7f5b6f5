"""Writes a recording as YAML that YAML 1.1 and 1.2 read alike."""

import re
from typing import Any, Final

import yaml

FORMAT: Final = 1
"""The version of the form of a recording."""
INLINE_BYTES: Final = 64 * 2**10
"""Bytes of text and JSON up to which they are in the YAML. Larger bodies are files beside it."""
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9_./+-]*( [A-Za-z0-9_./+-]+)*")
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


class _Dumper(yaml.CSafeDumper):
    """Quotes each text that a version of YAML could read as something else. Repeated values are written out."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's own signature
        """Returns True: no value is an alias."""
        return True


def _represent_text(dumper: yaml.CSafeDumper, text: str) -> yaml.Node:
    style: str | None = '"'
    if "\n" in text and text.strip("\n") == text.strip() and not re.search(r"[^\n\x20-\x7e\xa0-\ud7ff]| \n", text):
        style = "|"
    elif _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        style = None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def to_yaml(data: dict[str, Any]) -> str:
    """Returns plain data as YAML."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**20, indent=2)
    return text
