"""Compares our client with clients that other generators make from our OpenAPI document, and writes the table to docs.

Run from the checkout: `make compare-clients`. Each cell is the result of a check; none is filled in by hand.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.client_comparison.checks import CHECKS
from benchmarks.client_comparison.peers import MAKINGS, ROOT, Making, write_document

PAGE: Final = ROOT / "docs" / "clients.md"
OPENING: Final = "<!-- written by make compare-clients; do not edit -->\n"
CLOSING: Final = "<!-- end of the table written by make compare-clients -->\n"

TYPED: Final = {
    "a type checker rejects a value outside a closed set": "closed",
    "a type checker rejects a call without a required parameter": "missing",
}
COUNTED: Final = ("Python files", "lines of Python", "modules imported before the first call of a model")
DISTRIBUTIONS: Final = {
    "opc": "openapi-python-client",
    "dcg": "datamodel-code-generator",
    "oag": "openapi-generator-cli",
}
SECONDS: Final = 240
"""The timeout of one step."""

Column = dict[str, str]
"""The cells of a client by row."""


def rows() -> list[str]:
    """The rows of the table."""
    return ["it can be generated and imported", *TYPED, *CHECKS, *COUNTED]


def column(name: str, folder: Path) -> Column:
    """Generates a client in a folder and runs all checks. If it can't be generated or imported, every cell is "no"."""
    making = MAKINGS[name]
    made = _made(making, folder)
    imports = made and _python(making.use, folder).returncode == 0
    cells = {"it can be generated and imported": _word(imports), **{row: _word(False) for row in (*TYPED, *CHECKS)}}
    if not imports:
        return {**cells, **dict.fromkeys(COUNTED, "")}
    cells.update({row: _word(_refused(making, getattr(making, field), folder)) for row, field in TYPED.items()})
    answered = _python(f"from benchmarks.client_comparison.checks import main; main({name!r})", folder)
    sys.stderr.write(answered.stderr)
    if answered.returncode == 0:
        cells.update({row: _word(yes) for row, yes in json.loads(answered.stdout).items()})
    return {**cells, **dict(zip(COUNTED, map(str, _counts(making, folder)), strict=True))}


def _word(yes: bool) -> str:
    return "yes" if yes else "no"


def _made(making: Making, folder: Path) -> bool:
    if not making.command:
        (folder / "segmind_client").symlink_to(ROOT / "generated" / "python" / "segmind_client")
        return True
    write_document(folder)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # openapi-python-client looks for ruff
    start = time.perf_counter()
    done = subprocess.run(
        making.command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    print(f"{making.title}: generated in {time.perf_counter() - start:.1f} s", file=sys.stderr)
    if done.returncode:
        sys.stderr.write(done.stderr)
    return done.returncode == 0


def _python(code: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Runs code that can import the client of a folder and the checkout."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )


def _refused(making: Making, wrong: str, folder: Path) -> bool:
    """Whether mypy rejects an expression and nothing else."""
    (folder / "use.py").write_text(f"{making.use}\n{wrong}\n", "utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=silent", "--output=json", "use.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {message["line"] for message in found if message["severity"] == "error"} == {2}


def _counts(making: Making, folder: Path) -> tuple[int, int, int]:
    """Returns the number of files, of lines and of imported modules."""
    files = [
        path
        for name in making.package
        for path in ([folder / name] if name.endswith(".py") else sorted((folder / name).rglob("*.py")))
    ]
    lines = sum(path.read_text("utf-8").count("\n") for path in files)
    code = f"import sys; before = set(sys.modules); {making.use}; print(len(set(sys.modules) - before))"
    return len(files), lines, int(_python(code, folder).stdout)


def table(columns: dict[str, Column]) -> str:
    """Returns the table as Markdown. Our client is committed, so its column has no generator version."""
    names = list(columns)
    titles = [
        f"{MAKINGS[name].title} {version(DISTRIBUTIONS[name])}" if name in DISTRIBUTIONS else MAKINGS[name].title
        for name in names
    ]
    return rendered([["", *titles], *([row, *(columns[name][row] for name in names)] for row in rows())])


def rendered(cells: list[list[str]]) -> str:
    """Returns rows of cells as a Markdown table between the markers."""
    first, *others = (f"| {' | '.join(line)} |".replace("|  |", "| |") for line in cells)
    rule = f"| {' | '.join('---' for _ in cells[0])} |"
    return "\n".join([OPENING, first, rule, *others, "", CLOSING])


def main() -> int:
    """Checks every client, prints the table and writes it to the page. Returns 1 if our client has a "no"."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=MAKINGS, help="check only these clients, and do not write the page"
    )
    args = parser.parse_args()
    columns = {}
    for name in args.only or MAKINGS:
        with tempfile.TemporaryDirectory(prefix="segforge-") as folder:
            columns[name] = column(name, Path(folder))
    print(table(columns))
    if not args.only:
        text = PAGE.read_text("utf-8")
        before, _, rest = text.partition(OPENING)
        PAGE.write_text(before + table(columns) + rest.partition(CLOSING)[2], "utf-8")
    return 1 if "no" in columns.get("ours", {}).values() else 0


if __name__ == "__main__":
    sys.exit(main())
