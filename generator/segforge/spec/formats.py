"""String formats that a page may add to a type, such as `string (uri)`."""

import re
from typing import Final

_CHARACTER: Final = r"A-Za-z0-9\-._~!$&'()*+,;="
_ENCODED: Final = "%[0-9A-Fa-f]{2}"


def _run(extra: str) -> str:
    """Any number of a URI's characters, percent-encoded ones included; possessive, so that it takes linear time."""
    return f"(?:[{_CHARACTER}{extra}]++|{_ENCODED})*+"


URI_PATTERN: Final = (
    r"^[A-Za-z][A-Za-z0-9+.\-]*+:"
    rf"(?://(?:{_run(':')}@)?(?:\[[0-9A-Fa-f:.]++\]|{_run('')})(?::[0-9]*+)?(?=[/?#]|\Z)|(?!//))"
    rf"{_run(':@/')}(?:\?{_run(':@/?')})?(?:#{_run(':@/?')})?\Z"
)
"""An absolute URI with its scheme, as RFC 3986, appendix A, has it. For Python's `re`, 3.11 and later."""

_URI: Final = re.compile(URI_PATTERN)


def fits(value: str, format_: str) -> bool:
    """Whether a text has a format; one that is not known here fits."""
    return format_ != "uri" or _URI.match(value) is not None
