"""Compare the vendor's list of models with `directory.yaml`: `segforge drift --directory`."""

import argparse
import datetime
import difflib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from segforge.console import console, print_diff
from segforge.files import line_ends, write_atomically
from segforge.github import is_on
from segforge.options import Misuse
from segforge.pages.fetch import DIRECTORY_FOLDER, LIST_KEY, FetchError, read_index
from segforge.pages.listing.apply import Unwritable, apply_list
from segforge.pages.listing.compare import Answers, ListDrift, compare_list
from segforge.pages.listing.findings import list_findings, list_problems
from segforge.pages.listing.meaning import with_meanings
from segforge.pages.listing.report import ListReport, list_as_json, list_as_markdown, list_as_text
from segforge.pages.listing.table import ModelList, read_list
from segforge.pages.source.document import PageError, problem_of
from segforge.sarif import sarif_document
from segforge.spec.catalog import Directory
from segforge.spec.finding import Finding, SpecError
from segforge.spec.inputs import DIRECTORY_FILE
from segforge.spec.load import load_directory
from segforge.spec.printable import one_line

_THRESHOLD: Final = 10.0


def run_directory(args: argparse.Namespace, noted: list[Finding]) -> int:
    """Prints the changes of the list, and adds those that were not written to the findings.

    Returns 1 if some count and were not written, 3 if a part can't be read. Raises Misuse.
    """
    path, read = _list_of(args)
    try:
        directory = load_directory(args.specs)
    except SpecError as error:
        raise Misuse(f"{error}; the directory must be valid, see segforge lint") from None
    try:
        listed = read_list(path)
    except PageError as error:
        if args.format in ("json", "sarif"):
            listed = ModelList(str(path), (), (str(error),))
            _print(args.format, ListReport(ListDrift(listed, directory, (), listed.problems), 0, read), [])
        else:
            console(error=True).print(f"segforge drift: {one_line(str(error))}", style="red", markup=False)
        return 3
    drift = with_meanings(compare_list(listed, directory, _answers(args, listed, directory)), args.specs)
    report = ListReport(drift, (_THRESHOLD if args.threshold is None else args.threshold) / 100, read)
    file = args.specs / DIRECTORY_FILE
    findings = list(list_findings(report, file)) if args.format == "sarif" or is_on(args) else []
    if args.apply:
        report = _apply(report, file)
    _print(args.format, report, findings)
    if report.refused or not args.apply:
        noted += findings
    if drift.problems:
        return 3
    return 1 if report.refused or (report.counting and not args.apply) else 0


def _list_of(args: argparse.Namespace) -> tuple[Path, str | None]:
    """Returns the file of the list, and the day on which it was read, if known. Raises Misuse."""
    if args.all or len(args.pages) > 1:
        raise Misuse("--directory compares one list; pass its file, or none for the stored one")
    store = args.store / DIRECTORY_FOLDER
    try:
        stored = read_index(store).get(LIST_KEY)
    except FetchError as error:
        raise Misuse(str(error)) from None
    if not args.pages and stored is None:
        raise Misuse("no stored list; download it with segforge fetch --directory, or pass the file of a saved one")
    path = args.pages[0] if args.pages or stored is None else store / stored.file
    if problem := problem_of(path):
        raise Misuse(f"{problem}; pass the file of a saved list")
    is_stored = stored is not None and path.resolve() == (store / stored.file).resolve()
    read = args.read or (stored.fetched if is_stored and stored is not None else None)
    if args.apply and read is None:
        raise Misuse(f"the day on which {path} was saved is unknown; pass it with --read YYYY-MM-DD")
    return path, read


def _answers(args: argparse.Namespace, listed: ModelList, directory: Directory) -> Answers:
    """Returns the user's decisions. Raises Misuse if one doesn't fit the list and the directory."""
    rows, known = listed.by_slug, directory.listings
    renamed: dict[str, str] = {}
    for given in args.renamed:
        old, _, new = given.partition("=")
        if old not in known or old in rows or new not in rows or new in known or new in renamed.values():
            raise Misuse(f"--renamed {given}: expected OLD=NEW, where the list lacks OLD and the directory lacks NEW")
        renamed[old] = new
    for slug in args.accept:
        if slug not in known and slug not in rows:
            raise Misuse(f"--accept {slug}: neither the list nor the directory has this model")
    return Answers(renamed, frozenset(args.accept))


def _apply(report: ListReport, file: Path) -> ListReport:
    """Writes the list to the directory file: all of it, or nothing, since the file states one list of one day."""
    drift, read = report.drift, report.read or ""
    against: Sequence[str] = ()
    if drift.problems:
        against = ["the list was not read completely"]
    elif drift.questions:
        against = [f"a decision is needed about {', '.join(_slugs(drift))}"]
    elif read < drift.directory.read:
        against = [f"the list of {read} is older than the directory's, {drift.directory.read}"]
    if against:
        return replace(report, refused=tuple(f"{file}: not written, since {one}" for one in against))
    old = file.read_bytes().decode("utf-8-sig")
    ends = line_ends(old)
    try:
        new = apply_list(old.replace(ends, "\n"), drift, read).replace("\n", ends)
        if new != old:
            write_atomically(file.resolve(), new)  # a symbolic link is followed, so that it remains a link
    except (Unwritable, OSError) as error:
        reason = f"{error.strerror}; make the file and its folder writable" if isinstance(error, OSError) else error
        return replace(report, refused=(f"{file}: not written: {reason}",))
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), str(file), str(file), n=0)
    return replace(report, diff="".join(lines))


def _slugs(drift: ListDrift) -> list[str]:
    slugs = list(dict.fromkeys(change.slug for change in drift.questions))
    return slugs if len(slugs) <= 5 else [*slugs[:5], f"and {len(slugs) - 5} more"]


def _print(form: str, report: ListReport, findings: Sequence[Finding]) -> None:
    if form == "sarif":
        print(json.dumps(sarif_document("drift", findings, problems=list_problems(report)), indent=2))
        return
    if form == "json":
        print(json.dumps(list_as_json(report), indent=2, ensure_ascii=False))
        return
    if form == "markdown":
        print(list_as_markdown(report))
        return
    out = console()
    for line, style in list_as_text(report):
        out.print(line, style=style, markup=False)
    print_diff(out, report.diff)
    for reason in report.refused:
        out.print(one_line(reason), style="red", markup=False)


def day(text: str) -> str:
    """A date (YYYY-MM-DD) up to today. Raises argparse.ArgumentTypeError, which states what was expected."""
    latest = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1)  # a day ahead in other time zones
    try:
        given = datetime.date.fromisoformat(text)
    except ValueError:
        given = None
    if given is None or given > latest or given.isoformat() != text:
        raise argparse.ArgumentTypeError(f"expected a date up to today, such as 2026-08-19, found {text!r}")
    return text
