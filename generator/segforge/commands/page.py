"""Print the facts of a saved docs page with their places, and the facts that the text leaves undecided."""

import argparse
import json
from pathlib import Path

from segforge.console import console
from segforge.pages.layouts.labels import FACTS, hinted
from segforge.pages.page import Page, PageParameter
from segforge.pages.read import read_page
from segforge.pages.source.document import PageError, problem_of
from segforge.spec.printable import counted, one_line, show


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a saved docs page: HTML or plain text")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="output format")
    parser.epilog = "Exit codes: 0 success, 2 misuse, 3 part of the page could not be read."


def run(args: argparse.Namespace) -> int:
    """Prints the facts of a page. Returns 3 if part of it could not be read, 2 if the file doesn't exist."""
    if problem := problem_of(args.file):
        console(error=True).print(f"segforge page: {one_line(problem)}; pass a saved docs page", markup=False)
        return 2
    try:
        page = read_page(args.file)
    except PageError as error:
        console(error=True).print(f"segforge page: {one_line(str(error))}", style="red", markup=False)
        return 3
    if args.format == "json":
        print(json.dumps(page.to_json(), indent=2, ensure_ascii=False).encode("utf-8", "replace").decode())
    else:
        _print(page)
    return 3 if page.problems else 0


def _print(page: Page) -> None:
    out = console()
    for key in ("slug", "title", "typical_seconds", "price", "returns", "auth", "encodings"):
        if key in page.facts:
            out.print(f"{key:<16} {_shown(page.facts[key].value)}", markup=False)
    for endpoint in page.endpoints:
        out.print(f"{'endpoint':<16} {endpoint.method} {one_line(endpoint.path)}", markup=False)
    for parameter in page.parameters:
        _print_parameter(parameter, 0)
    for key, doubt in page.undecided.items():
        out.print(f"undecided {key}: {show(list(doubt.candidates), 200)}; {doubt.why}", style="yellow", markup=False)
    for note in page.notes:
        out.print(one_line(note), style="yellow", markup=False)
    for problem in page.problems:
        out.print(f"not read: {one_line(problem)}", style="red", markup=False)
    count = page.undecided_count()
    out.print(
        f"{counted(len(page.parameters), 'parameter')}, {counted(count, 'fact')} undecided, layout {page.layout}",
        style="yellow" if count else "green",
    )


def _print_parameter(parameter: PageParameter, depth: int) -> None:
    out, indent = console(), "  " * depth
    flag = {True: "required", False: "optional", None: "required?"}[parameter.get("required")]
    kind = parameter.get("type") or "type?"
    format_ = f" ({parameter.get('format')})" if "format" in parameter.facts else ""
    line = parameter.span.line
    out.print(
        f"{indent}{one_line(parameter.name)}  {flag} {kind}{one_line(format_)}  line {line}", style="bold", markup=False
    )
    for key in (*FACTS, "enum_labels", "deprecated", "affects_price", "file", "accepts", "sample"):
        if key in parameter.facts:
            out.print(f"{indent}  {key:<10} {show(parameter.facts[key].value, 200)}", markup=False)
    for key, doubt in [*parameter.undecided.items(), *hinted(parameter)]:
        text = f"{indent}  {key:<10} undecided: {show(list(doubt.candidates), 200)}; {one_line(doubt.why)}"
        out.print(text, style="yellow", markup=False)
    for part in (*parameter.items, *parameter.members):
        _print_parameter(part, depth + 1)


def _shown(value: object) -> str:
    return one_line(value) if isinstance(value, str) else show(value, 200)
