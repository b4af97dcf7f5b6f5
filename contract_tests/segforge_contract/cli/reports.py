"""The options about reports: writes the files, prints the result, and decides the exit code."""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segforge.console import console
from segforge.options import percent
from segforge_contract.cli.options import check_writable

if TYPE_CHECKING:
    from segforge.spec.catalog import Catalog, Model
    from segforge_contract.cases.case import Case
    from segforge_contract.engine.settings import Settings
    from segforge_contract.reports.report import Report


def _json(report: "Report") -> str:
    from segforge_contract.reports.json import to_json

    return json.dumps(to_json(report), indent=2) + "\n"


def _html(report: "Report") -> str:
    from segforge_contract.reports.html import to_html

    return to_html(report)


def _junit(report: "Report") -> str:
    from segforge_contract.reports.junit import to_junit

    return to_junit(report)


_FORMS: Final[Mapping[str, tuple[Callable[["Report"], str], str]]] = {
    "json": (_json, "write the whole report to this file as JSON"),
    "html": (_html, "write the report to this file as one HTML page, with the coverage of each parameter"),
    "junit": (_junit, "write the report to this file as JUnit XML, for a CI system"),
}

_FAILURES: Final = Path(".segforge", "failures")


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Declares one option per form of report, `--fail-under`, and the options about kept failures."""
    for name, (_, text) in _FORMS.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=text)
    parser.add_argument(
        "--fail-under",
        type=percent,
        metavar="PERCENT",
        help="exit with 1 if a smaller share of the rules was tested",
    )
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--failures",
        type=Path,
        default=_FAILURES,
        metavar="DIR",
        help=f"keep failures in this folder, and send them first in the next run (default: {_FAILURES})",
    )
    kept.add_argument("--forget", action="store_true", help="neither keep failures nor send kept ones")


def check_reports(args: argparse.Namespace) -> None:
    """Refuses files that can't be written, before anything is sent. Raises Misuse."""
    for name in _FORMS:
        check_writable(f"--{name}", getattr(args, name))


def kept_first(settings: "Settings", catalog: "Catalog", models: "Iterable[Model]") -> "list[Case]":
    """The cases that failed in the last run; none if a journal decides what is sent. Prints unreadable files."""
    if settings.failures is None or settings.resume or settings.replay:
        return []
    from segforge_contract.findings.kept import kept_cases

    cases, problems = kept_cases(settings.failures, catalog, models)
    for problem in problems:
        console(error=True).print(f"segforge contract: {problem}", style="yellow", markup=False)
    return cases


def _keep(settings: "Settings", found: "Report") -> None:
    if settings.failures is None or settings.replay is not None:  # old answers say nothing about the gateway today
        return
    from segforge_contract.findings.kept import keep_failures

    try:
        keep_failures(settings.failures, found.plan.catalog, found.result)
    except OSError as error:
        console(error=True).print(f"segforge contract: can't keep failures: {error}", style="yellow", markup=False)


def report(args: argparse.Namespace, settings: "Settings", found: "Report") -> int:
    """Writes the report's files, then prints it. Returns the exit code, which is 2 if a file couldn't be written.

    Files come first, because the reader of stdout may be gone.
    """
    from segforge_contract.reports.text import print_report

    _keep(settings, found)
    problems = list(_unwritten(args, found))
    print_report(console(), found)
    for problem in problems:
        console(error=True).print(f"segforge contract: {problem}", style="red", markup=False)
    return 2 if problems else _exit_code(args.fail_under, found)


def _exit_code(fail_under: float | None, found: "Report") -> int:
    if found.result.interrupted is not None:
        return found.result.interrupted
    if found.cut_short is not None and not found.by_rule and not found.outdated:
        return 2
    return 0 if found.held and _covered(fail_under, found) else 1


def _unwritten(args: argparse.Namespace, found: "Report") -> Iterator[str]:
    """Writes each requested file. Yields the error of each that couldn't be written."""
    from segforge.files import write_atomically

    for name, (form, _) in _FORMS.items():
        file = getattr(args, name)
        if file is None:
            continue
        try:
            if file.exists() and not file.is_file():  # a pipe or a device, which can't be replaced
                file.write_text(form(found), "utf-8")
            else:
                write_atomically(file, form(found))
        except OSError as error:
            yield f"--{name}: {error}"


def _covered(fail_under: float | None, found: "Report") -> bool:
    share = found.coverage.percent
    if fail_under is None or share >= fail_under:
        return True
    missing = found.coverage.missing
    console(error=True).print(
        f"segforge contract: coverage is {share:g} %, --fail-under requires {fail_under:g} %; "
        f"no case was sent for {len(missing)} rules, such as {missing[0].in_words}",
        style="red",
        markup=False,
    )
    return False
