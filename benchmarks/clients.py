"""Compares the Python client with raw httpx, the official SDK and openai: calls, memory, jobs and imports.

Each measurement takes turns with its reference, and the best turns are kept, so that load on the machine affects both.
Run from the checkout: `make bench-clients`, or `python -m benchmarks.clients [--quick]`.
"""

import argparse
import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import segmind as official_sdk
from rich.console import Console
from rich.table import Table

import segmind_client
from benchmarks.synthetic_specs import write_specs
from segforge import load_catalog
from segforge.emit.artifact import Generated
from segforge.emit.manifest import write
from segforge.emit.pipeline import emit
from tests.seeds import seed_catalog

KEY: Final = "SG_0123456789abcdef"
ROOT: Final = Path(__file__).parents[1]
SLUG: Final = "flux-img2img"
DOCUMENT_SLUG: Final = "flux-dev-finetuned"
CATALOG: Final = seed_catalog()
PARAMS: Final[Any] = CATALOG.model(SLUG).valid_example

MOST_OVERHEAD: Final = 1.15
"""The largest ratio of a call and of memory to raw httpx, and of a job to its own duration."""

MOST_IMPORT: Final = 1.25
"""The largest ratio of `import segmind_client` to `import httpx`."""

SYNTHETIC_MODELS: Final = 500

# Answers every POST with the same bytes and does nothing else, so that the figures show the client alone.
SERVER: Final = """
import asyncio, sys
kind, size = sys.argv[1], int(sys.argv[2])
body = b"\\xff\\xd8\\xff" + bytes(size - 3) if kind == "image/jpeg" else b'{"text": "%s"}' % (b"a" * (size - 12))
head = ("HTTP/1.1 200 OK", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "x-request-id: r1", "x-cost: 0.05")
answer = "\\r\\n".join([*head, "", ""]).encode() + body

class Answers(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.got = transport, b""
    def data_received(self, data):
        self.got += data
        head, end, rest = self.got.partition(b"\\r\\n\\r\\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\\r\\n")[0] or 0)
        if end and len(rest) >= length:
            self.got = b""
            self.transport.write(answer)

async def main():
    server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""

# Makes calls and prints the peak memory of its process, in KiB.
MEMORY: Final = """
import json, resource, sys
kind, url, key, params, calls = *sys.argv[1:4], json.loads(sys.argv[4]), int(sys.argv[5])
kept = []
if kind == "ours":
    from segmind_client import Segmind
    client = Segmind(key, url)
    for _ in range(calls):
        kept = [*kept[-7:], client.flux_img2img.run(**params)]
else:
    import httpx
    client = httpx.Client(timeout=120)
    for _ in range(calls):
        answer = client.post(f"{url}/v1/flux-img2img", json=params, headers={"x-api-key": key})
        answer.raise_for_status()
        kept = [*kept[-7:], answer.content]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class Row(NamedTuple):
    """A figure and its reference. `limit` is the highest ratio allowed, None if there is none."""

    what: str
    ours: float
    yardstick: float
    unit: str
    limit: float | None = None

    @property
    def ratio(self) -> float:
        """The ratio of the figure to its reference."""
        return self.ours / self.yardstick

    @property
    def kept(self) -> bool:
        """Whether the ratio is within its limit, if there is one."""
        return self.limit is None or self.ratio <= self.limit


@contextmanager
def server(*command: str) -> Iterator[str]:
    """Starts a server in a process of its own, which prints its port or address. Yields its URL."""
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"http://\S+|^\d+$", line.strip())
            if found is None:
                raise RuntimeError(f"no server: {line!r}")
            yield found[0] if found[0].startswith("http") else f"http://127.0.0.1:{found[0]}"
        finally:
            process.terminate()


def best(rounds: int, *works: Callable[[], tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns the least wall time and CPU time of each piece of work over `rounds`, after one to warm up."""
    found: list[list[tuple[float, float]]] = [[] for _ in works]
    for round_ in range(rounds + 1):
        for index, work in enumerate(works):
            measured = work()
            if round_:
                found[index].append(measured)
    return [(min(wall for wall, _ in turns), min(cpu for _, cpu in turns)) for turns in found]


def calls(count: int) -> Iterator[Row]:
    """Measures calls on an open connection: with our client, and hand-written with httpx."""
    yield from calls_of("image of 64 kB", SLUG, "image/jpeg", 65_536, count)
    yield from calls_of("document of 1 kB", DOCUMENT_SLUG, "application/json", 1024, count)
    yield asyncio.run(async_calls(count))


def calls_of(name: str, slug: str, kind: str, size: int, count: int) -> Iterator[Row]:
    """Measures calls of one model in turns, in microseconds, with answers of this media type and size."""
    params = dict(CATALOG.model(slug).valid_example)
    mine: list[tuple[float, float]] = []
    other: list[tuple[float, float]] = []
    with (
        server("-c", SERVER, kind, str(size)) as url,
        httpx.Client(timeout=120) as raw,
        segmind_client.Segmind(KEY, url) as ours,
    ):
        run = getattr(ours, slug.replace("-", "_")).run
        works = (
            (mine, lambda: run(**params).content),
            (other, lambda: by_hand(raw.post(f"{url}/v1/{slug}", json=params, headers={"x-api-key": KEY}))),
        )
        for turn in range(count):
            for times, call in works[:: 1 if turn % 2 else -1]:  # garbage of one call slows the next one
                times.append(took(call))
    for index, (what, limit) in enumerate((("", MOST_OVERHEAD), (", CPU of the caller", None))):
        ours_, raw_ = (quick(each[index] for each in turns) * 1e6 for turns in (mine, other))
        yield Row(f"call, {name}{what}", ours_, raw_, "µs", limit)


async def async_calls(count: int) -> Row:
    """Measures calls on an event loop, with an image as the answer."""
    headers = {"x-api-key": KEY}
    mine, other = [], []
    with server("-c", SERVER, "image/jpeg", "65536") as url:
        async with httpx.AsyncClient(timeout=120) as raw, segmind_client.AsyncSegmind(KEY, url) as ours:
            for _ in range(count):
                start = time.perf_counter()
                _ = (await ours.flux_img2img.run(**PARAMS)).content
                middle = time.perf_counter()
                by_hand(await raw.post(f"{url}/v1/{SLUG}", json=PARAMS, headers=headers))
                mine.append(middle - start)
                other.append(time.perf_counter() - middle)
    return Row("call on an event loop, image", quick(mine) * 1e6, quick(other) * 1e6, "µs", MOST_OVERHEAD)


def by_hand(answer: httpx.Response) -> object:
    """Handles an answer as hand-written code would."""
    answer.raise_for_status()
    return answer.json() if answer.headers["content-type"] == "application/json" else answer.content


def took(call: Callable[[], object]) -> tuple[float, float]:
    """Returns the wall and the CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def quick(seconds: Iterable[float]) -> float:
    """Returns the fastest decile, whose calls were not disturbed by other load on the machine."""
    return statistics.quantiles(seconds, n=10)[0]


def memory(rounds: int, batch: int) -> Row:
    """Measures the peak memory of a process that makes many calls and keeps the last eight results, in MiB."""
    with server("-c", SERVER, "image/jpeg", str(1 << 20)) as url:

        def peak(kind: str) -> Callable[[], tuple[float, float]]:
            def work() -> tuple[float, float]:
                made = fresh(MEMORY, kind, url, KEY, json.dumps(PARAMS), str(batch)).stdout
                return int(made) / 1024, 0.0

            return work

        (ours, _), (raw, _) = best(rounds, peak("ours"), peak("raw"))
    return Row("memory, images of 1 MiB, eight kept", ours, raw, "MiB", MOST_OVERHEAD)


def jobs(durations: Mapping[float, int]) -> Iterator[Row]:
    """Measures the seconds from the submit of a job to its result. `durations`: the number of turns by job duration."""
    command = ("-m", "segforge.cli", "mock", "--port", "0", "--media", "tiny", "--job-policy")
    for duration, rounds in durations.items():
        with server(*command, f"seconds={duration}") as url, segmind_client.Segmind(KEY, url) as ours:
            theirs = official_sdk.SegmindClient(api_key=KEY, base_url=f"{url}/v1")
            (mine, _), (other, _) = best(rounds, job_of(ours.submit_async), job_of(theirs.submit_async))
        limit = MOST_OVERHEAD if duration >= 1 else None
        yield Row(f"job of {duration:g} s, to its own time", mine, duration, "s", limit)
        yield Row(f"job of {duration:g} s, to the official SDK", mine, other, "s")


def job_of(submit: Callable[..., Any]) -> Callable[[], tuple[float, float]]:
    """Returns work that submits a job and waits for it with default options."""
    return lambda: took(lambda: submit(SLUG, **PARAMS).wait())


def imports(rounds: int) -> Iterator[Row]:
    """Measures the CPU milliseconds of fresh interpreters, less an idle one. One client has synthetic models."""
    with tempfile.TemporaryDirectory(prefix="segforge-") as folder:
        specs, out = Path(folder) / "specs", Path(folder) / "generated"
        write_specs(specs, SYNTHETIC_MODELS)
        catalog = load_catalog(specs)
        write(out, Generated(list(emit(catalog, ["python"]))), ["python"])
        attribute = next(model.slug for model in catalog.models if "v1" in model.versions).replace("-", "_")
        few, many = str(ROOT / "generated" / "python"), str(out / "python")
        package, client = "import segmind_client", "from segmind_client import Segmind"
        use = f"{client}; Segmind('{KEY}').{{}}.run"
        cases = {
            "idle": ("pass", few),
            "httpx": ("import httpx", few),
            "httpx.Client": ("import httpx; httpx.Client()", few),
            package: (package, few),
            client: (client, few),
            "a call's function of a client": (use.format("flux_img2img"), few),
            f"{package}, {SYNTHETIC_MODELS} models": (package, many),
            f"{client}, {SYNTHETIC_MODELS} models": (client, many),
            f"a call's function of a client of {SYNTHETIC_MODELS}": (use.format(attribute), many),
            "import segmind (official SDK)": ("import segmind", few),
            "import openai": ("import openai", few),
        }
        works = [imported(code, path) for code, path in cases.values()]
        taken = dict(zip(cases, (cpu * 1000 for _, cpu in best(rounds, *works)), strict=True))
    idle = taken.pop("idle")
    httpx_, httpx_client = taken.pop("httpx") - idle, taken.pop("httpx.Client") - idle
    for name, cpu in taken.items():
        makes_client, is_ours = name.startswith("a call"), "segmind_client" in name or name.startswith("a call")
        against = "httpx.Client()" if makes_client else "import httpx"
        unit = httpx_client if makes_client else httpx_
        yield Row(f"{name}, to {against}", cpu - idle, unit, "ms", MOST_IMPORT if is_ours else None)


def imported(code: str, path: str) -> Callable[[], tuple[float, float]]:
    """Returns work that runs code in a fresh interpreter, with a folder first on its path."""

    def work() -> tuple[float, float]:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        fresh(code, path=path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return time.perf_counter() - start, cpu

    return work


def fresh(code: str, *arguments: str, path: str = "") -> "subprocess.CompletedProcess[str]":
    """Runs code in a fresh interpreter. Raises RuntimeError if it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{code}: exit code {done.returncode}\n{done.stderr}")
    return done


def main() -> int:
    """Measures and prints. Returns 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="run a quarter of the turns")
    parser.add_argument(
        "--only", nargs="+", choices=("calls", "memory", "jobs", "imports"), help="measure only these (default: all)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    args = parser.parse_args()
    turns = 5 if args.quick else 20
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        "calls": lambda: calls(turns * 75),
        "memory": lambda: iter([memory(max(2, turns // 5), 100)]),
        "jobs": lambda: jobs(
            {0.2: turns // 4, 1.0: max(2, turns // 6), 1.5: max(1, turns // 8), 5.0: max(1, turns // 10)}
        ),
        "imports": lambda: imports(turns),
    }
    rows = [row for name in args.only or parts for row in parts[name]()]
    table = Table("what", "ours", "yardstick", "", "ratio", "limit")
    for row in rows:
        limit = "" if row.limit is None else f"{row.limit:.2f}{'' if row.kept else ' exceeded'}"
        table.add_row(row.what, f"{row.ours:.4g}", f"{row.yardstick:.4g}", row.unit, f"{row.ratio:.3f}", limit)
    Console(highlight=False, width=None if sys.stdout.isatty() else 120).print(table)
    if args.json:
        args.json.write_text(json.dumps([{**row._asdict(), "ratio": row.ratio} for row in rows], indent=2) + "\n")
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
