"""The options about known deviations: their file is read, held against a run, shown and changed."""

import argparse
import difflib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segforge.console import console
from segforge.spec.printable import one_line
from segforge_contract.cli.options import writable
from segforge_contract.errors import Misuse

if TYPE_CHECKING:
    from rich.console import Console

    from segforge_contract.engine.campaign import RunResult
    from segforge_contract.findings.known import Deviation, Verdict

_HEAD = """\
# Where the gateway is known to differ from its docs; see the schema for what each field means.
# `segforge contract --deviations FILE` fails on what isn't listed, what no longer occurs, and what is past its date.
deviations: []
"""


def add_deviation_options(parser: argparse.ArgumentParser) -> None:
    """Declare `--deviations` and `--update-deviations`."""
    group = parser.add_argument_group("known deviations")
    group.add_argument(
        "--deviations",
        type=Path,
        metavar="FILE",
        help="let pass what is listed there; fail on what isn't, what no longer occurs, and what is past its date",
    )
    group.add_argument(
        "--update-deviations",
        action="store_true",
        help="show how that file would have to change, and change it if you agree (or by --yes)",
    )


def known_deviations(args: argparse.Namespace) -> "tuple[Deviation, ...] | None":
    """What `--deviations` lists, None where it isn't given. Raises SpecError and Misuse."""
    if args.deviations is None:
        if args.update_deviations:
            raise Misuse("--update-deviations: name the file: --deviations deviations.yaml")
        return None
    if args.update_deviations and not args.deviations.exists():
        writable("--deviations", args.deviations)
        return ()
    from segforge.spec.load import load_catalog
    from segforge_contract.findings.known import check_scopes, load_deviations

    known = load_deviations(args.deviations)
    if unknown := check_scopes(known, load_catalog(args.specs)):
        raise Misuse(f"--deviations: {unknown}")
    return known


def verdict_on(known: "tuple[Deviation, ...]", outcome: "RunResult") -> "Verdict":
    """A run held against the known deviations; a run that ended early proves of none that it is gone."""
    from segforge_contract.findings.known import hold_against

    sent = () if outcome.stopped is not None else outcome.sent
    return hold_against(known, outcome.failures, sent, datetime.now(UTC).date())


def print_verdict(out: "Console", verdict: "Verdict") -> None:
    """Print what has to leave or change in the file, then the counts."""
    for deviation in verdict.gone:
        out.print(f"no longer occurs: {deviation.in_words}", style="red", markup=False)
    for deviation in verdict.expired:
        out.print(f"past its date {deviation.expires}: {deviation.in_words}", style="red", markup=False)
    out.print(
        f"deviations: {len(verdict.known)} failures known, {len(verdict.new)} new; "
        f"{len(verdict.gone)} entries no longer occur, {len(verdict.expired)} are past their date",
        style="green" if verdict.holds else "red",
    )


def verdict_json(verdict: "Verdict") -> dict[str, Any]:
    """The same for a report."""
    return {
        "known": len(verdict.known),
        "new": len(verdict.new),
        "gone": [deviation.in_words for deviation in verdict.gone],
        "expired": [deviation.in_words for deviation in verdict.expired],
    }


def update_file(args: argparse.Namespace, known: "tuple[Deviation, ...]", verdict: "Verdict", base_url: str) -> None:
    """Show how the file has to change, and change it with consent. Raises Misuse where it can't be written."""
    from segforge.emit.manifest import write_atomically
    from segforge_contract.findings.known import updated

    file: Path = args.deviations
    before = file.read_text("utf-8") if file.exists() else ""
    after = updated(before or _HEAD, known, verdict, datetime.now(UTC).date(), base_url)
    if after == before:
        return
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(file), str(file), "before", "after", 2)
    for line in lines:
        style = {"+": "green", "-": "red"}.get(line[0])
        console().print(one_line(line.rstrip("\n")), style=style, markup=False)
    if not args.yes and not _agreed(file):
        console(error=True).print(f"{file} is as it was; add --yes to change it", markup=False)
        return
    try:
        write_atomically(file, after)
    except OSError as error:
        raise Misuse(f"--deviations: {error}") from None


def _agreed(file: Path) -> bool:
    if not sys.stdin.isatty():
        return False
    console(error=True).print(f"Change {file} so? [y/N] ", end="", markup=False)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
