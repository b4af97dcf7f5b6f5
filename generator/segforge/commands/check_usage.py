"""Check code that calls the gateway: unknown or retired models, wrong parameters, and what the calls cost."""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from segforge.commands.lint import print_findings
from segforge.console import console
from segforge.github import add_github_option, annotating
from segforge.sarif import sarif_document
from segforge.spec.finding import Finding, SpecError
from segforge.spec.inputs import working_specs
from segforge.spec.price import Estimate
from segforge.spec.printable import counted, one_line
from segforge.usage.check import Checked, check_usage
from segforge.usage.knowledge import load_knowledge
from segforge.usage.rules import rule_in_words


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or a folder of code")
    parser.add_argument("--specs", type=Path, default=working_specs(), metavar="DIR", help="folder of the specs")
    parser.add_argument("--format", choices=("text", "json", "sarif"), default="text", help="output format")
    add_github_option(parser)
    parser.epilog = (
        "Python, TypeScript, JavaScript, shell, PHP, Go, and their code blocks in Markdown are read; nothing is "
        "executed or sent. A comment `segforge: ignore` or `segforge: ignore[RULE]` turns off findings on its line. "
        "Exit codes: 0 no findings, 1 findings, 2 misuse."
    )


def run(args: argparse.Namespace) -> int:
    """Prints the findings. Returns 1 if there are any, 2 if a path doesn't exist or the specs can't be read."""
    with annotating(args, "check-usage") as noted:
        return _run(args, noted)


def _run(args: argparse.Namespace, noted: list[Finding]) -> int:
    absent = [path for path in args.paths if not path.exists()]
    if absent:
        console(error=True).print(
            one_line(f"segforge check-usage: no file or folder {absent[0]}; pass paths that exist"), markup=False
        )
        return 2
    try:
        checked = check_usage(args.paths, load_knowledge(args.specs))
    except SpecError as error:
        for finding in error.findings:
            console(error=True).print(f"segforge check-usage: {finding}", style="red", markup=False)
        return 2
    noted += checked.findings
    if args.format == "json":
        print(json.dumps(_document(checked), indent=2, ensure_ascii=False))
    elif args.format == "sarif":
        print(json.dumps(sarif_document("check-usage", checked.findings, rule_in_words), indent=2))
    else:
        _print(checked)
    return 1 if checked.findings else 0


def _document(checked: Checked) -> dict[str, object]:
    return {
        "files": checked.files,
        "findings": [finding.to_json() for finding in checked.findings],
        "calls": [asdict(call) for call in checked.calls],
        "unread": [{"file": file, "why": why} for file, why in checked.unread],
    }


def _in_words(prices: Sequence[Estimate | None]) -> str:
    """Returns what a call of one model costs in words: the average, and the highest upper end of all places."""
    known = [price for price in prices if price is not None]
    if not known:
        return "no known price"
    average = known[0].average
    usual = "" if average is None else f"{average:.4g} USD a run on average, "
    return f"{usual}at most {max(price.high for price in known):.4g} USD by its sources"


def _print(checked: Checked) -> None:
    out = console()
    print_findings(list(checked.findings))
    for file, why in checked.unread:
        console(error=True).print(one_line(f"{file}: not read: {why}"), style="yellow", markup=False)
    for slug, count in sorted(Counter(call.slug for call in checked.calls).items()):
        price = _in_words([call.price for call in checked.calls if call.slug == slug])
        out.print(one_line(f"{slug}  {counted(count, 'place')}  {price}"), markup=False)
    errors = sum(finding.severity == "error" for finding in checked.findings)
    warnings = len(checked.findings) - errors
    found = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    read = f"{counted(checked.files, 'file')}, {counted(len(checked.calls), 'place')} where a model is called or named"
    out.print(f"{read}, {found}", style="red" if errors else "yellow" if warnings else "green")
