"""Compares the mock with Prism, Mockoon and a bare ASGI application in requests per second and p99: `make bench-mock`.

Servers run one at a time on core 0, and the load (wrk, one thread, 16 connections) on core 1. Each round measures all
servers, so that noise affects them equally, and each figure is the median of its rounds. All traffic stays on
loopback.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.seeds import copy_seeds, seed_catalog

ROOT: Final = Path(__file__).parents[1]
PEERS: Final = ROOT / "benchmarks" / "peers"
OPENAPI: Final = ROOT / "generated" / "openapi"
KEY: Final = "SG_0123456789abcdef"
CATALOG: Final = seed_catalog()
PAYLOAD: Final = CATALOG.model("style-transfer").valid_example
JSON: Final = CATALOG.model("flux-dev-finetuned").valid_example
CHAT: Final = """
slug: benchmark-chat
title: Benchmark
description: A chat model with the shape of its dialect.
source: {url: "https://example.com", reviewed: "2026-11-28"}
versions: [v1, v2]
returns: {media: json, shape: openai_chat}
parameters:
  messages: {type: array, items: {shape: openai_message}, required: true, description: The conversation.}
example: {messages: [{role: user, content: "Why is the sky blue?"}]}
"""
"""The spec of a chat model. The peers don't serve it."""
MESSAGES: Final = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why is the sky blue?"}]
LATENCY_UNITS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0}

BARE: Final = """
import sys, msgspec, uvicorn
decode = msgspec.json.Decoder().decode
BODY = b'{"status":"ok"}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"15")]
async def app(scope, receive, send):
    message = await receive()
    if message["body"]:
        decode(message["body"])
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", ws="none", lifespan="off", access_log=False,
            log_level="warning", server_header=False)
"""


OURS: Final = ("bare ASGI", "segforge")
"""The servers that are measured with every kind of request."""


@dataclass(frozen=True)
class Row:
    """One kind of request. The peers answer it only if it is `shared`."""

    name: str
    method: str
    path: str
    body: str
    shared: bool = True


@dataclass(frozen=True)
class Figure:
    """The figures of one run: requests per second, and the 99th percentile of the latency in milliseconds."""

    rate: float
    p99: float


def rows(request_id: str) -> list[Row]:
    """Returns the kinds of requests. The status request polls an existing job of our mock."""
    invalid = {**PAYLOAD, "number_of_images": 11}
    return [
        Row("v1 JSON", "POST", "/v1/flux-dev-finetuned", json.dumps(JSON)),
        Row("v1 tiny image", "POST", "/v1/style-transfer", json.dumps(PAYLOAD)),
        Row("v2 submit", "POST", "/v2/style-transfer", json.dumps(PAYLOAD)),
        Row("v2 status", "GET", f"/v2/requests/{request_id}/status", ""),
        Row("invalid body", "POST", "/v2/style-transfer", json.dumps(invalid)),
        Row("v1 chat", "POST", "/v1/benchmark-chat", json.dumps({"messages": MESSAGES}), shared=False),
    ]


def commands(folder: Path) -> dict[str, list[str]]:
    """Returns the command of each server. {port} is filled in later."""
    bare, mockoon = folder / "bare.py", folder / "mockoon.json"
    bare.write_text(BARE, "utf-8")
    specs = copy_seeds(folder / "specs")
    (specs / "models" / "benchmark-chat.yaml").write_text(CHAT, "utf-8")
    ours = [sys.executable, "-m", "segforge.cli", "mock", "--time-scale", "0", "--media", "tiny", "--specs", str(specs)]
    found = {"bare ASGI": [sys.executable, str(bare), "{port}"], "segforge": [*ours, "--port", "{port}"]}
    bin_ = PEERS / "node_modules" / ".bin"
    if bin_.is_dir():
        source = str(OPENAPI / "segmind.json")
        subprocess.run([bin_ / "mockoon-cli", "import", "-i", source, "-o", mockoon], check=True, capture_output=True)
        found["Prism"] = [str(bin_ / "prism"), "mock", "--verboseLevel", "silent", "-p", "{port}", source]
        found["Mockoon"] = [
            str(bin_ / "mockoon-cli"),
            "start",
            "-d",
            str(mockoon),
            "-p",
            "{port}",
            "--disable-log-to-file",
        ]
    return found


@contextlib.contextmanager
def running(command: Sequence[str]) -> Iterator[str]:
    """Starts a server on core 0. Yields its URL once it accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ["taskset", "-c", "0", *(part.replace("{port}", str(port)) for part in command)]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Waits until a server accepts connections. Raises RuntimeError if it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} does not accept connections")


def load(url: str, row: Row, seconds: int, folder: Path) -> Figure:
    """Runs wrk with one kind of request."""
    script = folder / "row.lua"
    lines = [
        f'wrk.method = "{row.method}"',
        f'wrk.headers["x-api-key"] = "{KEY}"',
        'wrk.headers["Content-Type"] = "application/json"',
        f"wrk.body = {json.dumps(row.body)}" if row.body else "",
    ]
    script.write_text("\n".join(lines), "utf-8")
    command = [
        "taskset",
        "-c",
        "1",
        "wrk",
        "-t1",
        "-c16",
        f"-d{seconds}",
        "--latency",
        "-s",
        str(script),
        url + row.path,
    ]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", out)
    p99 = re.search(r"99%\s+([0-9.]+)(us|ms|s)", out)
    if rate is None or p99 is None:
        raise RuntimeError(out)
    return Figure(float(rate[1]), float(p99[1]) * LATENCY_UNITS[p99[2]])


def measure(
    servers: dict[str, list[str]], rounds: int, seconds: int, folder: Path
) -> dict[str, dict[str, list[Figure]]]:
    """Returns the figures by server and row, one for each round."""
    figures: dict[str, dict[str, list[Figure]]] = {}
    for _ in track(range(rounds), "rounds"):
        for name, command in servers.items():
            with running(command) as url:
                known = submit(url) if name == "segforge" else "2c7f59ea-13f1-402c-9353-915a2b5a2124"
                for row in rows(known):
                    if not row.shared and name not in OURS:
                        continue
                    load(url, row, 1, folder)
                    figures.setdefault(name, {}).setdefault(row.name, []).append(load(url, row, seconds, folder))
    return figures


def submit(url: str) -> str:
    """Submits a job and returns its id."""
    response = httpx.post(f"{url}/v2/style-transfer", json=PAYLOAD, headers={"x-api-key": KEY})
    return str(response.json()["request_id"])


def summary(figures: dict[str, dict[str, list[Figure]]]) -> dict[str, dict[str, dict[str, float]]]:
    """Returns medians by row and server, and the ratio of our rate to each of the others, computed for each round."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in figures["segforge"]:
        ours = figures["segforge"][row]
        for name, measured in figures.items():
            if row not in measured:
                continue
            pairs = zip(ours, measured[row], strict=True)
            found.setdefault(row, {})[name] = {
                "requests_per_second": statistics.median(figure.rate for figure in measured[row]),
                "p99_ms": statistics.median(figure.p99 for figure in measured[row]),
                "segforge_is_times": statistics.median(mine.rate / other.rate for mine, other in pairs),
            }
    return found


def main() -> int:
    """Measures and prints. Returns 2 if wrk is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    if shutil.which("wrk") is None or shutil.which("taskset") is None:
        print("benchmarks.mock: needs wrk and taskset (Debian: apt-get install wrk util-linux)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        found = summary(measure(commands(Path(folder)), args.rounds, args.seconds, Path(folder)))
    table = Table("request", "server", "requests/s", "p99 ms", "segforge is", title=f"{os.cpu_count()} cores")
    for row, servers in found.items():
        for name, figure in servers.items():
            ratio = "" if name == "segforge" else f"{figure['segforge_is_times']:.2f} x"
            table.add_row(row, name, f"{figure['requests_per_second']:,.0f}", f"{figure['p99_ms']:.2f}", ratio)
        table.add_section()
    Console(width=100).print(table)
    if args.json is not None:
        args.json.write_text(json.dumps(found, indent=2), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
