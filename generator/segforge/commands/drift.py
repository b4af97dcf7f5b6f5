"""Compare docs pages with the curated specs: list the changes, their places, and whether they break callers."""

import argparse
import datetime
import difflib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from segforge.console import console
from segforge.pages.difference import Drift
from segforge.pages.drift import compare, new_model
from segforge.pages.read import read_page
from segforge.pages.report import as_json, as_markdown, as_text
from segforge.pages.source.document import PageError, problem_of
from segforge.spec.finding import SpecError
from segforge.spec.load import MODELS_FOLDER, check_model, default_specs
from segforge.spec.printable import one_line

SUFFIXES = (".html", ".htm", ".txt", ".md")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("pages", type=Path, nargs="*", metavar="PAGE", help="saved docs pages, or folders of them")
    parser.add_argument("--all", action="store_true", help="every page stored by segforge fetch")
    parser.add_argument(
        "--store", type=Path, default=Path("pages"), metavar="DIR", help="folder of the stored pages (default: pages)"
    )
    parser.add_argument("--specs", type=Path, default=default_specs(), metavar="DIR", help="folder of the specs")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="output format")
    parser.add_argument("--apply", action="store_true", help="write decided changes to the specs and show the diff")
    parser.epilog = (
        "Exit codes: 0 no drift, 1 drift, 2 misuse, 3 part of a page could not be read, "
        "or no drift was found but a page leaves facts undecided."
    )


def run(args: argparse.Namespace) -> int:
    """Prints the drift. Returns 1 if there is any, 2 for misuse, 3 if a page is incomplete or has undecided facts."""
    if problem := next(filter(None, (problem_of(path, folders=True) for path in args.pages)), None):
        return _misuse(f"{problem}; pass saved docs pages, or folders of them")
    paths = list(_paths([*args.pages, *([args.store] if args.all and args.store.is_dir() else [])]))
    if not args.specs.is_dir():
        return _misuse(f"no folder {args.specs}; pass the folder of your specs with --specs")
    if not paths:
        return _misuse("no pages; pass saved docs pages, or download them with segforge fetch and use --all")
    drifts, unread = _read_all(paths, args.specs)
    twice = [slug for slug, count in Counter(one.slug for one in drifts).items() if count > 1]
    if args.apply and twice:
        pages = " and ".join(one.page.name for one in drifts if one.slug == twice[0])
        return _misuse(f"no page was applied, since {pages} are all pages of {twice[0]}; pass one page per model")
    applied = [_apply(one, args.specs) for one in drifts] if args.apply else []
    diff = "".join(text for text, _ in applied)
    refused = [reason for _, reasons in applied for reason in reasons]
    _print(args.format, drifts, unread, diff, refused)
    if unread or any(not one.whole for one in drifts):
        return 3
    left = [one for drift in drifts for one in drift.differences if not (args.apply and one.decided)]
    return 1 if refused or left else 3 if any(one.undecided for one in drifts) else 0


def _paths(given: Sequence[Path]) -> Iterator[Path]:
    for path in given:
        if path.is_dir():
            yield from sorted(one for one in path.iterdir() if one.suffix in SUFFIXES)
        else:
            yield path


def _read_all(paths: Sequence[Path], specs: Path) -> tuple[list[Drift], list[str]]:
    from rich.progress import track

    out = console(error=True)
    shown = track(
        paths, description="reading pages", console=out, transient=True, disable=not out.is_terminal or len(paths) < 20
    )
    drifts, unread = [], []
    for path in shown:
        try:
            drifts.append(_read(path, specs))
        except (PageError, SpecError) as error:
            unread.append(one_line(str(error)))
    return drifts, unread


def _read(path: Path, specs: Path) -> Drift:
    page = read_page(path)
    slug = page.get("slug")
    if not isinstance(slug, str):
        raise PageError(f"{path}: the page doesn't name its model; find the spec and compare by hand")
    file = specs / MODELS_FOLDER / f"{slug}.yaml"
    if not _is_plain(slug) or not file.is_file():
        return new_model(page, slug, str(file))
    source, findings = check_model(file)
    errors = [one for one in findings if one.severity == "error"]
    if source is None or errors:
        raise SpecError(errors)
    return compare(page, source)


def _is_plain(slug: str) -> bool:
    return "/" not in slug and "\\" not in slug and not slug.startswith(".")


def _apply(drift: Drift, specs: Path) -> tuple[str, list[str]]:
    """Writes the decided changes. Returns the diff, and the reasons for changes that were not written."""
    from segforge.files import write_atomically
    from segforge.pages.apply import apply_linted

    file = specs / MODELS_FOLDER / f"{drift.slug}.yaml"
    if not any(one.decided for one in drift.differences) or not file.is_file():
        return "", []
    old = file.read_bytes().decode("utf-8")
    crlf = 0 < old.count("\n") == old.count("\r\n")
    today = datetime.date.today().isoformat()
    new, written, against = apply_linted(old.replace("\r\n", "\n") if crlf else old, drift, today)
    refused = [f"{file}: not written, since the page contradicts itself: {one}" for one in against]
    if not written:
        return "", refused
    new = new.replace("\n", "\r\n") if crlf else new
    try:
        write_atomically(file.resolve(), new)  # a symbolic link is followed, so that it remains a link
    except OSError as error:
        return "", [f"{file}: not written: {error.strerror or error}; make the file and its folder writable"]
    lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), str(file), str(file))
    return "".join(lines), refused


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
    out = console()
    for line, style in as_text(drifts, unread):
        out.print(line, style=style, markup=False)
    for line in diff.splitlines():
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        out.print(line, style=style, markup=False)
    for reason in refused:
        out.print(one_line(reason), style="red", markup=False)


def _misuse(text: str) -> int:
    console(error=True).print(f"segforge drift: {text}", style="red", markup=False)
    return 2
