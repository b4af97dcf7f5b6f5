"""Measures the submits and polls per second of the three stores, and their ratios to the memory store.

All run in one process on one event loop, as in a worker of the mock. `--at-once` sets the number of concurrent calls:
1 shows the cost of a call, larger numbers show a Redis server with several connections. Redis is started here if it
is installed.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from segforge_mock import Store
from segforge_mock.jobs.job import Job
from segforge_mock.stores import open_store

ROUNDS = 5
BODY = json.dumps({"prompt": "a lighthouse on a cliff in a storm, oil on canvas", "steps": 20, "seed": 42}).encode()


@contextmanager
def redis_server(folder: Path) -> Iterator[str | None]:
    """Starts a Redis server that writes nothing to disk. Yields its URL, or None if redis-server is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    socket = folder / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
    with subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL) as process:
        while not socket.exists():
            time.sleep(0.01)
        yield f"unix://{socket}"
        process.terminate()


async def rate(call: Callable[[str], Awaitable[object]], ids: list[str], at_once: int) -> float:
    """Measures the calls per second over all ids."""
    waiting = iter(ids)

    async def work() -> None:
        for request_id in waiting:
            await call(request_id)

    start = time.perf_counter()
    await asyncio.gather(*[work() for _ in range(at_once)])
    return len(ids) / (time.perf_counter() - start)


async def measure(store: Store, calls: int, at_once: int) -> dict[str, float]:
    """Runs one round: submits jobs, polls them like a status request, then counts them like one."""
    ids = [uuid.uuid4().hex for _ in range(calls)]

    async def submit(request_id: str) -> None:
        await store.submit(Job(request_id, "SG_0123456789abcdef", "slug", BODY, 0.0, 0.2, 2.0, 0.0, 0.0, 0.05))

    return {
        "submit": await rate(submit, ids, at_once),
        "poll": await rate(store.get, ids, at_once),
        "counted poll": await rate(store.count_poll, ids, at_once),
        "rate window": await rate(lambda _: store.hit("SG_0123456789abcdef", 1), ids, at_once),
    }


async def run(stores: dict[str, str | None], calls: int, at_once: int) -> dict[str, dict[str, float]]:
    """Returns the best of several rounds, which take turns, so that load on the machine affects all stores."""
    best: dict[str, dict[str, float]] = {name: {} for name in stores}
    opened = {name: open_store(url, 1e9) for name, url in stores.items()}
    for _ in range(ROUNDS):
        for name, store in opened.items():
            for what, found in (await measure(store, calls, at_once)).items():
                best[name][what] = max(found, best[name].get(what, 0.0))
    for store in opened.values():
        await store.close()
    return best


def main() -> None:
    """Measures, and prints a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000, help="calls per round (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=16, help="concurrent calls (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    import uvloop

    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as redis_url:
        stores: dict[str, str | None] = {"memory": None, "sqlite": f"sqlite:///{name}/jobs.db"}
        if redis_url is not None:
            stores["redis"] = redis_url
        else:
            print("redis-server is not installed; Redis is not measured", file=sys.stderr)
        best = uvloop.run(run(stores, arguments.calls, arguments.at_once))
    if arguments.json:
        print(json.dumps(best, indent=2))
        return
    for what, reference in best["memory"].items():
        for name, found in best.items():
            print(f"{what:14}{name:8}{found[what]:>12,.0f}/s{found[what] / reference:>9.3f} of memory")


if __name__ == "__main__":
    main()
