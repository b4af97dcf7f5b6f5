"""Ends a run early: Ctrl-C, SIGTERM, and the time limit."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from segforge_contract.errors import Interrupted


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
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return

    def terminated(*_: object) -> None:
        raise Interrupted("terminated", 128 + signal.SIGTERM)

    def late(*_: object) -> None:
        raise Interrupted(f"--max-time: the run took longer than {max_time:g} s", 2)

    timed = max_time is not None and hasattr(signal, "SIGALRM")
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, terminated)}
    if timed and max_time is not None:
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, max_time)

    def over() -> None:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        yield over
    finally:
        over()
