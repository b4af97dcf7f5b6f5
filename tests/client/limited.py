"""Processes that share a key and a limiter, on a mock that enforces the limit. None may see 429, and the limit is used.

`make limiter-proof` runs eight processes with 60 requests a minute for ten minutes.
"""

import argparse
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from segforge_mock import Mock

PROGRAM: Final = """
import sys, time
from segmind_client import FileLimiter, RedisLimiter, Segmind, SegmindError

key, url, place, limit, window = sys.argv[1:]
kind = RedisLimiter if "://" in place else FileLimiter
limiter = kind(place, int(limit), window=float(window))
with Segmind(key, url, timeout=1000, retries=0, limiter=limiter) as client:
    print("ready", flush=True)
    end = float(sys.stdin.readline())
    while (left := end - time.time()) > 0:
        try:
            client.with_options(timeout=max(0.01, left)).credits()
        except SegmindError as error:
            print(type(error).__name__, flush=True)
"""


@dataclass(frozen=True)
class Used:
    """The answers to all processes.

    Attributes:
        statuses: how often the gateway answered with each status.
        allowed: the requests that the limit allows in this time.
    """

    statuses: Counter[int]
    allowed: float

    @property
    def share(self) -> float:
        """The part of the allowed requests that was used."""
        return self.statuses[200] / self.allowed


def use(place: str, *, processes: int, limit: int, windows: int, speed: float = 1) -> Used:
    """Runs processes for a number of windows, in which they send as many requests as the limiter allows.

    With `speed`, the minutes of the mock's clock are that many times shorter, and they begin with the processes: their
    margin is too short for a busy machine. Without it, the mock counts by the minutes of the real clock.
    """
    window = 60 / speed
    begin: float | None = None

    def now() -> float:
        since = 0.0 if begin is None else time.time() - begin
        return time.time() if speed == 1 else 60e6 + since * speed

    with Mock(now=now, rate_limit=limit, time_scale=0) as mock:
        given = [mock.key, mock.url, place, str(limit), str(window)]
        running = [_started(given) for _ in range(processes)]
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        begin = time.time()
        end = begin + windows * window
        for process in running:
            assert process.stdin is not None
            process.stdin.write(f"{end}\n")
            process.stdin.flush()
        for process in running:
            process.communicate(timeout=windows * window + 60)
        statuses = Counter(request.status for request in mock.requests)
    return Used(statuses, windows * limit)


def _started(command: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", type=int, nargs="?", default=10)
    parser.add_argument("--redis", help="the address of a Redis, instead of a file")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        used = use(arguments.redis or str(Path(folder) / "limit"), processes=8, limit=60, windows=arguments.minutes)
    print(
        f"8 processes, 60 requests a minute, {arguments.minutes} minutes: {dict(used.statuses)}; {used.share:.1%} used"
    )
    sys.exit(0 if set(used.statuses) == {200} and used.share >= 0.95 else 1)
