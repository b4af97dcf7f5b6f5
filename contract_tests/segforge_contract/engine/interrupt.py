"""Ends a run early: Ctrl-C, SIGTERM, and the time limit."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from segforge_contract.errors import Interrupted

_AGAIN: Final = 0.05  # seconds until a lost interrupt is raised again


def why(interrupt: KeyboardInterrupt) -> tuple[str, int]:
    """The reason why a run was interrupted, and its exit code."""
    if isinstance(interrupt, Interrupted):
        return str(interrupt), interrupt.code
    return "interrupted", 128 + signal.SIGINT


@contextmanager
def interruptible(max_time: float | None) -> Iterator[Callable[[], None]]:
    """Raises Interrupted in the block on SIGTERM, and after `max_time` seconds. Yields a function that stops this.

    A timer of the operating system measures the time, so that even a slow read is interrupted. Outside the main thread
    nothing happens, because only the main thread receives signals. Windows has no such timer.

    Python drops an exception that a signal raises in a callback, such as one of Hypothesis for the garbage collector.
    Then the interrupt is raised again soon after.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return

    def terminated(*_: object) -> None:
        raise Interrupted("terminated", 128 + signal.SIGTERM)

    dropped: list[BaseException] = []

    def late(*_: object) -> None:
        raise dropped.pop() if dropped else Interrupted(f"--max-time: the run took longer than {max_time:g} s", 2)

    def unraised(lost: "sys.UnraisableHookArgs") -> None:
        if not isinstance(lost.exc_value, KeyboardInterrupt):
            hook(lost)
            return
        dropped.append(lost.exc_value)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    before, hook = {signal.SIGTERM: signal.signal(signal.SIGTERM, terminated)}, sys.unraisablehook
    timed = hasattr(signal, "SIGALRM")
    if timed:
        before[signal.SIGALRM], sys.unraisablehook = signal.signal(signal.SIGALRM, late), unraised
        signal.setitimer(signal.ITIMER_REAL, max_time or 0)

    def over() -> None:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        yield over
    finally:
        over()
