"""Say what changed between two sets of specs, for whom, and which version that asks for."""

import argparse
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from segforge.commands.console import console
from segforge.emit.writer import write_atomically
from segforge.pages.changelog import EMPTY, add_changes
from segforge.pages.openapi import OpenapiError, models_of, read_openapi
from segforge.pages.report import code
from segforge.spec.catalog import Gateway, Model
from segforge.spec.changes import Bump, Change, bump_of, gateway_changes, model_changes, sides
from segforge.spec.finding import SpecError
from segforge.spec.load import CHANGELOG_FILE, check_changelog, default_specs, load_catalog
from segforge.text import one_line

_STYLES = {"breaking": "red", "additive": "green", "editorial": ""}


class Misuse(Exception):
    """A side of the comparison can't be read; the message says why."""


class Side(NamedTuple):
    """One side: its models, and the gateway where the source holds one."""

    models: tuple[Model, ...]
    gateway: Gateway | None


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("old", metavar="OLD", help="a folder of specs, a git revision, or an OpenAPI document")
    parser.add_argument("new", metavar="NEW", help="the same, later")
    parser.add_argument(
        "--specs", type=Path, default=default_specs(), metavar="DIR", help="where specs are in a git revision"
    )
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="how the log is printed")
    parser.add_argument(
        "--write-changelog",
        action="store_true",
        help="note the changes in changelog.yaml of NEW (of --specs, where NEW is no folder), from which the clients "
        "take their version and CHANGELOG",
    )
    parser.epilog = "Exit codes: 0 nothing breaks, 1 something breaks, 2 misuse."


def run(args: argparse.Namespace) -> int:
    """Print the change log; gives 1 where something breaks callers, 2 where a side can't be read."""
    try:
        old, new = _side(args.old, args.specs), _side(args.new, args.specs)
    except (Misuse, SpecError, OpenapiError) as error:
        for line in str(error).splitlines():
            console(error=True).print(f"segforge diff: {one_line(line)}", style="red", markup=False)
        return 2
    changes = model_changes(old.models, new.models)
    if old.gateway is not None and new.gateway is not None:
        changes = gateway_changes(old.gateway, new.gateway) + changes
    bump = bump_of(changes)
    _print(args.format, changes, bump)
    if args.write_changelog and changes:
        folder = Path(args.new) if Path(args.new).is_dir() else args.specs
        try:
            version = _note(folder / CHANGELOG_FILE, changes)
        except (SpecError, OSError) as error:
            console(error=True).print(f"segforge diff: {one_line(str(error))}", style="red", markup=False)
            return 2
        advice = "segforge generate carries it into the clients"
        console(error=True).print(f"{folder / CHANGELOG_FILE}: version {version}; {advice}", markup=False)
    return 1 if bump == "major" else 0


def _side(given: str, specs: Path) -> Side:
    path = Path(given)
    if path.is_dir():
        catalog = load_catalog(path)
        return Side(catalog.models, catalog.gateway)
    if path.is_file():
        return Side(tuple(models_of(read_openapi(path), given)), None)
    return _revision(given, specs)


def _revision(revision: str, specs: Path) -> Side:
    """The specs at a git revision. Raises Misuse where there is no such thing."""
    if revision.startswith("-"):
        raise Misuse(f"{revision}: no folder, file or git revision")
    archive = ["git", "-C", str(specs.resolve().parent), "archive", "--format=tar", revision, specs.name]
    try:
        made = subprocess.run(archive, capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Misuse(f"{revision}: no folder or file, and git failed: {error}") from None
    if made.returncode:
        reason = made.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Misuse(
            f"{revision}: no folder, file or git revision with {specs.name}/ ({reason[-1] if reason else 'git failed'})"
        )
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(made.stdout)) as tar:
        tar.extractall(folder, filter="data")
        catalog = load_catalog(Path(folder) / specs.name)
    return Side(catalog.models, catalog.gateway)


def _print(form: str, changes: Sequence[Change], bump: Bump) -> None:
    if form == "json":
        document = {"bump": bump, "changes": [change.to_json() for change in changes]}
        print(json.dumps(document, indent=2, ensure_ascii=False, default=str))
    elif form == "markdown":
        print(f"## Changes to the specs, version: {bump}\n\n{markdown(changes)}")
    else:
        out = console()
        for change in changes:
            line = f"{change.level:<9} {change.rule}  {change.subject}  {change.at}: {sides(change)}"
            out.print(one_line(line), style=_STYLES[change.level], markup=False)
        out.print(f"{len(changes)} changes; version: {bump}", style="bold")


def markdown(changes: Sequence[Change]) -> str:
    """The change log as Markdown, breaking changes first. Text from specs stands in code spans."""
    lines = []
    for level, title in (("breaking", "Breaking"), ("additive", "Added"), ("editorial", "Texts")):
        chosen = [change for change in changes if change.level == level]
        if chosen:
            lines += [f"### {title}", ""]
            lines += [
                f"- {code(change.subject)} {code(change.at or change.rule)} {change.rule}: {code(sides(change))}"
                for change in chosen
            ]
            lines.append("")
    return "\n".join(lines)


def _note(path: Path, changes: Sequence[Change]) -> str:
    """Note changes in a change log of specs; gives the clients' version. Raises SpecError where it is malformed."""
    if path.exists():
        check_changelog(path)
    text, version = add_changes(path.read_text("utf-8") if path.exists() else EMPTY, changes)
    write_atomically(path, text)
    return version
