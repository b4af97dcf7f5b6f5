"""The options about reports: writes the files, prints the result, and decides the exit code."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segforge.console import console
from segforge.github import add_github_option, is_on, summary_file
from segforge.options import percent
from segforge.spec.printable import one_line
from segforge_contract.errors import Misuse
from segforge_contract.reports.reporter import FORMS, FileReporter, Reporter

if TYPE_CHECKING:
    from segforge.spec.catalog import Catalog, Model
    from segforge.spec.finding import Finding
    from segforge_contract.cases.case import Case
    from segforge_contract.engine.settings import Settings
    from segforge_contract.reports.report import Report


_FAILURES: Final = Path(".segforge", "failures")


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Declares one option per form of report, `--fail-under`, and the options about kept failures."""
    for name, form in FORMS.items():
        parser.add_argument(f"--{name}", type=Path, metavar="DIR" if form.folder else "FILE", help=form.help)
    add_github_option(parser)
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


def open_reports(args: argparse.Namespace, noted: "list[Finding]") -> list[Reporter]:
    """Returns what writes the reports: the files, and under GitHub Actions the summary and annotations.

    Refuses places that can't be written, before anything is sent. Raises Misuse.
    """
    paths = {form: getattr(args, form) for form in FORMS}
    reporters: list[Reporter] = [FileReporter(form, path) for form, path in paths.items() if path is not None]
    if is_on(args):
        from segforge_contract.reports.github.annotations import AnnotationReporter
        from segforge_contract.reports.github.summary import SummaryReporter

        file = summary_file()
        reporters += [AnnotationReporter(noted), *([] if file is None else [SummaryReporter(file)])]
    _check_paths(args)
    for reporter in reporters:
        reporter.check()
    return reporters


def _check_paths(args: argparse.Namespace) -> None:
    """Refuses two options with one file, since one would replace the other. Raises Misuse."""
    seen: dict[Path, str] = {}
    for option in (*FORMS, "record", "resume", "replay", "deviations"):
        path: Path | None = getattr(args, option)
        if path is None or (path.exists() and not (path.is_file() or path.is_dir())):  # a device, such as /dev/null
            continue
        other = seen.setdefault(path.resolve(), option)
        if other != option:
            raise Misuse(f"--{other} and --{option} both name {path}; name two files")
    if args.har is not None and not (args.record or args.resume or args.replay or args.max_spend):
        raise Misuse("--har writes the exchanges of a journal, and this run has none; add --record FILE")


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


def report(args: argparse.Namespace, settings: "Settings", reporters: Sequence[Reporter], found: "Report") -> int:
    """Writes the reports, then prints the result. Returns the exit code, which is 2 if a report couldn't be written.

    Files come first, because the reader of stdout may be gone.
    """
    from segforge_contract.reports.text import TextReporter

    _keep(settings, found)
    problems = list(_unwritten(reporters, found))
    TextReporter(console()).write(found)
    for problem in problems:
        console(error=True).print(f"segforge contract: {one_line(problem)}", style="red", markup=False)
    return 2 if problems else _exit_code(args.fail_under, found)


def _exit_code(fail_under: float | None, found: "Report") -> int:
    if found.result.interrupted is not None:
        return found.result.interrupted
    if found.cut_short is not None and not found.by_rule and not found.outdated:
        return 2
    return 0 if found.held and _covered(fail_under, found) else 1


def _unwritten(reporters: Sequence[Reporter], found: "Report") -> Iterator[str]:
    """Writes each report. Yields the error of each that couldn't be written."""
    from segforge_contract.errors import BadJournal

    for reporter in reporters:
        try:
            reporter.write(found)
        except (OSError, BadJournal) as error:
            yield f"{reporter.option}: {error}"


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
