"""Check every spec against its schema and against rules that a schema can't express."""

import argparse
import json
from pathlib import Path

from segforge.console import console
from segforge.github import add_github_option, annotating
from segforge.sarif import sarif_document
from segforge.spec.finding import Finding
from segforge.spec.inputs import working_specs
from segforge.spec.load import check_specs
from segforge.spec.printable import counted


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("--specs", type=Path, default=working_specs(), metavar="DIR", help="folder of the specs")
    parser.add_argument("--format", choices=("text", "json", "sarif"), default="text", help="output format")
    add_github_option(parser)


def run(args: argparse.Namespace) -> int:
    """Prints all findings. Returns 1 if one of them is an error, 2 if the folder doesn't exist."""
    with annotating(args, "lint") as noted:
        return _run(args, noted)


def _run(args: argparse.Namespace, noted: list[Finding]) -> int:
    if not args.specs.is_dir():
        console(error=True).print(
            f"segforge lint: no folder {args.specs}; pass the folder of your specs with --specs", markup=False
        )
        return 2
    catalog, findings = check_specs(args.specs)
    noted += findings
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    if args.format == "json":
        document = {"errors": errors, "warnings": warnings, "findings": [finding.to_json() for finding in findings]}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    elif args.format == "sarif":
        print(json.dumps(sarif_document("lint", findings), indent=2))
    else:
        print_findings(findings)
        models = f"{counted(len(catalog.models), 'model')}, " if catalog else ""
        found = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
        console().print(f"{models}{found}", style="red" if errors else "green")
    return 1 if errors else 0


def print_findings(findings: list[Finding], *, error: bool = False) -> None:
    """Prints one finding per line, coloured on a terminal."""
    out = console(error=error)
    for finding in findings:
        out.print(str(finding), style="yellow" if finding.severity == "warning" else "red", markup=False)
