"""What tests of several areas share: work that is done once for a whole run of pytest, and quick reading of YAML."""

import argparse
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

ResultT = TypeVar("ResultT")


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Returns a folder that `make(folder)` has filled. The other workers wait for it, and then read the same folder."""
    return once_in(common(factory), name, make)


def common(factory: pytest.TempPathFactory) -> Path:
    """Returns the folder that all workers of a run share."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def once_in(root: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Returns a folder of that name in `root`, like `once`."""
    folder, done = root / name, root / f"{name}.done"
    with (root / f"{name}.lock").open("w") as lock:
        if "PYTEST_XDIST_WORKER" in os.environ:
            import fcntl  # Windows has none

            fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def read_yaml(text: str) -> Any:
    """Reads YAML as yaml.safe_load does, with the parser in C, which is ten times as fast."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


@contextmanager
def started(command: Sequence[str | Path], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Starts a process that writes text, and stops it after the block.

    After a failure in the block, `subprocess.Popen` alone would wait for a server forever, and so would the whole run.
    """
    with subprocess.Popen(command, text=True, **options) as process:
        try:
            yield process
        finally:
            process.terminate()


def run_proof(
    description: str | None, prove: Callable[[int, int], list[ResultT]], summary: Callable[[list[ResultT]], str]
) -> None:
    """Proves as many trials as the command line says, 200 by default, and prints their summary and their time.

    `prove` receives their number, and the number of the first one, from which each is drawn.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("trials", type=int, nargs="?", default=200)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    started = time.perf_counter()
    print(summary(prove(arguments.trials, arguments.first)))
    print(f"{time.perf_counter() - started:.0f} s, CPU {sum(os.times()[:4]):.0f} s")
