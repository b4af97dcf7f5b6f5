"""A `map` over batches of models that runs in other processes if that saves time.

The modules for processes are imported late, since most runs need none.
"""

import gc
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

BATCH: Final = 25
"""Models that a worker emits at once. Larger batches save no time and need more memory."""

_WORTH_FORKING: Final = 4
"""Models from which new processes pay off: starting them takes as long as emitting a few models."""

_WORTH_SPAWNING: Final = 40
"""The same on systems without fork, where each imports everything anew."""


class WorkerKilled(Exception):
    """A worker process was killed, perhaps because memory is short."""


class Map(Protocol):
    """The built-in `map`, or one that runs in other processes."""

    def __call__(self, function: Callable[[_Item], _Result], items: Iterable[_Item], /) -> Iterator[_Result]:
        """Yields the function's result for each item, in order."""


def batches(items: Sequence[_Item]) -> list[Sequence[_Item]]:
    """Splits items into runs of at most `BATCH`."""
    return [items[start : start + BATCH] for start in range(0, len(items), BATCH)]


@contextmanager
def mapping(processes: int, models: int) -> Iterator[Map]:
    """Yields a `map` that uses up to that many other processes, or the built-in one if few models need work.

    The processes end with the block, and with this process, however it ends. Raises WorkerKilled.
    """
    forks = sys.platform == "linux" and threading.active_count() == 1  # forking with threads can deadlock
    if processes < 2 or models < (_WORTH_FORKING if forks else _WORTH_SPAWNING):
        yield map
        return
    pool = _pool(min(processes, -(-models // BATCH)), "fork" if forks else "spawn")
    if pool is None:
        yield map
        return
    from concurrent.futures import BrokenExecutor

    try:
        with _interrupts_blocked():
            pool.submit(bool)  # starts the workers, which import their modules while this process reads specs
        yield pool.map
    except BrokenExecutor as error:
        raise WorkerKilled from error
    finally:
        # Waiting ends within about a second: a batch is short, and a killed worker breaks the pool.
        pool.shutdown(cancel_futures=True)


def _pool(processes: int, method: str) -> "ProcessPoolExecutor | None":
    """Returns a pool, or None on a system without semaphores, such as a sandbox whose /dev/shm can't be written."""
    try:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        return ProcessPoolExecutor(processes, multiprocessing.get_context(method), initializer=_start_worker)
    except (ImportError, OSError):
        return None


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Blocks Ctrl-C in processes that start in this block, for good, and in this process until the block ends."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker() -> None:
    """Imports what all emitters need, and ends this worker as soon as its parent process has ended.

    A worker lives for seconds and leaves hardly any garbage in cycles, so it doesn't search for any.
    """
    gc.disable()
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
    importlib.import_module("segforge.emit.quoting")


def _end_after(parent: Any) -> None:
    parent.join()
    os._exit(1)
