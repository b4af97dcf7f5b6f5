"""The formats of texts: URIs and base64."""

import re
from collections.abc import Mapping
from typing import Final

_CHARACTER: Final = r"A-Za-z0-9\-._~!$&'()*+,;="

_ENCODED: Final = "%[0-9A-Fa-f]{2}"


def _run(extra: str) -> str:
    """A pattern of any number of URI characters, possessive, so that it matches in linear time."""
    return f"(?:[{_CHARACTER}{extra}]++|{_ENCODED})*+"


URI_PATTERN: Final = (
    r"^[A-Za-z][A-Za-z0-9+.\-]*+:"
    rf"(?://(?:{_run(':')}@)?(?:\[[0-9A-Fa-f:.]++\]|{_run('')})(?::[0-9]*+)?(?=[/?#]|\Z)|(?!//))"
    rf"{_run(':@/')}(?:\?{_run(':@/?')})?(?:#{_run(':@/?')})?\Z"
)
"""Matches an absolute URI (RFC 3986, appendix A). Needs Python's `re` of 3.11 or later."""

BASE64_PATTERN: Final = r"^(?:data:[A-Za-z0-9.+/;=_-]{0,200};base64,)?[A-Za-z0-9+/]*={0,2}\Z"
"""Matches base64 (RFC 4648, section 4), plain or as a data URI."""

_PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {"uri": re.compile(URI_PATTERN), "base64": re.compile(BASE64_PATTERN)}


def fits(value: str, format_: str) -> bool:
    """Returns whether a text has a format. Every text fits an unknown format."""
    pattern = _PATTERNS.get(format_)
    return pattern is None or pattern.match(value) is not None
