"""Measures the memory of the mock on loopback: `python benchmarks/mock_memory.py`.

First it checks the limit: with jobs with 4 MiB bodies, history entries with 60 kB of headers, and many tenants, the
peak of the process must stay below the limit plus 100 MB. Otherwise the exit code is 1. This takes some minutes. With
--count, it then shows the memory over that many ordinary requests, which needs wrk.
"""

import argparse
import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from rich.progress import Progress, track

from tests.seeds import seed_catalog

MIB: Final = 2**20
ALLOWANCE: Final = 100_000_000
"""The bytes that the process may use beyond its limit, for the program itself and its working memory."""
BODY_BYTES: Final = 4 * MIB
HEADER_BYTES: Final = 60_000
KEY: Final = "SG_0123456789abcdef"
PATHS: Final = ("/v2/style-transfer", "/v1/style-transfer")


@dataclass(frozen=True)
class Served:
    """A mock process: its URL and process id."""

    url: str
    pid: int


@contextlib.contextmanager
def served(limit: int, *options: str) -> Iterator[Served]:
    """Starts a mock with a limit in MiB."""
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", "--time-scale", "0", "--media", "tiny"]
    with subprocess.Popen([*command, f"--max-memory={limit}", *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Served(process.stdout.readline().split()[-1] if process.stdout else "", process.pid)
        finally:
            process.terminate()


def resident(pid: int, *, peak: bool = False) -> int:
    """Returns the resident memory of a process in bytes, now or at its peak."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    name = "VmHWM" if peak else "VmRSS"
    return int(re.findall(rf"{name}:\s+([0-9]+) kB", status)[0]) * 1024


def metrics(text: str) -> dict[tuple[str, str], int]:
    """Returns the memory figures in the body of /metrics, by name and kind ("" without one)."""
    found = re.findall(r'^segforge_mock_(memory_\w+)(?:\{kind="(\w+)"\})? ([0-9]+)$', text, re.MULTILINE)
    return {(name, kind): int(figure) for name, kind, figure in found}


class Load:
    """Fills a mock with jobs, history and tenants over one connection."""

    def __init__(self, mock: Served) -> None:
        parts = httpx.URL(mock.url)
        self._connection = socket.create_connection((parts.host, parts.port or 80))
        self._answers = self._connection.makefile("rb")
        self._payload = seed_catalog().model("style-transfer").valid_example

    def jobs(self, count: int, *, show: bool = False) -> None:
        """Submits jobs with bodies of BODY_BYTES."""
        body = json.dumps({**self._payload, "style_image": "data:image/png;base64," + "A" * BODY_BYTES}).encode()
        for _ in _shown(count, "jobs with 4 MiB bodies", show):
            self._ask("POST", "/v2/style-transfer", KEY, body)

    def journal(self, count: int, *, show: bool = False) -> None:
        """Sends requests with HEADER_BYTES of headers by many tenants, each with its own history."""
        long = "x-long: " + "y" * HEADER_BYTES
        for number in _shown(count, "history entries with 60 kB of headers", show):
            self._ask("GET", "/v2/requests/none", f"SG_{number % 500:016x}", b"", long)

    def tenants(self, count: int, *, show: bool = False) -> None:
        """Runs a model once with each of many keys."""
        body = json.dumps(self._payload).encode()
        for number in _shown(count, "tenants with a balance", show):
            self._ask("POST", "/v1/style-transfer", f"SG_{number:016x}", body)

    def _ask(self, method: str, path: str, key: str, body: bytes, *headers: str) -> None:
        lines = [f"{method} {path} HTTP/1.1", "host: mock", f"x-api-key: {key}", *headers]
        lines += ["content-type: application/json", f"content-length: {len(body)}", "", ""]
        self._connection.sendall("\r\n".join(lines).encode() + body)
        length = 0
        while (line := self._answers.readline()) != b"\r\n":
            if not line:
                raise ConnectionError("the mock hung up")
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        self._answers.read(length)

    def close(self) -> None:
        """Closes the connection."""
        self._answers.close()
        self._connection.close()


def _shown(count: int, what: str, show: bool) -> Iterable[int]:
    return track(range(count), what) if show else range(count)


def bounds(limit: int, jobs: int, journal: int, tenants: int) -> bool:
    """Fills a mock with each kind in turn and prints its memory. Returns whether it stayed within its limit."""
    with served(limit) as mock, contextlib.closing(Load(mock)) as load:
        print(f"limit {limit} MiB; at the start {resident(mock.pid) / 1e6:.0f} MB")
        for name, fill, count in (
            ("jobs", load.jobs, jobs),
            ("journal", load.journal, journal),
            ("tenants", load.tenants, tenants),
        ):
            fill(count, show=True)
            figures = metrics(httpx.get(f"{mock.url}/metrics").text)
            used = sum(figure for (kind, _), figure in figures.items() if kind == "memory_used_bytes")
            print(
                f"{count:>9,} {name:<8} {used / MIB:4.0f} MiB by its own count, "
                f"resident {resident(mock.pid) / 1e6:.0f} MB, at the peak {resident(mock.pid, peak=True) / 1e6:.0f} MB"
            )
        return resident(mock.pid, peak=True) < limit * MIB + ALLOWANCE


def requests_so_far(url: str) -> int:
    """Returns the number of requests answered, by the mock's own metrics."""
    counts = re.findall(
        r"^segforge_mock_requests_total\{.*\} ([0-9]+)$", httpx.get(f"{url}/metrics").text, re.MULTILINE
    )
    return sum(map(int, counts))


def ordinary(count: int) -> None:
    """Submits jobs and runs models until `count` requests are answered, and prints the memory meanwhile."""
    body = json.dumps(seed_catalog().model("style-transfer").valid_example)
    seen: list[tuple[int, int]] = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        mock = stack.enter_context(served(512))
        progress = stack.enter_context(Progress())
        httpx.put(f"{mock.url}/_mock/credits", json={"credits": 1e9}, headers={"x-api-key": KEY}).raise_for_status()
        script = folder / "load.lua"
        headers = f'wrk.headers["x-api-key"] = "{KEY}"\nwrk.headers["Content-Type"] = "application/json"\n'
        script.write_text(f'wrk.method = "POST"\n{headers}wrk.body = {json.dumps(body)}\n', "utf-8")
        task = progress.add_task("requests", total=count)
        while (done := requests_so_far(mock.url)) < count:
            seen.append((done, resident(mock.pid)))
            progress.update(task, completed=done)
            for path in PATHS:
                command = ["wrk", "-t1", "-c16", "-d2", "-s", str(script), mock.url + path]
                subprocess.run(command, check=True, capture_output=True)
        seen.append((done, resident(mock.pid)))
    for done, needed in seen[:: max(1, len(seen) // 12)] + seen[-1:]:
        print(f"{done:>10,} requests  {needed / 1e6:.0f} MB")


def main() -> int:
    """Measures. Returns 1 if the mock exceeded its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=0, help="also send this many ordinary requests (default: none)")
    parser.add_argument("--max-memory", type=int, default=512, metavar="MIB", help="the mock's limit (%(default)s)")
    parser.add_argument("--jobs", type=int, default=1_000)
    parser.add_argument("--journal", type=int, default=100_000)
    parser.add_argument("--tenants", type=int, default=1_000_000)
    args = parser.parse_args()
    if args.count and shutil.which("wrk") is None:
        print("benchmarks/mock_memory.py: --count needs wrk (Debian: apt-get install wrk)", file=sys.stderr)
        return 2
    kept = bounds(args.max_memory, args.jobs, args.journal, args.tenants)
    print(f"{'within' if kept else 'OVER'} the limit and {ALLOWANCE / 1e6:.0f} MB")
    if args.count:
        ordinary(args.count)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
