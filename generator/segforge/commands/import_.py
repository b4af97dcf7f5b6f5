"""Draft specs from docs pages or from an OpenAPI document. Existing files are never overwritten."""

import argparse
from pathlib import Path

from segforge.console import console
from segforge.pages.draft import Draft, DraftError, draft, lint_text
from segforge.pages.read import read_page
from segforge.pages.source.document import PageError, problem_of
from segforge.spec.inputs import MODELS_FOLDER, PACKAGED, display, working_specs
from segforge.spec.printable import counted, one_line


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("pages", type=Path, nargs="*", metavar="PAGE", help="saved docs pages: HTML or plain text")
    parser.add_argument(
        "--openapi", type=Path, metavar="FILE", help="an OpenAPI 3.x document, YAML or JSON, instead of pages"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the drafts (default: models, in the specs)")
    parser.epilog = (
        "Exit codes: 0 success, 1 a draft was not written, 2 misuse, 3 part of a page or document could not be read."
    )


def run(args: argparse.Namespace) -> int:
    """Drafts specs. Returns 1 if one was not written, 2 if a file is missing, 3 if part of a page could not be read."""
    if bool(args.pages) == bool(args.openapi):
        _say("pass saved docs pages, or an OpenAPI document with --openapi")
        return 2
    given = [*args.pages, *([args.openapi] if args.openapi else [])]
    if problem := next(filter(None, map(problem_of, given)), None):
        _say(f"{problem}; pass saved docs pages, or an OpenAPI document with --openapi")
        return 2
    out: Path = args.out or (Path("specs") if (specs := working_specs()) == PACKAGED else specs) / MODELS_FOLDER
    if args.openapi:
        return _from_openapi(args.openapi, out)
    return max([_from_page(path, out) for path in args.pages])


def _from_page(path: Path, out: Path) -> int:
    try:
        page = read_page(path)
        made = draft(page)
    except (PageError, DraftError) as error:
        _say(str(error))
        return 3 if isinstance(error, PageError) else 1
    code = _write(made, out)
    for problem in page.problems:
        _say(f"{path}: {problem}")
    return code or (3 if page.problems else 0)


def _from_openapi(path: Path, out: Path) -> int:
    from segforge.pages.import_openapi.file import OpenapiError, read_openapi
    from segforge.pages.import_openapi.models import drafts_of

    try:
        found = drafts_of(read_openapi(path), str(path))
    except OpenapiError as error:
        for line in str(error).splitlines():
            _say(line)
        return 1
    code = max([_write(one, out) for one in found.made])
    for problem in found.problems:
        _say(problem)
    return 1 if code or found.failed else 3 if found.problems else 0


def _write(made: Draft, out: Path) -> int:
    """Writes one draft. Returns 1 if the file exists or the draft doesn't pass lint."""
    target = out / f"{made.slug}.yaml"
    shown = display(target)
    text = made.text
    findings = lint_text(text, made.slug)
    if findings:
        for finding in findings:
            _say(str(finding))
        _say(f"{shown}: not written, since the draft doesn't pass lint; write this spec by hand")
        return 1
    try:
        out.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        _say(f"{shown} exists and was not changed; compare it with: segforge drift PAGE")
        return 1
    except OSError as error:
        _say(f"{shown}: {error.strerror}; choose another folder with --out")
        return 1
    for warning in made.warnings:
        _say(f"{shown}: {warning}")
    parameters = counted(len(made.data["parameters"]), "parameter")
    todos = f"{len(made.todos)} TODO" if made.todos else "nothing undecided"
    console().print(f"drafted {shown}: {parameters}, {todos}", style="yellow" if made.todos else "green", markup=False)
    return 0


def _say(text: str) -> None:
    console(error=True).print(f"segforge import: {one_line(text)}", style="red", markup=False)
