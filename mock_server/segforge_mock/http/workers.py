"""Several processes that serve one socket, and the process that supervises them.

The socket and the models exist before the fork, so that all workers share them. The socket's queue outlives a worker,
and the next worker answers the requests in it.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess  # Windows has none

Serve: TypeAlias = Callable[[Callable[[], None]], None]
"""Serves until it is stopped. Calls its argument once it accepts connections."""

STOP_SIGNALS: Final = frozenset({signal.SIGINT, signal.SIGTERM})
STOP_SECONDS: Final = 5.0
YOUNG_SECONDS: Final = 1.0


def supervise(serve: Serve, workers: int, announce: Callable[[list[int]], None]) -> int:
    """Keeps a number of workers running until SIGINT or SIGTERM. Returns the exit code, 1 if a worker can't start.

    Calls `announce` with the workers' process ids once all of them accept connections.
    """
    # Blocked, because a signal between the fork and the worker's own handlers would be lost.
    awaited = STOP_SIGNALS | {signal.SIGCHLD}
    signal.signal(signal.SIGCHLD, lambda *_: None)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    crew = _Crew(serve)
    try:
        if not crew.start(workers):
            return 1
        announce(crew.pids)
        while signal.sigwait(awaited) not in STOP_SIGNALS:
            crew.replace_the_dead()
        return 0
    finally:
        crew.stop()
        # A second Ctrl-C must not end in a traceback.
        while signal.sigpending() & STOP_SIGNALS:
            signal.sigwait(STOP_SIGNALS)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def on_stop(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Calls `stop` on SIGINT and SIGTERM, and in a worker also if its supervisor ends."""
    for number in STOP_SIGNALS:
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # on Windows, where a handler runs between two steps of the loop
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        lifeline = supervisor.sentinel

        def orphaned() -> None:
            loop.remove_reader(lifeline)
            stop()

        loop.add_reader(lifeline, orphaned)


def on_eof(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Calls `stop` when standard input ends: the program at its other end closed it, or ended in any way."""

    def read() -> None:
        with contextlib.suppress(OSError):  # there is no standard input
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop ended before
            loop.call_soon_threadsafe(stop)

    # A thread, because Windows can't wait for a pipe in another way.
    threading.Thread(target=read, name="segforge-mock-stdin", daemon=True).start()


class _Crew:
    """The workers of one supervisor."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._fork = multiprocessing.get_context("fork")
        self._workers: dict[ForkProcess, float] = {}

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self._workers if worker.pid is not None]

    def start(self, workers: int) -> bool:
        """Starts a number of workers and waits until they serve. Returns False if one ends before."""
        reader, writer = self._fork.Pipe(duplex=False)
        with reader, writer:
            for _ in range(workers):
                self._add(lambda: writer.send_bytes(b"."))
            serving = 0
            while serving < workers:
                if reader not in wait([reader, *(worker.sentinel for worker in self._workers)]):
                    return False
                reader.recv_bytes()
                serving += 1
        return True

    def _add(self, ready: Callable[[], None]) -> "ForkProcess":
        worker = self._fork.Process(target=self._serve, args=(ready,))
        worker.start()
        self._workers[worker] = time.monotonic()
        return worker

    def replace_the_dead(self) -> None:
        """Replaces dead workers. Waits before replacing one that died young, because its successor might, too."""
        for worker, since in [(worker, since) for worker, since in self._workers.items() if not worker.is_alive()]:
            del self._workers[worker]
            if time.monotonic() - since < YOUNG_SECONDS:
                time.sleep(YOUNG_SECONDS)
            successor = self._add(lambda: None)
            ended = f"worker {worker.pid} died (exit code {worker.exitcode})"
            print(f"segforge mock: {ended}, {successor.pid} replaces it", file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Asks all workers to stop, and kills those that don't."""
        for worker in self._workers:
            worker.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
            if worker.is_alive():
                worker.kill()
                worker.join()
