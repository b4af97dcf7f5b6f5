"""Ids of requests and jobs: random UUIDs of version 4."""

import os
from collections import deque
from typing import Final

_AT_ONCE: Final = 256
"""Ids that one call of the operating system draws. It costs as much for one id as for many."""
_VARIANT: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""The digit of RFC 9562's variant for each random digit."""

_drawn: deque[str] = deque()
"""Ids that were drawn and not used, with hyphens."""
if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_drawn.clear)


def request_id(form: str) -> str:
    """Returns a random UUID, as 32 hexadecimal digits if `form` is "hex", else with hyphens."""
    try:
        text = _drawn.popleft()
    except IndexError:
        text, *others = _draw()
        _drawn.extend(others)
    return text.replace("-", "") if form == "hex" else text


def _draw() -> list[str]:
    digits = os.urandom(16 * _AT_ONCE).hex()
    texts = (digits[start : start + 32] for start in range(0, len(digits), 32))
    return [f"{t[:8]}-{t[8:12]}-4{t[13:16]}-{_VARIANT[t[16]]}{t[17:20]}-{t[20:]}" for t in texts]
