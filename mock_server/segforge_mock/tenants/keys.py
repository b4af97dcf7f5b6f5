"""Decides which API keys are accepted."""

import re
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

KeyFormat: TypeAlias = Literal["any", "documented"]

REFUSED_START: Final = b"invalid"
"""The start of keys, in any case, that a mock without a list of keys refuses, so that callers can test a refusal."""
MAX_ACCEPTED: Final = 10_000
MAX_ACCEPTED_BYTES: Final = 256


class Keys:
    """The accepted keys: those of `listed`, or else all of the format. `pattern` is the documented format."""

    def __init__(self, pattern: str, key_format: KeyFormat = "any", listed: Iterable[str] | None = None) -> None:
        self._pattern = re.compile(pattern)
        self._format = key_format
        self._listed = None if listed is None else frozenset(listed)
        self._accepted: set[bytes] = set()
        """Keys that were accepted before. A look-up is faster than a comparison with the format."""

    @property
    def accepts_any(self) -> bool:
        """Whether any key is accepted but those that start with REFUSED_START."""
        return self._listed is None and self._format == "any"

    def accept(self, key: bytes) -> bool:
        """Returns whether a key is accepted. An empty one is not."""
        if key in self._accepted:
            return True
        if not key or not self._matches(key):
            return False
        if len(self._accepted) < MAX_ACCEPTED and len(key) <= MAX_ACCEPTED_BYTES:
            self._accepted.add(key)
        return True

    def why_not(self, key: bytes) -> str:
        """Returns the likely mistake in a key that is not accepted, without the key itself."""
        if key[:7].lower() == b"bearer ":
            return "x-api-key has the word Bearer before the key; send the key alone"
        if self._listed is not None:
            return "the key is none of those that the mock accepts: --api-key, --keys-file (keys in Python)"
        if self._format == "documented":
            return f"the key doesn't have the documented format {self._pattern.pattern}; --key-format any accepts it"
        return "the mock refuses keys that start with invalid; send another key"

    def _matches(self, key: bytes) -> bool:
        if self._listed is not None:
            return key.decode("latin-1") in self._listed
        if self._format == "documented":
            return self._pattern.fullmatch(key.decode("latin-1")) is not None
        return key[: len(REFUSED_START)].lower() != REFUSED_START
