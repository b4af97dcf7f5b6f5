"""What ends a run before all is sent: Ctrl-C, SIGTERM, and the time that it was given."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from segforge_contract.errors import Interrupted


def why(interrupt: KeyboardInterrupt) -> tuple[str, int]:
    """Why a run was interrupted, in words, and the exit code that says so."""
    if isinstance(interrupt, Interrupted):
        return str(interrupt), interrupt.code
    return "interrupted", 128 + signal.SIGINT


@contextmanager
def interruptible(max_time: float | None) -> Iterator[Callable[[], None]]:
    """Raise Interrupted in the block on SIGTERM, and after `max_time` seconds; gives what puts an end to that.

    The time is kept by a timer of the system, so that no read, however slow, outlasts it. Outside the main thread, and
    the time on Windows, nothing is done: signals are the main thread's.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return

    def terminated(*_: object) -> None:
        raise Interrupted("terminated", 128 + signal.SIGTERM)

    def late(*_: object) -> None:
        raise Interrupted(f"--max-time: the {max_time:g} s are over", 2)

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
