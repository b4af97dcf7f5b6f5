"""List the changes between two sets of specs, which of them break callers, and the version that they require."""

import argparse
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from segforge.console import console
from segforge.files import write_atomically
from segforge.options import Misuse
from segforge.pages.import_openapi.file import OpenapiError, read_openapi
from segforge.pages.import_openapi.models import models_of
from segforge.spec.catalog import Gateway, Model, Release
from segforge.spec.changelog import EMPTY, note_changes
from segforge.spec.changes import (
    UNRELEASED,
    Bump,
    Change,
    breaks_callers,
    bump_of,
    gateway_changes,
    model_changes,
    sides,
)
from segforge.spec.finding import SpecError
from segforge.spec.inputs import refuse_packaged, working_specs
from segforge.spec.load import CHANGELOG_FILE, check_changelog, load_catalog
from segforge.spec.printable import code, counted, one_line
from segforge.spec.yaml_edit import load

_STYLES = {"breaking": "red", "additive": "green", "editorial": ""}


class Side(NamedTuple):
    """One side of the comparison: its models, and the gateway and releases if the source has them."""

    models: tuple[Model, ...]
    gateway: Gateway | None = None
    releases: tuple[Release, ...] = ()


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("old", metavar="OLD", help="a folder of specs, a git revision, or an OpenAPI document")
    parser.add_argument("new", metavar="NEW", help="the same, newer")
    parser.add_argument(
        "--specs", type=Path, default=working_specs(), metavar="DIR", help="folder of the specs in a git revision"
    )
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="output format")
    parser.add_argument(
        "--write-changelog",
        action="store_true",
        help="record the changes in changelog.yaml of NEW (of --specs if NEW is not a folder); the clients "
        "take their version and CHANGELOG from it",
    )
    parser.epilog = "Exit codes: 0 no breaking change, 1 a breaking change, 2 misuse."


def run(args: argparse.Namespace) -> int:
    """Prints the changes. Returns 1 if one breaks callers, 2 if a side can't be read."""
    if args.write_changelog:
        refuse_packaged(_changed(args), "--write-changelog")
    try:
        old, new = _side(args.old, args.specs), _side(args.new, args.specs)
    except (Misuse, SpecError, OpenapiError) as error:
        for line in str(error).splitlines():
            console(error=True).print(f"segforge diff: {one_line(line)}", style="red", markup=False)
        return 2
    changes = _changes(old, new)
    bump = bump_of(changes)
    _print(args.format, changes, bump)
    if args.write_changelog:
        folder = _changed(args)
        try:
            said = _note(folder / CHANGELOG_FILE, args, old, new)
        except (SpecError, OSError) as error:
            console(error=True).print(f"segforge diff: {one_line(str(error))}", style="red", markup=False)
            return 2
        console(error=True).print(f"{folder / CHANGELOG_FILE}: {said}", markup=False)
    return 1 if breaks_callers(changes) else 0


def _changed(args: argparse.Namespace) -> Path:
    """Returns the folder whose change log is written."""
    return Path(args.new) if Path(args.new).is_dir() else args.specs


def _changes(old: Side, new: Side) -> list[Change]:
    changes = model_changes(old.models, new.models)
    if old.gateway is not None and new.gateway is not None:
        changes = gateway_changes(old.gateway, new.gateway) + changes
    return changes


def _side(given: str, specs: Path) -> Side:
    path = Path(given)
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        return Side(tuple(models_of(read_openapi(path), given)))
    return _revision(given, specs)


def _folder(path: Path) -> Side:
    catalog = load_catalog(path)
    return Side(catalog.models, catalog.gateway, catalog.releases)


def _revision(revision: str, specs: Path) -> Side:
    """Returns the specs at a git revision. Raises Misuse if git can't read them."""
    if revision.startswith("-"):
        raise Misuse(f"{revision} isn't a folder, file or git revision")
    name = specs.resolve().name
    try:
        made = _git(specs, "archive", "--format=tar", revision, name)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Misuse(f"{revision} isn't a folder or file, and git failed: {error}") from None
    if made.returncode:
        reason = made.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Misuse(
            f"{revision} isn't a folder, file or git revision with {name}/ ({reason[-1] if reason else 'git failed'})"
        )
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(made.stdout)) as tar:
        tar.extractall(folder, filter="data")
        return _folder(Path(folder) / name)


def _git(specs: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Runs git in the folder that contains the specs."""
    command = ["git", "-C", str(specs.resolve().parent), *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=60)


def _released(version: str, specs: Path) -> tuple[str, Side] | None:
    """Returns the revision that released a version, with its specs, or None if git has no readable one."""
    log = f"{specs.resolve().name}/{CHANGELOG_FILE}"
    found = None
    for revision in _git(specs, "log", "--format=%H", "HEAD", "--", log).stdout.decode().split():
        try:
            releases = yaml.load(_git(specs, "show", f"{revision}:./{log}").stdout, Loader=yaml.CSafeLoader)["releases"]
            if (releases[0]["version"], releases[0]["date"] != UNRELEASED) == (version, True):
                found = revision
            elif found:
                break
        except (yaml.YAMLError, LookupError, TypeError):
            break
    try:
        return (found, _revision(found, specs)) if found else None
    except (Misuse, SpecError):
        return None


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
        out.print(f"{counted(len(changes), 'change')}; version: {_asked(bump)}", style="bold")


def _asked(bump: Bump) -> str:
    """Returns the version part to raise, with the one to raise before 1.0.0 if it differs."""
    early = {"major": "minor", "minor": "patch"}.get(bump)
    return f"{bump} (before 1.0.0: {early})" if early else bump


def markdown(changes: Sequence[Change]) -> str:
    """Returns the changes as Markdown, breaking changes first. Text from specs is in code spans."""
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


def _note(path: Path, args: argparse.Namespace, old: Side, new: Side) -> str:
    """Records the changes since the last release in a change log of specs. Returns a sentence about the result.

    If git lacks the specs of the last release, the changes are those since `old`, plus the open entry of its log.
    Raises SpecError if the change log is malformed.
    """
    if path.exists():
        check_changelog(path)
    text = path.read_text("utf-8") if path.exists() else EMPTY
    dated = [release for release in load(text)["releases"] if release["date"] != UNRELEASED]
    last = [] if Path(args.old).exists() else dated[:2]  # two, since the newest may not be committed yet
    found = next((one for each in last if (one := _released(each["version"], args.specs)) is not None), None)
    base = found[1] if found else old
    kept = () if found else [line for one in base.releases[:1] if one.date == UNRELEASED for line in one.changes]
    subjects = {"gateway", *(model.slug for model in (*base.models, *new.models))}
    after, version = note_changes(text, _changes(base, new), subjects, kept)
    since = f" since {found[1].releases[0].version} (revision {found[0][:10]})" if found else ""
    if after == text:
        return f"version {version} is unchanged; no changes to record{since}"
    if load(after)["releases"]:
        write_atomically(path, after)
    else:
        path.unlink()
    return f"recorded the changes{since} as version {version}; run segforge generate to update the clients"
