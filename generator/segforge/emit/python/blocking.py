"""Derives the blocking client's source from the asynchronous one, so that both have one source."""

import re
from typing import Final

_BLOCKING: Final = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b(?:async|await)\s+", ""),
        (r"\b(?:async_|a)(sleep|each|aside|home|at_end|close|iter_bytes)\b", r"\1"),
        (r"\b__a(enter|exit|iter|next)__", r"__\1__"),
        (r"\bStopAsync", "Stop"),
        (r"\bhandle_async_", "handle_"),
        (r"\b(_?)Async([A-Z])", r"\1\2"),
        (r"\bAwaitable\[(\w+)\]", r"\1"),
        (r"\b_aio\b", "_sync"),
    )
]


def blocking(text: str) -> str:
    """Returns the blocking client's source, derived from the asynchronous client's."""
    for pattern, replacement in _BLOCKING:
        text = pattern.sub(replacement, text)
    return text
