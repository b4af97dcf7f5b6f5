"""Builds what a release publishes, reproducibly: wheels, source distributions and npm packages, for `make dist`."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TOOLS: Final = ROOT / "tests" / "interop" / "node_modules"
LAUNCHER: Final = ROOT / "mock_server" / "npm"
CLIENT: Final = ROOT / "generated" / "typescript"
PYTHON_PROJECTS: Final = (ROOT, ROOT / "generated" / "python")
SECONDS: Final = 300
EPOCH: Final = "1577836800"
"""The time of all files, 2020-01-01, if SOURCE_DATE_EPOCH doesn't state another one."""


@dataclass(frozen=True)
class BuildError(Exception):
    """A command that failed, and what it printed."""

    command: str
    printed: str

    def __str__(self) -> str:
        return f"{self.command} failed:\n{self.printed.strip()}"


def run(*command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    """Runs a command and returns its standard output. Raises BuildError."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={
            **os.environ,
            "NO_COLOR": "1",
            "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", EPOCH),
            **(environment or {}),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if done.returncode != 0:
        raise BuildError(" ".join(map(str, command)), done.stdout + done.stderr)
    return done.stdout


def build(out: Path, *, npm_only: bool = False) -> list[Path]:
    """Builds everything, or the npm packages alone, into a new folder and returns its files. Raises BuildError."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for project in () if npm_only else PYTHON_PROJECTS:
        build_python(project, out)
    build_npm_client(out)
    build_launcher(out)
    return sorted(out.iterdir())


def build_python(project: Path, out: Path, *targets: str) -> None:
    """Builds the wheel and the source distribution of a project, or some of these targets."""
    chosen = [word for target in targets or ("sdist", "wheel") for word in ("--target", target)]
    run(sys.executable, "-m", "hatchling", "build", "--directory", out, *chosen, cwd=project)


def build_npm_client(out: Path) -> None:
    """Builds the npm package of the client, like its script `build`."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "segmind-client"
        shutil.copytree(CLIENT, package, ignore=shutil.ignore_patterns("dist", "node_modules"))
        for kind in ("esm", "cjs"):
            _compile(package, f"tsconfig.{kind}.json")
        run("node", "mark-cjs.mjs", cwd=package)
        _pack(package, out)


def build_launcher(out: Path) -> None:
    """Builds the npm package that starts the mock."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "segforge-mock"
        shutil.copytree(LAUNCHER, package, ignore=shutil.ignore_patterns("dist", "node_modules"))
        shutil.copy(ROOT / "LICENSE", package)
        _compile(package, "tsconfig.json", "--typeRoots", str(TOOLS / "@types"))
        (package / "dist" / "bin.js").chmod(0o755)
        _pack(package, out)


def _compile(package: Path, project: str, *options: str) -> None:
    compiler = TOOLS / "typescript" / "bin" / "tsc"
    run("node", compiler, "--pretty", "false", "--project", project, *options, cwd=package)


def _pack(package: Path, out: Path) -> None:
    """Packs a folder. npm sets the times of all files to one date, but takes the modes from the folder."""
    for path in package.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    run("npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", out.resolve(), cwd=package)


def command(work: Callable[[Path], Iterable[str]]) -> int:
    """Prints the lines of `work(folder)`, for the folder that the command line names (dist). Returns the exit code."""
    try:
        for line in work(Path(sys.argv[1] if len(sys.argv) > 1 else "dist").resolve()):
            print(line)
    except BuildError as error:
        print(f"make dist: {error}", file=sys.stderr)
        return 1
    return 0


def built(out: Path) -> Iterator[str]:
    """Builds into a folder, only npm packages if the command line has the word npm. Yields a line for each file."""
    for path in build(out, npm_only="npm" in sys.argv[2:]):
        yield f"{path.name}  {path.stat().st_size:,} bytes"


if __name__ == "__main__":
    sys.exit(command(built))
