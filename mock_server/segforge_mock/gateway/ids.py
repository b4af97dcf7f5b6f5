"""Ids of requests and jobs: random UUIDs of version 4."""

import os
from collections import deque
from typing import Final

_AT_ONCE: Final = 256
"""Ids that one call of the operating system draws. It costs as much for one id as for many."""
_VARIANT: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""The digit of RFC 9562's variant for each random digit."""

_drawn: deque[str] = deque()
if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_drawn.clear)


def request_id(form: str) -> str:
    """Returns a random UUID, as 32 hexadecimal digits if `form` is "hex", else with hyphens."""
    try:
        text = _drawn.popleft()
    except IndexError:
        digits = os.urandom(16 * _AT_ONCE).hex()
        _drawn.extend(digits[start : start + 32] for start in range(32, len(digits), 32))
        text = digits[:32]
    h = "" if form == "hex" else "-"
    return f"{text[:8]}{h}{text[8:12]}{h}4{text[13:16]}{h}{_VARIANT[text[16]]}{text[17:20]}{h}{text[20:]}"
