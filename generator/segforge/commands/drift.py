"""Compare docs pages with the curated specs: list the changes, their places, and whether they break callers.

With --directory, compare the vendor's list of models with the directory instead.
"""

import argparse
import datetime
import difflib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from segforge.commands.directory_drift import day, run_directory
from segforge.console import console, print_diff
from segforge.github import add_github_option, annotating
from segforge.options import Misuse, percent
from segforge.pages.drift.compare import compare, new_model
from segforge.pages.drift.difference import Difference, Drift
from segforge.pages.drift.findings import drift_findings, drift_problems
from segforge.pages.page import Page
from segforge.pages.read import read_page
from segforge.pages.report import as_json, as_markdown, as_text
from segforge.pages.source.document import PageError, problem_of
from segforge.sarif import sarif_document
from segforge.spec.finding import Finding, SpecError
from segforge.spec.inputs import refuse_packaged, working_specs
from segforge.spec.load import GATEWAY_FILE, MODELS_FOLDER, check_form, checked_source
from segforge.spec.printable import one_line
from segforge.spec.source import SourceFile

SUFFIXES = (".html", ".htm", ".txt", ".md")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("pages", type=Path, nargs="*", metavar="PAGE", help="saved docs pages, or folders of them")
    parser.add_argument("--all", action="store_true", help="every page stored by segforge fetch")
    parser.add_argument(
        "--store", type=Path, default=Path("pages"), metavar="DIR", help="folder of the stored pages (default: pages)"
    )
    parser.add_argument("--specs", type=Path, default=working_specs(), metavar="DIR", help="folder of the specs")
    parser.add_argument("--format", choices=("text", "json", "markdown", "sarif"), default="text", help="output format")
    add_github_option(parser)
    parser.add_argument("--apply", action="store_true", help="write decided changes to the specs and show the diff")
    parser.add_argument(
        "--renamed",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="the page lists the spec's parameter OLD as NEW; its text and its place are kept (can be repeated); "
        "with --directory: NEW is the new slug of the model OLD",
    )
    group = parser.add_argument_group("the vendor's list of models")
    group.add_argument(
        "--directory", action="store_true", help="compare the stored list, or the file PAGE, with directory.yaml"
    )
    group.add_argument(
        "--threshold",
        type=lambda text: percent(text.removesuffix("%")),
        metavar="PERCENT",
        help="smaller changes of an average count only in JSON, and cause no exit code 1 (default: 10%%)",
    )
    group.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="SLUG",
        help="the list is right about a model that needs a decision (can be repeated)",
    )
    group.add_argument("--read", type=day, metavar="DATE", help="day on which the list was saved, for --apply")
    parser.epilog = (
        "Exit codes: 0 no drift, 1 drift, 2 misuse, 3 part of a page could not be read, "
        "or no drift was found but a page leaves facts undecided."
    )


def run(args: argparse.Namespace) -> int:
    """Prints the drift. Returns 1 if there is any, 2 for misuse, 3 if a page is incomplete or has undecided facts."""
    with annotating(args, "drift") as noted:
        return _run(args, noted)


def _run(args: argparse.Namespace, noted: list[Finding]) -> int:
    if args.apply:
        refuse_packaged(args.specs, "--apply")
    if args.directory:
        try:
            return run_directory(args, noted)
        except Misuse as error:
            return _misuse(str(error))
    if args.threshold is not None or args.accept or args.read:
        return _misuse("--threshold, --accept and --read need --directory")
    if problem := next(filter(None, (problem_of(path, folders=True) for path in args.pages)), None):
        return _misuse(f"{problem}; pass saved docs pages, or folders of them")
    paths = list(_paths([*args.pages, *([args.store] if args.all and args.store.is_dir() else [])]))
    if not args.specs.is_dir():
        return _misuse(f"no folder {args.specs}; pass the folder of your specs with --specs")
    if not paths:
        return _misuse("no pages; pass saved docs pages, or download them with segforge fetch and use --all")
    if args.renamed and len(paths) != 1:
        return _misuse("--renamed needs exactly one page, since it is about the parameters of one model")
    try:
        drifts, unread = _read_all(paths, args.specs, args.renamed)
    except Misuse as error:
        return _misuse(str(error))
    twice = [slug for slug, count in Counter(one.slug for one in drifts).items() if count > 1]
    if args.apply and twice:
        pages = " and ".join(one.page.name for one in drifts if one.slug == twice[0])
        return _misuse(f"no page was applied, since {pages} are all pages of {twice[0]}; pass one page per model")
    applied = [_apply(one, args.specs) for one in drifts] if args.apply else []
    diff = "".join(one.diff for one in applied)
    refused = [reason for one in applied for reason in one.refused]
    _print(args.format, drifts, unread, diff, refused)
    written = [difference for one in applied for difference in one.written]
    left = [one for drift in drifts for one in drift.differences if one not in written]
    for drift in drifts:
        noted += drift_findings([replace(drift, differences=tuple(one for one in drift.differences if one in left))])
    if unread or any(not one.whole for one in drifts):
        return 3
    return 1 if refused or left else 3 if any(one.undecided for one in drifts) else 0


def _paths(given: Sequence[Path]) -> Iterator[Path]:
    for path in given:
        if path.is_dir():
            yield from sorted(one for one in path.iterdir() if one.suffix in SUFFIXES)
        else:
            yield path


def _read_all(paths: Sequence[Path], specs: Path, renamed: Sequence[str]) -> tuple[list[Drift], list[str]]:
    from rich.progress import track

    out = console(error=True)
    shown = track(
        paths, description="reading pages", console=out, transient=True, disable=not out.is_terminal or len(paths) < 20
    )
    drifts, unread = [], []
    gateway = _gateway(specs)
    for path in shown:
        try:
            drifts.append(_read(path, specs, gateway, renamed))
        except (PageError, SpecError) as error:
            unread.append(one_line(str(error)))
    return drifts, unread


def _gateway(specs: Path) -> SourceFile | None:
    """Returns the gateway's file, or None if it can't be used. Then statuses and paths are not compared with it."""
    source, findings = check_form(specs / GATEWAY_FILE, "gateway")
    return None if any(one.severity == "error" for one in findings) else source


def _read(path: Path, specs: Path, gateway: SourceFile | None, renamed: Sequence[str]) -> Drift:
    page = read_page(path)
    slug = page.get("slug")
    if not isinstance(slug, str):
        raise PageError(f"{path}: the page doesn't name its model; find the spec and compare by hand")
    file = specs / MODELS_FOLDER / f"{slug}.yaml"
    if not _is_plain(slug) or not file.is_file():
        return new_model(page, slug, str(file))
    source = checked_source(file, "model")
    return compare(page, source, gateway, _names(page, source, renamed))


def _names(page: Page, source: SourceFile, renamed: Sequence[str]) -> dict[str, str]:
    """Returns the new names of renamed parameters. Raises Misuse if the spec or the page doesn't fit them."""
    spec = source.data["parameters"]
    shown = {one.name for one in page.parameters}
    names: dict[str, str] = {}
    for given in renamed:
        splits = [(given[:at], given[at + 1 :]) for at, character in enumerate(given) if character == "="]
        fitting = [(old, new) for old, new in splits if old in spec and old not in shown]
        fitting = [(old, new) for old, new in fitting if new in shown and new not in spec]
        if len(fitting) != 1:
            raise Misuse(
                f"--renamed {given}: expected OLD=NEW, where {source.name} has a parameter OLD that the page lacks, "
                f"and {page.name} a parameter NEW that the spec lacks"
            )
        names |= dict(fitting)
    return names


def _is_plain(slug: str) -> bool:
    return "/" not in slug and "\\" not in slug and not slug.startswith(".")


class Applied(NamedTuple):
    """The diff of one spec file, the reasons for changes that were not written, and the changes that were."""

    diff: str = ""
    refused: tuple[str, ...] = ()
    written: tuple[Difference, ...] = ()


def _apply(drift: Drift, specs: Path) -> Applied:
    """Writes the decided changes into the spec's file."""
    from segforge.files import line_ends, write_atomically
    from segforge.pages.drift.apply import apply_linted

    file = specs / MODELS_FOLDER / f"{drift.slug}.yaml"
    if not any(one.decided for one in drift.differences) or not file.is_file():
        return Applied()
    old = file.read_bytes().decode("utf-8")
    ends = line_ends(old)
    today = datetime.date.today().isoformat()
    new, written, against = apply_linted(old.replace(ends, "\n"), drift, today, specs)
    refused = tuple(f"{file}: not written, since {one}" for one in against)
    if not written:
        return Applied(refused=refused)
    new = new.replace("\n", ends)
    try:
        write_atomically(file.resolve(), new)  # a symbolic link is followed, so that it remains a link
    except OSError as error:
        return Applied(
            refused=(f"{file}: not written: {error.strerror or error}; make the file and its folder writable",)
        )
    lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), str(file), str(file))
    return Applied("".join(lines), refused, tuple(written))


def _print(form: str, drifts: Sequence[Drift], unread: Sequence[str], diff: str, refused: Sequence[str]) -> None:
    if form == "json":
        document: dict[str, Any] = as_json(drifts, unread)
        print(
            json.dumps(
                {**document, **({"diff": diff} if diff else {}), **({"refused": list(refused)} if refused else {})},
                indent=2,
                ensure_ascii=False,
            )
        )
        return
    if form == "markdown":
        print(as_markdown(drifts, unread, diff, refused))
        return
    if form == "sarif":
        problems = drift_problems(drifts, unread, refused)
        print(json.dumps(sarif_document("drift", drift_findings(drifts), problems=problems), indent=2))
        return
    out = console()
    for line, style in as_text(drifts, unread):
        out.print(line, style=style, markup=False)
    print_diff(out, diff)
    for reason in refused:
        out.print(one_line(reason), style="red", markup=False)


def _misuse(text: str) -> int:
    console(error=True).print(f"segforge drift: {text}", style="red", markup=False)
    return 2
