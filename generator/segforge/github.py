"""GitHub Actions: findings as annotations beside the lines of a change, and a summary of the step.

The runner executes a line of output that begins with `::`, and one that holds `##[`. So the runner ignores commands
while segforge prints text from servers, specs and pages, and annotations are escaped.
"""

import argparse
import contextlib
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from segforge.spec.finding import Finding
from segforge.spec.printable import one_line

MOST: Final = 10
"""Annotations of one severity that GitHub shows for a step."""
MOST_SUMMARY: Final = 1_048_576
"""Bytes that GitHub accepts as the summary of a step."""
_MOST_TEXT: Final = 4_000
_MOST_TITLE: Final = 200
_CUT: Final = "\n\nThe rest is left out, since GitHub shows one MiB.\n"


def add_github_option(parser: argparse.ArgumentParser) -> None:
    """Declares `--no-github`."""
    parser.add_argument(
        "--no-github", action="store_true", help="under GitHub Actions, write no annotations and no step summary"
    )


def is_on(args: argparse.Namespace) -> bool:
    """Whether the command runs under GitHub Actions, and `--no-github` was not passed."""
    return os.environ.get("GITHUB_ACTIONS") == "true" and not args.no_github


def summary_file() -> Path | None:
    """Returns the file of the step's summary, if GitHub Actions names one."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(file) if file else None


@contextlib.contextmanager
def annotating(args: argparse.Namespace, command: str) -> Iterator[list[Finding]]:
    """Yields a list of findings, and prints them as annotations at the end. Without GitHub Actions, it prints nothing.

    Until then, no output can be a command to the runner. All of it goes to standard error, since standard output may
    be a document.
    """
    noted: list[Finding] = []
    if not is_on(args):
        yield noted
        return
    try:
        with _commands_stopped():
            yield noted
    finally:  # the reader of stdout may be gone
        _say(annotations(command, noted, Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())))


@contextlib.contextmanager
def _commands_stopped() -> Iterator[None]:
    token = secrets.token_hex(16)
    _say([f"::stop-commands::{token}"])
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the reader of stdout may be gone
            sys.stdout.flush()
        _say([f"::{token}::"])


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def annotations(command: str, findings: Iterable[Finding], workspace: Path) -> Iterator[str]:
    """Yields one line for each finding, and one for those beyond `MOST` of a severity.

    A file outside of the workspace is named in the text, since GitHub can't show it.
    """
    every = list(findings)
    for severity in ("error", "warning"):
        chosen = [finding for finding in every if finding.severity == severity]
        shown = chosen if len(chosen) <= MOST else chosen[: MOST - 1]
        for finding in shown:
            yield _annotation(command, finding, workspace)
        if rest := len(chosen) - len(shown):
            text = f"{rest} more {severity}s. GitHub shows {MOST} for a step; the log of the step has all of them."
            yield _command(severity, {"title": f"segforge {command}"}, text)


def _annotation(command: str, finding: Finding, workspace: Path) -> str:
    file = _within(finding.file, workspace) if finding.file else None
    text = f"{finding.found}; expected {finding.expected}; {finding.mend}"
    place: dict[str, str] = {}
    if file is None and finding.file:
        text = f"{finding.file}{f':{finding.line}' if finding.line else ''}: {text}"
    elif file is not None:
        place = {"file": file}
        place |= {"line": str(finding.line)} if finding.line else {}
        place |= {"col": str(finding.column)} if finding.line and finding.column else {}
    title = one_line(f"segforge {command}: {finding.rule}")[:_MOST_TITLE]
    return _command(finding.severity, place | {"title": title}, text)


def _within(file: str, workspace: Path) -> str | None:
    """Returns the path relative to the workspace, or None if the file lies outside of it."""
    try:
        return Path(file).resolve().relative_to(workspace.resolve()).as_posix()
    except (ValueError, OSError, RuntimeError):  # a path may hold a zero byte, or a loop of links
        return None


def _command(name: str, properties: dict[str, str], text: str) -> str:
    """Returns a workflow command. The runner decodes the escapes, so any text stays one line and one value."""
    listed = ",".join(f"{key}={_escaped(value, property_=True)}" for key, value in properties.items())
    return f"::{name} {listed}::{_escaped(one_line(text[:_MOST_TEXT]))}"


def _escaped(text: str, *, property_: bool = False) -> str:
    printable = text.encode("utf-8", "backslashreplace").decode()
    escaped = printable.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace(":", "%3A").replace(",", "%2C") if property_ else escaped


def append_summary(file: Path, text: str) -> None:
    """Appends Markdown to the summary of the step, as far as GitHub accepts it. Raises OSError."""
    raw = text.encode("utf-8", "backslashreplace")
    with file.open("ab") as stream:
        room = MOST_SUMMARY - stream.tell()
        if len(raw) > room:
            cut = _CUT.encode()
            raw = raw[: max(room - len(cut), 0)].decode("utf-8", "ignore").encode() + cut
        if len(raw) <= room:
            stream.write(raw)
