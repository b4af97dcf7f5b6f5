"""Replaces keys in text, so that no log, report or file shows them.

A short key, such as `x` in a test, also occurs in ordinary words. Replacing it there would spoil text and protect no
secret. So the longer a key is, the more places are masked.
"""

import re
from collections.abc import Iterable
from typing import Final

SHORTEST_IN_TEXT: Final = 8
"""Characters from which a key is replaced in text. A shorter one is replaced in the values of headers only."""
SHORTEST_INSIDE: Final = 16
"""Characters from which a key is replaced inside of longer words, too."""
SECRET_HEADERS: Final = (b"authorization", b"x-api-key", b"proxy-authorization", b"cookie")
"""Headers whose whole value is a secret, in lower case."""
_WORD: Final = rb"[A-Za-z0-9_-]"
_AFTER_ESCAPE: Final = rb"(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrtbf])"
"""The place after an escaped character in a URL or in JSON. Its last letter is not a part of the word that follows."""
_ENDS: Final = rb"[\s=,;&\"']"
"""Characters beside a short key in a header's value, such as `token=x; path=/`."""


class Mask:
    """Replaces keys by a placeholder. Empty keys are ignored."""

    def __init__(self, keys: Iterable[bytes], placeholder: bytes = b"***") -> None:
        self._placeholder = placeholder
        known = sorted({key for key in keys if key}, key=len, reverse=True)  # a key may contain a shorter one
        self._in_text = _any_of([_whole(key) for key in known if len(key) >= SHORTEST_IN_TEXT])
        self._in_headers = _any_of([_whole(key) for key in known])

    def raw(self, text: bytes) -> bytes:
        """Replaces the keys in a body."""
        return self._sub(self._in_text, text)

    def text(self, text: str) -> str:
        """Replaces the keys in text, such as a path."""
        if self._in_text is None:
            return text
        return self.raw(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def header(self, value: bytes) -> bytes:
        """Replaces the keys in the value of a header, short ones too."""
        return self._sub(self._in_headers, value)

    def _sub(self, pattern: re.Pattern[bytes] | None, text: bytes) -> bytes:
        return text if pattern is None else pattern.sub(lambda _: self._placeholder, text)


def whole_word(key: bytes, pattern: bytes) -> bytes:
    """Limits the pattern of a key to whole words unless the key is long. An escape before it belongs to no word."""
    if len(key) >= SHORTEST_INSIDE:
        return pattern
    return rb"(?:(?<!%b)|%b)%b(?!%b)" % (_WORD, _AFTER_ESCAPE, pattern, _WORD)


def _whole(key: bytes) -> bytes:
    """Returns a pattern for a key where it isn't a part of something else."""
    if len(key) >= SHORTEST_IN_TEXT:
        return whole_word(key, re.escape(key))
    return rb"(?:^|(?<=%b))%b(?=%b|$)" % (_ENDS, re.escape(key), _ENDS)


def _any_of(patterns: list[bytes]) -> re.Pattern[bytes] | None:
    return re.compile(b"|".join(patterns)) if patterns else None


def secrets_of(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """Returns the keys and credentials in headers with names in lower case, also without their scheme or name."""
    found: list[bytes] = []
    for name, value in headers:
        if name in SECRET_HEADERS:
            parts, sign = (value.split(b";"), b"=") if name == b"cookie" else ([value], b" ")
            found += [value, *(part.partition(sign)[2].strip() for part in parts)]
    return found
