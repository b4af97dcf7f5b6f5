"""Measures start-up and generation time: the client, its peers and the command line.

Each command runs in a fresh interpreter and takes turns with the others, so that load on the machine affects all of
them. The figures are medians. Ratios compare with `import httpx`, both less an idle interpreter; they are the
reliable figures.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

IDLE: Final = "python (idle)"
YARDSTICK: Final = "import httpx"


class Case(NamedTuple):
    """A command: the code that a fresh interpreter runs, and the share of rounds in which it runs."""

    code: str
    share: float = 1.0


CASES: Final = {
    IDLE: Case("pass"),
    "import segmind_client": Case("import segmind_client"),
    "from segmind_client import Segmind": Case("from segmind_client import Segmind"),
    "client with one model": Case(
        "import segmind_client; segmind_client.Segmind('SG_0123456789abcdef').flux_img2img.run"
    ),
    YARDSTICK: Case("import httpx"),
    "import segmind (official SDK)": Case("import segmind"),
    "segforge --help": Case("from segforge.cli import main; main(['--help'])"),
    "segforge lint": Case("from segforge.cli import main; main(['lint'])", 0.3),
    "segforge generate --check": Case("from segforge.cli import main; main(['generate', '--check'])", 0.2),
}


def measure(rounds: int) -> dict[str, float]:
    """Returns the median seconds of each case, including the interpreter. Raises RuntimeError if a command fails."""
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for round_ in range(-1, rounds):  # round -1 warms the caches
        for name, case in CASES.items():
            if round_ < max(2, rounds * case.share):
                seconds = _run(name, case.code)
                if round_ >= 0:
                    times[name].append(seconds)
    return {name: statistics.median(measured) for name, measured in times.items()}


def _run(name: str, code: str) -> float:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise RuntimeError(f"{name}: exit code {done.returncode}\n{done.stderr}")
    return seconds


def report(medians: dict[str, float]) -> dict[str, dict[str, float]]:
    """Returns the milliseconds, those less an idle interpreter, and the ratio of the latter to the reference."""
    idle = medians[IDLE]
    unit = medians[YARDSTICK] - idle
    return {
        name: {
            "ms": round(seconds * 1000, 1),
            "own_ms": round((seconds - idle) * 1000, 1),
            "ratio_to_httpx": round((seconds - idle) / unit, 3),
        }
        for name, seconds in medians.items()
    }


def main() -> int:
    """Measures, prints a table and, with --json, writes it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="number of runs of each command (default: 15)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    args = parser.parse_args()
    rows = report(measure(max(args.rounds, 1)))
    table = Table("command", "median ms", "less idle", "ratio to httpx")
    for name, row in rows.items():
        table.add_row(name, f"{row['ms']:.1f}", f"{row['own_ms']:.1f}", f"{row['ratio_to_httpx']:.2f}")
    Console(highlight=False).print(table)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
