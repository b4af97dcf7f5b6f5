"""`segforge mock` with several workers, and many callers at once."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.mock.conftest import KEY
from tests.seeds import seed_catalog

SLUG = "style-transfer"
PAYLOAD = json.dumps(dict(seed_catalog().model(SLUG).valid_example)).encode()
AT_ONCE = 250


@dataclass
class Served:
    """A server in a process group of its own."""

    process: subprocess.Popen[str]
    url: str
    workers: list[int]

    def kill_all(self) -> None:
        """Kills all processes of the group, as an out-of-memory killer would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=10)


@contextmanager
def serving(store: str, workers: int = 2, *options: str) -> Iterator[Served]:
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", "--time-scale", "0.001", "--store", store]
    command += ["--workers", str(workers), *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            url = process.stdout.readline().split()[-1]
            pids = process.stdout.readline().split()[3:] if workers > 1 else []
            yield Served(process, url, [int(pid) for pid in pids])
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


class Caller:
    """A caller with its own connection, which it reopens after an error. It is cheaper than an HTTP client."""

    def __init__(self, url: str) -> None:
        self._host, self._port = url.removeprefix("http://").split(":")
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, method: str, path: str, body: bytes = b"") -> Any:
        """Returns the JSON of a 200, or None if no answer arrived."""
        head = f"{method} {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\n"
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port)
            reader, writer = self._streams
            writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(answer.partition(b"content-length: ")[2].split(b"\r\n")[0])
            content = await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            await self.close()
            return None
        assert answer.startswith(b"http/1.1 200 "), (answer, content)
        return json.loads(content)

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            with suppress(OSError):
                await self._streams[1].wait_closed()
            self._streams = None


Task: TypeAlias = Callable[[Caller], Awaitable[None]]


async def every(url: str, tasks: Iterable[Task]) -> None:
    """Runs all tasks, AT_ONCE of them at a time."""
    waiting = iter(tasks)

    async def work() -> None:
        caller = Caller(url)
        for task in waiting:
            await task(caller)
        await caller.close()

    await asyncio.gather(*[work() for _ in range(AT_ONCE)])


async def submit_until(
    url: str, wanted: int, after: Callable[[int], None], stop: Callable[[], bool] = lambda: False
) -> tuple[list[str], int]:
    """Submits until so many are accepted, and repeats requests without an answer. Returns the ids and the repetitions.

    `after` receives the number accepted so far, after each. `stop` returns whether to stop.
    """
    ids: list[str] = []
    lost = 0

    async def submit(caller: Caller) -> None:
        nonlocal lost
        while not stop():
            answer = await caller.call("POST", f"/v2/{SLUG}", PAYLOAD)
            if answer is None:
                lost += 1
                continue
            ids.append(answer["request_id"])
            after(len(ids))
            return

    await every(url, [submit] * wanted)
    return ids, lost


async def ends_of(url: str, ids: list[str]) -> Counter[str]:
    """Polls jobs until they end. Returns how many ended in each state."""
    ends: Counter[str] = Counter()

    def poll(request_id: str) -> Task:
        async def until_done(caller: Caller) -> None:
            while True:
                answer = await caller.call("GET", f"/v2/requests/{request_id}/status")
                if answer is not None and answer["status"] not in ("QUEUED", "PROCESSING"):
                    ends[answer["status"]] += 1
                    return
                await asyncio.sleep(0.05)

        return until_done

    await every(url, map(poll, ids))
    return ends
