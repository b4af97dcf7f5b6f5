"""Reports of a campaign as the command line asks for them: on the terminal, in files, and as its exit code."""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segforge.console import console
from segforge_contract.cli.options import writable

if TYPE_CHECKING:
    from segforge.spec.catalog import Catalog, Model
    from segforge_contract.cases.case import Case
    from segforge_contract.reports.report import Report


def _json(report: "Report") -> str:
    from segforge_contract.reports.report import to_json

    return json.dumps(to_json(report), indent=2) + "\n"


def _html(report: "Report") -> str:
    from segforge_contract.reports.html import to_html

    return to_html(report)


def _junit(report: "Report") -> str:
    from segforge_contract.reports.junit import to_junit

    return to_junit(report)


_FORMS: Final[Mapping[str, tuple[Callable[["Report"], str], str]]] = {
    "json": (_json, "write the whole report there, for machines"),
    "html": (_html, "write it there as one HTML page, with the coverage of each parameter"),
    "junit": (_junit, "write it there as JUnit XML, for a CI system"),
}


_FAILURES: Final = Path(".segforge", "failures")


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Declare a file for each form of report, `--fail-under`, and where failures are kept."""
    for name, (_, text) in _FORMS.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=text)
    parser.add_argument(
        "--fail-under",
        type=_percent,
        metavar="PERCENT",
        help="exit with 1 where a smaller share of the rules was put to the test",
    )
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--failures",
        type=Path,
        default=_FAILURES,
        metavar="DIR",
        help=f"keep failures there, and send them first next time, default {_FAILURES}",
    )
    kept.add_argument("--forget", action="store_true", help="neither keep failures nor send those that are kept")


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 100, found {text!r}")
    return percent


def check_reports(args: argparse.Namespace) -> None:
    """Refuse files that can't be written, before anything is sent. Raises Misuse."""
    for name in _FORMS:
        writable(f"--{name}", getattr(args, name))


def kept_first(args: argparse.Namespace, catalog: "Catalog", models: "Iterable[Model]") -> "list[Case]":
    """The cases that failed last time; none where a journal says what was sent. What can't be read is told."""
    if args.forget or args.resume or args.replay:
        return []
    from segforge_contract.findings.kept import kept_cases

    cases, problems = kept_cases(args.failures, catalog, models)
    for problem in problems:
        console(error=True).print(f"segforge contract: {problem}", style="yellow", markup=False)
    return cases


def _keep(args: argparse.Namespace, found: "Report") -> None:
    if args.forget or args.replay is not None:  # what was recorded then says nothing about now
        return
    from segforge_contract.findings.kept import keep_failures

    try:
        keep_failures(args.failures, found.plan.catalog, found.outcome)
    except OSError as error:
        console(error=True).print(f"segforge contract: no failures are kept: {error}", style="yellow", markup=False)


def report(args: argparse.Namespace, found: "Report") -> int:
    """Write the report's files, then print it; gives the exit code, which is 2 where a file couldn't be written.

    The files come first: whoever reads the terminal's end of it may be gone.
    """
    from segforge_contract.reports.report import print_report

    _keep(args, found)
    problems = list(_unwritten(args, found))
    print_report(console(), found)
    for problem in problems:
        console(error=True).print(f"segforge contract: {problem}", style="red", markup=False)
    return 2 if problems else _exit_code(args, found)


def _exit_code(args: argparse.Namespace, found: "Report") -> int:
    if found.outcome.interrupted is not None:
        return found.outcome.interrupted
    if found.cut_short is not None and not found.by_rule and not found.outdated:
        return 2
    return 0 if found.held and _covered(args.fail_under, found) else 1


def _unwritten(args: argparse.Namespace, found: "Report") -> Iterator[str]:
    """Write each file that was asked for; gives what keeps which from being written."""
    from segforge.emit.manifest import write_atomically

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
    percent = found.coverage.percent
    if fail_under is None or percent >= fail_under:
        return True
    missing = found.coverage.missing
    console(error=True).print(
        f"segforge contract: coverage is {percent:g} %, --fail-under asks for {fail_under:g} %; "
        f"no case was sent for {len(missing)} rules, such as {missing[0].in_words}",
        style="red",
        markup=False,
    )
    return False
