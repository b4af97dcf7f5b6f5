"""Regular expressions in specs: only those that match in linear time in every language.

Backtracking engines, such as those of Python and JavaScript, need exponential time for `^(a+)+$`. So repeated groups,
back references and look-around are rejected; the rest is bounded by the number of ways in which it can match.
"""

import re
from typing import Final

MAX_LENGTH: Final = 200
MAX_WAYS: Final = 1000
"""The number of combinations of a pattern's quantifiers and alternatives, not counting one `*` or `+`."""

_QUANTIFIER: Final = r"\{[0-9]{1,3}(?:,[0-9]{0,3})?\}|[?*+]"
_PIECE: Final = re.compile(
    rf"""(?:
        \[\^?(?:[^\\\]\[^]|\\[dwDW\\\[\]^.$*+?(){{}}|/-])+\]      # a set of characters
        | \\[dwDW\\\[\]^.$*+?(){{}}|/-]                           # an escaped character, digits, or word characters
        | [^\\\[\](){{}}*+?|^$]                                   # a character
    )(?P<quantifier>{_QUANTIFIER})?
    | (?P<open>\((?:\?:)?) | (?P<close>\))(?!{_QUANTIFIER})
    | (?P<or>\|)""",
    re.VERBOSE,
)
EXPECTED: Final = (
    "a regular expression of characters, sets such as [0-9a-f], quantifiers, and groups that aren't repeated, with one "
    f"* or + at most, and {MAX_LENGTH} characters at most"
)
"""Describes the allowed patterns, for messages."""


def is_bounded(pattern: str) -> bool:
    """Returns whether a pattern has the form of `EXPECTED`, so that it matches in linear time."""
    if len(pattern) > MAX_LENGTH:
        return False
    start, end = int(pattern.startswith("^")), len(pattern) - bool(re.search(r"(?<!\\)\$\Z", pattern))
    ways, unbounded, in_group = 1, 0, False
    while start < end:
        piece = _PIECE.match(pattern, start, end)
        if piece is None or (piece["open"] and in_group) or ((piece["close"] or piece["or"]) and not in_group):
            return False
        in_group = bool(piece["open"]) or (in_group and not piece["close"])
        spread = _spread(piece["quantifier"])
        unbounded += spread is None
        ways *= 2 if piece["or"] else spread or 1
        start = piece.end()
    return not in_group and unbounded <= 1 and ways <= MAX_WAYS


def _spread(quantifier: str | None) -> int | None:
    """Returns the number of different repetitions that a quantifier allows, or None if it has no limit."""
    if quantifier in (None, "?"):
        return 1 if quantifier is None else 2
    low, comma, high = quantifier.strip("{}").partition(",")
    if quantifier in ("*", "+") or (comma and not high):
        return None
    return int(high) - int(low) + 1 if comma else 1
