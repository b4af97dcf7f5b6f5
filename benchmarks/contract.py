"""Compares `segforge contract` with Schemathesis on the same seeded faults over HTTP: `make bench-contract`.

Each tool runs as a process of its own against a mutant of `tests/harness/mutants/`, served by another process that
counts requests and what a gateway would have billed. Both know the five seed models alone, as the server does:
Schemathesis reads the OpenAPI document that segforge emits for them. On a mutant it may stop at its first failure,
which decides whether it kills. A whole run is measured on the correct mock, where any failure is a false alarm. A whole
run takes hours: results are kept in FILE, so an interrupted run resumes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.harness.mutants.original import KEY  # noqa: E402 - the tests are no package that is installed
from tests.harness.mutants.serve import CORRECT  # noqa: E402
from tests.harness.mutants.table import MUTANTS  # noqa: E402
from tests.seeds import SEEDS, seed_specs  # noqa: E402

_SEGFORGE: Final = str(Path(sys.executable).with_name("segforge"))
_SEED: Final = "1"
_BOUND: Final = 1800
"""The timeout of a run in seconds, after which the benchmark ends."""


@dataclass(frozen=True)
class Run:
    """The result of a tool on a server: whether it complained, and its cost. `cpu`: the CPU seconds of the tool."""

    complained: bool
    requests: int
    billed: int
    seconds: float
    cpu: float


@dataclass(frozen=True)
class Tool:
    """A tool: its command for a URL, and its options to stop at the first failure, if it has any."""

    name: str
    command: Callable[[str], list[str]]
    first: tuple[str, ...] = ()


@cache
def document() -> Path:
    """Emits the OpenAPI document of the seed models, and returns its file."""
    out = seed_specs().with_name("generated")
    command = [_SEGFORGE, "generate", "--specs", str(seed_specs()), "--out", str(out), "--only", "openapi"]
    subprocess.run([*command, "--no-cache"], check=True, capture_output=True)
    return out / "openapi" / "segmind.yaml"


def _schemathesis(*options: str) -> Callable[[str], list[str]]:
    command = [sys.executable, "-m", "schemathesis.cli", "run"]
    common = ["--seed", _SEED, "--no-color", "--header", f"x-api-key: {KEY}"]
    return lambda url: [*command, str(document()), "--url", url, *common, *options]


def _ours(*options: str) -> Callable[[str], list[str]]:
    command = [_SEGFORGE, "contract", "--specs", str(seed_specs()), "--seed", _SEED]
    return lambda url: [*command, "--target", url, *options]


TOOLS: Final = {
    tool.name: tool
    for tool in (
        Tool("schemathesis", _schemathesis(), ("--max-failures", "1")),
        Tool("schemathesis-strong", _schemathesis("--checks", "all", "--max-examples", "200"), ("--max-failures", "1")),
        Tool("segforge", _ours()),
        Tool("segforge-unpaid", _ours("--max-spend", "0")),
    )
}


@contextmanager
def served(name: str) -> Iterator[tuple[str, dict[str, int]]]:
    """Serves a mutant from a process of its own. Yields its URL and, after it has stopped, its counts."""
    command = [sys.executable, "-m", "tests.harness.mutants.serve", name]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        counted: dict[str, int] = {}
        yield server.stdout.readline().strip(), counted
        server.stdin.close()
        text = server.stdout.read()
    if server.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} exited {server.returncode}")
    counted.update(json.loads(text))


def measure(tool: Tool, mutant: str) -> Run:
    """Runs a tool against a mutant or the correct mock. Raises RuntimeError if it could not run."""
    stop_early = tool.first if mutant != CORRECT else ()
    profile = "documented" if mutant == CORRECT else MUTANTS[mutant].profile
    expects = ["--profile", profile] if tool.name.startswith("segforge") else []
    environment = {**os.environ, "SEGMIND_API_KEY": KEY}
    with tempfile.TemporaryDirectory() as folder, served(mutant) as (url, counted):
        command = [*tool.command(url), *stop_early, *expects]
        before, started = os.times(), time.monotonic()
        result = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=_BOUND
        )
        seconds, after = time.monotonic() - started, os.times()
    if result.returncode not in (0, 1):
        raise RuntimeError(
            f"{tool.name} on {mutant} exited {result.returncode}: {result.stdout[-800:]}{result.stderr[-800:]}"
        )
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(result.returncode == 1, counted["requests"], counted["billed"], round(seconds, 1), round(cpu, 1))


@dataclass
class Results:
    """All runs so far by tool and mutant, kept in a file."""

    file: Path
    runs: dict[str, dict[str, Run]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "Results":
        """Loads the results of an interrupted run, if there are any."""
        kept = json.loads(file.read_text("utf-8")) if file.exists() else {}
        return cls(file, {tool: {name: Run(**run) for name, run in runs.items()} for tool, runs in kept.items()})

    def add(self, tool: str, mutant: str, run: Run) -> None:
        """Keeps one more result."""
        self.runs.setdefault(tool, {})[mutant] = run
        self.file.parent.mkdir(parents=True, exist_ok=True)
        kept = {name: {key: asdict(run) for key, run in runs.items()} for name, runs in self.runs.items()}
        self.file.write_text(json.dumps(kept, indent=1), "utf-8")


def sample(count: int | None) -> list[str]:
    """Returns `count` mutants, spread evenly over their families, or all without a count.

    Mutants of other profiles than the documented one are skipped, because the OpenAPI document describes only that one,
    and so are those that no seed model shows.
    """
    names = [name for name, one in MUTANTS.items() if one.profile == "documented" and one.model in SEEDS]
    return names if count is None else [names[i * len(names) // count] for i in range(min(count, len(names)))]


def report(runs: Mapping[str, Mapping[str, Run]], names: list[str]) -> Iterator[str]:
    """Returns the tables as Markdown."""
    yield f"{datetime.now(UTC):%Y-%m-%d}, {len(names)} mutants, five models."
    yield ""
    yield "| tool | killed | false alarm | requests | billed | seconds | CPU seconds |"
    yield "| --- | ---: | --- | ---: | ---: | ---: | ---: |"
    for tool, by_name in runs.items():
        whole, tried = by_name[CORRECT], [name for name in names if name in by_name]
        killed = sum(by_name[name].complained for name in tried)
        alarm = "yes" if whole.complained else "none"
        yield (
            f"| {tool} | {killed} of {len(tried)} | {alarm} | {whole.requests} | {whole.billed} "
            f"| {whole.seconds} | {whole.cpu} |"
        )
    yield ""
    for tool, by_name in runs.items():
        missed = [name for name in names if name in by_name and not by_name[name].complained]
        yield f"Missed by {tool}: {', '.join(missed) or 'none'}."
        yield ""


def main() -> None:
    """Runs every tool on the correct mock and on the mutants, and prints the tables."""
    parser = argparse.ArgumentParser(description="Compares segforge contract with Schemathesis on seeded faults.")
    parser.add_argument("--mutants", nargs="+", choices=MUTANTS, metavar="NAME", help="run only these (default: all)")
    parser.add_argument("--sample", type=int, metavar="N", help="run only N mutants, spread over the families")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS), help="run only these (default: all)")
    parser.add_argument("--file", type=Path, default=ROOT / "out" / "bench-contract.json", help="file for the results")
    parser.add_argument("--again", action="store_true", help="repeat measurements that FILE already contains")
    args = parser.parse_args()
    names = args.mutants or sample(args.sample)
    results = Results.read(args.file)
    for tool in args.tools:
        for name in [CORRECT, *names]:
            if args.again or name not in results.runs.get(tool, {}):
                results.add(tool, name, measure(TOOLS[tool], name))
                print(tool, name, results.runs[tool][name], file=sys.stderr, flush=True)
    print("\n".join(report({tool: results.runs[tool] for tool in args.tools}, names)))


if __name__ == "__main__":
    main()
