"""The options about known deviations: reads their file, shows the changes it needs, and makes them."""

import argparse
import difflib
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from segforge.console import console
from segforge.spec.printable import one_line
from segforge_contract.errors import Misuse
from segforge_contract.reports.reporter import check_writable

if TYPE_CHECKING:
    from segforge_contract.findings.known import Deviation, Verdict


def add_deviation_options(parser: argparse.ArgumentParser) -> None:
    """Declares `--deviations` and `--update-deviations`."""
    group = parser.add_argument_group("known deviations")
    group.add_argument(
        "--deviations",
        type=Path,
        metavar="FILE",
        help="accept the deviations in this file; fail on all others, and on entries that no longer occur or expired",
    )
    group.add_argument(
        "--update-deviations",
        action="store_true",
        help="show the changes that this file needs, and make them if you agree (or with --yes)",
    )


def known_deviations(args: argparse.Namespace) -> "tuple[Deviation, ...] | None":
    """The deviations that `--deviations` lists, None without that option. Raises SpecError and Misuse."""
    if args.deviations is None:
        if args.update_deviations:
            raise Misuse("--update-deviations: the file is missing; add --deviations deviations.yaml")
        return None
    if args.update_deviations and not args.deviations.exists():
        check_writable("--deviations", args.deviations)
        return ()
    from segforge.spec.load import load_catalog
    from segforge_contract.findings.deviation_file import check_scopes, load_deviations

    known = load_deviations(args.deviations)
    if unknown := check_scopes(known, load_catalog(args.specs)):
        raise Misuse(f"--deviations: {unknown}")
    return known


def today() -> date:
    """The current day in UTC."""
    return datetime.now(UTC).date()


def update_file(file: Path, known: "tuple[Deviation, ...]", verdict: "Verdict", base_url: str, *, agreed: bool) -> None:
    """Shows the changes that the file needs, and makes them with consent; `agreed` skips the question.

    Raises Misuse if the file can't be written.
    """
    from segforge.files import write_atomically
    from segforge_contract.findings.deviation_file import EMPTY_FILE, updated

    before = file.read_text("utf-8") if file.exists() else ""
    after = updated(before or EMPTY_FILE, known, verdict, today(), base_url)
    if after == before:
        return
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(file), str(file), "before", "after", 2)
    for line in lines:
        style = {"+": "green", "-": "red"}.get(line[0])
        console().print(one_line(line.rstrip("\n")), style=style, markup=False)
    if not agreed and not _asked(file):
        console(error=True).print(f"{file} was not changed; add --yes to change it", markup=False)
        return
    try:
        write_atomically(file, after)
    except OSError as error:
        raise Misuse(f"--deviations: {error}") from None


def _asked(file: Path) -> bool:
    """Asks whether to change a file. Without a terminal the answer is no."""
    if not sys.stdin.isatty():
        return False
    console(error=True).print(f"Change {file}? [y/N] ", end="", markup=False)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
