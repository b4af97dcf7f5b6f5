"""The labels of facts on pages, and the facts that unread text with a label leaves open."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from segforge.pages.page import PageParameter, Undecided

FACTS: Final = ("default", "minimum", "maximum", "enum", "enum_total")
"""The facts that pages print below a description."""
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "default": ("default",),
    "range": ("minimum", "maximum"),
    "min": ("minimum",),
    "max": ("maximum",),
    "step": (),
    "allowed": ("enum", "enum_total"),
}
_WORDS = (
    r"(?P<default>default(?:\s+value)?)|(?P<range>range|limits)|(?P<min>min(?:imum)?(?:\s+value)?)"
    r"|(?P<max>max(?:imum)?(?:\s+value)?)|(?P<step>step(?:\s+size)?)"
    r"|(?P<allowed>(?:allowed|possible)\s+values|enum|options|choices)(?:\s*\([^()\n]{0,40}\))?"
)
# A capital may be joined to the value before it, as in `trueRange:`. A small letter may not, as in `mydefault:`.
LABEL: Final = re.compile(rf"(?:(?<![^\W\d_])|(?=[A-Z]))(?i:{_WORDS})\s*[:\uff1a=]")


def labelled(text: str) -> frozenset[str] | None:
    """Returns the facts whose labels a text contains, or None if it contains no label."""
    kinds = [match.lastgroup for match in LABEL.finditer(text)]
    return frozenset(key for kind in kinds for key in _KEYS[kind or "step"]) if kinds else None


def hinted(one: PageParameter) -> Iterator[tuple[str, Undecided]]:
    """Yields the facts that a parameter lacks although its description contains their label, each with the reason."""
    description = one.facts.get("description")
    if description is None:
        return
    keys = labelled(str(description.value)) or frozenset()
    for key in FACTS:
        if key in keys and key not in one.facts and key not in one.undecided:
            yield key, Undecided((), description.span, "the description contains its label, as prose or with the fact")
