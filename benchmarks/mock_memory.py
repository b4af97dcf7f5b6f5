"""Memory of the mock over a million requests: `python benchmarks/mock_memory.py`. On loopback; ends after COUNT."""

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import httpx
from rich.progress import Progress

from segforge.spec.load import default_specs, load_catalog

KEY: Final = "SG_0123456789abcdef"
PATHS: Final = ("/v2/style-transfer", "/v1/style-transfer")


def memory(pid: int) -> int:
    """Resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(re.findall(r"VmRSS:\s+([0-9]+) kB", status)[0]) // 1024


def requests_so_far(url: str) -> int:
    """How many requests the mock has answered, by its own metrics."""
    counts = re.findall(
        r"^segforge_mock_requests_total\{.*\} ([0-9]+)$", httpx.get(f"{url}/metrics").text, re.MULTILINE
    )
    return sum(map(int, counts))


def main() -> int:
    """Submit jobs and run models until COUNT requests are answered; print the memory along the way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    args = parser.parse_args()
    if shutil.which("wrk") is None:
        print("benchmarks/mock_memory.py: needs wrk (Debian: apt-get install wrk)", file=sys.stderr)
        return 2
    body = json.dumps(load_catalog(default_specs()).model("style-transfer").valid_example)
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", "--time-scale", "0", "--pictures", "tiny"]
    seen: list[tuple[int, int]] = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(process.terminate)
        progress = stack.enter_context(Progress())
        url = process.stdout.readline().split()[-1] if process.stdout else ""
        httpx.put(f"{url}/_mock/credits", json={"credits": 1e9}, headers={"x-api-key": KEY}).raise_for_status()
        script = folder / "load.lua"
        headers = f'wrk.headers["x-api-key"] = "{KEY}"\nwrk.headers["Content-Type"] = "application/json"\n'
        script.write_text(f'wrk.method = "POST"\n{headers}wrk.body = {json.dumps(body)}\n', "utf-8")
        task = progress.add_task("requests", total=args.count)
        while (count := requests_so_far(url)) < args.count:
            seen.append((count, memory(process.pid)))
            progress.update(task, completed=count)
            for path in PATHS:
                subprocess.run(["wrk", "-t1", "-c16", "-d2", "-s", script, url + path], check=True, capture_output=True)
        seen.append((count, memory(process.pid)))
    for count, megabytes in seen[:: max(1, len(seen) // 12)] + seen[-1:]:
        print(f"{count:>10,} requests  {megabytes} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
