"""Measures the start-up of the mock: the process with 5 and with 500 models, the pytest fixture, and a tenant's reset.

Run `python benchmarks/mock_start.py`. Each figure is the median of its rounds. The first start with a folder of specs
compiles them, which takes longer and is shown separately.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.synthetic_specs import write_specs
from segforge_mock import Mock
from tests.seeds import seed_catalog

MODELS: Final = 500
RESETS: Final = 200


def process_ready(options: list[str], cache: Path) -> float:
    """Measures the milliseconds from the start of the process to its first answer."""
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", *options]
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"XDG_CACHE_HOME": str(cache)}
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            url = line.removeprefix("segforge mock: ").strip()
            httpx.get(f"{url}/readyz").raise_for_status()
            return (time.perf_counter() - start) * 1_000
        finally:
            process.terminate()


def fixture() -> tuple[float, float]:
    """Measures the milliseconds to start and to stop a mock in this process."""
    start = time.perf_counter()
    mock = Mock(time_scale=0)
    with mock:
        ready = time.perf_counter()
        httpx.get(f"{mock.url}/readyz").raise_for_status()
        leaving = time.perf_counter()
    return (ready - start) * 1_000, (time.perf_counter() - leaving) * 1_000


def reset() -> float:
    """Measures the milliseconds of a reset of a tenant with 20 jobs, through the admin API on one connection."""
    payload = seed_catalog().model("style-transfer").valid_example
    times = []
    with Mock(time_scale=0) as mock, httpx.Client(base_url=mock.url, headers={"x-api-key": mock.key}) as client:
        for _ in range(RESETS):
            for _ in range(20):
                client.post("/v2/style-transfer", json=payload).raise_for_status()
            start = time.perf_counter()
            client.post("/_mock/reset").raise_for_status()
            times.append(time.perf_counter() - start)
    return statistics.median(times) * 1_000


def measure(rounds: int) -> dict[str, float]:
    """Returns all figures in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        specs, cache = Path(folder) / "specs", Path(folder) / "cache"
        write_specs(specs, MODELS)
        many = ["--specs", str(specs)]
        found = {f"process, {MODELS} models, first start": process_ready(many, cache)}
        process_ready([], cache)
        five, hundreds = [], []
        for _ in range(rounds):
            five.append(process_ready([], cache))
            hundreds.append(process_ready(many, cache))
        found |= {"process, 5 models": statistics.median(five)}
        found |= {f"process, {MODELS} models": statistics.median(hundreds)}
    fixture()
    ready, gone = zip(*(fixture() for _ in range(rounds)), strict=True)
    return found | {
        "fixture ready": statistics.median(ready),
        "fixture gone": statistics.median(gone),
        "reset of a tenant": reset(),
    }


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    found = measure(args.rounds)
    table = Table("", "ms")
    for name, figure in found.items():
        table.add_row(name, f"{figure:,.2f}")
    Console().print(table)
    if args.json is not None:
        args.json.write_text(json.dumps(found, indent=2), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
